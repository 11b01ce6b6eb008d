"""The rules of messages as an admin reads and changes them."""

import uuid
from collections.abc import Callable
from datetime import time, timedelta

import pytest
from sqlalchemy import CheckConstraint
from sqlmodel import Session, SQLModel, select

from medcal.errors import Invalid, NotAllowed, NotFound
from medcal.models import Event, Location, ReminderRule
from medcal.security import PATIENT, Actor, Role
from medcal.services import message_rules
from medcal.services.message_rules import BOUNDS, MOST_REMINDERS, Foreseen
from tests.support.factories import LONG_AGO, NOW, Clinic, actor, make_specialty, make_user, make_visit_type

HOUR = timedelta(hours=1)
NIGHT = {"quiet_from": time(20), "quiet_until": time(8)}


@pytest.fixture
def admin(db: Session, clinic: Clinic) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def holds_from(db: Session, hours: int) -> object:
    rule = db.exec(select(ReminderRule).where(ReminderRule.before_hours == hours)).one()
    return rule.holds_from


def test_a_location_shows_what_holds_for_all_and_which_visits_have_their_own(
    db: Session, clinic: Clinic, admin: Actor
) -> None:
    make_visit_type(db, make_specialty(db, slug="skin", name="Dermatology"), name="Mole check")
    message_rules.set_reminders(db, admin, clinic.location.ref, clinic.visit_type.ref, [48], now=NOW)

    (place,) = message_rules.places(db, admin)

    assert (place.name, place.grace_seconds, place.quiet_from, place.quiet_until) == (
        clinic.location.name,
        0,
        time(20),
        time(8),
    )
    # Nobody treats skin here.
    assert [(visit.ref, visit.has_own_rules) for visit in place.visits] == [(clinic.visit_type.ref, True)]


def test_reminders_of_a_visit_hold_until_they_are_forgotten(db: Session, clinic: Clinic, admin: Actor) -> None:
    place, visit = clinic.location.ref, clinic.visit_type.ref
    assert message_rules.reminders_of(db, admin, place, visit) == (72, 24)

    message_rules.set_reminders(db, admin, place, visit, [2, 48], now=NOW)
    assert message_rules.reminders_of(db, admin, place, visit) == (48, 2)
    assert message_rules.reminders_of(db, admin, place, None) == (72, 24)

    message_rules.forget_reminders(db, admin, place, visit, now=NOW)
    assert message_rules.reminders_of(db, admin, place, visit) == (72, 24)
    assert [event.kind for event in db.exec(select(Event))] == ["reminders.changed", "reminders.changed"]


def test_what_stays_keeps_its_beginning_and_what_is_new_begins_now(db: Session, clinic: Clinic, admin: Actor) -> None:
    message_rules.set_reminders(db, admin, clinic.location.ref, None, [72, 12], now=NOW)

    assert (holds_from(db, 72), holds_from(db, 12)) == (LONG_AGO, NOW)


@pytest.mark.parametrize(
    ("hours", "is_own"),
    [
        ([0], False),
        ([721], False),
        ([-24], False),
        ([24, 24], False),
        (range(1, MOST_REMINDERS + 2), False),
        ([], True),
    ],
    ids=["at the visit", "too early", "after it", "twice", "too many", "none of its own"],
)
def test_reminders_that_make_no_sense_are_refused(
    db: Session, clinic: Clinic, admin: Actor, hours: list[int], is_own: bool
) -> None:
    visit = clinic.visit_type.ref if is_own else None

    with pytest.raises(Invalid) as refusal:
        message_rules.set_reminders(db, admin, clinic.location.ref, visit, list(hours), now=NOW)

    assert refusal.value.field == "reminders"
    assert message_rules.reminders_of(db, admin, clinic.location.ref, visit) == (72, 24)


def test_a_location_may_remind_nobody(db: Session, clinic: Clinic, admin: Actor) -> None:
    message_rules.set_reminders(db, admin, clinic.location.ref, None, [], now=NOW)

    assert message_rules.reminders_of(db, admin, clinic.location.ref, None) == ()


def test_grace_and_quiet_hours_are_the_locations(db: Session, clinic: Clinic, admin: Actor) -> None:
    message_rules.set_habits(
        db, admin, clinic.location.ref, grace_seconds=300, quiet_from=time(22), quiet_until=time(6), now=NOW
    )

    place = db.get_one(Location, clinic.location.id, populate_existing=True)
    assert (place.grace_seconds, place.quiet_from, place.quiet_until) == (300, time(22), time(6))
    [event] = db.exec(select(Event))
    assert (event.kind, event.detail["old"]["grace_seconds"], event.detail["new"]["grace_seconds"]) == (
        "habits.changed",
        0,
        300,
    )


@pytest.mark.parametrize("seconds", [-1, 3601])
def test_the_desk_cannot_keep_a_patient_in_the_dark_for_long(
    db: Session, clinic: Clinic, admin: Actor, seconds: int
) -> None:
    with pytest.raises(Invalid) as refusal:
        message_rules.set_habits(db, admin, clinic.location.ref, grace_seconds=seconds, **NIGHT, now=NOW)

    assert refusal.value.field == "grace_seconds"


def test_what_reminders_come_to() -> None:
    assert message_rules.foresee([24, 72]) == [Foreseen(72 * HOUR, 30 * HOUR), Foreseen(24 * HOUR, 2 * HOUR)]
    assert message_rules.foresee([]) == []


def test_the_bounds_are_those_of_the_tables() -> None:
    def checks(table: type[SQLModel]) -> list[str]:
        found = table.__table__.constraints  # type: ignore[attr-defined]
        return [str(check.sqltext) for check in found if isinstance(check, CheckConstraint)]

    for column, (least, most) in BOUNDS.items():
        assert f"{column} BETWEEN {least} AND {most}" in checks(ReminderRule) + checks(Location)


Work = Callable[[Session, Actor, uuid.UUID], object]
WORKS: dict[str, Work] = {
    "places": lambda db, by, _: message_rules.places(db, by),
    "reminders": lambda db, by, place: message_rules.reminders_of(db, by, place, None),
    "set": lambda db, by, place: message_rules.set_reminders(db, by, place, None, [24], now=NOW),
    "forget": lambda db, by, place: message_rules.forget_reminders(db, by, place, uuid.uuid4(), now=NOW),
    "habits": lambda db, by, place: message_rules.set_habits(db, by, place, grace_seconds=1, **NIGHT, now=NOW),
}


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS)
def test_rules_are_the_admins(db: Session, clinic: Clinic, work: Work) -> None:
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for by in (PATIENT, doctor, clinic.desk):
        with pytest.raises(NotAllowed):
            work(db, by, clinic.location.ref)


@pytest.mark.parametrize("name", [name for name in WORKS if name != "places"])
def test_what_does_not_exist_is_not_found(db: Session, clinic: Clinic, admin: Actor, name: str) -> None:
    with pytest.raises(NotFound):
        WORKS[name](db, admin, uuid.uuid4())
    with pytest.raises(NotFound):
        message_rules.reminders_of(db, admin, clinic.location.ref, uuid.uuid4())
