"""What everybody may read: specialties, doctors, visit types."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from medcal.db import fetch_one
from medcal.errors import NotFound
from medcal.models import Doctor, Location, Specialty, VisitType
from medcal.services import availability
from medcal.services.availability import FreeTime


@dataclass(frozen=True)
class Offered:
    """A specialty with its active doctors and the first free time with any of them."""

    specialty: Specialty
    doctors: int
    first: FreeTime | None


def list_specialties(db: Session, now: datetime) -> list[Offered]:
    """The specialties that have active doctors, in the clinic's order."""
    found = db.exec(select(Specialty).order_by(col(Specialty.position), col(Specialty.name))).all()
    offered = [_offered(db, specialty, now) for specialty in found]
    return [item for item in offered if item.doctors]


def _offered(db: Session, specialty: Specialty, now: datetime) -> Offered:
    assert specialty.id is not None
    doctors = len(doctors_of(db, specialty.id))
    visit_types = visit_types_of(db, specialty.id)
    first = availability.first_free(db, specialty.id, visit_types[0], now=now, limit=1) if visit_types else []
    return Offered(specialty, doctors, first[0] if first else None)


def get_specialty(db: Session, slug: str) -> Specialty:
    """Raises NotFound."""
    found = db.exec(select(Specialty).where(Specialty.slug == slug)).one_or_none()
    if found is None:
        raise NotFound
    return found


def get_doctor(db: Session, slug: str) -> Doctor:
    """An active doctor. Raises NotFound."""
    found = db.exec(select(Doctor).where(Doctor.slug == slug, Doctor.is_active)).one_or_none()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Practice:
    """A doctor with all that decides what can be booked with her."""

    doctor: Doctor
    specialty: Specialty
    location: Location
    visit_types: Sequence[VisitType]


# Built once: to put it together and to look up what it compiles to takes longer than the database needs for it.
_PRACTICE = (
    select(Doctor, Specialty, Location, VisitType)
    .join(Specialty, col(Specialty.id) == Doctor.specialty_id)
    .join(Location, col(Location.id) == Doctor.location_id)
    .join(VisitType, col(VisitType.specialty_id) == Doctor.specialty_id)
    .where(Doctor.slug == bindparam("slug"), Doctor.is_active, VisitType.is_active)
    .order_by(col(VisitType.position), col(VisitType.id))
)


def get_practice(db: Session, slug: str) -> Practice:
    """An active doctor with whom something can be booked, in one question. Raises NotFound."""
    rows = db.exec(_PRACTICE, params={"slug": slug}).all()
    if not rows:
        raise NotFound
    doctor, specialty, location, _ = rows[0]
    return Practice(doctor, specialty, location, [visit_type for *_, visit_type in rows])


def doctors_of(db: Session, specialty_id: int) -> Sequence[Doctor]:
    """The active doctors of a specialty, by name."""
    found = select(Doctor).where(Doctor.specialty_id == specialty_id, Doctor.is_active).order_by(col(Doctor.name))
    return db.exec(found).all()


def visit_types_of(db: Session, specialty_id: int) -> Sequence[VisitType]:
    """What can be booked in a specialty; the usual visit comes first."""
    found = select(VisitType).where(VisitType.specialty_id == specialty_id, VisitType.is_active)
    return db.exec(found.order_by(col(VisitType.position), col(VisitType.id))).all()


def choose_visit_type(visit_types: Sequence[VisitType], ref: str) -> VisitType:
    """The visit type somebody chose, or the usual one. Raises NotFound where nothing can be booked."""
    if not visit_types:
        raise NotFound
    return next((visit_type for visit_type in visit_types if str(visit_type.ref) == ref), visit_types[0])


def location_of(db: Session, doctor: Doctor) -> Location:
    return db.get_one(Location, doctor.location_id)


def main_location(db: Session) -> Location | None:
    """The location named on every page."""
    return db.exec(select(Location).order_by(col(Location.id)).limit(1)).one_or_none()


def is_opening(db: Session) -> bool:
    """Whether the clinic is only being set up: nobody has worked here yet."""
    return fetch_one(db, "SELECT 1 FROM doctor LIMIT 1") is None


def is_known(db: Session, path: str) -> bool:
    """Whether an address without language, such as /cardiology or /doctors/ada-okafor, leads to somebody."""
    match path.strip("/").split("/"):
        case [slug]:
            found = fetch_one(db, "SELECT 1 FROM specialty WHERE slug = %(slug)s", slug=slug)
        case ["doctors", slug]:
            found = fetch_one(db, "SELECT 1 FROM doctor WHERE slug = %(slug)s AND is_active", slug=slug)
        case _:
            return False
    return found is not None
