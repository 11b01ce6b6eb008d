"""Letters straight to a mail server on this machine: how they look, and what its answers mean."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from medcal.models import Delivery, Message, MessageStatus
from medcal.services import notifications, smtp
from medcal.services.delivery import deliver_all
from medcal.services.outcomes import NO_SUCH_ADDRESS, WRONG_SETTINGS
from medcal.services.resending import resend
from medcal.services.sockets import trusting_context
from medcal.services.taking import CALL
from tests.support.certificates import trust_it
from tests.support.factories import (
    NOW,
    Clinic,
    make_appointment,
    make_clinic,
    make_entry,
    make_offer,
    make_patient,
)
from tests.support.mail_server import PASSWORD, USER, MailServer

DAY = timedelta(days=1)
Configure = Callable[..., None]


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def server(configured: Configure) -> Iterator[MailServer]:
    """The clinic's mail server: on this machine, hence in the open."""
    with MailServer() as running:
        point_to(running, configured)
        yield running


def point_to(server: MailServer, configured: Configure, **more: str) -> None:
    sender = '"Clinic Wien, Ring" <desk@clinic.example>'
    configured(
        **{"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_FROM": sender, "SMTP_SECURITY": "none"} | more
    )


@pytest.fixture
def message(db: Session, clinic: Clinic) -> Message:
    """The confirmation of Alice's appointment, due now."""
    return confirmation(db, clinic)


def confirmation(db: Session, clinic: Clinic, **columns: object) -> Message:
    appointment = make_appointment(db, clinic, NOW + 30 * DAY, **columns)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    return db.exec(select(Message)).one()


def fate(db: Session, message: Message) -> tuple[str, str, str]:
    deliver_all(now=NOW)
    db.refresh(message)
    return str(message.status), message.why, message.last_error


# --- The letter -------------------------------------------------------------------------------------------------------


def test_a_letter_arrives_as_text_html_and_calendar_entry(db: Session, message: Message, server: MailServer) -> None:
    assert fate(db, message) == ("delivered", "", "")

    [letter] = server.letters
    assert [part.get_content_type() for part in letter.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    assert (letter["From"], letter["To"]) == (
        '"Clinic Wien, Ring" <desk@clinic.example>',
        "Alice Adler <alice@example.com>",
    )
    assert letter["Subject"] == message.subject
    assert letter["Message-ID"] == f"<{message.ref}@clinic.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["List-Unsubscribe"] is None
    [calendar] = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_content().replace("\r\n", "\n") == message.calendar.replace("\r\n", "\n")
    assert "/l/" in letter.get_body(("plain",)).get_content()


def test_a_cancellation_takes_the_entry_out(db: Session, message: Message, server: MailServer) -> None:
    message.calendar = message.calendar.replace("METHOD:REQUEST", "METHOD:CANCEL")
    db.flush()

    deliver_all(now=NOW)

    [calendar] = [part for part in server.letters[0].walk() if part.get_content_type() == "text/calendar"]
    assert calendar.get_param("method") == "CANCEL"


def test_names_and_subjects_of_the_whole_world_arrive_as_they_are(
    db: Session, clinic: Clinic, server: MailServer
) -> None:
    patient = make_patient(db, 'Ünal "Bob" Öz, jun.', "bob@example.com", language="de")
    message = confirmation(db, clinic, patient=patient)

    deliver_all(now=NOW)

    [letter] = server.letters
    assert letter["To"].addresses[0].display_name == 'Ünal "Bob" Öz, jun.'
    assert letter["Subject"] == message.subject
    assert letter["Content-Language"] == "de"


def test_a_domain_with_an_umlaut_is_written_as_servers_know_it(
    db: Session, message: Message, server: MailServer
) -> None:
    message.recipient = "alice@ärzte.example"
    db.flush()

    assert fate(db, message)[0] == "delivered"

    assert server.letters[0]["To"] == "Alice Adler <alice@xn--rzte-koa.example>"


@pytest.mark.parametrize("kind", ["offer.made", "waitlist.paused"])
def test_letters_about_earlier_times_can_be_ended_with_one_click(
    db: Session, clinic: Clinic, server: MailServer, kind: str
) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), NOW + 5 * DAY)
    notifications.write(db, kind, offer_id=offer.id, now=NOW)

    deliver_all(now=NOW)

    [letter] = server.letters
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = letter["List-Unsubscribe"].removeprefix("<").removesuffix("/unsubscribe>")
    assert address in letter.get_body(("plain",)).get_content()


def test_a_letter_that_staff_send_again_is_another_letter(
    db: Session, clinic: Clinic, message: Message, server: MailServer
) -> None:
    deliver_all(now=NOW)
    resend(db, message.ref, by=clinic.desk, now=NOW)
    deliver_all(now=NOW)

    assert [letter["Message-ID"] for letter in server.letters] == [
        f"<{message.ref}@clinic.example>",
        f"<{message.ref}.1@clinic.example>",
    ]


