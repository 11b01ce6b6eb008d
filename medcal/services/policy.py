"""The policy of earlier offers: how many are asked at once and for how long, by the time left. Data from the database, pure decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal.db import changed, fetch, fetch_one
from medcal.errors import Invalid
from medcal.i18n import t
from medcal.models import Location
from medcal.models.policies import DEFAULT_STEPS
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import events, freed_time
from medcal.services.quiet_hours import answer_deadline, end_of_quiet

LEAST_ANSWER = timedelta(minutes=15)
LARGEST_GROUP = 10


@dataclass(frozen=True)
class Step:
    """From `from_lead` before the start on, `group_size` people are asked at once and have `answer` for it."""

    from_lead: timedelta
    answer: timedelta
    group_size: int


@dataclass(frozen=True)
class Policy:
    """The rules by which a time is offered. Nearer to its start than `least_lead` nobody is asked, and no answer time runs."""

    steps: tuple[Step, ...]
    least_lead: timedelta = timedelta(hours=2)
    offers_per_week: int = 3
    unanswered_before_pause: int = 3


# --- Decisions --------------------------------------------------------------------------------------------------------


def step_for(steps: Iterable[Step], lead: timedelta) -> Step | None:
    """The step that rules so long before the start: the farthest one that the lead still reaches; None nearer than all."""
    return max((step for step in steps if step.from_lead <= lead), key=lambda step: step.from_lead, default=None)


@dataclass(frozen=True)
class Round:
    """Ask so many people now, until then."""

    group_size: int
    answer_until: datetime


@dataclass(frozen=True)
class AfterQuiet:
    """Nobody is written to now; look again then."""

    at: datetime


def next_round(policy: Policy, location: Location, starts_at: datetime, now: datetime) -> Round | AfterQuiet | None:
    """What to do now with a time that is free; None when nobody could be asked, answer and come any more.

    The answer time stands still in quiet hours, is never under fifteen minutes, and never passes the start minus the least lead.
    """
    last_answer = starts_at - policy.least_lead
    asked_at = end_of_quiet(now, location) or now
    step = step_for(policy.steps, starts_at - asked_at)
    if step is None or answer_deadline(asked_at, location, LEAST_ANSWER) > last_answer:
        return None
    if asked_at > now:
        return AfterQuiet(asked_at)
    return Round(step.group_size, min(answer_deadline(now, location, step.answer), last_answer))


# --- The rows ---------------------------------------------------------------------------------------------------------


def default_policy(location: Location) -> Policy:
    """What a clinic begins with, and what rules where it has written nothing."""
    own = location.answer_minutes
    steps = (
        Step(timedelta(hours=lead), timedelta(minutes=minutes or own), size) for lead, minutes, size in DEFAULT_STEPS
    )
    return Policy(tuple(steps))


def policy_for(db: Session, location: Location, visit_type_id: int | None) -> Policy:
    """The rules for a time at a location: those of its kind of visit, else the location's, else the default."""
    rows = fetch(
        db,
        """SELECT p.least_lead_minutes, p.offers_per_week, p.unanswered_before_pause, s.from_lead_hours, s.answer_minutes, s.group_size
             FROM (SELECT * FROM offer_policy
                    WHERE location_id = %(location_id)s AND (visit_type_id = %(visit_type_id)s OR visit_type_id IS NULL)
                    ORDER BY visit_type_id NULLS LAST LIMIT 1) p
             LEFT JOIN offer_step s ON s.policy_id = p.id ORDER BY s.from_lead_hours DESC""",
        location_id=location.id,
        visit_type_id=visit_type_id,
    )
    return _policy(rows) if rows else default_policy(location)


def _policy(rows: Any) -> Policy:
    return Policy(
        steps=tuple(
            Step(timedelta(hours=row.from_lead_hours), timedelta(minutes=row.answer_minutes), row.group_size)
            for row in rows
            if row.from_lead_hours is not None
        ),
        least_lead=timedelta(minutes=rows[0].least_lead_minutes),
        offers_per_week=rows[0].offers_per_week,
        unanswered_before_pause=rows[0].unanswered_before_pause,
    )


def set_policy(
    db: Session, location_id: int, visit_type_id: int | None, policy: Policy, *, by: Actor, now: datetime
) -> None:
    """Replace the rules of a location, or of one kind of visit there. Offers that are open keep what they promised.

    Raises NotAllowed for anybody but an admin, Invalid.
    """
    check(by, Can.set_rules)
    _check(policy)
    old = _spoken(db, location_id, visit_type_id)
    write_policy(db, location_id, visit_type_id, policy)
    freed_time.look_again(db, location_id, now)
    _record(db, location_id, visit_type_id, old, by=by, now=now)


