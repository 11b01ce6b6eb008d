"""The rules of earlier offers, as an admin changes them: whose they are, the form, and what it would come to."""

from datetime import datetime, timedelta
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import offer_rules
from medcal.services.offer_rules import BOUNDS
from medcal.services.policy import Policy, Step
from medcal.state import live
from medcal.state.desk_answers import ref_in, ref_or_none
from medcal.state.forms import Check, Form, number_in
from medcal.state.ruled_places import RuledPlaceState
from medcal.state.session import actor_of
from medcal.viewmodels.offer_rules import (
    PlaceRules,
    StepRow,
    foreseen_sentence,
    limit_texts,
    place_rules,
    step_rows,
)

STEP_FIELDS = ("from_lead_hours", "answer_minutes", "group_size")
LIMIT_FIELDS = ("least_lead_minutes", "offers_per_week", "unanswered_before_pause")
# What the preview tells of; hours before the start.
LEADS = (168, 72, 24, 12, 6, 3, 1)
MOST_STEPS = 12


class OfferRulesState(RuledPlaceState, rx.State):
    """Steps and limits of offers, of the location or kind of visit that is open."""

    standing: str = ""
    steps: list[StepRow] = []
    limits: dict[str, str] = {}

    @open_to("admin")
    async def load(self) -> None:
        live.subscribe("settings", self)
        await self._load()

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
        keys = [step.key for step in self.steps]
        return await self._save(
            _set,
            lambda: policy_of(form, keys),
            t("Saved: these rules hold from now on. Open offers keep their time."),
        )

    @open_to("admin")
    async def forget(self) -> Any:
        """This kind of visit follows the location again."""
        return await self._forget(offer_rules.forget_rules, t("The rules of the location hold again."))

    async def _refresh(self, _now: datetime) -> None:
        """Nothing here changes by itself; the page watches so that it is emptied as soon as its session ends."""

    async def _read_places(self) -> None:
        self._list_places(await run(_places, actor_of(self)))

    async def _read_rules(self) -> None:
        here: PlaceRules = self._open_place()
        rules = await run(_rules, actor_of(self), self.place, self.visit)
        self.standing, self.steps, self.limits = here.standing, step_rows(rules), limit_texts(rules)
        self._draft = dict(self.limits)
        for step in self.steps:
            self._draft |= {f"{name}_{step.key}": getattr(step, name) for name in STEP_FIELDS}
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
    limits = {name: check(number_in, form, name, BOUNDS[name]) for name in LIMIT_FIELDS}
    found = [[check(number_in, form, f"{name}_{key}", BOUNDS[name]) for name in STEP_FIELDS] for key in keys]
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
    return offer_rules.rules_of(db, actor, ref_in(place), ref_or_none(visit))


def _set(db: Session, actor: Actor, place: str, visit: str, rules: Policy, now: datetime) -> None:
    offer_rules.set_rules(db, actor, ref_in(place), ref_or_none(visit), rules, now=now)


def _foreseen(db: Session, actor: Actor, place: str, rules: Policy, now: datetime) -> list[str]:
    leads = [timedelta(hours=hours) for hours in LEADS]
    return [foreseen_sentence(each) for each in offer_rules.foresee(db, actor, ref_in(place), rules, leads, now)]
