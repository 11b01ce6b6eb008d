"""What the desk does to the calendar, by reference and on the location's clock: book, move, cancel, and the steps of a visit.

The rules are those of `booking`; here screens and rows meet, and every row is reached through "visible to this actor".
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from medcal import clock
from medcal.errors import Invalid, MedcalError, NotFound, NotOffered, SlotTaken
from medcal.i18n import t
from medcal.models import Appointment, Doctor, Location, Patient, VisitType
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import booking, changes, grace, undo, waitlist
from medcal.services.day_book import get_doctor, get_visible, usual_start
from medcal.services.patients import Person, check_free_text, check_person

SHORTEST_REASON = 3


@dataclass(frozen=True)
class WallTime:
    """A time as the calendar shows it, on the clock of the doctor's location."""

    day: date
    at: time

    def instant(self, zone: ZoneInfo) -> datetime:
        """Raises NotOffered for a time that the clock skips on that day."""
        found = clock.instant(self.day, self.at, zone)
        if found is None:
            raise NotOffered(t("The clocks go forward on that day, and this time does not exist."))
        return found


@dataclass(frozen=True)
class PatientForm:
    """Who the visit is for: somebody known (`ref`), or the fields of the form for somebody new."""

    ref: uuid.UUID | None = None
    name: str = ""
    born_on: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Place:
    """Where a click on the calendar leads: the doctor, the usual start of a visit there, and the visits to choose from."""

    doctor: Doctor
    zone: ZoneInfo
    starts_at: datetime
    visit_types: tuple[VisitType, ...]


def place_at(db: Session, actor: Actor, doctor_ref: uuid.UUID, wall: WallTime) -> Place:
    """What a click on a doctor's day means. Raises NotFound for somebody else's calendar."""
    check(actor, Can.book_at_desk)
    doctor, zone = _doctor_and_zone(db, actor, doctor_ref)
    assert doctor.id is not None
    found = select(VisitType).where(VisitType.specialty_id == doctor.specialty_id, VisitType.is_active)
    visit_types = db.exec(found.order_by(col(VisitType.position), col(VisitType.id))).all()
    return Place(doctor, zone, usual_start(db, doctor.id, wall.instant(zone)), tuple(visit_types))


def book(
    db: Session,
    actor: Actor,
    doctor_ref: uuid.UUID,
    visit_type_ref: uuid.UUID,
    wall: WallTime,
    patient: PatientForm,
    *,
    request: str = "",
    overbook_reason: str | None = None,
    now: datetime,
) -> Appointment:
    """Book for a patient; with `overbook_reason` also where the time is taken or outside the hours. Raises what `book_at_desk` does."""
    check(actor, Can.book_at_desk)
    doctor, zone = _doctor_and_zone(db, actor, doctor_ref)
    return booking.book_at_desk(
        db,
        doctor,
        _visit_type(db, doctor, visit_type_ref),
        wall.instant(zone),
        _person(db, patient, clock.local_day(now, zone)),
        request=check_free_text(request, "request", 1000),
        overbook_reason=_overbook_reason(overbook_reason),
        by=actor,
        now=now,
    )


def move(
    db: Session,
    actor: Actor,
    ref: uuid.UUID,
    doctor_ref: uuid.UUID,
    wall: WallTime,
    *,
    version: int,
    overbook_reason: str | None = None,
    now: datetime,
) -> Appointment:
    """Move an appointment to a time, also of another doctor of the specialty. Raises what `move_at_desk` does."""
    check(actor, Can.book_at_desk)
    appointment = get_visible(db, actor, ref)
    doctor, zone = _doctor_and_zone(db, actor, doctor_ref)
    changes.move_at_desk(
        db,
        appointment,
        doctor,
        wall.instant(zone),
        version=version,
        overbook_reason=_overbook_reason(overbook_reason),
        by=actor,
        now=now,
    )
    return appointment


def may_be_overbooked(refusal: MedcalError) -> bool:
    """Whether the desk may take the time all the same, with a reason: it is taken, or outside the doctor's hours."""
    return isinstance(refusal, SlotTaken | NotOffered)


