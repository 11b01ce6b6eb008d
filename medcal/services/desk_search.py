"""Finding appointments and patients at the desk. Bounded by the actor like the day book."""

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from medcal.db import fetch
from medcal.models import AppointmentStatus
from medcal.security import Actor
from medcal.services import looks
from medcal.services.day_book import own_doctor
from medcal.services.looks import Seen

PAGE = 25
DAY_LIST = 500


@dataclass(frozen=True)
class Wanted:
    """What the desk looks for: days on the location's calendar, both included, and words of the patient's name, phone or code.

    `of` is a doctor, a specialty or a location; without `statuses` everything but holds is meant.
    """

    text: str = ""
    statuses: tuple[AppointmentStatus, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    of: uuid.UUID | None = None


@dataclass(frozen=True)
class Listed:
    """A line of the list of appointments."""

    ref: uuid.UUID
    code: str
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    doctor: str
    visit_type: str
    patient: str
    phone: str | None
    email: str | None
    status: AppointmentStatus
    is_confirmed: bool
    is_overbooked: bool


@dataclass(frozen=True)
class Page:
    """One page of a list, counted from 0."""

    rows: tuple[Listed, ...]
    number: int
    has_more: bool


_FIND = """
SELECT a.patient_id, a.ref, a.code, a.starts_at, a.ends_at, l.zone, d.name AS doctor, v.name AS visit_type, p.name AS patient, p.phone, p.email,
       a.status, a.confirmed_at IS NOT NULL AS is_confirmed, a.overbooked_by_id IS NOT NULL AS is_overbooked
  FROM appointment a
  JOIN patient p ON p.id = a.patient_id JOIN doctor d ON d.id = a.doctor_id JOIN specialty s ON s.id = d.specialty_id
  JOIN location l ON l.id = a.location_id JOIN visit_type v ON v.id = a.visit_type_id
 WHERE (%(own)s::bigint IS NULL OR a.doctor_id = %(own)s)
   AND a.status = ANY(%(statuses)s)
   AND (%(first_day)s::date IS NULL OR a.appointment_date >= %(first_day)s)
   AND (%(last_day)s::date IS NULL OR a.appointment_date <= %(last_day)s)
   AND (%(of)s::uuid IS NULL OR %(of)s::uuid IN (d.ref, s.ref, l.ref))
   AND (%(name)s::text IS NULL OR p.name ~* %(name)s OR p.phone LIKE %(phone)s OR replace(a.code, '-', '') LIKE %(code)s)
"""

# Who has been there, or is to come. Holds are no appointments yet, and released ones never were.
_KEPT = tuple(
    status for status in AppointmentStatus if status not in (AppointmentStatus.held, AppointmentStatus.released)
)


def find_appointments(db: Session, actor: Actor, wanted: Wanted, page: int = 0, size: int = PAGE) -> Page:
    """One page of the appointments that the actor may see, the earliest first."""
    # One more than a page holds tells whether there is another, without counting all of them.
    rows = fetch(
        db,
        f"{_FIND} ORDER BY a.starts_at, a.id LIMIT %(limit)s OFFSET %(offset)s",
        own=own_doctor(actor),
        statuses=[str(status) for status in wanted.statuses or _KEPT],
        first_day=wanted.first_day,
        last_day=wanted.last_day,
        of=wanted.of,
        limit=size + 1,
        offset=page * size,
        **_patterns(wanted.text),
    )
    _note(db, actor, wanted, [row.patient_id for row in rows[:size]], is_whole=size == DAY_LIST)
    return Page(tuple(_listed(row) for row in rows[:size]), page, len(rows) > size)


def _note(db: Session, actor: Actor, wanted: Wanted, patients: list[int], *, is_whole: bool) -> None:
    """Of a search it is kept who was found, of a list which days it was of."""
    what = Seen.search if wanted.text.strip() else Seen.day_list if is_whole else Seen.appointments
    found = patients if what is Seen.search else ()
    looks.note(db, actor, what, patients=found, first_day=wanted.first_day, last_day=wanted.last_day)


def day_list(db: Session, actor: Actor, wanted: Wanted) -> Page:
    """Everything found, on one page to be printed (as far as a person can use it)."""
    return find_appointments(db, actor, wanted, 0, DAY_LIST)


def _listed(row: Any) -> Listed:
    values = {name: value for name, value in row._asdict().items() if name != "patient_id"}
    return Listed(**{**values, "zone": ZoneInfo(row.zone), "status": AppointmentStatus(row.status)})


def _patterns(text: str) -> dict[str, str | None]:
    """Patterns for what may be part of a name, a phone number (with or without spaces), a booking code or an e-mail address."""
    words = " ".join(text.split())
    if not words:
        return {"name": None, "phone": None, "code": None, "email": None}
    digits = "".join(letter for letter in words if letter.isdigit()).lstrip("0")
    letters = "".join(letter for letter in words.upper() if letter.isalnum())
    # Fewer digits are part of every number, and of no question that somebody asks.
    return {
        "name": _as_spelled_anyhow(words),
        "phone": f"%{digits}%" if len(digits) >= 4 else "",
        "code": f"{letters}%" if len(letters) >= 3 else "",
        "email": f"%{_escaped(words)}%",
    }


def _as_spelled_anyhow(words: str) -> str:
    """A regular expression that finds Dvořák for "dvorak", and Dvorak for "Dvořák": nobody at a desk has all accents on the keyboard."""
    return "".join(
        f"[{letter}{_ACCENTED[letter]}]" if letter in _ACCENTED else re.escape(letter) for letter in _plain(words)
    )


def _plain(words: str) -> str:
    """Lower case without accents."""
    return "".join(
        letter for letter in unicodedata.normalize("NFD", words.lower()) if not unicodedata.combining(letter)
    )


def _accented() -> dict[str, str]:
    """The letters with an accent for each plain one, of the Latin alphabets of Europe."""
    found: dict[str, str] = {}
    for letter in map(chr, range(0xC0, 0x250)):
        plain = _plain(letter)
        if letter.islower() and plain != letter and plain.isascii():
            found[plain] = found.get(plain, "") + letter
    return found


_ACCENTED = _accented()


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# --- Patients ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KnownPatient:
    """A patient of the clinic, to be chosen instead of being written down again."""

    ref: uuid.UUID
    name: str
    born_on: date | None
    email: str | None
    phone: str | None
    last_visit: date | None


def find_patients(db: Session, actor: Actor, text: str, limit: int = 8) -> list[KnownPatient]:
    """Patients whose name, e-mail address or phone number has these words in it; a doctor finds her own patients only."""
    patterns = _patterns(text)
    if patterns["name"] is None or len(text.strip()) < 2:
        return []
    rows = fetch(
        db,
        """SELECT p.id, p.ref, p.name, p.born_on, p.email, p.phone, max(a.appointment_date) AS last_visit
             FROM patient p LEFT JOIN appointment a ON a.patient_id = p.id AND (%(own)s::bigint IS NULL OR a.doctor_id = %(own)s)
            WHERE (p.name ~* %(name)s OR p.email ILIKE %(email)s OR p.phone LIKE %(phone)s)
            GROUP BY p.id HAVING %(own)s::bigint IS NULL OR count(a.id) > 0
            ORDER BY p.name ~* %(start)s DESC, p.name, p.id LIMIT %(limit)s""",
        own=own_doctor(actor),
        start=f"^{patterns['name']}",
        limit=limit,
        **patterns,
    )
    looks.note(db, actor, Seen.search, patients=[row.id for row in rows])
    return [KnownPatient(*row[1:]) for row in rows]
