"""What n8n says of a message, what is believed of it, and what follows from silence."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.errors import Invalid
from medcal.models import AppointmentStatus, Delivery, Message
from medcal.services import callbacks, notifications, reminders
from medcal.services.callbacks import (
    FAILED,
    FAILED_ONCE,
    LEFT_ALONE,
    NO_SMS,
    NOBODY_SAID,
    News,
    read,
    renew_silent,
    take_news,
)
from medcal.services.delivery import SILENCE, deliver_all, deliver_next, note
from medcal.services.outcomes import NO_SUCH_ADDRESS, WRONG_SETTINGS
from medcal.services.resending import resend
from medcal.services.taking import CALL, LEASE, NO_WAY
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic
from tests.support.sink import Answer, Sink, hang, reset

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def n8n(webhook: Sink, configured: Callable[..., None]) -> Sink:
    """The sink, which is expected to call back."""
    configured(N8N_CALLBACK_SECRET="the secret of the way back alone")
    return webhook


@pytest.fixture
def message(db: Session, clinic: Clinic) -> Message:
    """The confirmation of Alice's appointment, due now."""
    appointment = make_appointment(db, clinic, NOW + 30 * DAY)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    return db.exec(select(Message)).one()


def sent(id_: str) -> News:
    return News(id_, True, message_id="<1@mail.example>")


def failed(id_: str, error: str = "connect ETIMEDOUT") -> News:
    return News(id_, False, error=error)


def fate(db: Session, message: Message) -> tuple[str, str]:
    db.refresh(message)
    return str(message.status), message.why


# --- News -------------------------------------------------------------------------------------------------------------


def test_taken_is_not_yet_delivered_until_the_far_end_says_so(db: Session, message: Message, n8n: Sink) -> None:
    deliver_all(now=NOW)
    assert fate(db, message) == ("handed_over", "")
    assert message.answer_by == NOW + SILENCE

    assert take_news(db, sent(str(message.ref)), now=NOW + MINUTE)

    assert fate(db, message) == ("delivered", "")
    assert (message.delivered_at, message.answer_by, message.far_id) == (NOW + MINUTE, None, "<1@mail.example>")
    told = db.exec(select(Delivery).order_by(col(Delivery.id))).all()
    assert [(row.target == "callback", row.error) for row in told] == [(False, ""), (True, "")]


def test_without_an_sms_provider_somebody_calls_at_once(db: Session, message: Message, n8n: Sink) -> None:
    message.channel, message.recipient = "sms", "+436641234567"
    db.flush()
    deliver_all(now=NOW)

    assert take_news(db, failed(str(message.ref), NO_SMS), now=NOW + MINUTE)

    assert fate(db, message) == ("due", CALL)
    assert (message.channel, message.tries, message.answer_by) == ("call", 0, None)
    assert not take_news(db, failed(str(message.ref), NO_SMS), now=NOW + MINUTE)


def test_a_code_without_an_sms_provider_is_read_out_to_nobody(db: Session, message: Message, n8n: Sink) -> None:
    message.kind, message.channel = "code", "sms"
    db.flush()
    deliver_all(now=NOW)

    take_news(db, failed(str(message.ref), NO_SMS), now=NOW + MINUTE)

    assert fate(db, message) == ("dead", NO_WAY)
    assert message.channel == "sms"


def test_said_twice_is_said_once(db: Session, message: Message, n8n: Sink) -> None:
    deliver_all(now=NOW)

    assert take_news(db, sent(str(message.ref)), now=NOW + MINUTE)
    assert not take_news(db, sent(str(message.ref)), now=NOW + 2 * MINUTE)
    assert not take_news(db, failed(str(message.ref)), now=NOW + 3 * MINUTE)

    assert (fate(db, message)[0], message.delivered_at) == ("delivered", NOW + MINUTE)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("All recipients were rejected: 550 5.1.1 no such user", ("bounced", NO_SUCH_ADDRESS)),
        ("Message failed: 554 5.7.1 looks like spam", ("bounced", NO_SUCH_ADDRESS)),
        ("Invalid login: 535 5.7.8 authentication failed", ("dead", WRONG_SETTINGS)),
        ("Mail command failed: 530 5.7.0 must issue STARTTLS", ("dead", WRONG_SETTINGS)),
        ("Greylisted: 451 4.7.1 come back in 550 seconds", ("due", FAILED_ONCE)),
        ("connect ECONNREFUSED 127.0.0.1:2525", ("due", FAILED_ONCE)),
    ],
)
def test_a_failure_is_for_ever_about_settings_or_passing(
    db: Session, message: Message, n8n: Sink, error: str, expected: tuple[str, str]
) -> None:
    deliver_all(now=NOW)

    assert take_news(db, failed(str(message.ref), error), now=NOW + MINUTE)

    assert fate(db, message) == expected
    assert message.last_error == error


