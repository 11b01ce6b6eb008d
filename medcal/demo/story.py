"""Fills the demo clinic: doctors and hours, a lively fortnight, and a story for the first look at the calendar."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, select

from medcal import clock
from medcal.db import fetch
from medcal.demo import crowd, freed
from medcal.demo.clinic import (
    ACCOUNTS,
    AFTERNOON,
    DOCTORS,
    LOCATION,
    MORNING,
    PASSWORD,
    WEEKEND,
    Person,
)
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    Location,
    Patient,
    Specialty,
    StaffUser,
    VisitType,
    WorkingHours,
)
from medcal.security import PATIENT, Actor, ActorKind, Role, hash_password, new_booking_code
from medcal.services import booking, changes, policy, reminders, schedules, waitlist
from medcal.services.availability import FreeTime, busy_length_of, length_of, list_free
from medcal.services.ready_made import READY_MADE

# The same clinic every time: what is random is drawn from this.
SEED = 20260
DAYS_BEFORE, DAYS_AHEAD = 10, 21
FULL = 0.9


def load(db: Session, now: datetime) -> bool:
    """Load the demo clinic unless the database already has a location; says whether it did."""
    if db.exec(select(Location)).first() is not None:
        return False
    location = Location(**LOCATION)
    db.add(location)
    db.flush()
    policy.write_default_policy(db, location)
    # Since yesterday, so that some reminders are to be seen and not one for each visit of the week.
    reminders.write_usual_rules(db, location, now=now - timedelta(days=1))
    chance = random.Random(SEED)
    today = _start_of_day(location, now)
    since = today - timedelta(days=DAYS_BEFORE)
    specialties = _add_specialties(db)
    doctors = _add_doctors(db, location, specialties, clock.local_day(now, location.zone_info))
    _add_accounts(db, doctors)
    for moment in (since, today):
        schedules.extend_openings(db, moment)
    patients = _add_patients(db, chance, location, since)
    _fill(db, chance, specialties, doctors, patients, location, since, now)
    freed.tell(db, chance, location, _desk(db), since, now)
    _bring_up_to_date(db, now)
    _tell_story(db, doctors, now)
    return True


def _start_of_day(location: Location, now: datetime) -> datetime:
    return clock.day_start(clock.local_day(now, location.zone_info), location.zone_info)


def _add_specialties(db: Session) -> dict[str, Specialty]:
    found = {}
    for position, field in enumerate(READY_MADE):
        specialty = Specialty(
            slug=field.slug,
            name=field.name,
            practitioner=field.practitioner,
            summary=field.summary,
            icon=field.icon,
            reasons=field.reasons,
            position=position,
        )
        db.add(specialty)
        db.flush()
        for order, visit in enumerate(field.visits):
            db.add(
                VisitType(
                    specialty_id=specialty.id,
                    name=visit.name,
                    length_minutes=visit.length,
                    buffer_minutes=visit.buffer,
                    notice_minutes=visit.notice,
                    position=order,
                )
            )
        found[field.slug] = specialty
    db.flush()
    return found


def _add_doctors(db: Session, location: Location, specialties: dict[str, Specialty], today: date) -> list[Doctor]:
    doctors = []
    for person in DOCTORS:
        doctor = Doctor(
            slug=person.slug,
            name=person.name,
            specialty_id=specialties[person.specialty].id,
            location_id=location.id,
            qualification=person.qualification,
            languages=person.languages,
            about=person.about,
            practising_since=person.since,
        )
        db.add(doctor)
        db.flush()
        db.add_all(_hours(person, doctor, today - timedelta(days=30)))
        doctors.append(doctor)
    db.flush()
    return doctors


def _hours(person: Person, doctor: Doctor, since: date) -> list[WorkingHours]:
    days = [(weekday, MORNING) for weekday in range(5)] + [(weekday, AFTERNOON) for weekday in person.afternoons]
    if person.weekend:
        days += [(5, WEEKEND), (6, WEEKEND)]
    return [
        WorkingHours(
            doctor_id=doctor.id,
            weekday=weekday,
            opens=opens,
            closes=closes,
            raster_minutes=person.raster,
            valid_from=since,
        )
        for weekday, (opens, closes) in days
    ]


def _add_accounts(db: Session, doctors: Sequence[Doctor]) -> None:
    by_slug = {doctor.slug: doctor.id for doctor in doctors}
    for email, name, role, slug in ACCOUNTS:
        doctor_id = by_slug[slug] if slug else None
        db.add(
            StaffUser(
                email=email, name=name, role=Role(role), doctor_id=doctor_id, password_hash=hash_password(PASSWORD)
            )
        )
    db.flush()


def _add_patients(db: Session, chance: random.Random, location: Location, now: datetime) -> list[Patient]:
    found = list(crowd.people(chance, clock.local_day(now, location.zone_info), now))
    db.add_all(found)
    db.flush()
    return found


def _fill(
    db: Session,
    chance: random.Random,
    specialties: dict[str, Specialty],
    doctors: Sequence[Doctor],
    patients: Sequence[Patient],
    location: Location,
    since: datetime,
    now: datetime,
) -> None:
    """Book days at random: full weeks where people wait for earlier times, elsewhere fuller today than next week."""
    booked_up = [specialties[slug].id for slug in freed.BOOKED_UP]
    first, today = (clock.local_day(at, location.zone_info) for at in (since, now))
    for doctor in doctors:
        for visit_type in _visit_types(db, doctor):
            days = DAYS_BEFORE + DAYS_AHEAD
            for free in list_free(db, doctor.id or 0, visit_type, first, days, now=since - timedelta(days=1)):
                share = FULL if doctor.specialty_id in booked_up else _fullness((free.day - today).days)
                if chance.random() < share / (visit_type.position + 1):
                    _book(db, doctor, visit_type, free, chance.choice(patients), since)


def _fullness(days_ahead: int) -> float:
    return 0.55 if days_ahead <= 0 else max(0.42 - 0.03 * days_ahead, 0)


def _visit_types(db: Session, doctor: Doctor) -> Sequence[VisitType]:
    return db.exec(
        select(VisitType).where(VisitType.specialty_id == doctor.specialty_id).order_by(VisitType.position)  # type: ignore[arg-type]
    ).all()


def _book(db: Session, doctor: Doctor, visit_type: VisitType, free: FreeTime, patient: Patient, now: datetime) -> None:
    fetch(
        db,
        booking.BOOK,
        code=new_booking_code(),
        doctor_id=free.doctor_id,
        slot_id=free.slot_id,
        day=free.day,
        location_id=doctor.location_id,
        visit_type_id=visit_type.id,
        patient_id=patient.id,
        starts_at=free.starts_at,
        ends_at=free.starts_at + length_of(visit_type),
        busy_until=free.starts_at + busy_length_of(visit_type),
        overbooked_by_id=None,
        overbooked_reason=None,
        request="",
        now=now - timedelta(days=9),
    )


def _bring_up_to_date(db: Session, now: datetime) -> None:
    """What should be over by now is over."""
    for status, minutes in ((AppointmentStatus.fulfilled, 45), (AppointmentStatus.arrived, 5)):
        fetch(
            db,
            "UPDATE appointment SET status = %(status)s WHERE status = 'booked' AND starts_at < %(before)s",
            status=str(status),
            before=now - timedelta(minutes=minutes),
        )


def _tell_story(db: Session, doctors: Sequence[Doctor], now: datetime) -> None:
    """A few who did not come, one who waits for something earlier, and a cancellation whose time the scheduler offers."""
    _no_shows(db)
    okafor = doctors[0]
    upcoming = _upcoming(db, okafor, now)
    if len(upcoming) >= 2:
        waiting, cancelled = upcoming[-1], upcoming[0]
        wish = waitlist.Wish(any_doctor=True, notice_hours=2)
        waitlist.join(db, waiting, wish, by=PATIENT, now=now - timedelta(days=5))
        # So long ago that the desk can no longer take it back.
        changes.cancel(db, cancelled, by=_desk(db), now=now - timedelta(minutes=10))
    _one_hold(db, doctors[7], now)


def _no_shows(db: Session) -> None:
    fetch(db, "UPDATE appointment SET status = 'no_show' WHERE status = 'fulfilled' AND id %% 23 = 0")


def _upcoming(db: Session, doctor: Doctor, now: datetime) -> Sequence[Appointment]:
    return db.exec(
        select(Appointment)
        .join(Patient, Patient.id == Appointment.patient_id)  # type: ignore[arg-type]
        .where(
            Appointment.doctor_id == doctor.id,
            Appointment.status == AppointmentStatus.booked,
            Appointment.starts_at > now + timedelta(hours=30),
            Patient.email != None,  # noqa: E711  (SQL)
        )
        .order_by(Appointment.starts_at)  # type: ignore[arg-type]
    ).all()


def _desk(db: Session) -> Actor:
    user = db.exec(select(StaffUser).where(StaffUser.role == Role.reception)).one()
    return Actor(ActorKind.staff, user.id, Role.reception, name=user.name)


def _one_hold(db: Session, doctor: Doctor, now: datetime) -> None:
    visit_type = _visit_types(db, doctor)[0]
    free = list_free(db, doctor.id or 0, visit_type, now.date(), 7, now=now)
    if free:
        booking.hold(db, doctor, visit_type, free[0].starts_at, visit="demo", now=now)
