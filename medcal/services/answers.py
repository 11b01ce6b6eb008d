"""Answering: accept, decline, no answer, and offers that end because their time or their patient's appointment does.

Each is one transaction, in the order of locks of docs/offers.md: entries, freed time, offers, appointments.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from medcal.services import events, freed_time, jobs
from medcal.services.availability import busy_length_of, length_of
from medcal.services.offer_states import ENTRY, FREED_TIME, OFFER, after
from medcal.services.offers import release
from medcal.services.policy import policy_for

FRESH = {"populate_existing": True}


# --- Accepting --------------------------------------------------------------------------------------------------------


def accept(db: Session, offer_id: int, *, by: Actor, now: datetime) -> Appointment:
    """Take the offered time: in one transaction the new time is taken, the old one released and offered on in its turn, and the others
    of the group are told.

    Accepting twice gives the same appointment. Raises OfferTaken when somebody else of the group was faster, OfferClosed after the
    answer time or when the offer has ended otherwise, NotPossibleNow for who meanwhile has another visit at that time.
    """
    locked = _lock(db, offer_id)
    offer, entry = locked.offer, locked.entry
    if offer.status is OfferStatus.accepted:
        return db.get_one(Appointment, entry.appointment_id or offer.hold_id)
    _check_open(offer, now)
    hold, own = _lock_appointments(db, offer.hold_id, entry.appointment_id)
    if hold.status is not AppointmentStatus.held or (own is not None and not _would_gain(own, hold)):
        raise OfferClosed
    visit_type = db.get_one(VisitType, entry.visit_type_id)
    _check_not_busy(db, entry, hold, visit_type)
    _decide(offer, "accepted", by, now)
    entry.status, entry.unanswered_in_row = after(ENTRY, entry.status, "accepted", by), 0
    _record(db, locked.freed, offer, by=by, now=now)
    for slower in locked.others:
        _decide(slower, "taken", by, now)
        _record(db, locked.freed, slower, by=by, now=now, tell=True)
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
    locked = _lock(db, offer_id)
    if locked.offer.status is OfferStatus.declined:
        return
    _check_open(locked.offer, now)
    locked.entry.unanswered_in_row = 0
    _close(db, locked.freed, [locked.offer], "declined", by=by, now=now)


def note_not_reached(db: Session, offer_id: int, *, by: Actor, now: datetime) -> None:
    """The desk could not reach her: the offer ends at once as if its time had run out. Raises OfferClosed, NotAllowed."""
    if not by.is_staff:
        raise NotAllowed
    locked = _lock(db, offer_id)
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
    late = [offer for offer in _lock_open_offers(db, freed_time_id) if offer.answer_until <= now]
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
    _close(db, freed, [offer for offer, _ in late], "expired", by=by, now=now)
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


# --- Taken away -------------------------------------------------------------------------------------------------------


def withdraw_offers_over(
    db: Session,
    doctor_id: int,
    starts_at: datetime,
    busy_until: datetime,
    *,
    mover: int | None = None,
    by: Actor,
    now: datetime,
) -> None:
    """The desk takes a time that is on offer: its offers end in the same transaction and their patients are told.

    `mover` is the wish of an appointment that moves there, locked by the caller: an offer to it will end as well.
    """
    if not by.is_staff:
        raise NotAllowed
    _lock_freed_over(db, doctor_id, starts_at, busy_until, mover)
    for freed_time_id in _offered_over(db, doctor_id, starts_at, busy_until):
        withdraw(db, freed_time_id, by=by, now=now)


def withdraw(db: Session, freed_time_id: int, *, by: Actor, now: datetime) -> None:
    """Take back what a freed time is offered for; the patients are told. Nothing happens when it is not on offer."""
    freed = freed_time.lock(db, freed_time_id)
    _close(db, freed, _lock_open_offers(db, freed_time_id), "withdrawn", by=by, now=now, tell=True)


def _lock_freed_over(db: Session, doctor_id: int, starts_at: datetime, busy_until: datetime, mover: int | None) -> None:
    """Also those that are not on offer yet: whoever is just making an offer of one is waited for, and then withdrawn from."""
    # A hold may reach beyond the freed time by its buffer, of two hours at most.
    fetch(
        db,
        """SELECT id FROM freed_time WHERE id IN (
               SELECT f.id FROM freed_time f WHERE f.status IN ('open', 'offered') AND f.doctor_id = %(doctor_id)s
                  AND tstzrange(f.starts_at, f.ends_at + interval '2 hours') && tstzrange(%(starts_at)s, %(busy_until)s)
               UNION SELECT o.freed_time_id FROM offer o WHERE o.status = 'open' AND o.entry_id = %(mover)s)
            ORDER BY id FOR NO KEY UPDATE""",
        doctor_id=doctor_id,
        starts_at=starts_at,
        busy_until=busy_until,
        mover=mover,
    )


def _offered_over(db: Session, doctor_id: int, starts_at: datetime, busy_until: datetime) -> list[int]:
    rows = fetch(
        db,
        """SELECT f.id FROM freed_time f JOIN appointment h ON h.id = f.hold_id
            WHERE f.status = 'offered' AND h.doctor_id = %(doctor_id)s
              AND tstzrange(h.starts_at, h.busy_until) && tstzrange(%(starts_at)s, %(busy_until)s) ORDER BY f.id""",
        doctor_id=doctor_id,
        starts_at=starts_at,
        busy_until=busy_until,
    )
    return [row.id for row in rows]


def lock_offered(db: Session, doctor_ids: Sequence[int]) -> None:
    """Keep everybody from answering the offers of some doctors until the end of the transaction."""
    fetch(
        db,
        """SELECT id FROM freed_time WHERE status = 'offered' AND doctor_id = ANY (%(ids)s) ORDER BY id FOR NO KEY UPDATE""",
        ids=list(doctor_ids),
    )


def withdraw_outside_hours(db: Session, now: datetime, *, doctor_id: int | None = None, by: Actor = SYSTEM) -> None:
    """The doctor (without one, any) no longer works at a time that is on offer: it ends, and its patients are told."""
    rows = fetch(
        db,
        """SELECT f.id FROM freed_time f JOIN appointment h ON h.id = f.hold_id JOIN doctor d ON d.id = f.doctor_id
            WHERE f.status = 'offered' AND f.hold_id IS NOT NULL AND f.doctor_id = coalesce(%(doctor_id)s, f.doctor_id)
              AND NOT (d.is_active AND EXISTS (
                    SELECT FROM opening o WHERE o.doctor_id = h.doctor_id AND o.starts_at <= h.starts_at
                       AND o.starts_at > h.starts_at - interval '12 hours' AND o.closes_at >= h.ends_at))
            ORDER BY f.id""",
        doctor_id=doctor_id,
    )
    for row in rows:
        withdraw(db, row.id, by=by, now=now)


def close_offers_to(db: Session, entry_ids: Iterable[int], *, by: Actor, now: datetime) -> None:
    """Wishes whose rows the caller has locked end, or their appointment moves: an open offer to them ends, and its time goes on."""
    rows = fetch(
        db,
        "SELECT id, freed_time_id FROM offer WHERE status = 'open' AND entry_id = ANY (%(ids)s) ORDER BY freed_time_id",
        ids=list(entry_ids),
    )
    for row in rows:
        freed = freed_time.lock(db, row.freed_time_id)
        hers = [offer for offer in _lock_open_offers(db, row.freed_time_id) if offer.id == row.id]
        _close(db, freed, hers, "withdrawn", by=by, now=now)


def is_shared(db: Session, offer: Offer) -> bool:
    """Whether others were asked for the time at once: then the first answer counts."""
    row = fetch_one(
        db,
        "SELECT 1 FROM offer WHERE hold_id = %(hold_id)s AND id <> %(id)s LIMIT 1",
        hold_id=offer.hold_id,
        id=offer.id,
    )
    return row is not None


# --- What answers share -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Locked:
    """An offer with all that its answer touches; `others` are the open ones of its group."""

    entry: WaitlistEntry
    freed: FreedTime
    offer: Offer
    others: Sequence[Offer]


def _lock(db: Session, offer_id: int) -> _Locked:
    """Everything but the appointments, in the order of locks and read anew behind them."""
    row = fetch_one(db, "SELECT entry_id, freed_time_id FROM offer WHERE id = %(id)s", id=offer_id)
    if row is None:
        raise OfferClosed
    chosen = select(WaitlistEntry).where(WaitlistEntry.id == row.entry_id)
    entry = db.exec(chosen.with_for_update(key_share=True).execution_options(**FRESH)).one()
    freed = freed_time.lock(db, row.freed_time_id)
    still_open = _lock_open_offers(db, row.freed_time_id)
    offer = next((each for each in still_open if each.id == offer_id), None)
    if offer is None:
        # It has ended, and ended ones do not change.
        offer = db.exec(select(Offer).where(Offer.id == offer_id).execution_options(**FRESH)).one()
    return _Locked(entry, freed, offer, [each for each in still_open if each.id != offer_id])


def _lock_open_offers(db: Session, freed_time_id: int) -> Sequence[Offer]:
    chosen = select(Offer).where(Offer.freed_time_id == freed_time_id, Offer.status == OfferStatus.open)
    return db.exec(chosen.order_by(col(Offer.id)).with_for_update(key_share=True).execution_options(**FRESH)).all()


def _lock_appointments(db: Session, hold_id: int, own_id: int | None) -> tuple[Appointment, Appointment | None]:
    wanted = [hold_id] if own_id is None else [hold_id, own_id]
    chosen = select(Appointment).where(col(Appointment.id).in_(wanted)).order_by(col(Appointment.id))
    found = {row.id: row for row in db.exec(chosen.with_for_update().execution_options(**FRESH))}
    return found[hold_id], found[own_id] if own_id is not None else None


def _close(
    db: Session, freed: FreedTime, ending: Sequence[Offer], event: str, *, by: Actor, now: datetime, tell: bool = False
) -> None:
    """End open offers of a freed time; with the last one its hold ends too, and the time is looked at again at once."""
    if not ending:
        return
    for offer in ending:
        _decide(offer, event, by, now)
    db.flush()
    for offer in ending:
        _record(db, freed, offer, by=by, now=now, tell=tell)
    if not _lock_open_offers(db, ending[0].freed_time_id):
        _pass_on(db, freed, by=by, now=now)


def _pass_on(db: Session, freed: FreedTime, *, by: Actor, now: datetime) -> None:
    assert freed.id is not None
    assert freed.hold_id is not None
    hold_id = freed.hold_id
    freed.status, freed.hold_id, freed.look_at = after(FREED_TIME, freed.status, "passed on", by), None, now
    db.flush()
    hold = release(db, hold_id)
    freed_time.wake(db, freed.doctor_id, hold.starts_at, hold.busy_until, now)
    jobs.add(db, "offer_freed_time", freed.id, now=now)


def _decide(offer: Offer, event: str, by: Actor, now: datetime) -> None:
    offer.status = after(OFFER, offer.status, event, by)
    offer.decided_at, offer.decided_by = now, str(by.kind)


def _record(db: Session, freed: FreedTime, offer: Offer, *, by: Actor, now: datetime, tell: bool = False) -> None:
    events.record(
        db,
        f"offer.{offer.status}",
        by=by,
        now=now,
        appointment_id=offer.hold_id,
        doctor_id=freed.doctor_id,
        freed_time_id=freed.id,
        offer_id=offer.id,
        entry_id=offer.entry_id,
        quietly=not tell,
    )
