"""The simulated clinic on its first morning: doctors, a full calendar, people who wait, and who will cancel when."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from medcal.db import fetch
from medcal.models import Appointment, Doctor, Location, Specialty, StaffUser, VisitType, WorkingHours
from medcal.security import PATIENT, Actor, ActorKind, Role
from medcal.services import booking, schedules, waitlist
from medcal.services.availability import first_free
from medcal.services.patients import Person
from simulate import chances
from simulate.chances import DAY

ZONE = ZoneInfo("Europe/Vienna")
# A Monday, seven in the morning: nobody works yet, and no change of the clocks is near.
BEGINS_AT = datetime(2026, 4, 13, 5, tzinfo=UTC)
HOURS = ((time(8), time(12)), (time(13), time(17)))
RASTER = 30
# Length in minutes; a long one takes two places in the raster.
VISITS = {"Consultation": 30, "Long visit": 60}
LONG_VISITS = 0.15
# How full the calendar is, relative to `load`: booked up for four weeks, then half.
FULLNESS = ((28 * DAY, 1.0), (56 * DAY, 0.5))
# Who waits has waited up to so long.
LONGEST_WAIT = 28 * DAY
LEAST_AHEAD = 3 * DAY
# Who is new gets the first appointment that is free so far ahead (about the 31 days of https://www.mgma.com, market of 15 US cities), so the
# public takes no freed time from those who wait: what is filled is filled by offers alone.
BOOKED_AHEAD = 28 * DAY


@dataclass(frozen=True)
class Size:
    """The clinic: one specialty, doctors who stand in for each other.

    `load` is the share of the coming weeks that is booked; `waiting` the share of its patients who want something earlier (at Mayo 229,998
    waitlisted appointments stand beside 733,651 that patients booked themselves: doi 10.1177/11786329251326461, PMC11342323); `without` the
    share of those who wait without an appointment (assumed); `cancelled` the share of visits that patients cancel (19 % of those booked up
    to a month ahead: https://pubmed.ncbi.nlm.nih.gov/18806590/).
    """

    doctors: int = 2
    patients: int = 1500
    load: float = 0.95
    waiting: float = 0.3
    without: float = 0.15
    cancelled: float = 0.19

    @property
    def visits_a_week(self) -> float:
        cells = sum((closes.hour - opens.hour) * 60 // RASTER for opens, closes in HOURS) * 5 * self.doctors
        return cells * self.load / (1 + LONG_VISITS)


@dataclass(frozen=True)
class Cancellation:
    """Whoever has this time will cancel it then."""

    at: datetime
    doctor_id: int
    starts_at: datetime


@dataclass(frozen=True)
class Arrival:
    """Somebody new who wants something earlier: with an appointment some weeks ahead, or (`place` None) without one."""

    at: datetime
    wish: waitlist.Wish
    is_long: bool
    has_appointment: bool
    number: int


@dataclass(frozen=True)
class World:
    """What is the same for all policies: the clinic's rows, and what will happen in it."""

    location_id: int
    desk: Actor
    visit_type_ids: tuple[int, ...]
    cancellations: tuple[Cancellation, ...]
    arrivals: tuple[Arrival, ...]


def found(db: Session, size: Size, seed: int, length: timedelta) -> World:
    """Write the clinic into an empty database and draw what will happen in `length`."""
    chance = random.Random(f"clinic {seed}")
    location, visit_types = _found_clinic(db, size)
    patients = _add_patients(db, size.patients)
    schedules.extend_openings(db, BEGINS_AT)
    _fill_calendar(db, size, chance, visit_types, patients)
    desk = StaffUser(email="desk@medcal.test", name="Sam", role=Role.reception, password_hash="none")  # noqa: S106
    db.add(desk)
    db.flush()
    assert location.id is not None
    world = World(
        location.id,
        Actor(ActorKind.staff, desk.id, Role.reception, name=desk.name),
        tuple(visit.id for visit in visit_types if visit.id is not None),
        tuple(_cancellations(db, size, chance, length)),
        tuple(_arrivals(size, chance, length)),
    )
    _let_wait(db, size, chance, world)
    return world


# --- Rows -------------------------------------------------------------------------------------------------------------


def _found_clinic(db: Session, size: Size) -> tuple[Location, list[VisitType]]:
    # The desk cancels in the patients' names here, who would not wait for its grace.
    location = Location(slug="clinic", name="Medcal Clinic", zone=ZONE.key, phone="+43 1 555 0123", grace_seconds=0)
    specialty = Specialty(slug="cardiology", name="Cardiology", practitioner="Cardiologist")
    db.add_all([location, specialty])
    db.flush()
    assert location.id is not None and specialty.id is not None
    visit_types = [
        VisitType(specialty_id=specialty.id, name=name, length_minutes=minutes, position=place)
        for place, (name, minutes) in enumerate(VISITS.items())
    ]
    doctors = [
        Doctor(slug=f"doctor-{n}", name=f"Dr. {n}", specialty_id=specialty.id, location_id=location.id)
        for n in range(1, size.doctors + 1)
    ]
    db.add_all([*visit_types, *doctors])
    db.flush()
    for doctor in doctors:
        db.add_all(_weekly_hours(doctor))
    db.flush()
    return location, visit_types


def _weekly_hours(doctor: Doctor) -> Iterator[WorkingHours]:
    assert doctor.id is not None
    for weekday in range(5):
        for opens, closes in HOURS:
            yield WorkingHours(
                doctor_id=doctor.id,
                weekday=weekday,
                opens=opens,
                closes=closes,
                raster_minutes=RASTER,
                valid_from=date(2020, 1, 1),
            )


def _add_patients(db: Session, count: int) -> list[int]:
    rows = fetch(
        db,
        """INSERT INTO patient (ref, name, email, language, created_at)
           SELECT gen_random_uuid(), 'Patient ' || n, 'patient-' || n || '@example.com', 'en', %(now)s
             FROM generate_series(1, %(count)s) AS n RETURNING id""",
        count=count,
        now=BEGINS_AT - 60 * DAY,
    )
    return sorted(row.id for row in rows)


BOOK = """
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, reason, request, cancel_reason, is_late_cancellation, version, created_at, booked_at)
SELECT gen_random_uuid(), '#' || w.n, w.doctor_id, w.slot_id, w.day, d.location_id, w.visit_type_id, w.patient_id, w.starts_at,
       w.starts_at + make_interval(mins => w.minutes), w.starts_at + make_interval(mins => w.minutes),
       'booked', '', '', '', false, 1, %(booked_at)s, %(booked_at)s
  FROM unnest(%(numbers)s::int[], %(doctors)s::bigint[], %(slots)s::bigint[], %(days)s::date[], %(visits)s::bigint[], %(patients)s::bigint[],
              %(starts)s::timestamptz[], %(minutes)s::int[]) AS w(n, doctor_id, slot_id, day, visit_type_id, patient_id, starts_at, minutes)
  JOIN doctor d ON d.id = w.doctor_id ORDER BY w.n
"""


def _fill_calendar(
    db: Session, size: Size, chance: random.Random, visit_types: list[VisitType], patients: list[int]
) -> None:
    """Book the coming weeks at random; what was booked before the simulation is not what it measures, so the rows are written as they are."""
    booked = list(_bookings(db, size, chance, visit_types))
    fetch(
        db,
        BOOK,
        numbers=list(range(1, len(booked) + 1)),
        doctors=[opening.doctor_id for opening, _ in booked],
        slots=[opening.slot_id for opening, _ in booked],
        days=[opening.day for opening, _ in booked],
        visits=[visit.id for _, visit in booked],
        patients=[chance.choice(patients) for _ in booked],
        starts=[opening.starts_at for opening, _ in booked],
        minutes=[visit.length_minutes for _, visit in booked],
        booked_at=BEGINS_AT - LONGEST_WAIT,
    )


def _bookings(
    db: Session, size: Size, chance: random.Random, visit_types: list[VisitType]
) -> Iterator[tuple[Any, VisitType]]:
    """Openings that are booked, with the kind of visit; a long one takes the next opening too."""
    short, long = visit_types
    taken: tuple[int, datetime] | None = None
    for opening in fetch(db, "SELECT * FROM opening ORDER BY doctor_id, starts_at"):
        if (opening.doctor_id, opening.starts_at) == taken:
            continue
        if chance.random() >= size.load * _fullness(opening.starts_at - BEGINS_AT):
            continue
        visit = long if chance.random() < LONG_VISITS and opening.ends_at < opening.closes_at else short
        taken = (opening.doctor_id, opening.starts_at + timedelta(minutes=RASTER)) if visit is long else None
        yield opening, visit


def _fullness(ahead: timedelta) -> float:
    return next((share for until, share in FULLNESS if ahead < until), 0.0)


# --- Who waits --------------------------------------------------------------------------------------------------------


def _let_wait(db: Session, size: Size, chance: random.Random, world: World) -> None:
    """Put a share of those who have an appointment on the list, and some who have none; each has waited for a while."""
    booked = db.exec(
        select(Appointment).where(Appointment.starts_at > BEGINS_AT + LEAST_AHEAD).order_by(col(Appointment.id))
    ).all()
    for own in booked:
        waits = chance.random() < size.waiting
        arrival = _arrival(size, chance, BEGINS_AT - chance.random() * LONGEST_WAIT, number=own.id or 0)
        if waits and arrival.has_appointment:
            waitlist.join(db, own, arrival.wish, by=PATIENT, now=arrival.at)
        elif waits:
            wait_without(db, world, arrival)


def arrive(db: Session, world: World, arrival: Arrival) -> None:
    """Somebody new asks for something earlier; her own appointment is the first that is free in some weeks."""
    if not arrival.has_appointment:
        wait_without(db, world, arrival)
        return
    visit_type = db.get_one(VisitType, world.visit_type_ids[arrival.is_long])
    free = first_free(db, visit_type.specialty_id, visit_type, now=arrival.at + BOOKED_AHEAD)
    if not free:
        return
    doctor = db.get_one(Doctor, free[0].doctor_id)
    own = booking.book_at_desk(
        db, doctor, visit_type, free[0].starts_at, _person(arrival), by=world.desk, now=arrival.at
    )
    waitlist.join(db, own, arrival.wish, by=PATIENT, now=arrival.at)


def wait_without(db: Session, world: World, arrival: Arrival) -> None:
    """Somebody waits who has no appointment."""
    waitlist.wait_without_appointment(
        db,
        _person(arrival),
        db.get_one(VisitType, world.visit_type_ids[arrival.is_long]),
        db.get_one(Location, world.location_id),
        arrival.wish,
        by=PATIENT,
        now=arrival.at,
    )


def _person(arrival: Arrival) -> Person:
    name = f"Newcomer {arrival.number}"
    return Person(name, date(1980, 1, 1), f"newcomer-{arrival.number}@example.com", None)


# --- What will happen -------------------------------------------------------------------------------------------------


def _cancellations(db: Session, size: Size, chance: random.Random, length: timedelta) -> Iterator[Cancellation]:
    for row in fetch(db, "SELECT doctor_id, starts_at FROM appointment WHERE status = 'booked' ORDER BY id"):
        is_cancelled, at = chance.random() < size.cancelled, chances.cancelled_at(chance, row.starts_at, ZONE)
        if is_cancelled and BEGINS_AT < at < BEGINS_AT + length:
            yield Cancellation(at, row.doctor_id, row.starts_at)


def _arrivals(size: Size, chance: random.Random, length: timedelta) -> Iterator[Arrival]:
    """As many join the list as visits are booked in the time, in office hours."""
    days = length // DAY
    for number in range(round(size.visits_a_week * size.waiting * days / 7)):
        at = BEGINS_AT + chance.randrange(days) * DAY + timedelta(hours=1 + 10 * chance.random())
        yield _arrival(size, chance, at, number=10**6 + number)


def _arrival(size: Size, chance: random.Random, at: datetime, *, number: int) -> Arrival:
    return Arrival(at, chances.wish(chance), chance.random() < LONG_VISITS, chance.random() >= size.without, number)
