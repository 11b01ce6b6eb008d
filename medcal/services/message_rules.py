"""The rules of messages as an admin reads and changes them: reminders, how long the desk can take something back, and quiet hours."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlmodel import Session

from medcal.db import fetch
from medcal.errors import Invalid
from medcal.i18n import t
from medcal.models import Location
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import events, freed_time, reminders
from medcal.services.ruled_places import RuledVisit, find_place, find_visit_type_id, visits_by_place

# What the tables take, (least, most), by the names of their columns.
BOUNDS = {"before_hours": (1, 720), "grace_seconds": (0, 3600)}
# More would be a nuisance to whoever gets them.
MOST_REMINDERS = 6


@dataclass(frozen=True)
class RemindedPlace:
    """A location with what holds there for all messages, and its kinds of visit."""

    ref: uuid.UUID
    name: str
    grace_seconds: int
    quiet_from: time
    quiet_until: time
    visits: tuple[RuledVisit, ...]


def places(db: Session, actor: Actor) -> list[RemindedPlace]:
    """Every location with its kinds of visit: those of the specialties that somebody has there. Raises NotAllowed."""
    check(actor, Can.set_rules)
    rows = fetch(db, "SELECT location_id, visit_type_id FROM reminder_rule WHERE visit_type_id IS NOT NULL")
    return [
        RemindedPlace(
            ref=place.ref,
            name=place.name,
            grace_seconds=place.grace_seconds,
            quiet_from=place.quiet_from,
            quiet_until=place.quiet_until,
            visits=visits,
        )
        for place, visits in visits_by_place(db, {(row.location_id, row.visit_type_id) for row in rows})
    ]


# --- Reminders --------------------------------------------------------------------------------------------------------


def reminders_of(db: Session, actor: Actor, location_ref: uuid.UUID, visit_ref: uuid.UUID | None) -> tuple[int, ...]:
    """The reminders that hold at a location for a kind of visit, or (None) for all without their own, in hours before it.

    Raises NotAllowed, NotFound.
    """
    check(actor, Can.set_rules)
    location = find_place(db, location_ref)
    return tuple(reminders.hours_for(reminders.rules_of(db), location.id or 0, find_visit_type_id(db, visit_ref)))


def set_reminders(
    db: Session,
    actor: Actor,
    location_ref: uuid.UUID,
    visit_ref: uuid.UUID | None,
    hours: Sequence[int],
    *,
    now: datetime,
) -> None:
    """Replace them; what is new begins with visits whose moment is still to come. Raises NotAllowed, NotFound, Invalid."""
    check(actor, Can.set_rules)
    location, visit_type_id = find_place(db, location_ref), find_visit_type_id(db, visit_ref)
    _check_hours(hours, is_own=visit_type_id is not None)
    _replace(db, location, visit_type_id, hours, by=actor, now=now)


def forget_reminders(
    db: Session, actor: Actor, location_ref: uuid.UUID, visit_ref: uuid.UUID, *, now: datetime
) -> None:
    """A kind of visit follows the location's reminders again. Raises NotAllowed, NotFound."""
    check(actor, Can.set_rules)
    location, visit_type_id = find_place(db, location_ref), find_visit_type_id(db, visit_ref)
    _replace(db, location, visit_type_id, (), by=actor, now=now)


def _replace(
    db: Session, location: Location, visit_type_id: int | None, hours: Sequence[int], *, by: Actor, now: datetime
) -> None:
    """Other rules, and in the history what held before and what holds now."""
    old = _hours(db, location, visit_type_id)
    reminders.write_rules(db, location.id or 0, visit_type_id, hours, now=now)
    events.record(
        db,
        "reminders.changed",
        by=by,
        now=now,
        location_id=location.id,
        visit_type_id=visit_type_id,
        old={"hours": old},
        new={"hours": _hours(db, location, visit_type_id)},
    )


def _hours(db: Session, location: Location, visit_type_id: int | None) -> list[int]:
    return sorted(reminders.hours_for(reminders.rules_of(db), location.id or 0, visit_type_id))


def _check_hours(hours: Sequence[int], *, is_own: bool) -> None:
    least, most = BOUNDS["before_hours"]
    if is_own and not hours:
        raise Invalid(t("Please give at least one reminder, or use the location's."), "reminders")
    if len(hours) > MOST_REMINDERS:
        raise Invalid(t("At most {count} reminders are possible.", count=MOST_REMINDERS), "reminders")
    if len(set(hours)) < len(hours):
        raise Invalid(t("Two reminders are at the same time."), "reminders")
    if not all(least <= each <= most for each in hours):
        raise Invalid(t("Please give a number from {least} to {most}.", least=least, most=most), "reminders")


@dataclass(frozen=True)
class Foreseen:
    """A reminder so long before a visit; one that is late is still sent until `least` before it."""

    before: timedelta
    least: timedelta


def foresee(hours: Sequence[int]) -> list[Foreseen]:
    """What reminders come to, the earliest first."""
    return [
        Foreseen(timedelta(hours=each), reminders.least_lead(each, hours)) for each in sorted(set(hours), reverse=True)
    ]


# --- What holds for all messages --------------------------------------------------------------------------------------


def set_habits(
    db: Session,
    actor: Actor,
    location_ref: uuid.UUID,
    *,
    grace_seconds: int,
    quiet_from: time,
    quiet_until: time,
    now: datetime,
) -> None:
    """How long the desk can take something back at a location, and when nobody is written to there; the same time twice means never.

    What waits keeps the moment it was given. Raises NotAllowed, NotFound, Invalid.
    """
    check(actor, Can.set_rules)
    least, most = BOUNDS["grace_seconds"]
    if not least <= grace_seconds <= most:
        raise Invalid(t("Please give a number from {least} to {most}.", least=least, most=most), "grace_seconds")
    location = find_place(db, location_ref)
    new = {"grace_seconds": grace_seconds, "quiet_from": quiet_from, "quiet_until": quiet_until}
    old = {name: getattr(location, name) for name in new}
    location.sqlmodel_update(new)
    db.flush()
    freed_time.look_again(db, location.id or 0, now)
    events.record(
        db,
        "habits.changed",
        by=actor,
        now=now,
        location_id=location.id,
        old=old,
        new=new,
    )
