"""Whose rules are set: a location with its kinds of visit, each of which may have rules of its own."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session, col, select

from medcal.db import fetch, fetch_one
from medcal.errors import NotFound
from medcal.models import Location


@dataclass(frozen=True)
class RuledVisit:
    """A kind of visit of a location, and whether it has rules of its own."""

    ref: uuid.UUID
    name: str
    specialty: str
    has_own_rules: bool


def visits_by_place(db: Session, own: Collection[tuple[int, int]]) -> list[tuple[Location, tuple[RuledVisit, ...]]]:
    """Every location with the kinds of visit of the specialties that somebody has there.

    `own` are the pairs of location and kind of visit that have rules of their own.
    """
    rows = fetch(
        db,
        """SELECT l.id AS location_id, v.id, v.ref, v.name, s.name AS specialty
             FROM location l JOIN visit_type v ON v.is_active JOIN specialty s ON s.id = v.specialty_id
            WHERE EXISTS (SELECT FROM doctor d WHERE d.location_id = l.id AND d.specialty_id = s.id AND d.is_active)
            ORDER BY l.id, s.position, s.id, v.position, v.id""",
    )
    return [
        (
            place,
            tuple(
                RuledVisit(row.ref, row.name, row.specialty, (row.location_id, row.id) in own)
                for row in rows
                if row.location_id == place.id
            ),
        )
        for place in db.exec(select(Location).order_by(col(Location.id)))
    ]


def find_place(db: Session, ref: uuid.UUID) -> Location:
    """Raises NotFound."""
    found = db.exec(select(Location).where(Location.ref == ref)).one_or_none()
    if found is None:
        raise NotFound
    return found


def find_visit_type_id(db: Session, ref: uuid.UUID | None) -> int | None:
    """None for None: the rules of the location itself. Raises NotFound."""
    if ref is None:
        return None
    row = fetch_one(db, "SELECT id FROM visit_type WHERE ref = %(ref)s", ref=ref)
    if row is None:
        raise NotFound
    return int(row.id)
