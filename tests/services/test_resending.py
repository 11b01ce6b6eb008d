"""What staff do with messages: send again what makes sense, all that is dead at once, and tell on the phone."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.errors import ChangedMeanwhile, NotAllowed, NotFound, NotPossibleNow
from medcal.models import Appointment, AppointmentStatus, Event, Message, MessageStatus
from medcal.security import PATIENT, Role
from medcal.services import notifications, reminders, resending
from medcal.services.delivery import deliver_all
from medcal.services.outbox import Filter
from medcal.services.resending import count_replayable, mark_called, replay, replay_all, resend
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_clinic, make_patient, make_user
from tests.support.sink import Answer, Sink

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def book(db: Session, clinic: Clinic) -> Callable[..., Message]:
    """book(days=5, …): an appointment, and its confirmation, due now."""

    def write(days: float = 30, **columns: object) -> Message:
        appointment = make_appointment(db, clinic, NOW + days * DAY, **columns)
        notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
        return db.exec(select(Message).where(Message.appointment_id == appointment.id)).one()

    return write


def again(db: Session, message: Message) -> Message:
    db.refresh(message)
    return message


def test_a_dead_message_is_sent_again_under_a_new_name(
    db: Session, clinic: Clinic, book: Callable[..., Message], webhook: Sink
) -> None:
    webhook.answer(Answer(403))
    message = book()
    deliver_all(now=NOW)

    replay(db, message.ref, by=clinic.desk, now=NOW + DAY)
    assert (again(db, message).why, message.last_error, message.tries) == ("", "", 0)
    deliver_all(now=NOW + DAY)

    assert again(db, message).status is MessageStatus.handed_over
    assert [call.id for call in webhook.calls] == [str(message.ref), f"{message.ref}:1"]
    assert db.exec(select(Event.kind)).all() == ["message.replayed"]


def test_what_was_handed_over_can_be_sent_once_more(
    db: Session, clinic: Clinic, book: Callable[..., Message], webhook: Sink
) -> None:
    message = book()
    deliver_all(now=NOW)

    resend(db, message.ref, by=clinic.desk, now=NOW + MINUTE)
    deliver_all(now=NOW + MINUTE)

    assert len(webhook.accepted) == 2
    assert db.exec(select(Event.kind)).all() == ["message.resent"]


def test_what_waits_for_its_next_try_can_be_tried_at_once_under_its_old_name(
    db: Session, clinic: Clinic, book: Callable[..., Message], webhook: Sink
) -> None:
    webhook.answer(*[Answer(503)] * 2)
    message = book()
    deliver_all(now=NOW)

    resend(db, message.ref, by=clinic.desk, now=NOW + timedelta(seconds=1))
    deliver_all(now=NOW + timedelta(seconds=1))

    assert [call.id for call in webhook.calls] == [str(message.ref)] * 2
    assert again(db, message).tries == 2


def test_what_would_only_confuse_is_not_sent_again(
    db: Session, clinic: Clinic, book: Callable[..., Message], webhook: Sink
) -> None:
    fresh = book()
    with pytest.raises(NotPossibleNow):
        resend(db, fresh.ref, by=clinic.desk, now=NOW)
    deliver_all(now=NOW)
    with pytest.raises(NotPossibleNow):
        resend(db, fresh.ref, by=clinic.desk, now=NOW + 31 * DAY)
    with pytest.raises(NotPossibleNow):
        replay(db, fresh.ref, by=clinic.desk, now=NOW)
    call = book(31, patient=make_patient(db, email=None))
    with pytest.raises(NotPossibleNow):
        resend(db, call.ref, by=clinic.desk, now=NOW)


def test_a_reminder_of_a_visit_that_is_off_is_not_sent_again(db: Session, clinic: Clinic, webhook: Sink) -> None:
    appointment = make_appointment(db, clinic, NOW + 2 * DAY)
    reminders.plan_reminders(db, NOW)
    deliver_all(now=NOW + MINUTE)
    appointment.status, appointment.cancelled_at = AppointmentStatus.cancelled, NOW
    db.flush()
    [reminder] = db.exec(select(Message)).all()

    with pytest.raises(NotPossibleNow):
        resend(db, reminder.ref, by=clinic.desk, now=NOW + 2 * MINUTE)


def test_it_is_reception_that_sends_again(
    db: Session, clinic: Clinic, book: Callable[..., Message], webhook: Sink
) -> None:
    message = book()
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for stranger in (PATIENT, doctor):
        for verb in (resend, replay, mark_called):
            with pytest.raises(NotAllowed):
                verb(db, message.ref, by=stranger, now=NOW)
        with pytest.raises(NotAllowed):
            replay_all(db, Filter(), by=stranger, now=NOW)
        with pytest.raises(NotAllowed):
            count_replayable(db, Filter(), by=stranger, now=NOW)
    with pytest.raises(NotFound):
        resend(db, uuid.uuid4(), by=clinic.desk, now=NOW)


def test_all_that_is_dead_and_fits_the_filter_is_sent_again_in_a_stream(
    db: Session, clinic: Clinic, book: Callable[..., Message], webhook: Sink
) -> None:
    webhook.answer(*[Answer(401)] * 4)
    for days in (1, 20, 21):
        book(days)
    book(22, patient=clinic.bob)
    deliver_all(now=NOW)
    later = NOW + 2 * DAY

    assert count_replayable(db, Filter(search="alice"), by=clinic.desk, now=later) == 2
    assert replay_all(db, Filter(search="alice"), by=clinic.desk, now=later) == 2

    rows = db.exec(select(Message).order_by(col(Message.id))).all()
    assert [again(db, row).status for row in rows] == ["dead", "due", "due", "dead"]
    assert rows[2].next_try_at - rows[1].next_try_at == timedelta(milliseconds=100)
    assert db.exec(select(Event.kind, Event.detail)).all() == [("messages.replayed", {"count": 2})]
    assert replay_all(db, Filter(search="alice"), by=clinic.desk, now=later) == 0
    deliver_all(now=later + MINUTE)
    assert sorted(webhook.accepted) == sorted(f"{row.ref}:1" for row in rows[1:3])


def test_of_very_many_the_oldest_are_sent_again(
    db: Session, clinic: Clinic, book: Callable[..., Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resending, "MOST_AT_ONCE", 2)
    dead = [book(days) for days in (10, 11, 12)]
    for message in dead:
        message.status = MessageStatus.dead
    db.flush()

    assert [replay_all(db, Filter(), by=clinic.desk, now=NOW) for _ in range(3)] == [2, 1, 0]

    assert [again(db, message).handover for message in dead] == [1, 1, 1]


def test_an_old_time_is_not_the_last_word(db: Session, clinic: Clinic, book: Callable[..., Message]) -> None:
    """The visit was moved, then moved back, then cancelled: of each message only what is so can be sent again."""
    message = book()
    message.status = MessageStatus.dead
    appointment = db.get_one(Appointment, message.appointment_id)
    told_of, fits = appointment.starts_at, Filter()

    def replayable() -> int:
        db.flush()
        return count_replayable(db, fits, by=clinic.desk, now=NOW)

    assert replayable() == 1
    appointment.starts_at = told_of - DAY
    assert replayable() == 0
    with pytest.raises(NotPossibleNow):
        resend(db, message.ref, by=clinic.desk, now=NOW)
    assert replay_all(db, fits, by=clinic.desk, now=NOW) == 0
    appointment.starts_at = told_of
    assert replayable() == 1
    appointment.status, appointment.cancelled_at = AppointmentStatus.cancelled, NOW
    assert replayable() == 0
    message.kind = "appointment.cancelled"
    assert replayable() == 1


def test_reception_has_called(db: Session, clinic: Clinic, book: Callable[..., Message]) -> None:
    message = book(patient=make_patient(db, email=None))

    mark_called(db, message.ref, by=clinic.desk, now=NOW)

    assert again(db, message).status is MessageStatus.delivered
    assert db.exec(select(Event.kind, Event.staff_user_id)).all() == [("message.called", clinic.sam.id)]
    with pytest.raises(ChangedMeanwhile):
        mark_called(db, message.ref, by=clinic.desk, now=NOW)
