"""Who is asked for a freed time, and why others are passed over: one list of reasons, asked both ways."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch
from medcal.models import Doctor, FreedTime, Location
from medcal.models.appointments import LIVE
from medcal.services import freed_time
from medcal.services.policy import Policy

LEAST_GAIN = timedelta(days=1)
WEEK = timedelta(days=7)

# Why somebody who waits in the specialty at the location is not asked. The cheap ones first; none of them may be NULL.
REASONS: dict[str, str] = {
    "paused": "e.status = 'paused'",
    "other_doctor": "e.doctor_id IS NOT NULL AND e.doctor_id <> %(doctor_id)s",
    "other_weekday": "NOT (%(weekday)s = ANY (e.weekdays))",
    "other_hours": "%(wall)s < e.opens OR %(wall)s > e.closes",
    "too_short_notice": "%(starts_at)s < %(now)s + make_interval(hours => e.notice_hours)",
    "too_long": """make_interval(mins => v.length_minutes) > %(length)s
                OR make_interval(mins => v.length_minutes + v.buffer_minutes) > %(busy)s""",
    "no_gain": """e.appointment_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM appointment own WHERE own.id = e.appointment_id AND own.status = 'booked' AND own.starts_at >= %(starts_at)s + %(gain)s)""",
    "asked_before": "EXISTS (SELECT FROM offer o WHERE o.freed_time_id = %(freed_time_id)s AND o.patient_id = e.patient_id)",
    "has_offer": "EXISTS (SELECT FROM offer o WHERE o.patient_id = e.patient_id AND o.status = 'open')",
    "asked_enough": """(SELECT count(*) FROM offer o WHERE o.patient_id = e.patient_id AND o.created_at > %(now)s - %(week)s)
                    >= %(per_week)s""",
    "busy_then": f"""EXISTS (
        SELECT FROM appointment a WHERE a.patient_id = e.patient_id AND a.id IS DISTINCT FROM e.appointment_id AND a.{LIVE}
           AND a.starts_at < %(starts_at)s + make_interval(mins => v.length_minutes)
           AND a.starts_at > %(starts_at)s - interval '12 hours' AND a.ends_at > %(starts_at)s)""",
}

IN_LINE = """
  FROM waitlist_entry e JOIN visit_type v ON v.id = e.visit_type_id JOIN patient p ON p.id = e.patient_id
 WHERE e.location_id = %(location_id)s AND v.specialty_id = %(specialty_id)s
"""
ORDER = "e.urgency DESC, e.created_at, e.id"

# SKIP LOCKED: whoever holds such a row is deciding about this wish at this moment. The patients' rows are locked as well, since one may
# have two wishes: so two groups that are being asked at once never wait for each other crosswise.
NEXT = f"""
SELECT e.id, e.patient_id, e.visit_type_id, v.length_minutes, v.buffer_minutes {IN_LINE}
   AND e.status = 'waiting' {"".join(f" AND NOT ({reason})" for name, reason in REASONS.items() if name != "paused")}
 ORDER BY {ORDER} LIMIT %(limit)s FOR NO KEY UPDATE OF e, p SKIP LOCKED
"""

PASSED_OVER = f"""
SELECT e.ref, p.name AS patient, CASE {" ".join(f"WHEN {reason} THEN '{name}'" for name, reason in REASONS.items())} END AS reason
       {IN_LINE} AND e.status IN ('waiting', 'paused') ORDER BY {ORDER} LIMIT %(limit)s
"""


def next_candidates(
    db: Session, freed: FreedTime, location: Location, policy: Policy, size: int, now: datetime
) -> Sequence[Any]:
    """The first who fit, in their order, each patient once, locked until the end of the transaction."""
    by_patient: dict[int, Any] = {}
    for row in fetch(db, NEXT, **_question(db, freed, location, policy, now), limit=size):
        by_patient.setdefault(row.patient_id, row)
    return list(by_patient.values())


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
    rows = fetch(db, PASSED_OVER, **_question(db, freed, location, policy, now), limit=limit)
    return [PassedOver(*row) for row in rows]


def _question(db: Session, freed: FreedTime, location: Location, policy: Policy, now: datetime) -> dict[str, Any]:
    local = clock.local(freed.starts_at, location.zone_info)
    length, busy = freed_time.room(db, freed)
    return {
        "location_id": freed.location_id,
        "specialty_id": db.get_one(Doctor, freed.doctor_id).specialty_id,
        "doctor_id": freed.doctor_id,
        "freed_time_id": freed.id,
        "starts_at": freed.starts_at,
        "length": length,
        "busy": busy,
        "weekday": local.weekday(),
        "wall": local.time(),
        "gain": LEAST_GAIN,
        "week": WEEK,
        "per_week": policy.offers_per_week,
        "now": now,
    }
