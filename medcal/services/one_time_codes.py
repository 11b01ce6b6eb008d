"""One-time codes: for who has lost the link, a code to the contact that she booked with opens all that is hers."""

from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.config import settings
from medcal.db import fetch, fetch_one
from medcal.errors import Invalid
from medcal.i18n import current_language, t
from medcal.security import code_digest, contact_digest, new_code
from medcal.services import fair_share, notifications, throttle
from medcal.services.patients import check_email, check_phone

CODE_LASTS = timedelta(minutes=10)
CODE_TRIES = 5
# For as long somebody may look for the address that she booked with.
CHALLENGE_LASTS = timedelta(minutes=30)
# A code shows all of a patient, so the browser keeps it only for as long as somebody sits before it.
CODE_OPENS_FOR = timedelta(hours=2)


def count_code_wish(db: Session, contact: str, address: str | None, *, now: datetime) -> None:
    """Count a wish for a code, in a transaction of its own before `send_code`. Raises TooManyTries, Invalid for no
    contact at all.

    By contact, since five guesses come with each code and nobody's mailbox shall be flooded; by address against trying
    many contacts.
    """
    kept = check_contact(contact)
    throttle.count(db, f"code to {kept}", limit=5, window=timedelta(hours=1), now=now)
    throttle.count(db, f"code to {kept}", limit=10, window=timedelta(days=1), now=now)
    if address:
        throttle.count(db, f"code from {address}", limit=20, window=timedelta(hours=1), now=now)
    fair_share.count_work(db, "code", address, now=now)


def send_code(db: Session, contact: str, visit_digest: str, now: datetime) -> None:
    """Send a one-time code to an e-mail address or phone number that belongs to a patient or a booker.

    Nobody learns whether it does, not from the time it takes either: for a stranger the message is written as well, and taken back before
    anybody can send it. A new code ends the one before.
    """
    kept = check_contact(contact)
    code = new_code()
    row = fetch_one(
        db,
        """WITH before AS (DELETE FROM one_time_code WHERE visit_digest = %(visit)s)
           INSERT INTO one_time_code (contact_digest, code_digest, visit_digest, tries, created_at, expires_at)
           VALUES (%(contact)s, %(code)s, %(visit)s, 0, %(now)s, %(expires_at)s) RETURNING id""",
        contact=contact_digest(settings().secret_key, kept),
        code=code_digest(settings().secret_key, kept, code),
        visit=visit_digest,
        now=now,
        expires_at=now + CODE_LASTS,
    )
    assert row is not None
    owner, somebody = _find_owner(db, kept), fetch_one(db, "SELECT min(id) AS id FROM patient")
    if somebody is None or somebody.id is None:
        return
    # Of the connection: a savepoint of the session begins with its first statement, and ours go past it.
    written = db.connection().begin_nested()
    notifications.write_code(
        db,
        code,
        code_id=row.id,
        patient_id=owner or somebody.id,
        recipient=kept,
        now=now,
        language=current_language(),
    )
    if owner is None:
        written.rollback()
    else:
        written.commit()


def open_with_code(
    db: Session, contact: str, code: str, visit_digest: str, *, becomes: str | None = None, now: datetime
) -> bool:
    """Let a browser see everything of the patients with this contact, and what their bookers booked; False if the code
    does not fit.

    A code fits once, for ten minutes, for five tries, in the browser that asked for it. A wrong one is no exception, so
    that the try is committed. `becomes` is the digest of the visit cookie that the browser gets in exchange.
    """
    kept = check_contact(contact)
    rows = fetch(
        db,
        """UPDATE one_time_code
              SET tries = tries + 1, used_at = CASE WHEN code_digest = %(code)s THEN %(now)s::timestamptz END
            WHERE visit_digest = %(visit)s AND contact_digest = %(contact)s
              AND used_at IS NULL AND tries < %(most)s AND expires_at > %(now)s
           RETURNING used_at IS NOT NULL AS fits""",
        code=code_digest(settings().secret_key, kept, _as_digits(code)),
        contact=contact_digest(settings().secret_key, kept),
        visit=visit_digest,
        most=CODE_TRIES,
        now=now,
    )
    # Usually one; two wishes at the same instant leave two.
    if not any(row.fits for row in rows):
        return False
    _grant_all_of(db, kept, becomes or visit_digest, now)
    return True


def check_contact(text: str) -> str:
    """An e-mail address in lower case or a phone number in E.164. Raises Invalid."""
    try:
        return check_email(text) if "@" in text else check_phone(text)
    except Invalid:
        raise Invalid(
            t("Please give the e-mail address or the phone number that you booked with."), "contact"
        ) from None


def _as_digits(code: str) -> str:
    """People type what they see: "482 913"."""
    return "".join(letter for letter in code if letter.isdigit())[:12]


def _find_owner(db: Session, contact: str) -> int | None:
    """Whose contact this is: a patient's own, or a booker's, who stands for the patient of the last booking."""
    # Both are looked for whichever there is, so that it takes as long.
    row = fetch_one(
        db,
        """SELECT (SELECT max(id) FROM patient WHERE lower(email) = %(contact)s OR phone = %(contact)s) AS own,
                  (SELECT a.patient_id FROM booker b JOIN appointment a ON a.booker_id = b.id
                    WHERE (lower(b.email) = %(contact)s OR b.phone = %(contact)s) AND a.patient_id IS NOT NULL
                    ORDER BY a.id DESC LIMIT 1) AS booked_for""",
        contact=contact,
    )
    assert row is not None
    found: int | None = row.own or row.booked_for
    return found


def _grant_all_of(db: Session, contact: str, visit_digest: str, now: datetime) -> None:
    # Who once booked for somebody sees that booking, not what the other has done since.
    fetch(
        db,
        """WITH own AS (SELECT id FROM patient WHERE lower(email) = %(contact)s OR phone = %(contact)s)
           INSERT INTO patient_access (visit_digest, patient_id, appointment_id, purpose, created_at, expires_at)
           SELECT %(visit)s, id, NULL::bigint, 'code', %(now)s::timestamptz, %(expires_at)s::timestamptz FROM own
           UNION ALL
           SELECT %(visit)s, a.patient_id, a.id, 'code', %(now)s, %(expires_at)s
             FROM booker b JOIN appointment a ON a.booker_id = b.id
            WHERE (lower(b.email) = %(contact)s OR b.phone = %(contact)s)
              AND a.patient_id IS NOT NULL AND a.patient_id NOT IN (SELECT id FROM own)""",
        contact=contact,
        visit=visit_digest,
        now=now,
        expires_at=now + CODE_OPENS_FOR,
    )
