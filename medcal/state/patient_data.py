"""What a patient may ask for: a copy of all that is kept about her, and that it is erased."""

import uuid
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
from medcal.services import erasure, own_data, waitlist_book
from medcal.state.desk_answers import done, ref_in, refused
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.session import actor_of
from medcal.viewmodels.own_data import as_page


class PatientDataState(rx.State):
    """About the patient of the open appointment. `asks_about` is whom it asks about erasing, so that another one's dialog does not ask."""

    asks_about: str = ""

    @open_to("reception", "admin")
    async def to_read(self) -> Any:
        """As a page."""
        return await self._give("html")

    @open_to("reception", "admin")
    async def to_process(self) -> Any:
        """As JSON."""
        return await self._give("json")

    @open_to("admin")
    async def ask(self) -> None:
        self.asks_about = (await self.get_state(OpenAppointmentState)).sheet.patient_ref

    @open_to("admin")
    def keep(self) -> None:
        self.asks_about = ""

    @open_to("admin")
    async def erase(self) -> Any:
        """For good. The dialog closes with her appointment, which has no patient any more."""
        opened = await self.get_state(OpenAppointmentState)
        wanted, self.asks_about = self.asks_about, ""
        try:
            await run(erasure.erase, actor_of(self), ref_in(wanted), now=clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        opened._close()
        return done(t("The patient was erased."))

    async def _give(self, form: str) -> Any:
        opened = await self.get_state(OpenAppointmentState)
        return await _handed_over(self, opened.sheet.patient_ref, form)


class WaitingPatientState(rx.State):
    """The same for somebody on the waitlist, who may have no appointment whose dialog could be opened."""

    is_open: bool = False
    name: str = ""
    asks: bool = False
    _patient: str = ""

    @open_to("reception", "admin")
    async def open(self, ref: uuid.UUID) -> Any:
        """By her wish."""
        try:
            patient = await run(waitlist_book.who_wishes, actor_of(self), ref)
        except MedcalError as refusal:
            return refused(refusal)
        self._patient, self.name, self.asks, self.is_open = str(patient.ref), patient.name, False, True
        return None

    @open_to("reception", "admin")
    def set_open(self, is_open: bool) -> None:
        if not is_open:
            self._close()

    def _close(self) -> None:
        self.is_open, self._patient, self.name, self.asks = False, "", "", False

    @open_to("reception", "admin")
    async def to_read(self) -> Any:
        """As a page."""
        return await _handed_over(self, self._patient, "html")

    @open_to("reception", "admin")
    async def to_process(self) -> Any:
        """As JSON."""
        return await _handed_over(self, self._patient, "json")

    @open_to("admin")
    def ask(self) -> None:
        self.asks = True

    @open_to("admin")
    def keep(self) -> None:
        self.asks = False

    @open_to("admin")
    async def erase(self) -> Any:
        """For good; her wishes end with it, and the list shows it."""
        wanted, self.asks = self._patient if self.asks else "", False
        try:
            await run(erasure.erase, actor_of(self), ref_in(wanted), now=clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        self._close()
        return done(t("The patient was erased."))


async def _handed_over(state: rx.State, patient: str, form: str) -> Any:
    try:
        text = await run(_data, actor_of(state), ref_in(patient), form, clock.now())
    except MedcalError as refusal:
        return refused(refusal)
    # No name in the file's name: it stands in lists of downloads and in logs.
    return rx.download(data=text.encode(), filename=f"patient-data.{form}")


def _data(db: Session, actor: Actor, ref: uuid.UUID, form: str, now: datetime) -> str:
    found = own_data.give(db, actor, ref, now=now)
    return as_page(found) if form == "html" else found.as_json()