@pytest.mark.parametrize(
    ("recipient", "name"),
    [
        ("alice@example.com\r\nBcc: eve@example.com", "Alice"),
        ("no address", "Alice"),
        ("alice..adler@example.com", "Alice"),
        ("alice@example..com", "Alice"),
        ("alice@", "Alice"),
        ("alice@[1", "Alice"),
        ("jörg@example.com", "Jörg"),
        ("alice@example.com", "A\r\nBcc: eve@x.at"),
    ],
)
def test_an_address_that_cannot_stand_in_a_letter_is_written_down_and_nobody_else_gets_it(
    db: Session, message: Message, server: MailServer, recipient: str, name: str
) -> None:
    message.recipient, message.recipient_name = recipient, name
    db.flush()

    assert fate(db, message)[:2] == ("bounced", NO_SUCH_ADDRESS)
    assert server.letters == []


def test_a_text_message_has_no_way_and_goes_to_the_call_list(db: Session, clinic: Clinic, server: MailServer) -> None:
    message = confirmation(db, clinic, patient=make_patient(db, "Dora", None, phone="+4366412345"))

    assert fate(db, message)[:2] == ("due", CALL)
    assert message.channel == "call"


# --- What its answers mean --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "reply", "expected"),
    [
        ("RCPT", "450 4.2.0 greylisted, come back", ("due", "")),
        ("RCPT", "550 5.1.1 <alice@example.com> no such user", ("bounced", NO_SUCH_ADDRESS)),
        ("MAIL", "451 4.3.0 later", ("due", "")),
        ("MAIL", "550 5.7.1 not your domain", ("dead", WRONG_SETTINGS)),
        ("DATA", "452 4.3.1 disk full", ("due", "")),
        ("DATA", "554 5.7.1 looks like spam", ("bounced", NO_SUCH_ADDRESS)),
    ],
)
def test_4xx_is_tried_again_and_5xx_is_for_ever_with_the_servers_own_sentence(
    db: Session, message: Message, server: MailServer, command: str, reply: str, expected: tuple[str, str]
) -> None:
    server.replies[command] = reply

    status, why, error = fate(db, message)

    assert (status, why) == expected
    assert error == reply
    [attempt] = db.exec(select(Delivery)).all()
    assert (attempt.target, attempt.status_code) == (f"smtp://127.0.0.1:{server.port}", int(reply[:3]))


def test_the_log_does_not_quote_what_the_server_says(
    db: Session, message: Message, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.replies["RCPT"] = "550 5.1.1 <alice@example.com> no such user"

    deliver_all(now=NOW)

    assert "the mail server refuses the address: 550" in caplog.text
    assert "alice" not in caplog.text


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
def test_a_connection_that_breaks_is_tried_again_with_the_same_name(
    db: Session, message: Message, server: MailServer, command: str
) -> None:
    server.replies[command] = "drop"
    assert fate(db, message)[0] == "due"

    server.replies.clear()
    deliver_all(now=message.next_try_at)

    assert [letter["Message-ID"] for letter in server.letters] == [f"<{message.ref}@clinic.example>"]


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
def test_a_server_that_hangs_holds_nobody_up(
    db: Session, message: Message, server: MailServer, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", timedelta(seconds=0.5))
    server.replies[command] = "hang"
    began = time.monotonic()

    assert fate(db, message) == ("due", "", "no answer in time")
    assert time.monotonic() - began < 3


def test_a_server_that_is_not_there_is_tried_again(db: Session, message: Message, configured: Configure) -> None:
    with MailServer() as gone:
        point_to(gone, configured)

    assert fate(db, message) == ("due", "", "no connection: ConnectionRefusedError")


# --- Encryption and sign-in -------------------------------------------------------------------------------------------


def trust_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    context = trusting_context()
    trust_it(context)
    monkeypatch.setattr(smtp, "_context", lambda: context)


def test_letters_leave_encrypted_and_signed_in(
    db: Session, message: Message, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust_this_machine(monkeypatch)
    with MailServer(has_tls=True, wants_sign_in=True) as server:
        point_to(server, configured, SMTP_SECURITY="starttls", SMTP_USER=USER, SMTP_PASSWORD=PASSWORD)

        assert fate(db, message) == ("delivered", "", "")


def test_a_wrong_password_is_wrong_settings(db: Session, message: Message, configured: Configure) -> None:
    with MailServer(wants_sign_in=True) as server:
        point_to(server, configured, SMTP_USER=USER, SMTP_PASSWORD="wrong")

        status, why, error = fate(db, message)

    assert (status, why) == ("dead", WRONG_SETTINGS)
    assert error.startswith("535") and "wrong" not in error


def test_a_server_that_offers_no_sign_in_is_wrong_settings(
    db: Session, message: Message, server: MailServer, configured: Configure
) -> None:
    point_to(server, configured, SMTP_USER=USER, SMTP_PASSWORD=PASSWORD)

    assert fate(db, message)[:2] == ("dead", WRONG_SETTINGS)


def test_without_encryption_no_letter_leaves(
    db: Session, message: Message, server: MailServer, configured: Configure
) -> None:
    point_to(server, configured, SMTP_SECURITY="starttls")

    assert fate(db, message) == ("due", "", "the mail server offers no encryption")
    assert server.letters == []


def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    db: Session, message: Message, configured: Configure
) -> None:
    with MailServer(has_tls=True) as server:
        point_to(server, configured, SMTP_SECURITY="starttls")

        assert fate(db, message) == ("due", "", "no connection: SSLCertVerificationError")
        assert server.letters == []


def test_no_thread_is_left_behind(db: Session, message: Message, server: MailServer) -> None:
    before = threading.active_count()

    deliver_all(now=NOW)

    assert threading.active_count() == before
    assert message.status is not MessageStatus.dead
