"""Who waits: urgency, pauses, and leaving the list."""

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
from medcal.security import Actor
from medcal.services import waitlist_book
from medcal.state import live
from medcal.state.desk_answers import done, refused
from medcal.state.session import actor_of
from medcal.viewmodels.staff_lists import WaitingRow


class StaffWaitlistState(rx.State):
    """The list of the page."""

    waiting: list[WaitingRow] = []
    is_loaded: bool = False

    @open_to("reception", "admin")
    async def load(self) -> None:
        live.subscribe("waitlist", self)
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def remove(self, ref: uuid.UUID) -> Any:
        return await self._do(waitlist_book.remove_waiting, ref, t("Taken off the list."))

    @open_to("reception", "admin")
    async def pause(self, ref: uuid.UUID) -> Any:
        return await self._do(waitlist_book.pause, ref, t("Paused: the place on the list stays."))

    @open_to("reception", "admin")
    async def resume(self, ref: uuid.UUID) -> Any:
        return await self._do(waitlist_book.resume, ref, t("Waiting again, in the old place."))

    @open_to("reception", "admin")
    async def set_urgent(self, ref: uuid.UUID, is_urgent: bool) -> Any:
        try:
            await run(waitlist_book.set_urgent, actor_of(self), ref, is_urgent=is_urgent, now=clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._refresh(clock.now())
        return None

    async def _do(self, verb: Callable[..., object], ref: uuid.UUID, sentence: str) -> Any:
        """One step, then what is so now, whether it counted or came too late."""
        answer = done(sentence)
        try:
            await run(verb, actor_of(self), ref, now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._refresh(clock.now())
        return answer

    async def _refresh(self, _now: datetime) -> None:
        self.waiting = await live.shared(_read, actor_of(self))
        self.is_loaded = True


def _read(db: Session, actor: Actor) -> list[WaitingRow]:
    return [WaitingRow.of(each) for each in waitlist_book.who_waits(db, actor)]
