"""A patient's own appointments: confirm, cancel, move, ask for something earlier. What may be seen hangs on the visit cookie."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError, NotFound
from medcal.i18n import t
from medcal.models import Appointment, Doctor, Location, Offer, Patient, Specialty, VisitType
from medcal.security import PATIENT
from medcal.services import access, booking, changes, directory, waitlist
from medcal.services.consents import Purpose, Shown
from medcal.state import fortnights, live
from medcal.state.consent import shown_in
from medcal.state.forms import wish_of
from medcal.state.fortnights import Fortnight
from medcal.state.session import visit_of
from medcal.state.wish import wish_card
from medcal.viewmodels.patient import AppointmentCard, DayOfTimes
from medcal.viewmodels.wish import WishCard


class AppointmentState(rx.State):
    """The appointments this browser may see; the first is the one that is looked at."""

    current: AppointmentCard = AppointmentCard()
    others: list[AppointmentCard] = []
    has_any: bool = False
    # What she waits for without an appointment.
    wishes: list[WishCard] = []
    is_loaded: bool = False

    @open_to("visitor")
    async def load(self) -> Any:
        """The page; a link that speaks of cancelling opens the question, and changes nothing by itself."""
        await self._refresh(clock.now())
        live.subscribe("visit", self)
        wants_to_cancel = self.router.url.query_parameters.get("wish") == "cancel"
        return CancelState.open(self.current.ref) if wants_to_cancel and self.current.can_change else None

    async def _refresh(self, now: datetime) -> None:
        found, self.wishes = await run(_cards, visit_of(self), now)
        self.has_any, self.is_loaded = bool(found), True
        self.current, self.others = (found[0], found[1:]) if found else (AppointmentCard(), [])

    @open_to("visitor")
    async def choose(self, ref: uuid.UUID) -> None:
        await run(access.choose, ref, visit_of(self), clock.now())
        await self._refresh(clock.now())

    @open_to("visitor")
    async def confirm_coming(self, ref: uuid.UUID) -> Any:
        return await self._do(_confirm_coming, ref, done=t("Thank you. We look forward to seeing you."))

    @open_to("visitor")
    async def leave_waitlist(self, ref: uuid.UUID) -> Any:
        return await self._do(_leave_waitlist, ref, done=t("We will not offer you earlier times any more."))

    @open_to("visitor")
    async def keep_wish(self, ref: uuid.UUID) -> Any:
        return await self._do(_keep_wish, ref, done=t("You are on the list again, in your old place."))

    async def _do(self, work: Any, ref: uuid.UUID, *arguments: Any, done: str) -> Any:
        """One step on one's own appointment; the page then shows what is true, also after a refusal."""
        try:
            await run(work, ref, *arguments, visit=visit_of(self), now=clock.now())
            answer = rx.toast.success(done)
        except MedcalError as refusal:
            answer = rx.toast.error(str(refusal))
        await self._refresh(clock.now())
        return answer


def _cards(db: Session, visit: str, now: datetime) -> tuple[list[AppointmentCard], list[WishCard]]:
    offer = access.current_offer(db, visit, now)
    appointments = access.what_may_be_seen(db, visit, now)
    without = [wish for wish in access.wishes_seen(db, visit, now) if wish.appointment_id is None]
    cards = [card_of(db, appointment, offer, now) for appointment in appointments]
    return cards, [card for wish in without if (card := wish_card(db, wish, offer, now)).is_listed]


def card_of(db: Session, appointment: Appointment, offer: Offer | None, now: datetime) -> AppointmentCard:
    """What the patient reads about one of her appointments; `offer` is what her browser may answer."""
    doctor = db.get_one(Doctor, appointment.doctor_id)
    wish = waitlist.entry_of(db, appointment.id or 0)
    return AppointmentCard.of(
        appointment,
        db.get_one(Patient, appointment.patient_id).name,
        doctor,
        db.get_one(Specialty, doctor.specialty_id),
        db.get_one(VisitType, appointment.visit_type_id),
        db.get_one(Location, appointment.location_id),
        wish_card(db, wish, offer, now) if wish else WishCard(),
        now,
    )


def _confirm_coming(db: Session, ref: uuid.UUID, *, visit: str, now: datetime) -> None:
    booking.confirm_coming(db, access.get_seen(db, ref, visit, now), now=now)


class CancelState(rx.State):
    """Asks before an appointment is cancelled."""

    is_open: bool = False
    problems: dict[str, str] = {}
    _ref: uuid.UUID | None = None
    _reason: str = ""

    @open_to("visitor")
    def open(self, ref: uuid.UUID) -> None:
        self._ref, self._reason, self.is_open = ref, "", True

    @open_to("anyone")
    def close(self) -> None:
        self.is_open = False

    @open_to("visitor")
    def set_reason(self, reason: str) -> None:
        self._reason = reason

    @open_to("visitor")
    async def confirm(self) -> Any:
        self.is_open = False
        if self._ref is None:
            return None
        own = await self.get_state(AppointmentState)
        done = t("Your appointment is cancelled. The time is free for somebody else.")
        return await own._do(_cancel, self._ref, self._reason, done=done)


