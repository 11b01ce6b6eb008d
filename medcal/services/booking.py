"""The life of an appointment: hold, confirm, book at the desk, check in, finish, no-show. changes.py moves and cancels.

Two writers who want the same time are told apart by the constraints of the appointment table, never by a check before.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.errors import (
    HoldExpired,
    Invalid,
    NotAllowed,
    NotFound,
    NotOffered,
    NotPossibleNow,
    SlotTaken,
)
from medcal.i18n import t
from medcal.models import Appointment, AppointmentStatus, Doctor, Location, VisitType
from medcal.models.sealed import seal_note
from medcal.security import PATIENT, SYSTEM, Actor, new_booking_code
from medcal.services import access, events, freed_time, grace, patients, waitlist, withdrawals
from medcal.services.availability import FITS, busy_length_of, is_unclaimed, is_within_hours, length_of, question
from medcal.services.consents import Shown, keep_version
from medcal.services.patient_words import seal_words
from medcal.services.patients import BookerDetails, Person
from medcal.services.slots import slot_for


@dataclass(frozen=True)
class Held:
    """A time kept for somebody who is filling in the form."""

    appointment_id: int
    ref: uuid.UUID
    starts_at: datetime
    held_until: datetime


@dataclass(frozen=True)
class Details:
    """What the form says besides the time; already checked. `consent` and that of the wish are what stood beside it."""

    person: Person
    booker: BookerDetails | None = None
    reason: str = ""
    request: str = ""
    earlier: waitlist.Wish | None = None
    consent: Shown | None = None


# --- Holding and confirming -------------------------------------------------------------------------------------------

# One statement: what is free is read, and the row that claims it is written. Of two at the same instant the constraints let one through;
# DO NOTHING because a plain INSERT that waits on an exclusion constraint can end in a storm of deadlocks. The doctor's row is locked as the
# foreign key would do it, but before the look: a doctor who is just taken out of use is not held any more.
HOLD = f"""
WITH chosen AS (
    SELECT o.*, d.location_id, l.hold_minutes FROM opening o
      JOIN doctor d ON d.id = o.doctor_id JOIN location l ON l.id = d.location_id
     WHERE o.doctor_id = %(doctor_id)s AND o.starts_at = %(starts_at)s AND d.is_active AND {FITS}
       FOR KEY SHARE OF d
), held AS (
    INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, starts_at, ends_at, busy_until,
                             status, held_until, held_by, reason, request, cancel_reason, is_late_cancellation, version, created_at)
    SELECT gen_random_uuid(), %(code)s, doctor_id, slot_id, day, location_id, %(visit_type_id)s, starts_at,
           starts_at + %(length)s, starts_at + %(busy)s, 'held', %(now)s + make_interval(mins => hold_minutes), %(held_by)s,
           '', '', '', false, 1, %(now)s
      FROM chosen ON CONFLICT DO NOTHING RETURNING id, ref, starts_at, held_until
)
SELECT held.*, (SELECT count(*) FROM chosen) AS was_free FROM (VALUES (1)) AS always LEFT JOIN held ON true
"""


def hold(db: Session, doctor: Doctor, visit_type: VisitType, starts_at: datetime, *, visit: str, now: datetime) -> Held:
    """Keep a listed time for one browser while it fills in the form (`visit` is the digest of its cookie).

    A browser holds one time; choosing another lets the first go. Raises SlotTaken when somebody was faster, NotOffered for a time
    that the list does not show.
    """
    if visit_type.specialty_id != doctor.specialty_id or not visit_type.is_active:
        raise NotOffered
    _release_holds(
        db,
        "held_by = %(visit)s OR (held_until <= %(now)s AND doctor_id = %(doctor_id)s)",
        visit=visit,
        doctor_id=doctor.id,
        now=now,
    )
    row = fetch_one(
        db,
        HOLD,
        doctor_id=doctor.id,
        starts_at=starts_at,
        visit_type_id=visit_type.id,
        held_by=visit,
        code=new_booking_code(),
        now=now,
        **question(visit_type, now),
    )
    assert row is not None
    if row.id is None:
        raise why_not(db, doctor, visit_type, starts_at, was_free=bool(row.was_free))
    events.record(db, "appointment.held", by=PATIENT, now=now, appointment_id=row.id, doctor_id=doctor.id)
    return Held(row.id, row.ref, row.starts_at, row.held_until)


def why_not(
    db: Session, doctor: Doctor, visit_type: VisitType, starts_at: datetime, *, was_free: bool
) -> SlotTaken | NotOffered:
    assert doctor.id is not None
    if was_free or not is_unclaimed(db, doctor.id, starts_at, starts_at + busy_length_of(visit_type)):
        return SlotTaken()
    return NotOffered()


def find_hold(db: Session, *, visit: str, now: datetime) -> Appointment | None:
    """The time that a browser holds right now."""
    held = select(Appointment).where(Appointment.held_by == visit, Appointment.status == AppointmentStatus.held)
    return db.exec(
        held.where(col(Appointment.held_until) > now).order_by(col(Appointment.id).desc()).limit(1)
    ).one_or_none()


def has_just_booked(db: Session, *, visit: str, now: datetime) -> bool:
    """Whether a browser has turned a hold of its own into an appointment within the last ten minutes."""
    row = fetch_one(
        db,
        """SELECT 1 FROM patient_access seen JOIN appointment a ON a.id = seen.appointment_id
            WHERE seen.visit_digest = %(visit)s AND a.held_by = %(visit)s AND a.status = 'booked' AND a.booked_at > %(since)s LIMIT 1""",
        visit=visit,
        since=now - timedelta(minutes=10),
    )
    return row is not None


def release_lapsed_holds(db: Session, now: datetime, *, doctor_id: int | None = None) -> int:
    """Let go of times whose form was not sent in time, a hundred at once; returns how many. Holds of offers end with their offer instead."""
    return _release_holds(
        db, "held_until <= %(now)s AND coalesce(%(doctor_id)s, doctor_id) = doctor_id", doctor_id=doctor_id, now=now
    )


def let_go(db: Session, *, visit: str, now: datetime) -> int:
    """The patient changed her mind: the time she holds is free again at once."""
    return _release_holds(db, "held_by = %(visit)s", visit=visit, now=now)


def _release_holds(db: Session, which: str, *, now: datetime, **values: object) -> int:
    # SKIP LOCKED: whoever is just confirming such a row decides about it.
    rows = fetch(
        db,
        f"""UPDATE appointment SET status = 'released', held_until = NULL
             WHERE id IN (SELECT id FROM appointment WHERE status = 'held' AND held_by IS NOT NULL AND ({which})
                           ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)
             RETURNING id, doctor_id, starts_at, busy_until""",
        now=now,
        **values,
    )
    for row in rows:
        freed_time.wake(db, row.doctor_id, row.starts_at, row.busy_until, now)
        events.record(db, "appointment.released", by=SYSTEM, now=now, appointment_id=row.id, doctor_id=row.doctor_id)
    return len(rows)


def confirm(db: Session, held_ref: uuid.UUID, details: Details, *, visit: str, now: datetime) -> int:
    """Turn a browser's own hold into an appointment; returns its id. The same form sent twice gives the same appointment.

    Raises HoldExpired when the hold has run out, NotFound for a hold of somebody else.
    """
    held = _own_hold(db, held_ref, visit)
    if held.status in ("booked", "arrived"):
        return int(held.id)
    if held.status != "held" or held.held_until <= now:
        raise HoldExpired
    _check_reason(db, held.visit_type_id, details.reason)
    booked = fetch_one(
        db,
        """UPDATE appointment SET status = 'booked', held_until = NULL, patient_id = %(patient_id)s, booker_id = %(booker_id)s,
                  reason = %(reason)s, request = %(request)s, booked_at = %(now)s, consent_id = %(consent_id)s
            WHERE id = %(id)s RETURNING id, doctor_id, patient_id, starts_at, ends_at""",
        id=held.id,
        patient_id=patients.find_or_add(db, details.person, by=PATIENT, now=now),
        booker_id=patients.add_booker(db, details.booker) if details.booker else None,
        reason=seal_note(details.reason, "appointment.reason"),
        request=seal_note(details.request, "appointment.request"),
        consent_id=keep_version(db, details.consent, now=now) if details.consent else None,
        now=now,
    )
    assert booked is not None
    access.grant_after_booking(db, booked, visit, now)
    events.record(db, "appointment.booked", by=PATIENT, now=now, appointment_id=booked.id, doctor_id=booked.doctor_id)
    # A wish that came too late must not cost the booking.
    if details.earlier and waitlist.can_gain(booked, now):
        waitlist.join(db, db.get_one(Appointment, booked.id), details.earlier, by=PATIENT, now=now)
    return int(booked.id)


def _own_hold(db: Session, held_ref: uuid.UUID, visit: str) -> Any:
    # The lock makes a double click wait for the first one, and then find the appointment booked.
    held = fetch_one(
        db,
        """SELECT id, status, held_until, visit_type_id FROM appointment
            WHERE ref = %(ref)s AND held_by = %(visit)s FOR UPDATE""",
        ref=held_ref,
        visit=visit,
    )
    if held is None:
        raise NotFound
    return held


def _check_reason(db: Session, visit_type_id: int, reason: str) -> None:
    if not reason:
        return
    row = fetch_one(
        db,
        "SELECT s.reasons FROM visit_type v JOIN specialty s ON s.id = v.specialty_id WHERE v.id = %(id)s",
        id=visit_type_id,
    )
    if row is None or reason not in row.reasons:
        raise Invalid(t("Please choose a reason from the list."), "reason")


# --- The desk ---------------------------------------------------------------------------------------------------------

BOOK = """
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, reason, request, cancel_reason, is_late_cancellation, overbooked_by_id, overbooked_reason,
                         version, created_at, booked_at)
