"""What nobody needs any more is removed: ended sessions and links, counts of tries, openings of days gone by."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch
from medcal.services import access, oidc_ways, provider_sessions, sessions, staff_links, throttle, waitlist

JOBS_KEPT_FOR = timedelta(days=30)


def tidy(db: Session, now: datetime) -> int:
    """Remove all that has outlived its use; returns how many rows. Appointments, messages and history stay."""
    return sum(remove(db, now) for remove in CHORES)


def _remove_past_openings(db: Session, now: datetime) -> int:
    return len(
        fetch(db, "DELETE FROM opening WHERE ends_at < %(before)s RETURNING slot_id", before=now - timedelta(days=1))
    )


def _remove_done_jobs(db: Session, now: datetime) -> int:
    """Failed ones stay, until somebody has looked at them."""
    before = now - JOBS_KEPT_FOR
    return len(fetch(db, "DELETE FROM job WHERE status = 'done' AND done_at < %(before)s RETURNING id", before=before))


def _blot_out_codes(db: Session, now: datetime) -> int:
    """That a code was sent stays in the list of messages; the code itself need not."""
    rows = fetch(
        db,
        """UPDATE message SET text = '', html = ''
            WHERE kind = 'code' AND useless_at < %(now)s AND created_at > %(since)s AND text <> '' RETURNING id""",
        now=now,
        since=now - timedelta(days=7),
    )
    return len(rows)


CHORES: tuple[Callable[[Session, datetime], int], ...] = (
    sessions.forget_old_sessions,
    staff_links.forget_old,
    oidc_ways.forget_old,
    provider_sessions.forget_old,
    access.forget_old,
    throttle.forget_old,
    waitlist.drop_pointless,
    _remove_past_openings,
    _remove_done_jobs,
    _blot_out_codes,
)
