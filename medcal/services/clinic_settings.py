"""The clinic itself, as an admin sets it up: where it is, how it is reached, its clock, and until when patients change on their own."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from sqlmodel import Session, col, or_, select

from medcal import clock
from medcal.db import fetch_one
from medcal.errors import ChangedMeanwhile, Invalid, NotFound
from medcal.i18n import t
from medcal.models import Doctor, Location, TimeOff
from medcal.security import Actor
from medcal.services import admin_desk, booking, events, freed_time, policy, reminders, schedules
from medcal.services.admin_desk import check_admin, check_unchanged, one_by_one, seen_as, slug_for
from medcal.services.checks import Check, check_line, check_number, check_wall_time
from medcal.services.patients import check_email, check_phone

DEADLINE_HOURS = (0, 336)
_REGIONS = (
    *("Africa/", "America/", "Antarctica/", "Arctic/", "Asia/"),
    *("Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/"),
)


@dataclass(frozen=True)
class ClinicDetails:
    """What an admin may change of a location, by the names of its columns; already checked."""

    name: str
    street: str
    city: str
    phone: str
    email: str
    zone: str
    change_deadline_hours: int
    quiet_from: time
    quiet_until: time


@dataclass(frozen=True)
class ClinicSettings:
    """A location as it is set up; `seen` marks what the page was read from."""

    ref: uuid.UUID
    details: ClinicDetails
    zone_is_fixed: bool
    seen: str


@cache
def zones() -> tuple[str, ...]:
    """The time zones that can be chosen, by name."""
    return tuple(sorted(name for name in available_timezones() if name.startswith(_REGIONS)))


def check_details(form: Mapping[str, str]) -> ClinicDetails:
    """The clinic that a form describes, by the names of the columns. Raises InvalidForm with all that does not fit."""
    check = Check()
    texts = {
        field: check(check_line, form.get(field, ""), field, longest)
        for field, longest in (("name", 120), ("street", 200), ("city", 120))
    }
    phone, email = check(_phone, form.get("phone", "")), check(_email, form.get("email", ""))
    zone = check(_zone, form.get("zone", ""))
    deadline = check(check_number, form.get("change_deadline_hours", ""), "change_deadline_hours", DEADLINE_HOURS)
    quiet = [check(check_wall_time, form.get(field, ""), field) for field in ("quiet_from", "quiet_until")]
    check.done()
    return ClinicDetails(
        **{field: text or "" for field, text in texts.items()},
        phone=phone or "",
        email=email or "",
        zone=zone or "",
        change_deadline_hours=deadline or 0,
        quiet_from=quiet[0] or time(0),
        quiet_until=quiet[1] or time(0),
    )


def _phone(given: str) -> str:
    """As people read it: the pages show it where only a call helps."""
    number = phonenumbers.parse(check_phone(given))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _email(given: str) -> str:
    return check_email(given) if given.strip() else ""


def _zone(given: str) -> str:
    wanted = given.strip().replace(" ", "_").casefold()
    found = next((name for name in zones() if name.casefold() == wanted), None)
    if found is None:
        raise Invalid(t("Please choose a time zone from the list, for example Europe/Vienna."), "zone")
    return found


def list_clinics(db: Session, actor: Actor) -> list[ClinicSettings]:
    """The locations, the first one first. Raises NotAllowed."""
    check_admin(actor)
    return [_settings(db, location) for location in db.exec(select(Location).order_by(col(Location.id)))]


def _settings(db: Session, location: Location) -> ClinicSettings:
    details = _details(location)
    return ClinicSettings(location.ref, details, _has_appointments(db, location), seen_as(details))


def _details(location: Location) -> ClinicDetails:
    return ClinicDetails(**{name: getattr(location, name) for name in ClinicDetails.__dataclass_fields__})


def _has_appointments(db: Session, location: Location) -> bool:
    """Past ones count: their times would be told wrong. A hold that came to nothing does not."""
    row = fetch_one(
        db,
        "SELECT 1 FROM appointment WHERE location_id = %(id)s AND status <> 'released' LIMIT 1",
        id=location.id,
    )
    return row is not None


def open_clinic(db: Session, actor: Actor, details: ClinicDetails, *, now: datetime) -> uuid.UUID:
    """The clinic begins: its first location, with the rules of offers that every clinic begins with.

    Raises NotAllowed, Invalid, ChangedMeanwhile when another admin was faster.
    """
    check_admin(actor)
    one_by_one(db, Location)
    if db.exec(select(Location.id).limit(1)).first() is not None:
        raise ChangedMeanwhile
    _check_zone_of_database(db, details.zone)
    location = Location(slug=slug_for(details.name, (), longest=60, otherwise="clinic"), **asdict(details))
    db.add(location)
    db.flush()
    policy.write_default_policy(db, location)
    reminders.write_usual_rules(db, location, now=now)
    events.record(db, "clinic.changed", by=actor, now=now, location_id=location.id, new=asdict(details))
    return location.ref


def change_clinic(
    db: Session, actor: Actor, ref: uuid.UUID, details: ClinicDetails, *, seen: str, now: datetime
) -> None:
    """Write what an admin has changed; openings and what waits for the end of the night follow.

    Raises NotAllowed, NotFound, Invalid, ChangedMeanwhile when the page was read from something else.
    """
    check_admin(actor)
    location = _get(db, ref)
    zone_changes = details.zone != location.zone
    if zone_changes:
        _check_zone_of_database(db, details.zone)
        # Before the row is locked: who moves an appointment comes from here to it.
        for doctor_id in _doctors_at(db, location):
            booking.queue_for(db, doctor_id)
    db.refresh(location, with_for_update=True)
    check_unchanged(seen, _details(location))
    if zone_changes and _has_appointments(db, location):
        raise Invalid(
            t(
                "There are appointments already; their times would jump. The time zone stays {zone}.",
                zone=location.zone,
            ),
            "zone",
        )
    old_zone = location.zone_info
    admin_desk.change(db, location, "clinic.changed", asdict(details), by=actor, now=now, location_id=location.id)
    if zone_changes:
        _follow_zone(db, location, old_zone, by=actor, now=now)
    freed_time.look_again(db, location.id or 0, now)


def _get(db: Session, ref: uuid.UUID) -> Location:
    found = db.exec(select(Location).where(Location.ref == ref)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _check_zone_of_database(db: Session, zone: str) -> None:
    """The database reckons with zones as well, from a list of its own."""
    if fetch_one(db, "SELECT 1 FROM pg_timezone_names WHERE name = %(zone)s", zone=zone) is None:
        raise Invalid(t("Please choose a time zone from the list, for example Europe/Vienna."), "zone")


def _follow_zone(db: Session, location: Location, old_zone: ZoneInfo, *, by: Actor, now: datetime) -> None:
    """Nobody has an appointment yet: closed days and times off keep what stands on the wall, and openings are written anew."""
    doctor_ids, zone = _doctors_at(db, location), location.zone_info
    chosen = or_(col(TimeOff.doctor_id).in_(doctor_ids), TimeOff.location_id == location.id)
    for absence in db.exec(select(TimeOff).where(chosen)):
        for name in ("starts_at", "ends_at"):
            wall = clock.local(getattr(absence, name), old_zone)
            setattr(absence, name, clock.instant_or_later(wall.date(), wall.time(), zone))
    db.flush()
    schedules.follow(db, doctor_ids, by=by, now=now)


def _doctors_at(db: Session, location: Location) -> list[int]:
    found = db.exec(select(Doctor.id).where(Doctor.location_id == location.id).order_by(col(Doctor.id)))
    return [doctor_id for doctor_id in found if doctor_id is not None]