VALUES (gen_random_uuid(), %(code)s, %(doctor_id)s, %(slot_id)s, %(day)s, %(location_id)s, %(visit_type_id)s, %(patient_id)s,
        %(starts_at)s, %(ends_at)s, %(busy_until)s, 'booked', '', %(request)s, '', false, %(overbooked_by_id)s, %(overbooked_reason)s,
        1, %(now)s, %(now)s)
ON CONFLICT DO NOTHING RETURNING id
"""


def book_at_desk(
    db: Session,
    doctor: Doctor,
    visit_type: VisitType,
    starts_at: datetime,
    person: Person,
    *,
    request: str = "",
    overbook_reason: str = "",
    by: Actor,
    now: datetime,
) -> Appointment:
    """Book for a patient from the calendar, at any minute of the doctor's working hours.

    An offer that holds the time is withdrawn in the same transaction. With `overbook_reason` the time may be taken or outside the
    hours: the row then names who allowed it and why. Raises SlotTaken, NotOffered, NotAllowed.
    """
    place = place_at_desk(db, doctor, visit_type, starts_at, overbook_reason=overbook_reason, by=by, now=now)
    patient_id = patients.find_or_add(db, person, by=by, now=now)
    note = seal_note(request, "appointment.request")
    row = fetch_one(db, BOOK, **place, patient_id=patient_id, request=note, code=new_booking_code(), now=now)
    if row is None:
        raise SlotTaken
    events.record(
        db,
        "appointment.booked",
        by=by,
        now=now,
        appointment_id=row.id,
        doctor_id=doctor.id,
        patient_id=patient_id,
        new={"starts_at": starts_at, **seal_words(db, patient_id, overbooked_reason=overbook_reason)},
    )
    return db.get_one(Appointment, row.id)


def place_at_desk(
    db: Session,
    doctor: Doctor,
    visit_type: VisitType,
    starts_at: datetime,
    *,
    moving: Appointment | None = None,
    overbook_reason: str,
    by: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Where and when, as columns; makes room by withdrawing an offer. Raises NotAllowed, NotOffered."""
    assert doctor.id is not None
    if not by.is_staff or not by.sees_doctor(doctor.id):
        raise NotAllowed
    if visit_type.specialty_id != doctor.specialty_id:
        raise NotOffered
    ends_at, busy_until = starts_at + length_of(visit_type), starts_at + busy_length_of(visit_type)
    if not overbook_reason and (
        starts_at < now - timedelta(minutes=15) or not is_within_hours(db, doctor.id, starts_at, length_of(visit_type))
    ):
        raise NotOffered(t("The doctor does not work at this time. To book it all the same, give a reason."))
    queue_for(db, doctor.id)
    mover = waitlist.lock_wish(db, moving) if moving else None
    withdrawals.withdraw_offers_over(db, doctor.id, starts_at, busy_until, mover=mover, by=by, now=now)
    release_lapsed_holds(db, now, doctor_id=doctor.id)
    location = db.get_one(Location, doctor.location_id)
    local = clock.local(starts_at, location.zone_info)
    return {
        "doctor_id": doctor.id,
        "slot_id": slot_for(db, doctor.id, local.time()),
        "day": local.date(),
        "location_id": location.id,
        "visit_type_id": visit_type.id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "busy_until": busy_until,
        "overbooked_by_id": by.id if overbook_reason else None,
        "overbooked_reason": seal_note(overbook_reason, "appointment.overbooked_reason") or None,
    }


