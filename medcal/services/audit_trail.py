"""The history as an admin reads it: who changed and who looked at what, the newest first."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import looks
from medcal.services.looks import Seen
from medcal.services.outbox import clinic_zone
from medcal.services.patient_words import SEALED, keys_of, open_words

PAGE = 50
# An export is handed over in one piece; `manage.py audit export` knows no limit.
LONGEST_EXPORT = 10_000


class Part(StrEnum):
    """Both, or one of the two."""

    all = "all"
    changes = "changes"
    looks = "looks"


@dataclass(frozen=True)
class Asked:
    """What is asked for. Days are the clinic's, both included; `who` is somebody of the staff, `what` a kind of change or look."""

    part: Part = Part.all
    who: uuid.UUID | None = None
    what: str = ""
    patient: uuid.UUID | None = None
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class Change:
    """One value before and after; None where there was none. What was sealed with a key that is gone is `lost`."""

    name: str
    old: object = None
    new: object = None


@dataclass(frozen=True)
class Entry:
    """A line of the history. `actor` is staff, patient or system; `who` the name of the former, `whose` that of an account it is about.

    Of patients who were erased only their number is left: `erased` counts them.
    """

    at: datetime
    is_look: bool
    what: str
    actor: str
    who: str
    whose: str = ""
    address: str = ""
    patients: tuple[str, ...] = ()
    erased: int = 0
    doctor: str = ""
    code: str = ""
    # What of the clinic it is about: a location, a specialty, a kind of visit.
    thing: str = ""
    first_day: date | None = None
    last_day: date | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Page:
    """A page, counted from 0. `people` are those of the staff who can be asked for."""

    entries: tuple[Entry, ...]
    number: int
    has_more: bool
    zone: ZoneInfo
    patient: str = ""
    people: tuple[tuple[uuid.UUID, str], ...] = field(default=())


LOST = object()


# --- Reading ----------------------------------------------------------------------------------------------------------


def read_page(db: Session, actor: Actor, asked: Asked, number: int = 0) -> Page:
    """A page of the history. That it was looked at is in it from then on. Raises NotAllowed."""
    check(actor, Can.read_history)
    zone = clinic_zone(db)
    patient = _patient(db, asked)
    looks.note(db, actor, Seen.history, patients=[patient[0]], first_day=asked.first_day, last_day=asked.last_day)
    rows = _rows(db, asked, patient[0], zone, PAGE + 1, number * PAGE)
    people = fetch(db, "SELECT ref, name FROM staff_user ORDER BY lower(name), id")
    return Page(
        entries=tuple(_entries(db, rows[:PAGE])),
        number=number,
        has_more=len(rows) > PAGE,
        zone=zone,
        patient=patient[1],
        people=tuple((row.ref, row.name) for row in people),
    )


def export(db: Session, actor: Actor, asked: Asked, most: int | None = LONGEST_EXPORT) -> Iterator[Entry]:
    """All that was asked for, the newest first, to be taken away. Raises NotAllowed."""
    check(actor, Can.read_history)
    patient, zone = _patient(db, asked)[0], clinic_zone(db)
    looks.note(db, actor, Seen.export, patients=[patient], first_day=asked.first_day, last_day=asked.last_day)
    return _all(db, asked, patient, zone, most)


def _all(db: Session, asked: Asked, patient: int | None, zone: ZoneInfo, most: int | None) -> Iterator[Entry]:
    done, step = 0, 1_000
    while most is None or done < most:
        rows = _rows(db, asked, patient, zone, step, done)
        yield from _entries(db, rows)
        done += len(rows)
        if len(rows) < step:
            return


def _patient(db: Session, asked: Asked) -> tuple[int | None, str]:
    """Who is asked for. Somebody unknown is nobody, and has no history."""
    if asked.patient is None:
        return None, ""
    row = fetch_one(db, "SELECT id, name FROM patient WHERE ref = %(ref)s", ref=asked.patient)
    return (row.id, row.name) if row else (0, "")


_CHANGES = """
SELECT e.id, e.at, false AS is_look, e.kind AS what, e.actor, e.staff_user_id, e.address, e.appointment_id, e.doctor_id, e.entry_id,
       e.patient_id, ARRAY[]::bigint[] AS patient_ids, NULL::date AS first_day, NULL::date AS last_day, e.detail
  FROM event e
 WHERE (%(since)s::timestamptz IS NULL OR e.at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR e.at < %(until)s)
   AND (%(who)s::uuid IS NULL OR e.staff_user_id = (SELECT id FROM staff_user WHERE ref = %(who)s))
   AND (%(what)s = '' OR e.kind = %(what)s)
   AND (%(patient)s::bigint IS NULL OR e.id IN (
        SELECT id FROM event WHERE patient_id = %(patient)s
        UNION SELECT x.id FROM event x JOIN appointment a ON a.id = x.appointment_id WHERE a.patient_id = %(patient)s
        UNION SELECT x.id FROM event x JOIN waitlist_entry w ON w.id = x.entry_id WHERE w.patient_id = %(patient)s))
 ORDER BY e.at DESC, e.id DESC LIMIT %(reach)s
"""
_LOOKS = """
SELECT r.id, r.at, true AS is_look, r.what, 'staff' AS actor, r.staff_user_id, r.address, r.appointment_id, r.doctor_id,
       NULL::bigint AS entry_id, NULL::bigint AS patient_id, r.patient_ids, r.first_day, r.last_day, '{}'::jsonb AS detail
  FROM access_record r
 WHERE (%(since)s::timestamptz IS NULL OR r.at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR r.at < %(until)s)
   AND (%(who)s::uuid IS NULL OR r.staff_user_id = (SELECT id FROM staff_user WHERE ref = %(who)s))
   AND (%(what)s = '' OR r.what = %(what)s)
   AND (%(patient)s::bigint IS NULL OR r.patient_ids @> ARRAY[%(patient)s::bigint])
 ORDER BY r.at DESC, r.id DESC LIMIT %(reach)s
"""
_PARTS = {Part.all: (_CHANGES, _LOOKS), Part.changes: (_CHANGES,), Part.looks: (_LOOKS,)}


