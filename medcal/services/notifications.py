"""Messages: who is told what, when; written in the transaction that they tell about. delivery.py hands them over."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session, select

from medcal.config import settings
from medcal.db import changed, fetch, fetch_one
from medcal.i18n import language as speaking
from medcal.i18n import t
from medcal.models import Location
from medcal.security import digest
from medcal.services import grace
from medcal.services.calendar_files import Contact, Entry, Method, calendar_file
from medcal.services.fates import after
from medcal.services.letters import Letter, write_letter
from medcal.services.message_words import OF_OFFERS, link_token_of
from medcal.services.occasions import Occasion
from medcal.services.own_wording import find_own_wording, own_wording_of, with_own_wording
from medcal.services.quiet_hours import end_of_quiet
from medcal.services.told import APPOINTMENTS, CODE, OFFER, PLACE, Told, place_of, told_of_appointment, told_of_offer
from medcal.services.wording import Wording

# Kinds that are written about an offer, by what they begin with.
ABOUT_OFFERS = ("offer.", "waitlist.")

# So long after the visit, and after an offer's answer time, a link still leads to a page that says what is so.
APPOINTMENT_LINK_OUTLIVES = timedelta(days=1)
OFFER_LINK_OUTLIVES = timedelta(days=14)

CALENDAR_METHODS = {
    "appointment.booked": Method.request,
    "appointment.moved": Method.request,
    "appointment.cancelled": Method.cancel,
}


def write(
    db: Session,
    kind: str,
    *,
    now: datetime,
    appointment_id: int | None = None,
    offer_id: int | None = None,
    reason: str | None = None,
    language: str | None = None,
    tell_at: datetime | None = None,
) -> None:
    """Write one message, in the transaction that it tells about: to the booker where there is one, else to the patient.

    What the desk changes about an appointment leaves at `tell_at`, and not at all where the patient knows it so. Whatever still waited to
    be told about that appointment is taken back.
    Kinds are those of letter_kinds.LETTERS; those of ABOUT_OFFERS need the offer, the rest the appointment. The same
    reason is never written twice: by default one per kind and appointment version, or per kind and offer. Whoever has
    neither e-mail nor phone appears on the call list (channel `call`).
    """
    if kind.startswith(ABOUT_OFFERS):
        draft: _Draft | None = _about_offer(db, kind, offer_id, language, now)
    else:
        draft = _about_appointment(db, kind, appointment_id, language, tell_at, now)
    if draft is not None:
        _insert(
            db,
            draft.kind,
            draft.told,
            reason=reason or draft.reason,
            language=language,
            own=draft.own,
            due_at=draft.due_at,
            useless_at=draft.useless_at,
            now=now,
        )


@dataclass(frozen=True)
class _Draft:
    """What is to be written, to whom and when."""

    kind: str
    told: Told
    reason: str
    own: Wording | None
    due_at: datetime
    useless_at: datetime


def _about_offer(db: Session, kind: str, offer_id: int | None, language: str | None, now: datetime) -> _Draft:
    row = fetch_one(db, with_own_wording(OFFER), id=offer_id, kind=kind, language=language)
    if row is None:
        raise LookupError(f"no offer to write about: {kind}")
    due_at = now if kind == "offer.made" else _outside_quiet(db, row.location_id, now)
    reason, own = f"{kind}:offer:{offer_id}", own_wording_of(kind, row)
    return _Draft(kind, told_of_offer(row), reason, own, due_at, _useless_at(kind, row, now))


def _about_appointment(
    db: Session, kind: str, appointment_id: int | None, language: str | None, tell_at: datetime | None, now: datetime
) -> _Draft | None:
    """None where the patient knows it so."""
    known = None
    if appointment_id and (tell_at or kind in grace.TOLD_LATER):
        known = grace.supersede(db, appointment_id)
        news = grace.what_to_tell(kind, known, may_be_silent=tell_at is not None)
        if news is None:
            return None
        kind = news
    statement = with_own_wording(f"{APPOINTMENTS} WHERE a.id = %(id)s")
    row = fetch_one(db, statement, id=appointment_id, kind=kind, language=language)
    if row is None:
        raise LookupError(f"no appointment to write about: {kind}")
    useless_at = row.starts_at
    if tell_at and known and kind == "appointment.cancelled":
        row = _as_known(db, known, row)
        useless_at = max(useless_at, row.starts_at)
    reason, own = _reason(kind, row), own_wording_of(kind, row)
    return _Draft(kind, told_of_appointment(row), reason, own, tell_at or now, useless_at)


def _as_known(db: Session, known: grace.Known, row: Any) -> Any:
    """A row of APPOINTMENTS with the visit that the patient knows of: a move that she never heard of means nothing to her."""
    if known.is_so:
        return row
    there = fetch_one(
        db,
        f"""SELECT d.id AS doctor_id, d.name AS doctor, {PLACE}
              FROM doctor d JOIN location l ON l.id = d.location_id WHERE d.id = %(id)s""",
        id=known.doctor_id,
    )
    assert there is not None
    ends_at = known.starts_at + (row.ends_at - row.starts_at)
    return row._replace(starts_at=known.starts_at, ends_at=ends_at, **there._asdict())


def _useless_at(kind: str, offer: Any, now: datetime) -> datetime:
    """The offer itself until its minute; that a wish is paused, as long as its link leads somewhere."""
    if kind == "offer.made":
        until: datetime = offer.answer_until
    elif kind == "waitlist.paused":
        until = offer.own_starts_at or now + OFFER_LINK_OUTLIVES
    else:
        until = offer.starts_at
    return until


def write_about(
    db: Session,
    kind: str,
    row: Any,
    *,
    reason: str,
    due_at: datetime,
    useless_at: datetime,
    missed: str = "",
    now: datetime,
) -> None:
    """Like `write`, for a row of APPOINTMENTS at hand: to be sent at `due_at`, of no use from `useless_at` on.

    `missed` says why it is of no use already: then it is only written down.
    """
    _insert(
        db,
        kind,
        told_of_appointment(row),
        reason=reason,
        language=None,
        own=find_own_wording(db, kind, row.language),
        due_at=due_at,
        useless_at=useless_at,
        missed=missed,
        now=now,
    )


def write_code(
    db: Session,
    code: str,
    *,
    code_id: int,
    patient_id: int,
    recipient: str,
    now: datetime,
    language: str | None = None,
) -> None:
    """Write a one-time code to the e-mail address or phone number that asked for it.

    It names nobody: others may share the address.
    """
    row = fetch_one(db, with_own_wording(CODE), id=code_id, patient_id=patient_id, kind="code", language=language)
    if row is None:
        raise LookupError("no code to write about")
    is_email = "@" in recipient
    told = Told(
        appointment=None,
        offer=None,
        patient_id=patient_id,
        name="",
        email=recipient if is_email else None,
        phone=None if is_email else recipient,
        language=row.language,
        occasion=Occasion(place=place_of(row), site=settings().url, one_time_code=code, answer_until=row.expires_at),
    )
    _insert(
        db,
        "code",
        told,
        reason=f"code:{code_id}",
        language=language,
        own=own_wording_of("code", row),
        due_at=now,
        useless_at=row.expires_at,
        now=now,
    )


def _reason(kind: str, appointment: Any) -> str:
    return f"{kind}:{appointment.id}:v{appointment.version}"


def _outside_quiet(db: Session, location_id: int, now: datetime) -> datetime:
    return end_of_quiet(now, db.get_one(Location, location_id)) or now


def quiet_places(db: Session, now: datetime) -> list[int]:
    """The locations where it is night: nobody is written to there."""
    return [place.id for place in db.exec(select(Location)) if place.id and end_of_quiet(now, place)]


_INSERT = """
WITH said AS (
    INSERT INTO message (ref, reason, kind, patient_id, appointment_id, offer_id, channel, recipient, recipient_name,
                         language, subject, text, html, calendar, status, due_at, useless_at, next_try_at, tries,
                         why, last_error, visit_starts_at, visit_doctor_id, created_at)
    VALUES (%(ref)s, %(reason)s, %(kind)s, %(patient_id)s, %(appointment_id)s, %(offer_id)s, %(channel)s, %(recipient)s,
            %(name)s, %(language)s, %(subject)s, %(text)s, %(html)s, %(calendar)s, %(status)s, %(due_at)s,
            %(useless_at)s, %(due_at)s, 0, %(why)s, '', %(visit_starts_at)s, %(visit_doctor_id)s, %(now)s)
    ON CONFLICT (reason) DO NOTHING RETURNING patient_id, created_at)
