"""What n8n says of a message it has taken: that it left, or why not; and what follows when it says nothing."""

import json
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal.db import changed, fetch, fetch_one
from medcal.errors import Invalid
from medcal.i18n import n_, t
from medcal.services.fates import after, may
from medcal.services.outcomes import NO_SUCH_ADDRESS, WRONG_SETTINGS
from medcal.services.taking import CALL, NO_WAY, POINTLESS

# So often a message is handed over anew by ourselves, after a failure that may pass or after silence; and the pauses after failures.
RENEWAL_PAUSES = (timedelta(minutes=5), timedelta(minutes=30))
RENEWALS = len(RENEWAL_PAUSES)

# What the workflows say where no SMS provider is set up: trying again would not help.
NO_SMS = "no SMS provider"

FAILED = n_("It could not be sent, three times over.")
FAILED_ONCE = n_("It could not be sent; it is handed over anew.")
NOBODY_SAID = n_("It was taken three times, and nobody said whether it left.")
SILENCE = n_("Nobody said whether it left, so it is handed over anew.")
LEFT_ALONE = n_("Nobody said whether it left, and by now it would be of no use.")


@dataclass(frozen=True)
class News:
    """A callback: the id of the hand-over, whether the message left, and the far end's words."""

    id: str
    is_sent: bool
    message_id: str = ""
    error: str = ""


def read(body: bytes, signed_id: str) -> News:
    """The news in a callback's body. Raises Invalid for anything but an object that says `sent` or `failed` of the id that was signed."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if (
        not isinstance(content, dict)
        or content.get("id") != signed_id
        or content.get("status") not in ("sent", "failed")
    ):
        raise Invalid(t("This is no callback about a message."))
    return News(
        signed_id,
        content["status"] == "sent",
        _words(content.get("message_id"), 300),
        _words(content.get("error"), 500) or ("" if content["status"] == "sent" else "failed"),
    )


def _words(value: object, most: int) -> str:
    """What an automation put there, whatever it is, as text that a column holds."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return " ".join(text.replace("\x00", "").split())[:most]


def take_news(db: Session, news: News, *, now: datetime) -> bool:
    """Note what became of a hand-over; False where it changes nothing: an unknown id, old news, or said before.

    That a message left is believed of any hand-over of the present series, however late; that it failed only of the present one.
    """
    ref, handover = _parse(news.id)
    message = _locked(db, ref) if ref else None
    if message is None or not _is_present(message, handover):
        return False
    if not news.is_sent and handover != message.handover:
        return False
    event, values = _arrived(news, now) if news.is_sent else _failed(message, news, now)
    if not may(event, message.status):
        return False
    _change(db, message, event, values, news, handover, now)
    return True


def _parse(name: str) -> tuple[uuid.UUID | None, int]:
    found = re.fullmatch(r"([0-9a-f-]{36})(?::([1-9][0-9]{0,3}))?", name)
    try:
        return (uuid.UUID(found[1]), int(found[2] or 0)) if found else (None, 0)
    except ValueError:
        return None, 0


def _locked(db: Session, ref: uuid.UUID) -> Any:
    return fetch_one(
        db, "SELECT id, kind, status, handover, renewals, tries FROM message WHERE ref = %(ref)s FOR UPDATE", ref=ref
    )


def _is_present(message: Any, handover: int) -> bool:
    """What somebody has sent again since is another matter; and of what was never tried there are no news."""
    if handover == message.handover:
        return bool(message.tries)
    return bool(message.handover - message.renewals <= handover < message.handover)


def _arrived(news: News, now: datetime) -> tuple[str, dict[str, Any]]:
    return "arrived", {"far_id": news.message_id, "delivered_at": now}


def _failed(message: Any, news: News, now: datetime) -> tuple[str, dict[str, Any]]:
    """For ever, or worth another hand-over: under a new id, since the far end drops what it knows."""
    if news.error == NO_SMS:
        return _without_sms(message)
    verdict = verdict_of(news.error)
    if verdict == "settings":
        return "given up", {"why": WRONG_SETTINGS}
    if verdict == "address":
        return "bounced", {"why": NO_SUCH_ADDRESS}
    if message.renewals >= RENEWALS:
        return "given up", {"why": FAILED}
    pause = RENEWAL_PAUSES[message.renewals]
    return "renewed", {"why": FAILED_ONCE, "next_try_at": now + pause, "is_new": 1, "tries": 0}


