"""What becomes of a booked appointment before its day: moved, cancelled.

The desk's own changes are told after the location's grace, and the time they free is offered after it; until then undo.py takes them back
and nobody hears of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import ChangedMeanwhile, NotAllowed, NotOffered, NotPossibleNow, TooLate
from medcal.i18n import t
from medcal.models import Appointment, AppointmentStatus, Doctor, Location, VisitType
from medcal.models.sealed import seal_note
from medcal.security import PATIENT, Actor
from medcal.services import events, freed_time, grace, waitlist
from medcal.services.availability import FITS, busy_length_of, length_of, question
from medcal.services.booking import place_at_desk, queue_for, release_lapsed_holds, why_not
from medcal.services.patient_words import seal_words
from medcal.services.patients import check_free_text

LONGEST_REASON = 300

# --- Moving -----------------------------------------------------------------------------------------------------------

# What taking back needs and nothing else remembers; the version tells this move from whatever comes after it.
REMEMBER = """jsonb_build_object(
    'version', version + 1, 'at', %(now)s::timestamptz, 'doctor_id', doctor_id, 'slot_id', slot_id, 'appointment_date', appointment_date,
    'location_id', location_id, 'starts_at', starts_at, 'ends_at', ends_at, 'busy_until', busy_until, 'confirmed_at', confirmed_at,
    'overbooked_by_id', overbooked_by_id, 'overbooked_reason', overbooked_reason)"""
MOVE = f"""
UPDATE appointment
   SET doctor_id = %(doctor_id)s, slot_id = %(slot_id)s, appointment_date = %(day)s, location_id = %(location_id)s,
       starts_at = %(starts_at)s, ends_at = %(ends_at)s, busy_until = %(busy_until)s, overbooked_by_id = %(overbooked_by_id)s,
       overbooked_reason = %(overbooked_reason)s, version = version + 1, confirmed_at = NULL,
       undo = CASE WHEN %(is_desks)s THEN {REMEMBER} END
 WHERE id = %(id)s AND version = %(version)s AND status = 'booked' RETURNING id
"""


class Claim(NamedTuple):
    """The time that an appointment had, and was freed."""

    doctor_id: int
    starts_at: datetime
    busy_until: datetime

    @classmethod
    def of(cls, appointment: Appointment) -> "Claim":
        return cls(appointment.doctor_id, appointment.starts_at, appointment.busy_until)


def move_at_desk(
    db: Session,
    appointment: Appointment,
    doctor: Doctor,
    starts_at: datetime,
    *,
    version: int,
    overbook_reason: str = "",
    by: Actor,
    now: datetime,
) -> None:
    """Move an appointment in the calendar, also to another doctor of the specialty; the patient is told after the grace.

    `version` is the one the screen shows: raises ChangedMeanwhile when somebody changed it since. Otherwise as `book_at_desk`.
    """
    if not by.sees_doctor(appointment.doctor_id):
        raise NotAllowed
    visit_type = db.get_one(VisitType, appointment.visit_type_id)
    place = place_at_desk(
        db, doctor, visit_type, starts_at, moving=appointment, overbook_reason=overbook_reason, by=by, now=now
    )
    _move(db, appointment, place, version=version, why=overbook_reason, by=by, now=now)


def move_by_patient(
    db: Session, appointment: Appointment, doctor: Doctor, starts_at: datetime, *, now: datetime
) -> None:
    """Move to another listed time, until the clinic's deadline. Raises TooLate, SlotTaken, NotOffered."""
    assert doctor.id is not None
    _check_deadline(db, appointment, now)
    queue_for(db, doctor.id)
    waitlist.lock_wish(db, appointment)
    release_lapsed_holds(db, now, doctor_id=doctor.id)
    visit_type = db.get_one(VisitType, appointment.visit_type_id)
    if visit_type.specialty_id != doctor.specialty_id:
        raise NotOffered
    opening = fetch_one(
        db,
        f"SELECT o.slot_id, o.day FROM opening o WHERE o.doctor_id = %(doctor_id)s AND o.starts_at = %(starts_at)s AND {FITS}",
        doctor_id=doctor.id,
        starts_at=starts_at,
        **question(visit_type, now),
    )
    if opening is None:
        raise why_not(db, doctor, visit_type, starts_at, was_free=False)
    place = {
        "doctor_id": doctor.id,
        "slot_id": opening.slot_id,
        "day": opening.day,
        "location_id": doctor.location_id,
        "starts_at": starts_at,
        "ends_at": starts_at + length_of(visit_type),
        "busy_until": starts_at + busy_length_of(visit_type),
        "overbooked_by_id": None,
        "overbooked_reason": None,
    }
    _move(db, appointment, place, version=appointment.version, by=PATIENT, now=now)


