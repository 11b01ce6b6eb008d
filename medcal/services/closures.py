"""Time off of doctors and closed days of the whole clinic: what is to come, closing, and ending it."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import fetch
from medcal.errors import Invalid, NotFound
from medcal.i18n import t
from medcal.models import Location, TimeOff
from medcal.models.appointments import LIVE
from medcal.models.sealed import open_note
from medcal.security import Actor
from medcal.services import events, schedules
from medcal.services.absences import LONGEST, Blocked
from medcal.services.admin_desk import check_admin
from medcal.services.patients import check_free_text


@dataclass(frozen=True)
class ComingClosure:
    """Time off that has not ended; `doctor` is empty where the whole location is closed."""

    ref: uuid.UUID
    doctor: str
    location: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    reason: str


def list_coming(db: Session, actor: Actor, now: datetime) -> list[ComingClosure]:
    """Everybody's time off and all closed days from now on, the next first. Raises NotAllowed."""
    check_admin(actor)
    rows = fetch(
        db,
        """SELECT f.ref, coalesce(d.name, '') AS doctor, l.name AS location, l.zone, f.starts_at, f.ends_at, f.reason
             FROM time_off f LEFT JOIN doctor d ON d.id = f.doctor_id
             JOIN location l ON l.id = coalesce(f.location_id, d.location_id)
            WHERE f.ends_at > %(now)s ORDER BY f.starts_at, f.id LIMIT 200""",
        now=now,
    )
    return [ComingClosure(**{**row._asdict(), "reason": open_note(row.reason, "time_off.reason")}) for row in rows]


def close_clinic(
    db: Session, actor: Actor, location_ref: uuid.UUID, first: date, last: date, *, reason: str = "", now: datetime
) -> Blocked:
    """Nobody works at a location on these whole days; appointments in them stay. Raises NotAllowed, NotFound, Invalid."""
    check_admin(actor)
    location = db.exec(select(Location).where(Location.ref == location_ref)).one_or_none()
    if location is None:
        raise NotFound
    starts_at, ends_at = clock.day_start(first, location.zone_info), clock.day_end(last, location.zone_info)
    if starts_at >= ends_at:
        raise Invalid(t("The end must come after the beginning."), "last")
    if ends_at <= now:
        raise Invalid(t("This time is over already."), "last")
    if ends_at - starts_at > LONGEST:
        raise Invalid(t("Please block no more than a year at once."), "last")
    kept = check_free_text(reason, "reason", 120)
    if _is_there(db, location, starts_at, ends_at):
        raise Invalid(t("These days are closed already."), "first")
    closure = TimeOff(location_id=location.id, starts_at=starts_at, ends_at=ends_at, reason=kept)
    schedules.add_time_off(db, closure, by=actor, now=now)
    events.record(db, "schedule.changed", by=actor, now=now, location_id=location.id, closed=[starts_at, ends_at])
    return Blocked(closure.ref, _appointments_in(db, closure))


def _is_there(db: Session, location: Location, starts_at: datetime, ends_at: datetime) -> bool:
    """A form that was sent twice closes once."""
    same = select(TimeOff.id).where(
        TimeOff.location_id == location.id, TimeOff.starts_at == starts_at, TimeOff.ends_at == ends_at
    )
    # The location is locked, so two at the same instant come one by one.
    db.exec(select(Location.id).where(Location.id == location.id).with_for_update(key_share=True)).one()
    return db.exec(same).first() is not None


def _appointments_in(db: Session, closure: TimeOff) -> int:
    return len(
        fetch(
            db,
            f"""SELECT a.id FROM appointment a WHERE a.location_id = %(location_id)s AND a.{LIVE}
                 AND a.status IN ('booked', 'arrived') AND a.starts_at < %(ends_at)s AND a.ends_at > %(starts_at)s""",
            location_id=closure.location_id,
            starts_at=closure.starts_at,
            ends_at=closure.ends_at,
        )
    )


def end(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Take time off or closed days back; what is free in them can be booked again. Raises NotAllowed, NotFound."""
    check_admin(actor)
    chosen = select(TimeOff).where(TimeOff.ref == ref, col(TimeOff.ends_at) > now)
    closure = db.exec(chosen.with_for_update()).one_or_none()
    if closure is None:
        raise NotFound
    doctor_id, location_id, gone = closure.doctor_id, closure.location_id, [closure.starts_at, closure.ends_at]
    schedules.end_time_off(db, closure, by=actor, now=now)
    events.record(
        db, "schedule.changed", by=actor, now=now, doctor_id=doctor_id, location_id=location_id, unblocked=gone
    )
