"""Who is asked for a freed time, and why others are passed over: one list of reasons, asked both ways."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch
from medcal.models import FreedTime, Location
from medcal.models.appointments import LIVE
from medcal.services import freed_time
from medcal.services.policy import Policy

LEAST_GAIN = timedelta(days=1)
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)

# Why somebody who waits in the specialty at the location is not asked; none of them may be NULL. Those of the wish itself come first, in
# words that ix_waitlist_entry_turn knows: whoever walks along it decides them without looking at a row. Whoever is known from offers is
# read once as a set; own appointments are looked up one by one, for those alone whom nothing else excludes. Written as they are so that
# the planner does so too: it would join EXISTS, and then look up ten thousand to ask one.
REASONS: dict[str, str] = {
    "paused": "e.status = 'paused'",
    "other_doctor": "NOT (coalesce(e.doctor_id, 0) = ANY (ARRAY[0, %(doctor_id)s::bigint]))",
    "other_weekday": "NOT (%(weekday)s::smallint = ANY (e.weekdays))",
    "other_hours": "e.opens > %(wall)s OR e.closes < %(wall)s",
    "too_short_notice": "e.notice_hours > %(hours_left)s",
    "too_long": "NOT (e.visit_type_id = ANY (%(fitting)s))",
    "asked_before": "e.patient_id IN (SELECT o.patient_id FROM offer o WHERE o.freed_time_id = %(freed_time_id)s)",
    "has_offer": "e.patient_id IN (SELECT o.patient_id FROM offer o WHERE o.status = 'open')",
    "asked_enough": """e.patient_id IN (SELECT o.patient_id FROM offer o WHERE o.created_at > %(week_ago)s
                                         GROUP BY o.patient_id HAVING count(*) >= %(per_week)s)""",
    # The start of her own appointment stands in the wish as well; its row has the last word.
    "no_gain": """coalesce(e.own_starts_at, 'infinity') < %(gain_from)s OR e.appointment_id IS NOT NULL AND (
        SELECT own.status <> 'booked' OR own.starts_at < %(gain_from)s FROM appointment own WHERE own.id = e.appointment_id)""",
    "busy_then": f"""(
        SELECT 1 FROM appointment a JOIN visit_type v ON v.id = e.visit_type_id
         WHERE a.patient_id = e.patient_id AND a.id IS DISTINCT FROM e.appointment_id AND a.{LIVE}
           AND a.starts_at < %(starts_at)s + make_interval(mins => v.length_minutes)
           AND a.starts_at > %(starts_at)s - interval '12 hours' AND a.ends_at > %(starts_at)s LIMIT 1) IS NOT NULL""",
}

ORDER = "e.urgency DESC, e.created_at, e.id"

# SKIP LOCKED: whoever holds such a row is deciding about this wish at this moment.
NEXT = f"""
SELECT e.id, e.patient_id, e.visit_type_id FROM waitlist_entry e
 WHERE e.location_id = %(location_id)s AND e.status = 'waiting'
   {" ".join(f"AND NOT ({reason})" for name, reason in REASONS.items() if name != "paused")}
 ORDER BY {ORDER} LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
"""
# The index knows the weekday as a condition, not as a parameter.
NEXT_ON = tuple(NEXT.replace("%(weekday)s", str(weekday)) for weekday in range(7))
# One who has two wishes may be met by two rounds at once, and two such people by the same two crosswise: none of them waits.
PATIENTS = "SELECT id FROM patient WHERE id = ANY (%(ids)s) FOR NO KEY UPDATE SKIP LOCKED"

PASSED_OVER = f"""
SELECT e.ref, p.name AS patient, CASE {" ".join(f"WHEN {reason} THEN '{name}'" for name, reason in REASONS.items())} END AS reason
  FROM waitlist_entry e JOIN patient p ON p.id = e.patient_id
 WHERE e.location_id = %(location_id)s AND e.status IN ('waiting', 'paused') AND e.visit_type_id = ANY (%(of_specialty)s)
 ORDER BY {ORDER} LIMIT %(limit)s
