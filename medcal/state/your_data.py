"""A patient's own data: whose this browser may ask for, and the question before somebody is erased."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError
from medcal.i18n import t
from medcal.services import own_requests
from medcal.state.desk_answers import ref_in
from medcal.state.forms import text
from medcal.state.session import client_address, visit_of
from medcal.viewmodels.own_people import PersonLine


class YourDataState(rx.State):
    """The people; `asks_about` is whom it asks about erasing. Copies are handed over by api/your_data.py."""

    people: list[PersonLine] = []
    is_loaded: bool = False
    failure: str = ""
    asks_about: PersonLine = PersonLine()
    problems: dict[str, str] = {}

    @open_to("visitor")
    async def load(self) -> None:
        self.failure = _failures().get(self.router.url.query_parameters.get("failed", ""), "")
        self._keep()
        await self._refresh()

    async def _refresh(self) -> None:
        self.people = await run(_people, visit_of(self), clock.now())
        self.is_loaded = True

    @open_to("visitor")
    async def ask(self, ref: uuid.UUID) -> None:
        """Before somebody is erased. Who is not on the page is not asked about."""
        await self._refresh()
        self.problems = {}
        self.asks_about = next((person for person in self.people if person.ref == str(ref)), PersonLine())

    @open_to("anyone")
    def keep(self) -> None:
        self._keep()

    def _keep(self) -> None:
        self.asks_about, self.problems = PersonLine(), {}

    @open_to("visitor")
    async def erase(self, form: dict[str, Any]) -> Any:
        """For good, after the question."""
        now, self.problems = clock.now(), {}
        try:
            await run(own_requests.count_erasure, visit_of(self), client_address(self), now=now)
            await run(_erase, visit_of(self), self.asks_about.ref, form, now)
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return rx.set_focus(refusal.field)
        except MedcalError as refusal:
            self._keep()
            return rx.toast.error(str(refusal))
        self._keep()
        await self._refresh()
        return rx.toast.success(t("The data are erased."))


def _people(db: Session, visit: str, now: datetime) -> list[PersonLine]:
    return [PersonLine.of(person) for person in own_requests.people_of(db, visit, now=now)]


def _erase(db: Session, visit: str, asked_about: str, form: Mapping[str, Any], now: datetime) -> None:
    own_requests.erase_own(db, visit, ref_in(asked_about), born_on=_birth_in(form), now=now)


def _birth_in(form: Mapping[str, Any]) -> date | None:
    try:
        return date.fromisoformat(text(form, "born_on"))
    except ValueError:
        return None


def _failures() -> dict[str, str]:
    return {
        "wait": t("Too many tries. Please wait a few minutes and try again."),
        "form": t("Your code has run out. Please ask for a new one."),
    }
