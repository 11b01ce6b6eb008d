"""Time that became free: noted in the transaction that frees it, kept until it is filled or gone."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from medcal.db import changed, fetch, fetch_one
from medcal.models import FreedEnd, FreedStatus, FreedTime
from medcal.models.appointments import LIVE
from medcal.security import SYSTEM, Actor
from medcal.services import events, jobs
from medcal.services.availability import works_until
from medcal.services.offer_states import FREED_TIME, after

# What the causes mean is in docs/offers.md.
CANCELLED, MOVED, NEW_HOURS, REST = "cancelled", "moved", "new_hours", "rest"

FREE = """
INSERT INTO freed_time (ref, doctor_id, location_id, day, starts_at, ends_at, cause, freed_by_id, visit_type_id, status, look_at,
                        not_before, created_at)
SELECT gen_random_uuid(), d.id, l.id, (%(starts_at)s AT TIME ZONE l.zone)::date, %(starts_at)s, %(ends_at)s, %(cause)s, %(appointment_id)s,
       %(visit_type_id)s, %(status)s, coalesce(%(not_before)s::timestamptz, %(now)s), %(not_before)s, %(now)s
  FROM doctor d JOIN location l ON l.id = d.location_id WHERE d.id = %(doctor_id)s AND d.is_active
ON CONFLICT DO NOTHING RETURNING id
"""


def free(
    db: Session,
    doctor_id: int,
    starts_at: datetime,
    ends_at: datetime,
    *,
    cause: str,
    appointment_id: int | None = None,
    visit_type_id: int | None = None,
    not_before: datetime | None = None,
    by: Actor = SYSTEM,
    now: datetime,
) -> None:
    """Note that a doctor's time became free, to be offered to those who wait; time that has begun is left alone.

    Nobody is asked before `not_before`: until then the desk can take back what freed it.
    Comes last in its transaction. Time that is freed again after somebody had it is a new one: everybody may be asked again.
    """
    if starts_at <= now:
        return
    if cause in (CANCELLED, MOVED):
        _end_what_was_used(db, doctor_id, starts_at, ends_at, appointment_id, now)
    row = fetch_one(
        db,
        FREE,
        doctor_id=doctor_id,
        starts_at=starts_at,
        ends_at=ends_at,
        cause=cause,
        appointment_id=appointment_id,
        visit_type_id=visit_type_id,
        status=str(after(FREED_TIME, None, "freed", by)),
        not_before=not_before,
        now=now,
    )
    if row is None:
        return
    events.record(
        db, "time.freed", by=by, now=now, doctor_id=doctor_id, freed_time_id=row.id, starts_at=starts_at, cause=cause
    )
    jobs.add(db, "offer_freed_time", row.id, now=now, run_at=not_before)


def take_back(db: Session, appointment_id: int, doctor_id: int, starts_at: datetime, *, now: datetime) -> None:
    """The appointment that had freed a time has it again: nobody has been asked yet, and nobody will be."""
    found = fetch(
        db,
        """SELECT id FROM freed_time WHERE freed_by_id = %(appointment_id)s AND doctor_id = %(doctor_id)s AND starts_at = %(starts_at)s
              AND status = 'open'""",
        appointment_id=appointment_id,
        doctor_id=doctor_id,
        starts_at=starts_at,
    )
    for row in found:
        end(db, lock(db, row.id), FreedEnd.undone, now=now)


def _end_what_was_used(
    db: Session, doctor_id: int, starts_at: datetime, used_until: datetime, used_by: int | None, now: datetime
) -> None:
    """An older note of the same time may not have been looked at since somebody took it."""
    old = db.exec(
        select(FreedTime)
        .where(FreedTime.doctor_id == doctor_id, FreedTime.starts_at == starts_at, FreedTime.status == FreedStatus.open)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if old is not None:
        end(db, old, FreedEnd.desk if _was_booked_by_desk(db, used_by) else FreedEnd.public, now=now)
        free_rest(db, old, used_until, now)


def _was_booked_by_desk(db: Session, appointment_id: int | None) -> bool:
    row = fetch_one(
        db,
        """SELECT actor = 'staff' AS yes FROM event WHERE appointment_id = %(id)s
            AND kind IN ('appointment.booked', 'appointment.moved') ORDER BY id DESC LIMIT 1""",
        id=appointment_id,
    )
    return bool(row and row.yes)


def look_again(db: Session, location_id: int, now: datetime) -> None:
    """The rules of a location have changed: what waits there for somebody, or for the end of the night, is looked at again at once."""
    fetch(
        db,
        "UPDATE freed_time SET look_at = %(now)s WHERE location_id = %(id)s AND status = 'open' AND look_at > %(now)s",
        id=location_id,
        now=now,
    )
    changed(db)


def look_at(db: Session, freed_time_id: int, at: datetime) -> None:
    """Look at it again then, and not before."""
    fetch(
        db,
        "UPDATE freed_time SET look_at = %(at)s WHERE id = %(id)s AND status = 'open'",
        id=freed_time_id,
        at=at,
    )


def wake(db: Session, doctor_id: int, starts_at: datetime, busy_until: datetime, now: datetime) -> None:
    """A hold over some time has ended before its minute: what waited for that minute is looked at again at once."""
    # SKIP LOCKED: whoever is looking at one of them just now comes back by itself.
    fetch(
        db,
        """UPDATE freed_time SET look_at = %(now)s WHERE id IN (
             SELECT id FROM freed_time WHERE doctor_id = %(doctor_id)s AND status = 'open' AND look_at > %(now)s
                AND starts_at >= %(starts_at)s AND starts_at < %(busy_until)s FOR NO KEY UPDATE SKIP LOCKED)""",
        doctor_id=doctor_id,
        starts_at=starts_at,
        busy_until=busy_until,
        now=now,
    )


def lock(db: Session, freed_time_id: int) -> FreedTime:
    """The freed time as it is, and stays until the end of the transaction."""
    chosen = select(FreedTime).where(FreedTime.id == freed_time_id)
    return db.exec(chosen.with_for_update(key_share=True).execution_options(populate_existing=True)).one()


def end(db: Session, freed: FreedTime, ended_by: FreedEnd, *, by: Actor = SYSTEM, now: datetime) -> None:
    """It is filled by an offer, or gone."""
    event = "accepted" if ended_by is FreedEnd.offer else "gone"
    freed.status = after(FREED_TIME, freed.status, event, by)
    freed.hold_id, freed.ended_by, freed.ended_at = None, ended_by, now
    kind = "time.filled" if ended_by is FreedEnd.offer else "time.gone"
    events.record(db, kind, by=by, now=now, doctor_id=freed.doctor_id, freed_time_id=freed.id, ended_by=str(ended_by))


# --- What stands in it ------------------------------------------------------------------------------------------------


def claim_on(db: Session, freed: FreedTime) -> Any | None:
    """What claims the start of a freed time, a booking before a hold. No visit lasts twelve hours."""
    return fetch_one(
        db,
        f"""SELECT a.id, a.held_until, a.busy_until FROM appointment a WHERE a.doctor_id = %(doctor_id)s AND a.{LIVE}
             AND a.starts_at <= %(starts_at)s AND a.starts_at > %(starts_at)s - interval '12 hours' AND a.busy_until > %(starts_at)s
           ORDER BY a.held_until DESC NULLS FIRST LIMIT 1""",
        doctor_id=freed.doctor_id,
        starts_at=freed.starts_at,
    )


def why_over(db: Session, freed: FreedTime, claim: Any | None, now: datetime) -> FreedEnd | None:
    """Why nobody need be asked any more, or None: somebody booked it, it has begun, or the doctor no longer works then."""
    if claim is not None and claim.held_until is None:
        return FreedEnd.desk if _was_booked_by_desk(db, claim.id) else FreedEnd.public
    if freed.starts_at <= now:
        return FreedEnd.past
    return FreedEnd.closed if worked_until(db, freed) <= freed.starts_at else None


def worked_until(db: Session, freed: FreedTime) -> datetime:
    """Until when the doctor works in a freed time; its start when she no longer does."""
    return works_until(db, freed.doctor_id, freed.starts_at) or freed.starts_at


def room(db: Session, freed: FreedTime) -> tuple[timedelta, timedelta]:
    """How long a visit may last in it, and how long visit and buffer together may.

    A visit ends within what was freed and before closing; a buffer may run on until the next claim. The time's own hold does not count.
    """
    free_until = _next_claim(db, freed, freed.starts_at, freed.ends_at) or freed.ends_at
    far = free_until + timedelta(hours=3)
    busy_until = _next_claim(db, freed, free_until, far) or far
    return min(free_until, worked_until(db, freed)) - freed.starts_at, busy_until - freed.starts_at


def _next_claim(db: Session, freed: FreedTime, since: datetime, until: datetime) -> datetime | None:
    """When the doctor is next claimed from an instant on, if before another."""
    row = fetch_one(
        db,
        f"""SELECT min(greatest(a.starts_at, %(since)s)) AS at FROM appointment a WHERE a.doctor_id = %(doctor_id)s AND a.{LIVE}
             AND a.id IS DISTINCT FROM %(hold_id)s AND tstzrange(a.starts_at, a.busy_until) && tstzrange(%(since)s, %(until)s)""",
        doctor_id=freed.doctor_id,
        hold_id=freed.hold_id,
        since=since,
        until=until,
    )
    assert row is not None
    found: datetime | None = row.at
    return found


def free_rest(db: Session, freed: FreedTime, since: datetime, now: datetime) -> None:
    """A shorter visit took the first part of a freed time: what is left is offered on if any visit fits into it."""
    until = min(freed.ends_at, worked_until(db, freed))
    # Each start in new hours was noted by itself.
    if freed.cause != NEW_HOURS and since + _visit_lengths(db, freed.doctor_id).shortest <= until:
        free(db, freed.doctor_id, since, until, cause=REST, visit_type_id=freed.visit_type_id, now=now)


def longest_visit(db: Session, doctor_id: int) -> timedelta:
    """How long the longest kind of visit of a doctor's specialty lasts."""
    longest: timedelta = _visit_lengths(db, doctor_id).longest
    return longest


def _visit_lengths(db: Session, doctor_id: int) -> Any:
    row = fetch_one(
        db,
        """SELECT make_interval(mins => coalesce(min(v.length_minutes), 60)) AS shortest,
                  make_interval(mins => coalesce(max(v.length_minutes), 60)) AS longest
             FROM doctor d LEFT JOIN visit_type v ON v.specialty_id = d.specialty_id AND v.is_active WHERE d.id = %(doctor_id)s""",
        doctor_id=doctor_id,
    )
    assert row is not None
    return row
