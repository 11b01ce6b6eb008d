"""The messages page: what has gone out, what has not, and what somebody must say on the phone."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError
from medcal.i18n import t, tn
from medcal.models import MessageStatus
from medcal.security import Actor
from medcal.services import outbox, resending
from medcal.services.outbox import Filter
from medcal.state import live
from medcal.state.desk_answers import done, refused
from medcal.state.session import actor_of
from medcal.viewmodels.staff_messages import KIND_WORDS, MessagePage

STEP = 50
CHANNELS = ("email", "sms", "call")
# The field of the search, which the browser fills by itself: emptied from here when the filters are.
SEARCH = "messages-search"


class StaffMessagesState(rx.State):
    """The list with its filters. `number` is the page of it that is shown, `asks` whether all are to be sent again."""

    status: str = ""
    channel: str = ""
    kind: str = ""
    words: str = ""
    page: MessagePage = MessagePage()
    number: int = 0
    asks: bool = False
    is_loaded: bool = False
    _patient: uuid.UUID | None = None
    # The last messages of the pages before this one: what is new meanwhile moves nothing from page to page.
    _before: list[uuid.UUID] = []

    @open_to("reception", "admin")
    async def load(self) -> None:
        live.subscribe("messages", self)
        self.asks = False
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def choose_status(self, status: str) -> None:
        await self._choose_status(status)

    @open_to("reception", "admin")
    async def choose_channel(self, channel: str) -> None:
        self.channel = channel if channel in CHANNELS else ""
        await self._from_the_start()

    @open_to("reception", "admin")
    async def choose_kind(self, kind: str) -> None:
        self.kind = kind if kind in KIND_WORDS else ""
        await self._from_the_start()

    @open_to("reception", "admin", text_limit=200)
    async def search(self, words: str) -> None:
        self.words = words
        await self._from_the_start()

    @open_to("reception", "admin")
    async def show_calls(self) -> Any:
        """Whom somebody must call; pressed again, all."""
        is_shown = self.channel == "call"
        self._show_all()
        if not is_shown:
            self.status, self.channel = str(MessageStatus.due), "call"
        await self._from_the_start()
        return rx.set_value(SEARCH, "")

    @open_to("reception", "admin")
    async def show_only(self, status: str) -> Any:
        """All messages of a fate; pressed again, all."""
        is_shown = self.status == status
        self._show_all()
        await self._choose_status("" if is_shown else status)
        return rx.set_value(SEARCH, "")

    @open_to("reception", "admin")
    async def show_all(self) -> Any:
        self._show_all()
        await self._from_the_start()
        return rx.set_value(SEARCH, "")

    @open_to("reception", "admin")
    def show_patient(self, patient: uuid.UUID) -> Any:
        """From another page: all that one patient was told."""
        self._show_all()
        self._patient, self._before, self.number = patient, [], 0
        return rx.redirect(routes.to(routes.STAFF_MESSAGES))

    @open_to("reception", "admin")
    async def show_older(self) -> None:
        if self.page.has_more:
            self._before.append(uuid.UUID(self.page.rows[-1].ref))
            self.number = len(self._before)
            await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def show_newer(self) -> None:
        self._before, self.number = self._before[:-1], max(self.number - 1, 0)
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def replay(self, ref: uuid.UUID) -> Any:
        return await self._do(resending.replay, ref, t("On its way again."))

    @open_to("reception", "admin")
    async def mark_called(self, ref: uuid.UUID) -> Any:
        return await self._do(resending.mark_called, ref, t("Off the call list."))

    @open_to("reception", "admin")
    def ask(self, is_asked: bool) -> None:
        """Whether all that is dead is to be sent again: asked before it is done."""
        self.asks = is_asked

    @open_to("reception", "admin")
    async def replay_all(self) -> Any:
        self.asks = False
        now = clock.now()
        count = await run(resending.replay_all, self._wanted(), by=actor_of(self), now=now)
        await self._from_the_start()
        return done(tn("{count} is on its way again.", "{count} are on their way again, ten a second.", count))

    async def _choose_status(self, status: str) -> None:
        self.status = status if status in list(MessageStatus) else ""
        await self._from_the_start()

    def _show_all(self) -> None:
        self.status = self.channel = self.kind = self.words = ""
        self._patient = None

    async def _from_the_start(self) -> None:
        self._before, self.number = [], 0
        await self._refresh(clock.now())

    async def _do(self, verb: Callable[..., object], ref: uuid.UUID, sentence: str) -> Any:
        """One thing to one message, then what is so now, whether it worked or somebody else was faster."""
        answer = done(sentence)
        try:
            await run(verb, ref, by=actor_of(self), now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._refresh(clock.now())
        return answer

    async def _refresh(self, now: datetime) -> None:
        before = self._before[-1] if self._before else None
        self.page = await live.shared(_page, actor_of(self), self._wanted(), before, now)
        self.is_loaded = True

    def _wanted(self) -> Filter:
        status = MessageStatus(self.status) if self.status else None
        return Filter(status, self.channel, self.words, self.kind, self._patient)


def _page(db: Session, actor: Actor, wanted: Filter, before: uuid.UUID | None, now: datetime) -> MessagePage:
    page, attention = outbox.read_page(db, actor, wanted, STEP, before), outbox.attention(db, actor, now)
    shows_dead = wanted.status is MessageStatus.dead
    replayable = resending.count_replayable(db, wanted, by=actor, now=now) if shows_dead else 0
    return MessagePage.of(page, attention, replayable, now)
