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
from medcal.services import erasure, own_data
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
        try:
            text = await run(_data, actor_of(self), ref_in(opened.sheet.patient_ref), form, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        # No name in the file's name: it stands in lists of downloads and in logs.
        return rx.download(data=text.encode(), filename=f"patient-data.{form}")


def _data(db: Session, actor: Actor, ref: uuid.UUID, form: str, now: datetime) -> str:
    found = own_data.give(db, actor, ref, now=now)
    return as_page(found) if form == "html" else found.as_json()
