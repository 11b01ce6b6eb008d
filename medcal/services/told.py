"""What a message is made from: the appointment, offer or code that it is about, and who is to be told."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from medcal.config import settings
from medcal.services.occasions import Occasion, Place, Visit
from medcal.services.reach import channel_to


@dataclass(frozen=True)
class Told:
    """A row of APPOINTMENTS, OFFER or CODE: what the message is about, and who is to be told."""

    appointment: Any | None
    offer: Any | None
    patient_id: int
    name: str
    email: str | None
    phone: str | None
    language: str
    occasion: Occasion

    @property
    def channel(self) -> str:
        return channel_to(self.email, self.phone)

    @property
    def recipient(self) -> str:
        return self.email or self.phone or ""


# Who books for somebody gets the messages.
_PERSON = """
p.id AS patient_id, p.name AS patient_name, p.language, b.name AS booker_name,
CASE WHEN b.id IS NULL THEN p.email ELSE b.email END AS email,
CASE WHEN b.id IS NULL THEN p.phone ELSE b.phone END AS phone
"""
PLACE = """
l.id AS location_id, l.name AS place, l.zone, l.street, l.city, l.phone AS place_phone, l.email AS place_email
"""
APPOINTMENTS = f"""
SELECT a.id, a.ref, a.code, a.version, a.starts_at, a.ends_at, a.visit_type_id, a.doctor_id, d.name AS doctor,
       {_PERSON}, {PLACE}
  FROM appointment a
  JOIN doctor d ON d.id = a.doctor_id JOIN location l ON l.id = a.location_id
  JOIN patient p ON p.id = a.patient_id LEFT JOIN booker b ON b.id = a.booker_id
"""
OFFER = f"""
SELECT o.id, o.answer_until, EXISTS (SELECT FROM offer x WHERE x.hold_id = o.hold_id AND x.id <> o.id) AS is_shared,
       h.starts_at, h.starts_at + make_interval(mins => v.length_minutes) AS ends_at, d.name AS doctor,
       a.id AS own_id, a.code AS own_code, a.starts_at AS own_starts_at, a.ends_at AS own_ends_at,
       od.name AS own_doctor, {_PERSON}, {PLACE}
  FROM offer o
  JOIN appointment h ON h.id = o.hold_id
  JOIN doctor d ON d.id = h.doctor_id JOIN location l ON l.id = h.location_id
  JOIN waitlist_entry e ON e.id = o.entry_id JOIN visit_type v ON v.id = e.visit_type_id
  LEFT JOIN appointment a ON a.id = e.appointment_id LEFT JOIN doctor od ON od.id = a.doctor_id
  JOIN patient p ON p.id = o.patient_id LEFT JOIN booker b ON b.id = a.booker_id
 WHERE o.id = %(id)s
"""
# A code belongs to no visit; it comes from where the patient was last, else from the first location.
CODE = f"""
SELECT c.id, c.expires_at, p.language, {PLACE}
  FROM one_time_code c
  JOIN patient p ON p.id = %(patient_id)s
  JOIN location l ON l.id = coalesce(
       (SELECT location_id FROM appointment WHERE patient_id = p.id ORDER BY starts_at DESC LIMIT 1),
       (SELECT min(id) FROM location))
 WHERE c.id = %(id)s
"""


def told_of_appointment(row: Any) -> Told:
    visit = Visit(row.starts_at, row.ends_at, row.doctor)
    return _told(row, appointment=row, visit=visit, booking_code=row.code)


def told_of_offer(row: Any) -> Told:
    own = Visit(row.own_starts_at, row.own_ends_at, row.own_doctor) if row.own_id else None
    offered = Visit(row.starts_at, row.ends_at, row.doctor)
    return _told(
        row,
        offer=row,
        visit=own,
        booking_code=row.own_code or "",
        offered=offered,
        answer_until=row.answer_until,
        is_shared=row.is_shared,
    )


def _told(row: Any, *, appointment: Any = None, offer: Any = None, **facts: Any) -> Told:
    return Told(
        appointment=appointment,
        offer=offer,
        patient_id=row.patient_id,
        name=row.booker_name or row.patient_name,
        email=row.email,
        phone=row.phone,
        language=row.language,
        occasion=Occasion(
            place=place_of(row),
            site=settings().url,
            recipient=row.booker_name or row.patient_name,
            patient=row.patient_name if row.booker_name else "",
            **facts,
        ),
    )


def place_of(row: Any) -> Place:
    address = ", ".join(line for line in (row.street, row.city) if line)
    return Place(row.place, ZoneInfo(row.zone), address, row.place_phone)