def _cancel(db: Session, ref: uuid.UUID, reason: str, *, visit: str, now: datetime) -> None:
    changes.cancel(db, access.get_seen(db, ref, visit, now), reason=reason.strip(), by=PATIENT, now=now)


def _leave_waitlist(db: Session, ref: uuid.UUID, *, visit: str, now: datetime) -> None:
    appointment = access.get_seen(db, ref, visit, now)
    waitlist.leave(db, appointment.id or 0, by=PATIENT, now=now)


def _keep_wish(db: Session, ref: uuid.UUID, *, visit: str, now: datetime) -> None:
    wish = waitlist.entry_of(db, access.get_seen(db, ref, visit, now).id or 0)
    if wish is None:
        raise NotFound
    waitlist.resume(db, wish.id or 0, by=PATIENT, now=now)


class MoveState(rx.State):
    """Choosing another time for an appointment, from the same list that books."""

    is_open: bool = False
    ref: str = ""
    days: list[DayOfTimes] = []
    has_times: bool = False
    first_free: str = ""
    has_earlier: bool = False
    has_later: bool = True
    problem: str = ""
    _offset: int = 0
    _leads_to: int = 0

    @open_to("visitor")
    async def open(self, ref: uuid.UUID) -> None:
        self.ref, self._offset, self.problem, self.is_open = str(ref), 0, "", True
        await self._show_times()

    @open_to("anyone")
    def close(self) -> None:
        self.is_open = False

    @open_to("visitor")
    async def show_later(self) -> None:
        self._offset = fortnights.later(self._offset)
        await self._show_times()

    @open_to("visitor")
    async def show_earlier(self) -> None:
        self._offset = fortnights.earlier(self._offset)
        await self._show_times()

    @open_to("visitor")
    async def show_first(self) -> None:
        """From a fortnight without a free time to the one that has the first."""
        self._offset = self._leads_to
        await self._show_times()

    async def _show_times(self) -> None:
        try:
            found = await run(_times_to_move, uuid.UUID(self.ref), self._offset, visit=visit_of(self), now=clock.now())
        except MedcalError as refusal:
            found, self.problem = Fortnight([], has_times=False), str(refusal)
        self.days, self.has_times = found.days, found.has_times
        self.first_free, self._leads_to = found.first_free, found.leads_to
        self.has_earlier, self.has_later = self._offset > 0, fortnights.has_later(self._offset)

    @open_to("visitor")
    async def move(self, doctor: str, starts_at: datetime) -> Any:
        """Take the new time and let the old one go, in one step; a refusal keeps the old one."""
        self.problem = ""
        try:
            await run(_move, uuid.UUID(self.ref), doctor, starts_at, visit=visit_of(self), now=clock.now())
        except (MedcalError, ValueError) as refusal:
            self.problem = (
                str(refusal) if isinstance(refusal, MedcalError) else t("Please open your appointment again.")
            )
            await self._show_times() if self.ref else None
            return None
        self.is_open = False
        own = await self.get_state(AppointmentState)
        await own._refresh(clock.now())
        return rx.toast.success(t("Your appointment has been moved. We have sent you the new time."))


def _times_to_move(db: Session, ref: uuid.UUID, offset: int, *, visit: str, now: datetime) -> Fortnight:
    appointment = access.get_seen(db, ref, visit, now)
    booking.release_lapsed_holds(db, now)
    doctor, location = db.get_one(Doctor, appointment.doctor_id), db.get_one(Location, appointment.location_id)
    visit_type = db.get_one(VisitType, appointment.visit_type_id)
    return fortnights.read(db, doctor, location, visit_type, offset, now)


def _move(db: Session, ref: uuid.UUID, slug: str, starts_at: datetime, *, visit: str, now: datetime) -> None:
    appointment = access.get_seen(db, ref, visit, now)
    changes.move_by_patient(db, appointment, directory.get_doctor(db, slug), starts_at, now=now)


class WishState(rx.State):
    """The form that asks for something earlier."""

    is_open: bool = False
    ref: str = ""
    problems: dict[str, str] = {}

    @open_to("visitor")
    def open(self, ref: uuid.UUID) -> None:
        self.ref, self.problems, self.is_open = str(ref), {}, True

    @open_to("anyone")
    def close(self) -> None:
        self.is_open = False

    @open_to("visitor")
    async def join(self, form: dict[str, Any]) -> Any:
        self.problems = {}
        try:
            consent = await shown_in(self, Purpose.waitlist)
            await run(_join, uuid.UUID(self.ref), form, consent, visit=visit_of(self), now=clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return None
        except (MedcalError, ValueError) as refusal:
            return rx.toast.error(
                str(refusal) if isinstance(refusal, MedcalError) else t("Please open your appointment again.")
            )
        self.is_open = False
        own = await self.get_state(AppointmentState)
        await own._refresh(clock.now())
        return rx.toast.success(t("You are on the list. We will write to you when something earlier opens."))


def _join(
    db: Session, ref: uuid.UUID, form: dict[str, Any], consent: Shown | None, *, visit: str, now: datetime
) -> None:
    appointment = access.get_seen(db, ref, visit, now)
    waitlist.join(db, appointment, replace(wish_of(form), consent=consent), by=PATIENT, now=now)
