"""Doctors as an admin sets them up: who they are, in which specialty, and whether they are in use."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from medcal.db import fetch
from medcal.errors import ChangedMeanwhile, Invalid, NotFound, NotPossibleNow
from medcal.i18n import t, tn
from medcal.models import Doctor, Location, Specialty
from medcal.models.appointments import LIVE
from medcal.security import Actor
from medcal.services import admin_desk, booking, events, schedules, withdrawals
from medcal.services.admin_desk import check_admin, one_by_one, seen_as, slug_for
from medcal.services.checks import Check, check_line, check_number
from medcal.services.patients import check_free_text, check_name

LONGEST_PRACTICE_YEARS = 80


@dataclass(frozen=True)
class DoctorDetails:
    """What an admin may change of a doctor, checked but for the specialty, which is looked up."""

    name: str
    specialty: str
    qualification: str
    languages: str
    about: str
    practising_since: int | None


@dataclass(frozen=True)
class DoctorSettings:
    """A doctor as she is set up. `coming` counts her appointments from now on; `seen` marks what the page was read from."""

    ref: uuid.UUID
    slug: str
    details: DoctorDetails
    specialty_name: str
    location_ref: uuid.UUID
    location: str
    is_active: bool
    has_hours: bool
    coming: int
    seen: str


def check_details(form: Mapping[str, str], now: datetime) -> DoctorDetails:
    """The doctor that a form describes. Raises InvalidForm with all that does not fit."""
    check = Check()
    name = check(check_name, form.get("name", ""))
    lines = {
        field: check(check_line, form.get(field, ""), field, longest, is_needed=field == "specialty") or ""
        for field, longest in (("specialty", 36), ("qualification", 200), ("languages", 200))
    }
    about = check(check_free_text, form.get("about", ""), "about", 1000)
    since = check(_since, form.get("practising_since", ""), now)
    check.done()
    return DoctorDetails(name or "", **lines, about=about or "", practising_since=since)


def _since(given: str, now: datetime) -> int | None:
    """A year, or nothing."""
    bounds = (now.year - LONGEST_PRACTICE_YEARS, now.year)
    return check_number(given, "practising_since", bounds) if given.strip() else None


LIST = f"""
SELECT d.id, d.ref, d.slug, d.name, s.ref::text AS specialty, d.qualification, d.languages, d.about, d.practising_since,
       s.name AS specialty_name, l.ref AS location_ref, l.name AS location, d.is_active,
       EXISTS (SELECT FROM working_hours w JOIN location p ON p.id = d.location_id WHERE w.doctor_id = d.id
                  AND (w.valid_until IS NULL OR w.valid_until >= (%(now)s AT TIME ZONE p.zone)::date)) AS has_hours,
       (SELECT count(*) FROM appointment a WHERE a.doctor_id = d.id AND a.{LIVE} AND a.status IN ('booked', 'arrived')
           AND a.ends_at > %(now)s) AS coming
  FROM doctor d JOIN specialty s ON s.id = d.specialty_id JOIN location l ON l.id = d.location_id
"""


def list_doctors(db: Session, actor: Actor, now: datetime) -> list[DoctorSettings]:
    """All doctors, those in use first, then by specialty and name. Raises NotAllowed."""
    check_admin(actor)
    rows = fetch(db, f"{LIST} ORDER BY d.is_active DESC, s.position, s.id, d.name, d.id", now=now)
    return [_settings(row) for row in rows]


def get_settings(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> DoctorSettings:
    """One doctor, in use or not. Raises NotAllowed, NotFound."""
    check_admin(actor)
    rows = fetch(db, f"{LIST} WHERE d.ref = %(ref)s", ref=ref, now=now)
    if not rows:
        raise NotFound
    return _settings(rows[0])


def _settings(row: Any) -> DoctorSettings:
    details = DoctorDetails(**{name: getattr(row, name) for name in DoctorDetails.__dataclass_fields__})
    return DoctorSettings(
        ref=row.ref,
        slug=row.slug,
        details=details,
        specialty_name=row.specialty_name,
        location_ref=row.location_ref,
        location=row.location,
        is_active=row.is_active,
        has_hours=row.has_hours,
        coming=row.coming,
        seen=seen_as(details, row.is_active),
    )


def add_doctor(
    db: Session, actor: Actor, details: DoctorDetails, location_ref: uuid.UUID | None = None, *, now: datetime
) -> uuid.UUID:
    """A new doctor, in use but without hours; her address is made from her name and never changes, so that links stay good.

    Without a location she works at the first one. Raises NotAllowed, NotFound, Invalid.
    """
    check_admin(actor)
    one_by_one(db, Doctor)
    location, specialty = _location(db, location_ref), _specialty(db, details)
    slug = slug_for(details.name, set(db.exec(select(Doctor.slug))), longest=80, otherwise="doctor")
    doctor = Doctor(slug=slug, location_id=location.id or 0, specialty_id=specialty.id or 0, **_columns(details))
    db.add(doctor)
    db.flush()
    events.record(db, "doctor.changed", by=actor, now=now, doctor_id=doctor.id, new=asdict(details))
    return doctor.ref


def change_doctor(
    db: Session, actor: Actor, ref: uuid.UUID, details: DoctorDetails, *, seen: str, now: datetime
) -> None:
    """Write what an admin has changed; openings follow another specialty, which is refused while somebody is still to come.

    Raises NotAllowed, NotFound, Invalid, ChangedMeanwhile.
    """
    check_admin(actor)
    doctor = _close_book(db, ref)
    if seen != get_settings(db, actor, ref, now).seen:
        raise ChangedMeanwhile
    specialty = _specialty(db, details)
    has_moved = specialty.id != doctor.specialty_id
    if has_moved and (why := _why_not_now(db, doctor, now)):
        raise Invalid(why, "specialty")
    values = {**_columns(details), "specialty_id": specialty.id}
    admin_desk.change(db, doctor, "doctor.changed", values, by=actor, now=now, doctor_id=doctor.id)
    if has_moved:
        schedules.follow(db, [doctor.id or 0], by=actor, now=now)


def take_out_of_use(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Patients do not find the doctor any more: her openings go and offers of her time end. Her past stays.

    Raises NotAllowed, NotFound, and NotPossibleNow while somebody is still to come or is just booking.
    """
    check_admin(actor)
    doctor = _close_book(db, ref)
    if why := _why_not_now(db, doctor, now):
        raise NotPossibleNow(why)
    _set_in_use(db, doctor, is_active=False, by=actor, now=now)


