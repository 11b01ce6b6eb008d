"""What reception reads of messages, and what it does not."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from medcal.errors import NotAllowed, NotFound
from medcal.models import Message, MessageStatus
from medcal.security import Role
from medcal.services import notifications, outbox, taking
from medcal.services.outbox import Filter
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_booker, make_patient, make_user
from tests.support.times import at

RECEIVER = {"N8N_WEBHOOK_URL": "https://n8n.example/webhook", "N8N_WEBHOOK_SECRET": "a secret of more than 24 letters"}


@pytest.fixture
def told(db: Session, clinic: Clinic) -> Message:
    """The confirmation of Alice's appointment."""
    appointment = make_appointment(db, clinic, at("2026-03-10 09:00"))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    return db.exec(select(Message)).one()


def test_with_nothing_configured_this_is_where_messages_arrive(db, clinic, told):
    opened = outbox.open_message(db, clinic.desk, told.ref, NOW)

    assert opened.shows_links
    assert "/l/" in opened.words.text and "/l/" in opened.words.html


def test_what_has_really_gone_out_opens_nothing_to_the_staff(db, clinic, told, configured):
    configured(**RECEIVER)

    opened = outbox.open_message(db, clinic.desk, told.ref, NOW)

    assert not opened.shows_links
    assert "/l/" not in opened.words.text + opened.words.html
    assert "{link" not in opened.words.text + opened.words.html
    assert "Your appointment is booked" in opened.words.html


def test_a_one_time_code_is_for_its_recipient_alone(db, clinic, told, configured):
    configured(**RECEIVER)
    told.kind, told.text, told.html = "code", "Your code is 482913.", "<p>Your code is 482913.</p>"

    words = outbox.open_message(db, clinic.desk, told.ref, NOW).words

    assert "482913" not in words.text + words.html


def test_the_list_is_narrowed_by_recipient_and_channel(db, clinic, told):
    def found(**wanted: str) -> int:
        return len(outbox.list_messages(db, clinic.desk, Filter(**wanted), 50))

    assert (found(), found(search="alice"), found(search="bob"), found(channel="sms")) == (1, 1, 0, 0)


def test_messages_are_not_for_doctors(db, clinic, told):
    reader = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    with pytest.raises(NotAllowed):
        outbox.list_messages(db, reader, Filter(), 50)
    with pytest.raises(NotAllowed):
        outbox.open_message(db, reader, told.ref, NOW)
    with pytest.raises(NotAllowed):
        outbox.attention(db, reader, NOW)


def test_an_unknown_message_is_not_found(db, clinic):
    with pytest.raises(NotFound):
        outbox.open_message(db, clinic.desk, uuid.uuid4(), NOW)


# --- Filters and pages ------------------------------------------------------------------------------------------------


@pytest.fixture
def three(db: Session, clinic: Clinic) -> None:
    """Confirmations of Alice, 100% Bob and Charlie_, and that Charlie's visit was moved."""
    for place, name in enumerate(["Alice", "100% Bob", "Charlie_"]):
        appointment = make_appointment(
            db, clinic, NOW + timedelta(days=place + 5), make_patient(db, name, f"{place}@example.com")
        )
        notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    notifications.write(db, "appointment.moved", appointment_id=appointment.id, now=NOW)


def test_staff_find_messages_by_fate_kind_and_recipient_page_by_page(db, clinic, three):
    def names(limit: int = 50, before: uuid.UUID | None = None, **wanted: Any) -> list[str]:
        found = outbox.list_messages(db, clinic.desk, Filter(**wanted), limit, before=before)
        return [message.recipient_name for message in found]

    assert names() == ["Charlie_", "Charlie_", "100% Bob", "Alice"]
    assert names(kind="appointment.moved") == ["Charlie_"]
    assert (names(status=MessageStatus.dead), len(names(status=MessageStatus.due))) == ([], 4)
    assert (names(search="%"), names(search="_"), names(search=" ALI ")) == (["100% Bob"], ["Charlie_"] * 2, ["Alice"])
    assert names(search="2@example") == ["Charlie_"] * 2
    first = outbox.read_page(db, clinic.desk, Filter(), 3)
    assert ([message.recipient_name for message in first.messages], first.has_more) == (names(3), True)
    rest = outbox.read_page(db, clinic.desk, Filter(), 3, first.messages[-1].ref)
    assert ([message.recipient_name for message in rest.messages], rest.has_more) == (["Alice"], False)


