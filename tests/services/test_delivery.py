"""Each message is handed over at least once, carries one id, and is given up only where that is right."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.models import AppointmentStatus, Delivery, Message, MessageStatus, OfferStatus
from medcal.services import delivery, notifications, reminders
from medcal.services.delivery import JITTER, PAUSES, TRIED_FOR_DAYS, Tried, deliver_all, deliver_next
from medcal.services.outcomes import WRONG_SETTINGS, Outcome, Verdict
from medcal.services.taking import CALL, LEASE, NO_LONGER_SO, NO_WAY, TOO_LATE, take
from tests.support.factories import (
    NOW,
    Clinic,
    make_appointment,
    make_clinic,
    make_entry,
    make_offer,
    make_patient,
)
from tests.support.inbox import inbox
from tests.support.sink import Answer, Sink, hang

FATE = MessageStatus
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


def booked_message(db: Session, clinic: Clinic, days: float = 30) -> Message:
    """The confirmation of an appointment, due now."""
    appointment = make_appointment(db, clinic, NOW + days * DAY)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    return db.exec(select(Message).where(Message.appointment_id == appointment.id)).one()


def again(db: Session, message: Message) -> Message:
    db.refresh(message)
    return message


# --- Handing over -----------------------------------------------------------------------------------------------------


def test_a_message_leaves_signed_with_its_words_its_links_and_its_calendar_file(
    db: Session, clinic: Clinic, webhook: Sink
) -> None:
    message = booked_message(db, clinic)

    assert deliver_next(NOW)

    [payload] = webhook.accepted.values()
    [mail] = inbox(db)
    assert payload["id"] == webhook.calls[0].id == str(message.ref)
    assert (payload["to"], payload["subject"]) == ("alice@example.com", mail.subject)
    assert (payload["text"], payload["html"]) == (mail.text, mail.html)
    assert mail.links[0] in payload["html"]
    assert payload["calendar"]
    assert (again(db, message).status, message.handed_over_at, message.answer_by) == (FATE.handed_over, NOW, None)
    [attempt] = db.exec(select(Delivery)).all()
    assert (attempt.attempt, attempt.status_code, attempt.error) == (1, 202, "")


def test_nothing_is_sent_before_it_is_due(db: Session, clinic: Clinic, webhook: Sink) -> None:
    booked_message(db, clinic)

    assert not deliver_next(NOW - timedelta(seconds=1))
    assert webhook.calls == []


def test_with_nothing_configured_a_message_arrives_in_the_outbox(db: Session, clinic: Clinic) -> None:
    message = booked_message(db, clinic)

    assert deliver_next(NOW)
    assert not deliver_next(NOW)

    assert (again(db, message).status, message.delivered_at) == (MessageStatus.delivered, NOW)
    assert db.exec(select(Delivery)).all() == []


def test_a_message_that_has_become_useless_is_missed_and_not_sent(db: Session, clinic: Clinic, webhook: Sink) -> None:
    message = booked_message(db, clinic, days=1)

    assert deliver_next(NOW + DAY)

    assert (again(db, message).status, message.why) == (MessageStatus.missed, TOO_LATE)
    assert webhook.calls == []


@pytest.mark.parametrize(
    "change",
    [{"status": AppointmentStatus.cancelled, "cancelled_at": NOW}, {"version": 2, "starts_at": NOW + 2 * DAY - MINUTE}],
    ids=["off", "moved"],
)
def test_a_reminder_of_a_visit_that_is_off_or_moved_is_dropped(
    db: Session, clinic: Clinic, webhook: Sink, change: dict[str, object]
) -> None:
    appointment = make_appointment(db, clinic, NOW + 2 * DAY)
    reminders.plan_reminders(db, NOW)
    appointment.sqlmodel_update(change)
    db.flush()

    while deliver_next(NOW + MINUTE):
        pass

    assert [(mail.row.status, mail.row.why) for mail in inbox(db)] == [(MessageStatus.dropped, NO_LONGER_SO)]
    assert webhook.calls == []


@pytest.mark.usefixtures("webhook")
def test_an_offer_that_has_ended_is_not_sent_any_more(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), NOW + 5 * DAY)
    notifications.write(db, "offer.made", offer_id=offer.id, now=NOW)
    offer.status, offer.decided_at = OfferStatus.withdrawn, NOW
    db.flush()

    deliver_next(NOW)

    assert [mail.row.status for mail in inbox(db)] == [MessageStatus.dropped]


# --- Order ------------------------------------------------------------------------------------------------------------


def test_moved_never_overtakes_booked(db: Session, clinic: Clinic, webhook: Sink) -> None:
    message = booked_message(db, clinic)
    notifications.write(db, "appointment.moved", appointment_id=message.appointment_id, now=NOW)
    webhook.answer(Answer(503))

    while deliver_next(NOW):
        pass
    assert [call.payload["type"] for call in webhook.calls] == ["appointment.booked"]
    while deliver_next(NOW + MINUTE):
        pass

    assert [payload["type"] for payload in webhook.accepted.values()] == ["appointment.booked", "appointment.moved"]


def test_a_reminder_that_waits_for_the_morning_holds_nothing_up(db: Session, clinic: Clinic, webhook: Sink) -> None:
    evening = NOW + timedelta(hours=11, days=1)
    appointment = make_appointment(db, clinic, evening)
    reminders.plan_reminders(db, evening - DAY)
    appointment.version = 2
    notifications.write(db, "appointment.moved", appointment_id=appointment.id, now=evening - DAY)

    while deliver_next(evening - DAY):
        pass

    assert [payload["type"] for payload in webhook.accepted.values()] == ["appointment.moved"]


def test_one_patients_trouble_is_not_anothers(db: Session, clinic: Clinic, webhook: Sink) -> None:
    booked_message(db, clinic, days=30)
    booked_message(db, clinic, days=31)
    webhook.answer(Answer(500))

    while deliver_next(NOW):
        pass

    assert len(webhook.accepted) == 1


# --- Trying again -----------------------------------------------------------------------------------------------------


def test_a_failed_message_is_tried_with_growing_pauses_for_three_days_and_is_then_dead(
    db: Session, clinic: Clinic, webhook: Sink
) -> None:
    webhook.answer_always(Answer(503))
    message, now, pauses = booked_message(db, clinic), NOW, list[timedelta]()

    while again(db, message).status is MessageStatus.due:
        assert deliver_next(now)
        pauses.append(again(db, message).next_try_at - now)
        now = message.next_try_at

    assert (message.status, message.why, message.last_error) == (MessageStatus.dead, TRIED_FOR_DAYS, "HTTP 503")
    assert len(webhook.calls) == len(PAUSES) + 1
    assert {call.id for call in webhook.calls} == {str(message.ref)}
    for pause, planned in zip(pauses, PAUSES, strict=False):
        assert planned * (1 - JITTER) <= pause <= planned * (1 + JITTER)
    assert timedelta(days=2.9) < sum(PAUSES, timedelta(0)) < timedelta(days=3.1)
    attempts = db.exec(select(Delivery).order_by(col(Delivery.id))).all()
    assert [attempt.attempt for attempt in attempts] == list(range(1, 15))
    assert not deliver_next(now + 10 * DAY)


def test_a_refused_message_is_dead_at_once(db: Session, clinic: Clinic, webhook: Sink) -> None:
    webhook.answer(Answer(401))
    message = booked_message(db, clinic)

    deliver_next(NOW)

    assert (again(db, message).status, message.why) == (MessageStatus.dead, WRONG_SETTINGS)
    assert message.last_error == "refused with HTTP 401"


def test_a_receiver_that_asks_for_a_pause_gets_it(db: Session, clinic: Clinic, webhook: Sink) -> None:
    webhook.answer(Answer(429, headers={"retry-after": "3600"}))
    message = booked_message(db, clinic)

    deliver_next(NOW)

    assert again(db, message).next_try_at == NOW + timedelta(hours=1)


def test_a_message_whose_taker_died_is_taken_again_with_the_same_id(db: Session, clinic: Clinic, webhook: Sink) -> None:
    message = booked_message(db, clinic)
    assert in_transaction(take, NOW)  # and there the process was killed

    assert not deliver_next(NOW + LEASE - timedelta(seconds=1))
    assert deliver_next(NOW + LEASE)

    assert [call.id for call in webhook.calls] == [str(message.ref)]
    assert again(db, message).status is MessageStatus.handed_over


@pytest.mark.usefixtures("webhook")
def test_a_taker_that_wakes_up_late_changes_nothing(db: Session, clinic: Clinic) -> None:
    message = booked_message(db, clinic)
    [slow] = in_transaction(take, NOW)
    deliver_next(NOW + LEASE)

    late = Outcome(Verdict.permanent, 410, "refused with HTTP 410")
    in_transaction(delivery.note, Tried(slow.message, "http://there:80", late, NOW, NOW + 2 * LEASE))

    assert again(db, message).status is MessageStatus.handed_over
    assert len(db.exec(select(Delivery)).all()) == 2


@pytest.mark.usefixtures("webhook")
def test_a_mistake_of_our_own_puts_the_message_off_like_any_other(
    db: Session, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = booked_message(db, clinic)
    monkeypatch.setattr(delivery, "words_of", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        deliver_next(NOW)

    assert again(db, message).status is MessageStatus.due
    assert message.next_try_at < NOW + LEASE
    assert message.last_error.startswith("ZeroDivisionError")


@pytest.mark.usefixtures("webhook")
def test_told_to_stop_it_notes_what_it_has_done_and_takes_no_more(db: Session, clinic: Clinic) -> None:
    first, second = booked_message(db, clinic, 30), booked_message(db, clinic, 31)

    deliver_all(lambda: True, NOW)

    assert (again(db, first).status, again(db, second).status) == (MessageStatus.handed_over, MessageStatus.due)


def test_logs_name_nobody(db: Session, clinic: Clinic, webhook: Sink, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="medcal")
    webhook.answer(Answer(500), Answer(401))
    message = booked_message(db, clinic)

    for minutes in range(3):
        deliver_next(NOW + minutes * MINUTE)

    assert f"message {message.id} (appointment.booked), try 2: refused with HTTP 401" in caplog.text
    assert not any(secret in caplog.text for secret in ("alice", "Alice", "Okafor", "/l/", "/webhook"))


# --- Several at once --------------------------------------------------------------------------------------------------


def _book_many(db: Session, count: int) -> None:
    clinic = make_clinic(db)
    for place in range(count):
        booked_message(db, clinic, days=10 + place)


def _in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("committed")
def test_four_deliverers_send_each_message_once(webhook: Sink) -> None:
    in_transaction(_book_many, 40)

    _in_threads(4, lambda: deliver_all(now=NOW))

    assert len(webhook.calls) == len(webhook.accepted) == 40


@pytest.mark.usefixtures("committed")
def test_a_receiver_that_hangs_on_one_message_does_not_hold_up_the_others(webhook: Sink) -> None:
    in_transaction(_book_many, 5)
    webhook.answer(Answer(spoil=hang))
    stuck = threading.Thread(target=deliver_next, args=(NOW,))
    stuck.start()

    while len(webhook.calls) < 1:
        pass
    while deliver_next(NOW):
        pass

    assert len(webhook.accepted) == 4
    webhook.let_go.set()
    stuck.join()


# --- Ways --------------------------------------------------------------------------------------------------------------


def test_a_kind_of_message_goes_to_its_own_address(
    db: Session, clinic: Clinic, webhook: Sink, configured: Callable[..., None]
) -> None:
    with Sink() as other:
        configured(N8N_WEBHOOK_URL_APPOINTMENT_MOVED=other.url)
        message = booked_message(db, clinic)
        notifications.write(db, "appointment.moved", appointment_id=message.appointment_id, now=NOW)

        deliver_all(now=NOW)

        assert [call.payload["type"] for call in webhook.calls] == ["appointment.booked"]
        assert [call.payload["type"] for call in other.calls] == ["appointment.moved"]


def test_what_nothing_that_is_configured_can_carry_goes_to_the_call_list(
    db: Session, clinic: Clinic, sink: Sink, configured: Callable[..., None]
) -> None:
    configured(N8N_WEBHOOK_URL_CODE=sink.url, N8N_WEBHOOK_SECRET=sink.secret.decode(), WEBHOOK_ALLOW_PRIVATE="1")
    message = booked_message(db, clinic)

    deliver_all(now=NOW)

    assert (again(db, message).status, message.channel, message.why) == (MessageStatus.due, "call", CALL)
    assert sink.calls == []


def test_a_code_is_read_out_to_nobody(db: Session, clinic: Clinic, sink: Sink, configured: Callable[..., None]) -> None:
    configured(N8N_WEBHOOK_URL_OFFER_MADE=sink.url, N8N_WEBHOOK_SECRET=sink.secret.decode(), WEBHOOK_ALLOW_PRIVATE="1")
    message = booked_message(db, clinic)
    message.kind = "code"
    db.flush()

    deliver_all(now=NOW)

    assert (again(db, message).status, message.channel, message.why) == (MessageStatus.dead, "email", NO_WAY)


# --- The call list ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("webhook")
def test_the_call_list_is_left_to_reception(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY, make_patient(db, email=None))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    assert not deliver_next(NOW + DAY)


def test_a_call_that_nobody_made_in_time_is_missed(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic, patient=make_patient(db, email=None)), NOW + 5 * DAY)
    notifications.write(db, "offer.made", offer_id=offer.id, now=NOW)

    deliver_next(offer.answer_until)

    assert [mail.row.status for mail in inbox(db)] == [MessageStatus.missed]


def test_a_call_about_an_offer_that_was_answered_leaves_the_list(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic, patient=make_patient(db, email=None)), NOW + 5 * DAY)
    notifications.write(db, "offer.made", offer_id=offer.id, now=NOW)
    offer.status, offer.decided_at = OfferStatus.accepted, NOW
    db.flush()

    deliver_next(NOW)

    assert [mail.row.status for mail in inbox(db)] == [MessageStatus.dropped]
