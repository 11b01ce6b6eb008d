"""Everything about one freed time: who was asked, when, what came of it, and why others are passed over."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from medcal.db import fetch, fetch_one
from medcal.errors import NotFound
from medcal.models import FreedTime, Location
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import looks
from medcal.services.candidates import PassedOver, passed_over
from medcal.services.looks import Seen
from medcal.services.policy import policy_for


@dataclass(frozen=True)
class Step:
    """Something that happened to the time, as in the history. `by_whom` is the staff user's name where it was one."""

    at: datetime
    kind: str
    patient: str | None
    actor: str
    by_whom: str | None
    answer_until: datetime | None
    asked_at_once: int
    ended_by: str | None


@dataclass(frozen=True)
class Trail:
    """A freed time from its first to its last step.

    `passed_over` holds those who wait, in their turn, with a reason of candidates.REASONS (None: next to be asked), as of now. It is
    empty once the time has ended.
    """

    ref: uuid.UUID
    doctor: str
    zone: ZoneInfo
    starts_at: datetime
    ends_at: datetime
    cause: str
    status: str
    ended_by: str | None
    look_at: datetime
    steps: tuple[Step, ...]
    passed_over: tuple[PassedOver, ...]


def trail_of(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> Trail:
    """The trail of a freed time, for reception and admins. Raises NotAllowed, NotFound."""
    check(actor, Can.answer_offers)
    freed = db.exec(
        select(FreedTime).where(FreedTime.ref == ref).execution_options(populate_existing=True)
    ).one_or_none()
    if freed is None:
        raise NotFound
    looks.note(db, actor, Seen.trail, doctor_id=freed.doctor_id, first_day=freed.day)
    location = db.get_one(Location, freed.location_id)
    doctor = fetch_one(db, "SELECT name FROM doctor WHERE id = %(id)s", id=freed.doctor_id)
    assert doctor is not None
    return Trail(
        ref=freed.ref,
        doctor=doctor.name,
        zone=location.zone_info,
        starts_at=freed.starts_at,
        ends_at=freed.ends_at,
        cause=freed.cause,
        status=str(freed.status),
        ended_by=str(freed.ended_by) if freed.ended_by else None,
        look_at=freed.look_at,
        steps=tuple(_steps(db, freed)),
        passed_over=tuple(_passed_over(db, freed, location, now)) if freed.ended_at is None else (),
    )


def _steps(db: Session, freed: FreedTime) -> list[Step]:
    rows = fetch(
        db,
        """SELECT e.at, e.kind, p.name AS patient, e.actor, u.name AS by_whom,
                  (e.detail->>'answer_until')::timestamptz AS answer_until,
                  coalesce((e.detail->>'asked_at_once')::int, 1) AS asked_at_once, e.detail->>'ended_by' AS ended_by
             FROM event e LEFT JOIN offer o ON o.id = e.offer_id LEFT JOIN patient p ON p.id = o.patient_id
             LEFT JOIN staff_user u ON u.id = e.staff_user_id
            WHERE e.freed_time_id = %(id)s ORDER BY e.id""",
        id=freed.id,
    )
    return [Step(*row) for row in rows]


def _passed_over(db: Session, freed: FreedTime, location: Location, now: datetime) -> list[PassedOver]:
    """Those who were asked for this very time stand in the steps."""
    found = passed_over(db, freed, location, policy_for(db, location, freed.visit_type_id), now)
    return [each for each in found if each.reason != "asked_before"]
