"""What staff do with messages: send one again, send again all that is dead, tell on the phone."""

import uuid
from datetime import datetime

from sqlmodel import Session, col, select

from medcal.db import changed, fetch, fetch_one
from medcal.errors import ChangedMeanwhile, NotFound, NotPossibleNow
from medcal.i18n import t
from medcal.models import Message, MessageStatus
from medcal.security import Actor
from medcal.services import events
from medcal.services.fates import after, may, starts
from medcal.services.outbox import MOST_COUNTED, Filter, check_reader, matching
from medcal.services.taking import POINTLESS

# So many dead messages are sent again at once; with ten a second they take more than a minute and a half.
MOST_AT_ONCE = 1_000

# What a message says is no longer so, or no longer kept. What waits is told in its order, the old time before the new one; what is sent again
# would be the last word, and so must not name a time that has changed since.
STALE = f"""coalesce(m.text = '' OR {POINTLESS}
 OR (m.kind IN ('appointment.booked', 'appointment.moved') AND NOT EXISTS (
         SELECT FROM appointment a WHERE a.id = m.appointment_id AND a.status = 'booked'
            AND a.starts_at = coalesce(m.visit_starts_at, a.starts_at) AND a.doctor_id = coalesce(m.visit_doctor_id, a.doctor_id)))
 OR (m.kind = 'appointment.cancelled' AND EXISTS (
         SELECT FROM appointment a WHERE a.id = m.appointment_id AND a.status <> 'cancelled')), false)
"""

# A new hand-over: under a name of its own, with the whole plan of tries before it. The callback of the one before is no longer about it.
_SEND_AGAIN = """
UPDATE message m
   SET status = %(status)s, handover = m.handover + 1, renewals = 0, tries = 0, why = '', last_error = '', far_id = '',
       answer_by = NULL, delivered_at = NULL, next_try_at = %(now)s
"""


def resend(db: Session, message_ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Hand a message over once more, whatever came of it before.

    Raises NotFound, NotAllowed, and NotPossibleNow for one that is under way, is reception's to tell, or would only confuse by now.
    """
    message = _locked(db, message_ref, by)
    if not makes_sense(db, message, now):
        raise NotPossibleNow(t("This message can no longer be sent: it is under way, or what it says is no longer so."))
    if message.status is MessageStatus.due:
        # Under its old name: nobody knows whether the far end took it, and it drops what it knows.
        fetch(db, "UPDATE message SET next_try_at = %(now)s WHERE id = %(id)s", id=message.id, now=now)
    else:
        fetch(db, f"{_SEND_AGAIN} WHERE m.id = %(id)s", id=message.id, status=after("sent again"), now=now)
    kind = "message.replayed" if message.status is MessageStatus.dead else "message.resent"
    events.record(db, kind, by=by, now=now, appointment_id=message.appointment_id, message=str(message.ref))


def makes_sense(db: Session, message: Message, now: datetime) -> bool:
    """Whether a message can be sent again and still says what is so.

    One that is due has to have been tried at least once, else it leaves by itself.
    """
    is_useless = message.useless_at is not None and message.useless_at <= now
    is_fresh = message.status is MessageStatus.due and not message.tries
    can_leave = may("sent again", message.status) and message.channel != "call"
    return can_leave and not is_useless and not is_fresh and not _is_stale(db, message)


def replay(db: Session, message_ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Send a dead message again. Raises like `resend`, and NotPossibleNow for one that is not dead."""
    if _locked(db, message_ref, by).status is not MessageStatus.dead:
        raise NotPossibleNow(t("This message can no longer be sent: it is under way, or what it says is no longer so."))
    resend(db, message_ref, by=by, now=now)


# Of those that fit the filter, the oldest that still make sense.
_REPLAYABLE = f"""
SELECT m.id FROM message m
 WHERE m.id = ANY (%(ids)s) AND m.status = 'dead' AND m.channel <> 'call' AND (m.useless_at IS NULL OR m.useless_at > %(now)s)
   AND NOT {STALE}
 ORDER BY m.id LIMIT %(most)s
"""
_REPLAY = f"""
WITH oldest AS ({_REPLAYABLE} FOR UPDATE OF m SKIP LOCKED),
     w AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM oldest)
{_SEND_AGAIN.replace("next_try_at = %(now)s", "next_try_at = %(now)s + w.place * interval '100 milliseconds'")}
  FROM w WHERE m.id = w.id RETURNING m.id
"""


def count_replayable(db: Session, wanted: Filter, *, by: Actor, now: datetime) -> int:
    """How many dead messages fit the filter and still make sense, counted up to MOST_COUNTED. Raises NotAllowed."""
    return len(fetch(db, _REPLAYABLE, ids=_dead(db, wanted, by), most=MOST_COUNTED, now=now))


def replay_all(db: Session, wanted: Filter, *, by: Actor, now: datetime) -> int:
    """Send again all that is dead, fits the filter and still makes sense; returns how many, at most MOST_AT_ONCE.

    In the order in which they were written, in a stream of ten a second: whoever failed with the rest shall not be
    overrun with the rest.
    """
    ids = _dead(db, wanted, by)
    rows = fetch(db, _REPLAY, ids=ids, most=MOST_AT_ONCE, status=after("sent again"), now=now)
    if rows:
        events.record(db, "messages.replayed", by=by, now=now, count=len(rows))
    return len(rows)


def _dead(db: Session, wanted: Filter, by: Actor) -> list[int]:
    """The dead messages that fit; of very many the oldest."""
    check_reader(by)
    found = matching(db, wanted, MessageStatus.dead).with_only_columns(col(Message.id)).order_by(col(Message.id))
    return list(db.exec(found.limit(10 * MOST_AT_ONCE)))


def mark_called(db: Session, message_ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Reception has told the patient on the phone: off the call list. Raises NotFound, NotAllowed, ChangedMeanwhile."""
    message = _locked(db, message_ref, by)
    if message.channel != "call" or message.status not in starts("called"):
        raise ChangedMeanwhile
    message.status, message.delivered_at = MessageStatus.delivered, now
    db.flush()
    changed(db)
    events.record(db, "message.called", by=by, now=now, appointment_id=message.appointment_id, message=str(message.ref))


def _is_stale(db: Session, message: Message) -> bool:
    row = fetch_one(db, f"SELECT {STALE} AS answer FROM message m WHERE m.id = %(id)s", id=message.id)
    return row is not None and bool(row.answer)


def _locked(db: Session, message_ref: uuid.UUID, by: Actor) -> Message:
    check_reader(by)
    statement = (
        select(Message).where(Message.ref == message_ref).with_for_update().execution_options(populate_existing=True)
    )
    message = db.exec(statement).one_or_none()
    if message is None or message.patient_id is None:
        raise NotFound
    return message
