"""POST /api/n8n/callback: only what is genuine and fresh is taken, and the answer tells strangers nothing."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.api import n8n
from medcal.api.app import build_api
from medcal.models import Message
from medcal.services import notifications
from medcal.services.delivery import deliver_all
from medcal.services.webhooks import sign
from tests.support.factories import make_appointment, make_clinic

SECRET = b"the secret of the way back alone"


@pytest.fixture(autouse=True)
def nobody_tried_before():
    n8n._strangers.clear()


@pytest.fixture
def message(db: Session, webhook, configured) -> Message:
    """A message that the webhook has taken."""
    configured(N8N_CALLBACK_SECRET=SECRET.decode())
    now = clock.now()
    appointment = make_appointment(db, make_clinic(db), now.replace(microsecond=0) + timedelta(days=30))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=now)
    deliver_all()
    return db.exec(select(Message)).one()


def post(body: bytes, headers: dict[str, str], address: str = "203.0.113.9") -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app=build_api(), client=(address, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://clinic.test") as client:
            return await client.post("/api/n8n/callback", content=body, headers=headers)

    return asyncio.run(call())


def news(id_: str, **content: Any) -> bytes:
    return json.dumps({"id": id_, "status": "sent", "message_id": "<1@mail.example>"} | content).encode()


def signed(id_: str, body: bytes, secret: bytes = SECRET) -> dict[str, str]:
    return sign(secret, id_, body, clock.now())


def test_news_are_taken_once_and_the_answer_is_the_same(db, message):
    body = news(str(message.ref))

    answers = [post(body, signed(str(message.ref), body)) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"accepted": str(message.ref)})] * 2
    db.refresh(message)
    assert (str(message.status), message.far_id) == ("delivered", "<1@mail.example>")


def test_an_unknown_id_gets_the_same_answer(db, message):
    body = news("00000000-0000-0000-0000-000000000007")

    answer = post(body, signed("00000000-0000-0000-0000-000000000007", body))

    assert (answer.status_code, answer.json()) == (202, {"accepted": "00000000-0000-0000-0000-000000000007"})


def test_only_what_is_genuine_and_fresh_is_taken(db, message):
    ref, body = str(message.ref), news(str(message.ref))
    old = sign(SECRET, ref, body, clock.now() - timedelta(minutes=6))

    for headers in ({}, signed(ref, body, b"another secret of 24 letters"), signed(ref, body + b" "), old):
        assert post(body, headers).status_code == 401
    db.refresh(message)
    assert str(message.status) == "handed_over"


def test_our_own_call_sent_back_is_no_news(db, message, webhook):
    call = webhook.calls[-1]

    assert post(call.body, signed(call.id, call.body)).status_code == 422


def test_of_a_body_no_more_is_read_than_a_callback_has(db, message):
    body = news(str(message.ref), error="x" * n8n.LARGEST_BODY)

    assert post(body, signed(str(message.ref), body)).status_code == 413


def test_strangers_who_keep_trying_are_told_to_wait_and_n8n_is_not(db, message):
    ref, body = str(message.ref), news(str(message.ref))

    patience = (tries for tries in range(1000) if post(body, {}).status_code == 429)

    assert next(patience) >= n8n.STRANGERS_AT_ONCE
    assert post(body, {}, address="203.0.113.10").status_code == 401
    assert post(body, signed(ref, body)).status_code == 202


def test_without_n8n_there_is_no_such_address(db, configured):
    assert post(b"{}", {}).status_code == 404


def test_opening_it_does_nothing(browser):
    assert browser.get("/api/n8n/callback").status_code == 405
