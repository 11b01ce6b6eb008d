"""What a patient's browser may see: opened by a link in a message, by a one-time code, or by having booked.

Everything hangs on the digest of the browser's visit cookie; a browser without a row in patient_access sees nothing.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from medcal.db import fetch, fetch_one
from medcal.errors import LinkExpired, NotFound
from medcal.models import Appointment, Offer, WaitlistEntry
from medcal.security import digest
from medcal.services.message_words import OF_OFFERS

BOOKING_OPENS_AFTER_VISIT = timedelta(days=1)

_COLUMNS = "visit_digest, patient_id, appointment_id, offer_id, purpose, created_at, expires_at"


# --- Links ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """What a link opened: its purpose says which page, its patient's language which version of it."""

    purpose: str
    language: str

    @property
    def is_offer(self) -> bool:
        return self.purpose == "offer"

    @property
    def is_wish(self) -> bool:
        """A wish for something earlier: its offers had no answer, and she is asked whether it still holds."""
        return self.purpose == "earlier"


def exchange(db: Session, token: str, visit_digest: str, now: datetime) -> Opened:
    """Let a browser see what a mailed link is for, until the link expires; nothing else changes.

    A link to an offer opens the offer and the wish it was made for, one to a paused wish the wish alone, any other one the
    appointment alone. Raises LinkExpired for a link that is old or unknown.
    """
    link = fetch_one(
        db,
        """SELECT k.*, p.language FROM access_token k JOIN patient p ON p.id = k.patient_id
            WHERE k.token_digest = %(token)s AND k.expires_at > %(now)s""",
        token=digest(token),
        now=now,
    )
    if link is None:
        raise LinkExpired
    is_of_offer = link.purpose in OF_OFFERS
    _grant(
        db,
        visit_digest,
        patient_id=link.patient_id,
        appointment_id=None if is_of_offer else link.appointment_id,
        offer_id=link.offer_id if is_of_offer else None,
        purpose=link.purpose,
        now=now,
        expires_at=link.expires_at,
    )
    return Opened(link.purpose, link.language)


def grant_after_booking(db: Session, appointment: Appointment, visit_digest: str, now: datetime) -> None:
    """The browser that booked an appointment may see it, until a day after the visit."""
    assert appointment.patient_id is not None
    _grant(
        db,
        visit_digest,
        patient_id=appointment.patient_id,
        appointment_id=appointment.id,
        purpose="appointment",
        now=now,
        expires_at=appointment.ends_at + BOOKING_OPENS_AFTER_VISIT,
    )


def carry_over(db: Session, old_digest: str, new_digest: str, now: datetime) -> None:
    """Let a browser's new visit see what its old one sees.

    A visit gets a new cookie whenever more is opened to it, so that nobody who planted or noted the old one sees the
    new things. The old rows stay: pages that are still open speak under the old cookie.
    """
    fetch(
        db,
        f"""INSERT INTO patient_access ({_COLUMNS})
            SELECT %(new)s, patient_id, appointment_id, offer_id, purpose, created_at, expires_at
              FROM patient_access WHERE visit_digest = %(old)s AND expires_at > %(now)s""",
        old=old_digest,
        new=new_digest,
        now=now,
    )


def leave(db: Session, visit_digest: str) -> None:
    """Forget a patient on this device: its browser sees nothing any more."""
    fetch(db, "DELETE FROM patient_access WHERE visit_digest = %(visit)s", visit=visit_digest)
    fetch(db, "DELETE FROM one_time_code WHERE visit_digest = %(visit)s", visit=visit_digest)


