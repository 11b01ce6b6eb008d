"""Jobs: what is to be done soon after a commit, each in a transaction of its own, tried again when it fails."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from medcal.db import changed, fetch, fetch_one, in_transaction
from medcal.failures import outline

Handler = Callable[[Session, int, datetime], None]

TRIES = 10
# Longer than a job may take. One whose process was killed is taken again after it.
LEASE = timedelta(minutes=2)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=30)


class Taken(NamedTuple):
    id: int
    kind: str
    subject_id: int
    tries: int


def add(db: Session, kind: str, subject_id: int, *, now: datetime, run_at: datetime | None = None) -> None:
    """Ask for work about a row, in the transaction that makes it necessary.

    Asked for twice before it is done, it is done once. The handler must lock the row it is about: what changes while a
    job is running is then seen by that very job.
    """
    fetch(
        db,
        """INSERT INTO job (kind, subject_id, status, run_at, tries, last_error, created_at)
           VALUES (%(kind)s, %(subject_id)s, 'due', %(run_at)s, 0, '', %(now)s)
           ON CONFLICT (kind, subject_id) WHERE status = 'due' DO NOTHING""",
        kind=kind,
        subject_id=subject_id,
        run_at=run_at or now,
        now=now,
    )
    changed(db)


def take_next(handlers: Mapping[str, Handler], now: datetime) -> bool:
    """Do one due job, in one transaction with the note that it is done; False when none is due.

    A failing one is put off with growing pauses (failed after ten tries) before its exception goes on, so it holds up
    no other.
    """
    taken = in_transaction(_take, now)
    if taken is None:
        return False
    try:
        in_transaction(_run, handlers[taken.kind], taken, now)
    except Exception as error:
        in_transaction(_put_off, taken, outline(error), now)
        raise
    return True


def _take(db: Session, now: datetime) -> Taken | None:
    # run_at is the lease as well: until then nobody else takes the job, and `tries` tells this taking from the next.
    row = fetch_one(
        db,
        """UPDATE job SET tries = tries + 1, run_at = %(until)s
            WHERE id = (SELECT id FROM job WHERE status = 'due' AND run_at <= %(now)s
                         ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, kind, subject_id, tries""",
        now=now,
        until=now + LEASE,
    )
    return Taken(*row) if row else None


def _run(db: Session, handler: Handler, taken: Taken, now: datetime) -> None:
    if fetch_one(db, f"SELECT id FROM job WHERE {_STILL_OURS} FOR UPDATE", id=taken.id, tries=taken.tries) is None:
        return
    handler(db, taken.subject_id, now)
    fetch(db, "UPDATE job SET status = 'done', done_at = %(now)s WHERE id = %(id)s", id=taken.id, now=now)


def _put_off(db: Session, taken: Taken, error: str, now: datetime) -> None:
    fetch(
        db,
        f"""UPDATE job
               SET status = CASE WHEN tries >= %(most)s THEN 'failed' ELSE 'due' END, run_at = %(run_at)s,
                   last_error = %(error)s
             WHERE {_STILL_OURS}""",
        id=taken.id,
        tries=taken.tries,
        most=TRIES,
        run_at=now + min(FIRST_PAUSE * 2 ** (taken.tries - 1), LONGEST_PAUSE),
        error=error[:500],
    )


_STILL_OURS = "id = %(id)s AND tries = %(tries)s AND status = 'due'"
