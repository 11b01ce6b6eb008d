"""Offers that end because their time or their patient's appointment does, without an answer.

Each is one transaction, in the order of locks of docs/offers.md: entries, freed time, offers, appointments.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session

from medcal.db import fetch
from medcal.errors import NotAllowed
from medcal.security import SYSTEM, Actor
from medcal.services import freed_time
from medcal.services.offer_ends import close, lock_open_offers


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
    close(db, freed, lock_open_offers(db, freed_time_id), "withdrawn", by=by, now=now, tell=True)


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
        hers = [offer for offer in lock_open_offers(db, row.freed_time_id) if offer.id == row.id]
        close(db, freed, hers, "withdrawn", by=by, now=now)
