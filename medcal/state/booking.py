"""Booking: hold a time, fill in the form, confirm. The chosen time lives with the server, under the browser's visit cookie."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import (
    HoldExpired,
    Invalid,
    InvalidForm,
    MedcalError,
    NotFound,
    NotOffered,
    ProofRefused,
    SlotTaken,
)
from medcal.i18n import t
from medcal.models import Doctor, Location, Specialty, VisitType
from medcal.services import booking, directory, fair_share, proof_of_work
from medcal.services.consents import Purpose, Shown
from medcal.state.consent import ConsentState, shown_in
from medcal.state.forms import details_of, text, with_consents
from medcal.state.session import client_address, visit_of
from medcal.viewmodels.patient import HoldCard


class BookingState(rx.State):
    """The time somebody is about to book, and what is wrong with the form."""

    hold: HoldCard = HoldCard()
    has_hold: bool = False
    is_expired: bool = False
    is_taken: bool = False
    is_loaded: bool = False
    problems: dict[str, str] = {}
    problem: str = ""
    challenge: str = ""
    _held: uuid.UUID | None = None

    @open_to("visitor")
    async def choose(self, doctor: str, starts_at: datetime, visit_type: str) -> Any:
        """Hold a listed time and go to the form; somebody who was slower stays on the list and is told."""
        self.is_taken = self.is_expired = False
        try:
            await run(fair_share.count_hold, visit_of(self), client_address(self), now=clock.now())
            await run(_hold, doctor, starts_at, visit_type, visit_of(self), clock.now())
        except (SlotTaken, NotOffered):
            self.is_taken = True
            return None
        except MedcalError as refusal:
            return rx.toast.error(str(refusal))
        self.problems, self.problem = {}, ""
        return rx.redirect(routes.to(routes.BOOK))

    @open_to("anyone")
    def close_notice(self) -> None:
        self.is_taken = False

    @open_to("visitor")
    async def load(self) -> Any:
        """The form's page: the hold is asked of the database, so it survives a reload and a restart.

        Whoever has just booked and comes here again, since the next page did not reach her or by the way back, is led on to it.
        """
        self.problems, self.problem = {}, ""
        self._held, self.hold = await run(_current_hold, visit_of(self), clock.now())
        self.challenge = await self._new_challenge()
        self.has_hold, self.is_expired, self.is_loaded = self._held is not None, False, True
        if not self.has_hold and await run(booking.has_just_booked, visit=visit_of(self), now=clock.now()):
            return rx.redirect(routes.to(routes.BOOKED))
        return None

    @open_to("visitor")
    def expire(self) -> None:
        """The countdown on the page has run out; the server decides when the form is sent."""
        self.is_expired = True

    @open_to("visitor")
    async def hold_again(self) -> Any:
        """Try to get the same time once more; the form keeps what was typed."""
        try:
            starts_at = datetime.fromisoformat(self.hold.starts_at)
            await run(fair_share.count_hold, visit_of(self), client_address(self), now=clock.now())
            await run(_hold, self.hold.doctor_slug, starts_at, self.hold.visit_type, visit_of(self), clock.now())
        except (MedcalError, ValueError):
            self.has_hold, self.is_taken = False, True
            return rx.redirect(self.hold.doctor_href)
        return await self.load()

    @open_to("visitor")
    async def let_go(self) -> Any:
        """Back to the list; the time is free for others at once."""
        back = self.hold.doctor_href or routes.to(routes.HOME)
        await run(booking.let_go, visit=visit_of(self), now=clock.now())
        self._held, self.hold, self.has_hold = None, HoldCard(), False
        return rx.redirect(back)

    @open_to("visitor")
    async def confirm(self, form: dict[str, Any]) -> Any:
        """Send the form. What does not fit is said beside its field, and nothing is stored."""
        self.problems, self.problem = {}, ""
        held = self._held or await self._find_again(form)
        if held is None and not self.is_loaded:
            return rx.toast.error(
                t("The connection was lost for a moment. Please look at the time, and send it again.")
            )
        try:
            agreed = [await shown_in(self, purpose) for purpose in Purpose]
            await run(_confirm, held, form, agreed, visit_of(self), clock.now())
        except InvalidForm as refusal:
            self.problems = refusal.problems
            return rx.set_focus(next(iter(refusal.problems)))
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return rx.set_focus(refusal.field)
        except HoldExpired:
            self.is_expired = True
            return None
        except MedcalError as refusal:
            self.problem = str(refusal)
            if isinstance(refusal, ProofRefused):
                self.challenge = await self._new_challenge()
            return None
        self.hold, self.has_hold, self.challenge = HoldCard(), False, ""
        return rx.redirect(routes.to(routes.BOOKED))

    async def _find_again(self, form: dict[str, Any]) -> uuid.UUID | None:
        """After a lost connection the form may arrive before its page is read anew: with it the texts that stood beside it."""
        held = await run(_held_as_shown, form, visit_of(self), clock.now())
        if held:
            await (await self.get_state(ConsentState)).load()
        return held

    async def _new_challenge(self) -> str:
        if self._held is None:
            return ""
        address, visit = client_address(self), visit_of(self)
        return await run(_challenge, self._held, self.hold.held_until, address, visit, clock.now())


def _hold(db: Session, slug: str, starts_at: datetime, visit_type_ref: str, visit: str, now: datetime) -> None:
    if starts_at.tzinfo is None:
        raise NotOffered
    doctor = directory.get_doctor(db, slug)
    visit_type = directory.choose_visit_type(directory.visit_types_of(db, doctor.specialty_id), visit_type_ref)
    booking.hold(db, doctor, visit_type, starts_at, visit=visit, now=now)


def _current_hold(db: Session, visit: str, now: datetime) -> tuple[uuid.UUID | None, HoldCard]:
    hold = booking.find_hold(db, visit=visit, now=now)
    if hold is None:
        return None, HoldCard()
    doctor, location = db.get_one(Doctor, hold.doctor_id), db.get_one(Location, hold.location_id)
    specialty, visit_type = db.get_one(Specialty, doctor.specialty_id), db.get_one(VisitType, hold.visit_type_id)
    return hold.ref, HoldCard.of(hold, doctor, specialty, visit_type, location)


def _held_as_shown(db: Session, form: dict[str, Any], visit: str, now: datetime) -> uuid.UUID | None:
    """What the form was filled in for, if that is still held."""
    held, card = _current_hold(db, visit, now)
    return held if (card.doctor_slug, card.starts_at) == (text(form, "doctor"), text(form, "starts_at")) else None


def _challenge(db: Session, held: uuid.UUID, held_until: str, address: str | None, visit: str, now: datetime) -> str:
    """For this hold of this browser. Good for a little longer than the hold: who comes too late shall learn that, and not that she is a machine."""
    bits = fair_share.work_for(db, "hold", address, now=now)
    until = datetime.fromisoformat(held_until) + timedelta(minutes=10)
    return proof_of_work.new_challenge("book", f"{visit} {held}", bits=bits, until=until)


def _confirm(
    db: Session,
    held: uuid.UUID | None,
    form: dict[str, Any],
    agreed: Sequence[Shown | None],
    visit: str,
    now: datetime,
) -> None:
    if held is None:
        raise HoldExpired
    location = directory.main_location(db)
    if location is None:
        raise NotFound
    details = with_consents(details_of(form, clock.local_day(now, location.zone_info)), *agreed)
    proof_of_work.check(text(form, "proof"), "book", f"{visit} {held}", now=now)
    fair_share.check_coming(db, held, details.person.email, details.person.phone, now=now)
    booking.confirm(db, held, details, visit=visit, now=now)
