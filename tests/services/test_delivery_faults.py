"""Everything that can go wrong on the way to a receiver, each against a real one on this machine.

For each: the state is right, the next try is where docs/messages.md says, and no thread is stuck.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.models import Delivery, Message, MessageStatus
from medcal.services import notifications, posting, webhooks
from medcal.services.delivery import JITTER, PAUSES, deliver_all, deliver_next
from medcal.services.outcomes import WRONG_SETTINGS
from tests.support.factories import NOW, make_appointment, make_clinic
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
    slowly,
)

DAY = timedelta(days=1)
FIRST_PAUSE = PAUSES[0]


@dataclass(frozen=True)
class Fault:
    """What the receiver does, and what is to come of it: a fate, the far end's code, and the pause before the next try."""

    answer: Answer
    fate: str
    status_code: int | None
    error: str
    pause: timedelta | None = None


AGAIN = {"fate": "due", "pause": FIRST_PAUSE}
FAULTS = {
    "takes its time": Fault(Answer(spoil=slowly), "handed_over", 202, ""),
    "200 of a starting n8n": Fault(
        Answer(200, body=b"n8n is starting up"),
        status_code=200,
        error="HTTP 200 that does not accept the message",
        **AGAIN,
    ),
    "404 of a workflow that is not published": Fault(Answer(404), status_code=404, error="HTTP 404", **AGAIN),
    "500": Fault(Answer(500), status_code=500, error="HTTP 500", **AGAIN),
    "429 with Retry-After": Fault(
        Answer(429, headers={"retry-after": "900"}), "due", 429, "HTTP 429", timedelta(minutes=15)
    ),
    "410": Fault(Answer(410), "dead", 410, "refused with HTTP 410"),
    "401": Fault(Answer(401), "dead", 401, "refused with HTTP 401"),
    "hang": Fault(Answer(spoil=hang), status_code=None, error="no answer in time", **AGAIN),
    "drip": Fault(Answer(spoil=drip), status_code=None, error="no answer in time", **AGAIN),
    "drip of headers": Fault(Answer(spoil=drip_of_headers), status_code=None, error="no answer in time", **AGAIN),
    "reset": Fault(Answer(spoil=reset), status_code=None, error="no connection: ConnectionResetError", **AGAIN),
    "half an answer": Fault(
        Answer(spoil=half_answer), status_code=None, error="no connection: IncompleteRead", **AGAIN
    ),
    "redirect": Fault(
        Answer(307, headers={"location": "http://127.0.0.1:1/elsewhere"}), status_code=307, error="HTTP 307", **AGAIN
    ),
    "huge answer": Fault(
        Answer(spoil=huge_answer), status_code=202, error="HTTP 202 that does not accept the message", **AGAIN
    ),
}


@pytest.fixture
def message(db: Session) -> Message:
    """The confirmation of an appointment in a month, due now."""
    appointment = make_appointment(db, make_clinic(db), NOW + 30 * DAY)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    return db.exec(select(Message)).one()


@pytest.fixture(autouse=True)
def impatience_and_no_stuck_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(webhooks, "TIMEOUT", timedelta(seconds=0.5))
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("deliver")]


def in_a_thread(work: Callable[[], object]) -> None:
    """As the scheduler's deliverers do it; one that does not come back fails the test."""

    def work_and_hang_up() -> None:
        work()
        posting.hang_up()

    thread = threading.Thread(target=work_and_hang_up, name="deliver-test", daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive(), "the thread is stuck"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_leaves_the_message_where_it_belongs_and_the_next_try_where_the_plan_has_it(
    db: Session, message: Message, webhook: Sink, name: str
) -> None:
    fault = FAULTS[name]
    webhook.answer(fault.answer)

    in_a_thread(lambda: deliver_next(NOW))

    db.refresh(message)
    assert (str(message.status), message.last_error) == (fault.fate, fault.error)
    [attempt] = db.exec(select(Delivery)).all()
    assert (attempt.attempt, attempt.status_code, attempt.error) == (1, fault.status_code, fault.error)
    if fault.pause:
        assert fault.pause * (1 - JITTER) <= message.next_try_at - NOW <= fault.pause * (1 + JITTER)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.fate == "due"])
