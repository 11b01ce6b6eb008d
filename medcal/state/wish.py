"""A wish for something earlier: where she stands, staying on the list, leaving it. Opening the page changes nothing."""

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
from medcal.models import Appointment, Doctor, Location, Offer, OfferStatus, Specialty, VisitType, WaitlistEntry
from medcal.security import PATIENT
from medcal.services import access, waitlist
from medcal.services.place_in_line import place_in_line
from medcal.state import live
from medcal.state.session import visit_of
from medcal.viewmodels.wish import WishCard


class EarlierState(rx.State):
    """The wishes this browser may see; the first is the one whose link was followed last."""

    current: WishCard = WishCard()
    others: list[WishCard] = []
    is_loaded: bool = False
    asks_to_leave: bool = False
    _leaving: uuid.UUID | None = None

    @open_to("visitor")
    async def load(self) -> None:
        self.asks_to_leave = False
        await self._refresh(clock.now())
        live.subscribe("visit", self)

    async def _refresh(self, now: datetime) -> None:
        found = await run(_cards, visit_of(self), now)
        self.current, self.others = (found[0], found[1:]) if found else (WishCard(), [])
        self.is_loaded = True

    @open_to("visitor")
    async def keep(self, ref: uuid.UUID) -> Any:
        return await self._do(_keep, ref, done=t("You are on the list again, in your old place."))

    @open_to("visitor")
    def ask_to_leave(self, ref: uuid.UUID) -> None:
        self._leaving, self.asks_to_leave = ref, True

    @open_to("anyone")
    def stay(self) -> None:
        self.asks_to_leave = False

    @open_to("visitor")
    async def leave(self) -> Any:
        self.asks_to_leave = False
        if self._leaving is None:
            return None
        return await self._do(_leave, self._leaving, done=t("We will not offer you earlier times any more."))

    async def _do(self, work: Callable[..., None], ref: uuid.UUID, *, done: str) -> Any:
        """One step; the page then shows what is true, also after a refusal."""
        try:
            await run(work, ref, visit=visit_of(self), now=clock.now())
            answer = rx.toast.success(done)
        except MedcalError as refusal:
            answer = rx.toast.error(str(refusal))
        await self._refresh(clock.now())
        return answer


def _cards(db: Session, visit: str, now: datetime) -> list[WishCard]:
    offer = access.current_offer(db, visit, now)
    cards = [wish_card(db, wish, offer, now) for wish in access.wishes_seen(db, visit, now)]
    return [card for place, card in enumerate(cards) if place == 0 or card.is_listed]


def wish_card(db: Session, wish: WaitlistEntry, offer: Offer | None, now: datetime) -> WishCard:
    """What the patient reads about one of her wishes; `offer` is what her browser may answer."""
    visit_type = db.get_one(VisitType, wish.visit_type_id)
    return WishCard.of(
        wish,
        place_in_line(db, wish, now),
        visit_type=visit_type,
        specialty=db.get_one(Specialty, visit_type.specialty_id),
        doctor=db.get(Doctor, wish.doctor_id) if wish.doctor_id else None,
        own=db.get(Appointment, wish.appointment_id) if wish.appointment_id else None,
        location=db.get_one(Location, wish.location_id),
        can_answer=offer is not None and offer.entry_id == wish.id and offer.status is OfferStatus.open,
        now=now,
    )


def _keep(db: Session, ref: uuid.UUID, *, visit: str, now: datetime) -> None:
    waitlist.resume(db, access.get_wish(db, ref, visit, now).id or 0, by=PATIENT, now=now)


def _leave(db: Session, ref: uuid.UUID, *, visit: str, now: datetime) -> None:
    waitlist.withdraw(db, access.get_wish(db, ref, visit, now).id or 0, by=PATIENT, now=now)
