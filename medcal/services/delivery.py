"""Handing messages over: one at a time to the webhook, or to the built-in outbox; tried again until taken or dead."""

import logging
import random
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, or_, select

from medcal import clock
from medcal.config import settings
from medcal.db import changed, fetch, fetch_one, in_transaction
from medcal.errors import ChangedMeanwhile, NotAllowed, NotFound, NotPossibleNow
from medcal.failures import outline
from medcal.models import Message, MessageStatus
from medcal.security import Actor
from medcal.services import events, webhooks
from medcal.services.notifications import quiet_places, words_of
from medcal.services.webhooks import Outcome, Verdict

log = logging.getLogger(__name__)

# The pauses after the first, second, … failed try; together three days. The first ones outlast a restart of the
# receiver, those in the middle a broken workflow that somebody mends the same day, the last ones a weekend.
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=12),
    timedelta(hours=20),
    timedelta(hours=24),
)
# Messages that failed together shall not come back together.
JITTER = 0.2
# Longer than a call can take. A message whose process was killed is taken again after it, with the same id.
LEASE = timedelta(seconds=90)

# What it tells is no longer so: the offer has ended, or the visit is off, over, or at another time.
POINTLESS = """(
    (m.kind = 'offer.made' AND NOT EXISTS (SELECT FROM offer o WHERE o.id = m.offer_id AND o.status = 'open'))
 OR (m.kind LIKE 'reminder.%%' AND NOT EXISTS (
         SELECT FROM appointment a WHERE a.id = m.appointment_id AND a.status = 'booked'
            AND m.reason = m.kind || ':' || a.id || ':v' || a.version)))
"""
# What nobody has just asked for by pressing a button is not sent in the quiet hours of its place, even where it was due before them and
# the receiver or the scheduler was away.
IN_QUIET_HOURS = """(
    m.kind ~ '^(offer|waitlist|reminder)[.]' AND coalesce(
        (SELECT f.location_id FROM offer o JOIN freed_time f ON f.id = o.freed_time_id WHERE o.id = m.offer_id),
        (SELECT a.location_id FROM appointment a WHERE a.id = m.appointment_id)) = ANY (%(quiet)s))
"""
# next_try_at is the lease as well: until then nobody else takes the message, and `tries` tells this taking from the
# next. Messages about one appointment leave in the order in which they were written, so "moved" never overtakes
# "booked"; one whose time has not come yet (a reminder in the night) holds up no other. The call list is reception's:
# of it only what has become useless is taken.
TAKE = f"""
WITH taken AS (
    SELECT m.id FROM message m
     WHERE m.status = 'due' AND m.next_try_at <= %(now)s
       AND (m.channel <> 'call' OR m.useless_at <= %(now)s OR {POINTLESS})
       AND NOT {IN_QUIET_HOURS}
       AND NOT EXISTS (SELECT FROM message older
                        WHERE older.appointment_id = m.appointment_id AND older.id < m.id AND older.status = 'due'
                          AND older.channel <> 'call' AND (older.tries > 0 OR older.next_try_at <= %(now)s))
     ORDER BY m.next_try_at, m.id LIMIT 1 FOR UPDATE OF m SKIP LOCKED)
UPDATE message m
   SET status = CASE WHEN {POINTLESS} THEN 'dropped' WHEN m.useless_at <= %(now)s THEN 'missed' ELSE 'due' END,
       tries = m.tries + 1, next_try_at = %(until)s
  FROM taken WHERE m.id = taken.id RETURNING m.*
"""


def deliver_next(now: datetime | None = None) -> bool:
    """Hand over one due message; False when none is due.

    Taking it, and noting what came of it, are short transactions; the call to the webhook is made between them, outside
    of any. At least once: a process that dies in between leaves the message to the next taker, who sends it with the
    same id.
    """
    at = now or clock.now()
    taken = in_transaction(_take, at)
    if taken is None:
        return False
    if taken.status is not MessageStatus.due:
        log.info("message %d (%s) was not sent any more: %s", taken.id, taken.kind, taken.status)
    elif url := settings().n8n_webhook_url:
        _deliver(taken, url, at, now)
    return True


def _take(db: Session, now: datetime) -> Message | None:
    row = fetch_one(db, TAKE, now=now, until=now + LEASE, quiet=quiet_places(db, now))
    if row is None:
        return None
    taken = Message(**row._asdict())
    taken.status = MessageStatus(row.status)
    if taken.status is not MessageStatus.due:
        changed(db)
    elif not settings().n8n_webhook_url:
        _keep_in_outbox(db, taken, now)
    return taken


def _keep_in_outbox(db: Session, message: Message, now: datetime) -> None:
    """With nothing configured the messages page is where it arrives."""
    fetch(
        db,
        "UPDATE message SET status = 'delivered', delivered_at = %(now)s, next_try_at = %(now)s WHERE id = %(id)s",
        id=message.id,
        now=now,
    )
    changed(db)


