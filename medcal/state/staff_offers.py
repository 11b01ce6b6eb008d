"""The board of freed times: whom to call, what is on offer, what looks for somebody; answers by phone; the trail of one."""

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
from medcal.services import day_book, offer_board, offer_trail
from medcal.state import live
from medcal.state.desk_answers import done, ref_in, refused
from medcal.state.session import actor_of
from medcal.viewmodels.offer_trail import OpenTrail
from medcal.viewmodels.staff import ChoiceGroup, doctor_filter
from medcal.viewmodels.staff_offers import OfferBoard


class StaffOffersState(rx.State):
    """The board as it is for the chosen doctors, and the freed time whose trail is open."""

    board: OfferBoard = OfferBoard()
    filters: list[ChoiceGroup] = []
    chosen: str = ""
    is_loaded: bool = False
    is_open: bool = False
    trail: OpenTrail = OpenTrail()

    @open_to("reception", "admin")
    async def load(self) -> None:
        live.subscribe("waitlist", self)
        self.filters = await run(_filters, actor_of(self))
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def look(self) -> None:
        """A moment that the page counted down to has come."""
        await self._refresh(clock.now())

    @open_to("reception", "admin")
    async def choose(self, ref: str) -> Any:
        """Narrow the board to a doctor, a specialty or a location; empty is everybody."""
        try:
            self.chosen = str(ref_in(ref)) if ref else ""
        except MedcalError as refusal:
            return refused(refusal)
        await self._refresh(clock.now())
        return None

    @open_to("reception", "admin")
    async def accept(self, ref: uuid.UUID) -> Any:
        """She said yes on the phone."""
        return await self._do(offer_board.accept, ref, t("Accepted: the time is booked."))

    @open_to("reception", "admin")
    async def decline(self, ref: uuid.UUID) -> Any:
        """She said no on the phone."""
        return await self._do(offer_board.decline, ref, t("Declined: the place on the list stays."))

    @open_to("reception", "admin")
    async def not_reached(self, ref: uuid.UUID) -> Any:
        """Nobody picked up."""
        return await self._do(offer_board.note_not_reached, ref, t("Noted: not reached."))

    @open_to("reception", "admin")
    async def withdraw(self, ref: uuid.UUID) -> Any:
        """Take back what a freed time is on offer for."""
        return await self._do(offer_board.withdraw, ref, t("Withdrawn: the patient is told."))

    @open_to("reception", "admin")
    async def open_trail(self, ref: uuid.UUID) -> Any:
        try:
            self.trail = await run(_trail, actor_of(self), ref, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        self.is_open = True
        return None

    @open_to("reception", "admin")
    def set_open(self, is_open: bool) -> None:
        if not is_open:
            self.is_open, self.trail = False, OpenTrail()

    async def _do(self, verb: Callable[..., object], ref: uuid.UUID, sentence: str) -> Any:
        """One answer, then what is so now, whether it counted or came too late."""
        answer, now = done(sentence), clock.now()
        try:
            await run(verb, actor_of(self), ref, now=now)
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._refresh(now)
        return answer

    async def _refresh(self, now: datetime) -> None:
        of = uuid.UUID(self.chosen) if self.chosen else None
        self.board = await live.shared(_board, actor_of(self), of, now)
        self.is_loaded = True
        if self.is_open:
            self.trail = await live.shared(_trail, actor_of(self), uuid.UUID(self.trail.ref), now)


def _filters(db: Session, actor: Actor) -> list[ChoiceGroup]:
    return doctor_filter(day_book.doctors_for(db, actor))


def _board(db: Session, actor: Actor, of: uuid.UUID | None, now: datetime) -> OfferBoard:
    return OfferBoard.of(offer_board.board(db, actor, of, now))


def _trail(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> OpenTrail:
    return OpenTrail.of(offer_trail.trail_of(db, actor, ref, now), now)
