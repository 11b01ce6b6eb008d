"""How much of what is free anybody may take without the desk: so that no robot and no reseller holds a clinic's times."""

import uuid
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import TooManyVisits
from medcal.services import throttle

# A household looks at many times; one that is being filled in is held by one browser at a time anyway.
HOLDS_OF_ADDRESS, HOLDS_OF_BROWSER = 60, 20
HOLDS_WINDOW = timedelta(hours=1)
# A parent of three with two visits each. Who needs more has a reason, and the desk has no such limit.
MOST_COMING = 6
# Beside other advisory locks of the database: a queue per contact.
_QUEUE = 0x7368


def count_hold(db: Session, visit: str, address: str | None, *, now: datetime) -> None:
    """Count one more time that a browser wants held, in a transaction of its own before the one that holds it.

    Raises TooManyTries. Who throws her cookie away is counted by address; behind one address are many people.
    """
    throttle.count(db, f"hold of {visit}", limit=HOLDS_OF_BROWSER, window=HOLDS_WINDOW, now=now)
    if address:
        throttle.count(db, f"hold from {address}", limit=HOLDS_OF_ADDRESS, window=HOLDS_WINDOW, now=now)


def check_coming(db: Session, held: uuid.UUID, email: str | None, phone: str | None, *, now: datetime) -> None:
    """Raises TooManyVisits where as many coming visits as one person may book are booked under this address or number.

    Before the hold is confirmed, in the same transaction: two forms at the same instant pass one after the other. The visit that
    came of this very hold does not count, so that a form sent twice gets the same answer twice.
    """
    contacts = sorted({contact.lower() for contact in (email, phone) if contact})
    for contact in contacts:
        fetch(db, "SELECT pg_advisory_xact_lock(%(queue)s, hashtext(%(contact)s))", queue=_QUEUE, contact=contact)
    row = fetch_one(
        db,
        """WITH own AS (SELECT id FROM patient WHERE lower(email) = ANY(%(contacts)s) OR phone = ANY(%(contacts)s)),
                booking AS (SELECT id FROM booker WHERE lower(email) = ANY(%(contacts)s) OR phone = ANY(%(contacts)s)),
                coming AS (SELECT id, ref, status, starts_at FROM appointment WHERE patient_id IN (SELECT id FROM own)
                            UNION SELECT id, ref, status, starts_at FROM appointment WHERE booker_id IN (SELECT id FROM booking))
           SELECT count(*) AS visits FROM coming
            WHERE status = 'booked' AND starts_at > %(now)s AND ref <> %(held)s""",
        contacts=contacts,
        held=held,
        now=now,
    )
    if row and row.visits >= MOST_COMING:
        raise TooManyVisits
