"""Nobody is written to at night, and the two hours to answer do not run then."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medcal import clock
from medcal.models import Location
from medcal.services.quiet_hours import answer_deadline, end_of_quiet


def clinic(
    zone: str = "Europe/Vienna", quiet: tuple[str, str] = ("20:00", "08:00"), answer_minutes: int = 120
) -> Location:
    return Location(
        slug="clinic",
        name="Clinic",
        zone=zone,
        quiet_from=time.fromisoformat(quiet[0]),
        quiet_until=time.fromisoformat(quiet[1]),
        answer_minutes=answer_minutes,
    )


def at(moment: str, zone: str = "Europe/Vienna") -> datetime:
    day, wall = moment.split()
    return clock.instant_or_later(date.fromisoformat(day), time.fromisoformat(wall), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("asked", "answers_until"),
    [
        ("2026-06-01 10:00", "2026-06-01 12:00"),
        ("2026-06-01 18:00", "2026-06-01 20:00"),
        ("2026-06-01 19:00", "2026-06-02 09:00"),
        ("2026-06-01 19:59", "2026-06-02 09:59"),
        ("2026-06-01 20:00", "2026-06-02 10:00"),
        ("2026-06-01 23:30", "2026-06-02 10:00"),
        ("2026-06-02 07:59", "2026-06-02 10:00"),
        ("2026-06-02 08:00", "2026-06-02 10:00"),
        # The night of the change is an hour shorter or longer; the answer time is not.
        ("2026-03-28 19:30", "2026-03-29 09:30"),
        ("2026-10-24 19:30", "2026-10-25 09:30"),
    ],
)
def test_two_hours_to_answer_stand_still_at_night(asked: str, answers_until: str) -> None:
    deadline = answer_deadline(at(asked), clinic())

    assert deadline == at(answers_until)


def test_a_long_answer_time_runs_over_several_days() -> None:
    deadline = answer_deadline(at("2026-06-01 10:00"), clinic(answer_minutes=24 * 60))

    assert deadline == at("2026-06-03 10:00")


def test_quiet_hours_may_lie_within_the_day() -> None:
    siesta = clinic(quiet=("13:00", "15:00"))

    assert answer_deadline(at("2026-06-01 12:00"), siesta) == at("2026-06-01 16:00")
    assert end_of_quiet(at("2026-06-01 14:00"), siesta) == at("2026-06-01 15:00")
    assert end_of_quiet(at("2026-06-01 15:00"), siesta) is None


def test_a_clinic_without_quiet_hours_is_never_quiet() -> None:
    always = clinic(quiet=("00:00", "00:00"))

    assert end_of_quiet(at("2026-06-01 03:00"), always) is None
    assert answer_deadline(at("2026-06-01 23:00"), always) == at("2026-06-02 01:00")


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-06-01 19:59", None),
        ("2026-06-01 20:00", "2026-06-02 08:00"),
        ("2026-06-02 00:00", "2026-06-02 08:00"),
        ("2026-06-02 07:59", "2026-06-02 08:00"),
        ("2026-06-02 08:00", None),
    ],
)
def test_the_night_ends_at_eight(now: str, ends: str | None) -> None:
    assert end_of_quiet(at(now), clinic()) == (at(ends) if ends else None)


CHANGES = [
    ("Europe/Vienna", date(2026, 3, 29)),
    ("Europe/Vienna", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
]
STEP = timedelta(minutes=15)
# Any quarter of an hour, and often one near the change.
quarters = st.one_of(st.integers(0, 95), st.integers(4, 14)).map(
    lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}"
)


@given(
    where=st.sampled_from(CHANGES),
    quarter=st.integers(-60, 108),
    quiet=st.one_of(st.tuples(quarters, quarters), st.just(("20:00", "08:00"))),
    answer=st.integers(1, 40),
)
@settings(max_examples=400, deadline=None)
def test_an_answer_time_is_always_waking_time_and_always_all_of_it(
    where: tuple[str, date], quarter: int, quiet: tuple[str, str], answer: int
) -> None:
    zone, day = where
    location = clinic(zone, quiet, answer_minutes=15 * answer)
    now = clock.day_start(day, ZoneInfo(zone)) + quarter * STEP

    deadline = answer_deadline(now, location)

    steps = [now + step * STEP for step in range(int((deadline - now) / STEP))]
    assert sum(end_of_quiet(step, location) is None for step in steps) == answer
    assert end_of_quiet(deadline - STEP, location) is None


@given(
    where=st.sampled_from(CHANGES),
    quarter=st.integers(-60, 108),
    quiet=st.tuples(quarters, quarters),
)
@settings(max_examples=400, deadline=None)
def test_the_end_of_quiet_is_not_quiet(where: tuple[str, date], quarter: int, quiet: tuple[str, str]) -> None:
    zone, day = where
    location = clinic(zone, quiet)
    now = clock.day_start(day, ZoneInfo(zone)) + quarter * STEP

    ends = end_of_quiet(now, location)

    assert ends is None or (ends > now and end_of_quiet(ends, location) is None)