def _deliver(message: Message, url: str, started_at: datetime, now: datetime | None) -> None:
    target = webhooks.target_of(url)
    try:
        outcome = _hand_over(message, url, started_at)
    except Exception as error:
        # Ours, not the receiver's: the message is put off like any other before the error is shown.
        in_transaction(
            _record, message, target, Outcome(Verdict.temporary, error=outline(error)), started_at, now or clock.now()
        )
        raise
    in_transaction(_record, message, target, outcome, started_at, now or clock.now())
    if outcome.verdict is not Verdict.accepted:
        log.warning("message %d (%s), try %d: %s", message.id, message.kind, message.tries, outcome.error)


def _hand_over(message: Message, url: str, now: datetime) -> Outcome:
    words = words_of(message)
    body = webhooks.payload(message, words.text, words.html)
    return webhooks.call(url, settings().n8n_webhook_secret, str(message.ref), body, now)


def _record(db: Session, message: Message, target: str, outcome: Outcome, started_at: datetime, now: datetime) -> None:
    """Note the try and what follows from it.

    Whoever was so slow that somebody else took the message meanwhile changes nothing.
    """
    fetch(
        db,
        """INSERT INTO delivery (message_id, attempt, target, started_at, finished_at, status_code, error)
           VALUES (%(message_id)s, %(attempt)s, %(target)s, %(started_at)s, %(now)s, %(status_code)s, %(error)s)""",
        message_id=message.id,
        attempt=message.tries,
        target=target,
        started_at=started_at,
        now=now,
        status_code=outcome.status_code,
        error=outcome.error[:500],
    )
    status = _status_after(message.tries, outcome)
    fetch(
        db,
        """UPDATE message
              SET status = %(status)s, last_error = %(error)s, next_try_at = %(next_try_at)s,
                  delivered_at = %(delivered_at)s
            WHERE id = %(id)s AND tries = %(tries)s AND status = 'due'""",
        id=message.id,
        tries=message.tries,
        status=str(status),
        error=outcome.error[:500],
        next_try_at=now + pause_after(message.tries, outcome.retry_after) if status is MessageStatus.due else now,
        delivered_at=now if status is MessageStatus.delivered else None,
    )
    changed(db)


def _status_after(tries: int, outcome: Outcome) -> MessageStatus:
    if outcome.verdict is Verdict.accepted:
        return MessageStatus.delivered
    gives_up = outcome.verdict is Verdict.permanent or tries > len(PAUSES)
    return MessageStatus.dead if gives_up else MessageStatus.due


def pause_after(tries: int, retry_after: timedelta = timedelta(0)) -> timedelta:
    """How long to wait after so many failed tries, or as long as the receiver asked for where that is longer."""
    pause = PAUSES[min(tries, len(PAUSES)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(pause, retry_after)


# --- What staff do and see --------------------------------------------------------------------------------------------


def replay(db: Session, message_ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Send a dead message again, with the whole plan of tries before it.

    Raises NotFound, NotAllowed, and NotPossibleNow for one that is not dead, or that would only confuse by now.
    """
    message = _locked(db, message_ref, by)
    if message.status is not MessageStatus.dead or (message.useless_at is not None and message.useless_at <= now):
        raise NotPossibleNow
    message.status, message.next_try_at, message.tries = MessageStatus.due, now, 0
    db.flush()
    events.record(
        db, "message.replayed", by=by, now=now, appointment_id=message.appointment_id, message=str(message.ref)
    )


def mark_called(db: Session, message_ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Reception has told the patient on the phone: off the call list. Raises NotFound, NotAllowed, ChangedMeanwhile."""
    message = _locked(db, message_ref, by)
    if message.channel != "call" or message.status is not MessageStatus.due:
        raise ChangedMeanwhile
    message.status, message.delivered_at = MessageStatus.delivered, now
    db.flush()
    events.record(db, "message.called", by=by, now=now, appointment_id=message.appointment_id, message=str(message.ref))


def _locked(db: Session, message_ref: uuid.UUID, by: Actor) -> Message:
    if not by.is_staff:
        raise NotAllowed
    statement = (
        select(Message).where(Message.ref == message_ref).with_for_update().execution_options(populate_existing=True)
    )
    message = db.exec(statement).one_or_none()
    if message is None:
        raise NotFound
    return message


def recent(
    db: Session,
    *,
    status: MessageStatus | None = None,
    kind: str = "",
    channel: str = "",
    search: str = "",
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[Message]:
    """Messages, newest first.

    `search` looks in the recipient's name and address, `before_id` goes on where a page ended.
    """
    wanted: Any = select(Message)
    if status is not None:
        wanted = wanted.where(Message.status == status)
    if kind:
        wanted = wanted.where(Message.kind == kind)
    if channel:
        wanted = wanted.where(Message.channel == channel)
    if search.strip():
        text = search.strip()
        wanted = wanted.where(
            or_(
                col(Message.recipient).icontains(text, autoescape=True),
                col(Message.recipient_name).icontains(text, autoescape=True),
            )
        )
    if before_id is not None:
        wanted = wanted.where(col(Message.id) < before_id)
    found: Sequence[Message] = db.exec(wanted.order_by(col(Message.id).desc()).limit(limit)).all()
    return found