def test_after_a_fault_that_passes_it_arrives_once_under_one_name(
    db: Session, message: Message, webhook: Sink, name: str
) -> None:
    webhook.answer(FAULTS[name].answer)

    in_a_thread(lambda: deliver_next(NOW))
    db.refresh(message)
    in_a_thread(lambda: deliver_next(message.next_try_at))

    db.refresh(message)
    assert message.status is MessageStatus.handed_over
    assert {call.id for call in webhook.calls} == {str(message.ref)}
    assert list(webhook.accepted) == [str(message.ref)]


def test_a_certificate_that_nobody_vouches_for_is_tried_again(
    db: Session, message: Message, configured: Callable[..., None]
) -> None:
    with Sink(is_encrypted=True) as sink:
        configured(N8N_WEBHOOK_URL=sink.url, N8N_WEBHOOK_SECRET=sink.secret.decode(), WEBHOOK_ALLOW_PRIVATE="1")

        in_a_thread(lambda: deliver_next(NOW))

        assert sink.calls == []
    db.refresh(message)
    assert (str(message.status), message.last_error) == ("due", "no connection: SSLCertVerificationError")


def test_a_name_that_does_not_exist_is_tried_again(
    db: Session, message: Message, configured: Callable[..., None]
) -> None:
    configured(N8N_WEBHOOK_URL="https://receiver.invalid/hook", N8N_WEBHOOK_SECRET="a secret of more than 24 letters")

    in_a_thread(lambda: deliver_next(NOW))

    db.refresh(message)
    assert (str(message.status), message.last_error) == ("due", "no connection: gaierror")


def test_an_address_of_ones_own_network_is_not_called_unless_the_clinic_says_so(
    db: Session, message: Message, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medcal.services.posting.resolve", lambda host, port: [(2, 1, 6, "", ("10.0.0.7", port))])
    configured(N8N_WEBHOOK_URL="https://n8n.example/hook", N8N_WEBHOOK_SECRET="a secret of more than 24 letters")

    in_a_thread(lambda: deliver_next(NOW))

    db.refresh(message)
    assert (str(message.status), message.why) == ("dead", WRONG_SETTINGS)


def test_the_same_call_answered_twice_is_one_message(db: Session, message: Message, webhook: Sink) -> None:
    """A receiver, or something between, that answers one call with two answers: the second belongs to nobody."""

    def answer_twice(handler: object) -> None:
        call = webhook.calls[-1]
        body = accepting(call.id)
        whole = b"HTTP/1.1 202 Accepted\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        handler.wfile.write(whole * 2)  # type: ignore[attr-defined]
        handler.wfile.flush()  # type: ignore[attr-defined]
        webhook.accepted.setdefault(call.id, call.payload)

    notifications.write(db, "appointment.moved", appointment_id=message.appointment_id, now=NOW)
    webhook.answer(Answer(spoil=answer_twice))

    in_a_thread(lambda: deliver_all(now=NOW))

    rows = db.exec(select(Message).order_by(col(Message.id))).all()
    for row in rows:
        db.refresh(row)
    assert [str(row.status) for row in rows] == ["handed_over"] * 2
    assert list(webhook.accepted) == [str(row.ref) for row in rows]


def test_a_taken_message_is_not_lost_when_its_answer_is(db: Session, message: Message, webhook: Sink) -> None:
    def take_and_reset(handler: object) -> None:
        call = webhook.calls[-1]
        webhook.accepted.setdefault(call.id, call.payload)
        reset(handler)  # type: ignore[arg-type]

    webhook.answer(Answer(spoil=take_and_reset))
    in_a_thread(lambda: deliver_next(NOW))
    db.refresh(message)
    in_a_thread(lambda: deliver_next(message.next_try_at))

    assert [call.id for call in webhook.calls] == [str(message.ref)] * 2
    assert len(webhook.accepted) == 1
