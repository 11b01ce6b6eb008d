"""The rules of earlier offers as an admin reads and changes them: whose they are, within which bounds, and what they come to."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch
from medcal.models import Location
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import policy
from medcal.services.policy import AfterQuiet, Policy
from medcal.services.quiet_hours import end_of_quiet
from medcal.services.ruled_places import RuledVisit, find_place, find_visit_type_id, visits_by_place

# What the tables take, (least, most), by the names of their columns.
BOUNDS = {
    "from_lead_hours": (0, 2016),
    "answer_minutes": (15, 10080),
    "group_size": (1, policy.LARGEST_GROUP),
    "least_lead_minutes": (0, 10080),
    "offers_per_week": (1, 50),
    "unanswered_before_pause": (1, 20),
}


@dataclass(frozen=True)
class RuledPlace:
    """A location with what holds there for all offers, and its kinds of visit."""

    ref: uuid.UUID
    name: str
    answer_minutes: int
    quiet_from: time
    quiet_until: time
    visits: tuple[RuledVisit, ...]


def places(db: Session, actor: Actor) -> list[RuledPlace]:
    """Every location with its kinds of visit: those of the specialties that somebody has there. Raises NotAllowed."""
    _check(actor)
    rows = fetch(db, "SELECT location_id, visit_type_id FROM offer_policy WHERE visit_type_id IS NOT NULL")
    return [
        RuledPlace(
            ref=place.ref,
            name=place.name,
            answer_minutes=place.answer_minutes,
            quiet_from=place.quiet_from,
            quiet_until=place.quiet_until,
            visits=visits,
        )
        for place, visits in visits_by_place(db, {(row.location_id, row.visit_type_id) for row in rows})
    ]


def rules_of(db: Session, actor: Actor, location_ref: uuid.UUID, visit_ref: uuid.UUID | None) -> Policy:
    """The rules that hold at a location for a kind of visit, or (None) for all without their own. Raises NotAllowed, NotFound."""
    _check(actor)
    return policy.policy_for(db, find_place(db, location_ref), find_visit_type_id(db, visit_ref))


def set_rules(
    db: Session,
    actor: Actor,
    location_ref: uuid.UUID,
    visit_ref: uuid.UUID | None,
    rules: Policy,
    *,
    now: datetime,
) -> None:
    """Replace them. Raises NotAllowed, NotFound, Invalid with the name of the column that does not fit."""
    _check(actor)
    location = find_place(db, location_ref)
    policy.set_policy(db, location.id or 0, find_visit_type_id(db, visit_ref), rules, by=actor, now=now)


def forget_rules(db: Session, actor: Actor, location_ref: uuid.UUID, visit_ref: uuid.UUID, *, now: datetime) -> None:
    """A kind of visit follows the location's rules again. Raises NotAllowed, NotFound."""
    _check(actor)
    location, visit_type_id = find_place(db, location_ref), find_visit_type_id(db, visit_ref)
    assert visit_type_id is not None
    policy.forget_policy(db, location.id or 0, visit_type_id, by=actor, now=now)


def _check(actor: Actor) -> None:
    """Rules are settings, hence the admins'."""
    check(actor, Can.set_rules)


# --- What they come to ------------------------------------------------------------------------------------------------

# In the middle of a working morning, unless the clinic is quiet then: so that the night does not blur the rule.
_BY_DAY = time(10)


@dataclass(frozen=True)
class Foreseen:
    """With so long left before its start, a time goes to so many at once, with so long to answer; to nobody when `group_size` is 0."""

    lead: timedelta
    group_size: int
    answer: timedelta


def foresee(
    db: Session, actor: Actor, location_ref: uuid.UUID, rules: Policy, leads: Iterable[timedelta], now: datetime
) -> list[Foreseen]:
    """What would be done by day with times that are so far away, asked of the rules themselves. Raises NotAllowed, NotFound."""
    _check(actor)
    location = find_place(db, location_ref)
    asked_at = clock.instant_or_later(clock.local_day(now, location.zone_info), _BY_DAY, location.zone_info)
    asked_at = end_of_quiet(asked_at, location) or asked_at
    return [_foreseen(rules, location, asked_at, lead) for lead in leads]


def _foreseen(rules: Policy, location: Location, asked_at: datetime, lead: timedelta) -> Foreseen:
    plan = policy.next_round(rules, location, asked_at + lead, asked_at)
    if plan is None or isinstance(plan, AfterQuiet):
        return Foreseen(lead, 0, timedelta(0))
    step = policy.step_for(rules.steps, lead)
    assert step is not None
    # A long answer time runs on after the night; the rule reads better without it.
    return Foreseen(lead, plan.group_size, min(step.answer, plan.answer_until - asked_at))
