"""All that is kept about a patient, for herself: what she may ask for by law (GDPR, articles 15 and 20)."""

import json
import uuid
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import NotFound
from medcal.models.sealed import open_note
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import events, looks
from medcal.services.consents import AGREED, Agreed
from medcal.services.erasure import NOBODY
from medcal.services.looks import Seen
from medcal.services.message_words import without_links

NOTES = ("reason", "request", "cancel_reason", "overbooked_reason")


@dataclass(frozen=True)
class KeptPerson:
    name: str
    born_on: date | None
    email: str | None
    phone: str | None
    language: str
    created_at: datetime


@dataclass(frozen=True)
class KeptAppointment:
    """A visit, also one that was cancelled; `booked_by` is who booked it for her."""

    code: str
    doctor: str
    location: str
    zone: str
    visit_type: str
    starts_at: datetime
    ends_at: datetime
    status: str
    booked_at: datetime | None
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    is_late_cancellation: bool
    booked_by: str | None
    reason: str
    request: str
    cancel_reason: str
    overbooked_reason: str
    agreed: Agreed | None


@dataclass(frozen=True)
class KeptWish:
    """A wish for something earlier, with its limits on the location's clock; weekdays count from 0, Monday."""

    visit_type: str
    doctor: str | None
    weekdays: list[int]
    opens: str
    closes: str
    notice_hours: int
    urgency: int
    status: str
    created_at: datetime
    agreed: Agreed | None


@dataclass(frozen=True)
class KeptOffer:
    doctor: str
    starts_at: datetime
    status: str
    answer_until: datetime
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True)
class KeptMessage:
    """A message to her, or about her visit to who has booked it; its links and codes are left out."""

    kind: str
    channel: str
    recipient: str
    recipient_name: str
    subject: str
    text: str
    status: str
    created_at: datetime
    handed_over_at: datetime | None


@dataclass(frozen=True)
class KeptEvent:
    """What happened to a visit or wish of hers, and whether she, the staff or Medcal did it."""

    at: datetime
    kind: str
    by: str


@dataclass(frozen=True)
class OwnData:
    """Everything, as of `made_at`. `zone` is the clinic's, for people; all instants are UTC."""

    made_at: datetime
    clinic: str
    zone: str
    person: KeptPerson
    appointments: tuple[KeptAppointment, ...]
    wishes: tuple[KeptWish, ...]
    offers: tuple[KeptOffer, ...]
    messages: tuple[KeptMessage, ...]
    history: tuple[KeptEvent, ...]

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def as_json(self) -> str:
        """For machines: the names of this module, instants in ISO 8601 with their offset."""
        return json.dumps(asdict(self), default=_iso, ensure_ascii=False, indent=2)


def _iso(value: object) -> str:
    assert isinstance(value, date)
    return value.isoformat()


