"""What is free. The list, the booking and the explanation ask one question, `FITS`; the rules behind it are pure functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.models import TimeOff, VisitType, WorkingHours
from medcal.models.appointments import LIVE

# --- The rules: working hours minus time off, on the location's own clock -------------------------------------------


@dataclass(frozen=True, order=True)
class Stretch:
    """Unbroken work, half-open, in UTC. `starts` are the wall-clock times at which a visit may begin inside it."""

    starts_at: datetime
    ends_at: datetime
    raster: timedelta
    starts: tuple[tuple[time, datetime], ...] = ()


@dataclass(frozen=True, order=True)
class Cell:
    """A slot on a day, before anybody claims it."""

    starts_at: datetime
    ends_at: datetime
    closes_at: datetime
    starts: time


def cells_of_day(hours: Iterable[WorkingHours], time_off: Iterable[TimeOff], day: date, zone: ZoneInfo) -> list[Cell]:
    """The slots of one local day inside the working hours and outside the time off, in order.

    A wall-clock time that the day skips (spring) has no slot; one that occurs twice (autumn) is offered at its first occurrence.
    """
    pieces = [
        piece for rule in hours if _applies(rule, day) for piece in _without(_stretch(rule, day, zone), list(time_off))
    ]
    pieces.sort()
    closing = _closing_times(pieces)
    cells = {
        starts: Cell(starts_at, starts_at + piece.raster, closing[piece], starts)
        for piece in pieces
        for starts, starts_at in piece.starts
        if piece.starts_at <= starts_at and starts_at + piece.raster <= closing[piece]
    }
    return sorted(cells.values())


def _applies(rule: WorkingHours, day: date) -> bool:
    is_valid = rule.valid_from <= day and (rule.valid_until is None or day <= rule.valid_until)
    return is_valid and rule.weekday == day.weekday()


def _stretch(rule: WorkingHours, day: date, zone: ZoneInfo) -> Stretch:
    raster = timedelta(minutes=rule.raster_minutes)
    return Stretch(
        clock.instant_or_later(day, rule.opens, zone),
        clock.instant_or_later(day, rule.closes, zone),
        raster,
        tuple(
            (wall, at) for wall in _raster(rule.opens, rule.closes, raster) if (at := clock.instant(day, wall, zone))
        ),
    )


def _raster(opens: time, closes: time, step: timedelta) -> Iterable[time]:
    """Wall-clock times from `opens` on, before `closes`, on the same day."""
    at, end = datetime.combine(date.min, opens), datetime.combine(date.min, closes)
    while at < end:
        yield at.time()
        at += step


def _without(stretch: Stretch, time_off: Sequence[TimeOff]) -> list[Stretch]:
    """What remains of a stretch when absences are taken out of it."""
    edges = [stretch.starts_at]
    for off in sorted(time_off, key=lambda off: off.starts_at):
        if off.starts_at < stretch.ends_at and off.ends_at > edges[-1]:
            edges[-1:] = [edges[-1], max(off.starts_at, edges[-1]), off.ends_at]
    edges.append(stretch.ends_at)
    pairs = list(pairwise(edges))[::2]
    return [Stretch(start, end, stretch.raster, stretch.starts) for start, end in pairs if start < end]


def _closing_times(pieces: Sequence[Stretch]) -> dict[Stretch, datetime]:
    """Where the work that a piece belongs to ends: pieces that touch or overlap are one (8 to 12 and 12 to 16 is a long day)."""
    closing: dict[Stretch, datetime] = {}
    together: list[Stretch] = []
    ends_at: datetime | None = None
    for piece in pieces:
        if ends_at is None or piece.starts_at > ends_at:
            together, ends_at = [], piece.ends_at
        together.append(piece)
        ends_at = max(ends_at, piece.ends_at)
        closing |= dict.fromkeys(together, ends_at)
    return closing


# --- What is free now -------------------------------------------------------------------------------------------------

# A visit of `length` fits at an opening `o` when it is late enough, ends before the doctor closes, and nothing live claims the time
# until `busy` (length and buffer; the buffer may run past closing). `claims` covers the opening's own cell; a longer visit asks for the
# rest. The OR keeps that a look-up for each candidate: joined, the planner reads all that the doctor ever did. Openings of a doctor who
# has left may still be there.
FITS = f"""
    o.claims = 0 AND o.starts_at >= %(earliest)s AND o.starts_at + %(length)s <= o.closes_at
    AND (o.starts_at + %(busy)s <= o.ends_at OR NOT EXISTS (
        SELECT FROM appointment a
         WHERE a.doctor_id = o.doctor_id AND a.{LIVE}
           AND a.starts_at >= o.ends_at AND a.starts_at < o.starts_at + %(busy)s))
    AND EXISTS (SELECT FROM doctor who WHERE who.id = o.doctor_id AND who.is_active)