"""

VISITS = """
SELECT v.id, v.length_minutes, v.buffer_minutes,
       make_interval(mins => v.length_minutes) <= %(length)s
         AND make_interval(mins => v.length_minutes + v.buffer_minutes) <= %(busy)s AS fits
  FROM visit_type v JOIN doctor d ON d.specialty_id = v.specialty_id WHERE d.id = %(doctor_id)s
"""


@dataclass(frozen=True)
class Candidate:
    """Somebody to be asked now, and how long her visit lasts."""

    entry_id: int
    patient_id: int
    visit_type_id: int
    length_minutes: int
    busy_minutes: int


def next_candidates(
    db: Session, freed: FreedTime, location: Location, policy: Policy, size: int, now: datetime
) -> list[Candidate] | None:
    """The first who fit, in their order, each patient once, locked until the end of the transaction; None when some would, but others are
    deciding about them at this moment."""
    visits = _visits(db, freed)
    question = _question(freed, location, policy, visits, now)
    rows = _first(db, question, size) if question["fitting"] else []
    if not rows:
        return []
    undecided = {row.id for row in fetch(db, PATIENTS, ids=[row.patient_id for row in rows])}
    return [_candidate(row, visits[row.visit_type_id]) for row in rows if row.patient_id in undecided] or None


def _first(db: Session, question: Mapping[str, Any], size: int) -> list[Any]:
    """The first wish of each of so many patients. Who has two of them takes up one place."""
    limit = size
    while True:
        rows = fetch(db, NEXT_ON[question["weekday"]], **question, limit=limit)
        first = {row.patient_id: row for row in reversed(rows)}
        if len(rows) < limit or len(first) >= size:
            return [row for row in rows if row is first[row.patient_id]][:size]
        limit += size - len(first)


def _candidate(row: Any, visit: Any) -> Candidate:
    busy = visit.length_minutes + visit.buffer_minutes
    return Candidate(row.id, row.patient_id, row.visit_type_id, visit.length_minutes, busy)


@dataclass(frozen=True)
class PassedOver:
    """Somebody who waits, in her turn, and the first reason why she is not asked; None: she would be asked next."""

    ref: Any
    patient: str
    reason: str | None


def passed_over(
    db: Session, freed: FreedTime, location: Location, policy: Policy, now: datetime, *, limit: int = 100
) -> list[PassedOver]:
    """Why those who wait are not asked, as of now: nothing of this is kept, since wishes and calendars change."""
    rows = fetch(db, PASSED_OVER, **_question(freed, location, policy, _visits(db, freed), now), limit=limit)
    return [PassedOver(*row) for row in rows]


def _visits(db: Session, freed: FreedTime) -> dict[int, Any]:
    """The kinds of visit of the doctor's specialty; `fits` says which have room in the time."""
    length, busy = freed_time.room(db, freed)
    return {row.id: row for row in fetch(db, VISITS, doctor_id=freed.doctor_id, length=length, busy=busy)}


def _question(
    freed: FreedTime, location: Location, policy: Policy, visits: dict[int, Any], now: datetime
) -> dict[str, Any]:
    local = clock.local(freed.starts_at, location.zone_info)
    return {
        "location_id": freed.location_id,
        "of_specialty": list(visits),
        "fitting": [visit.id for visit in visits.values() if visit.fits],
        "doctor_id": freed.doctor_id,
        "freed_time_id": freed.id,
        "starts_at": freed.starts_at,
        "weekday": local.weekday(),
        "wall": local.time(),
        "gain_from": freed.starts_at + LEAST_GAIN,
        "week_ago": now - WEEK,
        "per_week": policy.offers_per_week,
        "hours_left": (freed.starts_at - now) // HOUR,
    }
