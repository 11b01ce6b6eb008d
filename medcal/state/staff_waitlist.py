"""Who waits, what is on offer, and what became of freed time; answers by phone."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
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
from medcal.services.outbox import clinic_zone
from medcal.state import live
from medcal.state.desk_answers import done, refused
from medcal.state.session import actor_of
from medcal.viewmodels.staff_lists import FreedRow, OpenOffer, WaitingRow, open_offers

TRAIL_DAYS = 7


class StaffWaitlistState(rx.State):
    """The three lists of the page."""

    offers: list[OpenOffer] = []
    waiting: list[WaitingRow] = []
    freed: list[FreedRow] = []
    is_loaded: bool = False

    @open_to("reception", "admin")
    async def load(self) -> None:
        live.subscribe("waitlist", self)
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def accept(self, ref: uuid.UUID) -> Any:
        """She said yes on the phone."""
        return await self._do(waitlist_book.accept, ref, t("Accepted: the patient has the earlier time."))

    @open_to("reception", "admin")
    async def decline(self, ref: uuid.UUID) -> Any:
        """She said no on the phone."""
        return await self._do(waitlist_book.decline, ref, t("Declined: the time goes on to the next."))

    @open_to("reception", "admin")
    async def withdraw(self, ref: uuid.UUID) -> Any:
        return await self._do(waitlist_book.withdraw, ref, t("Withdrawn: the patient is told."))

    @open_to("reception", "admin")
    async def remove(self, ref: uuid.UUID) -> Any:
        return await self._do(waitlist_book.remove_waiting, ref, t("Taken off the list."))

    @open_to("reception", "admin")
    async def set_urgent(self, ref: uuid.UUID, is_urgent: bool) -> Any:
        try:
            await run(waitlist_book.set_urgent, actor_of(self), ref, is_urgent=is_urgent)
        except MedcalError as refusal:
            return refused(refusal)
        await self._refresh(clock.now())
        return None

    async def _do(self, verb: Callable[..., object], ref: uuid.UUID, sentence: str) -> Any:
        """One answer, then what is so now, whether it counted or came too late."""
        answer = done(sentence)
        try:
            await run(verb, actor_of(self), ref, now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._refresh(clock.now())
        return answer

    async def _refresh(self, now: datetime) -> None:
        self.offers, self.waiting, self.freed = await live.shared(_read, actor_of(self), now)
        self.is_loaded = True


def _read(db: Session, actor: Actor, now: datetime) -> tuple[list[OpenOffer], list[WaitingRow], list[FreedRow]]:
    since = clock.local_day(now, clinic_zone(db)) - timedelta(days=TRAIL_DAYS)
    freed = waitlist_book.freed_times(db, actor, since)
    waiting = waitlist_book.who_waits(db, actor)
    return open_offers(freed), [WaitingRow.of(each) for each in waiting], [FreedRow.of(each) for each in freed]
