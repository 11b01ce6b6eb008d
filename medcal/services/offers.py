"""Freed time, and the offers that hold it for one waiting person at a time.

Lock order in every path: freed time, then offer, then appointments by id.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.errors import NotAllowed, OfferClosed
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    EntryStatus,
    FreedStatus,
    FreedTime,
    Location,
    Offer,
    OfferStatus,
    WaitlistEntry,
)
from medcal.models.appointments import LIVE
from medcal.security import SYSTEM, Actor, new_booking_code
from medcal.services import events, jobs
from medcal.services.availability import works_until
from medcal.services.quiet_hours import answer_deadline, end_of_quiet

LEAST_GAIN = timedelta(days=1)
# No offer is made when its answer time would end closer to the visit than this.
LEAST_LEAD = timedelta(hours=1)
LOOK_AGAIN = timedelta(minutes=5)
# A hold that has run out may take a moment to be released.
LOOK_SOON = timedelta(seconds=10)


def free(
    db: Session,
    doctor_id: int,
    starts_at: datetime,
    ends_at: datetime,
    *,
    cause: str,
    appointment_id: int | None = None,
    by: Actor = SYSTEM,
    now: datetime,
) -> None:
    """Note that a doctor's time became free, to be offered to those who wait; time that is past or nearly so is left alone."""
    if starts_at <= now + LEAST_LEAD:
        return
    row = fetch_one(
        db,
        """INSERT INTO freed_time (ref, doctor_id, location_id, day, starts_at, ends_at, cause, freed_by_id, status, look_at, created_at)
           SELECT gen_random_uuid(), d.id, l.id, (%(starts_at)s AT TIME ZONE l.zone)::date, %(starts_at)s, %(ends_at)s, %(cause)s,
                  %(appointment_id)s, 'open', %(now)s, %(now)s
             FROM doctor d JOIN location l ON l.id = d.location_id WHERE d.id = %(doctor_id)s
           ON CONFLICT DO NOTHING RETURNING id""",
        doctor_id=doctor_id,
        starts_at=starts_at,
        ends_at=ends_at,
        cause=cause,
        appointment_id=appointment_id,
        now=now,
    )
    if row is None:
        return
    events.record(
        db, "time.freed", by=by, now=now, doctor_id=doctor_id, freed_time_id=row.id, starts_at=starts_at, cause=cause
    )
    jobs.add(db, "offer_freed_time", row.id, now=now)


def offer_next(db: Session, now: datetime) -> bool:
    """Take one freed time that is due for a look and offer it; False when none is due."""
    row = fetch_one(
        db,
        """SELECT id FROM freed_time WHERE status = 'open' AND look_at <= %(now)s
            ORDER BY look_at, id LIMIT 1 FOR UPDATE SKIP LOCKED""",
        now=now,
    )
    if row is None:
        return False
    offer_freed_time(db, row.id, now)
    return True


