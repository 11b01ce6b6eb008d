"""An earlier time that is held for somebody: look, accept, decline. Opening the page changes nothing."""

from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError, OfferClosed
from medcal.models import Appointment, Doctor, FreedTime, Location, Offer, OfferStatus, WaitlistEntry
from medcal.security import PATIENT
from medcal.services import access, answers
from medcal.state import live
from medcal.state.session import visit_of
from medcal.state.wish import wish_card
from medcal.viewmodels.offer import OfferCard


class OfferState(rx.State):
    """The offer this browser may answer, or how it ended."""

    offer: OfferCard = OfferCard()
    has_offer: bool = False
    is_loaded: bool = False
    problem: str = ""

    @open_to("visitor")
    async def load(self) -> None:
        self.problem = ""
        await self._refresh(clock.now())
        live.subscribe("visit", self)

    async def _refresh(self, now: datetime) -> None:
        found = await run(_offer, visit_of(self), now)
        self.has_offer, self.offer, self.is_loaded = found is not None, found or OfferCard(), True

    @open_to("visitor")
    async def expire(self) -> None:
        """The countdown has run out: show what is true now."""
        await self._refresh(clock.now())

    @open_to("visitor")
    async def accept(self) -> Any:
        try:
            await run(_accept, visit_of(self), clock.now())
        except MedcalError as refusal:
            self.problem = str(refusal)
            await self._refresh(clock.now())
            return None
        return rx.redirect(routes.to(routes.APPOINTMENT))

    @open_to("visitor")
    async def decline(self) -> None:
        try:
            await run(_decline, visit_of(self), clock.now())
        except MedcalError as refusal:
            self.problem = str(refusal)
        await self._refresh(clock.now())


def _offer(db: Session, visit: str, now: datetime) -> OfferCard | None:
    offer = access.current_offer(db, visit, now)
    if offer is None:
        return None
    freed, wish = db.get_one(FreedTime, offer.freed_time_id), db.get_one(WaitlistEntry, offer.entry_id)
    own = _own_appointment(db, offer, wish)
    line = wish_card(db, wish, offer, now).place
    return OfferCard.of(
        offer,
        freed,
        wish,
        own,
        doctor=db.get_one(Doctor, freed.doctor_id),
        location=db.get_one(Location, freed.location_id),
        is_shared=answers.is_shared(db, offer),
        line=line,
        sees_appointment=own is not None and own.id in {seen.id for seen in access.what_may_be_seen(db, visit, now)},
        now=now,
    )


def _own_appointment(db: Session, offer: Offer, wish: WaitlistEntry) -> Appointment | None:
    """Hers that the offer moves; for who waited without one, what the hold has become."""
    if wish.appointment_id is not None:
        return db.get_one(Appointment, wish.appointment_id)
    return db.get_one(Appointment, offer.hold_id) if offer.status is OfferStatus.accepted else None


def _own_offer(db: Session, visit: str, now: datetime) -> Offer:
    offer = access.current_offer(db, visit, now)
    if offer is None or offer.id is None:
        raise OfferClosed
    return offer


def _accept(db: Session, visit: str, now: datetime) -> None:
    answers.accept(db, _own_offer(db, visit, now).id or 0, by=PATIENT, now=now)


def _decline(db: Session, visit: str, now: datetime) -> None:
    answers.decline(db, _own_offer(db, visit, now).id or 0, by=PATIENT, now=now)
