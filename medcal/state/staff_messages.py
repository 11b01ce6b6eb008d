"""The messages page: what has gone out, what has not, and what somebody must say on the phone."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError
from medcal.i18n import t
from medcal.models import MessageStatus
from medcal.security import Actor
from medcal.services import outbox, resending
from medcal.services.outbox import Filter
from medcal.state import live
from medcal.state.desk_answers import done, refused
from medcal.state.session import actor_of
from medcal.viewmodels.staff_messages import MessageRow, OpenMessage, message_rows

STEP, MOST = 50, 500
CHANNELS = ("email", "sms", "call")


class StaffMessagesState(rx.State):
    """The list with its filters, and the message that is open."""

    status: str = ""
    channel: str = ""
    words: str = ""
    rows: list[MessageRow] = []
    has_more: bool = False
    is_loaded: bool = False
    is_open: bool = False
    message: OpenMessage = OpenMessage()
    _limit: int = STEP

    @open_to("reception", "admin")
    async def load(self) -> None:
        live.subscribe("messages", self)
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def choose_status(self, status: str) -> None:
        self.status = status if status in list(MessageStatus) else ""
        await self._from_the_start()

    @open_to("reception", "admin")
    async def choose_channel(self, channel: str) -> None:
        self.channel = channel if channel in CHANNELS else ""
        await self._from_the_start()

    @open_to("reception", "admin", text_limit=200)
    async def search(self, words: str) -> None:
        self.words = words
        await self._from_the_start()

    @open_to("reception", "admin")
    async def show_more(self) -> None:
        self._limit = min(self._limit + STEP, MOST)
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def open(self, ref: uuid.UUID) -> Any:
        try:
            self.message = await run(_open, actor_of(self), ref, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        self.is_open = True
        return None

    @open_to("reception", "admin")
    def set_open(self, is_open: bool) -> None:
        if not is_open:
            self.is_open, self.message = False, OpenMessage()

    @open_to("reception", "admin")
    async def replay(self, ref: uuid.UUID) -> Any:
        return await self._do(resending.replay, ref, t("On its way again."))

    @open_to("reception", "admin")
    async def mark_called(self, ref: uuid.UUID) -> Any:
        return await self._do(resending.mark_called, ref, t("Off the call list."))

    async def _from_the_start(self) -> None:
        self._limit = STEP
        await self._refresh(clock.now())

    async def _do(self, verb: Callable[..., object], ref: uuid.UUID, sentence: str) -> Any:
        answer = done(sentence)
        try:
            await run(verb, ref, by=actor_of(self), now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        self.is_open, self.message = False, OpenMessage()
        await self._refresh(clock.now())
        return answer

    async def _refresh(self, now: datetime) -> None:
        wanted = Filter(MessageStatus(self.status) if self.status else None, self.channel, self.words)
        self.rows = await live.shared(_list, actor_of(self), wanted, self._limit, now)
        self.has_more, self.is_loaded = len(self.rows) == self._limit < MOST, True


def _list(db: Session, actor: Actor, wanted: Filter, limit: int, now: datetime) -> list[MessageRow]:
    return message_rows(outbox.list_messages(db, actor, wanted, limit), outbox.clinic_zone(db), now)


def _open(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> OpenMessage:
    return OpenMessage.of(outbox.open_message(db, actor, ref, now), now)