def offer_freed_time(db: Session, freed_time_id: int, now: datetime) -> None:
    """Offer a freed time to the first who fits; with nobody to ask it stays on the list and is looked at again.

    One candidate per transaction: several patients' rows locked at once could deadlock.
    """
    freed = db.exec(
        select(FreedTime)
        .where(FreedTime.id == freed_time_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if freed.status is not FreedStatus.open:
        return
    location = db.get_one(Location, freed.location_id)
    claim = _claim_on(db, freed)
    is_booked = claim is not None and claim.held_until is None
    if is_booked or freed.starts_at <= now + LEAST_LEAD or _worked_until(db, freed) <= freed.starts_at:
        _end(db, freed, FreedStatus.gone, now)
        return
    if claim is not None:
        # Somebody fills in a form or thinks about another offer: if nothing comes of it, the time is free again.
        freed.look_at = max(claim.held_until, now + LOOK_SOON)
        return
    quiet_end = end_of_quiet(now, location)
    if quiet_end is not None:
        freed.look_at = quiet_end
        return
    answer_until = answer_deadline(now, location)
    candidate = _first_candidate(db, freed, location, now) if answer_until + LEAST_LEAD <= freed.starts_at else None
    if candidate is None:
        freed.look_at = now + LOOK_AGAIN
    elif not _make_offer(db, freed, candidate, answer_until, now):
        # Somebody claimed the time or asked the patient in this very moment: look again at once, in a new transaction.
        freed.look_at = now


def _claim_on(db: Session, freed: FreedTime) -> Any | None:
    """What claims the start of a freed time, a booking before a hold. No visit lasts twelve hours."""
    return fetch_one(
        db,
        f"""SELECT a.held_until FROM appointment a WHERE a.doctor_id = %(doctor_id)s AND a.{LIVE}
             AND a.starts_at <= %(starts_at)s AND a.starts_at > %(starts_at)s - interval '12 hours' AND a.busy_until > %(starts_at)s
           ORDER BY a.held_until DESC NULLS FIRST LIMIT 1""",
        doctor_id=freed.doctor_id,
        starts_at=freed.starts_at,
    )


def _worked_until(db: Session, freed: FreedTime) -> datetime:
    """Until when the doctor works in a freed time; its start when she no longer does."""
    return works_until(db, freed.doctor_id, freed.starts_at) or freed.starts_at


def _free_until(db: Session, freed: FreedTime) -> datetime:
    """Until when the doctor is free from the start of the freed time on (its end at the latest)."""
    row = fetch_one(
        db,
        f"""SELECT min(greatest(a.starts_at, %(starts_at)s)) AS at FROM appointment a WHERE a.doctor_id = %(doctor_id)s AND a.{LIVE}
             AND tstzrange(a.starts_at, a.busy_until) && tstzrange(%(starts_at)s, %(ends_at)s)""",
        doctor_id=freed.doctor_id,
        starts_at=freed.starts_at,
        ends_at=freed.ends_at,
    )
    assert row is not None
    end: datetime = row.at if row.at is not None else freed.ends_at
    return end


def _end(db: Session, freed: FreedTime, status: FreedStatus, now: datetime) -> None:
    freed.status, freed.ended_at = status, now
    kind = "time.filled" if status is FreedStatus.filled else "time.gone"
    events.record(db, kind, by=SYSTEM, now=now, doctor_id=freed.doctor_id, freed_time_id=freed.id)


# --- Offers -----------------------------------------------------------------------------------------------------------

# Fits the specialty, place, length and the patient's own limits; gains a day; she is free then, has no other offer, and was not asked
# for this freed time before. Urgency set by staff comes first, then the time waited.
CANDIDATE = f"""
SELECT e.id, e.patient_id, e.visit_type_id, e.appointment_id, v.length_minutes, v.buffer_minutes
  FROM waitlist_entry e
  JOIN visit_type v ON v.id = e.visit_type_id
  LEFT JOIN appointment own ON own.id = e.appointment_id
 WHERE e.status = 'waiting' AND e.location_id = %(location_id)s AND v.specialty_id = %(specialty_id)s
   AND (e.doctor_id IS NULL OR e.doctor_id = %(doctor_id)s)
   AND make_interval(mins => v.length_minutes) <= %(length)s
   AND make_interval(mins => v.length_minutes + v.buffer_minutes) <= %(busy)s
   AND %(weekday)s = ANY (e.weekdays) AND e.opens <= %(wall)s AND %(wall)s <= e.closes
   AND %(starts_at)s >= %(now)s + make_interval(hours => e.notice_hours)
   AND (e.appointment_id IS NULL OR (own.status = 'booked' AND own.starts_at >= %(starts_at)s + %(gain)s))
   AND NOT EXISTS (SELECT FROM offer o WHERE o.patient_id = e.patient_id AND o.status = 'open')
   AND NOT EXISTS (SELECT FROM offer o WHERE o.freed_time_id = %(freed_time_id)s AND o.patient_id = e.patient_id)
   AND NOT EXISTS (SELECT FROM appointment a
                    WHERE a.patient_id = e.patient_id AND a.id IS DISTINCT FROM e.appointment_id AND a.{LIVE}
                      AND a.starts_at < %(starts_at)s + make_interval(mins => v.length_minutes) AND a.ends_at > %(starts_at)s)
 ORDER BY e.urgency DESC, e.created_at, e.id LIMIT 1 FOR UPDATE OF e SKIP LOCKED
"""


def _first_candidate(db: Session, freed: FreedTime, location: Location, now: datetime) -> Any | None:
    local = clock.local(freed.starts_at, location.zone_info)
    free_until = _free_until(db, freed)
    # What was freed may have had a buffer that ran past closing; a visit ends before.
    length = min(free_until, _worked_until(db, freed)) - freed.starts_at
    return fetch_one(
        db,
        CANDIDATE,
        location_id=freed.location_id,
        specialty_id=db.get_one(Doctor, freed.doctor_id).specialty_id,
        doctor_id=freed.doctor_id,
        freed_time_id=freed.id,
        starts_at=freed.starts_at,
        length=length,
        busy=_room_after(db, freed, free_until) - freed.starts_at,
        weekday=local.weekday(),
        wall=local.time(),
        gain=LEAST_GAIN,
        now=now,
    )


def _room_after(db: Session, freed: FreedTime, free_until: datetime) -> datetime:
    """Until when a visit's buffer may reach: the next live claim on the doctor, or far enough when there is none."""
    far = free_until + timedelta(hours=3)
    row = fetch_one(
        db,
        f"""SELECT min(a.starts_at) AS at FROM appointment a
             WHERE a.doctor_id = %(doctor_id)s AND a.{LIVE} AND a.starts_at >= %(free_until)s AND a.starts_at < %(far)s""",
        doctor_id=freed.doctor_id,
        free_until=free_until,
        far=far,
    )
    assert row is not None
    end: datetime = row.at or far
    return end


HOLD_FOR_OFFER = """
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, held_until, reason, request, cancel_reason, is_late_cancellation, version, created_at)
SELECT gen_random_uuid(), %(code)s, %(doctor_id)s, s.id, %(day)s, %(location_id)s, %(visit_type_id)s, %(patient_id)s, %(starts_at)s,
       %(starts_at)s + make_interval(mins => %(length)s), %(starts_at)s + make_interval(mins => %(busy)s), 'held', %(answer_until)s,
       '', '', '', false, 1, %(now)s
  FROM slot s WHERE s.doctor_id = %(doctor_id)s AND s.starts = %(wall)s
ON CONFLICT DO NOTHING RETURNING id
"""


def _make_offer(db: Session, freed: FreedTime, candidate: Any, answer_until: datetime, now: datetime) -> bool:
    """Hold the time in the appointments' own constraint and write the offer; False when either was no longer possible."""
    location = db.get_one(Location, freed.location_id)
    hold = fetch_one(
        db,
        HOLD_FOR_OFFER,
        code=new_booking_code(),
        doctor_id=freed.doctor_id,
        day=freed.day,
        location_id=freed.location_id,
        visit_type_id=candidate.visit_type_id,
        patient_id=candidate.patient_id,
        starts_at=freed.starts_at,
        length=candidate.length_minutes,
        busy=candidate.length_minutes + candidate.buffer_minutes,
        wall=clock.local(freed.starts_at, location.zone_info).time(),
        answer_until=answer_until,
        now=now,
    )
    if hold is None:
        return False
    offer = fetch_one(
        db,
        """INSERT INTO offer (ref, freed_time_id, entry_id, patient_id, hold_id, status, answer_until, created_at)
           VALUES (gen_random_uuid(), %(freed_time_id)s, %(entry_id)s, %(patient_id)s, %(hold_id)s, 'open', %(answer_until)s, %(now)s)
           ON CONFLICT DO NOTHING RETURNING id""",
        freed_time_id=freed.id,
        entry_id=candidate.id,
        patient_id=candidate.patient_id,
        hold_id=hold.id,
        answer_until=answer_until,
        now=now,
    )
    if offer is None:
        _release(db, hold.id)
        return False
    freed.status = FreedStatus.offered
    events.record(
        db,
        "offer.made",
        by=SYSTEM,
        now=now,
        appointment_id=hold.id,
        doctor_id=freed.doctor_id,
        freed_time_id=freed.id,
        offer_id=offer.id,
        entry_id=candidate.id,
        answer_until=answer_until,
    )
    return True


def accept(db: Session, offer_id: int, *, by: Actor, now: datetime) -> Appointment:
    """Take the offered time: in one transaction the new time is taken, the old one released, and the old one offered on in its turn.

    Accepting twice gives the same appointment. Raises OfferClosed after the answer time, or when the offer has ended otherwise.
    """
    freed, offer = _lock(db, offer_id)
    entry = db.get_one(WaitlistEntry, offer.entry_id)
    if offer.status is OfferStatus.accepted:
        return db.get_one(Appointment, entry.appointment_id or offer.hold_id)
    if offer.status is not OfferStatus.open or offer.answer_until <= now:
        raise OfferClosed
    hold, own = _lock_appointments(db, offer.hold_id, entry.appointment_id)
    if hold.status is not AppointmentStatus.held or (own is not None and not _would_gain(own, hold)):
        raise OfferClosed
    offer.status, offer.decided_at, offer.decided_by = OfferStatus.accepted, now, str(by.kind)
    entry.status = EntryStatus.fulfilled
    events.record(db, "offer.accepted", by=by, now=now, freed_time_id=freed.id, offer_id=offer.id, entry_id=entry.id)
    _end(db, freed, FreedStatus.filled, now)
    if own is None:
        return _book_hold(db, hold, by=by, now=now)
    _swap(db, own, hold, by=by, now=now)
    return own


def _would_gain(own: Appointment, hold: Appointment) -> bool:
    """Cancelled, or moved to before the offered time meanwhile: nothing to gain any more."""
    return own.status is AppointmentStatus.booked and own.starts_at > hold.starts_at


def _lock(db: Session, offer_id: int) -> tuple[FreedTime, Offer]:
    """The freed time first, then the offer; both read anew behind the locks."""
    freed_time_id = db.exec(select(Offer.freed_time_id).where(Offer.id == offer_id)).one_or_none()
    if freed_time_id is None:
        raise OfferClosed
    fresh = {"populate_existing": True}
    freed = db.exec(
        select(FreedTime).where(FreedTime.id == freed_time_id).with_for_update().execution_options(**fresh)
    ).one()
    offer = db.exec(select(Offer).where(Offer.id == offer_id).with_for_update().execution_options(**fresh)).one()
    return freed, offer


def _lock_appointments(db: Session, hold_id: int, own_id: int | None) -> tuple[Appointment, Appointment | None]:
    wanted = [hold_id] if own_id is None else [hold_id, own_id]
    rows = db.exec(
        select(Appointment)
        .where(col(Appointment.id).in_(wanted))
        .order_by(col(Appointment.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    found = {row.id: row for row in rows}
    return found[hold_id], found[own_id] if own_id is not None else None


def _book_hold(db: Session, hold: Appointment, *, by: Actor, now: datetime) -> Appointment:
    """Somebody who waited without an appointment: the hold itself becomes one."""
    hold.status, hold.held_until, hold.booked_at = AppointmentStatus.booked, None, now
    db.flush()
    events.record(db, "appointment.booked", by=by, now=now, appointment_id=hold.id, doctor_id=hold.doctor_id)
    return hold


def _swap(db: Session, own: Appointment, hold: Appointment, *, by: Actor, now: datetime) -> None:
    """Move the patient's own appointment onto the held time. It keeps its identity: links, code and calendar entry stay good."""
    old = (own.doctor_id, own.starts_at, own.busy_until)
    _release(db, hold.id)
    own.doctor_id, own.slot_id, own.appointment_date = hold.doctor_id, hold.slot_id, hold.appointment_date
    own.location_id = hold.location_id
    own.starts_at, own.ends_at, own.busy_until = hold.starts_at, hold.ends_at, hold.busy_until
    own.overbooked_by_id, own.overbooked_reason, own.confirmed_at = None, None, None
    own.version += 1
    db.flush()
    events.record(
        db,
        "appointment.moved",
        by=by,
        now=now,
        appointment_id=own.id,
        doctor_id=own.doctor_id,
        old={"doctor_id": old[0], "starts_at": old[1]},
        new={"doctor_id": own.doctor_id, "starts_at": own.starts_at},
    )
    free(db, old[0], old[1], old[2], cause="moved", appointment_id=own.id, by=by, now=now)


def _release(db: Session, hold_id: int | None) -> None:
    fetch(
        db,
        "UPDATE appointment SET status = 'released', held_until = NULL WHERE id = %(id)s AND status = 'held'",
        id=hold_id,
    )


def decline(db: Session, offer_id: int, *, by: Actor, now: datetime) -> None:
    """Say no to an offer: the time goes on to the next, the place on the list stays. Declining twice is fine; raises OfferClosed
    when the offer has ended otherwise."""
    freed, offer = _lock(db, offer_id)
    if offer.status is OfferStatus.declined:
        return
    if offer.status is not OfferStatus.open or offer.answer_until <= now:
        raise OfferClosed
    _close(db, freed, offer, OfferStatus.declined, by=by, now=now)


def expire_next(db: Session, now: datetime) -> bool:
    """End one offer whose answer time has passed; False when there is none."""
    row = fetch_one(
        db,
        """SELECT o.id FROM offer o JOIN freed_time f ON f.id = o.freed_time_id
            WHERE o.status = 'open' AND o.answer_until <= %(now)s ORDER BY o.answer_until, o.id LIMIT 1 FOR UPDATE OF f SKIP LOCKED""",
        now=now,
    )
    if row is None:
        return False
    freed, offer = _lock(db, row.id)
    if offer.status is OfferStatus.open and offer.answer_until <= now:
        _close(db, freed, offer, OfferStatus.expired, by=SYSTEM, now=now)
    return True


def _close(
    db: Session, freed: FreedTime, offer: Offer, status: OfferStatus, *, by: Actor, now: datetime, tell: bool = False
) -> None:
    """End an open offer and its hold together; the freed time is looked at again at once."""
    offer.status, offer.decided_at, offer.decided_by = status, now, str(by.kind)
    freed.status, freed.look_at = FreedStatus.open, now
    db.flush()
    _release(db, offer.hold_id)
    events.record(
        db,
        f"offer.{status}",
        by=by,
        now=now,
        appointment_id=offer.hold_id,
        doctor_id=freed.doctor_id,
        freed_time_id=freed.id,
        offer_id=offer.id,
        entry_id=offer.entry_id,
        quietly=not tell,
    )
    if freed.id is not None:
        jobs.add(db, "offer_freed_time", freed.id, now=now)


def withdraw_offers_over(
    db: Session, doctor_id: int, starts_at: datetime, busy_until: datetime, *, by: Actor, now: datetime
) -> None:
    """The desk takes a time that is on offer: the offer ends in the same transaction and its patient is told."""
    if not by.is_staff:
        raise NotAllowed
    for offer_id in _open_offers_over(db, doctor_id, starts_at, busy_until):
        freed, offer = _lock(db, offer_id)
        if offer.status is OfferStatus.open:
            _close(db, freed, offer, OfferStatus.withdrawn, by=by, now=now, tell=True)


def _open_offers_over(db: Session, doctor_id: int, starts_at: datetime, busy_until: datetime) -> Sequence[int]:
    rows = fetch(
        db,
        """SELECT o.id FROM offer o JOIN appointment h ON h.id = o.hold_id
            WHERE o.status = 'open' AND h.doctor_id = %(doctor_id)s
              AND tstzrange(h.starts_at, h.busy_until) && tstzrange(%(starts_at)s, %(busy_until)s) ORDER BY o.freed_time_id""",
        doctor_id=doctor_id,
        starts_at=starts_at,
        busy_until=busy_until,
    )
    return [row.id for row in rows]


def close_offers_to(db: Session, appointment_id: int, *, by: Actor, now: datetime) -> None:
    """The later appointment is cancelled, moved, or no longer waits: an open offer for it ends, and the time goes on to the next."""
    rows = fetch(
        db,
        """SELECT o.id FROM offer o JOIN waitlist_entry e ON e.id = o.entry_id
            WHERE o.status = 'open' AND e.appointment_id = %(id)s ORDER BY o.freed_time_id""",
        id=appointment_id,
    )
    for row in rows:
        freed, offer = _lock(db, row.id)
        if offer.status is OfferStatus.open:
            _close(db, freed, offer, OfferStatus.withdrawn, by=by, now=now)