"""


class FreeTime(NamedTuple):
    """A slot that is free on a date and long enough for the visit asked about."""

    doctor_id: int
    slot_id: int
    day: date
    starts_at: datetime


def length_of(visit_type: VisitType) -> timedelta:
    return timedelta(minutes=visit_type.length_minutes)


def busy_length_of(visit_type: VisitType) -> timedelta:
    """How long the visit claims the doctor: its length and the buffer after it."""
    return timedelta(minutes=visit_type.length_minutes + visit_type.buffer_minutes)


def earliest_start(visit_type: VisitType, now: datetime) -> datetime:
    """The public books no closer to the start than the visit type's notice."""
    return now + timedelta(minutes=visit_type.notice_minutes)


def question(visit_type: VisitType, now: datetime) -> dict[str, Any]:
    """The values that FITS asks about, for the public."""
    return {
        "length": length_of(visit_type),
        "busy": busy_length_of(visit_type),
        "earliest": earliest_start(visit_type, now),
    }


def list_free(
    db: Session, doctor_id: int, visit_type: VisitType, first_day: date, days: int, *, now: datetime
) -> list[FreeTime]:
    """The free times of one doctor on `days` local days from `first_day` on, in order."""
    rows = fetch(
        db,
        f"""SELECT o.doctor_id, o.slot_id, o.day, o.starts_at FROM opening o
             WHERE o.doctor_id = %(doctor_id)s AND o.day >= %(first)s AND o.day < %(last)s AND {FITS}
             ORDER BY o.starts_at""",
        doctor_id=doctor_id,
        first=first_day,
        last=first_day + timedelta(days=days),
        **question(visit_type, now),
    )
    return [FreeTime(*row) for row in rows]


def first_free(
    db: Session, specialty_id: int, visit_type: VisitType, *, now: datetime, limit: int = 10
) -> list[FreeTime]:
    """The earliest free times with anyone in a specialty."""
    rows = fetch(
        db,
        f"""SELECT o.doctor_id, o.slot_id, o.day, o.starts_at FROM opening o
             WHERE o.specialty_id = %(specialty_id)s AND {FITS}
             ORDER BY o.starts_at, o.doctor_id LIMIT %(limit)s""",
        specialty_id=specialty_id,
        limit=limit,
        **question(visit_type, now),
    )
    return [FreeTime(*row) for row in rows]


def next_free_by_doctor(
    db: Session, doctor_ids: Sequence[int], visit_type: VisitType, *, now: datetime, limit: int = 3
) -> dict[int, list[FreeTime]]:
    """The next few free times of each doctor; doctors without any are missing."""
    rows = fetch(
        db,
        f"""SELECT f.* FROM unnest(%(doctor_ids)s::bigint[]) AS d(id)
             CROSS JOIN LATERAL (
               SELECT o.doctor_id, o.slot_id, o.day, o.starts_at FROM opening o
                WHERE o.doctor_id = d.id AND {FITS} ORDER BY o.starts_at LIMIT %(limit)s) f
             ORDER BY f.starts_at, f.doctor_id""",
        doctor_ids=list(doctor_ids),
        limit=limit,
        **question(visit_type, now),
    )
    found: dict[int, list[FreeTime]] = {}
    for row in rows:
        found.setdefault(row.doctor_id, []).append(FreeTime(*row))
    return found


# --- For the desk -----------------------------------------------------------------------------------------------------


def is_within_hours(db: Session, doctor_id: int, starts_at: datetime, length: timedelta) -> bool:
    """Whether the doctor works without a break from `starts_at` for `length`, at any minute, not only on the raster."""
    until = works_until(db, doctor_id, starts_at)
    return until is not None and starts_at + length <= until


def works_until(db: Session, doctor_id: int, at: datetime) -> datetime | None:
    """How long the doctor works without a break from `at` on; None when she does not work then."""
    # From an opening to its closes_at the work is unbroken, also where the last steps leave a rest. No opening is that long before.
    row = fetch_one(
        db,
        """SELECT max(o.closes_at) AS at FROM opening o
            WHERE o.doctor_id = %(doctor_id)s AND o.starts_at <= %(at)s AND o.starts_at > %(at)s - interval '12 hours'
              AND o.closes_at > %(at)s AND EXISTS (SELECT FROM doctor who WHERE who.id = o.doctor_id AND who.is_active)""",
        doctor_id=doctor_id,
        at=at,
    )
    assert row is not None
    found: datetime | None = row.at
    return found


def is_unclaimed(db: Session, doctor_id: int, starts_at: datetime, busy_until: datetime) -> bool:
    """Whether no live appointment or hold touches the time."""
    row = fetch_one(
        db,
        f"""SELECT 1 FROM appointment a WHERE a.doctor_id = %(doctor_id)s AND a.{LIVE}
             AND tstzrange(a.starts_at, a.busy_until) && tstzrange(%(starts_at)s, %(busy_until)s) LIMIT 1""",
        doctor_id=doctor_id,
        starts_at=starts_at,
        busy_until=busy_until,
    )
    return row is None
