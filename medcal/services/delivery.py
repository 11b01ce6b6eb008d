"""Handing messages over: one at a time, the way that is configured; tried again until taken or dead."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal import clock
from medcal.config import settings
from medcal.db import changed, in_transaction, repeat
from medcal.failures import outline
from medcal.i18n import n_
from medcal.models import Message
from medcal.services import smtp, webhooks
from medcal.services.fates import after
from medcal.services.message_words import words_of
from medcal.services.outcomes import NO_SUCH_ADDRESS, Outcome, Verdict
from medcal.services.taking import Taken, give_back, take
from medcal.services.ways import Way

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
# A try takes no longer; far less than the lease.
LONGEST_TRY = max(webhooks.TIMEOUT, smtp.TIMEOUT)
# Where callbacks are expected, so long after the 202 one is overdue.
SILENCE = timedelta(minutes=15)

TRIED_FOR_DAYS = n_("It was tried for three days.")


# With a receiver that answers at once a thread takes more and more at a time, since commits cost more than calls; with one that
# does not, each message is taken and noted by itself.
MOST_AT_ONCE = 16
QUICK_SECONDS = 0.25


@dataclass(frozen=True)
class Tried:
    """A try that has been made and is to be noted; `mistake` is our own. `now` is fixed where somebody simulates time."""

    message: Message
    target: str
    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    mistake: Exception | None = None


def deliver_next(now: datetime | None = None) -> bool:
    """Hand over one due message; False when none is due.

    Taking it, and noting what came of it, are short transactions; the call is made between them, outside of any. At
    least once: a process that dies in between leaves the message to the next taker, who sends it with the same id.
    """
    taken = in_transaction(take, now or clock.now())
    for one in taken:
        if one.way:
            tried = _try(one, now)
            in_transaction(note, tried)
            _own_up([tried])
    return bool(taken)


def deliver_all(is_over: Callable[[], bool] = lambda: False, now: datetime | None = None) -> None:
    """Hand over all that is due, one after the other, until nothing is or `is_over`.

    Like deliver_next in a loop, but noting what came of some and taking the next are one transaction.
    """
    most, taken = 1, in_transaction(take, now or clock.now())
    while taken:
        began = time.monotonic()
        tried, rest, stops = _try_some(taken, is_over, now)
        is_quick = not rest and time.monotonic() - began < QUICK_SECONDS
        most = min(2 * most, MOST_AT_ONCE) if is_quick else 1
        taken = in_transaction(_note_and_take, tried, rest, now or clock.now(), 0 if stops else most)
        _own_up(tried)


def _try_some(
    taken: Sequence[Taken], is_over: Callable[[], bool], now: datetime | None
) -> tuple[list[Tried], Sequence[Taken], bool]:
    """Try what was taken, as long as it goes quickly. What is left, others can have: it shall not wait behind a receiver that hangs."""
    tried, began = list[Tried](), time.monotonic()
    for place, one in enumerate(taken, 1):
        if one.way:
            tried.append(_try(one, now))
        stops = is_over()
        # A mail server drops no doubles, so each letter is noted before the next.
        if stops or one.way is Way.smtp or time.monotonic() - began > QUICK_SECONDS:
            return tried, taken[place:], stops
    return tried, (), False


def _note_and_take(db: Session, tried: Sequence[Tried], rest: Sequence[Taken], now: datetime, most: int) -> list[Taken]:
    note(db, *tried)
    give_back(db, rest, now)
    return take(db, now, most) if most else []


def _own_up(tried: Sequence[Tried]) -> None:
    """A mistake of our own goes on, once what came of it is noted."""
    for one in tried:
        if one.mistake:
            raise one.mistake


def handover_id(message: Message) -> str:
    """The name of a hand-over at the far end: the same for all its tries, another one for each that is meant anew."""
    return f"{message.ref}:{message.handover}" if message.handover else str(message.ref)


def _try(taken: Taken, now: datetime | None) -> Tried:
    message, started_at = taken.message, now or clock.now()
    target, hand_over = _far_end(taken)
    mistake = None
    try:
        outcome = hand_over(message, started_at)
    except Exception as error:
        # Ours, not the receiver's: the message is put off like any other before the error goes on.
        outcome, mistake = Outcome(Verdict.temporary, error=outline(error)), error
    if outcome.verdict not in (Verdict.accepted, Verdict.delivered):
        log.warning("message %d (%s), try %d: %s", message.id, message.kind, message.tries, outcome.error)
    return Tried(message, target, outcome, started_at, now or clock.now(), mistake)


def _far_end(taken: Taken) -> tuple[str, Callable[[Message, datetime], Outcome]]:
    configured = settings()
    url = configured.webhook_url(taken.message.kind)
    if taken.way is Way.n8n and url:
        return webhooks.target_of(url), lambda message, now: _post(message, url, now)
    server = configured.smtp
    assert server is not None
    return f"smtp://{server.host}:{server.port}", lambda message, now: smtp.send(
        server, message, words_of(message), handover_id(message), now
    )


def _post(message: Message, url: str, now: datetime) -> Outcome:
    words = words_of(message)
    body = webhooks.payload(message, words.text, words.html)
    return webhooks.call(url, settings().n8n_webhook_secret, handover_id(message), body, now)


# One round trip. Whoever was so slow that somebody else took the message meanwhile, or that the callback came first, changes nothing but the list of tries.
NOTE = """
WITH tried AS (
    INSERT INTO delivery (message_id, handover, attempt, target, started_at, finished_at, status_code, error)
    VALUES (%(id)s, %(handover)s, %(tries)s, %(target)s, %(started_at)s, %(now)s, %(status_code)s, %(error)s))
