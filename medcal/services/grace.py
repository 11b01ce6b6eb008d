"""Grace: what the desk does to an appointment is told a little later, so that it can be taken back, or done again otherwise, unsaid.

A message waits when it was written to leave later and nobody has tried to send it. Whatever happens next to its appointment takes it
back; whoever hands messages over locks the same row, so that it is either sent or taken back, at whatever instant both happen.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from medcal.db import changed, fetch, fetch_one
from medcal.i18n import n_
from medcal.models import Location
from medcal.services.fates import after, starts

# What tells when an appointment is, or that it is off.
CHANGES = ("appointment.booked", "appointment.moved", "appointment.cancelled")
TOLD_LATER = ("appointment.moved", "appointment.cancelled")

SUPERSEDED = n_("The appointment was changed again before this left.")
# A call counts as well: who has been called is no longer due.
WAITS = """(m.kind IN ('appointment.booked', 'appointment.moved', 'appointment.cancelled') AND m.status = 'due' AND m.tries = 0 AND m.handover = 0
            AND m.due_at > m.created_at)"""


class Known(NamedTuple):
    """What the patient was last told: that she comes then, to whom, or (`is_off`) that she need not; `is_so` if it is at that time."""

    starts_at: datetime
    doctor_id: int
    is_off: bool
    is_so: bool


def tells_at(location: Location, *visits: datetime, now: datetime) -> datetime:
    """When what the desk does now is told: after the location's grace, but at once where one of these visits begins before its end."""
    later = now + timedelta(seconds=location.grace_seconds)
    return now if any(starts_at <= later for starts_at in visits) else later


def ends_at(location: Location, done_at: datetime) -> datetime:
    """Until when something that the desk did can be taken back."""
    return done_at + timedelta(seconds=location.grace_seconds)


def supersede(db: Session, appointment_id: int) -> Known | None:
    """Take back what waits to be told about an appointment; returns what the patient was told last, None where nothing is known of it."""
    fetch(
        db,
        f"""UPDATE message m SET status = %(dropped)s, why = %(why)s
             WHERE m.appointment_id = %(id)s AND m.status = ANY (%(from)s) AND {WAITS}""",
        **{"id": appointment_id, "dropped": after("no longer so"), "from": starts("no longer so"), "why": SUPERSEDED},
    )
    changed(db)
    row = fetch_one(
        db,
        """SELECT m.visit_starts_at, m.visit_doctor_id, m.kind = 'appointment.cancelled' AS is_off,
                  (m.visit_starts_at, m.visit_doctor_id) = (a.starts_at, a.doctor_id) AS is_so
             FROM message m JOIN appointment a ON a.id = m.appointment_id
            WHERE m.appointment_id = %(id)s AND m.kind = ANY (%(kinds)s) AND m.status NOT IN ('dropped', 'missed')
            ORDER BY m.id DESC LIMIT 1""",
        id=appointment_id,
        kinds=list(CHANGES),
    )
    if row is None or row.visit_starts_at is None:
        row = fetch_one(db, _BEFORE, id=appointment_id)
    return Known(*row) if row else None


# Of an appointment that came from elsewhere no letter is kept. Its patient knows it as it was before the first change that was taken back.
_BEFORE = """
SELECT coalesce(first.starts_at, a.starts_at) AS starts_at, coalesce(first.doctor_id, a.doctor_id) AS doctor_id, false AS is_off,
       coalesce((first.starts_at, first.doctor_id) = (a.starts_at, a.doctor_id), true) AS is_so
  FROM appointment a
  JOIN LATERAL (SELECT min(created_at) AS at FROM message WHERE appointment_id = a.id AND status = 'dropped'
                   AND kind IN ('appointment.moved', 'appointment.cancelled')) dropped ON dropped.at IS NOT NULL
  LEFT JOIN LATERAL (
       SELECT (e.detail->'old'->>'starts_at')::timestamptz AS starts_at, (e.detail->'old'->>'doctor_id')::bigint AS doctor_id
         FROM event e WHERE e.appointment_id = a.id AND e.kind = 'appointment.moved' AND e.at >= dropped.at
        ORDER BY e.id LIMIT 1) first ON true
 WHERE a.id = %(id)s
"""


def what_to_tell(kind: str, known: Known | None, *, may_be_silent: bool) -> str | None:
    """The message that a change comes to in the patient's eyes: None where she knows it so, "booked" where she believes it cancelled,
    "moved" where she believes it elsewhere."""
    if known is None:
        return kind
    if kind == "appointment.cancelled":
        return None if known.is_off and may_be_silent else kind
    if known.is_off:
        return "appointment.booked"
    return None if known.is_so and may_be_silent else "appointment.moved"


def told_at(db: Session, appointment_id: int, version: int) -> datetime | None:
    """When the change that made this version of an appointment is told; None where there is nothing to tell."""
    row = fetch_one(
        db,
        """SELECT due_at FROM message WHERE appointment_id = %(id)s AND kind = ANY (%(kinds)s) AND status <> 'dropped'
              AND split_part(reason, ':', 3) = 'v' || %(version)s::text ORDER BY id DESC LIMIT 1""",
        id=appointment_id,
        kinds=list(CHANGES),
        version=version,
    )
    found: datetime | None = row.due_at if row else None
    return found


def tell_now(db: Session, appointment_id: int, now: datetime) -> None:
    """The patient knows already, since she has just answered: what waits leaves at once, and can no longer be taken back."""
    fetch(
        db,
        f"""UPDATE message m SET due_at = created_at, next_try_at = least(next_try_at, %(now)s)
             WHERE m.appointment_id = %(id)s AND {WAITS}""",
        id=appointment_id,
        now=now,
    )
    changed(db)
