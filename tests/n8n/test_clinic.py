"""The whole way: a message of the clinic, a real n8n, a mail server, and n8n's word about it back in the ledger."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import httpx
import pytest
from sqlmodel import Session, col, select

from medcal import clock
from medcal.api.app import build_api
from medcal.db import in_transaction, transaction
from medcal.models import Delivery, Message, MessageStatus
from medcal.services import callbacks, delivery, notifications
from tests.n8n.support.far_end import FarEnd
from tests.n8n.support.mail import MailServer
from tests.n8n.support.running import RunningN8n
from tests.support.factories import Clinic, make_appointment, make_clinic, make_patient
from tests.support.waiting import eventually
from tools.n8n import settings_for_clinic

FATE = MessageStatus
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic(committed: str, n8n: RunningN8n, far_end: FarEnd, configured: Callable[..., None]) -> Iterator[Clinic]:
    """A clinic that is set up as `manage.py n8n` does it; n8n's word reaches its real callback."""
    configured(**settings_for_clinic(n8n.instance))
    far_end.answering = _callback()
    with transaction() as db:
        made = make_clinic(db)
    yield made
    far_end.answering = None


def _callback() -> Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]:
    api = build_api()

    def answer(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=api), base_url="http://clinic.test"
            ) as client:
                return await client.post(path, content=body, headers=dict(headers))

        response = asyncio.run(ask())
        return response.status_code, response.content

    return answer


def book(clinic: Clinic, *addresses: str, at: datetime) -> None:
    """An appointment for each, with its confirmation due `at`."""
    already = len(fates())
    with transaction() as db:
        for number, address in enumerate(addresses, already):
            patient = make_patient(db, "Alice Adler", address)
            # Far apart, so that none of them overlap on the days when clocks change either.
            starts_at = clock.now().replace(minute=0, second=0, microsecond=0) + (20 * 24 + number) * HOUR
            appointment = make_appointment(db, clinic, starts_at, patient)
            notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=at)


def fates() -> dict[str, MessageStatus]:
    with transaction() as db:
        return {message.recipient: message.status for message in db.exec(select(Message))}


def tries(address: str) -> list[int | None]:
    """What each attempt was answered with, the callbacks left out."""
    with transaction() as db:
        statement = select(Delivery.status_code).join(Message, col(Message.id) == Delivery.message_id)
        found = db.exec(statement.where(Message.recipient == address, Delivery.attempt > 0).order_by(col(Delivery.id)))
        return list(found)


def test_what_has_left_is_delivered_and_what_bounced_says_why(clinic: Clinic, mail_server: MailServer):
    book(clinic, "arrives@example.org", "bounces@example.org", at=clock.now())

    delivery.deliver_all()

    eventually(lambda: set(fates().values()) == {FATE.delivered, FATE.bounced}, "news of both", 60)
    assert fates() == {"arrives@example.org": FATE.delivered, "bounces@example.org": FATE.bounced}
    (mail,) = mail_server.sent_to("arrives@example.org")
    with transaction() as db:
        arrived, bounced = (_message(db, f"{whom}@example.org") for whom in ("arrives", "bounces"))
    assert arrived.far_id == mail["message-id"]
    assert "550 5.1.1 nobody here has this address" in bounced.last_error
    assert any(part.get_filename() == "invite.ics" for part in mail.walk())


def test_what_the_mail_server_puts_off_is_handed_over_anew(clinic: Clinic, mail_server: MailServer):
    book(clinic, "busy-today@example.org", at=clock.now())
    delivery.deliver_all()
    eventually(lambda: _handovers("busy-today@example.org") == 1, "a second hand-over", 60)

    _let_it_be_due()
    delivery.deliver_all()

    eventually(lambda: fates()["busy-today@example.org"] is FATE.delivered, "the mail", 60)
    assert len(mail_server.sent_to("busy-today@example.org")) == 1


def test_n8n_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    clinic: Clinic, n8n: RunningN8n, mail_server: MailServer
):
    before = ["before-1@example.org", "before-2@example.org"]
    caught = ["hang-1@example.org", "hang-2@example.org"]
    after = ["after-1@example.org", "after-2@example.org"]
    book(clinic, *before, *caught, at=clock.now())
    delivery.deliver_all()
    eventually(lambda: [fates()[address] for address in before] == [FATE.delivered] * 2, "the first ones", 60)
    eventually(lambda: mail_server.hanging >= set(caught), "mails in the middle of being sent", 60)

    n8n.kill()
    mail_server.let_go.set()
    book(clinic, *after, at=clock.now())
    delivery.deliver_all()
    assert [fates()[address] for address in after] == [FATE.due] * 2
    n8n.start()
    _let_silence_be_over()
    assert in_transaction(callbacks.renew_silent, clock.now()) == len(caught)
    _let_it_be_due()
    delivery.deliver_all()

    eventually(lambda: set(fates().values()) == {FATE.delivered}, "all of them", 90)
    everybody = [*before, *caught, *after]
    assert [len(mail_server.sent_to(address)) for address in everybody] == [1] * len(everybody)


def test_n8n_down_for_a_day_loses_nothing_and_doubles_nothing(
    clinic: Clinic, n8n: RunningN8n, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(delivery, "JITTER", 0)
    # So long ago that a try is due just now, after more than a day: what n8n takes must be signed at the real time.
    attempts = 11
    yesterday = clock.now() - sum(delivery.PAUSES[:attempts], timedelta(0))
    patients = [f"patient-{number}@example.org" for number in range(8)]
    n8n.kill()
    book(clinic, *patients, at=yesterday)
    with transaction() as db:
        late = _message(db, patients[-1])
        late.useless_at = yesterday + 12 * HOUR
        db.add(late)

    while (moment := _next_due()) and moment < clock.now() - HOUR:
        delivery.deliver_all(now=moment)
    assert all(len(tries(address)) == attempts for address in patients[:-1])
    n8n.start()
    eventually(lambda: (_next_due() or clock.now()) <= clock.now(), "the hour of the next try", 60)
    delivery.deliver_all()

    arriving = dict.fromkeys(patients[:-1], FATE.delivered)
    eventually(lambda: fates() == {**arriving, patients[-1]: FATE.missed}, "all but the one that came too late", 90)
    assert [len(mail_server.sent_to(address)) for address in patients] == [1] * 7 + [0]
    assert [tries(address)[-1] for address in patients[:-1]] == [202] * 7


def _message(db: Session, address: str) -> Message:
    return db.exec(select(Message).where(Message.recipient == address)).one()


def _handovers(address: str) -> int:
    with transaction() as db:
        return _message(db, address).handover


def _next_due() -> datetime | None:
    with transaction() as db:
        waiting = select(Message.next_try_at).where(Message.status == FATE.due).order_by(col(Message.next_try_at))
        return db.exec(waiting).first()


def _let_it_be_due() -> None:
    """The pause is over. Not by a later `now`: n8n looks at the real clock."""
    with transaction() as db:
        for message in db.exec(select(Message).where(Message.status == FATE.due)):
            message.next_try_at = clock.now()
            db.add(message)


def _let_silence_be_over() -> None:
    """Fifteen minutes have passed since n8n took what it has not spoken of."""
    with transaction() as db:
        for message in db.exec(select(Message).where(Message.status == FATE.handed_over)):
            message.answer_by = clock.now()
            db.add(message)
