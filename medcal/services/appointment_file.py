"""One appointment as the desk sees it: who, what, how to reach her, and everything that happened."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import NotFound
from medcal.models import AppointmentStatus
from medcal.models.sealed import open_note
from medcal.security import Actor
from medcal.services import looks
from medcal.services.day_book import own_doctor
from medcal.services.looks import Seen


@dataclass(frozen=True)
class Happened:
    """An event of the history. `actor` is the kind of who did it; a member of the staff is named in `staff`.

    A move says from where (`old_…`) and to where (`new_…`).
    """

    at: datetime
    kind: str
    actor: str
    staff: str | None
    old_doctor: str | None
    old_starts_at: datetime | None
    new_doctor: str | None
    new_starts_at: datetime | None


@dataclass(frozen=True)
class AppointmentFile:
    """An appointment with all that the desk needs for a call about it."""

    ref: uuid.UUID
    code: str
    doctor_ref: uuid.UUID
    doctor: str
    specialty_ref: uuid.UUID
    specialty: str
    zone: ZoneInfo
    visit_type: str
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus
    held_until: datetime | None
    answer_until: datetime | None
    patient_ref: uuid.UUID | None
    patient: str | None
    born_on: date | None
    email: str | None
    phone: str | None
    booker: str | None
    booker_email: str | None
    booker_phone: str | None
    reason: str
    request: str
    confirmed_at: datetime | None
    cancelled_by: str | None
    cancel_reason: str
    is_late_cancellation: bool
    overbooked_by: str | None
    overbooked_reason: str
    waits: bool
    version: int
    undo_until: datetime | None
    consent_version: int | None
    consent_language: str | None
    consent_since: datetime | None
    consent: str | None
    history: tuple[Happened, ...]


NOTES = ("reason", "request", "cancel_reason", "overbooked_reason")
_FILE = """
SELECT a.id, a.patient_id, a.ref, a.code, d.ref AS doctor_ref, d.name AS doctor, s.ref AS specialty_ref, s.name AS specialty, l.zone,
       v.name AS visit_type, a.starts_at, a.ends_at, a.status, a.held_until, o.answer_until,
       p.ref AS patient_ref, p.name AS patient, p.born_on, p.email, p.phone, b.name AS booker, b.email AS booker_email, b.phone AS booker_phone,
       a.reason, a.request, a.confirmed_at, a.cancelled_by, a.cancel_reason, a.is_late_cancellation,
       u.name AS overbooked_by, a.overbooked_reason,
       EXISTS (SELECT FROM waitlist_entry e WHERE e.appointment_id = a.id AND e.status IN ('waiting', 'paused')) AS waits, a.version,
       CASE WHEN a.status = 'cancelled' AND a.cancelled_by = 'staff' THEN a.cancelled_at
            WHEN a.status = 'booked' AND a.confirmed_at IS NULL AND (a.undo->>'version')::int = a.version THEN (a.undo->>'at')::timestamptz
       END + make_interval(secs => l.grace_seconds) AS undo_until,
       ct.version AS consent_version, ct.language AS consent_language, ct.written_at AS consent_since, ct.words AS consent
  FROM appointment a
  JOIN doctor d ON d.id = a.doctor_id JOIN specialty s ON s.id = d.specialty_id
  JOIN location l ON l.id = a.location_id JOIN visit_type v ON v.id = a.visit_type_id
  LEFT JOIN patient p ON p.id = a.patient_id LEFT JOIN booker b ON b.id = a.booker_id
  LEFT JOIN staff_user u ON u.id = a.overbooked_by_id
  LEFT JOIN offer o ON o.hold_id = a.id AND o.status = 'open'
  LEFT JOIN consent_text ct ON ct.id = a.consent_id
 WHERE a.ref = %(ref)s AND (%(own)s::bigint IS NULL OR a.doctor_id = %(own)s)
"""


def open_file(db: Session, actor: Actor, ref: uuid.UUID) -> AppointmentFile:
    """The appointment with its history, oldest event first. Raises NotFound for one that the actor may not see."""
    row = fetch_one(db, _FILE, ref=ref, own=own_doctor(actor))
    if row is None:
        raise NotFound
    values = row._asdict()
    appointment_id, patient_id = values.pop("id"), values.pop("patient_id")
    looks.note(db, actor, Seen.appointment, patients=[patient_id], appointment_id=appointment_id)
    history = _history(db, appointment_id)
    notes = {name: open_note(values[name] or "", f"appointment.{name}") for name in NOTES}
    return AppointmentFile(
        **{**values, **notes, "status": AppointmentStatus(row.status), "zone": ZoneInfo(row.zone)},
        history=tuple(history),
    )


def _history(db: Session, appointment_id: int) -> list[Happened]:
    # The history names doctors by key; the keys stay here, the names go on.
    rows = fetch(
        db,
        """SELECT e.at, e.kind, e.actor, u.name AS staff,
                  od.name AS old_doctor, (e.detail->'old'->>'starts_at')::timestamptz AS old_starts_at,
                  nd.name AS new_doctor, (e.detail->'new'->>'starts_at')::timestamptz AS new_starts_at
             FROM event e LEFT JOIN staff_user u ON u.id = e.staff_user_id
             LEFT JOIN doctor od ON od.id = (e.detail->'old'->>'doctor_id')::bigint
             LEFT JOIN doctor nd ON nd.id = (e.detail->'new'->>'doctor_id')::bigint
            WHERE e.appointment_id = %(appointment_id)s ORDER BY e.id LIMIT 200""",
        appointment_id=appointment_id,
    )
    return [Happened(*row) for row in rows]
