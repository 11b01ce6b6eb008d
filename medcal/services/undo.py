"""Taking back what the desk has just done: within the location's grace, and as long as nobody has been told.

What was moved or cancelled is as it was before, with its confirmation, its permission to be overbooked, and the wish for something earlier.
"""

from datetime import datetime

from sqlmodel import Session

from medcal.db import fetch_one
from medcal.errors import ChangedMeanwhile, NotAllowed, NotPossibleNow
from medcal.i18n import t
from medcal.models import Appointment, AppointmentStatus, Location
from medcal.security import Actor
from medcal.services import events, freed_time, grace, waitlist, withdrawals
from medcal.services.booking import queue_for, release_lapsed_holds
from medcal.services.changes import Claim, follow_up_move, why_not_changed


def take_back(db: Session, appointment: Appointment, *, version: int, by: Actor, now: datetime) -> None:
    """Undo the desk's last move or cancellation, of whomever at the desk: time, confirmation and wish are as they were before.

    Within the location's grace, and as long as the old time is free. The patient hears nothing unless she was told already. Raises
    NotAllowed, ChangedMeanwhile, NotPossibleNow after the grace, SlotTaken.
    """
    if not by.is_staff or not by.sees_doctor(appointment.doctor_id):
        raise NotAllowed
    undo_until = taken_back_until(db, appointment)
    if appointment.version != version or undo_until is None:
        raise ChangedMeanwhile
    if now >= undo_until:
        raise NotPossibleNow(t("It is too late to undo this: the patient is being told."))
    if appointment.status is AppointmentStatus.cancelled:
        _restore(db, appointment, version=version, by=by, now=now)
    else:
        _move_back(db, appointment, version=version, by=by, now=now)


def taken_back_until(db: Session, appointment: Appointment) -> datetime | None:
    """Until when the desk can take back what it did last to an appointment; None where there is nothing of the kind."""
    location = db.get_one(Location, appointment.location_id)
    done_at = changed_at(appointment)
    return grace.ends_at(location, done_at) if done_at else None


def changed_at(appointment: Appointment) -> datetime | None:
    """When the desk moved or cancelled an appointment, if that was the last that was done to it, by whomever."""
    if appointment.status is AppointmentStatus.cancelled:
        return appointment.cancelled_at if appointment.cancelled_by == "staff" else None
    # Who has confirmed the new time knows of it.
    if appointment.status is not AppointmentStatus.booked or appointment.confirmed_at:
        return None
    remembered = appointment.undo
    is_last = remembered is not None and remembered["version"] == appointment.version
    return datetime.fromisoformat(remembered["at"]) if remembered and is_last else None


def _restore(db: Session, appointment: Appointment, *, version: int, by: Actor, now: datetime) -> None:
    assert appointment.id is not None
    assert appointment.cancelled_at is not None
    _prepare(db, appointment, Claim.of(appointment), appointment.cancelled_at, by, now)
    row = fetch_one(
        db,
        """UPDATE appointment SET status = 'booked', cancelled_at = NULL, cancelled_by = NULL, cancel_reason = '',
                  is_late_cancellation = false, version = version + 1
            WHERE id = %(id)s AND version = %(version)s AND status = 'cancelled' RETURNING id""",
        id=appointment.id,
        version=version,
    )
    if row is None:
        raise ChangedMeanwhile
    db.refresh(appointment)
    location = db.get_one(Location, appointment.location_id)
    events.record(
        db,
        "appointment.restored",
        by=by,
        now=now,
        tell_at=grace.tells_at(location, appointment.starts_at, now=now),
        appointment_id=appointment.id,
        doctor_id=appointment.doctor_id,
    )


MOVE_BACK = """
UPDATE appointment a
   SET (doctor_id, slot_id, appointment_date, location_id, starts_at, ends_at, busy_until, confirmed_at, overbooked_by_id, overbooked_reason)
     = (SELECT b.doctor_id, b.slot_id, b.appointment_date, b.location_id, b.starts_at, b.ends_at, b.busy_until, b.confirmed_at,
               b.overbooked_by_id, b.overbooked_reason FROM jsonb_populate_record(a, a.undo) b),
       version = a.version + 1, undo = NULL
 WHERE a.id = %(id)s AND a.version = %(version)s AND a.status = 'booked' AND a.confirmed_at IS NULL RETURNING a.id
"""


def _move_back(db: Session, appointment: Appointment, *, version: int, by: Actor, now: datetime) -> None:
    assert appointment.id is not None
    assert appointment.undo is not None
    was, moved_at = appointment.undo, datetime.fromisoformat(appointment.undo["at"])
    back = Claim(was["doctor_id"], datetime.fromisoformat(was["starts_at"]), datetime.fromisoformat(was["busy_until"]))
    before = Claim.of(appointment)
    if not _prepare(db, appointment, back, moved_at, by, now):
        waitlist.follow_move(db, appointment.id, back.starts_at, by=by, now=now)
    if fetch_one(db, MOVE_BACK, id=appointment.id, version=version) is None:
        raise why_not_changed(db, appointment)
    follow_up_move(db, appointment, before, by=by, now=now)


def _prepare(db: Session, appointment: Appointment, claim: Claim, done_at: datetime, by: Actor, now: datetime) -> bool:
    """Everything before the row itself, in the order of locks: the wish is what it was, and the time is free as far as that is the desk's.

    Whoever fills in a form there or has booked keeps it; an offer over it ends. Returns whether a wish was put back.
    """
    assert appointment.id is not None
    queue_for(db, claim.doctor_id)
    mover = waitlist.lock_wish(db, appointment)
    is_put_back = waitlist.put_back(db, appointment.id, left_at=done_at, by=by, now=now)
    withdrawals.withdraw_offers_over(db, *claim, mover=mover, by=by, now=now)
    release_lapsed_holds(db, now, doctor_id=claim.doctor_id)
    freed_time.take_back(db, appointment.id, claim.doctor_id, claim.starts_at, now=now)
    return is_put_back
