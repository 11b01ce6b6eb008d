"""The rules of messages, as an admin changes them: reminders, how long the desk can take something back, quiet hours, and open ways."""

from datetime import datetime, time
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import message_rules
from medcal.services.message_rules import BOUNDS, MOST_REMINDERS
from medcal.state.desk_answers import ref_in, ref_or_none
from medcal.state.forms import Check, Form, number_in, text
from medcal.state.ruled_places import RuledPlaceState
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


class MessageRulesState(RuledPlaceState, rx.State):
    """Reminders and what else holds for all messages, of the location or kind of visit that is open."""

    rows: list[ReminderRow] = []
    habits: dict[str, str] = {}
    ways: OpenWays = OpenWays([], [], [])

    @open_to("admin")
    async def load(self) -> None:
        self.ways = open_ways()
        await self._load()

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

    @open_to("admin")
    async def forget(self) -> Any:
        """This kind of visit follows the location again."""
        return await self._forget(message_rules.forget_reminders, t("The reminders of the location hold again."))

    async def _read_places(self) -> None:
        self._list_places(await run(_places, actor_of(self)))

    async def _read_rules(self) -> None:
        here: PlaceHabits = self._open_place()
        hours = await run(_hours, actor_of(self), self.place, self.visit)
        self.rows, self.habits = reminder_rows(hours), here.habits
        self._draft = {row.key: row.hours for row in self.rows}
        self._foresee()

    def _foresee(self) -> None:
        try:
            hours = [number_in({"": typed}, "", BOUNDS["before_hours"]) for typed in self._draft.values()]
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
        found[field] = check(number_in, form, field, BOUNDS["before_hours"])
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
        "grace_seconds": check(number_in, form, "grace_seconds", BOUNDS["grace_seconds"]),
        "quiet_from": check(_wall_time, form, "quiet_from"),
        "quiet_until": check(_wall_time, form, "quiet_until"),
    }
    check.done()
    return found


def _wall_time(form: Form, field: str) -> time:
    try:
        return time.fromisoformat(text(form, field)).replace(tzinfo=None, second=0, microsecond=0)
    except ValueError:
        raise Invalid(t("Please give a time of day, for example 09:30."), field) from None


def _places(db: Session, actor: Actor) -> list[PlaceHabits]:
    return [place_habits(each) for each in message_rules.places(db, actor)]


def _hours(db: Session, actor: Actor, place: str, visit: str) -> tuple[int, ...]:
    return message_rules.reminders_of(db, actor, ref_in(place), ref_or_none(visit))


def _set_reminders(db: Session, actor: Actor, place: str, visit: str, hours: list[int], now: datetime) -> None:
    message_rules.set_reminders(db, actor, ref_in(place), ref_or_none(visit), hours, now=now)


def _set_habits(db: Session, actor: Actor, place: str, _visit: str, habits: dict[str, Any], now: datetime) -> None:
    message_rules.set_habits(db, actor, ref_in(place), **habits, now=now)