UPDATE message
   SET status = %(status)s, why = %(why)s, last_error = %(error)s, next_try_at = %(next_try_at)s,
       handed_over_at = coalesce(%(handed_over_at)s::timestamptz, handed_over_at), answer_by = %(answer_by)s,
       delivered_at = %(delivered_at)s
 WHERE id = %(id)s AND handover = %(handover)s AND tries = %(tries)s AND status = 'taken'
"""


def note(db: Session, *tried: Tried) -> None:
    """Write down tries and what follows from them."""
    if tried:
        repeat(db, NOTE, [_note_of(one) for one in tried])
        changed(db)


def _note_of(tried: Tried) -> dict[str, object]:
    message, outcome, now = tried.message, tried.outcome, tried.finished_at
    event, why = _event_after(message.tries, outcome)
    is_silent = event == "handed over" and settings().expects_callbacks
    return {
        "id": message.id,
        "handover": message.handover,
        "tries": message.tries,
        "target": tried.target,
        "started_at": tried.started_at,
        "status_code": outcome.status_code,
        "error": (outcome.said or outcome.error)[:500],
        "status": after(event),
        "why": why,
        "next_try_at": now + pause_after(message.tries, outcome.retry_after) if event == "put off" else now,
        "handed_over_at": now if event in ("handed over", "arrived") else None,
        "answer_by": now + SILENCE if is_silent else None,
        "delivered_at": now if event == "arrived" else None,
        "now": now,
    }


def _event_after(tries: int, outcome: Outcome) -> tuple[str, str]:
    """What happens to a message after a try, and why where that is its end."""
    if outcome.verdict is Verdict.temporary:
        return ("given up", TRIED_FOR_DAYS) if tries > len(PAUSES) else ("put off", "")
    events = {
        Verdict.accepted: ("handed over", ""),
        Verdict.delivered: ("arrived", ""),
        Verdict.bounced: ("bounced", outcome.why or NO_SUCH_ADDRESS),
        Verdict.permanent: ("given up", outcome.why),
    }
    return events[outcome.verdict]


def pause_after(tries: int, retry_after: timedelta = timedelta(0)) -> timedelta:
    """How long to wait after so many failed tries, or as long as the receiver asked for where that is longer."""
    pause = PAUSES[min(tries, len(PAUSES)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(pause, retry_after)