def cancel(db: Session, actor: Actor, ref: uuid.UUID, *, reason: str = "", now: datetime) -> Appointment:
    """Cancel an appointment; the reason is kept for the history and told to nobody."""
    check(actor, Can.book_at_desk)
    appointment = get_visible(db, actor, ref)
    changes.cancel(db, appointment, reason=check_free_text(reason, "reason", 300), by=actor, now=now)
    return appointment


@dataclass(frozen=True)
class Undoable:
    """What the desk has just done to an appointment: until when it can be taken back, and when the patient is told (None: not at all)."""

    ref: uuid.UUID
    version: int
    until: datetime | None
    told_at: datetime | None


def undoable(db: Session, appointment: Appointment) -> Undoable:
    """What can be taken back of an appointment as it is now."""
    told_at = grace.told_at(db, appointment.id or 0, appointment.version)
    return Undoable(appointment.ref, appointment.version, undo.taken_back_until(db, appointment), told_at)


def take_back(db: Session, actor: Actor, ref: uuid.UUID, *, version: int, now: datetime) -> Appointment:
    """Undo the desk's last move or cancellation. Raises what `undo.take_back` does."""
    check(actor, Can.book_at_desk)
    appointment = get_visible(db, actor, ref)
    undo.take_back(db, appointment, version=version, by=actor, now=now)
    return appointment


def wait_for_earlier(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """She asked on the phone to be told when something earlier opens: any doctor of the specialty, any day and hour."""
    check(actor, Can.keep_waitlist)
    waitlist.join(db, get_visible(db, actor, ref), waitlist.Wish(), by=actor, now=now)


def stop_waiting(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """She no longer asks for something earlier; an open offer to her ends."""
    check(actor, Can.keep_waitlist)
    appointment = get_visible(db, actor, ref)
    assert appointment.id is not None
    waitlist.leave(db, appointment.id, by=actor, now=now)


class Step(StrEnum):
    """What happens to a visit on its day."""

    arrived = "arrived"
    finished = "finished"
    no_show = "no_show"
    came_after_all = "came_after_all"


_STEPS = {
    Step.arrived: booking.check_in,
    Step.finished: booking.finish,
    Step.no_show: booking.mark_no_show,
    Step.came_after_all: booking.undo_no_show,
}


def take_step(db: Session, actor: Actor, ref: uuid.UUID, step: Step, *, now: datetime) -> None:
    """Check in, finish, mark or take back a no-show. Raises NotPossibleNow when somebody else was faster."""
    check(actor, Can.see_visits_through)
    _STEPS[step](db, get_visible(db, actor, ref), by=actor, now=now)


def _doctor_and_zone(db: Session, actor: Actor, ref: uuid.UUID) -> tuple[Doctor, ZoneInfo]:
    doctor = get_doctor(db, actor, ref)
    return doctor, db.get_one(Location, doctor.location_id).zone_info


def _visit_type(db: Session, doctor: Doctor, ref: uuid.UUID) -> VisitType:
    found = db.exec(
        select(VisitType).where(VisitType.ref == ref, VisitType.specialty_id == doctor.specialty_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def _person(db: Session, form: PatientForm, today: date) -> Person:
    # Who has neither e-mail nor phone is still seen; she gets no messages.
    if form.ref is None:
        return check_person(
            name=form.name, born_on=form.born_on, email=form.email, phone=form.phone, today=today, needs_contact=False
        )
    known = db.exec(select(Patient).where(Patient.ref == form.ref)).one_or_none()
    if known is None:
        raise NotFound
    return Person(known.name, known.born_on, known.email, known.phone, known.language, known.id)


def _overbook_reason(text: str | None) -> str:
    """Empty where nothing is overbooked; a reason that says something where it is."""
    if text is None:
        return ""
    reason = " ".join(check_free_text(text, "overbook_reason", 200).split())
    if len(reason) < SHORTEST_REASON:
        raise Invalid(t("Please give a reason for booking over this time."), "overbook_reason")
    return reason
