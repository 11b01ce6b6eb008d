"""Specialties and their kinds of visit, as an admin sets them up."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from medcal import routes
from medcal.db import fetch, fetch_one
from medcal.errors import Invalid, NotFound, NotPossibleNow
from medcal.i18n import t, tn
from medcal.models import Doctor, Specialty, VisitType
from medcal.security import Actor
from medcal.services import admin_desk, events
from medcal.services.admin_desk import check_admin, check_unchanged, one_by_one, seen_as, slug_for
from medcal.services.checks import Check, check_line
from medcal.services.directory import doctors_of
from medcal.services.patients import check_free_text
from medcal.services.ready_made import READY_MADE, ReadySpecialty, ReadyVisit
from medcal.theme import SPECIALTY_ICONS

MOST_REASONS = 20


@dataclass(frozen=True)
class SpecialtyDetails:
    """What an admin may change of a specialty, by the names of its columns; already checked."""

    name: str
    practitioner: str
    summary: str
    icon: str
    reasons: list[str]


@dataclass(frozen=True)
class SpecialtySettings:
    """A specialty as it is set up. `doctors` counts those in use; patients see it while there are some."""

    ref: uuid.UUID
    slug: str
    details: SpecialtyDetails
    doctors: int
    visits: list[VisitType]
    seen: str


def check_details(form: Mapping[str, str]) -> SpecialtyDetails:
    """The specialty that a form describes; reasons are lines. Raises InvalidForm with all that does not fit."""
    check = Check()
    name = check(check_line, form.get("name", ""), "name", 80)
    practitioner = check(check_line, form.get("practitioner", ""), "practitioner", 80)
    summary = check(check_line, form.get("summary", ""), "summary", 300, is_needed=False)
    icon, reasons = check(_icon, form.get("icon", "")), check(_reasons, form.get("reasons", ""))
    check.done()
    return SpecialtyDetails(name or "", practitioner or "", summary or "", icon or "", reasons or [])


def _icon(given: str) -> str:
    if given not in SPECIALTY_ICONS:
        raise Invalid(t("Please choose one of the signs."), "icon")
    return given


def _reasons(given: str) -> list[str]:
    lines = check_free_text(given, "reasons", MOST_REASONS * 121).splitlines()
    reasons = list(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip()))
    if len(reasons) > MOST_REASONS or any(len(reason) > 120 for reason in reasons):
        raise Invalid(t("Please give no more than 20 lines of 120 characters."), "reasons")
    return reasons


def list_specialties(db: Session, actor: Actor) -> list[SpecialtySettings]:
    """Every specialty with all its kinds of visit, in the clinic's order. Raises NotAllowed."""
    check_admin(actor)
    return [_settings(db, specialty) for specialty in _in_order(db)]


def _in_order(db: Session) -> list[Specialty]:
    return list(db.exec(select(Specialty).order_by(col(Specialty.position), col(Specialty.name), col(Specialty.id))))


def _settings(db: Session, specialty: Specialty) -> SpecialtySettings:
    assert specialty.id is not None
    details = _details(specialty)
    visits = list(
        db.exec(
            select(VisitType)
            .where(VisitType.specialty_id == specialty.id)
            .order_by(col(VisitType.position), col(VisitType.id))
        )
    )
    doctors = len(doctors_of(db, specialty.id))
    return SpecialtySettings(specialty.ref, specialty.slug, details, doctors, visits, seen_as(details))


def _details(specialty: Specialty) -> SpecialtyDetails:
    return SpecialtyDetails(**{name: getattr(specialty, name) for name in SpecialtyDetails.__dataclass_fields__})


def add_specialty(db: Session, actor: Actor, details: SpecialtyDetails, *, now: datetime) -> uuid.UUID:
    """A new specialty, at the end of the list; its address is made from its name. Raises NotAllowed, Invalid."""
    check_admin(actor)
    one_by_one(db, Specialty)
    there = _in_order(db)
    if any(each.name.casefold() == details.name.casefold() for each in there):
        raise Invalid(t("There is a specialty of this name already."), "name")
    return _add(db, actor, details, there, now).ref


def _add(
    db: Session, actor: Actor, details: SpecialtyDetails, there: Collection[Specialty], now: datetime
) -> Specialty:
    taken = {each.slug for each in there} | routes.RESERVED
    position = 1 + max((each.position for each in there), default=-1)
    slug = slug_for(details.name, taken, longest=60, otherwise="specialty")
    specialty = Specialty(slug=slug, position=position, **asdict(details))
    db.add(specialty)
    db.flush()
    events.record(db, "specialty.changed", by=actor, now=now, specialty_id=specialty.id, new=asdict(details))
    return specialty


