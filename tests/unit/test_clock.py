"""Between instants and a location's calendar, on ordinary days and where the clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medcal import clock

VIENNA = ZoneInfo("Europe/Vienna")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
HAVANA = ZoneInfo("America/Havana")  # changes at midnight


def test_now_is_an_instant_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_half_past_nine_in_vienna_is_half_past_seven_utc_in_summer() -> None:
    assert clock.instant(date(2026, 6, 1), time(9, 30), VIENNA) == datetime(2026, 6, 1, 7, 30, tzinfo=UTC)


def test_a_skipped_time_is_no_instant() -> None:
    assert clock.instant(date(2026, 3, 29), time(2, 30), VIENNA) is None


def test_a_skipped_time_read_later_keeps_the_offset_before_the_gap() -> None:
    at = clock.instant_or_later(date(2026, 3, 29), time(2, 30), VIENNA)

    assert clock.local(at, VIENNA).time() == time(3, 30)


def test_a_time_that_occurs_twice_means_the_first() -> None:
    assert clock.instant(date(2026, 10, 25), time(2, 30), VIENNA) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        (VIENNA, date(2026, 6, 1), timedelta(hours=24)),
        (VIENNA, date(2026, 3, 29), timedelta(hours=23)),
        (VIENNA, date(2026, 10, 25), timedelta(hours=25)),
        (LORD_HOWE, date(2026, 10, 4), timedelta(hours=23, minutes=30)),
        (LORD_HOWE, date(2026, 4, 5), timedelta(hours=24, minutes=30)),
        (HAVANA, date(2026, 3, 8), timedelta(hours=23)),
        (HAVANA, date(2026, 11, 1), timedelta(hours=25)),
    ],
)
def test_a_local_day_lasts_as_long_as_its_clock_says(zone: ZoneInfo, day: date, length: timedelta) -> None:
    assert clock.day_end(day, zone) - clock.day_start(day, zone) == length


def test_a_day_whose_midnight_is_skipped_starts_at_one() -> None:
    start = clock.day_start(date(2026, 3, 8), HAVANA)

    assert clock.local(start, HAVANA).time() == time(1)
    assert clock.local_day(start - timedelta(microseconds=1), HAVANA) == date(2026, 3, 7)


instants = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@given(at=instants, zone=st.sampled_from([VIENNA, LORD_HOWE, HAVANA]))
def test_every_instant_lies_within_its_own_local_day(at: datetime, zone: ZoneInfo) -> None:
    day = clock.local_day(at, zone)

    assert clock.day_start(day, zone) <= at < clock.day_end(day, zone)
