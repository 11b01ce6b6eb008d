"""The dialog of one message: its words, what became of it, and sending it again."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError, NotFound
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import outbox, resending
from medcal.state import live
from medcal.state.desk_answers import done, refused
from medcal.state.session import actor_of
from medcal.viewmodels.staff_messages import OpenMessage


class OpenMessageState(rx.State):
    """The open message. `asks` is the question whether it is to be sent again, `shows_text` the other form of a mail."""

    is_open: bool = False
    asks: bool = False
    shows_text: bool = False
    message: OpenMessage = OpenMessage()
    _ref: uuid.UUID | None = None

    @open_to("reception", "admin")
    async def open(self, ref: uuid.UUID) -> Any:
        try:
            self.message = await run(_read, actor_of(self), ref, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        self._ref, self.is_open, self.asks = ref, True, False
        # Read out on the phone it is the text that helps.
        self.shows_text = self.message.row.channel == "call"
        live.subscribe("messages", self)
        return None

    @open_to("reception", "admin")
    def set_open(self, is_open: bool) -> None:
        if not is_open:
            self._close()

    @open_to("reception", "admin")
    def show_text(self, shows: bool) -> None:
        self.shows_text = shows

    @open_to("reception", "admin")
    def ask(self, is_asked: bool) -> None:
        """Whether it is to be sent again: asked before it is done."""
        self.asks = is_asked

    @open_to("reception", "admin")
    async def resend(self) -> Any:
        self.asks = False
        return await self._do(resending.resend, t("On its way again."))

    @open_to("reception", "admin")
    async def mark_called(self) -> Any:
        return await self._do(resending.mark_called, t("Off the call list."))

    async def _do(self, verb: Callable[..., object], sentence: str) -> Any:
        """One thing to the open message, then what is so now, whether it worked or somebody else was faster."""
        answer = done(sentence)
        try:
            if self._ref is None:
                raise NotFound
            await run(verb, self._ref, by=actor_of(self), now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._refresh(clock.now())
        return answer

    async def _refresh(self, now: datetime) -> None:
        if self._ref is None:
            return
        try:
            self.message = await live.shared(_read, actor_of(self), self._ref, now)
        except NotFound:
            self._close()

    def _close(self) -> None:
        self.is_open, self.asks, self._ref, self.message = False, False, None, OpenMessage()


def _read(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> OpenMessage:
    opened = outbox.open_message(db, actor, ref, now)
    return OpenMessage.of(opened, can_resend=resending.makes_sense(db, opened.message, now), now=now)
