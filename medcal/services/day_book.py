"""The desk's view of the days: who comes when, what is held or offered, and when doctors work.

Every query is bounded by the actor: a doctor sees her own calendar and her own patients, reception and admins see everybody's.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.errors import NotAllowed, NotFound
from medcal.models import Appointment, AppointmentStatus, Doctor, WorkingHours
from medcal.models.appointments import LIVE
from medcal.models.sealed import open_note
from medcal.roles import RIGHTS, Can, Whose, check
from medcal.security import Actor
from medcal.services import looks
from medcal.services.availability import cells_of_day
from medcal.services.looks import Seen

LONGEST_VISIT = timedelta(hours=10)
STEP = timedelta(minutes=5)


def own_doctor(actor: Actor) -> int | None:
    """The one doctor whose rows the actor may see, None for everybody's. Raises NotAllowed for anybody who is not on the staff."""
    check(actor, Can.see_calendar)
    if actor.role is None or RIGHTS[Can.see_calendar].whose[actor.role] is Whose.all:
        return None
    if actor.doctor_id is None:
        raise NotAllowed
    return actor.doctor_id


# --- Doctors ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeskDoctor:
    """A doctor as a column of the calendar; all times of the column are on the clock of `zone`."""

    id: int
    ref: uuid.UUID
    slug: str
    name: str
    specialty_ref: uuid.UUID
    specialty: str
    location_ref: uuid.UUID
    location: str
    zone: str

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def doctors_for(db: Session, actor: Actor) -> list[DeskDoctor]:
    """The doctors whose calendars the actor may open, by location, specialty and name."""
    rows = fetch(
        db,
        """SELECT d.id, d.ref, d.slug, d.name, s.ref AS specialty_ref, s.name AS specialty, l.ref AS location_ref, l.name AS location, l.zone
             FROM doctor d JOIN specialty s ON s.id = d.specialty_id JOIN location l ON l.id = d.location_id
            WHERE d.is_active AND (%(own)s::bigint IS NULL OR d.id = %(own)s)
            ORDER BY l.id, s.position, s.id, d.name""",
        own=own_doctor(actor),
    )
    return [DeskDoctor(*row) for row in rows]


def choose_doctors(doctors: Sequence[DeskDoctor], chosen: uuid.UUID | None) -> list[DeskDoctor]:
    """Those that a filter means: one doctor, a specialty, or a location; None is the first location. One location, hence one clock."""
    wanted = [doctor for doctor in doctors if chosen in (None, doctor.ref, doctor.specialty_ref, doctor.location_ref)]
    return [doctor for doctor in wanted if doctor.location_ref == wanted[0].location_ref]


def filter_of(shown: Sequence[DeskDoctor], chosen: uuid.UUID | None) -> uuid.UUID:
    """What a filter means now that these doctors are shown: itself, or the one doctor, or their location."""
    if len(shown) == 1:
        return shown[0].ref
    return shown[0].specialty_ref if chosen == shown[0].specialty_ref else shown[0].location_ref


def get_doctor(db: Session, actor: Actor, ref: uuid.UUID) -> Doctor:
    """A doctor whose calendar the actor may open. Raises NotFound, as for one that does not exist."""
    own = own_doctor(actor)
    found = db.exec(select(Doctor).where(Doctor.ref == ref, Doctor.is_active)).one_or_none()
    if found is None or own not in (None, found.id):
        raise NotFound
    return found


def get_visible(db: Session, actor: Actor, ref: uuid.UUID) -> Appointment:
    """An appointment that the actor may see. Raises NotFound, as for one that does not exist."""
    own = own_doctor(actor)
    found = db.exec(select(Appointment).where(Appointment.ref == ref)).one_or_none()
    if found is None or own not in (None, found.doctor_id):
        raise NotFound
    return found


