"""Signed calls to a real receiver on this machine, and what each of its answers means."""

import base64
import hashlib
import hmac
import json
import socket
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from medcal import clock
from medcal.models import Message
from medcal.services import webhooks
from medcal.services.webhooks import BadSignature, Outcome, Verdict, call, sign, verify
from tests.support.sink import Answer, Sink, drip, half_answer, hang, huge_answer, reset

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = b"twenty-four letters or more"
BODY = b'{"type": "appointment.booked"}'


def post(sink: Sink, body: bytes = BODY) -> Outcome:
    return call(sink.url, sink.secret, "msg-1", body, clock.now())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A client that waits a moment only."""
    monkeypatch.setattr(webhooks, "TIMEOUT", timedelta(seconds=0.3))
    with httpx.Client(timeout=0.3, verify=False) as client:
        monkeypatch.setattr(webhooks, "_client", lambda: client)
        yield


# --- Signatures -------------------------------------------------------------------------------------------------------


def test_a_signature_is_the_one_of_the_standard() -> None:
    # The example of standardwebhooks.com, with its whsec_ secret.
    secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'

    headers = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, datetime.fromtimestamp(1614265330, UTC))

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_can_be_plain_text_as_n8n_has_it() -> None:
    headers = sign(SECRET, "msg-1", BODY, NOW)

    mac = hmac.new(SECRET, b"msg-1." + headers["webhook-timestamp"].encode() + b"." + BODY, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac.digest()).decode()


def test_a_genuine_call_is_known_by_its_id() -> None:
    assert verify(SECRET, sign(SECRET, "msg-1", BODY, NOW), BODY, NOW + timedelta(minutes=4)) == "msg-1"


def test_one_of_several_signatures_is_enough() -> None:
    headers = sign(SECRET, "msg-1", BODY, NOW)
    headers["webhook-signature"] = f"v1,b2xk {headers['webhook-signature']} v2,bmV3"

    assert verify(SECRET, headers, BODY, NOW) == "msg-1"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg-2"},
        {"webhook-id": ""},
        {"webhook-timestamp": str(int(NOW.timestamp()) + 1)},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ä"},
    ],
)
def test_a_changed_header_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(SECRET, sign(SECRET, "msg-1", BODY, NOW) | change, BODY, NOW)


def test_a_changed_body_another_secret_and_an_old_call_are_refused() -> None:
    headers = sign(SECRET, "msg-1", BODY, NOW)

    for secret, body, now in [
        (SECRET, BODY + b" ", NOW),
        (b"another secret than the other", BODY, NOW),
        (SECRET, BODY, NOW + timedelta(minutes=6)),
        (SECRET, BODY, NOW - timedelta(minutes=6)),
    ]:
        with pytest.raises(BadSignature):
            verify(secret, headers, body, now)


# --- What is posted ---------------------------------------------------------------------------------------------------


def test_a_call_carries_what_the_message_needs_and_no_more(sink: Sink) -> None:
    message = Message(
        ref=uuid.UUID(int=7),
        reason="appointment.booked:1:v1",
        kind="appointment.booked",
        patient_id=1,
        appointment_id=1,
        recipient="alice@example.com",
        recipient_name="Alice Ädler",
        subject="Your appointment",
        text="with a placeholder",
        calendar="BEGIN:VCALENDAR",
        due_at=NOW,
        next_try_at=NOW,
        created_at=NOW,
    )

    post(sink, webhooks.payload(message, "text", "<p>html</p>"))

    [received] = sink.calls
    assert received.is_genuine
    assert received.payload == {
        "type": "appointment.booked",
        "timestamp": "2026-03-02T09:00:00+00:00",
        "id": "00000000-0000-0000-0000-000000000007",
        "channel": "email",
        "to": "alice@example.com",
        "name": "Alice Ädler",
        "language": "en",
        "subject": "Your appointment",
        "text": "text",
        "html": "<p>html</p>",
        "calendar": base64.b64encode(b"BEGIN:VCALENDAR").decode(),
    }


def test_the_list_of_deliveries_does_not_show_the_path_of_the_webhook() -> None:
    assert webhooks.target_of("https://user:pass@n8n.example/webhook/s3cret?key=1") == "https://n8n.example:443"


# --- What answers mean ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_answer_means_taken(sink: Sink, status: int) -> None:
    sink.answer(Answer(status, body=b""))

    assert post(sink) == Outcome(Verdict.accepted, status)


def test_n8n_that_is_still_starting_has_taken_nothing(sink: Sink) -> None:
    sink.answer(Answer(200, body=b"<html>n8n is starting up. Please wait</html>"))

    assert post(sink).verdict is Verdict.temporary


@pytest.mark.parametrize("status", [400, 401, 403, 410, 422])
def test_a_refusal_is_not_asked_again(sink: Sink, status: int) -> None:
    sink.answer(Answer(status))

    assert post(sink) == Outcome(Verdict.permanent, status, f"refused with HTTP {status}")


@pytest.mark.parametrize("status", [404, 408, 425, 429, 500, 502, 503])
def test_what_can_pass_is_tried_again(sink: Sink, status: int) -> None:
    sink.answer(Answer(status))

    assert post(sink) == Outcome(Verdict.temporary, status, f"HTTP {status}")


def test_a_redirect_is_not_followed(sink: Sink) -> None:
    sink.answer(Answer(307, headers={"location": sink.url}))

    assert post(sink).verdict is Verdict.temporary
    assert len(sink.calls) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("86400", 6 * 3600),
        ("99999999999999999999", 0),
        ("Mon, 02 Mar 2026 09:02:00 GMT", 120),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("", 0),
    ],
)
def test_the_receiver_may_ask_to_be_left_alone_for_a_while(sink: Sink, value: str, seconds: int) -> None:
    sink.answer(Answer(429, headers={"retry-after": value}))

    outcome = call(sink.url, sink.secret, "msg-1", BODY, NOW)

    assert outcome.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("spoil", [hang, reset, half_answer, drip])
@pytest.mark.usefixtures("impatient")
def test_a_broken_answer_is_tried_again_and_holds_nobody_up(sink: Sink, spoil: object) -> None:
    sink.answer(Answer(spoil=spoil))  # type: ignore[arg-type]
    began = time.monotonic()

    outcome = post(sink)

    assert (outcome.verdict, outcome.status_code) == (Verdict.temporary, None)
    assert time.monotonic() - began < 2


def test_of_a_huge_answer_only_the_beginning_is_read(sink: Sink) -> None:
    sink.answer(Answer(spoil=huge_answer))
    began = time.monotonic()

    assert post(sink).verdict is Verdict.accepted
    assert time.monotonic() - began < 2


def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    outcome = call(f"http://127.0.0.1:{port}/", SECRET, "msg-1", BODY, NOW)

    assert outcome == Outcome(Verdict.temporary, error="no connection: ConnectError")


def test_a_name_that_does_not_exist_and_plain_http_on_a_tls_address_are_tried_again(sink: Sink) -> None:
    assert call("http://receiver.invalid/", SECRET, "msg-1", BODY, NOW).verdict is Verdict.temporary
    assert call(sink.url.replace("http:", "https:"), SECRET, "msg-1", BODY, NOW).verdict is Verdict.temporary


def test_errors_name_nobody(sink: Sink) -> None:
    sink.answer(Answer(422, body=json.dumps({"error": "alice@example.com is no address"}).encode()))

    assert "alice" not in repr(post(sink))