def give(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> OwnData:
    """A patient's data, for the desk to hand over once it knows who asks; that it was given is in the history.

    Raises NotAllowed, NotFound.
    """
    check(actor, Can.give_data)
    row = fetch_one(db, "SELECT id FROM patient WHERE ref = %(ref)s AND name <> %(nobody)s", ref=ref, nobody=NOBODY)
    if row is None:
        raise NotFound
    looks.note(db, actor, Seen.copy, patients=[row.id])
    return hand_over(db, row.id, by=actor, now=now)


def hand_over(db: Session, patient_id: int, *, by: Actor, now: datetime) -> OwnData:
    """The data, for whoever has the right to them; that they were given is in the history."""
    events.record(db, "patient.data_given", by=by, now=now, patient_id=patient_id)
    return collect(db, patient_id, now)


def collect(db: Session, patient_id: int, now: datetime) -> OwnData:
    """All that is kept about a patient, oldest first."""
    person = fetch_one(
        db, "SELECT name, born_on, email, phone, language, created_at FROM patient WHERE id = %(id)s", id=patient_id
    )
    place = fetch_one(db, "SELECT name, zone FROM location ORDER BY id LIMIT 1")
    assert person is not None
    return OwnData(
        made_at=now,
        clinic=place.name if place else "",
        zone=place.zone if place else "UTC",
        person=KeptPerson(*person),
        appointments=_appointments(db, patient_id),
        wishes=tuple(KeptWish(**_with_consent(row._asdict())) for row in fetch(db, _WISHES, id=patient_id)),
        offers=tuple(KeptOffer(*row) for row in fetch(db, _OFFERS, id=patient_id)),
        messages=_messages(db, patient_id),
        history=tuple(KeptEvent(*row) for row in fetch(db, _HISTORY, id=patient_id)),
    )


def _appointments(db: Session, patient_id: int) -> tuple[KeptAppointment, ...]:
    rows = [_with_consent(row._asdict()) for row in fetch(db, _APPOINTMENTS, id=patient_id)]
    opened = ({name: open_note(row[name] or "", f"appointment.{name}") for name in NOTES} for row in rows)
    return tuple(KeptAppointment(**{**row, **notes}) for row, notes in zip(rows, opened, strict=True))


def _with_consent(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of the text that was agreed to become one value."""
    names = ("version", "text_language", "text_since", "digest", "words")
    values = [row.pop(name) for name in names]
    return {**row, "agreed": Agreed(*values) if values[0] else None}


def _messages(db: Session, patient_id: int) -> tuple[KeptMessage, ...]:
    rows = [row._asdict() for row in fetch(db, _MESSAGES, id=patient_id)]
    return tuple(KeptMessage(**{**row, "text": without_links(row["text"])}) for row in rows)


_APPOINTMENTS = f"""
SELECT a.code, d.name AS doctor, l.name AS location, l.zone, v.name AS visit_type, a.starts_at, a.ends_at, a.status, a.booked_at,
       a.confirmed_at, a.cancelled_at, a.cancelled_by, a.is_late_cancellation, b.name AS booked_by, a.reason, a.request, a.cancel_reason,
       a.overbooked_reason, {AGREED}
  FROM appointment a JOIN doctor d ON d.id = a.doctor_id JOIN location l ON l.id = a.location_id
  JOIN visit_type v ON v.id = a.visit_type_id LEFT JOIN booker b ON b.id = a.booker_id
  LEFT JOIN consent_text ct ON ct.id = a.consent_id
 WHERE a.patient_id = %(id)s AND a.status NOT IN ('held', 'released') ORDER BY a.starts_at, a.id
"""
_WISHES = f"""
SELECT v.name AS visit_type, d.name AS doctor, e.weekdays, e.opens::text, e.closes::text, e.notice_hours, e.urgency, e.status, e.created_at,
       {AGREED}
  FROM waitlist_entry e JOIN visit_type v ON v.id = e.visit_type_id LEFT JOIN doctor d ON d.id = e.doctor_id
  LEFT JOIN consent_text ct ON ct.id = e.consent_id
 WHERE e.patient_id = %(id)s ORDER BY e.id
"""
_OFFERS = """
SELECT d.name AS doctor, f.starts_at, o.status, o.answer_until, o.created_at, o.decided_at
  FROM offer o JOIN freed_time f ON f.id = o.freed_time_id JOIN doctor d ON d.id = f.doctor_id
 WHERE o.patient_id = %(id)s ORDER BY o.id
"""
# A code opens everything of hers for ten minutes: what is handed over need not hold it.
_MESSAGES = """
SELECT kind, channel, recipient, recipient_name, subject, CASE WHEN kind = 'code' THEN '' ELSE text END AS text, status, created_at,
       handed_over_at
  FROM message WHERE patient_id = %(id)s ORDER BY id
"""
_HISTORY = """
SELECT e.at, e.kind, e.actor FROM event e
 WHERE e.appointment_id IN (SELECT id FROM appointment WHERE patient_id = %(id)s)
    OR e.entry_id IN (SELECT id FROM waitlist_entry WHERE patient_id = %(id)s)
 ORDER BY e.id
"""
