"""What the history and the records of who looked have outlived is removed: whole beginnings, never something in between."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal.config import settings
from medcal.db import fetch_one
from medcal.models.sealed import key_id
from medcal.security import SYSTEM
from medcal.services import events
from medcal.services.audit_chain import SOURCES, lock, mark_of

# So many rows in one transaction. The next hour goes on.
ONCE = 5_000


def remove_lapsed(db: Session, now: datetime) -> int:
    """Remove the oldest rows whose time is over; returns how many.

    A function of the tables' owner does it, which looks at the time by itself, and leaves the digest from which the chain goes on.
    """
    lock(db)
    return sum(_remove_from(db, source, now) for source in SOURCES)


def _remove_from(db: Session, source: str, now: datetime) -> int:
    rule = fetch_one(db, "SELECT keep_days FROM audit_rule WHERE source = %(source)s", source=source)
    if rule is None or not rule.keep_days:
        return 0
    last = _last_lapsed(db, source, now - timedelta(days=rule.keep_days))
    if last is None:
        return 0
    key = settings().secret_key
    row = fetch_one(
        db,
        "SELECT forget_audit(%(source)s, %(number)s, %(key)s, %(mark)s) AS removed",
        source=source,
        number=last.number,
        key=key_id(key),
        mark=mark_of(key, source, last.number, last.digest),
    )
    removed = int(row.removed) if row else 0
    events.record(db, "audit.lapsed", by=SYSTEM, now=now, source=source, removed=removed, number=last.number)
    return removed


def _last_lapsed(db: Session, source: str, before: datetime) -> Any | None:
    """The seal before the first one whose row is still to be kept; what was sealed late may stand behind younger ones, and waits for them."""
    return fetch_one(
        db,
        f"""WITH oldest AS (
              SELECT s.number, s.digest, r.at FROM (SELECT * FROM audit_seal WHERE source = %(source)s ORDER BY number LIMIT {ONCE}) s
                LEFT JOIN {source} r ON r.id = s.row_id)
            SELECT number, digest FROM oldest
             WHERE number < coalesce((SELECT min(number) FROM oldest WHERE at IS NULL OR at > %(before)s), (SELECT max(number) + 1 FROM oldest))
             ORDER BY number DESC LIMIT 1""",
        source=source,
        before=before,
    )