def test_a_failure_that_may_pass_is_handed_over_twice_more_under_new_names(
    db: Session, message: Message, n8n: Sink
) -> None:
    now = NOW
    for _ in range(3):
        deliver_all(now=now)
        assert take_news(db, failed(n8n.calls[-1].id), now=now + MINUTE)
        db.refresh(message)
        now = message.next_try_at

    assert fate(db, message) == ("dead", FAILED)
    assert [call.id for call in n8n.calls] == [str(message.ref), f"{message.ref}:1", f"{message.ref}:2"]


def test_old_news_of_a_failure_do_not_touch_the_hand_over_that_followed(
    db: Session, message: Message, n8n: Sink
) -> None:
    deliver_all(now=NOW)
    take_news(db, failed(str(message.ref)), now=NOW + MINUTE)
    deliver_all(now=NOW + 10 * MINUTE)

    assert not take_news(db, failed(str(message.ref)), now=NOW + 11 * MINUTE)

    assert fate(db, message) == ("handed_over", "")


def test_late_news_that_it_left_stop_what_was_to_follow(db: Session, message: Message, n8n: Sink) -> None:
    deliver_all(now=NOW)
    renew_silent(db, NOW + SILENCE)

    assert take_news(db, sent(str(message.ref)), now=NOW + SILENCE + MINUTE)
    deliver_all(now=NOW + DAY)

    assert fate(db, message) == ("delivered", "")
    assert len(n8n.calls) == 1


def test_the_callback_may_come_before_our_own_note(db: Session, message: Message, n8n: Sink) -> None:
    def tell_first(handler: object) -> None:
        reset(handler)  # type: ignore[arg-type]

    n8n.answer(Answer(spoil=tell_first))
    deliver_next(NOW)
    assert fate(db, message)[0] == "due"

    # The answer got lost, and the mail had left all the same.
    assert take_news(db, sent(str(message.ref)), now=NOW + MINUTE)

    deliver_all(now=NOW + DAY)
    assert fate(db, message)[0] == "delivered"
    assert len(n8n.calls) == 1


@pytest.mark.usefixtures("committed")
def test_news_during_a_delivery_are_not_overwritten_by_it(n8n: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    in_transaction(_write_one)

    def hear_first(db: Session, tried: object) -> None:
        in_transaction(take_news, sent(n8n.calls[-1].id), now=NOW)
        note(db, tried)  # type: ignore[arg-type]

    monkeypatch.setattr("medcal.services.delivery.note", hear_first)
    deliver_next(NOW)

    assert in_transaction(lambda db: [str(row) for row in db.exec(select(Message.status))]) == ["delivered"]
    assert in_transaction(lambda db: len(db.exec(select(Delivery)).all())) == 2


def _write_one(db: Session) -> None:
    appointment = make_appointment(db, make_clinic(db), NOW + 30 * DAY)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)


def test_what_was_never_sent_cannot_have_left(db: Session, message: Message, n8n: Sink) -> None:
    assert not take_news(db, sent(str(message.ref)), now=NOW)
    assert not take_news(db, sent(f"{message.ref}:1"), now=NOW)

    assert fate(db, message)[0] == "due"


def test_what_staff_sent_again_leaves_whatever_is_said_of_the_time_before(
    db: Session, clinic: Clinic, message: Message, n8n: Sink
) -> None:
    deliver_all(now=NOW)
    resend(db, message.ref, by=clinic.desk, now=NOW + MINUTE)

    assert not take_news(db, sent(str(message.ref)), now=NOW + MINUTE)
    deliver_all(now=NOW + MINUTE)

    assert [call.id for call in n8n.calls] == [str(message.ref), f"{message.ref}:1"]


