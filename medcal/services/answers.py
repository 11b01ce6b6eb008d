"""Answering: accept, decline, and no answer.

Each is one transaction, in the order of locks of docs/offers.md: entries, freed time, offers, appointments.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from medcal.db import fetch, fetch_one
from medcal.errors import NotAllowed, NotPossibleNow, OfferClosed, OfferTaken
from medcal.i18n import t
from medcal.models import (
    Appointment,
    AppointmentStatus,
    EntryStatus,
    FreedEnd,
    FreedTime,
    Location,
    Offer,
    OfferStatus,
    VisitType,
    WaitlistEntry,
)
from medcal.models.appointments import LIVE
from medcal.security import SYSTEM, Actor
from medcal.services import events, freed_time
from medcal.services.availability import busy_length_of, length_of
from medcal.services.offer_ends import FRESH, close, decide, lock_appointments, lock_offer, lock_open_offers, record
from medcal.services.offer_states import ENTRY, after
from medcal.services.offers import release
from medcal.services.policy import policy_for

# --- Accepting --------------------------------------------------------------------------------------------------------


def accept(db: Session, offer_id: int, *, by: Actor, now: datetime) -> Appointment:
    """Take the offered time: in one transaction the new time is taken, the old one released and offered on in its turn, and the others
    of the group are told.

    Accepting twice gives the same appointment. Raises OfferTaken when somebody else of the group was faster, OfferClosed after the
    answer time or when the offer has ended otherwise, NotPossibleNow for who meanwhile has another visit at that time.
    """
    locked = lock_offer(db, offer_id)
    offer, entry = locked.offer, locked.entry
    if offer.status is OfferStatus.accepted:
        return db.get_one(Appointment, entry.appointment_id or offer.hold_id)
    _check_open(offer, now)
    hold, own = lock_appointments(db, offer.hold_id, entry.appointment_id)
    if hold.status is not AppointmentStatus.held or (own is not None and not _would_gain(own, hold)):
        raise OfferClosed
    visit_type = db.get_one(VisitType, entry.visit_type_id)
    _check_not_busy(db, entry, hold, visit_type)
    decide(offer, "accepted", by, now)
    entry.status, entry.unanswered_in_row = after(ENTRY, entry.status, "accepted", by), 0
    record(db, locked.freed, offer, by=by, now=now)
    for slower in locked.others:
        decide(slower, "taken", by, now)
        record(db, locked.freed, slower, by=by, now=now, tell=True)
    freed_time.end(db, locked.freed, FreedEnd.offer, by=by, now=now)
    if own is None:
        taken = _book(db, hold, entry, visit_type, by=by, now=now)
    else:
        taken = _swap(db, own, hold, visit_type, by=by, now=now)
    freed_time.free_rest(db, locked.freed, taken.busy_until, now)
    return taken


def _check_open(offer: Offer, now: datetime) -> None:
    if offer.status is OfferStatus.taken:
        raise OfferTaken
    if offer.status is not OfferStatus.open or offer.answer_until <= now:
        raise OfferClosed


def _would_gain(own: Appointment, hold: Appointment) -> bool:
    """Cancelled, or moved to before the offered time meanwhile: nothing to gain any more."""
    return own.status is AppointmentStatus.booked and own.starts_at > hold.starts_at


def _check_not_busy(db: Session, entry: WaitlistEntry, hold: Appointment, visit_type: VisitType) -> None:
    row = fetch_one(
        db,
        f"""SELECT 1 FROM appointment a WHERE a.patient_id = %(patient_id)s AND a.{LIVE} AND a.id <> %(hold_id)s
             AND a.id IS DISTINCT FROM %(own_id)s AND a.starts_at < %(ends_at)s AND a.ends_at > %(starts_at)s LIMIT 1""",
        patient_id=entry.patient_id,
        hold_id=hold.id,
        own_id=entry.appointment_id,
        starts_at=hold.starts_at,
        ends_at=hold.starts_at + length_of(visit_type),
    )
    if row is not None:
        raise NotPossibleNow(t("You have another appointment at that time. Please cancel it first, or call us."))


def _book(
    db: Session, hold: Appointment, entry: WaitlistEntry, visit_type: VisitType, *, by: Actor, now: datetime
) -> Appointment:
    """Somebody who waited without an appointment: the hold itself becomes one."""
    hold.patient_id, hold.visit_type_id = entry.patient_id, entry.visit_type_id
    hold.ends_at, hold.busy_until = hold.starts_at + length_of(visit_type), hold.starts_at + busy_length_of(visit_type)
    hold.status, hold.held_until, hold.booked_at = AppointmentStatus.booked, None, now
    db.flush()
    events.record(db, "appointment.booked", by=by, now=now, appointment_id=hold.id, doctor_id=hold.doctor_id)
    return hold


def _swap(
    db: Session, own: Appointment, hold: Appointment, visit_type: VisitType, *, by: Actor, now: datetime
) -> Appointment:
    """Move the patient's own appointment onto the held time. It keeps its identity: links, code and calendar entry stay good."""
    assert hold.id is not None
    old = (own.doctor_id, own.starts_at, own.busy_until)
    release(db, hold.id)
    own.doctor_id, own.slot_id, own.appointment_date = hold.doctor_id, hold.slot_id, hold.appointment_date
    own.location_id, own.starts_at = hold.location_id, hold.starts_at
    own.ends_at, own.busy_until = hold.starts_at + length_of(visit_type), hold.starts_at + busy_length_of(visit_type)
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
    freed_time.free(
        db,
        *old,
        cause=freed_time.MOVED,
        appointment_id=own.id,
        visit_type_id=own.visit_type_id,
        by=by,
        now=now,
    )
    return own


