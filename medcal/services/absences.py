"""Blocking a doctor's time from the calendar, and giving it back."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.errors import Invalid, NotFound
from medcal.i18n import t
from medcal.models import Location, TimeOff
from medcal.models.appointments import LIVE
from medcal.models.sealed import open_note
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import events, schedules
from medcal.services.day_book import get_doctor, own_doctor
from medcal.services.desk import WallTime
from medcal.services.patients import check_free_text

LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Blocked:
    """What blocking did: `remaining` appointments stand in the time and stay, for somebody to move or cancel."""

    ref: uuid.UUID
    remaining: int


@dataclass(frozen=True)
class ComingAbsence:
    """Time off of one doctor that has not ended."""

    ref: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    reason: str


def block_time(
    db: Session,
    actor: Actor,
    doctor_ref: uuid.UUID,
    begins: WallTime,
    ends: WallTime,
    *,
    reason: str = "",
    now: datetime,
) -> Blocked:
    """Take a doctor's time out of what can be booked; appointments in it stay. Doctors may for themselves only (NotFound)."""
    check(actor, Can.block_time)
    doctor = get_doctor(db, actor, doctor_ref)
    assert doctor.id is not None
    zone = db.get_one(Location, doctor.location_id).zone_info
    starts_at, ends_at = (clock.instant_or_later(wall.day, wall.at, zone) for wall in (begins, ends))
    if starts_at >= ends_at:
        raise Invalid(t("The end must come after the beginning."), "ends")
    if ends_at <= now:
        raise Invalid(t("This time is over already."), "ends")
    if ends_at - starts_at > LONGEST:
        raise Invalid(t("Please block no more than a year at once."), "ends")
    absence = TimeOff(
        doctor_id=doctor.id, starts_at=starts_at, ends_at=ends_at, reason=check_free_text(reason, "reason", 120)
    )
    schedules.add_time_off(db, absence, by=actor, now=now)
    events.record(db, "schedule.changed", by=actor, now=now, doctor_id=doctor.id, blocked=[starts_at, ends_at])
    return Blocked(absence.ref, _appointments_in(db, absence))


def _appointments_in(db: Session, absence: TimeOff) -> int:
    row = fetch_one(
        db,
        f"""SELECT count(*) AS count FROM appointment a WHERE a.doctor_id = %(doctor_id)s AND a.{LIVE}
             AND a.starts_at < %(ends_at)s AND a.ends_at > %(starts_at)s""",
        doctor_id=absence.doctor_id,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
    )
    assert row is not None
    return int(row.count)


def unblock_time(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Give blocked time back; what is free in it can be booked again. Closures of a location are not for the calendar (NotFound)."""
    check(actor, Can.block_time)
    own = own_doctor(actor)
    absence = db.exec(select(TimeOff).where(TimeOff.ref == ref)).one_or_none()
    if absence is None or absence.doctor_id is None or own not in (None, absence.doctor_id):
        raise NotFound
    doctor_id, gone = absence.doctor_id, [absence.starts_at, absence.ends_at]
    schedules.end_time_off(db, absence, by=actor, now=now)
    events.record(db, "schedule.changed", by=actor, now=now, doctor_id=doctor_id, unblocked=gone)


def coming_absences(db: Session, actor: Actor, doctor_ref: uuid.UUID, now: datetime) -> list[ComingAbsence]:
    """A doctor's time off from now on, the next first."""
    check(actor, Can.block_time)
    doctor = get_doctor(db, actor, doctor_ref)
    rows = fetch(
        db,
        """SELECT ref, starts_at, ends_at, reason FROM time_off
            WHERE doctor_id = %(doctor_id)s AND ends_at > %(now)s ORDER BY starts_at, id LIMIT 50""",
        doctor_id=doctor.id,
        now=now,
    )
    return [ComingAbsence(**{**row._asdict(), "reason": open_note(row.reason, "time_off.reason")}) for row in rows]
