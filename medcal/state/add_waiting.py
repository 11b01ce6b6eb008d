"""The dialog that puts somebody on the waitlist who has no appointment yet."""

from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import waitlist_book
from medcal.services.desk import PatientForm
from medcal.services.waitlist_book import Wanted
from medcal.state.desk_answers import done, ref_in, refused
from medcal.state.forms import Form, text, wish_of
from medcal.state.session import actor_of
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.staff_lists import WishChoice


class AddWaitingState(rx.State):
    """What can be waited for in the chosen specialty, and what is wrong with the form."""

    is_open: bool = False
    specialty: str = ""
    specialties: list[Choice] = []
    visits: list[Choice] = []
    doctors: list[Choice] = []
    problems: dict[str, str] = {}
    _choices: list[WishChoice] = []

    @open_to("reception", "admin")
    async def open(self) -> Any:
        try:
            self._choices = await run(_choices, actor_of(self))
        except MedcalError as refusal:
            return refused(refusal)
        self.specialties = [Choice(each.value, each.label) for each in self._choices]
        self.problems, self.is_open = {}, True
        self._show(self._choices[0].value if self._choices else "")
        return None

    @open_to("reception", "admin")
    def set_open(self, is_open: bool) -> None:
        self.is_open = is_open

    @open_to("reception", "admin")
    def choose_specialty(self, ref: str) -> None:
        self._show(ref)

    @open_to("reception", "admin")
    async def add(self, form: dict[str, Any]) -> Any:
        """Send the form. What does not fit is said beside its field."""
        self.problems = {}
        try:
            await run(_add, actor_of(self), form, clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return rx.set_focus(refusal.field) if refusal.field else None
        except MedcalError as refusal:
            return refused(refusal)
        self.is_open = False
        return done(t("On the list."))

    def _show(self, specialty: str) -> None:
        chosen = next((each for each in self._choices if each.value == specialty), None)
        self.specialty = specialty
        self.visits, self.doctors = (chosen.visits, chosen.doctors) if chosen else ([], [])


def _choices(db: Session, actor: Actor) -> list[WishChoice]:
    return [WishChoice.of(each) for each in waitlist_book.what_can_be_wished(db, actor)]


def _add(db: Session, actor: Actor, form: Form, now: datetime) -> None:
    doctor = text(form, "doctor")
    wanted = Wanted(ref_in(text(form, "visit_type")), ref_in(doctor) if doctor else None, wish_of(form))
    patient = PatientForm(
        name=text(form, "name"), born_on=text(form, "born_on"), email=text(form, "email"), phone=text(form, "phone")
    )
    waitlist_book.add_waiting(db, actor, patient, wanted, now=now)