def _move(
    db: Session,
    appointment: Appointment,
    place: Mapping[str, Any],
    *,
    version: int,
    why: str = "",
    by: Actor,
    now: datetime,
) -> None:
    assert appointment.id is not None
    before = Claim.of(appointment)
    if before[:2] == (place["doctor_id"], place["starts_at"]):
        return
    waitlist.follow_move(db, appointment.id, place["starts_at"], by=by, now=now)
    if fetch_one(db, MOVE, **place, id=appointment.id, version=version, is_desks=by.is_staff, now=now) is None:
        raise why_not_changed(db, appointment)
    follow_up_move(db, appointment, before, why=why, by=by, now=now)


def follow_up_move(
    db: Session, appointment: Appointment, before: Claim, *, why: str = "", by: Actor, now: datetime
) -> None:
    """The row has changed: history, message, and what the move frees. `why` is the reason for overbooking, if it was that."""
    db.refresh(appointment)
    location = db.get_one(Location, appointment.location_id)
    events.record(
        db,
        "appointment.moved",
        by=by,
        now=now,
        tell_at=grace.tells_at(location, before.starts_at, appointment.starts_at, now=now) if by.is_staff else None,
        appointment_id=appointment.id,
        doctor_id=appointment.doctor_id,
        old={"doctor_id": before.doctor_id, "starts_at": before.starts_at},
        new={
            "doctor_id": appointment.doctor_id,
            "starts_at": appointment.starts_at,
            **seal_words(db, appointment.patient_id, overbooked_reason=why),
        },
    )
    _free(db, appointment, before, freed_time.MOVED, by=by, now=now)


def _free(db: Session, appointment: Appointment, claim: Claim, cause: str, *, by: Actor, now: datetime) -> None:
    location = db.get_one(Location, appointment.location_id)
    freed_time.free(
        db,
        *claim,
        cause=cause,
        appointment_id=appointment.id,
        visit_type_id=appointment.visit_type_id,
        not_before=grace.ends_at(location, now) if by.is_staff else None,
        by=by,
        now=now,
    )


def _check_deadline(db: Session, appointment: Appointment, now: datetime) -> None:
    if appointment.status is not AppointmentStatus.booked:
        raise NotPossibleNow
    location = db.get_one(Location, appointment.location_id)
    if not appointment.can_change_online(now, location.change_deadline_hours):
        raise TooLate(
            t("It is too late to change this appointment here. Please call us: {phone}.", phone=location.phone)
        )


def why_not_changed(db: Session, appointment: Appointment) -> ChangedMeanwhile | NotPossibleNow:
    db.refresh(appointment)
    return ChangedMeanwhile() if appointment.status is AppointmentStatus.booked else NotPossibleNow()


# --- Cancelling -------------------------------------------------------------------------------------------------------


def cancel(db: Session, appointment: Appointment, *, reason: str = "", by: Actor, now: datetime) -> None:
    """Cancel a booked appointment; the time is free in the same transaction and then offered to those who wait.

    Patients may until the clinic's deadline (TooLate); staff always, doctors in their own calendar (NotAllowed), and then patient and
    list hear of it after the grace. A cancelled one stays in the history; cancelling it again does nothing. The reason stays with the
    appointment (Invalid where it is too long).
    """
    assert appointment.id is not None
    reason = check_free_text(reason, "reason", LONGEST_REASON)
    if by.is_staff and not by.sees_doctor(appointment.doctor_id):
        raise NotAllowed
    waitlist.leave(db, appointment.id, by=by, now=now)
    db.refresh(appointment, with_for_update=True)
    if appointment.status is AppointmentStatus.cancelled:
        return
    if not by.is_staff:
        _check_deadline(db, appointment, now)
    if appointment.status is not AppointmentStatus.booked:
        raise NotPossibleNow
    location = db.get_one(Location, appointment.location_id)
    is_late = now > appointment.starts_at - timedelta(hours=location.change_deadline_hours)
    fetch(
        db,
        """UPDATE appointment SET status = 'cancelled', cancelled_at = %(now)s, cancelled_by = %(by)s, cancel_reason = %(reason)s,
                  is_late_cancellation = %(is_late)s, version = version + 1 WHERE id = %(id)s""",
        id=appointment.id,
        now=now,
        by=str(by.kind),
        reason=seal_note(reason, "appointment.cancel_reason"),
        is_late=is_late,
    )
    db.refresh(appointment)
    words = seal_words(db, appointment.patient_id, cancel_reason=reason[:300])
    detail: dict[str, Any] = {"new": words} if words else {}
    events.record(
        db,
        "appointment.cancelled",
        by=by,
        now=now,
        tell_at=grace.tells_at(location, appointment.starts_at, now=now) if by.is_staff else None,
        appointment_id=appointment.id,
        doctor_id=appointment.doctor_id,
        **detail,
    )
    _free(db, appointment, Claim.of(appointment), freed_time.CANCELLED, by=by, now=now)
