"""Private calendars that doctors subscribe to: an address with a random token, which can be taken back at any time."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlmodel import Session, select

from medcal.db import fetch, fetch_one
from medcal.errors import NotFound, NotPossibleNow
from medcal.i18n import language, t
from medcal.models import CalendarFeed, Doctor, Location
from medcal.roles import Can, check
from medcal.security import Actor, ActorKind, digest, new_secret
from medcal.services import events, looks
from medcal.services.calendar_files import Entry, feed_file
from medcal.services.day_book import get_doctor
from medcal.services.looks import Seen

# What a calendar program is told of.
PAST, AHEAD = timedelta(days=28), timedelta(days=366)
MOST_FEEDS = 10
# Programs read every few minutes; to know that one still does, a minute is enough.
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Feed:
    """An address that somebody reads a doctor's calendar at; the address itself is known to nobody but its reader."""

    ref: uuid.UUID
    created_at: datetime
    created_by: str | None
    read_at: datetime | None


# Who made it must still be allowed to: whoever leaves, or changes her post, takes her addresses with her.
_MAKER = """
  JOIN staff_user u ON u.id = f.created_by_id AND u.is_active AND (u.role = 'admin' OR u.doctor_id = f.doctor_id)
"""


def list_feeds(db: Session, actor: Actor, doctor_ref: uuid.UUID) -> list[Feed]:
    """The addresses of a doctor that work, oldest first. Raises NotAllowed, NotFound."""
    doctor = _doctor(db, actor, doctor_ref)
    rows = fetch(
        db,
        f"""SELECT f.ref, f.created_at, u.name AS created_by, f.read_at FROM calendar_feed f {_MAKER}
            WHERE f.doctor_id = %(doctor_id)s AND f.revoked_at IS NULL ORDER BY f.id""",
        doctor_id=doctor.id,
    )
    return [Feed(*row) for row in rows]


def make_feed(db: Session, actor: Actor, doctor_ref: uuid.UUID, now: datetime) -> str:
    """A new address for a doctor's calendar: its token, which is said this once and kept as a digest alone.

    Raises NotAllowed, NotFound, NotPossibleNow for more than anybody needs.
    """
    doctor = _doctor(db, actor, doctor_ref)
    if len(list_feeds(db, actor, doctor_ref)) >= MOST_FEEDS:
        raise NotPossibleNow(t("There are already {count} addresses. Please remove one first.", count=MOST_FEEDS))
    token = new_secret()
    assert doctor.id is not None
    db.add(
        CalendarFeed(doctor_id=doctor.id, token_digest=digest(token), created_at=now, created_by_id=actor.id),
    )
    db.flush()
    events.record(db, "feed.made", by=actor, now=now, doctor_id=doctor.id)
    return token


def revoke_feed(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> None:
    """From now on nobody reads at this address; twice is once. Raises NotAllowed, NotFound, as for a feed that the actor may not see."""
    check(actor, Can.keep_feeds)
    feed = db.exec(select(CalendarFeed).where(CalendarFeed.ref == ref).with_for_update()).one_or_none()
    if feed is None or not actor.sees_doctor(feed.doctor_id):
        raise NotFound
    if feed.revoked_at is None:
        feed.revoked_at = now
        events.record(db, "feed.revoked", by=actor, now=now, doctor_id=feed.doctor_id)


def shows_names(db: Session, actor: Actor, doctor_ref: uuid.UUID) -> bool:
    """Whether patients' names stand in the calendars of the doctor's location. Raises NotAllowed, NotFound."""
    return db.get_one(Location, _doctor(db, actor, doctor_ref).location_id).feed_names


def show_names(db: Session, actor: Actor, doctor_ref: uuid.UUID, shown: bool, now: datetime) -> None:
    """Let patients' names stand in the calendars of the doctor's location, or not any more. An admin's to say.

    Raises NotAllowed, NotFound.
    """
    check(actor, Can.set_rules)
    location = db.get_one(Location, _doctor(db, actor, doctor_ref).location_id)
    if location.feed_names is not shown:
        location.feed_names = shown
        events.record(db, "feed.names", by=actor, now=now, location=location.slug, shown=shown)


def _doctor(db: Session, actor: Actor, ref: uuid.UUID) -> Doctor:
    check(actor, Can.keep_feeds)
    return get_doctor(db, actor, ref)


# --- Reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What a calendar program gets: `text` is None where it knows this state (`etag`) already."""

    etag: str
    text: str | None


_FEED = f"""
SELECT f.id, f.read_at, f.doctor_id, f.created_by_id, l.feed_names, d.name AS doctor, l.name AS place, u.language
  FROM calendar_feed f
  JOIN doctor d ON d.id = f.doctor_id AND d.is_active JOIN location l ON l.id = d.location_id
  {_MAKER}
 WHERE f.token_digest = %(token_digest)s AND f.revoked_at IS NULL
"""
_VISITS = """
SELECT a.ref, a.version, a.starts_at, a.ends_at, coalesce(a.booked_at, a.created_at) AS booked_at, a.code,
       CASE WHEN l.feed_names THEN p.name END AS patient, l.name AS place, l.street, l.city
  FROM appointment a JOIN location l ON l.id = a.location_id LEFT JOIN patient p ON p.id = a.patient_id
 WHERE a.doctor_id = %(doctor_id)s AND a.status IN ('booked', 'arrived', 'fulfilled')
   AND a.starts_at >= %(since)s AND a.starts_at < %(until)s
 ORDER BY a.starts_at, a.id
"""


def read_feed(db: Session, token: str, known: str, now: datetime) -> Reading:
    """The calendar at an address: four weeks back and a year ahead; visits, not what they are for. `known` is If-None-Match.

    Raises NotFound for a token that nobody has made, that was taken back, or whose doctor or maker is no longer here: one
    statement for all of these, so that none can be told from another.
    """
    feed = fetch_one(db, _FEED, token_digest=digest(token))
    if feed is None:
        raise NotFound
    _note_reading(db, feed, now)
    visits = fetch(db, _VISITS, doctor_id=feed.doctor_id, since=now - PAST, until=now + AHEAD)
    etag = _etag(feed, visits)
    if etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        return Reading(etag, None)
    with language(feed.language):
        name = f"{feed.doctor} · {feed.place}"
        return Reading(etag, feed_file(name, [(_entry(visit), visit.booked_at) for visit in visits]))


def _note_reading(db: Session, feed: Any, now: datetime) -> None:
    if feed.read_at is None or feed.read_at <= now - NOTED_EVERY:
        if feed.feed_names:
            # Whoever has made the address answers for who reads there.
            looks.note(db, Actor(ActorKind.staff, feed.created_by_id), Seen.feed, doctor_id=feed.doctor_id)
        fetch(db, "UPDATE calendar_feed SET read_at = %(now)s WHERE id = %(id)s", now=now, id=feed.id)


def _etag(feed: Any, visits: Sequence[Any]) -> str:
    """The name of a state: made from all that the text is made from, without making the text."""
    state = repr((feed.doctor, feed.place, feed.language, [tuple(visit) for visit in visits]))
    return f'"{sha256(state.encode()).hexdigest()[:32]}"'


def _entry(visit: Any) -> Entry:
    return Entry(
        ref=visit.ref,
        version=visit.version,
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        summary=visit.patient or t("Appointment {code}", code=visit.code),
        description=t("Booking code {code}", code=visit.code) if visit.patient else "",
        location=", ".join(line for line in (visit.place, visit.street, visit.city) if line),
    )
