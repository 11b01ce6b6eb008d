"""The desk's view of the waitlist: who waits and in which order, what became free, and what is on offer. By reference, for reception."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from medcal import clock
from medcal.db import changed, fetch, fetch_one
from medcal.errors import Invalid, NotAllowed, NotFound
from medcal.i18n import t
from medcal.models import Appointment, Doctor, Location, Offer, Specialty, VisitType
from medcal.models.waitlist import ON_THE_LIST
from medcal.security import Actor, Role
from medcal.services import answers, waitlist
from medcal.services.desk import PatientForm
from medcal.services.patients import check_person

MOST = 200


# --- Who waits --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A wish on the list. `place` is its turn within its specialty: urgent ones first, then who has waited longest."""

    ref: uuid.UUID
    place: int
    patient: str
    email: str | None
    phone: str | None
    specialty: str
    visit_type: str
    doctor: str | None
    weekdays: tuple[int, ...]
    opens: time
    closes: time
    notice_hours: int
    urgency: int
    since: datetime
    zone: ZoneInfo
    own_starts_at: datetime | None
    own_doctor: str | None
    has_offer: bool
    is_paused: bool


def who_waits(db: Session, actor: Actor) -> list[Waiting]:
    """Everybody who waits, in the order in which offers are made within each specialty."""
    _check(actor)
    rows = fetch(
        db,
        """SELECT e.ref, rank() OVER (PARTITION BY s.id ORDER BY e.urgency DESC, e.created_at, e.id) AS place,
                  p.name AS patient, p.email, p.phone, s.name AS specialty, v.name AS visit_type, d.name AS doctor,
                  e.weekdays, e.opens, e.closes, e.notice_hours, e.urgency, e.created_at AS since, l.zone,
                  a.starts_at AS own_starts_at, ad.name AS own_doctor,
                  EXISTS (SELECT FROM offer o WHERE o.patient_id = e.patient_id AND o.status = 'open') AS has_offer,
                  e.status = 'paused' AS is_paused
             FROM waitlist_entry e
             JOIN patient p ON p.id = e.patient_id JOIN visit_type v ON v.id = e.visit_type_id
             JOIN specialty s ON s.id = v.specialty_id JOIN location l ON l.id = e.location_id
             LEFT JOIN doctor d ON d.id = e.doctor_id
             LEFT JOIN appointment a ON a.id = e.appointment_id LEFT JOIN doctor ad ON ad.id = a.doctor_id
            WHERE e.status IN ('waiting', 'paused') ORDER BY s.position, s.id, place LIMIT %(most)s""",
        most=MOST,
    )
    return [Waiting(**{**row._asdict(), "weekdays": tuple(row.weekdays), "zone": ZoneInfo(row.zone)}) for row in rows]


@dataclass(frozen=True)
class Wanted:
    """What somebody without an appointment waits for; without `doctor_ref` anyone of the specialty will do."""

    visit_type_ref: uuid.UUID
    doctor_ref: uuid.UUID | None
    wish: waitlist.Wish


def add_waiting(db: Session, actor: Actor, patient: PatientForm, wanted: Wanted, *, now: datetime) -> None:
    """Put somebody on the list who has no appointment yet. Raises Invalid, NotFound."""
    _check(actor)
    visit_type = db.exec(
        select(VisitType).where(VisitType.ref == wanted.visit_type_ref, VisitType.is_active)
    ).one_or_none()
    if visit_type is None:
        raise NotFound
    doctor = _doctor(db, visit_type, wanted.doctor_ref)
    location = _location(db, visit_type, doctor)
    person = check_person(
        name=patient.name,
        born_on=patient.born_on,
        email=patient.email,
        phone=patient.phone,
        today=clock.local_day(now, location.zone_info),
    )
    if wanted.wish.opens >= wanted.wish.closes or not wanted.wish.weekdays:
        raise Invalid(t("Please choose at least one weekday, and hours that end after they begin."), "weekdays")
    waitlist.wait_without_appointment(db, person, visit_type, location, wanted.wish, doctor=doctor, by=actor, now=now)


def _doctor(db: Session, visit_type: VisitType, ref: uuid.UUID | None) -> Doctor | None:
    if ref is None:
        return None
    found = db.exec(select(Doctor).where(Doctor.ref == ref, Doctor.is_active)).one_or_none()
    if found is None or found.specialty_id != visit_type.specialty_id:
        raise NotFound
    return found


def _location(db: Session, visit_type: VisitType, doctor: Doctor | None) -> Location:
    if doctor is None:
        doctor = db.exec(select(Doctor).where(Doctor.specialty_id == visit_type.specialty_id, Doctor.is_active)).first()
    if doctor is None:
        raise NotFound
    return db.get_one(Location, doctor.location_id)


def set_urgent(db: Session, actor: Actor, ref: uuid.UUID, *, is_urgent: bool) -> None:
    """Put somebody before all who are not urgent, or back among them."""
    _check(actor)
    row = fetch_one(
        db,
        "UPDATE waitlist_entry SET urgency = %(urgency)s WHERE ref = %(ref)s AND status IN ('waiting', 'paused') RETURNING id",
        ref=ref,
        urgency=int(is_urgent),
    )
    if row is None:
        raise NotFound
    changed(db)


