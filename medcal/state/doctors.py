"""The doctors of the clinic as an admin sets them up: the list, and the sheet of one."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, InvalidForm, MedcalError
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import clinic_settings, doctors, specialties
from medcal.services.doctors import DoctorSettings
from medcal.state.desk_answers import done, focus_first_problem, problems_of, ref_in, refused
from medcal.state.forms import Form, text
from medcal.state.hours import HoursState
from medcal.state.session import actor_of
from medcal.state.setup import SetupState
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.settings import NEW_DOCTOR, DoctorRow, doctor_fields, doctor_form

NEW = "new"


class DoctorsState(rx.State):
    """The list, and whose sheet is open: empty, "new", or a reference."""

    doctors: list[DoctorRow] = []
    specialties: list[Choice] = []
    places: list[Choice] = []
    editing: str = ""
    open_doctor: DoctorRow = DoctorRow()
    fields: dict[str, str] = NEW_DOCTOR
    problems: dict[str, str] = {}
    # Whose leaving is being asked about, and why it cannot be.
    leaving: str = ""
    refusal: str = ""
    # Changes with each reading, so that fields begin anew with what was read.
    edition: int = 0
    is_loaded: bool = False
    _before: DoctorSettings | None = None

    @open_to("admin")
    async def load(self) -> None:
        self.editing = self.leaving = ""
        await self._read()
        self.is_loaded = True

    @open_to("admin")
    async def add(self) -> None:
        await self._read()
        self.editing, self.fields, self.problems, self._before = NEW, NEW_DOCTOR, {}, None
        self.edition += 1

    @open_to("admin")
    async def edit(self, ref: uuid.UUID) -> Any:
        try:
            await self._open(str(ref))
        except MedcalError as refusal:
            return refused(refusal)
        return None

    @open_to("admin")
    async def close(self) -> None:
        self.editing = ""
        await self._read()

    @open_to("admin")
    async def save(self, form: dict[str, Any]) -> Any:
        """Send the form. A new doctor's sheet stays open, for her hours."""
        if not self.editing:
            return None
        self.problems = {}
        try:
            ref = await run(_save, actor_of(self), self._before, form, clock.now())
        except (Invalid, InvalidForm) as refusal:
            self.problems = problems_of(refusal)
            return focus_first_problem()
        except MedcalError as refusal:
            if self._before:
                await self._open(str(self._before.ref))
            return refused(refusal)
        await self._open(str(ref))
        return [done(t("The doctor is saved.")), SetupState.look()]

    @open_to("admin")
    def ask_to_leave(self, ref: str) -> None:
        """Ask before a doctor is taken out of use; nothing means no."""
        self.leaving, self.refusal = ref, ""

    @open_to("admin")
    async def take_out(self) -> Any:
        try:
            await run(doctors.take_out_of_use, actor_of(self), ref_in(self.leaving), now=clock.now())
        except MedcalError as refusal:
            self.refusal = str(refusal)
            return None
        self.leaving = ""
        return await self._after(done(t("Patients do not find this doctor any more.")))

    @open_to("admin")
    async def bring_back(self, ref: uuid.UUID) -> Any:
        return await self._do(doctors.bring_back, ref, t("Patients find this doctor again."))

    async def _do(self, verb: Callable[..., object], ref: uuid.UUID, sentence: str) -> Any:
        answer = done(sentence)
        try:
            await run(verb, actor_of(self), ref, now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        return await self._after(answer)

    async def _after(self, answer: Any) -> Any:
        await self._read()
        if self._before and self.editing == str(self._before.ref):
            await self._open(self.editing)
        return answer

    async def _read(self) -> None:
        self.doctors, self.specialties, self.places = await run(_lists, actor_of(self), clock.now())

    async def _open(self, ref: str) -> None:
        """Her sheet, as everything is now."""
        found = await run(doctors.get_settings, actor_of(self), ref_in(ref), clock.now())
        await self._read()
        self.editing, self.fields, self.problems = ref, doctor_fields(found), {}
        self.open_doctor, self._before = DoctorRow.of(found), found
        self.edition += 1
        await (await self.get_state(HoursState))._open(ref)


def _lists(db: Session, actor: Actor, now: datetime) -> tuple[list[DoctorRow], list[Choice], list[Choice]]:
    fields = specialties.list_specialties(db, actor)
    places = clinic_settings.list_clinics(db, actor)
    return (
        [DoctorRow.of(doctor) for doctor in doctors.list_doctors(db, actor, now)],
        [Choice(str(each.ref), t(each.details.name)) for each in fields],
        [Choice(str(each.ref), each.details.name) for each in places],
    )


def _save(db: Session, actor: Actor, before: DoctorSettings | None, form: Form, now: datetime) -> uuid.UUID:
    given = doctor_form({name: text(form, name) for name in NEW_DOCTOR}, before)
    details = doctors.check_details(given, now)
    if before is None:
        place = ref_in(text(form, "place")) if text(form, "place") else None
        return doctors.add_doctor(db, actor, details, place, now=now)
    doctors.change_doctor(db, actor, before.ref, details, seen=before.seen, now=now)
    return before.ref