# --- Days -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """What stands in a doctor's day: an appointment, a form being filled in, or a time held for an offer.

    `answer_until` is set for an offer, `held_until` for both kinds of hold; a form has no patient yet.
    """

    ref: uuid.UUID
    doctor_id: int
    starts_at: datetime
    ends_at: datetime
    busy_until: datetime
    status: AppointmentStatus
    held_until: datetime | None
    answer_until: datetime | None
    patient: str | None
    visit_type: str
    is_confirmed: bool
    overbooked_reason: str | None
    waits: bool
    version: int

    @property
    def is_offer(self) -> bool:
        return self.answer_until is not None


@dataclass(frozen=True)
class Absence:
    """Time off of a doctor, or of everybody at a location (`is_closure`)."""

    ref: uuid.UUID
    doctor_id: int
    starts_at: datetime
    ends_at: datetime
    reason: str
    is_closure: bool


@dataclass(frozen=True)
class Shift:
    """Unbroken working hours of a doctor, before time off."""

    doctor_id: int
    day: date
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class DayBook:
    """Some days of some doctors, all on one clock."""

    doctors: tuple[DeskDoctor, ...]
    first_day: date
    days: int
    zone: ZoneInfo
    claims: tuple[Claim, ...]
    absences: tuple[Absence, ...]
    shifts: tuple[Shift, ...]

    @property
    def listed_days(self) -> list[date]:
        return [self.first_day + timedelta(days=offset) for offset in range(self.days)]


def read_days(db: Session, actor: Actor, doctors: Sequence[DeskDoctor], first_day: date, days: int) -> DayBook:
    """Everything that stands in these days; `doctors` come from `doctors_for`, which has bounded them, and share a location."""
    if not doctors:
        raise NotFound
    zone, ids = doctors[0].zone_info, [doctor.id for doctor in doctors]
    since, until = clock.day_start(first_day, zone), clock.day_start(first_day + timedelta(days=days), zone)
    last_day, one = first_day + timedelta(days=days - 1), ids[0] if len(ids) == 1 else None
    looks.note(db, actor, Seen.calendar, doctor_id=one, first_day=first_day, last_day=last_day)
    return DayBook(
        tuple(doctors),
        first_day,
        days,
        zone,
        tuple(_claims(db, ids, since, until)),
        tuple(_absences(db, ids, since, until)),
        tuple(_shifts(db, ids, zone, [first_day + timedelta(days=offset) for offset in range(days)])),
    )


def _claims(db: Session, doctor_ids: Sequence[int], since: datetime, until: datetime) -> list[Claim]:
    rows = fetch(
        db,
        f"""SELECT a.ref, a.doctor_id, a.starts_at, a.ends_at, a.busy_until, a.status, a.held_until, o.answer_until, p.name AS patient,
                   v.name AS visit_type, a.confirmed_at IS NOT NULL AS is_confirmed, a.overbooked_reason,
                   EXISTS (SELECT FROM waitlist_entry e WHERE e.appointment_id = a.id AND e.status IN ('waiting', 'paused')) AS waits, a.version
              FROM appointment a JOIN visit_type v ON v.id = a.visit_type_id
              LEFT JOIN patient p ON p.id = a.patient_id
              LEFT JOIN offer o ON o.hold_id = a.id AND o.status = 'open'
             WHERE a.doctor_id = ANY(%(doctor_ids)s) AND (a.{LIVE} OR a.status = 'no_show')
               AND a.starts_at > %(since)s - %(longest)s AND a.starts_at < %(until)s AND a.busy_until > %(since)s
             ORDER BY a.starts_at, a.id""",
        doctor_ids=list(doctor_ids),
        since=since,
        until=until,
        longest=LONGEST_VISIT,
    )
    return [_claim(row) for row in rows]


def _claim(row: Any) -> Claim:
    values = row._asdict()
    if row.overbooked_reason:
        values["overbooked_reason"] = open_note(row.overbooked_reason, "appointment.overbooked_reason")
    return Claim(**{**values, "status": AppointmentStatus(row.status)})


def _absences(db: Session, doctor_ids: Sequence[int], since: datetime, until: datetime) -> list[Absence]:
    rows = fetch(
        db,
        """SELECT t.ref, d.id AS doctor_id, t.starts_at, t.ends_at, t.reason, t.location_id IS NOT NULL AS is_closure
             FROM time_off t JOIN doctor d ON d.id = t.doctor_id OR d.location_id = t.location_id
            WHERE d.id = ANY(%(doctor_ids)s) AND t.ends_at > %(since)s AND t.starts_at < %(until)s
            ORDER BY t.starts_at, t.id, d.id""",
        doctor_ids=list(doctor_ids),
        since=since,
        until=until,
    )
    return [Absence(**{**row._asdict(), "reason": open_note(row.reason, "time_off.reason")}) for row in rows]


def _shifts(db: Session, doctor_ids: Sequence[int], zone: ZoneInfo, days: Sequence[date]) -> list[Shift]:
    found: dict[int, list[WorkingHours]] = {doctor_id: [] for doctor_id in doctor_ids}
    for rule in db.exec(select(WorkingHours).where(col(WorkingHours.doctor_id).in_(doctor_ids))):
        found[rule.doctor_id].append(rule)
    return [
        shift for doctor_id, hours in found.items() for day in days for shift in _shifts_of(doctor_id, hours, day, zone)
    ]


def _shifts_of(doctor_id: int, hours: Sequence[WorkingHours], day: date, zone: ZoneInfo) -> list[Shift]:
    # All cells of an unbroken stretch close together: its first cell opens it.
    opens: dict[datetime, datetime] = {}
    for cell in cells_of_day(hours, [], day, zone):
        opens.setdefault(cell.closes_at, cell.starts_at)
    return [Shift(doctor_id, day, starts_at, closes_at) for closes_at, starts_at in opens.items()]


def usual_start(db: Session, doctor_id: int, at: datetime) -> datetime:
    """Where a click at `at` means a visit to begin: at the start of the free opening it falls into, else at the full five minutes."""
    row = fetch_one(
        db,
        """SELECT o.starts_at FROM opening o
            WHERE o.doctor_id = %(doctor_id)s AND o.starts_at <= %(at)s AND o.starts_at > %(at)s - interval '4 hours' AND o.ends_at > %(at)s
              AND o.claims = 0
            ORDER BY o.starts_at DESC LIMIT 1""",
        doctor_id=doctor_id,
        at=at,
    )
    start: datetime = row.starts_at if row else at - (at - datetime.min.replace(tzinfo=at.tzinfo)) % STEP
    return start