def queue_for(db: Session, doctor_id: int) -> None:
    """Writers that UPDATE into a doctor's time pass one by one: an UPDATE has no ON CONFLICT, and on an exclusion constraint many at once
    end in deadlocks. The constraint still decides; this only keeps them from waiting on each other crosswise. Before any other lock."""
    fetch(db, "SELECT pg_advisory_xact_lock(%(doctor_id)s)", doctor_id=doctor_id)


# --- Confirming, and the day itself -------------------------------------------------------------------------------------


def confirm_coming(db: Session, appointment: Appointment, *, by: Actor = PATIENT, now: datetime) -> None:
    """The patient says that she will come. Saying it twice is fine; a cancelled appointment cannot be confirmed."""
    row = fetch_one(
        db,
        """UPDATE appointment SET confirmed_at = coalesce(confirmed_at, %(now)s) WHERE id = %(id)s AND status = 'booked'
           RETURNING confirmed_at = %(now)s AS is_new""",
        id=appointment.id,
        now=now,
    )
    if row is None:
        raise NotPossibleNow
    db.refresh(appointment)
    if row.is_new:
        grace.tell_now(db, appointment.id or 0, now)
        events.record(
            db, "appointment.confirmed", by=by, now=now, appointment_id=appointment.id, doctor_id=appointment.doctor_id
        )


