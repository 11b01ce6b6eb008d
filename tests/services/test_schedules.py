"""Working hours, time off, and the openings that are kept ready from them."""

import logging
from datetime import date, time, timedelta

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import fetch
from medcal.models import Doctor, Opening, Slot, TimeOff, WorkingHours
from medcal.services import schedules
from tests.support.factories import NOW, Clinic, add_hours, make_appointment, make_doctor, make_location, make_specialty
from tests.support.times import VIENNA, at

TUESDAY = date(2026, 3, 3)


def openings(db: Session, doctor: Doctor, day: date = TUESDAY) -> list[str]:
    rows = db.exec(
        select(Opening)
        .where(Opening.doctor_id == doctor.id, Opening.day == day)
        .execution_options(populate_existing=True)
    ).all()
    return sorted(f"{clock.local(row.starts_at, VIENNA):%H:%M}" for row in rows)


def claims(db: Session, doctor: Doctor, moment: str) -> int:
    row = db.exec(
        select(Opening)
        .where(Opening.doctor_id == doctor.id, Opening.starts_at == at(moment))
        .execution_options(populate_existing=True)
    ).one()
    return row.claims


def write(db: Session, doctor: Doctor) -> int:
    return schedules.write_openings(db, doctor.id or 0, now=NOW)


def test_openings_are_written_from_today_to_the_horizon(db: Session, clinic: Clinic) -> None:
    days = [row.day for row in db.exec(select(Opening))]

    assert min(days) == date(2026, 3, 2)
    assert max(days) == date(2026, 3, 2) + timedelta(days=schedules.HORIZON_DAYS - 3)  # a Friday


def test_what_is_right_is_left_alone(db: Session, clinic: Clinic) -> None:
    assert write(db, clinic.okafor) == 0


def test_the_same_slot_exists_on_every_day(db: Session, clinic: Clinic) -> None:
    slots = db.exec(select(Slot).where(Slot.doctor_id == clinic.okafor.id)).all()

    assert len(slots) == 16


def test_new_hours_replace_the_old_ones_at_once(db: Session, clinic: Clinic) -> None:
    hours = [
        WorkingHours(
            doctor_id=clinic.okafor.id,
            weekday=1,
            opens=time(9),
            closes=time(10),
            raster_minutes=20,
            valid_from=date(2020, 1, 1),
        )
    ]

    schedules.set_hours(db, clinic.okafor.id or 0, hours, now=NOW)

    assert openings(db, clinic.okafor) == ["09:00", "09:20", "09:40"]
    assert openings(db, clinic.okafor, TUESDAY + timedelta(days=1)) == []


def test_a_doctor_without_hours_has_no_openings(db: Session, clinic: Clinic) -> None:
    schedules.set_hours(db, clinic.okafor.id or 0, [], now=NOW)

    assert db.exec(select(Opening).where(Opening.doctor_id == clinic.okafor.id)).all() == []


def test_time_off_takes_openings_away_and_gives_them_back(db: Session, clinic: Clinic) -> None:
    absence = TimeOff(doctor_id=clinic.okafor.id, starts_at=at("2026-03-03 08:00"), ends_at=at("2026-03-03 15:00"))

    schedules.add_time_off(db, absence, now=NOW)
    during = openings(db, clinic.okafor)
    schedules.end_time_off(db, absence, now=NOW)

    assert during == ["15:00", "15:30"]
    assert len(openings(db, clinic.okafor)) == 16


