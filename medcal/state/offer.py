"""An earlier time that is held for somebody: look, accept, decline. Opening the page changes nothing."""

from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError, OfferClosed
from medcal.models import Appointment, Doctor, Location, Offer, WaitlistEntry
from medcal.security import PATIENT
from medcal.services import access, answers
from medcal.state import live
from medcal.state.session import visit_of
from medcal.viewmodels.patient import OfferCard


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
    hold = db.get_one(Appointment, offer.hold_id)
    entry = db.get_one(WaitlistEntry, offer.entry_id)
    own = db.get(Appointment, entry.appointment_id) if entry.appointment_id else None
    return OfferCard.of(
        offer, hold, own, db.get_one(Doctor, hold.doctor_id), db.get_one(Location, hold.location_id), now
    )


def _own_offer(db: Session, visit: str, now: datetime) -> Offer:
    offer = access.current_offer(db, visit, now)
    if offer is None or offer.id is None:
        raise OfferClosed
    return offer


def _accept(db: Session, visit: str, now: datetime) -> None:
    answers.accept(db, _own_offer(db, visit, now).id or 0, by=PATIENT, now=now)


def _decline(db: Session, visit: str, now: datetime) -> None:
    answers.decline(db, _own_offer(db, visit, now).id or 0, by=PATIENT, now=now)