INSERT INTO access_token (token_digest, purpose, patient_id, appointment_id, offer_id, created_at, expires_at)
SELECT k.*, said.patient_id, CASE WHEN k.purpose <> ALL (%(of_offers)s) THEN %(appointment_id)s::bigint END,
       CASE WHEN k.purpose = ANY (%(of_offers)s) THEN %(offer_id)s::bigint END, said.created_at,
       CASE WHEN k.purpose = ANY (%(of_offers)s) THEN %(offer_until)s::timestamptz ELSE %(appointment_until)s::timestamptz END
  FROM said, unnest(%(digests)s::text[], %(purposes)s::text[]) AS k(token_digest, purpose)
"""


def _insert(
    db: Session,
    kind: str,
    told: Told,
    *,
    reason: str,
    language: str | None,
    own: Wording | None,
    due_at: datetime,
    useless_at: datetime,
    missed: str = "",
    now: datetime,
) -> None:
    """One round trip for the message and the links in it."""
    ref, spoken = uuid.uuid4(), language or told.language
    with speaking(spoken):
        letter = write_letter(kind, told.occasion, own)
        calendar = _calendar(kind, told, now)
    purposes = [action.purpose for action in letter.actions] if told.channel != "call" else []
    appointment_id = told.appointment.id if told.appointment else told.offer.own_id if told.offer else None
    visit, offer = told.occasion.visit, told.offer
    fetch(
        db,
        _INSERT,
        ref=ref,
        reason=reason,
        kind=kind,
        patient_id=told.patient_id,
        appointment_id=appointment_id,
        offer_id=offer.id if offer else None,
        channel=told.channel,
        recipient=told.recipient,
        name=told.name,
        language=spoken,
        subject=letter.subject[:200],
        text=_text(letter, told.channel),
        html=letter.as_html() if told.channel == "email" else "",
        calendar=calendar,
        status=after("written too late" if missed else "written"),
        why=missed,
        due_at=due_at,
        useless_at=useless_at,
        visit_starts_at=told.appointment.starts_at if told.appointment else None,
        visit_doctor_id=told.appointment.doctor_id if told.appointment else None,
        digests=[digest(link_token_of(ref, purpose)) for purpose in purposes],
        purposes=purposes,
        of_offers=list(OF_OFFERS),
        appointment_until=visit.ends_at + APPOINTMENT_LINK_OUTLIVES if visit else None,
        offer_until=offer.answer_until + OFFER_LINK_OUTLIVES if offer else None,
        now=now,
    )
    changed(db)


def _text(letter: Letter, channel: str) -> str:
    """Reception, who reads it out on the phone, gets the words without links."""
    if channel == "sms":
        return letter.as_sms()
    return letter.without_actions().as_text() if channel == "call" else letter.as_text()


def _calendar(kind: str, told: Told, now: datetime) -> str:
    method, row = CALENDAR_METHODS.get(kind), told.appointment
    if method is None or row is None or not told.email:
        return ""
    place = told.occasion.place
    entry = Entry(
        ref=row.ref,
        version=row.version,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        summary=t("Appointment at {place}", place=place.name),
        description="\n".join(line for line in (row.doctor, place.phone) if line),
        location=", ".join(line for line in (place.name, place.address) if line),
        organizer=Contact(place.name, row.place_email or f"no-reply@{urlsplit(settings().url).hostname}"),
        attendee=Contact(told.name, told.email),
    )
    return calendar_file(entry, method, now)
