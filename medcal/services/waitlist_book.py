"""The desk's view of the waitlist: who waits, in which order, and who is paused. By reference, for reception."""

import uuid
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import fetch
from medcal.errors import Invalid, NotFound, NotPossibleNow
from medcal.i18n import t
from medcal.models import (
    Doctor,
    EntryStatus,
    Location,
    Offer,
    OfferStatus,
    Patient,
    Specialty,
    VisitType,
    WaitlistEntry,
)
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import events, looks, waitlist
from medcal.services.desk import PatientForm
from medcal.services.looks import Seen
from medcal.services.offer_states import ENTRY, after
from medcal.services.patients import check_person

MOST = 200


# --- Who waits --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A wish on the list. `place` is its turn within its specialty: urgent ones first, then who has waited longest.

    One that is paused has no turn but keeps its place: it stands before those who would come after it.
    """

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
    """Everybody who waits or is paused, in the order in which offers are made within each specialty."""
    _check(actor)
    looks.note(db, actor, Seen.waitlist)
    rows = fetch(
        db,
        """SELECT e.ref, count(*) FILTER (WHERE e.status = 'waiting')
                           OVER (PARTITION BY s.id ORDER BY e.urgency DESC, e.created_at, e.id) AS place,
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
            WHERE e.status IN ('waiting', 'paused')
            ORDER BY s.position, s.id, e.urgency DESC, e.created_at, e.id LIMIT %(most)s""",
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


def set_urgent(db: Session, actor: Actor, ref: uuid.UUID, *, is_urgent: bool, now: datetime) -> None:
    """Put somebody before all who are not urgent, or back among them."""
    entry = _lock(db, actor, ref)
    old, entry.urgency = entry.urgency, int(is_urgent)
    events.record(
        db,
        "waitlist.urgency",
        by=actor,
        now=now,
        appointment_id=entry.appointment_id,
        entry_id=entry.id,
        old={"urgency": old},
        new={"urgency": entry.urgency},
    )


def pause(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Ask somebody no more until she, or the desk, wants her asked again; her place stays. Nothing happens when she is paused already.

    Raises NotPossibleNow while an offer to her is open: it would be answered by nobody.
    """
    entry = _lock(db, actor, ref)
    if entry.status is EntryStatus.paused:
        return
    if db.exec(select(Offer.id).where(Offer.entry_id == entry.id, Offer.status == OfferStatus.open)).first():
        raise NotPossibleNow(
            t("There is an open offer to this patient. Note the answer, or withdraw it, before you pause.")
        )
    entry.status = after(ENTRY, entry.status, "paused", actor)
    # Whoever asked for the pause knows of it.
    events.record(
        db,
        "waitlist.paused",
        by=actor,
        now=now,
        appointment_id=entry.appointment_id,
        entry_id=entry.id,
        quietly=True,
    )


def who_wishes(db: Session, actor: Actor, ref: uuid.UUID) -> Patient:
    """Whose wish it is. Raises NotAllowed, and NotFound for one that is no longer on the list."""
    _check(actor)
    listed = col(WaitlistEntry.status).in_((EntryStatus.waiting, EntryStatus.paused))
    entry = db.exec(select(WaitlistEntry).where(WaitlistEntry.ref == ref, listed)).one_or_none()
    if entry is None:
        raise NotFound
    return db.get_one(Patient, entry.patient_id)


def resume(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Ask somebody again who was paused, in her old place. Raises NotFound for who is no longer on the list."""
    entry = _lock(db, actor, ref)
    waitlist.resume(db, entry.id or 0, by=actor, now=now)


def remove_waiting(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Take a wish off the list; an open offer to it ends and goes on to the next."""
    entry = _lock(db, actor, ref)
    waitlist.withdraw(db, entry.id or 0, by=actor, now=now)


def _lock(db: Session, actor: Actor, ref: uuid.UUID) -> WaitlistEntry:
    """A wish that is on the list, and stays as it is to the end of the transaction. Raises NotAllowed, NotFound."""
    _check(actor)
    listed = col(WaitlistEntry.status).in_((EntryStatus.waiting, EntryStatus.paused))
    chosen = select(WaitlistEntry).where(WaitlistEntry.ref == ref, listed).with_for_update(key_share=True)
    entry = db.exec(chosen.execution_options(populate_existing=True)).one_or_none()
    if entry is None:
        raise NotFound
    return entry


# --- What can be waited for -------------------------------------------------------------------------------------------


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
    check(actor, Can.keep_waitlist)
