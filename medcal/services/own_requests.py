"""What a patient asks of us by herself: a copy of her data, and that they are erased.

Only where a one-time code has shown that the address is hers, in the browser that it was typed into, and for as long as it opens
that: a link can be forwarded, and opens one visit alone. A code opens all who are kept under this address, her dependants as well.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch
from medcal.errors import Invalid, NotFound, NotPossibleNow
from medcal.i18n import t
from medcal.security import PATIENT
from medcal.services import throttle
from medcal.services.erasure import NOBODY, VisitToCome, erase_for_good
from medcal.services.own_data import OwnData, hand_over

# A household with some children, each once to read and once as a file; and whoever mistypes a date of birth.
COPIES, ERASURES = 20, 5
WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class OwnPerson:
    """Somebody whose data a browser may ask for."""

    ref: uuid.UUID
    name: str
    born_on: date | None


_OWN = """
SELECT DISTINCT p.id, p.ref, p.name, p.born_on FROM patient_access pa JOIN patient p ON p.id = pa.patient_id
 WHERE pa.visit_digest = %(visit)s AND pa.expires_at > %(now)s AND pa.purpose = 'code' AND pa.appointment_id IS NULL
   AND p.name <> %(nobody)s
"""


def people_of(db: Session, visit: str, *, now: datetime) -> list[OwnPerson]:
    """Whose data this browser may ask for; nobody's without a code."""
    rows = fetch(db, f"{_OWN} ORDER BY p.name, p.id", visit=visit, now=now, nobody=NOBODY)
    return [OwnPerson(row.ref, row.name, row.born_on) for row in rows]


def count_copy(db: Session, visit: str, address: str | None, *, now: datetime) -> None:
    """Count one wish for a copy, in a transaction of its own before it. Raises TooManyTries."""
    _count(db, "copy", COPIES, visit, address, now)


def count_erasure(db: Session, visit: str, address: str | None, *, now: datetime) -> None:
    """Count one wish for an erasure, in a transaction of its own before it. Raises TooManyTries."""
    _count(db, "erasure", ERASURES, visit, address, now)


def _count(db: Session, what: str, limit: int, visit: str, address: str | None, now: datetime) -> None:
    throttle.count(db, f"{what} of {visit}", limit=limit, window=WINDOW, now=now)
    if address:
        throttle.count(db, f"{what} from {address}", limit=2 * limit, window=WINDOW, now=now)


def give_own(db: Session, visit: str, ref: uuid.UUID, *, now: datetime) -> OwnData:
    """All that is kept about her, or a dependant; that it was given is in the history. Raises NotFound."""
    patient_id, _ = _find_own(db, visit, ref, now)
    return hand_over(db, patient_id, by=PATIENT, now=now)


def erase_own(db: Session, visit: str, ref: uuid.UUID, *, born_on: date | None, now: datetime) -> None:
    """Erase her, or a dependant, for good, at once. Her wishes and open offers end with it.

    Who shares the mailbox must know the date of birth as well. Raises NotFound, Invalid for another date, and NotPossibleNow while a
    visit is to come.
    """
    patient_id, person = _find_own(db, visit, ref, now)
    if person.born_on is not None and person.born_on != born_on:
        raise Invalid(t("This is not the date of birth that we have."), "born_on")
    try:
        erase_for_good(db, patient_id, by=PATIENT, now=now)
    except VisitToCome:
        raise NotPossibleNow(
            t(
                "A visit is still to come, or one that was booked for somebody else. Please cancel it first; then we can erase."
            )
        ) from None


def _find_own(db: Session, visit: str, ref: uuid.UUID, now: datetime) -> tuple[int, OwnPerson]:
    rows = fetch(db, f"{_OWN} AND p.ref = %(ref)s", visit=visit, now=now, nobody=NOBODY, ref=ref)
    if not rows:
        raise NotFound
    return rows[0].id, OwnPerson(rows[0].ref, rows[0].name, rows[0].born_on)
