"""What the pages of rules share: whose rules are open, and what follows when they are sent or forgotten."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import reflex as rx

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, InvalidForm, MedcalError, NotFound
from medcal.state.desk_answers import done, focus_first_problem, problems_of, ref_in, refused
from medcal.state.session import actor_of
from medcal.viewmodels.patient import Choice


class RuledPlace(Protocol):
    """A location to choose, with its kinds of visit, and those of them that have rules of their own."""

    value: str
    label: str
    visits: list[Choice]
    own: frozenset[str]


class RuledPlaceState(rx.State, mixin=True):
    """The rules that are open. `visit` is empty for those of the location; `_draft` is what stands in the fields, by their names.

    A page adds `_read_places`, which fills `_places`, and `_read_rules`, which begins with `_open_place`.
    """

    places: list[Choice] = []
    visits: list[Choice] = []
    place: str = ""
    visit: str = ""
    has_own_rules: bool = False
    problems: dict[str, str] = {}
    preview: list[str] = []
    # Changes with each reading, so that fields begin anew with what was read.
    edition: int = 0
    is_loaded: bool = False
    _draft: dict[str, str] = {}
    _places: list[Any] = []

    @open_to("admin")
    async def choose_place(self, ref: str) -> Any:
        return await self._choose(ref, "")

    @open_to("admin")
    async def choose_visit(self, ref: str) -> Any:
        return await self._choose(self.place, ref)

    async def _read_places(self) -> None:
        raise NotImplementedError

    async def _read_rules(self) -> None:
        raise NotImplementedError

    async def _load(self) -> None:
        await self._read_places()
        if self.places and not self.place:
            self.place = self.places[0].value
        if self.place:
            await self._read_rules()
        self.is_loaded = True

    def _list_places(self, places: list[Any]) -> None:
        self._places = places
        self.places = [Choice(each.value, each.label) for each in places]

    def _open_place(self) -> Any:
        """The location whose rules are open, of the page's own kind. Raises NotFound."""
        here: RuledPlace | None = next((each for each in self._places if each.value == self.place), None)
        if here is None:
            raise NotFound
        self.visits, self.has_own_rules, self.problems = here.visits, self.visit in here.own, {}
        self.edition += 1
        return here

    async def _choose(self, place: str, visit: str) -> Any:
        before = self.place, self.visit
        self.place, self.visit = place, visit
        try:
            await self._read_rules()
        except MedcalError as refusal:
            self.place, self.visit = before
            return refused(refusal)
        return None

    async def _save(self, write: Callable[..., None], read_form: Callable[[], Any], sentence: str) -> Any:
        """Write what the form says. What does not fit is said beside its field."""
        self.problems = {}
        try:
            await run(write, actor_of(self), self.place, self.visit, read_form(), clock.now())
        except (Invalid, InvalidForm) as refusal:
            self.problems = problems_of(refusal)
            return focus_first_problem()
        except MedcalError as refusal:
            return refused(refusal)
        return await self._read_again(sentence)

    async def _forget(self, forget: Callable[..., None], sentence: str) -> Any:
        """This kind of visit follows the location again."""
        try:
            now: datetime = clock.now()
            await run(forget, actor_of(self), ref_in(self.place), ref_in(self.visit), now=now)
        except MedcalError as refusal:
            return refused(refusal)
        return await self._read_again(sentence)

    async def _read_again(self, sentence: str) -> Any:
        await self._read_places()
        await self._read_rules()
        return done(sentence)