def test_a_patients_messages_are_listed_by_the_patient(db, clinic, told, three):
    def found(patient: uuid.UUID) -> int:
        return len(outbox.list_messages(db, clinic.desk, Filter(patient=patient), 50))

    assert (found(clinic.alice.ref), found(clinic.bob.ref), found(uuid.uuid4())) == (1, 0, 0)
    assert outbox.read_page(db, clinic.desk, Filter(patient=clinic.alice.ref), 50).patient == "Alice Adler"


def test_messages_to_who_books_are_found_by_the_patients_name_too(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-10 09:00"), booker_id=make_booker(db, "Anna Auer").id)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    for words in ("auer", "adler"):
        [found] = outbox.list_messages(db, clinic.desk, Filter(search=words), 50)
        assert found.recipient_name == "Anna Auer"


def test_the_number_to_call_is_that_of_who_booked(db, clinic):
    booker = make_booker(db, "Anna Auer", None, "+4315550123")
    appointment = make_appointment(db, clinic, at("2026-03-10 09:00"), booker_id=booker.id)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    page = outbox.read_page(db, clinic.desk, Filter(channel="call"), 50)

    assert [page.phones[message.id or 0] for message in page.messages] == ["+4315550123"]


def test_what_asks_for_attention_is_counted_as_long_as_it_is_of_use(db, clinic, three):
    fates = [MessageStatus.dead, MessageStatus.bounced, MessageStatus.due, MessageStatus.delivered]
    messages = db.exec(select(Message).order_by(col(Message.id))).all()
    for message, fate in zip(messages, fates, strict=True):
        message.status = fate
    messages[2].channel = "call"
    db.flush()

    assert outbox.attention(db, clinic.desk, NOW) == outbox.Attention(to_call=1, bounced=1, dead=1)
    assert outbox.attention(db, clinic.desk, NOW + timedelta(days=30)) == outbox.Attention(1, 0, 0)


# --- Why something has not been sent ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, outbox.WAITS_FOR_SCHEDULER),
        ({"next_try_at": NOW + timedelta(hours=1)}, outbox.WAITS_FOR_ITS_TIME),
        ({"next_try_at": NOW + timedelta(hours=1), "tries": 2}, outbox.WAITS_FOR_NEXT_TRY),
        ({"channel": "call"}, outbox.WAITS_FOR_CALL),
        ({"channel": "call", "why": taking.CALL}, taking.CALL),
        ({"status": MessageStatus.dead, "why": "It was tried for three days."}, "It was tried for three days."),
        ({"status": MessageStatus.taken}, outbox.UNDER_WAY),
        ({"status": MessageStatus.handed_over, "answer_by": NOW + timedelta(minutes=5)}, outbox.WAITS_FOR_REPORT),
        ({"status": MessageStatus.handed_over}, outbox.NOBODY_REPORTS),
        ({"status": MessageStatus.delivered}, ""),
    ],
)
def test_staff_see_why_a_message_has_not_been_sent(db, clinic, told, change: dict[str, Any], why: str):
    told.sqlmodel_update(change)
    db.flush()

    assert outbox.open_message(db, clinic.desk, told.ref, NOW).why == why


def test_a_message_that_waits_for_another_says_so(db, clinic, told):
    notifications.write(db, "appointment.moved", appointment_id=told.appointment_id, now=NOW)
    moved = db.exec(select(Message).where(Message.kind == "appointment.moved")).one()

    assert outbox.explain(db, moved, NOW) == outbox.WAITS_FOR_ANOTHER