def _grant(
    db: Session,
    visit_digest: str,
    *,
    patient_id: int,
    appointment_id: int | None = None,
    offer_id: int | None = None,
    purpose: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    fetch(
        db,
        f"""WITH again AS (
              DELETE FROM patient_access
               WHERE visit_digest = %(visit)s AND patient_id = %(patient_id)s AND purpose = %(purpose)s
                 AND appointment_id IS NOT DISTINCT FROM %(appointment_id)s
                 AND offer_id IS NOT DISTINCT FROM %(offer_id)s)
            INSERT INTO patient_access ({_COLUMNS})
            VALUES (%(visit)s, %(patient_id)s, %(appointment_id)s, %(offer_id)s, %(purpose)s, %(now)s, %(until)s)""",
        visit=visit_digest,
        patient_id=patient_id,
        appointment_id=appointment_id,
        offer_id=offer_id,
        purpose=purpose,
        now=now,
        until=expires_at,
    )


# --- What it shows ----------------------------------------------------------------------------------------------------

# An offer's link shows the appointment that came of it: the one that has moved, or the hold that has become one.
_SEEN = """
SELECT a.id, a.patient_id, max(pa.created_at) AS opened_at, max(pa.expires_at) AS expires_at
  FROM patient_access pa
  LEFT JOIN offer o ON o.id = pa.offer_id AND o.status = 'accepted'
  LEFT JOIN waitlist_entry e ON e.id = o.entry_id
  JOIN appointment a ON a.patient_id = pa.patient_id
   AND (a.id = pa.appointment_id OR a.id = coalesce(e.appointment_id, o.hold_id)
        OR (pa.purpose = 'code' AND pa.appointment_id IS NULL))
 WHERE pa.visit_digest = %(visit)s AND pa.expires_at > %(now)s AND a.status NOT IN ('held', 'released')
"""


def what_may_be_seen(db: Session, visit_digest: str, now: datetime) -> list[Appointment]:
    """The appointments that a browser may see.

    What was opened last comes first, within it coming visits before past ones.
    """
    rows = fetch(
        db,
        f"""{_SEEN} GROUP BY a.id
            ORDER BY opened_at DESC, a.status IN ('booked', 'arrived') AND a.ends_at > %(now)s DESC,
                     CASE WHEN a.ends_at > %(now)s THEN a.starts_at END, a.starts_at DESC
            LIMIT 50""",
        visit=visit_digest,
        now=now,
    )
    order = {row.id: place for place, row in enumerate(rows)}
    found = db.exec(select(Appointment).where(col(Appointment.id).in_(order))).all()
    return sorted(found, key=lambda appointment: order[appointment.id])


def get_seen(db: Session, ref: uuid.UUID, visit_digest: str, now: datetime) -> Appointment:
    """One of the appointments that a browser may see. Raises NotFound, as for one that does not exist."""
    return db.get_one(Appointment, _find_seen(db, ref, visit_digest, now).id)


def choose(db: Session, ref: uuid.UUID, visit_digest: str, now: datetime) -> Appointment:
    """Of several, the one that the patient wants to look at.

    From now on the first of `what_may_be_seen`. Raises NotFound.
    """
    seen = _find_seen(db, ref, visit_digest, now)
    _grant(
        db,
        visit_digest,
        patient_id=seen.patient_id,
        appointment_id=seen.id,
        purpose="choice",
        now=now,
        expires_at=seen.expires_at,
    )
    return db.get_one(Appointment, seen.id)


def _find_seen(db: Session, ref: uuid.UUID, visit_digest: str, now: datetime) -> Any:
    row = fetch_one(db, f"{_SEEN} AND a.ref = %(ref)s GROUP BY a.id", ref=ref, visit=visit_digest, now=now)
    if row is None:
        raise NotFound
    return row


def current_offer(db: Session, visit_digest: str, now: datetime) -> Offer | None:
    """The offer that a browser may answer, or may read how it ended: an open one first, then the one opened last."""
    row = fetch_one(
        db,
        """SELECT o.id FROM patient_access pa
             JOIN offer o ON o.patient_id = pa.patient_id
              AND (o.id = pa.offer_id OR (pa.purpose = 'code' AND pa.appointment_id IS NULL AND o.status = 'open'))
            WHERE pa.visit_digest = %(visit)s AND pa.expires_at > %(now)s AND pa.purpose <> 'earlier'
            ORDER BY o.status = 'open' DESC, pa.created_at DESC, o.id DESC LIMIT 1""",
        visit=visit_digest,
        now=now,
    )
    return db.get_one(Offer, row.id) if row else None


_WISHES = """
SELECT e.id, max(pa.created_at) AS opened_at FROM patient_access pa
  LEFT JOIN offer o ON o.id = pa.offer_id
  JOIN waitlist_entry e ON e.patient_id = pa.patient_id
   AND (e.id = o.entry_id OR (pa.purpose = 'code' AND pa.appointment_id IS NULL AND e.status IN ('waiting', 'paused')))
 WHERE pa.visit_digest = %(visit)s AND pa.expires_at > %(now)s
"""


def wishes_seen(db: Session, visit_digest: str, now: datetime) -> list[WaitlistEntry]:
    """The wishes that a browser may see: those which its links were about, even ended ones, and all that a code opened.

    What was opened last comes first, within it those on the list.
    """
    rows = fetch(
        db,
        f"""{_WISHES} GROUP BY e.id
            ORDER BY opened_at DESC, e.status IN ('waiting', 'paused') DESC, e.created_at DESC, e.id DESC LIMIT 20""",
        visit=visit_digest,
        now=now,
    )
    order = {row.id: place for place, row in enumerate(rows)}
    found = db.exec(select(WaitlistEntry).where(col(WaitlistEntry.id).in_(order))).all()
    return sorted(found, key=lambda entry: order[entry.id])


def get_wish(db: Session, ref: uuid.UUID, visit_digest: str, now: datetime) -> WaitlistEntry:
    """One of the wishes that a browser may see. Raises NotFound, as for one that does not exist."""
    row = fetch_one(db, f"{_WISHES} AND e.ref = %(ref)s GROUP BY e.id", ref=ref, visit=visit_digest, now=now)
    if row is None:
        raise NotFound
    return db.get_one(WaitlistEntry, row.id)


def forget_old(db: Session, now: datetime) -> int:
    """Remove links, codes and accesses that have expired; returns how many."""
    tables = ("patient_access", "access_token", "one_time_code")
    return sum(
        len(fetch(db, f"DELETE FROM {table} WHERE expires_at <= %(now)s RETURNING id", now=now)) for table in tables
    )
