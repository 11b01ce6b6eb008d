"""What reception reads of messages, and what it does not."""

import uuid

import pytest
from sqlmodel import Session, select

from medcal.errors import NotAllowed, NotFound
from medcal.models import Message
from medcal.security import Role
from medcal.services import notifications, outbox
from medcal.services.outbox import Filter
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_user
from tests.support.times import at

RECEIVER = {"N8N_WEBHOOK_URL": "https://n8n.example/webhook", "N8N_WEBHOOK_SECRET": "a secret of more than 24 letters"}


@pytest.fixture
def told(db: Session, clinic: Clinic) -> Message:
    """The confirmation of Alice's appointment."""
    appointment = make_appointment(db, clinic, at("2026-03-10 09:00"))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    return db.exec(select(Message)).one()


def test_with_nothing_configured_this_is_where_messages_arrive(db, clinic, told):
    opened = outbox.open_message(db, clinic.desk, told.ref)

    assert opened.shows_links
    assert "/l/" in opened.words.text and "/l/" in opened.words.html


def test_what_has_really_gone_out_opens_nothing_to_the_staff(db, clinic, told, configured):
    configured(**RECEIVER)

    opened = outbox.open_message(db, clinic.desk, told.ref)

    assert not opened.shows_links
    assert "/l/" not in opened.words.text + opened.words.html
    assert "{link" not in opened.words.text


def test_a_one_time_code_is_for_its_recipient_alone(db, clinic, told, configured):
    configured(**RECEIVER)
    told.kind, told.text = "code", "Your code is 482913."

    assert "482913" not in outbox.open_message(db, clinic.desk, told.ref).words.text


def test_the_list_is_narrowed_by_recipient_and_channel(db, clinic, told):
    def found(**wanted: str) -> int:
        return len(outbox.list_messages(db, clinic.desk, Filter(**wanted), 50))

    assert (found(), found(search="alice"), found(search="bob"), found(channel="sms")) == (1, 1, 0, 0)


def test_messages_are_not_for_doctors(db, clinic, told):
    reader = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    with pytest.raises(NotAllowed):
        outbox.list_messages(db, reader, Filter(), 50)
    with pytest.raises(NotAllowed):
        outbox.open_message(db, reader, told.ref)


def test_an_unknown_message_is_not_found(db, clinic):
    with pytest.raises(NotFound):
        outbox.open_message(db, clinic.desk, uuid.uuid4())
