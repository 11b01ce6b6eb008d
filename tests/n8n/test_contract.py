"""The shipped workflows in a real n8n: what they take, what they refuse, what they send, and what they report."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import httpx
import icalendar
import pytest

from medcal.models import Message
from medcal.services import webhooks
from medcal.services.letters import LETTERS, framed, write_letter
from n8n.render import ALL
from tests.n8n.conftest import SECRETS, WITH_SMS
from tests.n8n.support.far_end import FarEnd, Report
from tests.n8n.support.mail import MailServer
from tests.n8n.support.running import RunningN8n
from tests.services.test_letters import OCCASION
from tests.support.waiting import eventually

KINDS = sorted(LETTERS)
# Long enough for n8n to have sent what it should not.
QUIET_SECONDS = 3
CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Medcal//EN\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:visit@clinic.example\r\nSEQUENCE:0\r\nDTSTAMP:20260302T090000Z\r\nDTSTART:20260326T083000Z\r\nDTEND:20260326T090000Z\r\nSUMMARY:Größe – 预约\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def letter(kind: str, to: str, *, channel: str = "email", calendar: str = "") -> Message:
    """A message as the clinic writes it."""
    written = write_letter(kind, OCCASION)
    is_mail = channel == "email"
    return Message(
        ref=uuid.uuid4(),
        reason=str(uuid.uuid4()),
        kind=kind,
        channel=channel,
        recipient=to,
        recipient_name="Alice Adler",
        subject=f"{written.subject} – Grüße",
        text=written.as_text() if is_mail else written.as_sms(),
        html=framed(written.as_html(), subject=written.subject, language="en") if is_mail else "",
        calendar=calendar,
        created_at=datetime.now(UTC),
    )


def body_of(message: Message) -> bytes:
    return webhooks.payload(message, message.text, message.html)


def post(
    url: str, message_id: str, body: bytes, *, secret: str = SECRETS.webhook, signed_ago: timedelta = timedelta(0)
) -> httpx.Response:
    headers = webhooks.sign(secret.encode(), message_id, body, datetime.now(UTC) - signed_ago)
    return httpx.post(url, content=body, headers={**headers, "content-type": "application/json"}, timeout=30)


def reported(far_end: FarEnd, message_id: str, seconds: float = 60) -> Report:
    return eventually(lambda: far_end.of(message_id), f"a report of {message_id}", seconds)[0]


def post_at_once(n8n: RunningN8n, messages: list[Message]) -> list[int]:
    """What each is answered, eight under way at a time."""
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(post, n8n.url_of(each.kind), str(each.ref), body_of(each)) for each in messages]
        return [call.result().status_code for call in calls]


def sent_after_a_while(mail_server: MailServer, messages: list[Message]) -> list[int]:
    """How many mails each has led to, when n8n has had the time to send what it should not."""
    over_at = datetime.now(UTC) + timedelta(seconds=QUIET_SECONDS)
    eventually(lambda: datetime.now(UTC) > over_at, "a while", QUIET_SECONDS + 5)
    return [len(mail_server.sent_to(message.recipient)) for message in messages]


def test_every_kind_of_message_arrives_once_and_is_reported(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    sent = {kind: letter(kind, f"{kind}@example.org") for kind in KINDS}

    answers = {kind: post(n8n.url_of(kind), str(message.ref), body_of(message)) for kind, message in sent.items()}

    for kind, message in sent.items():
        assert (answers[kind].status_code, answers[kind].json()) == (202, {"accepted": str(message.ref)})
        report = reported(far_end, str(message.ref))
        assert report.status == "sent" and "@" in report.message_id
        (mail,) = mail_server.sent_to(f"{kind}@example.org")
        assert mail["subject"] == message.subject
        assert "desk@clinic.example" in mail["from"]
        assert _lines(mail, "plain") == message.text.split()
        assert _lines(mail, "html") == message.html.split()
        assert len(far_end.of(str(message.ref))) == 1
    assert far_end.unsigned == []


def test_one_address_takes_messages_of_all_kinds(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    url = n8n.instance.url_of(ALL)
    sent = [letter(kind, f"all-{kind}@example.org") for kind in KINDS]

    for message in sent:
        assert (
            webhooks.call(url, SECRETS.webhook.encode(), str(message.ref), body_of(message), datetime.now(UTC)).verdict
            == "accepted"
        )

    assert {reported(far_end, str(message.ref)).status for message in sent} == {"sent"}
    assert all(len(mail_server.sent_to(message.recipient)) == 1 for message in sent)


def test_a_calendar_file_arrives_byte_for_byte(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    message = letter("appointment.booked", "calendar@example.org", calendar=CALENDAR)

    post(n8n.url_of(message.kind), str(message.ref), body_of(message))

    reported(far_end, str(message.ref))
    (mail,) = mail_server.sent_to("calendar@example.org")
    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert part.get_filename() == "invite.ics"
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes) and content.decode() == CALENDAR
    assert str(icalendar.Calendar.from_ical(content).events[0]["summary"]) == "Größe – 预约"


def test_the_same_call_again_is_accepted_and_sends_nothing(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    message = letter("reminder", "twice@example.org")
    post(n8n.url_of(message.kind), str(message.ref), body_of(message))
    reported(far_end, str(message.ref))

    again = post(n8n.url_of(message.kind), str(message.ref), body_of(message))

    assert again.status_code == 202
    assert sent_after_a_while(mail_server, [message]) == [1]
    assert len(far_end.of(str(message.ref))) == 1


def test_the_same_calls_at_once_send_one_mail_each(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    messages = [letter("appointment.booked", f"storm-{number}@example.org") for number in range(6)]

    answers = post_at_once(n8n, [message for message in messages for _ in range(4)])

    assert set(answers) == {202}
    for message in messages:
        reported(far_end, str(message.ref))
    assert sent_after_a_while(mail_server, messages) == [1] * 6


def test_what_came_among_many_others_is_not_forgotten(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    messages = [letter(kind, f"crowd-{number}@example.org") for number, kind in enumerate(KINDS * 3)]
    post_at_once(n8n, messages)
    for message in messages:
        reported(far_end, str(message.ref))

    again = post_at_once(n8n, messages)

    assert set(again) == {202}
    assert sent_after_a_while(mail_server, messages) == [1] * len(messages)


def test_another_workflow_knows_what_one_has_sent(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    message = letter("offer.made", "elsewhere@example.org")
    post(n8n.url_of(message.kind), str(message.ref), body_of(message))
    reported(far_end, str(message.ref))

    answer = post(n8n.instance.url_of(ALL), str(message.ref), body_of(message))

    assert answer.status_code == 202
    assert sent_after_a_while(mail_server, [message]) == [1]


@pytest.mark.parametrize(
    "fault", ["no signature", "wrong secret", "tampered", "too old", "too new", "no body", "other id"]
)
def test_what_is_not_genuine_is_refused(fault: str, n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    message = letter("offer.made", "refused@example.org")
    url, body, message_id = n8n.url_of(message.kind), body_of(message), str(message.ref)
    signed = webhooks.sign(SECRETS.webhook.encode(), message_id, body, datetime.now(UTC))

    match fault:
        case "no signature":
            answer = httpx.post(url, content=body, headers={"content-type": "application/json"}, timeout=30)
        case "wrong secret":
            answer = post(url, message_id, body, secret="another secret, as long as ours is")
        case "tampered":
            answer = httpx.post(url, content=body.replace(b"Alice", b"Mallory"), headers=signed, timeout=30)
        case "too old":
            answer = post(url, message_id, body, signed_ago=timedelta(minutes=6))
        case "too new":
            answer = post(url, message_id, body, signed_ago=timedelta(minutes=-6))
        case "no body":
            answer = httpx.post(url, headers=signed, timeout=30)
        case "other id":
            answer = httpx.post(url, content=body, headers={**signed, "webhook-id": str(uuid.uuid4())}, timeout=30)

    assert answer.status_code == 401, answer.text
    assert sent_after_a_while(mail_server, [message]) == [0]
    assert far_end.of(message_id) == []


def test_an_old_secret_may_stand_beside_the_new_one(n8n: RunningN8n, far_end: FarEnd):
    message = letter("code", "rotated@example.org")
    body, message_id = body_of(message), str(message.ref)
    old, new = (
        webhooks.sign(secret.encode(), message_id, body, datetime.now(UTC))
        for secret in ("a secret from before the change", SECRETS.webhook)
    )
    both = {**new, "webhook-signature": f"{old['webhook-signature']} {new['webhook-signature']}"}

    answer = httpx.post(
        n8n.url_of("code"), content=body, headers={**both, "content-type": "application/json"}, timeout=30
    )

    assert answer.status_code == 202
    assert reported(far_end, message_id).status == "sent"


@pytest.mark.parametrize(
    ("address", "sentence"), [("bounce@example.org", "550 5.1.1"), ("busy@example.org", "451 4.3.2")]
)
def test_what_the_mail_server_refuses_is_reported_with_its_words(
    address: str, sentence: str, n8n: RunningN8n, far_end: FarEnd
):
    message = letter("appointment.cancelled", address, calendar=CALENDAR)

    answer = post(n8n.url_of(message.kind), str(message.ref), body_of(message))

    assert answer.status_code == 202
    report = reported(far_end, str(message.ref))
    assert report.status == "failed" and sentence in report.error
    assert len(far_end.of(str(message.ref))) == 1


def test_an_sms_goes_to_the_provider(n8n: RunningN8n, far_end: FarEnd):
    message = letter("reminder", "+436605550100", channel="sms")

    post(n8n.instance.url_of(WITH_SMS), str(message.ref), body_of(message))

    report = reported(far_end, str(message.ref))
    assert (report.status, report.message_id) == ("sent", "sms-1")
    assert far_end.sms == [{"to": "+436605550100", "text": message.text}]


def test_without_a_provider_an_sms_is_reported_as_not_sent(n8n: RunningN8n, far_end: FarEnd):
    message = letter("reminder", "+436605550101", channel="sms")

    post(n8n.url_of(message.kind), str(message.ref), body_of(message))

    report = reported(far_end, str(message.ref))
    assert (report.status, report.error) == ("failed", "no SMS provider")


def test_words_are_neither_scripts_nor_headers_to_n8n(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    message = letter("code", "words@example.org")
    content = json.loads(body_of(message)) | {
        "subject": "{{ 1+1 }} ={{ $env.PATH }}\r\nBcc: mallory@example.org",
        "text": "={{ $json.headers }}",
    }
    body = json.dumps(content).encode()

    post(n8n.url_of("code"), str(message.ref), body)

    reported(far_end, str(message.ref))
    (mail,) = mail_server.sent_to("words@example.org")
    assert mail["subject"] == "{{ 1+1 }} ={{ $env.PATH }} Bcc: mallory@example.org"
    assert mail["bcc"] is None
    assert mail_server.sent_to("mallory@example.org") == []
    assert _lines(mail, "plain") == ["={{", "$json.headers", "}}"]


def test_a_report_waits_for_a_clinic_that_is_away(n8n: RunningN8n, mail_server: MailServer, far_end: FarEnd):
    message = letter("appointment.moved", "away@example.org")
    far_end.away = True
    before = far_end.turned_away

    post(n8n.url_of(message.kind), str(message.ref), body_of(message))
    # More tries than a node makes by itself: the workflow has begun its second round.
    eventually(lambda: far_end.turned_away > before + 3, "a second round of reporting", 120)
    far_end.away = False

    assert reported(far_end, str(message.ref), 90).status == "sent"
    assert len(mail_server.sent_to("away@example.org")) == 1


def _lines(mail: EmailMessage, kind: str) -> list[str]:
    """The words of one part: how lines are broken is the mail's business."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).split()
