"""The rules of messages, as an admin changes them: reminders, how long the desk can take something back, quiet hours, and open ways."""

import uuid
from datetime import datetime, time
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, InvalidForm, MedcalError, NotFound
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import message_rules
from medcal.services.message_rules import BOUNDS, MOST_REMINDERS
from medcal.state.desk_answers import done, ref_in, refused
from medcal.state.forms import Check, Form, text
from medcal.state.offer_rules import FOCUS_FIRST_PROBLEM
from medcal.state.session import actor_of
from medcal.viewmodels.message_rules import (
    OpenWays,
    PlaceHabits,
    ReminderRow,
    foreseen_sentences,
    open_ways,
    place_habits,
    reminder_rows,
)
from medcal.viewmodels.patient import Choice


class MessageRulesState(rx.State):
    """The rules that are open. `visit` is empty for those of the location; `_draft` is what stands in the fields, by their keys."""

    places: list[Choice] = []
    visits: list[Choice] = []
    place: str = ""
    visit: str = ""
    has_own_rules: bool = False
    rows: list[ReminderRow] = []
    habits: dict[str, str] = {}
    problems: dict[str, str] = {}
    preview: list[str] = []
    ways: OpenWays = OpenWays([], [], [])
    # Changes with each reading, so that fields begin anew with what was read.
    edition: int = 0
    is_loaded: bool = False
    _draft: dict[str, str] = {}
    _places: list[PlaceHabits] = []

    @open_to("admin")
    async def load(self) -> None:
        await self._read_places()
        if self.places and not self.place:
            self.place = self.places[0].value
        if self.place:
            await self._read_rules()
        self.ways, self.is_loaded = open_ways(), True

    @open_to("admin")
    async def choose_place(self, ref: str) -> Any:
        return await self._choose(ref, "")

    @open_to("admin")
    async def choose_visit(self, ref: str) -> Any:
        return await self._choose(self.place, ref)

    @open_to("admin")
    def write(self, key: str, value: str) -> None:
        """Something was typed: what the reminders would come to changes with it."""
        if key in self._draft:
            self._draft[key] = value
            self._foresee()

    @open_to("admin")
    def add(self) -> None:
        if len(self.rows) < MOST_REMINDERS:
            key = str(1 + max((int(row.key) for row in self.rows), default=0))
            self._draft[key] = ""
            self.rows = [*self.rows, ReminderRow(key, "")]
            self._foresee()

    @open_to("admin")
    def remove(self, key: str) -> None:
        self._draft.pop(key, None)
        self.rows = [row for row in self.rows if row.key != key]
        self._foresee()

    @open_to("admin")
    async def save_reminders(self, form: dict[str, Any]) -> Any:
        """Send the reminders. What does not fit is said beside its field."""
        keys = [row.key for row in self.rows]
        return await self._save(
            _set_reminders,
            lambda: hours_of(form, keys),
            t("Saved: these reminders hold from now on. What has been written stays as it is."),
        )

    @open_to("admin")
    async def save_habits(self, form: dict[str, Any]) -> Any:
        """Send what holds for all messages of the location."""
        return await self._save(_set_habits, lambda: habits_of(form), t("Saved."))

    async def _save(self, work: Any, read_form: Any, sentence: str) -> Any:
        self.problems = {}
        try:
            await run(work, actor_of(self), self.place, self.visit, read_form(), clock.now())
        except InvalidForm as refusal:
            self.problems = refusal.problems
            return rx.call_script(FOCUS_FIRST_PROBLEM)
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return rx.call_script(FOCUS_FIRST_PROBLEM)
        except MedcalError as refusal:
            return refused(refusal)
        await self._read_places()
        await self._read_rules()
        return done(sentence)

    @open_to("admin")
    async def forget(self) -> Any:
        """This kind of visit follows the location again."""
        try:
            place, visit = ref_in(self.place), ref_in(self.visit)
            await run(message_rules.forget_reminders, actor_of(self), place, visit, now=clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._read_places()
        await self._read_rules()
        return done(t("The reminders of the location hold again."))

    async def _choose(self, place: str, visit: str) -> Any:
        before = self.place, self.visit
        self.place, self.visit = place, visit
        try:
            await self._read_rules()
        except MedcalError as refusal:
            self.place, self.visit = before
            return refused(refusal)
        return None

    async def _read_places(self) -> None:
        self._places = await run(_places, actor_of(self))
        self.places = [Choice(each.value, each.label) for each in self._places]

    async def _read_rules(self) -> None:
        here = next((each for each in self._places if each.value == self.place), None)
        if here is None:
            raise NotFound
        hours = await run(_hours, actor_of(self), self.place, self.visit)
        self.visits, self.habits, self.has_own_rules = here.visits, here.habits, self.visit in here.own
        self.rows, self.problems = reminder_rows(hours), {}
        self._draft = {row.key: row.hours for row in self.rows}
        self.edition += 1
        self._foresee()

    def _foresee(self) -> None:
        try:
            hours = [_number({"": typed}, "", "before_hours") for typed in self._draft.values()]
        except Invalid:
            # Half typed; said when it is sent.
            self.preview = []
        else:
            self.preview = foreseen_sentences(message_rules.foresee(hours))


def hours_of(form: Form, keys: list[str]) -> list[int]:
    """The reminders in a form whose rows have these keys. Raises InvalidForm with all that does not fit."""
    check, found = Check(), dict[str, int | None]()
    for key in keys:
        field = f"hours_{key}"
        found[field] = check(_number, form, field, "before_hours")
    seen: set[int] = set()
    for field, hours in found.items():
        if hours in seen:
            check.problems[field] = t("Another reminder is at the same time.")
        if hours is not None:
            seen.add(hours)
    check.done()
    return [hours for hours in found.values() if hours is not None]


def habits_of(form: Form) -> dict[str, Any]:
    """The fields that hold for all messages, by their columns. Raises InvalidForm."""
    check = Check()
    found = {
        "grace_seconds": check(_number, form, "grace_seconds", "grace_seconds"),
        "quiet_from": check(_wall_time, form, "quiet_from"),
        "quiet_until": check(_wall_time, form, "quiet_until"),
    }
    check.done()
    return found


def _number(form: Form, field: str, column: str) -> int:
    least, most = BOUNDS[column]
    given = text(form, field).strip()
    if not given.isascii() or not given.isdigit() or not least <= int(given[:9]) <= most:
        raise Invalid(t("Please give a number from {least} to {most}.", least=least, most=most), field)
    return int(given)


def _wall_time(form: Form, field: str) -> time:
    try:
        return time.fromisoformat(text(form, field)).replace(tzinfo=None, second=0, microsecond=0)
    except ValueError:
        raise Invalid(t("Please give a time of day, for example 09:30."), field) from None


def _places(db: Session, actor: Actor) -> list[PlaceHabits]:
    return [place_habits(each) for each in message_rules.places(db, actor)]


def _hours(db: Session, actor: Actor, place: str, visit: str) -> tuple[int, ...]:
    return message_rules.reminders_of(db, actor, ref_in(place), _visit(visit))


def _set_reminders(db: Session, actor: Actor, place: str, visit: str, hours: list[int], now: datetime) -> None:
    message_rules.set_reminders(db, actor, ref_in(place), _visit(visit), hours, now=now)


def _set_habits(db: Session, actor: Actor, place: str, _visit: str, habits: dict[str, Any], now: datetime) -> None:
    message_rules.set_habits(db, actor, ref_in(place), **habits, now=now)


def _visit(given: str) -> uuid.UUID | None:
    return ref_in(given) if given else None