def bring_back(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """The doctor can be booked again, in the hours she has. Raises NotAllowed, NotFound."""
    check_admin(actor)
    _set_in_use(db, lock_doctor(db, ref), is_active=True, by=actor, now=now)


def _set_in_use(db: Session, doctor: Doctor, *, is_active: bool, by: Actor, now: datetime) -> None:
    values = {"is_active": is_active}
    if admin_desk.change(db, doctor, "doctor.changed", values, by=by, now=now, doctor_id=doctor.id):
        schedules.follow(db, [doctor.id or 0], by=by, now=now)


def lock_doctor(db: Session, ref: uuid.UUID) -> Doctor:
    """The doctor's row as it is behind the lock; who moves visits to her waits. Raises NotFound."""
    return _lock(db, ref, keeps_bookers_out=False)


def _close_book(db: Session, ref: uuid.UUID) -> Doctor:
    """The same, and until the end of the transaction nobody takes a time of hers: a foreign key to the row waits here."""
    return _lock(db, ref, keeps_bookers_out=True)


def _lock(db: Session, ref: uuid.UUID, *, keeps_bookers_out: bool) -> Doctor:
    doctor = db.exec(select(Doctor).where(Doctor.ref == ref)).one_or_none()
    if doctor is None or doctor.id is None:
        raise NotFound
    booking.queue_for(db, doctor.id)
    if keeps_bookers_out:
        # Who answers an offer comes from there, and may note freed time of this doctor.
        withdrawals.lock_offered(db, [doctor.id])
    db.refresh(doctor, with_for_update=True if keeps_bookers_out else {"key_share": True})
    return doctor


def _why_not_now(db: Session, doctor: Doctor, now: datetime) -> str:
    """What keeps a doctor from going: people still to come, or forms being filled in. Times held for an offer end with it."""
    booking.release_lapsed_holds(db, now, doctor_id=doctor.id)
    row = fetch(
        db,
        f"""SELECT count(*) FILTER (WHERE a.status IN ('booked', 'arrived')) AS booked,
                   count(*) FILTER (WHERE a.status = 'held' AND a.held_by IS NOT NULL) AS held
              FROM appointment a WHERE a.doctor_id = %(id)s AND a.{LIVE} AND a.ends_at > %(now)s""",
        id=doctor.id,
        now=now,
    )[0]
    if row.booked:
        return tn(
            "{count} appointment is still to come. Move or cancel it first.",
            "{count} appointments are still to come. Move or cancel them first.",
            row.booked,
        )
    return t("Somebody is just booking a time. Please try again in a few minutes.") if row.held else ""


def _columns(details: DoctorDetails) -> dict[str, Any]:
    return {name: value for name, value in asdict(details).items() if name != "specialty"}


def _specialty(db: Session, details: DoctorDetails) -> Specialty:
    try:
        found = db.exec(select(Specialty).where(Specialty.ref == uuid.UUID(details.specialty))).one_or_none()
    except ValueError:
        found = None
    if found is None:
        raise Invalid(t("Please choose a specialty."), "specialty")
    return found


def _location(db: Session, ref: uuid.UUID | None) -> Location:
    chosen = select(Location).order_by(col(Location.id)).limit(1)
    found = db.exec(chosen.where(Location.ref == ref) if ref else chosen).one_or_none()
    if found is None:
        raise NotFound(t("Please say first where the clinic is."))
    return found
