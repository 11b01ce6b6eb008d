"""Closed days of the whole clinic, everybody's time off, and how far a new clinic is."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from medcal.errors import Invalid, NotAllowed, NotFound
from medcal.models import Event, TimeOff
from medcal.security import PATIENT, Actor, Role
from medcal.services import availability, closures, first_steps
from medcal.services.first_steps import Progress
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    add,
    make_appointment,
    make_doctor,
    make_location,
    make_specialty,
    make_user,
    make_visit_type,
)
from tests.support.times import at

TUESDAY, WEDNESDAY = date(2026, 3, 3), date(2026, 3, 4)


@pytest.fixture
def admin(db: Session) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def free_times(db: Session, clinic: Clinic, day: date = TUESDAY) -> int:
    return len(availability.list_free(db, clinic.okafor.id or 0, clinic.visit_type, day, 1, now=NOW))


def test_a_closed_clinic_is_not_booked_until_it_is_opened_again(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, at("2026-03-04 09:00"))

    closed = closures.close_clinic(db, admin, clinic.location.ref, TUESDAY, WEDNESDAY, reason="Holiday", now=NOW)
    assert closed.remaining == 1
    assert (free_times(db, clinic), free_times(db, clinic, WEDNESDAY)) == (0, 0)
    assert free_times(db, clinic, date(2026, 3, 5)) == 16

    closures.end(db, admin, closed.ref, now=NOW)
    assert free_times(db, clinic) == 16
    assert [event.kind for event in db.exec(select(Event)) if event.kind == "schedule.changed"] == [
        "schedule.changed",
        "schedule.changed",
    ]


def test_what_is_to_come_is_listed_for_doctors_and_the_clinic(db: Session, clinic: Clinic, admin: Actor) -> None:
    closures.close_clinic(db, admin, clinic.location.ref, WEDNESDAY, WEDNESDAY, now=NOW)
    for doctor_id, moment in ((clinic.okafor.id, "2026-03-03"), (clinic.okafor.id, "2026-03-01")):
        start = at(f"{moment} 09:00")
        add(db, TimeOff(doctor_id=doctor_id, starts_at=start, ends_at=start + timedelta(hours=1), reason="Congress"))

    found = closures.list_coming(db, admin, NOW)

    assert [(each.doctor, each.reason) for each in found] == [("Dr. Ada Okafor", "Congress"), ("", "")]


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (WEDNESDAY, TUESDAY, "last"),
        (date(2026, 3, 1), date(2026, 3, 1), "last"),
        (TUESDAY, date(2027, 6, 1), "last"),
    ],
    ids=["backwards", "over", "endless"],
)
def test_days_that_make_no_sense_are_refused(
    db: Session, clinic: Clinic, admin: Actor, first: date, last: date, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        closures.close_clinic(db, admin, clinic.location.ref, first, last, now=NOW)

    assert refusal.value.field == field


def test_a_form_sent_twice_closes_once(db: Session, clinic: Clinic, admin: Actor) -> None:
    closures.close_clinic(db, admin, clinic.location.ref, TUESDAY, TUESDAY, now=NOW)

    with pytest.raises(Invalid, match="closed already"):
        closures.close_clinic(db, admin, clinic.location.ref, TUESDAY, TUESDAY, now=NOW)


def test_what_is_over_or_unknown_is_not_ended(db: Session, clinic: Clinic, admin: Actor) -> None:
    start = at("2026-03-01 09:00")
    over = add(db, TimeOff(location_id=clinic.location.id, starts_at=start, ends_at=start + timedelta(hours=1)))

    for ref in (over.ref, clinic.okafor.ref):
        with pytest.raises(NotFound):
            closures.end(db, admin, ref, now=NOW)
    with pytest.raises(NotFound):
        closures.close_clinic(db, admin, clinic.okafor.ref, TUESDAY, TUESDAY, now=NOW)


def test_the_clinic_is_closed_by_admins_alone(db: Session, clinic: Clinic) -> None:
    for nobody in (PATIENT, clinic.desk):
        for deed in (
            lambda by: closures.list_coming(db, by, NOW),
            lambda by: closures.close_clinic(db, by, clinic.location.ref, TUESDAY, TUESDAY, now=NOW),
            lambda by: closures.end(db, by, clinic.location.ref, now=NOW),
            lambda by: first_steps.progress(db, by),
        ):
            with pytest.raises(NotAllowed):
                deed(nobody)


def test_a_clinic_is_open_when_all_three_things_are_there(db: Session, admin: Actor) -> None:
    assert first_steps.progress(db, admin) == Progress(False, False, False)
    location = make_location(db)
    assert first_steps.progress(db, admin) == Progress(True, False, False)
    # A specialty without a kind of visit cannot be booked, nor a doctor without hours.
    specialty = make_specialty(db)
    doctor = make_doctor(db, location, specialty, has_hours=False)
    assert first_steps.progress(db, admin) == Progress(True, False, False)
    make_visit_type(db, specialty)
    assert first_steps.progress(db, admin) == Progress(True, True, False)
    make_doctor(db, location, specialty, "Dr. Eva Ernst")

    assert first_steps.progress(db, admin).is_open
    assert doctor.is_active
