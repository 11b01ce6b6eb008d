"""Working hours and time off, and the openings that are written from them for the coming weeks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, or_, select

from medcal import clock
from medcal.db import changed, fetch
from medcal.models import Doctor, Location, TimeOff, WorkingHours
from medcal.models.appointments import LIVE
from medcal.security import SYSTEM, Actor
from medcal.services import freed_time, withdrawals
from medcal.services.availability import Cell, cells_of_day

log = logging.getLogger(__name__)

HORIZON_DAYS = 84
# New working time is offered to those who wait when it is no farther away; the rest is for the public alone.
OFFERED_AHEAD = timedelta(weeks=4)


def extend_openings(db: Session, now: datetime) -> None:
    """Write the openings of every active doctor up to the horizon; what is already right is left alone."""
    for doctor_id in db.exec(select(Doctor.id).where(Doctor.is_active).order_by(col(Doctor.id))):
        assert doctor_id is not None
        write_openings(db, doctor_id, now=now)


def write_openings(db: Session, doctor_id: int, *, now: datetime) -> int:
    """Bring the openings of one doctor, from today to the horizon, into line with the rules; returns how many rows changed."""
    written = _write(db, doctor_id, now)
    return len(written.gone) + len(written.new_or_changed)


@dataclass(frozen=True)
class _Written:
    gone: Sequence[Any]
    new_or_changed: Sequence[Any]


def _write(db: Session, doctor_id: int, now: datetime) -> _Written:
    doctor, location = _doctor_and_location(db, doctor_id)
    today = clock.local_day(now, location.zone_info)
    cells = _cells(db, doctor_id, location, today, HORIZON_DAYS) if doctor.is_active else []
    _make_slots(db, doctor_id, cells)
    written = _Written(_delete_unwanted(db, doctor_id, today, cells), _upsert(db, doctor, cells))
    if written.gone or written.new_or_changed:
        changed(db)
    return written


def _doctor_and_location(db: Session, doctor_id: int) -> tuple[Doctor, Location]:
    return db.exec(select(Doctor, Location).join(Location).where(Doctor.id == doctor_id)).one()


@dataclass(frozen=True)
class DayCell:
    day: date
    cell: Cell


def _cells(db: Session, doctor_id: int, location: Location, first: date, days: int) -> list[DayCell]:
    zone = location.zone_info
    hours = db.exec(select(WorkingHours).where(WorkingHours.doctor_id == doctor_id)).all()
    time_off = absences(
        db, doctor_id, location.id, clock.day_start(first, zone), clock.day_end(first + timedelta(days), zone)
    )
    listed = (first + timedelta(days=offset) for offset in range(days))
    return [DayCell(day, cell) for day in listed for cell in cells_of_day(hours, time_off, day, zone)]


def absences(
    db: Session, doctor_id: int, location_id: int | None, since: datetime, until: datetime
) -> Sequence[TimeOff]:
    """Time off of the doctor and closures of the location that touch [since, until)."""
    return db.exec(
        select(TimeOff).where(
            or_(TimeOff.doctor_id == doctor_id, TimeOff.location_id == location_id),
            TimeOff.ends_at > since,
            TimeOff.starts_at < until,
        )
    ).all()


def _make_slots(db: Session, doctor_id: int, cells: Sequence[DayCell]) -> None:
    fetch(
        db,
        "INSERT INTO slot (doctor_id, starts) SELECT %(doctor_id)s, unnest(%(starts)s::time[]) ON CONFLICT DO NOTHING",
        doctor_id=doctor_id,
        starts=sorted({item.cell.starts for item in cells}),
    )


def _delete_unwanted(db: Session, doctor_id: int, today: date, cells: Sequence[DayCell]) -> Sequence[Any]:
    return fetch(
        db,
        """DELETE FROM opening o USING slot s
            WHERE o.doctor_id = %(doctor_id)s AND s.id = o.slot_id AND o.day >= %(today)s
              AND (o.day, s.starts) NOT IN (SELECT * FROM unnest(%(days)s::date[], %(starts)s::time[]))
            RETURNING o.starts_at, o.ends_at""",
        doctor_id=doctor_id,
        today=today,
        days=[item.day for item in cells],
        starts=[item.cell.starts for item in cells],
    )


def _upsert(db: Session, doctor: Doctor, cells: Sequence[DayCell]) -> Sequence[Any]:
    # The count of claims is taken when a row is new or its times change; afterwards the trigger keeps it. A booking that commits in
    # between can leave it one short: nobody can book over it (the constraint), and the nightly check mends it.
    return fetch(
        db,
        f"""INSERT INTO opening AS o (doctor_id, slot_id, day, specialty_id, starts_at, ends_at, closes_at, claims)
            SELECT s.doctor_id, s.id, w.day, %(specialty_id)s, w.starts_at, w.ends_at, w.closes_at,
                   (SELECT count(*) FROM appointment a WHERE a.doctor_id = s.doctor_id AND a.{LIVE}
                       AND a.starts_at < w.ends_at AND a.busy_until > w.starts_at)
              FROM unnest(%(days)s::date[], %(starts)s::time[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[],
                          %(closes_at)s::timestamptz[]) AS w(day, starts, starts_at, ends_at, closes_at)
              JOIN slot s ON s.doctor_id = %(doctor_id)s AND s.starts = w.starts
            ON CONFLICT (doctor_id, slot_id, day) DO UPDATE
               SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, closes_at = excluded.closes_at,
                   specialty_id = excluded.specialty_id, claims = excluded.claims
             WHERE (o.starts_at, o.ends_at, o.closes_at, o.specialty_id)
                   <> (excluded.starts_at, excluded.ends_at, excluded.closes_at, excluded.specialty_id)
            RETURNING o.starts_at, o.ends_at, o.closes_at, o.claims, o.xmax = 0 AS is_new""",
        doctor_id=doctor.id,
        specialty_id=doctor.specialty_id,
        days=[item.day for item in cells],
        starts=[item.cell.starts for item in cells],
        starts_at=[item.cell.starts_at for item in cells],
        ends_at=[item.cell.ends_at for item in cells],
        closes_at=[item.cell.closes_at for item in cells],
    )


def check_openings(db: Session, now: datetime) -> int:
    """Compare the openings with the rules and the claims, mend what differs, and say in the log how many rows that were."""
    mended = sum(write_openings(db, doctor_id, now=now) for doctor_id in db.exec(select(Doctor.id)) if doctor_id)
    rows = fetch(
        db,
        f"""UPDATE opening o SET claims = c.claims
              FROM (SELECT p.doctor_id, p.slot_id, p.day,
                           (SELECT count(*) FROM appointment a WHERE a.doctor_id = p.doctor_id AND a.{LIVE}
                               AND a.starts_at < p.ends_at AND a.busy_until > p.starts_at) AS claims
                      FROM opening p WHERE p.ends_at > %(now)s) c
             WHERE (o.doctor_id, o.slot_id, o.day) = (c.doctor_id, c.slot_id, c.day) AND o.claims <> c.claims RETURNING o.slot_id""",
        now=now,
    )
    mended += len(rows)
    if mended:
        log.warning("openings differed from the rules and were mended: %d rows", mended)
    return mended


def set_hours(db: Session, doctor_id: int, hours: Sequence[WorkingHours], *, by: Actor = SYSTEM, now: datetime) -> None:
    """Replace a doctor's weekly hours; openings follow in the same transaction, and so do offers: see `follow`."""
    for old in db.exec(select(WorkingHours).where(WorkingHours.doctor_id == doctor_id)):
        db.delete(old)
    db.add_all(hours)
    db.flush()
    follow(db, [doctor_id], by=by, now=now)


def add_time_off(db: Session, time_off: TimeOff, *, by: Actor = SYSTEM, now: datetime) -> None:
    """A doctor's absence or a location's closure; the openings inside it go in the same transaction, appointments stay."""
    db.add(time_off)
    db.flush()
    follow(db, _doctors_concerned(db, time_off), by=by, now=now)


def end_time_off(db: Session, time_off: TimeOff, *, by: Actor = SYSTEM, now: datetime) -> None:
    """Take an absence back; its openings return."""
    doctors = _doctors_concerned(db, time_off)
    db.delete(time_off)
    db.flush()
    follow(db, doctors, by=by, now=now)


def follow(db: Session, doctor_ids: Sequence[int], *, by: Actor, now: datetime) -> None:
    """Somebody changed when doctors work, or whether they do: openings follow, what is offered outside of the hours is withdrawn, new time is offered to those who wait."""
    # Locked before the openings are written: who answers an offer comes from there to the openings' counts.
    withdrawals.lock_offered(db, doctor_ids)
    for doctor_id in doctor_ids:
        written = _write(db, doctor_id, now)
        withdrawals.withdraw_outside_hours(db, now, doctor_id=doctor_id, by=by)
        _free_new(db, doctor_id, written, by=by, now=now)


def _free_new(db: Session, doctor_id: int, written: _Written, *, by: Actor, now: datetime) -> None:
    """Time in which the doctor did not work before. Other starts in the same hours (a new raster) are no new time."""
    longest = freed_time.longest_visit(db, doctor_id)
    for opening in written.new_or_changed:
        is_free = opening.is_new and not opening.claims and opening.starts_at <= now + OFFERED_AHEAD
        if is_free and not any(_overlaps(opening, old) for old in written.gone):
            # Each start is free by itself, for any visit that begins there.
            ends_at = min(opening.closes_at, opening.starts_at + longest)
            freed_time.free(db, doctor_id, opening.starts_at, ends_at, cause=freed_time.NEW_HOURS, by=by, now=now)


def _overlaps(opening: Any, other: Any) -> bool:
    return bool(opening.starts_at < other.ends_at and other.starts_at < opening.ends_at)


def _doctors_concerned(db: Session, time_off: TimeOff) -> list[int]:
    if time_off.doctor_id is not None:
        return [time_off.doctor_id]
    found = db.exec(select(Doctor.id).where(Doctor.location_id == time_off.location_id))
    return [doctor_id for doctor_id in found if doctor_id is not None]