def remove_waiting(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Take a wish off the list; an open offer to it ends and goes on to the next."""
    _check(actor)
    entry = fetch_one(db, f"SELECT id FROM waitlist_entry WHERE ref = %(ref)s AND {ON_THE_LIST}", ref=ref)
    if entry is None:
        raise NotFound
    waitlist.withdraw(db, entry.id, by=actor, now=now)


# --- Freed times and their offers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """An offer in the trail of a freed time: who was asked, until when, and what came of it."""

    ref: uuid.UUID
    freed_ref: uuid.UUID
    patient: str
    email: str | None
    phone: str | None
    status: str
    answer_until: datetime
    asked_at: datetime
    decided_at: datetime | None
    instead_of: datetime | None


@dataclass(frozen=True)
class Freed:
    """A time that became free, with its trail; `status` is open, offered, filled or gone."""

    ref: uuid.UUID
    doctor: str
    specialty: str
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    cause: str
    status: str
    freed_at: datetime
    ended_by: str | None
    look_at: datetime
    asked: tuple[Asked, ...] = ()

    @property
    def open_offers(self) -> tuple[Asked, ...]:
        return tuple(offer for offer in self.asked if offer.status == "open")


def freed_times(db: Session, actor: Actor, since: date) -> list[Freed]:
    """The times that became free since a day or still look for somebody, the live ones first, then the latest."""
    _check(actor)
    rows = fetch(
        db,
        """SELECT f.ref, d.name AS doctor, s.name AS specialty, f.starts_at, f.ends_at, l.zone, f.cause, f.status,
                  f.created_at AS freed_at, f.ended_by, f.look_at
             FROM freed_time f JOIN doctor d ON d.id = f.doctor_id JOIN specialty s ON s.id = d.specialty_id
             JOIN location l ON l.id = f.location_id
            WHERE f.status IN ('open', 'offered') OR f.created_at >= %(since)s
            ORDER BY f.status = 'offered' DESC, f.status = 'open' DESC, f.created_at DESC, f.id DESC LIMIT %(most)s""",
        since=since,
        most=MOST,
    )
    trails = _trails(db, [row.ref for row in rows])
    return [
        Freed(**{**row._asdict(), "zone": ZoneInfo(row.zone), "asked": tuple(trails.get(row.ref, []))}) for row in rows
    ]


def _trails(db: Session, freed_refs: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Asked]]:
    rows = fetch(
        db,
        """SELECT o.ref, f.ref AS freed_ref, p.name AS patient, p.email, p.phone, o.status, o.answer_until, o.created_at AS asked_at,
                  o.decided_at, a.starts_at AS instead_of
             FROM offer o JOIN freed_time f ON f.id = o.freed_time_id JOIN patient p ON p.id = o.patient_id
             JOIN waitlist_entry e ON e.id = o.entry_id
             LEFT JOIN appointment a ON a.id = e.appointment_id AND o.status = 'open'
            WHERE f.ref = ANY(%(refs)s) ORDER BY o.created_at, o.id""",
        refs=list(freed_refs),
    )
    found: dict[uuid.UUID, list[Asked]] = {}
    for row in rows:
        found.setdefault(row.freed_ref, []).append(Asked(*row))
    return found


def accept(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> Appointment:
    """The patient said yes on the phone. Raises OfferClosed when the answer time is over or the offer has ended otherwise."""
    return answers.accept(db, _offer_id(db, actor, ref), by=actor, now=now)


def decline(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """The patient said no on the phone; she keeps her place on the list. Raises OfferClosed."""
    answers.decline(db, _offer_id(db, actor, ref), by=actor, now=now)


def note_not_reached(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """The patient could not be reached on the phone: as if her time to answer had run out. Raises OfferClosed."""
    answers.note_not_reached(db, _offer_id(db, actor, ref), by=actor, now=now)


def withdraw(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Take back an open offer and those made with it; the patients are told, and the time goes on to the next."""
    offer = db.get_one(Offer, _offer_id(db, actor, ref))
    answers.withdraw(db, offer.freed_time_id, by=actor, now=now)


def _offer_id(db: Session, actor: Actor, ref: uuid.UUID) -> int:
    _check(actor)
    found = db.exec(select(Offer.id).where(Offer.ref == ref)).one_or_none()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Wishable:
    """A specialty with what can be waited for: visit types and doctors as (reference, name)."""

    ref: uuid.UUID
    name: str
    visit_types: tuple[tuple[uuid.UUID, str], ...]
    doctors: tuple[tuple[uuid.UUID, str], ...]


def what_can_be_wished(db: Session, actor: Actor) -> list[Wishable]:
    """The specialties with active doctors, for the form that puts somebody on the list."""
    _check(actor)
    specialties = db.exec(select(Specialty).order_by(Specialty.position, Specialty.id)).all()  # type: ignore[arg-type]
    visit_types = db.exec(select(VisitType).where(VisitType.is_active).order_by(VisitType.position)).all()  # type: ignore[arg-type]
    doctors = db.exec(select(Doctor).where(Doctor.is_active).order_by(Doctor.name)).all()
    found = [
        Wishable(
            specialty.ref,
            specialty.name,
            tuple((each.ref, each.name) for each in visit_types if each.specialty_id == specialty.id),
            tuple((each.ref, each.name) for each in doctors if each.specialty_id == specialty.id),
        )
        for specialty in specialties
    ]
    return [wishable for wishable in found if wishable.doctors and wishable.visit_types]


def _check(actor: Actor) -> None:
    """The list is reception's and the admins': it crosses doctors."""
    if not actor.is_staff or actor.role not in (Role.reception, Role.admin):
        raise NotAllowed
