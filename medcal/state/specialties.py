"""Specialties and their kinds of visit as an admin sets them up: two lists and two dialogs."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, InvalidForm, MedcalError, NotFound
from medcal.i18n import t
from medcal.models import VisitType
from medcal.security import Actor
from medcal.services import specialties, visit_types
from medcal.services.specialties import SpecialtyDetails, SpecialtySettings
from medcal.services.visit_types import VisitDetails
from medcal.state.desk_answers import done, focus_first_problem, problems_of, ref_in, refused
from medcal.state.forms import Form, text
from medcal.state.session import actor_of
from medcal.state.setup import SetupState
from medcal.viewmodels.settings import (
    NEW_SPECIALTY,
    NEW_VISIT,
    SpecialtyRow,
    specialty_fields,
    specialty_form,
    visit_fields,
    visit_form,
)

NEW = "new"


class SpecialtiesState(rx.State):
    """The list of the page, and the specialty whose dialog is open: empty, "new", or its reference."""

    specialties: list[SpecialtyRow] = []
    editing: str = ""
    fields: dict[str, str] = NEW_SPECIALTY
    problems: dict[str, str] = {}
    is_loaded: bool = False
    _before: SpecialtyDetails | None = None
    _seen: str = ""

    @open_to("admin")
    async def load(self) -> None:
        await self._read()
        self.is_loaded = True

    @open_to("admin")
    def add(self) -> None:
        self.editing, self.fields, self.problems = NEW, NEW_SPECIALTY, {}
        self._before, self._seen = None, ""

    @open_to("admin")
    async def edit(self, ref: uuid.UUID) -> Any:
        try:
            found = await run(_find, actor_of(self), ref)
        except MedcalError as refusal:
            return refused(refusal)
        self.editing, self.fields, self.problems = str(ref), specialty_fields(found.details), {}
        self._before, self._seen = found.details, found.seen
        return None

    @open_to("admin")
    def close(self) -> None:
        self.editing = ""

    @open_to("admin")
    async def save(self, form: dict[str, Any]) -> Any:
        """Send the form of the dialog; a second click finds it closed."""
        if not self.editing:
            return None
        self.problems = {}
        try:
            await run(_save, actor_of(self), self.editing, self._before, self._seen, form, clock.now())
        except (Invalid, InvalidForm) as refusal:
            self.problems = problems_of(refusal)
            return focus_first_problem()
        except MedcalError as refusal:
            return await self._after(refused(refusal))
        return await self._after(done(t("The specialty is saved.")))

    @open_to("admin")
    async def move(self, ref: uuid.UUID, by: Literal[-1, 1]) -> Any:
        return await self._do(specialties.move_specialty, ref, by)

    @open_to("admin")
    async def remove(self, ref: uuid.UUID) -> Any:
        return await self._do(specialties.remove_specialty, ref)

    async def _do(self, verb: Callable[..., object], *args: object) -> Any:
        """One step, then what is so now, whether it counted or was refused."""
        answer = None
        try:
            await run(verb, actor_of(self), *args, now=clock.now())
        except MedcalError as refusal:
            answer = refused(refusal)
        await self._read()
        return answer

    async def _after(self, answer: Any) -> Any:
        self.editing = ""
        await self._read()
        return [answer, SetupState.look()]

    async def _read(self) -> None:
        self.specialties = await run(_rows, actor_of(self))


def _rows(db: Session, actor: Actor) -> list[SpecialtyRow]:
    return [SpecialtyRow.of(each) for each in specialties.list_specialties(db, actor)]


def _find(db: Session, actor: Actor, ref: uuid.UUID) -> SpecialtySettings:
    found = next((each for each in specialties.list_specialties(db, actor) if each.ref == ref), None)
    if found is None:
        raise NotFound
    return found


def _save(
    db: Session, actor: Actor, ref: str, before: SpecialtyDetails | None, seen: str, form: Form, now: datetime
) -> None:
    details = specialties.check_details(specialty_form({name: text(form, name) for name in NEW_SPECIALTY}, before))
    if before is None:
        specialties.add_specialty(db, actor, details, now=now)
    else:
        specialties.change_specialty(db, actor, ref_in(ref), details, seen=seen, now=now)


class VisitTypesState(rx.State):
    """The kind of visit whose dialog is open: empty, "new" in a specialty, or its reference."""

    editing: str = ""
    specialty: str = ""
    fields: dict[str, str] = NEW_VISIT
    problems: dict[str, str] = {}
    _before: VisitDetails | None = None
    _seen: str = ""

    @open_to("admin")
    def add(self, specialty: uuid.UUID) -> None:
        self.editing, self.specialty, self.fields, self.problems = NEW, str(specialty), NEW_VISIT, {}
        self._before, self._seen = None, ""

    @open_to("admin")
    async def edit(self, ref: uuid.UUID) -> Any:
        try:
            found = await run(_find_visit, actor_of(self), ref)
        except MedcalError as refusal:
            return refused(refusal)
        self.editing, self.fields, self.problems = str(ref), visit_fields(found), {}
        self._before, self._seen = visit_types.details_of(found), visit_types.mark_of(found)
        return None

    @open_to("admin")
    def close(self) -> None:
        self.editing = ""

    @open_to("admin")
    async def save(self, form: dict[str, Any]) -> Any:
        """Send the form of the dialog; a second click finds it closed."""
        if not self.editing:
            return None
        self.problems = {}
        try:
            where = self.editing if self._before else self.specialty
            await run(_save_visit, actor_of(self), where, self._before, self._seen, form, clock.now())
        except (Invalid, InvalidForm) as refusal:
            self.problems = problems_of(refusal)
            return focus_first_problem()
        except MedcalError as refusal:
            self.editing = ""
            return [refused(refusal), SpecialtiesState.load()]
        self.editing = ""
        return [done(t("The kind of visit is saved.")), SpecialtiesState.load(), SetupState.look()]

    @open_to("admin")
    async def set_in_use(self, ref: uuid.UUID, is_active: bool) -> Any:
        return await self._do(visit_types.set_in_use, ref, is_active=is_active)

    @open_to("admin")
    async def move(self, ref: uuid.UUID, by: Literal[-1, 1]) -> Any:
        return await self._do(visit_types.move_visit, ref, by)

    @open_to("admin")
    async def remove(self, ref: uuid.UUID) -> Any:
        return await self._do(visit_types.remove_visit, ref)

    async def _do(self, verb: Callable[..., object], *args: object, **kwargs: object) -> Any:
        answers: list[Any] = []
        try:
            await run(verb, actor_of(self), *args, **kwargs, now=clock.now())
        except MedcalError as refusal:
            answers = [refused(refusal)]
        return [*answers, SpecialtiesState.load()]


def _find_visit(db: Session, actor: Actor, ref: uuid.UUID) -> VisitType:
    there = (visit for each in specialties.list_specialties(db, actor) for visit in each.visits)
    found = next((visit for visit in there if visit.ref == ref), None)
    if found is None:
        raise NotFound
    return found


def _save_visit(
    db: Session, actor: Actor, where: str, before: VisitDetails | None, seen: str, form: Form, now: datetime
) -> None:
    """`where` is the visit's own reference, or the specialty's that a new one comes to."""
    details = visit_types.check_details(visit_form({name: text(form, name) for name in NEW_VISIT}, before))
    if before is None:
        visit_types.add_visit(db, actor, ref_in(where), details, now=now)
    else:
        visit_types.change_visit(db, actor, ref_in(where), details, seen=seen, now=now)
