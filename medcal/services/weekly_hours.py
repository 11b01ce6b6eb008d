"""A doctor's week as an admin sets it: which hours from which day on, what that comes to, and who no longer fits in."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import fetch
from medcal.errors import ChangedMeanwhile, Invalid, NotFound
from medcal.i18n import t
from medcal.models import Doctor, Location, TimeOff, WorkingHours
from medcal.models.appointments import LIVE
from medcal.security import Actor
from medcal.services import doctors, events, schedules
from medcal.services.admin_desk import check_admin, seen_as
from medcal.services.availability import Cell, cells_of_day
from medcal.services.checks import Check, check_day, check_number, check_wall_time

RASTER_MINUTES = (5, 240)
# As many as a form can carry: three a day.
MOST_STRETCHES = 21
FORTNIGHT = 14
AHEAD = timedelta(days=2 * 366)


@dataclass(frozen=True, order=True)
class Hours:
    """Work without a break on a weekday (0 is Monday), on the location's wall clock."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class Week:
    """The hours that hold from a day on, and every how many minutes a visit may start."""

    hours: tuple[Hours, ...]
    raster_minutes: int
    valid_from: date


@dataclass(frozen=True)
class WeekSettings:
    """The hours that hold on a day. `raster_minutes` is None where they differ in it; `changes` are days on which others begin."""

    hours: tuple[Hours, ...]
    raster_minutes: int | None
    on: date
    changes: tuple[date, ...]
    zone: ZoneInfo
    seen: str


@dataclass(frozen=True)
class ForeseenDay:
    """A day as patients would find it if nobody had booked: stretches of work, and how many starts there are in them."""

    day: date
    stretches: tuple[tuple[datetime, datetime], ...]
    starts: int


@dataclass(frozen=True)
class Foreseen:
    """What hours come to: the first fortnight, appointments that no longer fit in, and later changes that they replace."""

    days: tuple[ForeseenDay, ...]
    misfits: tuple[datetime, ...]
    replaced: tuple[date, ...]


@dataclass(frozen=True)
class GivenHours:
    """A stretch as a form has it, known by its key."""

    key: str
    weekday: int
    opens: str
    closes: str


def check_week(given: Sequence[GivenHours], raster_minutes: str, valid_from: str) -> Week:
    """The week that a form describes. Raises InvalidForm with all that does not fit, by the fields opens_<key> and closes_<key>."""
    check = Check()
    raster = check(check_number, raster_minutes, "raster_minutes", RASTER_MINUTES)
    since = check(check_day, valid_from, "valid_from")
    found = [(each, check(_hours, each)) for each in given]
    if len(given) > MOST_STRETCHES:
        check.problems["hours"] = t("Please give no more than {count} stretches of work.", count=MOST_STRETCHES)
    _refuse_overlaps(check, sorted((hours, each.key) for each, hours in found if hours))
    check.done()
    assert raster is not None and since is not None
    return Week(tuple(sorted(hours for _, hours in found if hours)), raster, since)


def _hours(given: GivenHours) -> Hours:
    opens = check_wall_time(given.opens, f"opens_{given.key}")
    closes = check_wall_time(given.closes, f"closes_{given.key}")
    if opens >= closes:
        raise Invalid(t("The end must come after the beginning."), f"closes_{given.key}")
    return Hours(given.weekday, opens, closes)


def _refuse_overlaps(check: Check, in_order: Sequence[tuple[Hours, str]]) -> None:
    for (before, _), (after, key) in pairwise(in_order):
        if before.weekday == after.weekday and after.opens < before.closes:
            check.problems.setdefault(f"opens_{key}", t("This overlaps other hours of the day."))


# --- Reading ----------------------------------------------------------------------------------------------------------


