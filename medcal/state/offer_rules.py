"""The rules of earlier offers, as an admin changes them: whose they are, the form, and what it would come to."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, InvalidForm, MedcalError, NotFound
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import offer_rules
from medcal.services.offer_rules import BOUNDS
from medcal.services.policy import Policy, Step
from medcal.state import live
from medcal.state.desk_answers import done, ref_in, refused
from medcal.state.forms import Check, Form, text
from medcal.state.session import actor_of
from medcal.viewmodels.offer_rules import (
    PlaceRules,
    StepRow,
    foreseen_sentence,
    limit_texts,
    place_rules,
    step_rows,
)
from medcal.viewmodels.patient import Choice

STEP_FIELDS = ("from_lead_hours", "answer_minutes", "group_size")
LIMIT_FIELDS = ("least_lead_minutes", "offers_per_week", "unanswered_before_pause")
# What the preview tells of; hours before the start.
LEADS = (168, 72, 24, 12, 6, 3, 1)
MOST_STEPS = 12
# Rows come and go, so their fields have no names that rx.set_focus knows; they must be marked before one is looked for.
FOCUS_FIRST_PROBLEM = "setTimeout(() => document.querySelector('[aria-invalid=true]')?.focus(), 100)"


class OfferRulesState(rx.State):
    """The rules that are open. `visit` is empty for those of the location; `draft` is what stands in the fields, by their names."""

    places: list[Choice] = []
    visits: list[Choice] = []
    place: str = ""
    visit: str = ""
    standing: str = ""
    has_own_rules: bool = False
    steps: list[StepRow] = []
    limits: dict[str, str] = {}
    problems: dict[str, str] = {}
    preview: list[str] = []
    # Changes with each reading, so that fields begin anew with what was read.
    edition: int = 0
    is_loaded: bool = False
    _draft: dict[str, str] = {}
    _places: list[PlaceRules] = []

    @open_to("admin")
    async def load(self) -> None:
        live.subscribe("settings", self)
        await self._read_places()
        if self.places and not self.place:
            self.place = self.places[0].value
        if self.place:
            await self._read_rules()
        self.is_loaded = True

    @open_to("admin")
    async def choose_place(self, ref: str) -> Any:
        return await self._choose(ref, "")

    @open_to("admin")
    async def choose_visit(self, ref: str) -> Any:
        return await self._choose(self.place, ref)

    @open_to("admin")
    async def write(self, field: str, value: str) -> None:
        """Something was typed: what the rules would come to changes with it."""
        if field in self._draft:
            self._draft[field] = value
            await self._foresee()

    @open_to("admin")
    async def add_step(self) -> None:
        if len(self.steps) < MOST_STEPS:
            key = str(1 + max((int(step.key) for step in self.steps), default=0))
            self._draft |= {f"{name}_{key}": "" for name in STEP_FIELDS}
            self.steps = [*self.steps, StepRow(key, "", "", "")]
            await self._foresee()

    @open_to("admin")
    async def remove_step(self, key: str) -> None:
        self.steps = [step for step in self.steps if step.key != key]
        self._draft = {name: value for name, value in self._draft.items() if not name.endswith(f"_{key}")}
        await self._foresee()

    @open_to("admin")
    async def save(self, form: dict[str, Any]) -> Any:
        """Send the form. What does not fit is said beside its field."""
        self.problems, keys = {}, [step.key for step in self.steps]
        try:
            await run(_set, actor_of(self), self.place, self.visit, policy_of(form, keys), clock.now())
        except InvalidForm as refusal:
            self.problems = refusal.problems
            return rx.call_script(FOCUS_FIRST_PROBLEM)
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return None
        except MedcalError as refusal:
            return refused(refusal)
        await self._read_places()
        await self._read_rules()
        return done(t("Saved: these rules hold from now on. Open offers keep their time."))

    @open_to("admin")
    async def forget(self) -> Any:
        """This kind of visit follows the location again."""
        try:
            place, visit = ref_in(self.place), ref_in(self.visit)
            await run(offer_rules.forget_rules, actor_of(self), place, visit, now=clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._read_places()
        await self._read_rules()
        return done(t("The rules of the location hold again."))

    async def _refresh(self, _now: datetime) -> None:
        """Nothing here changes by itself; the page watches so that it is emptied as soon as its session ends."""

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
        rules = await run(_rules, actor_of(self), self.place, self.visit)
        self.visits, self.standing = here.visits, here.standing
        self.has_own_rules = self.visit in here.own
        self.steps, self.limits, self.problems = step_rows(rules), limit_texts(rules), {}
        self._draft = dict(self.limits)
        for step in self.steps:
            self._draft |= {f"{name}_{step.key}": getattr(step, name) for name in STEP_FIELDS}
        self.edition += 1
        await self._foresee()

    async def _foresee(self) -> None:
        try:
            rules = policy_of(self._draft, [step.key for step in self.steps])
        except MedcalError:
            # Half typed; said when it is sent.
            self.preview = []
            return
        self.preview = await run(_foreseen, actor_of(self), self.place, rules, clock.now())


def policy_of(form: Form, keys: list[str]) -> Policy:
    """The rules in a form whose steps have these keys. Raises InvalidForm with all that does not fit."""
    check = Check()
    limits = {name: check(_number, form, name, name) for name in LIMIT_FIELDS}
    found = [[check(_number, form, f"{name}_{key}", name) for name in STEP_FIELDS] for key in keys]
    _refuse_twice(check, [(key, lead) for key, (lead, *_) in zip(keys, found, strict=True)])
    if not keys:
        check.problems["steps"] = t("Please give at least one step.")
    check.done()
    steps = [
        Step(timedelta(hours=lead or 0), timedelta(minutes=answer or 0), size or 0) for lead, answer, size in found
    ]
    return Policy(
        tuple(steps),
        timedelta(minutes=limits["least_lead_minutes"] or 0),
        limits["offers_per_week"] or 0,
        limits["unanswered_before_pause"] or 0,
    )


def _number(form: Form, field: str, column: str) -> int:
    least, most = BOUNDS[column]
    given = text(form, field).strip()
    if not given.isascii() or not given.isdigit() or not least <= int(given[:9]) <= most:
        raise Invalid(t("Please give a number from {least} to {most}.", least=least, most=most), field)
    return int(given)


def _refuse_twice(check: Check, leads: list[tuple[str, int | None]]) -> None:
    seen: set[int] = set()
    for key, lead in leads:
        if lead in seen:
            check.problems[f"from_lead_hours_{key}"] = t("Another step begins there already.")
        if lead is not None:
            seen.add(lead)


def _places(db: Session, actor: Actor) -> list[PlaceRules]:
    return [place_rules(each) for each in offer_rules.places(db, actor)]


def _rules(db: Session, actor: Actor, place: str, visit: str) -> Policy:
    return offer_rules.rules_of(db, actor, ref_in(place), _visit(visit))


def _set(db: Session, actor: Actor, place: str, visit: str, rules: Policy, now: datetime) -> None:
    offer_rules.set_rules(db, actor, ref_in(place), _visit(visit), rules, now=now)


def _visit(given: str) -> uuid.UUID | None:
    return ref_in(given) if given else None


def _foreseen(db: Session, actor: Actor, place: str, rules: Policy, now: datetime) -> list[str]:
    leads = [timedelta(hours=hours) for hours in LEADS]
    return [foreseen_sentence(each) for each in offer_rules.foresee(db, actor, ref_in(place), rules, leads, now)]
