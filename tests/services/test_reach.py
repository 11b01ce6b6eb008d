"""Who is written to, and who must be called."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from medcal.models import Message, MessageStatus
from medcal.services import notifications, offer_board, one_time_codes, outbox
from medcal.services.delivery import deliver_all
from medcal.services.reach import channel_to
from medcal.services.taking import CALL, NO_TEXTS
from tests.support.factories import (
    NOW,
    Clinic,
    make_appointment,
    make_clinic,
    make_entry,
    make_offer,
    make_patient,
)
from tests.support.sink import Sink

LANDLINE, MOBILE = "+4315550123", "+436641234567"
DAY = timedelta(days=1)
BY_SMTP_ALONE = {
    "SMTP_HOST": "127.0.0.1",
    "SMTP_PORT": "1",
    "SMTP_SECURITY": "none",
    "SMTP_FROM": "desk@clinic.example",
}


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.mark.parametrize(
    ("email", "phone", "channel"),
    [
        ("alice@example.com", LANDLINE, "email"),
        (None, MOBILE, "sms"),
        (None, LANDLINE, "call"),
        (None, None, "call"),
        (None, "by the river", "call"),
    ],
    ids=["e-mail", "mobile", "landline", "nothing", "no number"],
)
def test_who_reads_neither_mail_nor_texts_is_called(email: str | None, phone: str | None, channel: str) -> None:
    assert channel_to(email, phone) == channel


def test_a_landline_gets_no_text_message_but_a_call(db: Session, clinic: Clinic, webhook: Sink) -> None:
    appointment = make_appointment(db, clinic, NOW + 5 * DAY, make_patient(db, "Greta Groß", None, phone=LANDLINE))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    deliver_all(now=NOW)

    message = db.exec(select(Message)).one()
    assert (message.channel, message.status, message.recipient) == ("call", MessageStatus.due, LANDLINE)
    assert webhook.calls == []
    assert outbox.open_message(db, clinic.desk, message.ref, NOW).phone == LANDLINE


def test_a_text_message_that_nothing_can_send_is_a_call_at_once(
    db: Session, clinic: Clinic, configured: Callable[..., None]
) -> None:
    configured(**BY_SMTP_ALONE)
    mona = make_patient(db, "Mona Moser", None, phone=MOBILE)
    offer = make_offer(db, clinic, make_entry(db, clinic, patient=mona), NOW + 5 * DAY)
    notifications.write(db, "offer.made", offer_id=offer.id, now=NOW)

    deliver_all(now=NOW)

    message = db.exec(select(Message)).one()
    assert (message.channel, message.status, message.tries, message.why) == ("call", MessageStatus.due, 0, CALL)
    [freed] = offer_board.board(db, clinic.desk, None, NOW).offered
    assert [asked.channel for asked in freed.asked] == ["call"]


def test_a_code_for_a_landline_is_on_no_list(db: Session, clinic: Clinic, webhook: Sink) -> None:
    make_patient(db, "Greta Groß", None, phone=LANDLINE)
    one_time_codes.send_code(db, LANDLINE, "visit", NOW)

    deliver_all(now=NOW)

    message = db.exec(select(Message)).one()
    assert (message.kind, message.status, message.why) == ("code", MessageStatus.dead, NO_TEXTS)
    assert (webhook.calls, outbox.attention(db, clinic.desk, NOW).to_call) == ([], 0)
