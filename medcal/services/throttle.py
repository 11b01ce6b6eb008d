"""How often something may be tried: counted in the database, so that the limit holds over all workers."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import TooManyTries
from medcal.failures import Sparing
from medcal.security import digest

log = Sparing(logging.getLogger(__name__))


def count(db: Session, name: str, *, limit: int, window: timedelta, now: datetime) -> int:
    """Count one try of `name`; raises TooManyTries from the try after `limit` on, until the window has passed.

    Returns which one of its window it is.

    Belongs into a transaction of its own, before the one that does the work: what that one rolls back has been tried
    all the same. Names are kept as digests, since they hold addresses.
    """
    tries = add(db, name, window=window, now=now)
    if tries > limit:
        # The first word says what was tried; what follows says by whom.
        log.warning("a limit was reached: %s", name.split()[0])
        raise TooManyTries
    return tries


def add(db: Session, name: str, *, window: timedelta, now: datetime) -> int:
    """Count one try that nothing limits; returns which one of its window it is."""
    row = fetch_one(
        db,
        """INSERT INTO throttle (name, window_starts_at, tries) VALUES (%(name)s, %(start)s, 1)
           ON CONFLICT (name, window_starts_at) DO UPDATE SET tries = throttle.tries + 1
           RETURNING tries""",
        name=_kept(name, window),
        start=_window_start(now, window),
    )
    assert row is not None
    return int(row.tries)


def use_once(db: Session, name: str, *, window: timedelta, now: datetime) -> None:
    """Raises TooManyTries for what was used before, less than a window ago; of two at the same instant the second waits, and is."""
    add(db, name, window=window, now=now)
    if lately(db, [name], window=window, now=now) > 1:
        raise TooManyTries


def lately(db: Session, names: Sequence[str], *, window: timedelta, now: datetime) -> int:
    """How often any of these was counted, in this window and in the one before: what a limit forgets at the full hour is not forgotten here."""
    start = _window_start(now, window)
    row = fetch_one(
        db,
        """SELECT coalesce(sum(tries), 0) AS tries FROM throttle
            WHERE name = ANY(%(names)s) AND window_starts_at BETWEEN %(before)s AND %(start)s""",
        names=[_kept(name, window) for name in names],
        before=start - window,
        start=start,
    )
    return int(row.tries) if row else 0


def _kept(name: str, window: timedelta) -> str:
    return digest(f"{name} per {window.total_seconds():.0f} s")


def _window_start(now: datetime, window: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return now - (now - epoch) % window


def forget_old(db: Session, now: datetime) -> int:
    """Remove counts that no limit looks at any more; returns how many."""
    return len(
        fetch(
            db, "DELETE FROM throttle WHERE window_starts_at < %(before)s RETURNING id", before=now - timedelta(days=2)
        )
    )
