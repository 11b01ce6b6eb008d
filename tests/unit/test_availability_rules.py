"""Working hours minus time off on the location's clock: pure rules, without a database."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medcal import clock
from medcal.models import TimeOff, WorkingHours
from medcal.services.availability import Cell, cells_of_day

VIENNA = ZoneInfo("Europe/Vienna")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its clock changes by half an hour
MONDAY = date(2026, 6, 1)

# The local days on which the clock goes forward and back.
SPRING = {VIENNA: date(2026, 3, 29), NEW_YORK: date(2026, 3, 8), LORD_HOWE: date(2026, 10, 4)}
AUTUMN = {VIENNA: date(2026, 10, 25), NEW_YORK: date(2026, 11, 1), LORD_HOWE: date(2026, 4, 5)}


def hours(opens: str, closes: str, *, raster: int = 30, on: date = MONDAY, **kwargs: date) -> WorkingHours:
    return WorkingHours(
        doctor_id=1,
        weekday=on.weekday(),
        opens=time.fromisoformat(opens),
        closes=time.fromisoformat(closes),
        raster_minutes=raster,
        valid_from=kwargs.get("valid_from", date(2020, 1, 1)),
        valid_until=kwargs.get("valid_until"),
    )


def absence(since: str, until: str, *, day: date = MONDAY, zone: ZoneInfo = VIENNA) -> TimeOff:
    starts_at, ends_at = (clock.instant_or_later(day, time.fromisoformat(wall), zone) for wall in (since, until))
    return TimeOff(doctor_id=1, starts_at=starts_at, ends_at=ends_at)


def offered(
    *rules: WorkingHours, off: tuple[TimeOff, ...] = (), day: date = MONDAY, zone: ZoneInfo = VIENNA
) -> list[str]:
    return [f"{cell.starts:%H:%M}" for cell in cells_of_day(rules, off, day, zone)]


def closing(cell: Cell, zone: ZoneInfo = VIENNA) -> str:
    return f"{clock.local(cell.closes_at, zone):%H:%M}"


def test_a_visit_may_start_every_raster_step_from_opening_to_closing() -> None:
    found = offered(hours("08:00", "10:00", raster=30))

    assert found == ["08:00", "08:30", "09:00", "09:30"]


def test_a_step_that_would_end_after_closing_is_not_offered() -> None:
    found = offered(hours("08:00", "09:45", raster=30))

    assert found == ["08:00", "08:30", "09:00"]


def test_nothing_is_offered_on_another_weekday() -> None:
    found = offered(hours("08:00", "10:00"), day=MONDAY + timedelta(days=1))

    assert found == []


@pytest.mark.parametrize(
    ("first", "last", "is_open"), [(0, 0, True), (1, None, False), (-7, -1, False), (-7, None, True)]
)
def test_hours_hold_from_their_first_to_their_last_day(first: int, last: int | None, is_open: bool) -> None:
    until = {} if last is None else {"valid_until": MONDAY + timedelta(days=last)}

    found = offered(hours("08:00", "09:00", valid_from=MONDAY + timedelta(days=first), **until))

    assert bool(found) is is_open


def test_stretches_that_touch_are_one_long_day() -> None:
    cells = cells_of_day([hours("08:00", "12:00"), hours("12:00", "16:00")], [], MONDAY, VIENNA)

    assert {closing(cell) for cell in cells} == {"16:00"}


def test_a_step_may_run_from_one_stretch_into_the_next() -> None:
    found = offered(hours("08:00", "08:45", raster=30), hours("08:45", "09:30", raster=45))

    assert found == ["08:00", "08:30", "08:45"]


def test_a_lunch_break_ends_the_mornings_work() -> None:
    cells = cells_of_day([hours("08:00", "12:00"), hours("13:00", "16:00")], [], MONDAY, VIENNA)

    assert {(closing(cell), cell.starts < time(12)) for cell in cells} == {("12:00", True), ("16:00", False)}


def test_hours_written_twice_are_offered_once() -> None:
    found = offered(hours("08:00", "09:00"), hours("08:00", "09:00"))

    assert found == ["08:00", "08:30"]


def test_an_absence_takes_its_time_out_of_the_day() -> None:
    cells = cells_of_day([hours("08:00", "12:00")], [absence("09:10", "10:20")], MONDAY, VIENNA)

    assert [f"{cell.starts:%H:%M}" for cell in cells] == ["08:00", "08:30", "10:30", "11:00", "11:30"]
    assert [closing(cell) for cell in cells] == ["09:10", "09:10", "12:00", "12:00", "12:00"]


def test_absences_that_overlap_touch_or_repeat_count_once() -> None:
    off = (absence("09:00", "10:00"), absence("09:30", "10:30"), absence("10:30", "11:00"), absence("09:00", "10:00"))

    found = offered(hours("08:00", "12:00"), off=off)

    assert found == ["08:00", "08:30", "11:00", "11:30"]


def test_an_absence_that_only_touches_the_hours_takes_nothing() -> None:
    off = (absence("07:00", "08:00"), absence("09:00", "10:00"))

    found = offered(hours("08:00", "09:00"), off=off)

    assert found == ["08:00", "08:30"]


def test_an_absence_over_the_whole_day_leaves_nothing() -> None:
    found = offered(hours("08:00", "12:00"), off=(absence("00:00", "23:59"),))

    assert found == []


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (VIENNA, ["01:00", "01:30", "03:00", "03:30"]),
        (NEW_YORK, ["01:00", "01:30", "03:00", "03:30"]),
        (LORD_HOWE, ["01:00", "01:30", "02:30", "03:00", "03:30"]),
    ],
)
def test_a_time_that_the_clock_skips_in_spring_is_not_offered(zone: ZoneInfo, expected: list[str]) -> None:
    day = SPRING[zone]

    found = offered(hours("01:00", "04:00", on=day), day=day, zone=zone)

    assert found == expected


@pytest.mark.parametrize("zone", [VIENNA, NEW_YORK, LORD_HOWE])
def test_a_time_that_occurs_twice_in_autumn_is_offered_once_and_first(zone: ZoneInfo) -> None:
    day = AUTUMN[zone]

    cells = cells_of_day([hours("00:00", "04:00", on=day)], [], day, zone)

    walls = [cell.starts for cell in cells]
    assert walls == sorted(set(walls))
    assert all(cell.starts_at == datetime.combine(day, cell.starts, zone).astimezone(UTC) for cell in cells)
    assert len(cells) == 8


@pytest.mark.parametrize("zone", [VIENNA, NEW_YORK, LORD_HOWE])
@pytest.mark.parametrize("days", [SPRING, AUTUMN])
def test_work_over_a_clock_change_lasts_as_long_as_the_clock_says(zone: ZoneInfo, days: dict[ZoneInfo, date]) -> None:
    day = days[zone]
    change = clock.day_end(day, zone) - clock.day_start(day, zone) - timedelta(hours=24)

    first = cells_of_day([hours("00:00", "06:00", on=day)], [], day, zone)[0]

    assert first.closes_at - first.starts_at == timedelta(hours=6) + change


def test_hours_inside_the_skipped_hour_are_no_hours() -> None:
    day = SPRING[VIENNA]

    found = offered(hours("02:10", "02:50", raster=10, on=day), hours("02:30", "03:10", raster=10, on=day), day=day)

    assert found == []


ZONES_AND_DAYS = [
    (zone, days[zone] + timedelta(days=offset)) for days in (SPRING, AUTUMN) for zone in days for offset in (0, 1)
]
FIVE_MINUTES = timedelta(minutes=5)
walls = st.integers(0, 287).map(lambda step: (datetime.min + step * FIVE_MINUTES).time())
stretches = st.tuples(walls, walls, st.integers(1, 48)).filter(lambda rule: rule[0] < rule[1])


@given(
    where=st.sampled_from(ZONES_AND_DAYS),
    rules=st.lists(stretches, max_size=3),
    off=st.lists(st.tuples(st.integers(-12, 320), st.integers(1, 60)), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_a_start_is_offered_exactly_where_the_doctor_works_through_the_whole_step(
    where: tuple[ZoneInfo, date], rules: list[tuple[time, time, int]], off: list[tuple[int, int]]
) -> None:
    zone, day = where
    weekly = [hours(f"{opens}", f"{closes}", raster=5 * steps, on=day) for opens, closes, steps in rules]
    midnight = clock.day_start(day, zone)
    absences = [
        TimeOff(
            doctor_id=1, starts_at=midnight + since * FIVE_MINUTES, ends_at=midnight + (since + steps) * FIVE_MINUTES
        )
        for since, steps in off
    ]

    cells = cells_of_day(weekly, absences, day, zone)

    assert {(cell.starts_at, cell.closes_at) for cell in cells} == _by_counting(weekly, absences, day, zone)


def _by_counting(
    rules: list[WorkingHours], off: list[TimeOff], day: date, zone: ZoneInfo
) -> set[tuple[datetime, datetime]]:
    """The same answer the slow way: every five minutes of the day on their own."""
    midnight = clock.day_start(day, zone)
    steps = [midnight + step * FIVE_MINUTES for step in range(330)]
    spans = [
        (clock.instant_or_later(day, rule.opens, zone), clock.instant_or_later(day, rule.closes, zone))
        for rule in rules
    ]
    worked = {
        at
        for at in steps
        if any(start <= at < end for start, end in spans) and not any(gap.starts_at <= at < gap.ends_at for gap in off)
    }
    found = set()
    for rule, (start, _) in zip(rules, spans, strict=True):
        wall = datetime.combine(day, rule.opens)
        while wall.time() < rule.closes and wall.date() == day:
            at, length = clock.instant(day, wall.time(), zone), rule.raster_minutes // 5
            if at and at >= start and all(at + step * FIVE_MINUTES in worked for step in range(length)):
                found.add((at, next(later for later in steps if later > at and later not in worked)))
            wall += timedelta(minutes=rule.raster_minutes)
    return found
