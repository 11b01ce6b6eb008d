"""Webhooks: what is posted, how it is signed (standardwebhooks.com), and what the answer means."""

import base64
import binascii
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import cache
from urllib.parse import urlsplit

import httpx

from medcal.models import Message

TIMEOUT = timedelta(seconds=15)
LARGEST_ANSWER = 64 * 1024
# A signature older than this is a replay, or somebody's clock is wrong.
TOLERANCE = timedelta(minutes=5)
LONGEST_RETRY_AFTER = timedelta(hours=6)
# The receiver understood and will never take it: wrong settings or a wrong message. 404 is not among them, since a
# starting n8n answers it for minutes.
REFUSALS = {400, 401, 403, 410, 422}
# n8n answers 200 with this before its workflows are there: nothing was taken.
STARTING = b"n8n is starting up"


class Verdict(StrEnum):
    accepted = "accepted"
    temporary = "temporary"
    permanent = "permanent"


@dataclass(frozen=True)
class Outcome:
    """What came of a call. `error` is for staff and names no person; `retry_after` is what the receiver asked for."""

    verdict: Verdict
    status_code: int | None = None
    error: str = ""
    retry_after: timedelta = timedelta(0)


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
    """Post a signed body and say what came of it; never raises for anything the far end or the network does.

    Redirects are not followed (the signature was made for this receiver), and no more than 64 KB of the answer are
    read.
    """
    headers = {"content-type": "application/json", "accept-encoding": "identity", **sign(secret, message_id, body, now)}
    give_up_at = time.monotonic() + TIMEOUT.total_seconds()
    try:
        with _client().stream("POST", url, content=body, headers=headers) as response:
            return _judge(response, _beginning(response, give_up_at), now)
    except httpx.TimeoutException:
        return Outcome(Verdict.temporary, error="no answer in time")
    except httpx.HTTPError as error:
        return Outcome(Verdict.temporary, error=f"no connection: {type(error).__name__}")
    except httpx.InvalidURL:
        return Outcome(Verdict.permanent, error="the address of the webhook is not valid")


def target_of(url: str) -> str:
    """Where a call goes, for the list of deliveries: the path stays out, since with n8n it is half a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}"[:200]


def _beginning(response: httpx.Response, give_up_at: float) -> bytes:
    """The first 64 KB of an answer. The client's timeout counts anew with each piece; a slow drip is stopped here."""
    read = b""
    for piece in response.iter_raw():
        read += piece
        if time.monotonic() > give_up_at:
            raise httpx.ReadTimeout("the answer drips")
        if len(read) >= LARGEST_ANSWER:
            break
    return read


def _judge(response: httpx.Response, answer: bytes, now: datetime) -> Outcome:
    status = response.status_code
    if response.is_success and STARTING not in answer:
        return Outcome(Verdict.accepted, status)
    if response.is_success:
        return Outcome(Verdict.temporary, status, "the receiver is still starting")
    if status in REFUSALS:
        return Outcome(Verdict.permanent, status, f"refused with HTTP {status}")
    return Outcome(
        Verdict.temporary, status, f"HTTP {status}", _retry_after(response.headers.get("retry-after", ""), now)
    )


def _retry_after(value: str, now: datetime) -> timedelta:
    """How long the receiver wants to be left alone: seconds or a date (RFC 9110, 10.2.3), at most six hours."""
    try:
        wanted = timedelta(seconds=int(value)) if value.isdigit() else parsedate_to_datetime(value) - now
    except (ValueError, TypeError, OverflowError):
        return timedelta(0)
    return min(max(wanted, timedelta(0)), LONGEST_RETRY_AFTER)


_one_at_a_time = threading.Lock()


def _client() -> httpx.Client:
    """One per process: threads share its connections."""
    # A cache alone would let threads that ask first at the same instant make one each, and lose all but the last.
    with _one_at_a_time:
        return _new_client()


@cache
def _new_client() -> httpx.Client:
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=8)
    return httpx.Client(timeout=TIMEOUT.total_seconds(), follow_redirects=False, limits=limits)
