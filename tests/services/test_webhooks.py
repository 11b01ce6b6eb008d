"""Signed calls to a real receiver on this machine, and what each of its answers means."""

import base64
import gc
import hashlib
import hmac
import json
import socket
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from medcal import clock
from medcal.models import Message
from medcal.services import posting, webhooks
from medcal.services.outcomes import WRONG_MESSAGE, WRONG_SETTINGS, Outcome, Verdict
from medcal.services.posting import Forbidden, check_target
from medcal.services.sockets import trusting_context
from medcal.services.webhooks import BadSignature, call, sign, verify
from tests.support.certificates import trust_it
from tests.support.sink import (
    Answer,
    Sink,
    accepting,
    drip,
    drip_of_headers,
    half_answer,
    hang,
    huge_answer,
    reset,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = b"twenty-four letters or more"
BODY = b'{"type": "appointment.booked"}'


def post(sink: Sink, body: bytes = BODY) -> Outcome:
    return call(sink.url, sink.secret, "msg-1", body, clock.now())


@pytest.fixture(autouse=True)
def own_machine(configured: Callable[..., None]) -> None:
    """The receiver of these tests is this machine."""
    configured(WEBHOOK_ALLOW_PRIVATE="1")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that waits a moment only."""
    monkeypatch.setattr(webhooks, "TIMEOUT", timedelta(seconds=0.3))


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


def test_a_202_that_names_the_message_means_taken(sink: Sink) -> None:
    assert post(sink) == Outcome(Verdict.accepted, 202)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, body=b"<html>n8n is starting up. Please wait</html>"),
        Answer(200, body=accepting("msg-1")),
        Answer(202, body=accepting("msg-2")),
        Answer(202, body=b'["msg-1"]'),
        Answer(202, body=b"\xff"),
        Answer(202, body=b""),
        Answer(204, body=b""),
    ],
)
def test_any_other_2xx_comes_from_somebody_else_and_means_nothing(sink: Sink, answer: Answer) -> None:
    sink.answer(answer)

    assert post(sink).verdict is Verdict.temporary


@pytest.mark.parametrize("status", [400, 401, 403, 410, 422])
def test_a_refusal_is_not_asked_again(sink: Sink, status: int) -> None:
    sink.answer(Answer(status))

    why = WRONG_MESSAGE if status in (400, 422) else WRONG_SETTINGS
    assert post(sink) == Outcome(Verdict.permanent, status, f"refused with HTTP {status}", why=why)


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


@pytest.mark.parametrize("spoil", [hang, reset, half_answer, drip, drip_of_headers])
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

    assert post(sink).verdict is Verdict.temporary
    assert time.monotonic() - began < 2


def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    outcome = call(f"http://127.0.0.1:{port}/", SECRET, "msg-1", BODY, NOW)

    assert outcome == Outcome(Verdict.temporary, error="no connection: ConnectionRefusedError")


def test_a_name_that_does_not_exist_and_plain_http_on_a_tls_address_are_tried_again(sink: Sink) -> None:
    for name in ("receiver.invalid", "two..dots.example", f"{'x' * 64}.example"):
        assert call(f"http://{name}/", SECRET, "msg-1", BODY, NOW).verdict is Verdict.temporary
    assert call(sink.url.replace("http:", "https:"), SECRET, "msg-1", BODY, NOW).verdict is Verdict.temporary


def test_a_certificate_that_nobody_vouches_for_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sink(is_encrypted=True) as sink:
        assert post(sink) == Outcome(Verdict.temporary, error="no connection: SSLCertVerificationError")
        assert sink.calls == []

        trusting = trusting_context()
        trust_it(trusting)
        monkeypatch.setattr(posting, "_context", lambda: trusting)
        assert post(sink).verdict is Verdict.accepted


def test_a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_made_anew(sink: Sink) -> None:
    sink.keeps_connections = True

    assert [post(sink).verdict for _ in range(3)] == [Verdict.accepted] * 3
    assert sink.connections == 1
    sink.hang_up()

    assert post(sink).verdict is Verdict.accepted
    assert (sink.connections, len(sink.calls)) == (2, 4)
    posting.hang_up()


def test_a_thread_that_ends_leaves_no_connection_open(sink: Sink) -> None:
    sink.keeps_connections = True
    thread = threading.Thread(target=post, args=(sink,))

    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        thread.start()
        thread.join()
        gc.collect()

    assert (sink.connections, [str(each.message) for each in noted]) == (1, [])


# --- Where calls may lead ---------------------------------------------------------------------------------------------


def resolved_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    places = [
        (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses
    ]
    monkeypatch.setattr(posting, "resolve", lambda host, port: places)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.7",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
        # Addresses in disguise, and what clouds keep for themselves.
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::a00:1",
        "2001:0:7f00:1::",
        "fec0::1",
        "192.0.0.192",
        "168.63.129.16",
        "100.100.100.200",
    ],
)
def test_a_name_that_stands_for_a_private_address_is_not_called(
    monkeypatch: pytest.MonkeyPatch, configured: Callable[..., None], address: str
) -> None:
    configured(WEBHOOK_ALLOW_PRIVATE="0")
    resolved_to(monkeypatch, "93.184.215.14", address)

    outcome = call("https://n8n.example/webhook/s3cret", SECRET, "msg-1", BODY, NOW)

    assert outcome == Outcome(
        Verdict.permanent, error="the webhook is not called: the address is private", why=WRONG_SETTINGS
    )


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_may_be_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolved_to(monkeypatch, address)

    assert [place[4][0] for place in check_target("https://n8n.example/", allow_private=False)] == [address]


@pytest.mark.parametrize(
    "url", ["http://n8n.example/", "ftp://n8n.example/", "https://", "https://n8n.example:99999/", "file:///etc/passwd"]
)
def test_nothing_but_https_is_called(url: str) -> None:
    with pytest.raises(Forbidden):
        check_target(url, allow_private=False)


def test_the_address_that_was_checked_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch, sink: Sink) -> None:
    asked = []

    def answer_otherwise_each_time(host: str, port: int) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "192.0.2.1", port))]

    monkeypatch.setattr(posting, "resolve", answer_otherwise_each_time)

    assert call(f"http://rebinding.example:{sink.port}/", sink.secret, "msg-1", BODY, NOW).verdict is Verdict.accepted
    assert asked == ["rebinding.example"]


def test_proxies_of_the_environment_see_nothing(monkeypatch: pytest.MonkeyPatch, sink: Sink) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert post(sink).verdict is Verdict.accepted


def test_errors_name_nobody(sink: Sink) -> None:
    sink.answer(Answer(422, body=json.dumps({"error": "alice@example.com is no address"}).encode()))

    assert "alice" not in repr(post(sink))