def _rows(db: Session, asked: Asked, patient: int | None, zone: ZoneInfo, limit: int, offset: int) -> Sequence[Any]:
    both = " UNION ALL ".join(f"SELECT * FROM ({part}) p" for part in _PARTS[asked.part])
    return fetch(
        db,
        f"""SELECT x.*, u.name AS who, d.name AS doctor, a.code, coalesce(a.patient_id, w.patient_id, x.patient_id) AS about
              FROM (SELECT * FROM ({both}) b ORDER BY at DESC, is_look, id DESC LIMIT %(limit)s OFFSET %(offset)s) x
              LEFT JOIN staff_user u ON u.id = x.staff_user_id LEFT JOIN doctor d ON d.id = x.doctor_id
              LEFT JOIN appointment a ON a.id = x.appointment_id LEFT JOIN waitlist_entry w ON w.id = x.entry_id
             ORDER BY x.at DESC, x.is_look, x.id DESC""",
        since=clock.day_start(asked.first_day, zone) if asked.first_day else None,
        until=clock.day_end(asked.last_day, zone) if asked.last_day else None,
        who=asked.who,
        what=asked.what,
        patient=patient,
        limit=limit,
        offset=offset,
        reach=limit + offset,
    )


# --- Making readable --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Known:
    """What the numbers in some rows stand for."""

    patients: Mapping[int, str]
    keys: Mapping[int, bytes]
    doctors: Mapping[int, str]
    accounts: Mapping[str, str]
    things: Mapping[tuple[str, int], str]


_THINGS = """
SELECT 'location_id' AS kind, id, name FROM location UNION ALL SELECT 'specialty_id', id, name FROM specialty
UNION ALL SELECT 'visit_type_id', id, name FROM visit_type
"""


def _entries(db: Session, rows: Sequence[Any]) -> list[Entry]:
    known = _know(db, rows)
    return [_entry(row, known) for row in rows]


def _know(db: Session, rows: Sequence[Any]) -> _Known:
    patients = sorted({patient for row in rows for patient in _patients_of(row)})
    found = fetch(db, "SELECT id, name FROM patient WHERE id = ANY(%(ids)s)", ids=patients)
    accounts = [row.detail["account"] for row in rows if "account" in row.detail]
    return _Known(
        patients={row.id: row.name for row in found},
        keys=keys_of(db, patients),
        doctors={row.id: row.name for row in fetch(db, "SELECT id, name FROM doctor")},
        accounts={
            str(row.ref): row.name
            for row in fetch(db, "SELECT ref, name FROM staff_user WHERE ref = ANY(%(refs)s::uuid[])", refs=accounts)
        },
        things={(row.kind, row.id): row.name for row in fetch(db, _THINGS)},
    )


def _patients_of(row: Any) -> Iterable[int]:
    """Where an appointment was, after an erasure, given to nobody, the history still knows the number it had."""
    own = (row.patient_id, row.about)
    return {patient for patient in (*own, *row.patient_ids) if patient is not None}


def _entry(row: Any, known: _Known) -> Entry:
    patients = sorted(_patients_of(row)) if row.patient_ids else [row.patient_id or row.about]
    there = [patient for patient in patients if patient is not None]
    return Entry(
        at=row.at,
        is_look=row.is_look,
        what=row.what,
        actor=row.actor,
        who=row.who or "",
        whose=known.accounts.get(row.detail.get("account", ""), ""),
        address=row.address or "",
        patients=tuple(known.patients[patient] for patient in there if patient in known.patients),
        erased=sum(patient not in known.patients for patient in there),
        doctor=row.doctor or "",
        code=row.code or "",
        thing=", ".join(_things(row, known)),
        first_day=row.first_day,
        last_day=row.last_day,
        changes=tuple(_changes(row, known)),
    )


def _things(row: Any, known: _Known) -> Iterator[str]:
    """What is no longer there has no name; what it was called stands in what was done to it."""
    for name in ("location_id", "specialty_id", "visit_type_id"):
        if thing := known.things.get((name, row.detail.get(name))):
            yield thing


# What these say stands in the entry itself.
_NOT_CHANGES = {"account", "location_id", "visit_type_id", "specialty_id", "message", "patient"}


def _changes(row: Any, known: _Known) -> Iterator[Change]:
    """Old and new side by side; what is said in other words stands as something new."""
    old, new = row.detail.get("old") or {}, row.detail.get("new") or {}
    for name in {**old, **new}:
        if name in old and name in new and old[name] == new[name]:
            continue
        yield Change(name, *(_value(row, name, side.get(name), known) for side in (old, new)))
    if "before" in row.detail or "after" in row.detail:
        yield Change("role", row.detail.get("before"), row.detail.get("after"))
    for name, value in row.detail.items():
        if name not in ("old", "new", "before", "after") and name not in _NOT_CHANGES:
            yield Change(name, None, _value(row, name, value, known))


def _value(row: Any, name: str, value: object, known: _Known) -> object:
    if isinstance(value, str) and value.startswith(SEALED):
        word = open_words(known.keys, row.patient_id or row.about, value)
        return LOST if word is None else word
    if name == "doctor_id" and isinstance(value, int):
        return known.doctors.get(value, value)
    return value
