"""Which message is handed over next, and by whom: one taker at a time, and nobody for what has become pointless."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlmodel import Session

from medcal.db import changed, fetch, repeat
from medcal.i18n import n_
from medcal.models import Message, MessageStatus
from medcal.services.fates import after
from medcal.services.notifications import quiet_places
from medcal.services.ways import ACCOUNT, Way, way_for

log = logging.getLogger(__name__)

# Longer than a try can take. A message whose process was killed is taken again after it, with the same id.
LEASE = timedelta(seconds=90)

NO_LONGER_SO = n_("It is no longer so: the visit or the offer has changed meanwhile.")
TOO_LATE = n_("It came too late to be of use.")
NO_WAY = n_("Nothing is set up that could send this.")
CALL = n_("Nothing is set up that could send this, so somebody must call.")
NO_TEXTS = n_("This number takes no text messages.")

# What it tells is no longer so: the offer has ended, or the visit is off, over, or at another time.
POINTLESS = """(
    (m.kind = 'offer.made' AND NOT EXISTS (SELECT FROM offer o WHERE o.id = m.offer_id AND o.status = 'open'))
 OR (m.kind = 'reminder' AND NOT EXISTS (
         SELECT FROM appointment a WHERE a.id = m.appointment_id AND a.status = 'booked'
            AND (a.starts_at, a.doctor_id) = (m.visit_starts_at, m.visit_doctor_id))))
"""
# What nobody has just asked for by pressing a button is not sent in the quiet hours of its place, even where it was due before them and
# the receiver or the scheduler was away.
IN_QUIET_HOURS = """(
    m.kind ~ '^(offer[.]|waitlist[.]|reminder$)' AND coalesce(
        (SELECT f.location_id FROM offer o JOIN freed_time f ON f.id = o.freed_time_id WHERE o.id = m.offer_id),
        (SELECT a.location_id FROM appointment a WHERE a.id = m.appointment_id)) = ANY (%(quiet)s))
"""
# next_try_at is the lease as well: until then nobody else takes the message, and `handover` with `tries` tells this
# taking from the next. Messages about one appointment leave in the order in which they were written, so "moved" never
# overtakes "booked"; one whose time has not come yet (a reminder in the night) holds up no other. The call list is
# reception's: of it only what has become useless is taken, and codes, which nobody may read out.
TAKE = f"""
WITH next AS (
    SELECT m.id, CASE WHEN {POINTLESS} THEN 'dropped' WHEN m.useless_at <= %(now)s THEN 'missed' ELSE 'taken' END AS fate
      FROM message m
     WHERE m.status IN ('due', 'taken') AND m.next_try_at <= %(now)s
       AND (m.channel <> 'call' OR m.kind = 'code' OR m.useless_at <= %(now)s OR {POINTLESS})
       AND NOT {IN_QUIET_HOURS}
       AND NOT EXISTS (SELECT FROM message older
                        WHERE older.appointment_id = m.appointment_id AND older.id < m.id
                          AND older.status IN ('due', 'taken') AND older.channel <> 'call'
                          AND (older.tries > 0 OR older.next_try_at <= %(now)s))
     ORDER BY m.next_try_at, m.id LIMIT %(most)s FOR UPDATE OF m SKIP LOCKED)
UPDATE message m
   SET status = next.fate, tries = m.tries + (next.fate = 'taken')::int,
       next_try_at = CASE next.fate WHEN 'taken' THEN %(until)s ELSE m.next_try_at END,
       why = CASE next.fate WHEN 'dropped' THEN %(no_longer_so)s WHEN 'missed' THEN %(too_late)s ELSE m.why END
  FROM next WHERE m.id = next.id RETURNING m.*
"""


@dataclass(frozen=True)
class Taken:
    """A message and its way out; `way` is None for one that needed none."""

    message: Message
    way: Way | None


def take(db: Session, now: datetime, most: int = 1) -> list[Taken]:
    """Take the next messages that are due, for as long as LEASE, of one appointment never two; none when none is due.

    What has become pointless ends here, with why; so does what stays in the built-in outbox, and what nothing can carry
    goes to the call list.
    """
    rows = fetch(
        db,
        TAKE,
        now=now,
        until=now + LEASE,
        most=most,
        quiet=quiet_places(db, now),
        no_longer_so=NO_LONGER_SO,
        too_late=TOO_LATE,
    )
    taken = [_look_at(db, row, now) for row in sorted(rows, key=lambda row: (row.due_at, row.id))]
    if any(one.way is None for one in taken):
        changed(db)
    return taken


def _look_at(db: Session, row: Any, now: datetime) -> Taken:
    # It has all that a message has and is only read; to make an object of it costs a fifth of a delivery.
    message = cast(Message, row)
    if row.status != MessageStatus.taken:
        log.info("message %d (%s) was not sent any more: %s", row.id, row.kind, row.status)
        return Taken(message, None)
    way = way_for(message.kind, message.channel)
    if way is Way.outbox:
        _keep_in_outbox(db, message, now)
    elif way is Way.call:
        _leave_to_reception(db, message, now)
    else:
        return Taken(message, way)
    return Taken(message, None)


def give_back(db: Session, taken: Sequence[Taken], now: datetime) -> None:
    """Leave to others what was taken and not tried."""
    repeat(
        db,
        """UPDATE message SET status = %(status)s, tries = tries - 1, next_try_at = %(now)s
            WHERE id = %(id)s AND handover = %(handover)s AND tries = %(tries)s AND status = 'taken'""",
        [
            {
                "status": after("put off"),
                "now": now,
                "id": one.message.id,
                "handover": one.message.handover,
                "tries": one.message.tries,
            }
            for one in taken
            if one.way
        ],
    )


def _keep_in_outbox(db: Session, message: Message, now: datetime) -> None:
    """With nothing configured the messages page is where it arrives."""
    fetch(
        db,
        "UPDATE message SET status = %(delivered)s, delivered_at = %(now)s, next_try_at = %(now)s WHERE id = %(id)s",
        id=message.id,
        delivered=after("arrived"),
        now=now,
    )


def _leave_to_reception(db: Session, message: Message, now: datetime) -> None:
    """On the call list, with its words; but a code, and what concerns an account, is for nobody else's eyes: that ends here."""
    is_secret = message.kind in ("code", ACCOUNT)
    why_dead = NO_TEXTS if message.channel == "call" else NO_WAY
    fetch(
        db,
        """UPDATE message SET status = %(status)s, channel = CASE WHEN %(is_secret)s THEN channel ELSE 'call' END,
                  why = %(why)s, tries = 0, next_try_at = %(now)s
            WHERE id = %(id)s""",
        id=message.id,
        status=after("given up" if is_secret else "left to a call"),
        is_secret=is_secret,
        why=why_dead if is_secret else CALL,
        now=now,
    )
