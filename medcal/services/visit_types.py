"""Kinds of visit of a specialty, as an admin sets them up: how long they take, and how late they can still be booked."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select

from medcal.errors import Invalid, NotFound, NotPossibleNow
from medcal.i18n import t
from medcal.models import Specialty, VisitType
from medcal.security import Actor
from medcal.services import admin_desk, events
from medcal.services.admin_desk import check_admin, check_unchanged, seen_as
from medcal.services.checks import Check, check_line, check_number
from medcal.services.directory import doctors_of
from medcal.services.specialties import delete_visit, is_used

# What the table takes, (least, most), by the names of its columns.
BOUNDS = {"length_minutes": (5, 480), "buffer_minutes": (0, 120), "notice_minutes": (0, 43200)}


@dataclass(frozen=True)
class VisitDetails:
    """What an admin may change of a kind of visit, by the names of its columns; already checked."""

    name: str
    length_minutes: int
    buffer_minutes: int
    notice_minutes: int


def check_details(form: Mapping[str, str]) -> VisitDetails:
    """The kind of visit that a form describes. Raises InvalidForm with all that does not fit."""
    check = Check()
    name = check(check_line, form.get("name", ""), "name", 80)
    numbers = {field: check(check_number, form.get(field, ""), field, bounds) or 0 for field, bounds in BOUNDS.items()}
    check.done()
    return VisitDetails(name or "", **numbers)


def details_of(visit: VisitType) -> VisitDetails:
    return VisitDetails(**{name: getattr(visit, name) for name in VisitDetails.__dataclass_fields__})


def mark_of(visit: VisitType) -> str:
    """What `change_visit` takes as `seen`."""
    return seen_as(details_of(visit))


def add_visit(
    db: Session, actor: Actor, specialty_ref: uuid.UUID, details: VisitDetails, *, now: datetime
) -> uuid.UUID:
    """A new kind of visit, after the others. Raises NotAllowed, NotFound, Invalid."""
    check_admin(actor)
    specialty = _specialty(db, Specialty.ref == specialty_ref)
    there = _visits(db, specialty)
    _check_name(details, there)
    position = 1 + max((each.position for each in there), default=-1)
    visit = VisitType(specialty_id=specialty.id or 0, position=position, **asdict(details))
    db.add(visit)
    db.flush()
    events.record(db, "visit_type.changed", by=actor, now=now, visit_type_id=visit.id, new=asdict(details))
    return visit.ref


def change_visit(db: Session, actor: Actor, ref: uuid.UUID, details: VisitDetails, *, seen: str, now: datetime) -> None:
    """Write what an admin has changed. Visits that are booked keep the length they were booked with.

    Raises NotAllowed, NotFound, Invalid, ChangedMeanwhile.
    """
    check_admin(actor)
    visit, there = _get(db, ref)
    check_unchanged(seen, details_of(visit))
    _check_name(details, [each for each in there if each.id != visit.id])
    admin_desk.change(db, visit, "visit_type.changed", asdict(details), by=actor, now=now, visit_type_id=visit.id)


def set_in_use(db: Session, actor: Actor, ref: uuid.UUID, *, is_active: bool, now: datetime) -> None:
    """Offer a kind of visit, or no longer; what is booked stays. The last one stays in use while doctors work in the specialty.

    Raises NotAllowed, NotFound, NotPossibleNow.
    """
    check_admin(actor)
    visit, there = _get(db, ref)
    if not is_active:
        _check_not_last(db, visit, there)
    values = {"is_active": is_active}
    admin_desk.change(db, visit, "visit_type.changed", values, by=actor, now=now, visit_type_id=visit.id)


def _check_not_last(db: Session, visit: VisitType, there: list[VisitType]) -> None:
    others = [each for each in there if each.is_active and each.id != visit.id]
    if not others and doctors_of(db, visit.specialty_id):
        raise NotPossibleNow(
            t("It is the only kind of visit, and doctors work in this specialty. Add another one first.")
        )


def move_visit(db: Session, actor: Actor, ref: uuid.UUID, by: Literal[-1, 1], *, now: datetime) -> None:
    """One place up (-1) or down (1); the first one is what patients are shown first. Raises NotAllowed, NotFound."""
    check_admin(actor)
    moved, order = _get(db, ref)
    place = order.index(moved)
    order.insert(min(max(place + by, 0), len(order) - 1), order.pop(place))
    for position, visit in enumerate(order):
        visit.position = position
    db.flush()
    old, new = {"place": place + 1}, {"place": order.index(moved) + 1}
    events.record(db, "visit_type.changed", by=actor, now=now, visit_type_id=moved.id, old=old, new=new)


def remove_visit(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Delete a kind of visit that nobody ever booked. Raises NotAllowed, NotFound, NotPossibleNow."""
    check_admin(actor)
    visit, there = _get(db, ref)
    if visit.is_active:
        _check_not_last(db, visit, there)
    # Locked against new bookings: their foreign key waits here, and then finds nothing.
    db.exec(select(VisitType.id).where(VisitType.id == visit.id).with_for_update()).one()
    if is_used(db, visit.id):
        raise NotPossibleNow(t("It has been booked before, so it stays. Take it out of use instead."))
    delete_visit(db, visit)
    events.record(db, "visit_type.changed", by=actor, now=now, visit_type_id=visit.id, removed=visit.name)


def _get(db: Session, ref: uuid.UUID) -> tuple[VisitType, list[VisitType]]:
    """A kind of visit and all of its specialty, which is locked. Raises NotFound."""
    specialty_id = db.exec(select(VisitType.specialty_id).where(VisitType.ref == ref)).one_or_none()
    there = _visits(db, _specialty(db, Specialty.id == specialty_id)) if specialty_id is not None else []
    found = next((each for each in there if each.ref == ref), None)
    if found is None:
        raise NotFound
    return found, there


def _visits(db: Session, specialty: Specialty) -> list[VisitType]:
    chosen = select(VisitType).where(VisitType.specialty_id == specialty.id)
    in_order = chosen.order_by(col(VisitType.position), col(VisitType.id))
    return list(db.exec(in_order.execution_options(populate_existing=True)))


def _specialty(db: Session, which: object) -> Specialty:
    """Locked: two admins who change kinds of visit of a specialty come one by one. Raises NotFound."""
    chosen = select(Specialty).where(which).with_for_update(key_share=True)  # type: ignore[arg-type]
    found = db.exec(chosen).one_or_none()
    if found is None:
        raise NotFound
    return found


def _check_name(details: VisitDetails, others: list[VisitType]) -> None:
    if any(each.name.casefold() == details.name.casefold() for each in others):
        raise Invalid(t("There is a kind of visit of this name already."), "name")