def _without_sms(message: Any) -> tuple[str, dict[str, Any]]:
    """Reception calls instead; but a code is for nobody's eyes."""
    if message.kind == "code":
        return "given up", {"why": NO_WAY}
    return "left to a call", {"why": CALL, "channel": "call", "tries": 0}


# The codes of SMTP that decide (RFC 5321; 53x are about signing in, RFC 4954), and those of the longer form (RFC 3463). Other
# numbers mean nothing: ports, addresses and milliseconds stand in such errors as well.
_CODE = re.compile(
    r"(?<![\d.:])(?:(?P<short>4[2-5]\d|521|53[0458]|55[0-6])(?=[ -]\S)|(?P<long>[45]\.\d{1,3}\.\d{1,3})(?![\d.]))"
)
_ABOUT_US = re.compile(r"53\d|5\.7\.(0|8|9|11|13|14)$")


def verdict_of(error: str) -> str:
    """What an error of the far end means: `address` will never do, `settings` are ours to mend, all else is `passing`."""
    codes = [found["short"] or found["long"] for found in _CODE.finditer(error)]
    if not codes or codes[0].startswith("4"):
        return "passing"
    return "settings" if any(_ABOUT_US.match(code) for code in codes[:2]) else "address"


_UNCHANGED: dict[str, Any] = {
    "why": "",
    "far_id": "",
    "delivered_at": None,
    "is_new": 0,
    "channel": None,
    "tries": None,
}


def _change(
    db: Session, message: Any, event: str, values: dict[str, Any], news: News, handover: int, now: datetime
) -> None:
    fetch(
        db,
        """WITH told AS (
               INSERT INTO delivery (message_id, handover, attempt, target, started_at, finished_at, error)
               VALUES (%(id)s, %(handover)s, 0, 'callback', %(now)s, %(now)s, %(error)s))
           UPDATE message
              SET status = %(status)s, why = %(why)s, last_error = %(error)s, far_id = %(far_id)s, answer_by = NULL,
                  delivered_at = %(delivered_at)s, next_try_at = %(next_try_at)s, handed_over_at = coalesce(handed_over_at, %(now)s),
                  handover = handover + %(is_new)s, renewals = renewals + %(is_new)s,
                  channel = coalesce(%(channel)s, channel), tries = coalesce(%(tries)s, tries)
            WHERE id = %(id)s""",
        **_UNCHANGED | {"next_try_at": now} | values,
        id=message.id,
        handover=handover,
        status=after(event),
        error=news.error,
        now=now,
    )
    changed(db)


# A silent one is handed over anew; what has become pointless meanwhile stays as it is, since it may well have arrived.
_RENEW = f"""
WITH silent AS (
    SELECT m.id, CASE WHEN m.useless_at <= %(now)s OR {POINTLESS} THEN 'left'
                      WHEN m.renewals >= %(renewals)s THEN 'dead' ELSE 'due' END AS fate
      FROM message m WHERE m.status = 'handed_over' AND m.answer_by <= %(now)s
     ORDER BY m.answer_by LIMIT %(batch)s FOR UPDATE OF m SKIP LOCKED)
UPDATE message m
   SET status = CASE fate WHEN 'due' THEN %(renewed)s WHEN 'dead' THEN %(given_up)s ELSE m.status END,
       why = CASE fate WHEN 'due' THEN %(silence)s WHEN 'dead' THEN %(nobody_said)s ELSE %(left_alone)s END,
       handover = m.handover + (fate = 'due')::int, renewals = m.renewals + (fate = 'due')::int,
       tries = CASE fate WHEN 'due' THEN 0 ELSE m.tries END, next_try_at = %(now)s, answer_by = NULL
  FROM silent WHERE m.id = silent.id RETURNING m.id
"""


def renew_silent(db: Session, now: datetime, batch: int = 100) -> int:
    """Hand over anew what was taken and never heard of again; returns how many were looked at.

    A killed n8n does not go on with what it was doing, and drops the same id as a double: hence a new one. After the
    second time it is dead, and staff must look.
    """
    rows = fetch(
        db,
        _RENEW,
        now=now,
        renewals=RENEWALS,
        batch=batch,
        renewed=after("renewed"),
        given_up=after("given up"),
        silence=SILENCE,
        nobody_said=NOBODY_SAID,
        left_alone=LEFT_ALONE,
    )
    if rows:
        changed(db)
    return len(rows)
