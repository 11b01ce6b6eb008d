"""How often something may be tried: counted in the database, so that the limit holds over all workers."""

import logging
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
    row = fetch_one(
        db,
        """INSERT INTO throttle (name, window_starts_at, tries) VALUES (%(name)s, %(start)s, 1)
           ON CONFLICT (name, window_starts_at) DO UPDATE SET tries = throttle.tries + 1
           RETURNING tries""",
        name=digest(f"{name} per {window.total_seconds():.0f} s"),
        start=_window_start(now, window),
    )
    assert row is not None
    if row.tries > limit:
        # The first word says what was tried; what follows says by whom.
        log.warning("a limit was reached: %s", name.split()[0])
        raise TooManyTries
    return int(row.tries)


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
