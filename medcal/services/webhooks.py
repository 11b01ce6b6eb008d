"""Webhooks: what is posted, how it is signed (standardwebhooks.com), and what the answer means."""

import base64
import binascii
import hashlib
import hmac
import http.client
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from medcal.config import settings
from medcal.models import Message
from medcal.services import posting
from medcal.services.outcomes import WRONG_MESSAGE, WRONG_SETTINGS, Outcome, Verdict

TIMEOUT = timedelta(seconds=15)
# A signature older than this is a replay, or somebody's clock is wrong.
TOLERANCE = timedelta(minutes=5)
LONGEST_RETRY_AFTER = timedelta(hours=6)
# The receiver understood and will never take it. 404 is not among them, since a starting n8n answers it for minutes.
REFUSALS = {400: WRONG_MESSAGE, 401: WRONG_SETTINGS, 403: WRONG_SETTINGS, 410: WRONG_SETTINGS, 422: WRONG_MESSAGE}


class BadSignature(Exception):
    """A call that was not made by somebody who knows the secret, or not lately."""


# --- Signing ----------------------------------------------------------------------------------------------------------


def sign(secret: bytes, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of a signed call; `body` is the very bytes that are posted.

    The secret is text, or base64 after `whsec_` as the standard writes it. n8n's Crypto node knows text alone.
    """
    timestamp = str(int(now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(secret, message_id, timestamp, body),
    }


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a call that is genuine and fresh; several signatures may stand side by side while a secret is changed.

    Raises BadSignature.
    """
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise BadSignature("headers are missing")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise BadSignature("too old, or a clock is wrong")
    expected = _signature(secret, message_id, timestamp, body).encode()
    given = headers.get("webhook-signature", "").encode().split()
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise BadSignature("the signature does not fit")
    return message_id


def _signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: bytes) -> bytes:
    if not secret.startswith(b"whsec_"):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except binascii.Error:
        return secret


# --- Calling ----------------------------------------------------------------------------------------------------------


def payload(message: Message, text: str, html: str) -> bytes:
    """What the receiver learns: what it needs to send the message, nothing of the visit beyond the letter's words."""
    content = {
        "type": message.kind,
        "timestamp": message.created_at.isoformat(),
        "id": str(message.ref),
        "channel": message.channel,
        "to": message.recipient,
        "name": message.recipient_name,
        "language": message.language,
        "subject": message.subject,
        "text": text,
        "html": html,
    }
    if message.calendar:
        content["calendar"] = base64.b64encode(message.calendar.encode()).decode()
    return json.dumps(content, ensure_ascii=False).encode()


def call(url: str, secret: bytes, message_id: str, body: bytes, now: datetime) -> Outcome:
    """Post a signed call and say what came of it; never raises for what the far end does."""
    headers = sign(secret, message_id, body, now) | {"content-type": "application/json", "user-agent": "Medcal"}
    try:
        answer = posting.post(
            url, headers, body, seconds=TIMEOUT.total_seconds(), allow_private=settings().webhook_allow_private
        )
    except posting.Forbidden as refusal:
        return Outcome(Verdict.permanent, error=f"the webhook is not called: {refusal}", why=WRONG_SETTINGS)
    except TimeoutError:
        return Outcome(Verdict.temporary, error="no answer in time")
    except (OSError, http.client.HTTPException) as error:
        return Outcome(Verdict.temporary, error=f"no connection: {type(error).__name__}")
    return _judge(answer, message_id, now)


def target_of(url: str) -> str:
    """Where a call goes, for the list of deliveries: the path stays out, since with n8n it is half a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or posting.PORTS[parts.scheme]}"[:200]


def _judge(answer: posting.Answer, message_id: str, now: datetime) -> Outcome:
    """Taken is a 202 that names the message. Any other 2xx comes from somebody else, such as an n8n that is still starting."""
    status = answer.status
    if status == 202 and _accepted(answer.body) == message_id:
        return Outcome(Verdict.accepted, status)
    if 200 <= status < 300:
        return Outcome(Verdict.temporary, status, f"HTTP {status} that does not accept the message")
    if status in REFUSALS:
        return Outcome(Verdict.permanent, status, f"refused with HTTP {status}", why=REFUSALS[status])
    return Outcome(Verdict.temporary, status, f"HTTP {status}", _retry_after(answer.retry_after, now))


def _accepted(body: bytes) -> object:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content.get("accepted") if isinstance(content, dict) else None


def _retry_after(value: str, now: datetime) -> timedelta:
    """How long the receiver wants to be left alone: seconds or a date (RFC 9110, 10.2.3), at most six hours."""
    try:
        wanted = timedelta(seconds=int(value)) if value.isdigit() else parsedate_to_datetime(value) - now
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    return min(max(wanted, timedelta(0)), LONGEST_RETRY_AFTER)