# --- Declining, and no answer -----------------------------------------------------------------------------------------


def decline(db: Session, offer_id: int, *, by: Actor, now: datetime) -> None:
    """Say no to an offer: the place on the list stays, and the time goes on to the next unless others of the group still think.

    Declining twice is fine; raises OfferClosed when the offer has ended otherwise.
    """
    locked = lock_offer(db, offer_id)
    if locked.offer.status is OfferStatus.declined:
        return
    _check_open(locked.offer, now)
    locked.entry.unanswered_in_row = 0
    close(db, locked.freed, [locked.offer], "declined", by=by, now=now)


def note_not_reached(db: Session, offer_id: int, *, by: Actor, now: datetime) -> None:
    """The desk could not reach her: the offer ends at once as if its time had run out. Raises OfferClosed, NotAllowed."""
    if not by.is_staff:
        raise NotAllowed
    locked = lock_offer(db, offer_id)
    if locked.offer.status is OfferStatus.expired:
        return
    _check_open(locked.offer, now)
    _expire(db, locked.freed, [(locked.offer, locked.entry)], by=by, now=now)


def expire_next(db: Session, now: datetime) -> bool:
    """End the offers of one freed time whose answer time has passed; False when there is none."""
    overdue = find_overdue(db, now)
    if overdue:
        expire(db, overdue[0], now)
    return bool(overdue)


def find_overdue(db: Session, now: datetime) -> list[int]:
    """The freed times with offers whose answer time has passed, in that order."""
    rows = fetch(
        db,
        """SELECT freed_time_id AS id FROM offer WHERE status = 'open' AND answer_until <= %(now)s
            GROUP BY freed_time_id ORDER BY min(answer_until), freed_time_id""",
        now=now,
    )
    return [row.id for row in rows]


def expire(db: Session, freed_time_id: int, now: datetime) -> None:
    """End the offers of a freed time whose answer time has passed, all at once."""
    entries = {entry.id: entry for entry in _lock_entries_asked(db, freed_time_id)}
    freed = freed_time.lock(db, freed_time_id)
    late = [offer for offer in lock_open_offers(db, freed_time_id) if offer.answer_until <= now]
    # While we waited for the locks, the time may have been passed on to others; theirs is the next call.
    _expire(
        db, freed, [(each, entries[each.entry_id]) for each in late if each.entry_id in entries], by=SYSTEM, now=now
    )


def _lock_entries_asked(db: Session, freed_time_id: int) -> Sequence[WaitlistEntry]:
    asked = select(Offer.entry_id).where(Offer.freed_time_id == freed_time_id, Offer.status == OfferStatus.open)
    chosen = select(WaitlistEntry).where(col(WaitlistEntry.id).in_(asked)).order_by(col(WaitlistEntry.id))
    return db.exec(chosen.with_for_update(key_share=True).execution_options(**FRESH)).all()


def _expire(
    db: Session, freed: FreedTime, late: Sequence[tuple[Offer, WaitlistEntry]], *, by: Actor, now: datetime
) -> None:
    if not late:
        return
    close(db, freed, [offer for offer, _ in late], "expired", by=by, now=now)
    policy = policy_for(db, db.get_one(Location, freed.location_id), freed.visit_type_id)
    for offer, entry in late:
        entry.unanswered_in_row += 1
        if entry.status is EntryStatus.waiting and entry.unanswered_in_row >= policy.unanswered_before_pause:
            _pause(db, entry, offer, by=by, now=now)


def _pause(db: Session, entry: WaitlistEntry, offer: Offer, *, by: Actor, now: datetime) -> None:
    """Somebody who never answers is asked no more until she says so; her place stays."""
    entry.status = after(ENTRY, entry.status, "paused", by)
    events.record(
        db, "waitlist.paused", by=by, now=now, appointment_id=entry.appointment_id, offer_id=offer.id, entry_id=entry.id
    )


def is_shared(db: Session, offer: Offer) -> bool:
    """Whether others were asked for the time at once: then the first answer counts."""
    row = fetch_one(
        db,
        "SELECT 1 FROM offer WHERE hold_id = %(hold_id)s AND id <> %(id)s LIMIT 1",
        hold_id=offer.hold_id,
        id=offer.id,
    )
    return row is not None