def _check(policy: Policy) -> None:
    if not policy.steps:
        raise Invalid(t("Please give at least one step."), "steps")
    if len({step.from_lead for step in policy.steps}) < len(policy.steps):
        raise Invalid(t("Two steps begin at the same time before the visit."), "steps")
    for step in policy.steps:
        if step.answer < LEAST_ANSWER:
            raise Invalid(t("People need at least 15 minutes to answer."), "answer_minutes")
        if not 1 <= step.group_size <= LARGEST_GROUP:
            raise Invalid(t("Between one and ten people can be asked at once."), "group_size")
    if not timedelta(0) <= policy.least_lead <= timedelta(days=7):
        raise Invalid(t("The least lead is between nothing and a week."), "least_lead_minutes")
    if not 1 <= policy.offers_per_week <= 50:
        raise Invalid(t("Between 1 and 50 offers a week are possible."), "offers_per_week")
    if not 1 <= policy.unanswered_before_pause <= 20:
        raise Invalid(t("Between 1 and 20 unanswered offers are possible."), "unanswered_before_pause")


def write_policy(db: Session, location_id: int, visit_type_id: int | None, policy: Policy) -> None:
    """Write the rules as they are; the tables refuse what cannot be."""
    row = fetch_one(
        db,
        """INSERT INTO offer_policy (location_id, visit_type_id, least_lead_minutes, offers_per_week, unanswered_before_pause)
           VALUES (%(location_id)s, %(visit_type_id)s, %(least_lead)s, %(per_week)s, %(unanswered)s)
           ON CONFLICT (location_id, visit_type_id) DO UPDATE
              SET least_lead_minutes = excluded.least_lead_minutes, offers_per_week = excluded.offers_per_week,
                  unanswered_before_pause = excluded.unanswered_before_pause
           RETURNING id""",
        location_id=location_id,
        visit_type_id=visit_type_id,
        least_lead=_minutes(policy.least_lead),
        per_week=policy.offers_per_week,
        unanswered=policy.unanswered_before_pause,
    )
    assert row is not None
    fetch(db, "DELETE FROM offer_step WHERE policy_id = %(id)s", id=row.id)
    fetch(
        db,
        """INSERT INTO offer_step (policy_id, from_lead_hours, answer_minutes, group_size)
           SELECT %(id)s, * FROM unnest(%(leads)s::int[], %(answers)s::int[], %(sizes)s::int[])""",
        id=row.id,
        leads=[_minutes(step.from_lead) // 60 for step in policy.steps],
        answers=[_minutes(step.answer) for step in policy.steps],
        sizes=[step.group_size for step in policy.steps],
    )
    changed(db)


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // 60


def write_default_policy(db: Session, location: Location) -> None:
    """The rules that a new location begins with, as rows that its admin can change."""
    assert location.id is not None
    write_policy(db, location.id, None, default_policy(location))


def forget_policy(db: Session, location_id: int, visit_type_id: int, *, by: Actor, now: datetime) -> None:
    """A kind of visit has no rules of its own any more; the location's hold for it. Raises NotAllowed for anybody but an admin."""
    check(by, Can.set_rules)
    old = _spoken(db, location_id, visit_type_id)
    fetch(
        db,
        "DELETE FROM offer_policy WHERE location_id = %(location_id)s AND visit_type_id = %(visit_type_id)s",
        location_id=location_id,
        visit_type_id=visit_type_id,
    )
    freed_time.look_again(db, location_id, now)
    _record(db, location_id, visit_type_id, old, by=by, now=now)


def _record(
    db: Session, location_id: int, visit_type_id: int | None, old: dict[str, Any] | None, *, by: Actor, now: datetime
) -> None:
    new = _spoken(db, location_id, visit_type_id)
    events.record(
        db, "policy.changed", by=by, now=now, location_id=location_id, visit_type_id=visit_type_id, old=old, new=new
    )


def _spoken(db: Session, location_id: int, visit_type_id: int | None) -> dict[str, Any] | None:
    """The rules that are written for just this, for the history; None where others hold."""
    row = fetch_one(
        db,
        """SELECT least_lead_minutes, offers_per_week, unanswered_before_pause,
                  ARRAY(SELECT concat_ws(' / ', from_lead_hours || ' h', answer_minutes || ' min', group_size) FROM offer_step s
                         WHERE s.policy_id = p.id ORDER BY from_lead_hours DESC) AS steps
             FROM offer_policy p WHERE location_id = %(location_id)s AND visit_type_id IS NOT DISTINCT FROM %(visit_type_id)s""",
        location_id=location_id,
        visit_type_id=visit_type_id,
    )
    return row._asdict() if row else None
