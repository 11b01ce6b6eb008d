"""How far a new clinic is set up: where it is, what it treats, and who works there."""

from dataclasses import dataclass

from sqlmodel import Session

from medcal.db import fetch_one
from medcal.security import Actor
from medcal.services.admin_desk import check_admin


@dataclass(frozen=True)
class Progress:
    """What is there of the three things that a clinic needs before anybody can book."""

    has_clinic: bool
    has_specialties: bool
    has_doctors: bool

    @property
    def is_open(self) -> bool:
        return self.has_clinic and self.has_specialties and self.has_doctors


def progress(db: Session, actor: Actor) -> Progress:
    """How far the clinic is; a specialty counts with a kind of visit, a doctor with hours. Raises NotAllowed."""
    check_admin(actor)
    return look(db)


def look(db: Session) -> Progress:
    """The same for the pages' own use, whoever reads them."""
    row = fetch_one(
        db,
        """SELECT EXISTS (SELECT FROM location) AS clinic,
                  EXISTS (SELECT FROM specialty s JOIN visit_type v ON v.specialty_id = s.id AND v.is_active) AS specialties,
                  EXISTS (SELECT FROM doctor d JOIN working_hours w ON w.doctor_id = d.id
                           WHERE d.is_active) AS doctors""",
    )
    assert row is not None
    return Progress(row.clinic, row.specialties, row.doctors)