@pytest.mark.parametrize(
    "id_", ["", "x", "00000000-0000-0000-0000-000000000007", "-" * 36, "00000000-0000-0000-0000-000000000007:0"]
)
def test_unknown_ids_change_nothing(db: Session, message: Message, n8n: Sink, id_: str) -> None:
    assert not take_news(db, sent(id_), now=NOW)


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_a_callback_is_read_whatever_the_automation_makes_of_its_fields() -> None:
    body = {"id": "a", "status": "failed", "message_id": None, "error": {"message": "no\nsuch\x00 user"}}

    assert read(json.dumps(body).encode(), "a") == News("a", False, "", '{"message": "no\\nsuch\\u0000 user"}')
    assert read(b'{"id": "a", "status": "failed"}', "a").error == "failed"
    assert read(b'{"id": "a", "status": "sent", "message_id": "<1@x>"}', "a") == News("a", True, "<1@x>")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"id": "b", "status": "sent"}',
        b'{"id": "a", "status": "ok"}',
        b'{"id": "a"}',
        b"[" * 9000,
    ],
)
def test_anything_else_is_no_callback(body: bytes) -> None:
    with pytest.raises(Invalid):
        read(body, "a")


# --- Silence ----------------------------------------------------------------------------------------------------------


def silence(db: Session, now: datetime) -> int:
    looked_at = renew_silent(db, now)
    deliver_all(now=now)
    return looked_at


def test_after_silence_it_is_handed_over_twice_more_and_then_staff_must_look(
    db: Session, message: Message, n8n: Sink
) -> None:
    deliver_all(now=NOW)

    assert silence(db, NOW + SILENCE - timedelta(seconds=1)) == 0
    assert [silence(db, NOW + number * SILENCE) for number in (1, 2, 3, 4)] == [1, 1, 1, 0]

    assert [call.id for call in n8n.calls] == [str(message.ref), f"{message.ref}:1", f"{message.ref}:2"]
    assert fate(db, message) == ("dead", NOBODY_SAID)
    # Late, but true.
    assert take_news(db, sent(f"{message.ref}:1"), now=NOW + DAY)
    assert fate(db, message) == ("delivered", "")


def test_where_nobody_calls_back_silence_means_nothing(db: Session, message: Message, webhook: Sink) -> None:
    deliver_all(now=NOW)

    assert silence(db, NOW + 10 * DAY) == 0
    assert fate(db, message) == ("handed_over", "")


def test_what_has_become_pointless_meanwhile_is_left_as_it_is(db: Session, clinic: Clinic, n8n: Sink) -> None:
    appointment = make_appointment(db, clinic, NOW + 2 * DAY)
    reminders.plan_reminders(db, NOW)
    deliver_all(now=NOW + MINUTE)
    appointment.status, appointment.cancelled_at = AppointmentStatus.cancelled, NOW
    db.flush()

    assert silence(db, NOW + DAY) == 1

    [message] = db.exec(select(Message)).all()
    assert fate(db, message) == ("handed_over", LEFT_ALONE)
    assert (message.answer_by, len(n8n.calls)) == (None, 1)


def test_n8n_killed_in_the_middle_and_down_for_a_day_loses_nothing_and_doubles_nothing(
    db: Session, message: Message, n8n: Sink
) -> None:
    deliver_all(now=NOW)  # and there n8n dies: the run is not resumed, no callback comes
    now = NOW + SILENCE
    renew_silent(db, now)
    n8n.answer_always(Answer(502))
    while now < NOW + DAY:
        deliver_all(now=now)
        db.refresh(message)
        now = message.next_try_at
    n8n.answer_always(Answer())
    deliver_all(now=now)
    take_news(db, sent(n8n.calls[-1].id), now=now + MINUTE)

    assert fate(db, message) == ("delivered", "")
    assert set(n8n.accepted) == {str(message.ref), f"{message.ref}:1"}


@pytest.mark.usefixtures("committed")
def test_a_taker_that_wakes_up_after_its_lease_changes_nothing_of_the_new_hand_over(n8n: Sink) -> None:
    in_transaction(_write_one)
    n8n.answer(Answer(spoil=hang))
    n8n.let_go.set()

    deliver_next(NOW)
    in_transaction(take_news, failed(n8n.calls[-1].id), now=NOW)
    later = NOW + LEASE + 5 * MINUTE
    deliver_next(later)

    rows = in_transaction(lambda db: db.exec(select(Message.status, Message.handover)).all())
    assert [(str(status), handover) for status, handover in rows] == [("handed_over", 1)]


def test_verdicts_know_settings_from_addresses() -> None:
    for error in ("", "connect ETIMEDOUT 5.1.1.9:587 -", "connect ECONNREFUSED ::1:535 x"):
        assert callbacks.verdict_of(error) == "passing", error
    assert callbacks.verdict_of("5.7.8 Username and Password not accepted") == "settings"
    assert callbacks.verdict_of("550-5.1.1 The email account does not exist") == "address"
