"""A small clinic: Dr. Ada Okafor; Alice, a patient; Bob, another; Charlie, a stranger; Sam at the desk.

Everything has a good default. Rows are added and flushed, never committed.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel, select

from medcal import clock, security
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Booker,
    Doctor,
    EntryStatus,
    FreedStatus,
    FreedTime,
    Location,
    Offer,
    OfferStatus,
    Patient,
    Slot,
    Specialty,
    StaffUser,
    VisitType,
    WaitlistEntry,
    WorkingHours,
)
from medcal.security import Actor, ActorKind, Role
from medcal.services import policy, reminders

Row = TypeVar("Row", bound=SQLModel)

# A Monday in March, ten in the morning in Vienna: the day on which most tests happen.
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Clinic:
    """Medcal Clinic Vienna on a working day, with the people of all tests."""

    location: Location
    specialty: Specialty
    visit_type: VisitType
    okafor: Doctor
    alice: Patient
    bob: Patient
    sam: StaffUser

    @property
    def desk(self) -> Actor:
        return actor(self.sam)


def make_clinic(db: Session) -> Clinic:
    """One location, cardiology, Dr. Okafor with hours from Monday to Friday, two patients, and Sam at the desk.

    Openings are not written: `schedules.extend_openings(db, NOW)` does that where a test needs them.
    """
    location = make_location(db)
    specialty = make_specialty(db)
    okafor = make_doctor(db, location, specialty)
    return Clinic(
        location=location,
        specialty=specialty,
        visit_type=make_visit_type(db, specialty),
        okafor=okafor,
        alice=make_patient(db, "Alice Adler", "alice@example.com"),
        bob=make_patient(db, "Bob Berger", "bob@example.com"),
        sam=make_user(db),
    )


def add(db: Session, row: Row) -> Row:
    db.add(row)
    db.flush()
    return row


# --- The clinic -------------------------------------------------------------------------------------------------------


def make_location(db: Session, **columns: Any) -> Location:
    defaults = {
        "slug": "vienna",
        "name": "Medcal Clinic Vienna",
        "zone": "Europe/Vienna",
        "street": "Ringstraße 1",
        "city": "1010 Wien",
        "phone": "+43 1 555 0100",
        "email": "desk@clinic.example",
        # What the desk does is told at once; tests of the grace say how long it is.
        "grace_seconds": 0,
    }
    location = add(db, Location(**defaults | columns))
    reminders.write_usual_rules(db, location, now=LONG_AGO)
    return location


def make_specialty(db: Session, **columns: Any) -> Specialty:
    defaults = {"slug": "cardiology", "name": "Cardiology", "practitioner": "Cardiologist", "reasons": ["Check-up"]}
    return add(db, Specialty(**defaults | columns))


def make_visit_type(db: Session, specialty: Specialty, **columns: Any) -> VisitType:
    defaults = {"specialty_id": specialty.id, "name": "First visit", "length_minutes": 30, "buffer_minutes": 0}
    return add(db, VisitType(**defaults | columns))


def make_doctor(
    db: Session,
    location: Location,
    specialty: Specialty,
    name: str = "Dr. Ada Okafor",
    *,
    has_hours: bool = True,
    **columns: Any,
) -> Doctor:
    """With hours from Monday to Friday, 08:00 to 16:00, every half hour."""
    defaults = {
        "slug": name.removeprefix("Dr. ").lower().replace(" ", "-"),
        "location_id": location.id,
        "specialty_id": specialty.id,
    }
    doctor = add(db, Doctor(name=name, **defaults | columns))
    for weekday in range(5) if has_hours else ():
        add_hours(db, doctor, weekday)
    return doctor


def add_hours(db: Session, doctor: Doctor, weekday: int, **columns: Any) -> WorkingHours:
    defaults = {"opens": time(8), "closes": time(16), "raster_minutes": 30, "valid_from": date(2020, 1, 1)}
    return add(db, WorkingHours(doctor_id=doctor.id, weekday=weekday, **defaults | columns))


def set_rules(
    db: Session, clinic: Clinic, *, answer_minutes: int = 120, group_size: int = 1, **rules: Any
) -> policy.Policy:
    """How the clinic offers freed time: so many at once, with so long to answer, however near it is."""
    wanted = policy.Policy((policy.Step(timedelta(0), timedelta(minutes=answer_minutes), group_size),), **rules)
    policy.write_policy(db, clinic.location.id or 0, None, wanted)
    return wanted


# --- People -----------------------------------------------------------------------------------------------------------


def make_patient(
    db: Session, name: str = "Charlie Czerny", email: str | None = "charlie@example.com", **columns: Any
) -> Patient:
    defaults = {"born_on": date(1984, 2, 29), "phone": None, "language": "en", "created_at": NOW}
    return add(db, Patient(name=name, email=email, **defaults | columns))


def make_booker(
    db: Session, name: str = "Charlie Czerny", email: str | None = "charlie@example.com", phone: str | None = None
) -> Booker:
    return add(db, Booker(name=name, email=email, phone=phone))


PASSWORD = "correct horse battery"


@cache
def _password_hash() -> str:
    """Made once: argon2 is slow on purpose."""
    return security.hash_password(PASSWORD)


def make_user(db: Session, name: str = "Sam Stern", role: Role = Role.reception, **columns: Any) -> StaffUser:
    defaults = {"email": f"{name.split()[0].lower()}@clinic.example", "password_hash": _password_hash()}
    return add(db, StaffUser(name=name, role=role, **defaults | columns))


def actor(user: StaffUser) -> Actor:
    return Actor(ActorKind.staff, id=user.id, role=user.role, doctor_id=user.doctor_id, name=user.name)


# --- Appointments and offers ------------------------------------------------------------------------------------------


def make_appointment(
    db: Session, clinic: Clinic, starts_at: datetime, patient: Patient | None = None, **columns: Any
) -> Appointment:
    """A booked appointment of Alice with Dr. Okafor, half an hour long, booked a month ago.

    `doctor` and `visit_type` may be given like columns.
    """
    doctor: Doctor = columns.pop("doctor", clinic.okafor)
    visit_type: VisitType = columns.pop("visit_type", clinic.visit_type)
    local = clock.local(starts_at, clinic.location.zone_info)
    ends_at = starts_at + timedelta(minutes=visit_type.length_minutes)
    defaults = {
        "code": security.new_booking_code(),
        "doctor_id": doctor.id,
        "slot_id": make_slot(db, doctor, local.time()).id,
        "appointment_date": local.date(),
        "location_id": clinic.location.id,
        "visit_type_id": visit_type.id,
        "patient_id": (patient or clinic.alice).id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "busy_until": ends_at + timedelta(minutes=visit_type.buffer_minutes),
        "status": AppointmentStatus.booked,
        "created_at": NOW - timedelta(days=30),
        "booked_at": NOW - timedelta(days=30),
    }
    return add(db, Appointment(**defaults | columns))


def make_hold(db: Session, clinic: Clinic, starts_at: datetime, held_until: datetime, **columns: Any) -> Appointment:
    """A time that a form or an offer keeps; with nobody named yet."""
    defaults = {"status": AppointmentStatus.held, "held_until": held_until, "patient_id": None, "booked_at": None}
    return make_appointment(db, clinic, starts_at, **defaults | columns)


def make_slot(db: Session, doctor: Doctor, starts: time) -> Slot:
    found = db.exec(select(Slot).where(Slot.doctor_id == doctor.id, Slot.starts == starts)).first()
    return found or add(db, Slot(doctor_id=doctor.id, starts=starts))


def make_entry(
    db: Session, clinic: Clinic, appointment: Appointment | None = None, patient: Patient | None = None, **columns: Any
) -> WaitlistEntry:
    """Alice's wish for something earlier: any doctor, any day, any hour."""
    defaults = {
        "patient_id": appointment.patient_id if appointment else (patient or clinic.alice).id,
        "appointment_id": appointment.id if appointment else None,
        "own_starts_at": appointment.starts_at if appointment else None,
        "visit_type_id": clinic.visit_type.id,
        "location_id": clinic.location.id,
        "weekdays": list(range(7)),
        "status": EntryStatus.waiting,
        "created_at": NOW - timedelta(days=7),
    }
    return add(db, WaitlistEntry(**defaults | columns))


def make_offer(
    db: Session,
    clinic: Clinic,
    entry: WaitlistEntry,
    starts_at: datetime,
    answer_until: datetime | None = None,
    **columns: Any,
) -> Offer:
    """An open offer with its freed time and its hold, answered for within two hours."""
    until = answer_until or NOW + timedelta(hours=2)
    hold = make_hold(db, clinic, starts_at, until, patient_id=entry.patient_id)
    freed = add(
        db,
        FreedTime(
            doctor_id=hold.doctor_id,
            location_id=clinic.location.id,
            day=hold.appointment_date,
            starts_at=hold.starts_at,
            ends_at=hold.busy_until,
            cause="cancelled",
            status=FreedStatus.offered,
            hold_id=hold.id,
            look_at=NOW,
            created_at=NOW,
        ),
    )
    defaults = {"status": OfferStatus.open, "answer_until": until, "created_at": NOW}
    ids = {"freed_time_id": freed.id, "entry_id": entry.id, "patient_id": entry.patient_id, "hold_id": hold.id}
    return add(db, Offer(**defaults | ids | columns))
