"""The first steps of a new clinic: where it is, what it treats, who works there."""

from typing import Any, Literal

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import first_steps, specialties
from medcal.services.first_steps import Progress
from medcal.state.desk_answers import done, refused
from medcal.state.forms import Form, is_ticked
from medcal.state.session import actor_of
from medcal.viewmodels.settings import ReadyRow


class SetupState(rx.State):
    """Which step is on the screen, and which are done. 4 is the end."""

    step: int = 1
    has_clinic: bool = False
    has_specialties: bool = False
    has_doctors: bool = False
    ready: list[ReadyRow] = []
    problem: str = ""
    is_loaded: bool = False

    @open_to("admin")
    async def load(self) -> None:
        """Go on where somebody stopped."""
        await self._read()
        steps = (self.has_clinic, self.has_specialties, self.has_doctors)
        self.step = next((number for number, is_done in enumerate(steps, 1) if not is_done), 4)
        self.is_loaded = True

    @open_to("admin")
    async def look(self) -> None:
        """Something was saved: the step that it completes gives way to the next one."""
        before = (self.has_clinic, self.has_specialties, self.has_doctors)
        await self._read()
        now = (self.has_clinic, self.has_specialties, self.has_doctors)
        if self.is_loaded and now != before and 1 <= self.step <= 3 and now[self.step - 1]:
            self.step += 1

    @open_to("admin")
    def go_to(self, step: Literal[1, 2, 3, 4]) -> None:
        """To a step that is done, or the one after."""
        done_before = (True, self.has_clinic, self.has_specialties, self.has_doctors)
        if done_before[step - 1]:
            self.step = step

    @open_to("admin")
    async def take(self, form: dict[str, Any]) -> Any:
        """Take the ticked ready-made specialties."""
        self.problem = ""
        try:
            count = await run(_take, actor_of(self), form)
        except MedcalError as refusal:
            return refused(refusal)
        if not count:
            self.problem = t("Please choose at least one specialty.")
            return None
        await self._read()
        self.step = 3
        return done(t("The specialties are there."))

    async def _read(self) -> None:
        found, ready = await run(_read, actor_of(self))
        self.has_clinic, self.has_specialties, self.has_doctors = (
            found.has_clinic,
            found.has_specialties,
            found.has_doctors,
        )
        self.ready = ready


def _read(db: Session, actor: Actor) -> tuple[Progress, list[ReadyRow]]:
    return first_steps.progress(db, actor), [ReadyRow.of(each) for each in specialties.ready_made(db, actor)]


def _take(db: Session, actor: Actor, form: Form) -> int:
    wanted = [each.slug for each in specialties.ready_made(db, actor) if is_ticked(form, f"take_{each.slug}")]
    return specialties.add_ready_made(db, actor, wanted, now=clock.now())
