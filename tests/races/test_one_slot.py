"""Many people, one time: the constraints let one through, and without them the race is really lost."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.errors import SlotTaken
from medcal.models import Appointment, WorkingHours
from medcal.security import digest
from medcal.services import booking, schedules
from medcal.services.booking import Details
from medcal.services.patients import Person
from tests.races.crowd import DOUBLE_CLAIMS, DOUBLE_SLOTS, Town, at_once, broken_promises, count
from tests.support.factories import NOW
from tests.support.times import VIENNA, at

UNIQUE = "uq_appointment_doctor_slot_date_live"
EXCLUSION = "ex_appointment_doctor_time_live"
NINE = at("2026-03-03 09:00")
Work = Callable[[Session], object]


def hold(town: Town, person: int, starts_at: datetime) -> Work:
    return lambda db: booking.hold(
        db, town.clinic.okafor, town.clinic.visit_type, starts_at, visit=digest(f"browser {person}"), now=NOW
    )


def book_at_desk(town: Town, person: int, starts_at: datetime, now: datetime = NOW) -> Work:
    who = Person(f"Patient {person:03}", date(1984, 2, 29), f"p{person}@example.com", None)
    return lambda db: booking.book_at_desk(
        db, town.clinic.okafor, town.clinic.visit_type, starts_at, who, by=town.clinic.desk, now=now
    )


def test_of_a_hundred_people_who_want_one_time_one_gets_it(town: Town) -> None:
    outcomes = at_once([hold(town, person, NINE) for person in range(100)])

    refused = [outcome.refusal for outcome in outcomes if outcome.refusal]
    assert len(refused) == 99
    assert {(type(refusal), str(refusal)) for refusal in refused} == {(SlotTaken, str(SlotTaken()))}
    assert count(town.url, "SELECT FROM appointment") == 1
    assert broken_promises(town.url) == {}


def test_a_double_click_on_the_form_books_once(town: Town) -> None:
    held = in_transaction(hold(town, 0, NINE))
    details = Details(Person("Alice Adler", date(1984, 2, 29), "alice@example.com", None))

    def confirm(db: Session) -> int:
        return booking.confirm(db, held.ref, details, visit=digest("browser 0"), now=NOW)  # type: ignore[attr-defined]

    outcomes = at_once([confirm] * 8)

    assert {outcome.value for outcome in outcomes} == {held.appointment_id}  # type: ignore[attr-defined]
    assert count(town.url, "SELECT FROM message") == count(town.url, "SELECT FROM appointment") == 1


def test_a_hold_that_runs_out_while_it_is_confirmed_is_confirmed_or_gone(town: Town) -> None:
    details = Details(Person("Alice Adler", date(1984, 2, 29), "alice@example.com", None))
    for number in range(20):
        starts_at = NINE + timedelta(days=7 * (number // 10), minutes=30 * (number % 10))
        held = in_transaction(hold(town, 0, starts_at))
        confirm: Work = lambda db, held=held: booking.confirm(  # type: ignore[misc]  # noqa: E731
            db, held.ref, details, visit=digest("browser 0"), now=held.held_until - timedelta(microseconds=1)
        )
        release: Work = lambda db, held=held: booking.release_lapsed_holds(db, held.held_until)  # type: ignore[misc]  # noqa: E731

        confirmed, released = at_once([confirm, release])

        assert confirmed.is_refused is bool(released.value)
    assert broken_promises(town.url) == {}


# --- The constraints, one by one ----------------------------------------------------------------------------------------


def same_start(town: Town, day: int) -> Sequence[Work]:
    return [hold(town, person, NINE + timedelta(days=day)) for person in range(16)]


def overlapping(town: Town, day: int) -> Sequence[Work]:
    """Sixteen visits of half an hour, each beginning a minute after the other."""
    return [book_at_desk(town, person, NINE + timedelta(days=day, minutes=person)) for person in range(16)]


def repeated_hour(town: Town, day: int) -> Sequence[Work]:
    """When the clock goes back, 02:00 is there twice: two instants, one slot on one date."""
    first = clock.instant_or_later(date(2026, 10, 25), time(2, 5 * day), VIENNA)
    now = at("2026-10-24 12:00")
    return [book_at_desk(town, person, first + timedelta(hours=person % 2), now) for person in range(8)]


RACES = {"same start": same_start, "overlapping": overlapping, "repeated hour": repeated_hour}
DOUBLES = {"same start": DOUBLE_CLAIMS, "overlapping": DOUBLE_CLAIMS, "repeated hour": DOUBLE_SLOTS}
ROUNDS = 4


def races_lost(town: Town, race: str, rounds: int = ROUNDS) -> int:
    """How many doubles the race leaves behind; a few rounds, until one shows."""
    if race == "repeated hour":
        in_transaction(open_at_night, town)
    for day in range(rounds):
        at_once(RACES[race](town, day))
        if doubles := count(town.url, DOUBLES[race]):
            return doubles
    return 0


def open_at_night(db: Session, town: Town) -> None:
    night = {"weekday": 6, "opens": time(0), "closes": time(6), "raster_minutes": 5, "valid_from": date(2020, 1, 1)}
    db.add(WorkingHours(doctor_id=town.clinic.okafor.id, **night))
    db.flush()
    schedules.write_openings(db, town.clinic.okafor.id or 0, now=at("2026-10-24 12:00"))


@pytest.mark.parametrize("race", RACES)
def test_nobody_gets_what_another_has(town: Town, race: str) -> None:
    assert races_lost(town, race) == 0
    assert broken_promises(town.url) == {}


def test_the_unique_index_alone_keeps_a_start_to_one(town: Town) -> None:
    town.without(EXCLUSION)

    assert races_lost(town, "same start") == 0


def test_the_exclusion_constraint_alone_keeps_every_instant_to_one(town: Town) -> None:
    town.without(UNIQUE)

    assert races_lost(town, "same start") == 0
    assert count(town.url, DOUBLE_CLAIMS) == 0


@pytest.mark.parametrize(
    ("race", "dropped"),
    [
        ("overlapping", [EXCLUSION]),
        ("repeated hour", [UNIQUE]),
        ("same start", [EXCLUSION, UNIQUE]),
    ],
    ids=str,
)
def test_without_its_constraint_the_race_is_lost(town: Town, race: str, dropped: list[str]) -> None:
    town.without(*dropped)

    assert races_lost(town, race, rounds=20 if race != "repeated hour" else 10) > 0


def test_the_time_that_won_is_the_one_in_the_calendar(town: Town) -> None:
    outcomes = at_once(overlapping(town, 0))

    [won] = [outcome.value for outcome in outcomes if not outcome.is_refused]
    found = in_transaction(lambda db: db.exec(select(Appointment)).all())
    assert [row.id for row in found] == [won.id]
