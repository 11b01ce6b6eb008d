"""Periodic work: who may do it now. Any number of schedulers may ask, one gets it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch_one

# It begins every ten seconds. One that is older than this is not late by chance.
HEARTBEAT = "heartbeat"
LONGEST_SILENCE = timedelta(seconds=60)

# A tick comes a little early or late; without this, half of them would find the last run too fresh.
SLACK = 0.1


def claim(db: Session, name: str, every: timedelta) -> bool:
    """Whether this process shall do the work of this name now: true for one caller per `every`.

    One compare-and-set on the database's own clock, so schedulers need neither a leader nor clocks that agree. Belongs
    into a transaction of its own, before the work: others must not wait at the row meanwhile.
    """
    row = fetch_one(
        db,
        """INSERT INTO periodic_run AS r (name, started_at, runs) VALUES (%(name)s, now(), 1)
           ON CONFLICT (name) DO UPDATE SET started_at = now(), runs = r.runs + 1 WHERE r.started_at <= now() -
           %(gap)s::interval
           RETURNING name""",
        name=name,
        gap=every * (1 - SLACK),
    )
    return row is not None


def last_run(db: Session, name: str) -> datetime | None:
    """When the work of this name last began, or None: shows whether a scheduler is alive."""
    row = fetch_one(db, "SELECT started_at FROM periodic_run WHERE name = %(name)s", name=name)
    return row.started_at if row else None


@dataclass(frozen=True)
class Heartbeat:
    """When a scheduler last worked (None: never), and whether that is so long ago that none does."""

    last_at: datetime | None
    is_silent: bool


def heartbeat(db: Session) -> Heartbeat:
    """How the schedulers are, by the database's clock."""
    row = fetch_one(
        db,
        """SELECT started_at, started_at < clock_timestamp() - %(silence)s::interval AS is_silent FROM periodic_run
            WHERE name = %(name)s AND isfinite(started_at)""",
        name=HEARTBEAT,
        silence=LONGEST_SILENCE,
    )
    return Heartbeat(row.started_at, row.is_silent) if row else Heartbeat(None, is_silent=True)
