"""Who waits for something earlier, for what, and within which limits."""

from datetime import date, time, timedelta

import pytest
from sqlmodel import Session, select

from medcal.errors import NotPossibleNow
from medcal.models import Appointment, AppointmentStatus, EntryStatus, Event, WaitlistEntry
from medcal.security import PATIENT, digest
from medcal.services import booking, changes, waitlist
from medcal.services.booking import Details
from medcal.services.patients import Person
from medcal.services.waitlist import Wish
from tests.support.factories import NOW, Clinic, make_appointment, make_doctor, make_visit_type
from tests.support.times import at

LATER = at("2026-03-20 09:00")
BOB = Person("Bob Berger", date(1984, 2, 29), "bob@example.com", None)


def entries(db: Session) -> list[WaitlistEntry]:
    return list(db.exec(select(WaitlistEntry).order_by(WaitlistEntry.id).execution_options(populate_existing=True)))  # type: ignore[arg-type]


def test_a_patient_waits_with_the_limits_she_gave(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)

    waitlist.join(db, mine, Wish(False, (4, 0, 0), time(8), time(12), 48), by=PATIENT, now=NOW)

    [entry] = entries(db)
    assert (entry.patient_id, entry.appointment_id, entry.visit_type_id) == (
        clinic.alice.id,
        mine.id,
        clinic.visit_type.id,
    )
    assert (entry.doctor_id, entry.weekdays, entry.opens, entry.closes) == (clinic.okafor.id, [0, 4], time(8), time(12))
    assert (entry.notice_hours, entry.status, entry.created_at) == (48, EntryStatus.waiting, NOW)


def test_asking_again_changes_the_limits_and_keeps_the_place(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)
    waitlist.join(db, mine, Wish(weekdays=(0,)), by=PATIENT, now=NOW)

    waitlist.join(db, mine, Wish(weekdays=(1, 2)), by=PATIENT, now=NOW + timedelta(days=2))

    [entry] = entries(db)
    assert (entry.weekdays, entry.created_at) == ([1, 2], NOW)


@pytest.mark.parametrize("status", ["cancelled", "arrived", "fulfilled", "no_show"])
def test_only_who_has_a_booked_appointment_can_ask_for_an_earlier_one(db: Session, clinic: Clinic, status: str) -> None:
    cancelled_at = NOW if status == "cancelled" else None
    mine = make_appointment(db, clinic, LATER, status=AppointmentStatus(status), cancelled_at=cancelled_at)

    with pytest.raises(NotPossibleNow):
        waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW)


def test_who_cannot_gain_a_day_any_more_need_not_wait(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, NOW + timedelta(days=1))

    with pytest.raises(NotPossibleNow, match="too soon"):
        waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW)


def test_a_wish_that_comes_too_late_does_not_cost_the_booking(db: Session, clinic: Clinic) -> None:
    mine = digest("my browser")
    held = booking.hold(db, clinic.okafor, clinic.visit_type, at("2026-03-03 09:00"), visit=mine, now=NOW)

    booked = booking.confirm(db, held.ref, Details(BOB, earlier=Wish()), visit=mine, now=NOW)

    assert db.get_one(Appointment, booked).status is AppointmentStatus.booked
    assert entries(db) == []


def test_leaving_the_list_ends_the_wish(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)
    waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW)

    waitlist.leave(db, mine.id or 0, by=PATIENT, now=NOW)

    assert [entry.status for entry in entries(db)] == [EntryStatus.withdrawn]
    assert waitlist.entry_of(db, mine.id or 0) is None


def test_leaving_a_list_that_one_is_not_on_does_nothing(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)

    waitlist.leave(db, mine.id or 0, by=PATIENT, now=NOW)

    assert db.exec(select(Event)).all() == []


def test_who_joins_again_after_leaving_waits_from_then_on(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)
    waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW)
    waitlist.leave(db, mine.id or 0, by=PATIENT, now=NOW)

    waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW + timedelta(days=1))

    entry = waitlist.entry_of(db, mine.id or 0)
    assert entry is not None
    assert entry.created_at == NOW + timedelta(days=1)


def test_one_can_wait_without_an_appointment(db: Session, clinic: Clinic) -> None:
    waitlist.wait_without_appointment(
        db, BOB, clinic.visit_type, clinic.location, Wish(), doctor=clinic.okafor, by=clinic.desk, now=NOW
    )

    [entry] = entries(db)
    assert (entry.patient_id, entry.appointment_id, entry.doctor_id) == (clinic.bob.id, None, clinic.okafor.id)


def test_who_waits_without_an_appointment_waits_once_for_each_kind_of_visit(db: Session, clinic: Clinic) -> None:
    other = make_visit_type(db, clinic.specialty, name="Follow-up")

    for visit_type in (clinic.visit_type, clinic.visit_type, other):
        waitlist.wait_without_appointment(db, BOB, visit_type, clinic.location, Wish(), by=clinic.desk, now=NOW)

    assert [entry.visit_type_id for entry in entries(db)] == [clinic.visit_type.id, other.id]


def test_cancelling_ends_the_wish(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)
    waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW)

    changes.cancel(db, mine, by=PATIENT, now=NOW)

    assert [entry.status for entry in entries(db)] == [EntryStatus.withdrawn]


def test_moving_to_within_a_day_ends_the_wish(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)
    waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW)

    changes.move_at_desk(db, mine, clinic.okafor, NOW + timedelta(hours=3), version=1, by=clinic.desk, now=NOW)

    assert [entry.status for entry in entries(db)] == [EntryStatus.withdrawn]


def test_moving_a_little_keeps_the_wish(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)
    waitlist.join(db, mine, Wish(), by=PATIENT, now=NOW)

    changes.move_at_desk(db, mine, clinic.okafor, LATER - timedelta(days=3), version=1, by=clinic.desk, now=NOW)

    assert [entry.status for entry in entries(db)] == [EntryStatus.waiting]


def test_a_wish_for_this_doctor_stays_with_her_when_the_appointment_moves(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, LATER)
    waitlist.join(db, mine, Wish(any_doctor=False), by=PATIENT, now=NOW)
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")

    changes.move_at_desk(
        db, mine, other, LATER, version=1, overbook_reason="Dr. Okafor is ill", by=clinic.desk, now=NOW
    )

    assert [entry.doctor_id for entry in entries(db)] == [clinic.okafor.id]