def check_in(db: Session, appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """The patient has arrived."""
    _change_status(db, appointment, "booked", "arrived", "appointment.arrived", by=by, now=now)


def finish(db: Session, appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """The visit is over."""
    _change_status(db, appointment, "arrived", "fulfilled", "appointment.fulfilled", by=by, now=now)


def mark_no_show(db: Session, appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """The patient did not come. Only after the visit should have begun; can be taken back."""
    if now < appointment.starts_at:
        raise NotPossibleNow(t("The visit has not begun yet."))
    _change_status(db, appointment, "booked", "no_show", "appointment.no_show", by=by, now=now)


def undo_no_show(db: Session, appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """She came after all. Raises SlotTaken when the time has been given away meanwhile."""
    _change_status(db, appointment, "no_show", "booked", "appointment.no_show_undone", by=by, now=now)


def _change_status(
    db: Session, appointment: Appointment, old: str, new: str, event: str, *, by: Actor, now: datetime
) -> None:
    """Compare and set: of two desks that press at once, one does it and the other is told."""
    if not by.sees_doctor(appointment.doctor_id):
        raise NotAllowed
    row = fetch_one(
        db,
        "UPDATE appointment SET status = %(new)s, version = version + 1 WHERE id = %(id)s AND status = %(old)s RETURNING id",
        id=appointment.id,
        old=old,
        new=new,
    )
    if row is None:
        raise NotPossibleNow
    db.refresh(appointment)
    events.record(db, event, by=by, now=now, appointment_id=appointment.id, doctor_id=appointment.doctor_id)