def change_specialty(
    db: Session, actor: Actor, ref: uuid.UUID, details: SpecialtyDetails, *, seen: str, now: datetime
) -> None:
    """Write what an admin has changed; the address stays. Raises NotAllowed, NotFound, Invalid, ChangedMeanwhile."""
    check_admin(actor)
    one_by_one(db, Specialty)
    specialty = _get(db, ref)
    check_unchanged(seen, _details(specialty))
    if any(each.name.casefold() == details.name.casefold() for each in _in_order(db) if each.id != specialty.id):
        raise Invalid(t("There is a specialty of this name already."), "name")
    admin_desk.change(db, specialty, "specialty.changed", asdict(details), by=actor, now=now, specialty_id=specialty.id)


def move_specialty(db: Session, actor: Actor, ref: uuid.UUID, by: Literal[-1, 1], *, now: datetime) -> None:
    """One place up (-1) or down (1) in the clinic's order. Raises NotAllowed, NotFound."""
    check_admin(actor)
    one_by_one(db, Specialty)
    moved = _get(db, ref)
    order = _in_order(db)
    place = order.index(moved)
    order.insert(min(max(place + by, 0), len(order) - 1), order.pop(place))
    for position, specialty in enumerate(order):
        specialty.position = position
    db.flush()
    old, new = {"place": place + 1}, {"place": order.index(moved) + 1}
    events.record(db, "specialty.changed", by=actor, now=now, specialty_id=moved.id, old=old, new=new)


def remove_specialty(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Delete a specialty in which nobody works and nothing was ever booked, with its kinds of visit.

    Raises NotAllowed, NotFound, NotPossibleNow.
    """
    check_admin(actor)
    specialty = _get(db, ref)
    doctors = len(db.exec(select(Doctor.id).where(Doctor.specialty_id == specialty.id)).all())
    if doctors:
        raise NotPossibleNow(
            tn(
                "{count} doctor belongs to it, so it stays. Without doctors in use patients do not see it.",
                "{count} doctors belong to it, so it stays. Without doctors in use patients do not see it.",
                doctors,
            )
        )
    visits = db.exec(select(VisitType).where(VisitType.specialty_id == specialty.id).with_for_update()).all()
    if any(is_used(db, visit.id) for visit in visits):
        raise NotPossibleNow(t("Visits were booked in it, so it stays. Without doctors patients do not see it."))
    for visit in visits:
        delete_visit(db, visit)
    db.delete(specialty)
    db.flush()
    events.record(db, "specialty.changed", by=actor, now=now, specialty_id=specialty.id, removed=specialty.slug)


def is_used(db: Session, visit_type_id: int | None) -> bool:
    """Whether anybody ever booked such a visit, waited for one, or gave one back. The caller has locked the row."""
    row = fetch_one(
        db,
        """SELECT EXISTS (SELECT FROM appointment WHERE visit_type_id = %(id)s)
               OR EXISTS (SELECT FROM waitlist_entry WHERE visit_type_id = %(id)s)
               OR EXISTS (SELECT FROM freed_time WHERE visit_type_id = %(id)s) AS yes""",
        id=visit_type_id,
    )
    return bool(row and row.yes)


def delete_visit(db: Session, visit: VisitType) -> None:
    """Delete a kind of visit that is not used, with rules of offers of its own."""
    fetch(db, "DELETE FROM offer_policy WHERE visit_type_id = %(id)s", id=visit.id)
    db.delete(visit)
    db.flush()


def _get(db: Session, ref: uuid.UUID) -> Specialty:
    """Locked, and as it is behind the lock. Raises NotFound."""
    chosen = select(Specialty).where(Specialty.ref == ref).with_for_update()
    found = db.exec(chosen.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound
    return found


# --- Ready made -------------------------------------------------------------------------------------------------------


def ready_made(db: Session, actor: Actor) -> list[ReadySpecialty]:
    """What can be taken as it is and is not there yet. Raises NotAllowed."""
    check_admin(actor)
    there = set(db.exec(select(Specialty.slug)))
    return [each for each in READY_MADE if each.slug not in there]


def add_ready_made(db: Session, actor: Actor, slugs: Collection[str], *, now: datetime) -> int:
    """Take ready-made specialties with their kinds of visit; what is there already stays as it is. Returns how many came."""
    check_admin(actor)
    one_by_one(db, Specialty)
    chosen = [each for each in ready_made(db, actor) if each.slug in slugs]
    for each in chosen:
        details = SpecialtyDetails(each.name, each.practitioner, each.summary, each.icon, list(each.reasons))
        specialty = _add(db, actor, details, _in_order(db), now)
        for position, ready in enumerate(each.visits):
            visit = _visit(ready, specialty.id or 0, position)
            db.add(visit)
            db.flush()
            new = {
                name: getattr(visit, name) for name in ("name", "length_minutes", "buffer_minutes", "notice_minutes")
            }
            events.record(db, "visit_type.changed", by=actor, now=now, visit_type_id=visit.id, new=new)
    return len(chosen)


def _visit(ready: ReadyVisit, specialty_id: int, position: int) -> VisitType:
    return VisitType(
        specialty_id=specialty_id,
        name=ready.name,
        length_minutes=ready.length,
        buffer_minutes=ready.buffer,
        notice_minutes=ready.notice,
        position=position,
    )
