"""Blocking a doctor's time from the calendar, and giving it back."""

from datetime import date, time

import pytest
from sqlmodel import Session

from medcal.errors import Invalid, NotFound
from medcal.models import Doctor, TimeOff
from medcal.security import Actor, Role
from medcal.services import absences
from medcal.services.availability import list_free
from medcal.services.desk import WallTime
from tests.support.factories import NOW, Clinic, actor, add, make_appointment, make_doctor, make_user
from tests.support.times import at

TUESDAY = date(2026, 3, 3)
NINE, ELEVEN = WallTime(TUESDAY, time(9)), WallTime(TUESDAY, time(11))


def account_of(db: Session, doctor: Doctor) -> Actor:
    return actor(make_user(db, doctor.name.removeprefix("Dr. "), Role.doctor, doctor_id=doctor.id))


def free_hours(db: Session, clinic: Clinic) -> int:
    return len(list_free(db, clinic.okafor.id or 0, clinic.visit_type, TUESDAY, 1, now=NOW))


def test_blocked_time_cannot_be_booked_until_it_is_given_back(db, clinic):
    before = free_hours(db, clinic)

    blocked = absences.block_time(db, clinic.desk, clinic.okafor.ref, NINE, ELEVEN, reason="Congress", now=NOW)
    assert free_hours(db, clinic) == before - 4

    absences.unblock_time(db, clinic.desk, blocked.ref, now=NOW)
    assert free_hours(db, clinic) == before


def test_appointments_in_blocked_time_stay_and_are_counted(db, clinic):
    make_appointment(db, clinic, at("2026-03-03 09:30"))
    make_appointment(db, clinic, at("2026-03-03 11:00"), clinic.bob)

    assert absences.block_time(db, clinic.desk, clinic.okafor.ref, NINE, ELEVEN, now=NOW).remaining == 1


def test_a_doctor_blocks_her_own_time_only(db, clinic):
    weber = make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")
    reader = account_of(db, weber)

    blocked = absences.block_time(db, reader, weber.ref, NINE, ELEVEN, now=NOW)

    assert [absence.ref for absence in absences.coming_absences(db, reader, weber.ref, NOW)] == [blocked.ref]
    with pytest.raises(NotFound):
        absences.block_time(db, reader, clinic.okafor.ref, NINE, ELEVEN, now=NOW)


def test_a_doctor_gives_back_her_own_time_only(db, clinic):
    weber = make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")
    blocked = absences.block_time(db, clinic.desk, clinic.okafor.ref, NINE, ELEVEN, now=NOW)

    with pytest.raises(NotFound):
        absences.unblock_time(db, account_of(db, weber), blocked.ref, now=NOW)


def test_a_closed_house_is_not_opened_from_the_calendar(db, clinic):
    closed = add(
        db, TimeOff(location_id=clinic.location.id, starts_at=at("2026-03-03 09:00"), ends_at=at("2026-03-03 10:00"))
    )

    with pytest.raises(NotFound):
        absences.unblock_time(db, clinic.desk, closed.ref, now=NOW)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        (ELEVEN, NINE),
        (NINE, NINE),
        (WallTime(date(2026, 2, 1), time(9)), WallTime(date(2026, 2, 1), time(10))),
        (NINE, WallTime(date(2027, 12, 1), time(9))),
    ],
    ids=["backwards", "empty", "over", "endless"],
)
def test_a_stretch_that_makes_no_sense_is_refused_in_words(db, clinic, begins, ends):
    with pytest.raises(Invalid) as refusal:
        absences.block_time(db, clinic.desk, clinic.okafor.ref, begins, ends, now=NOW)

    assert refusal.value.field == "ends"
