"""The clinic as an admin sets it up: where it is, its clock, and its closed days."""

import uuid
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, InvalidForm, MedcalError
from medcal.i18n import t, tn
from medcal.security import Actor
from medcal.services import clinic_settings, closures
from medcal.services.absences import Blocked
from medcal.services.checks import check_day
from medcal.services.clinic_settings import ClinicSettings
from medcal.state.clinic import ClinicState
from medcal.state.desk_answers import done, focus_first_problem, problems_of, ref_in, refused
from medcal.state.forms import Form, text
from medcal.state.session import actor_of
from medcal.state.setup import SetupState
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.settings import NEW_CLINIC, ClosureRow, clinic_fields


class ClinicSettingsState(rx.State):
    """The location that is open; without one the form begins the clinic."""

    places: list[Choice] = []
    place: str = ""
    fields: dict[str, str] = NEW_CLINIC
    zone_is_fixed: bool = False
    problems: dict[str, str] = {}
    # Changes with each reading, so that fields begin anew with what was read.
    edition: int = 0
    is_loaded: bool = False
    _seen: str = ""

    @open_to("admin")
    async def load(self) -> None:
        await self._read()
        self.is_loaded = True

    @open_to("admin")
    async def choose_place(self, ref: str) -> Any:
        self.place = ref
        await self._read()

    @open_to("admin")
    async def save(self, form: dict[str, Any]) -> Any:
        """Send the form. What does not fit is said beside its field."""
        self.problems = {}
        try:
            await run(_save, actor_of(self), self.place, self._seen, form, clock.now())
        except (Invalid, InvalidForm) as refusal:
            self.problems = problems_of(refusal)
            return focus_first_problem()
        except MedcalError as refusal:
            # Somebody else was faster: what is there now is shown.
            await self._read()
            return refused(refusal)
        await self._read()
        return [done(t("The clinic is saved.")), SetupState.look(), ClinicState.load()]

    async def _read(self) -> None:
        found = await run(clinic_settings.list_clinics, actor_of(self))
        self.places = [Choice(str(each.ref), each.details.name) for each in found]
        self._show(next((each for each in found if str(each.ref) == self.place), found[0] if found else None))

    def _show(self, clinic: ClinicSettings | None) -> None:
        self.place, self._seen = (str(clinic.ref), clinic.seen) if clinic else ("", "")
        self.fields = clinic_fields(clinic.details) if clinic else NEW_CLINIC
        self.zone_is_fixed, self.problems = clinic.zone_is_fixed if clinic else False, {}
        self.edition += 1


def _save(db: Session, actor: Actor, place: str, seen: str, form: Form, now: datetime) -> None:
    details = clinic_settings.check_details({name: text(form, name) for name in NEW_CLINIC})
    if place:
        clinic_settings.change_clinic(db, actor, ref_in(place), details, seen=seen, now=now)
    else:
        clinic_settings.open_clinic(db, actor, details, now=now)


class ClosuresState(rx.State):
    """Everybody's time off and the closed days that are to come."""

    closures: list[ClosureRow] = []
    problems: dict[str, str] = {}
    is_loaded: bool = False

    @open_to("admin")
    async def load(self) -> None:
        await self._read()
        self.is_loaded = True

    @open_to("admin")
    async def close(self, form: dict[str, Any]) -> Any:
        """Nobody works on these days; the answer says how many appointments lie in them."""
        self.problems = {}
        try:
            place = (await self.get_state(ClinicSettingsState)).place
            closed = await run(_close, actor_of(self), place, form, clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return None
        except MedcalError as refusal:
            return refused(refusal)
        await self._read()
        return done(_said(closed))

    @open_to("admin")
    async def end(self, ref: uuid.UUID) -> Any:
        """The time can be booked again."""
        answer = done(t("The time can be booked again."))
        try:
            await run(closures.end, actor_of(self), ref, now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._read()
        return answer

    async def _read(self) -> None:
        self.closures = await run(_closures, actor_of(self), clock.now())


def _closures(db: Session, actor: Actor, now: datetime) -> list[ClosureRow]:
    return [ClosureRow.of(each) for each in closures.list_coming(db, actor, now)]


def _close(db: Session, actor: Actor, place: str, form: Form, now: datetime) -> Blocked:
    first, last = check_day(text(form, "first"), "first"), check_day(text(form, "last") or text(form, "first"), "last")
    return closures.close_clinic(db, actor, ref_in(place), first, last, reason=text(form, "reason"), now=now)


def _said(closed: Blocked) -> str:
    if not closed.remaining:
        return t("The clinic is closed on these days.")
    return tn(
        "The clinic is closed on these days. {count} appointment lies in them and stays as it is.",
        "The clinic is closed on these days. {count} appointments lie in them and stay as they are.",
        closed.remaining,
    )