def test_the_closure_of_a_location_closes_it_for_all_its_doctors(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    elsewhere = make_doctor(db, make_location(db, slug="graz"), clinic.specialty, "Dr. Finn Falk")
    schedules.extend_openings(db, NOW)

    closure = TimeOff(location_id=clinic.location.id, starts_at=at("2026-03-03 00:00"), ends_at=at("2026-03-04 00:00"))
    schedules.add_time_off(db, closure, now=NOW)

    assert [len(openings(db, doctor)) for doctor in (clinic.okafor, other, elsewhere)] == [0, 0, 16]


def test_another_doctors_time_off_changes_nothing(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    schedules.extend_openings(db, NOW)

    absence = TimeOff(doctor_id=other.id, starts_at=at("2026-03-03 00:00"), ends_at=at("2026-03-04 00:00"))
    schedules.add_time_off(db, absence, now=NOW)

    assert len(openings(db, clinic.okafor)) == 16


def test_a_new_opening_knows_who_claims_it(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    make_appointment(db, clinic, at("2026-03-03 09:00"), doctor=other)

    write(db, other)

    assert [claims(db, other, f"2026-03-03 {wall}") for wall in ("08:30", "09:00", "09:30")] == [0, 1, 0]


def test_claims_follow_every_change_of_an_appointment(db: Session, clinic: Clinic) -> None:
    def counted() -> list[int]:
        return [claims(db, clinic.okafor, f"2026-03-03 {wall}") for wall in ("09:00", "09:30", "10:00")]

    mine = make_appointment(db, clinic, at("2026-03-03 09:10"))
    seen = [counted()]
    mine.starts_at, mine.ends_at, mine.busy_until = (
        at("2026-03-03 09:30"),
        at("2026-03-03 10:00"),
        at("2026-03-03 10:10"),
    )
    db.flush()
    seen.append(counted())
    fetch(db, "UPDATE appointment SET status = 'cancelled', cancelled_at = now()")
    seen.append(counted())
    fetch(db, "UPDATE appointment SET status = 'booked', cancelled_at = NULL")
    seen.append(counted())
    fetch(db, "DELETE FROM appointment")
    seen.append(counted())

    assert seen == [[1, 1, 0], [0, 1, 1], [0, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_openings_follow_a_doctor_to_another_specialty(db: Session, clinic: Clinic) -> None:
    dentistry = make_specialty(db, slug="dentistry", name="Dentistry")
    clinic.okafor.specialty_id = dentistry.id or 0
    db.flush()

    write(db, clinic.okafor)

    assert {row.specialty_id for row in db.exec(select(Opening).execution_options(populate_existing=True))} == {
        dentistry.id
    }


def test_the_nightly_check_finds_nothing_when_all_is_right(
    db: Session, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    make_appointment(db, clinic, at("2026-03-03 09:00"))

    with caplog.at_level(logging.WARNING):
        mended = schedules.check_openings(db, NOW)

    assert mended == 0
    assert caplog.records == []


def test_the_nightly_check_mends_and_says_so(db: Session, clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    make_appointment(db, clinic, at("2026-03-03 09:00"))
    fetch(db, "UPDATE opening SET claims = 7 WHERE starts_at = %(at)s", at=at("2026-03-03 09:00"))
    fetch(db, "DELETE FROM opening WHERE starts_at = %(at)s", at=at("2026-03-03 10:00"))
    add_hours(db, clinic.okafor, 5, opens=time(9), closes=time(10))

    with caplog.at_level(logging.WARNING):
        mended = schedules.check_openings(db, NOW)

    assert mended == 2 + 2 * (schedules.HORIZON_DAYS // 7)
    assert claims(db, clinic.okafor, "2026-03-03 09:00") == 1
    assert "10:00" in openings(db, clinic.okafor)
    assert "mended" in caplog.text


def test_days_gone_by_stay_as_they_were(db: Session, clinic: Clinic) -> None:
    schedules.set_hours(db, clinic.okafor.id or 0, [], now=NOW + timedelta(days=2))

    assert len(openings(db, clinic.okafor)) == 16


def test_a_clock_change_neither_doubles_nor_loses_an_opening(db: Session, clinic: Clinic) -> None:
    night = make_doctor(db, clinic.location, clinic.specialty, "Dr. Nina Nacht", has_hours=False)
    add_hours(db, night, 6, opens=time(0), closes=time(5), raster_minutes=30)

    write(db, night)

    assert len(openings(db, night, date(2026, 3, 22))) == 10
    assert len(openings(db, night, date(2026, 3, 29))) == 8