def week_of(db: Session, actor: Actor, doctor_ref: uuid.UUID, now: datetime, on: date | None = None) -> WeekSettings:
    """The hours that hold on a day, by default today. Raises NotAllowed, NotFound."""
    check_admin(actor)
    doctor, location = _doctor(db, doctor_ref)
    today = clock.local_day(now, location.zone_info)
    day, rules = max(on or today, today), _rules(db, doctor)
    valid = [rule for rule in rules if _holds(rule, day)]
    rasters = {rule.raster_minutes for rule in valid}
    return WeekSettings(
        hours=tuple(sorted(Hours(rule.weekday, rule.opens, rule.closes) for rule in valid)),
        raster_minutes=rasters.pop() if len(rasters) == 1 else None,
        on=day,
        changes=_changes(rules, today),
        zone=location.zone_info,
        seen=_mark(rules),
    )


def _doctor(db: Session, ref: uuid.UUID) -> tuple[Doctor, Location]:
    found = db.exec(select(Doctor, Location).join(Location).where(Doctor.ref == ref)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _rules(db: Session, doctor: Doctor) -> Sequence[WorkingHours]:
    chosen = select(WorkingHours).where(WorkingHours.doctor_id == doctor.id)
    return db.exec(chosen.order_by(col(WorkingHours.weekday), col(WorkingHours.opens), col(WorkingHours.id))).all()


def _holds(rule: WorkingHours, day: date) -> bool:
    return rule.valid_from <= day and (rule.valid_until is None or day <= rule.valid_until)


def _changes(rules: Iterable[WorkingHours], after: date) -> tuple[date, ...]:
    """The days after a day on which hours begin or have just ended."""
    begin = {rule.valid_from for rule in rules}
    begin |= {rule.valid_until + timedelta(days=1) for rule in rules if rule.valid_until}
    return tuple(sorted(day for day in begin if day > after))


def _mark(rules: Iterable[WorkingHours]) -> str:
    return seen_as(sorted(_columns(rule) for rule in rules))


def _columns(rule: WorkingHours) -> tuple[Any, ...]:
    until = rule.valid_until or date.max
    return (rule.weekday, rule.opens, rule.closes, rule.raster_minutes, rule.valid_from, until)


# --- What they come to ------------------------------------------------------------------------------------------------


def rules_with(rules: Iterable[WorkingHours], week: Week, doctor_id: int) -> list[WorkingHours]:
    """The rules that hold when a week begins on its day: earlier ones end the day before, later ones never come."""
    last_day = week.valid_from - timedelta(days=1)
    kept = [
        _rule(doctor_id, rule, rule.raster_minutes, rule.valid_from, min(rule.valid_until or last_day, last_day))
        for rule in rules
        if rule.valid_from <= last_day
    ]
    return kept + [_rule(doctor_id, hours, week.raster_minutes, week.valid_from, None) for hours in week.hours]


def _rule(
    doctor_id: int, hours: Hours | WorkingHours, raster_minutes: int, since: date, until: date | None
) -> WorkingHours:
    return WorkingHours(
        doctor_id=doctor_id,
        weekday=hours.weekday,
        opens=hours.opens,
        closes=hours.closes,
        raster_minutes=raster_minutes,
        valid_from=since,
        valid_until=until,
    )


def foresee(db: Session, actor: Actor, doctor_ref: uuid.UUID, week: Week, now: datetime) -> Foreseen:
    """What a week would come to, asked of the rules themselves. Raises NotAllowed, NotFound."""
    check_admin(actor)
    doctor, location = _doctor(db, doctor_ref)
    rules = _rules(db, doctor)
    return Foreseen(
        days=_fortnight(db, doctor, location, rules_with(rules, week, doctor.id or 0), week.valid_from),
        misfits=_misfits(db, doctor, location, rules, week, now),
        replaced=_changes(rules, week.valid_from),
    )


def _fortnight(
    db: Session, doctor: Doctor, location: Location, rules: Sequence[WorkingHours], first: date
) -> tuple[ForeseenDay, ...]:
    zone = location.zone_info
    since, until = clock.day_start(first, zone), clock.day_end(first + timedelta(days=FORTNIGHT), zone)
    off = schedules.absences(db, doctor.id or 0, location.id, since, until)
    return tuple(_foreseen(rules, off, first + timedelta(days=offset), zone) for offset in range(FORTNIGHT))


def _foreseen(rules: Iterable[WorkingHours], off: Iterable[TimeOff], day: date, zone: ZoneInfo) -> ForeseenDay:
    cells = cells_of_day(rules, off, day, zone)
    return ForeseenDay(day, tuple(_stretches(cells)), len(cells))


def _stretches(cells: Iterable[Cell]) -> Iterable[tuple[datetime, datetime]]:
    """Unbroken work: what closes at the same instant belongs together, from its first start on."""
    first: dict[datetime, datetime] = {}
    for cell in cells:
        first.setdefault(cell.closes_at, cell.starts_at)
    return ((starts_at, closes_at) for closes_at, starts_at in first.items())


def _misfits(
    db: Session, doctor: Doctor, location: Location, rules: Sequence[WorkingHours], week: Week, now: datetime
) -> tuple[datetime, ...]:
    """The starts of appointments that lie in today's hours but not in the new ones. What was overbooked on purpose lay in none."""
    zone = location.zone_info
    rows = fetch(
        db,
        f"""SELECT a.starts_at, a.ends_at FROM appointment a WHERE a.doctor_id = %(id)s AND a.{LIVE}
             AND a.status IN ('booked', 'arrived') AND a.starts_at >= %(since)s ORDER BY a.starts_at""",
        id=doctor.id,
        since=max(now, clock.day_start(week.valid_from, zone)),
    )
    after = rules_with(rules, week, doctor.id or 0)
    return tuple(row.starts_at for row in rows if _is_within(rules, row, zone) and not _is_within(after, row, zone))


def _is_within(rules: Iterable[WorkingHours], visit: Any, zone: ZoneInfo) -> bool:
    cells = cells_of_day(rules, (), clock.local_day(visit.starts_at, zone), zone)
    return any(opens <= visit.starts_at and visit.ends_at <= closes for opens, closes in _stretches(cells))


# --- Setting ----------------------------------------------------------------------------------------------------------


def set_week(db: Session, actor: Actor, doctor_ref: uuid.UUID, week: Week, *, seen: str, now: datetime) -> int:
    """A week holds from its day on; openings and offers follow, appointments stay. Returns how many no longer fit in.

    Raises NotAllowed, NotFound, Invalid, ChangedMeanwhile when the page was read from other hours.
    """
    check_admin(actor)
    doctor = doctors.lock_doctor(db, doctor_ref)
    location, rules = db.get_one(Location, doctor.location_id), _rules(db, doctor)
    if seen != _mark(rules):
        raise ChangedMeanwhile
    _check_begin(week, clock.local_day(now, location.zone_info))
    misfits, after = _misfits(db, doctor, location, rules, week, now), rules_with(rules, week, doctor.id or 0)
    if _mark(after) != seen:
        schedules.set_hours(db, doctor.id or 0, after, by=actor, now=now)
        events.record(
            db,
            "schedule.changed",
            by=actor,
            now=now,
            doctor_id=doctor.id,
            old=_spoken(rule for rule in rules if rule.valid_until is None or rule.valid_until >= week.valid_from),
            new={**_spoken(week.hours), "raster_minutes": week.raster_minutes, "valid_from": week.valid_from},
        )
    return len(misfits)


def _spoken(hours: Iterable[Any]) -> dict[str, list[str]]:
    """Hours as the history keeps them: the weekday counted from 0, Monday, and the clock."""
    return {"hours": sorted(f"{each.weekday} {each.opens:%H:%M}-{each.closes:%H:%M}" for each in hours)}


def _check_begin(week: Week, today: date) -> None:
    if week.valid_from < today:
        raise Invalid(t("Hours can change from today on, not before."), "valid_from")
    if week.valid_from > today + AHEAD:
        raise Invalid(t("Please give a day within the next two years."), "valid_from")
