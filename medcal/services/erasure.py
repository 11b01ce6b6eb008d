"""Erasing a patient: whatever says who she was goes, what happened stays as figures of the clinic.

What hangs on her moves to a new record without a name, and her own record is deleted. The database refuses that as long as anything
still points to it, so nothing can be forgotten, and whoever books for her at the same instant is refused rather than left with nobody.
"""

import uuid
from datetime import datetime

from sqlmodel import Session

from medcal.config import settings
from medcal.db import fetch, fetch_one, repeat
from medcal.errors import ChangedMeanwhile, NotFound, NotPossibleNow
from medcal.i18n import n_, t
from medcal.models import Patient
from medcal.models.waitlist import ON_THE_LIST
from medcal.roles import Can, check
from medcal.security import Actor, contact_digest, new_booking_code
from medcal.services import events, waitlist
from medcal.services.patient_words import forget_key

NOBODY = "—"
ERASED = n_("The patient was erased.")


class VisitToCome(NotPossibleNow):
    """Who still has a visit to come, or has booked one for somebody, is not erased."""


def erase(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Erase a patient for good. Raises NotAllowed, NotFound, and NotPossibleNow while a visit of hers, or one she has booked, is to come."""
    check(actor, Can.erase_patients)
    erase_for_good(db, _find(db, ref), by=actor, now=now)


def erase_for_good(db: Session, patient_id: int, *, by: Actor, now: datetime) -> None:
    """Erase a patient, whoever has the right to it or asks for herself. Raises NotFound, NotPossibleNow, ChangedMeanwhile."""
    _end_wishes(db, patient_id, by=by, now=now)
    patient = _lock(db, patient_id)
    bookers = _bookers(db, patient)
    _check_nothing_is_to_come(db, patient_id, bookers, now)
    nobody = add_nobody(db, now)
    _empty_messages(db, patient, nobody)
    _empty_appointments(db, patient_id, nobody, bookers)
    _forget_ways_in(db, patient)
    for table in ("waitlist_entry", "offer"):
        fetch(
            db,
            f"UPDATE {table} SET patient_id = %(nobody)s, ref = gen_random_uuid() WHERE patient_id = %(patient_id)s",
            nobody=nobody,
            patient_id=patient_id,
        )
    # What the history says about her in words is unreadable from here on.
    forget_key(db, patient_id)
    fetch(db, "DELETE FROM patient WHERE id = %(patient_id)s", patient_id=patient_id)
    db.expire_all()
    events.record(db, "patient.erased", by=by, now=now)


def _find(db: Session, ref: uuid.UUID) -> int:
    row = fetch_one(db, "SELECT id FROM patient WHERE ref = %(ref)s AND name <> %(nobody)s", ref=ref, nobody=NOBODY)
    if row is None:
        raise NotFound
    return int(row.id)


def _end_wishes(db: Session, patient_id: int, *, by: Actor, now: datetime) -> None:
    """Open offers end with them. First of all, in the order of locks (offers.py)."""
    rows = fetch(
        db,
        "SELECT id FROM waitlist_entry WHERE patient_id = %(id)s AND status IN ('waiting', 'paused') ORDER BY id",
        id=patient_id,
    )
    for row in rows:
        waitlist.withdraw(db, row.id, by=by, now=now)


def _lock(db: Session, patient_id: int) -> Patient:
    """From here on nobody else can book for her."""
    found = db.get(Patient, patient_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound
    return found


def _bookers(db: Session, patient: Patient) -> list[int]:
    """Who has booked for her, and she herself where she has booked for others: rows of booker."""
    rows = fetch(
        db,
        """SELECT booker_id AS id FROM appointment WHERE patient_id = %(id)s AND booker_id IS NOT NULL
           UNION SELECT id FROM booker WHERE lower(name) = lower(%(name)s) AND (lower(email) = lower(%(email)s) OR phone = %(phone)s)""",
        id=patient.id,
        name=patient.name,
        email=patient.email,
        phone=patient.phone,
    )
    return [row.id for row in rows]


def _check_nothing_is_to_come(db: Session, patient_id: int, bookers: list[int], now: datetime) -> None:
    coming = fetch_one(
        db,
        """SELECT id FROM appointment WHERE (patient_id = %(id)s OR booker_id = ANY(%(bookers)s))
             AND status IN ('held', 'booked', 'arrived') AND ends_at > %(now)s LIMIT 1""",
        id=patient_id,
        bookers=bookers,
        now=now,
    )
    if coming:
        raise VisitToCome(t("A visit is still to come. Cancel it first; then this patient can be erased."))
    leaving = fetch_one(db, "SELECT id FROM message WHERE patient_id = %(id)s AND status = 'taken'", id=patient_id)
    if leaving:
        raise NotPossibleNow(t("A message to this patient is just being sent. Please try again in a minute."))
    # Joined after her wishes were ended, and before her row was locked: a wish of nobody would be asked for ever.
    joined = fetch_one(
        db, f"SELECT id FROM waitlist_entry WHERE patient_id = %(id)s AND {ON_THE_LIST} LIMIT 1", id=patient_id
    )
    if joined:
        raise ChangedMeanwhile


def add_nobody(db: Session, now: datetime, *, language: str = "en") -> int:
    """A record without a name. One for each who was erased, so that figures still count people. Returns its id."""
    row = fetch_one(
        db,
        "INSERT INTO patient (ref, name, language, created_at) VALUES (gen_random_uuid(), %(name)s, %(language)s, %(now)s) RETURNING id",
        name=NOBODY,
        language=language,
        now=now,
    )
    assert row is not None
    return int(row.id)


def _empty_messages(db: Session, patient: Patient, nobody: int) -> None:
    """Also those about somebody for whom she has booked, where they went to her. A new name keeps late answers of the far end away."""
    rows = fetch(
        db,
        """UPDATE message SET recipient = '', recipient_name = '', subject = '', text = '', html = '', calendar = '', last_error = '',
                  far_id = '', ref = gen_random_uuid(), answer_by = NULL,
                  status = CASE WHEN status = 'due' THEN 'dropped' ELSE status END,
                  why = CASE WHEN status = 'due' THEN %(why)s ELSE why END,
                  patient_id = CASE WHEN patient_id = %(id)s THEN %(nobody)s ELSE patient_id END
            WHERE patient_id = %(id)s
               OR (lower(recipient) = lower(%(email)s) OR recipient = %(phone)s) AND lower(recipient_name) = lower(%(name)s)
           RETURNING id""",
        id=patient.id,
        nobody=nobody,
        email=patient.email,
        phone=patient.phone,
        name=patient.name,
        why=ERASED,
    )
    ids = [row.id for row in rows]
    fetch(db, "UPDATE delivery SET error = '' WHERE message_id = ANY(%(ids)s)", ids=ids)


def _empty_appointments(db: Session, patient_id: int, nobody: int, bookers: list[int]) -> None:
    rows = fetch(
        db,
        """UPDATE appointment SET patient_id = %(nobody)s, reason = '', request = '', cancel_reason = '', undo = NULL, held_by = NULL,
                  overbooked_reason = CASE WHEN overbooked_reason IS NOT NULL THEN '' END, ref = gen_random_uuid()
            WHERE patient_id = %(id)s RETURNING id""",
        id=patient_id,
        nobody=nobody,
    )
    # The code is printed on paper that others may have seen.
    codes = [{"id": row.id, "code": new_booking_code()} for row in rows]
    repeat(db, "UPDATE appointment SET code = %(code)s WHERE id = %(id)s", codes)
    fetch(db, "UPDATE appointment SET booker_id = NULL WHERE booker_id = ANY(%(bookers)s)", bookers=bookers)
    fetch(db, "DELETE FROM booker WHERE id = ANY(%(bookers)s)", bookers=bookers)


def _forget_ways_in(db: Session, patient: Patient) -> None:
    for table in ("access_token", "patient_access"):
        fetch(db, f"DELETE FROM {table} WHERE patient_id = %(id)s", id=patient.id)
    key = settings().secret_key
    contacts = [contact_digest(key, contact) for contact in (patient.email, patient.phone) if contact]
    fetch(db, "DELETE FROM one_time_code WHERE contact_digest = ANY(%(contacts)s)", contacts=contacts)
