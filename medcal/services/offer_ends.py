"""How an offer ends, whoever ends it: its rows in the one order of locks, its new state, its history, and the time passed on.

The order of locks is that of docs/offers.md: entries, freed time, offers, appointments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from medcal.db import fetch_one
from medcal.errors import OfferClosed
from medcal.models import Appointment, FreedTime, Offer, OfferStatus, WaitlistEntry
from medcal.security import Actor
from medcal.services import events, freed_time, jobs
from medcal.services.offer_states import FREED_TIME, OFFER, after
from medcal.services.offers import release

# Rows that were read before the lock are read again behind it.
FRESH = {"populate_existing": True}


@dataclass(frozen=True)
class Locked:
    """An offer with all that its answer touches; `others` are the open ones of its group."""

    entry: WaitlistEntry
    freed: FreedTime
    offer: Offer
    others: Sequence[Offer]


def lock_offer(db: Session, offer_id: int) -> Locked:
    """Everything but the appointments, in the order of locks and read anew behind them."""
    row = fetch_one(db, "SELECT entry_id, freed_time_id FROM offer WHERE id = %(id)s", id=offer_id)
    if row is None:
        raise OfferClosed
    chosen = select(WaitlistEntry).where(WaitlistEntry.id == row.entry_id)
    entry = db.exec(chosen.with_for_update(key_share=True).execution_options(**FRESH)).one()
    freed = freed_time.lock(db, row.freed_time_id)
    still_open = lock_open_offers(db, row.freed_time_id)
    offer = next((each for each in still_open if each.id == offer_id), None)
    if offer is None:
        # It has ended, and ended ones do not change.
        offer = db.exec(select(Offer).where(Offer.id == offer_id).execution_options(**FRESH)).one()
    return Locked(entry, freed, offer, [each for each in still_open if each.id != offer_id])


def lock_open_offers(db: Session, freed_time_id: int) -> Sequence[Offer]:
    chosen = select(Offer).where(Offer.freed_time_id == freed_time_id, Offer.status == OfferStatus.open)
    return db.exec(chosen.order_by(col(Offer.id)).with_for_update(key_share=True).execution_options(**FRESH)).all()


def lock_appointments(db: Session, hold_id: int, own_id: int | None) -> tuple[Appointment, Appointment | None]:
    wanted = [hold_id] if own_id is None else [hold_id, own_id]
    chosen = select(Appointment).where(col(Appointment.id).in_(wanted)).order_by(col(Appointment.id))
    found = {row.id: row for row in db.exec(chosen.with_for_update().execution_options(**FRESH))}
    return found[hold_id], found[own_id] if own_id is not None else None


def close(
    db: Session, freed: FreedTime, ending: Sequence[Offer], event: str, *, by: Actor, now: datetime, tell: bool = False
) -> None:
    """End open offers of a freed time; with the last one its hold ends too, and the time is looked at again at once."""
    if not ending:
        return
    for offer in ending:
        decide(offer, event, by, now)
    db.flush()
    for offer in ending:
        record(db, freed, offer, by=by, now=now, tell=tell)
    if not lock_open_offers(db, ending[0].freed_time_id):
        pass_on(db, freed, by=by, now=now)


def pass_on(db: Session, freed: FreedTime, *, by: Actor, now: datetime) -> None:
    assert freed.id is not None
    assert freed.hold_id is not None
    hold_id = freed.hold_id
    freed.status, freed.hold_id, freed.look_at = after(FREED_TIME, freed.status, "passed on", by), None, now
    db.flush()
    hold = release(db, hold_id)
    freed_time.wake(db, freed.doctor_id, hold.starts_at, hold.busy_until, now)
    jobs.add(db, "offer_freed_time", freed.id, now=now)


def decide(offer: Offer, event: str, by: Actor, now: datetime) -> None:
    offer.status = after(OFFER, offer.status, event, by)
    offer.decided_at, offer.decided_by = now, str(by.kind)


def record(db: Session, freed: FreedTime, offer: Offer, *, by: Actor, now: datetime, tell: bool = False) -> None:
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
