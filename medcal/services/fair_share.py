"""How much of what is free anybody may take without the desk: so that no robot and no reseller holds a clinic's times."""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_interface

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import TooManyVisits
from medcal.services import proof_of_work, throttle

# A household looks at many times; one that is being filled in is held by one browser at a time anyway.
HOLDS_OF_ADDRESS, HOLDS_OF_BROWSER = 60, 20
HOLDS_WINDOW = WORK_WINDOW = timedelta(hours=1)
# A parent of three with two visits each. Who needs more has a reason, and the desk has no such limit.
MOST_COMING = 6
# Beside other advisory locks of the database: a queue per contact.
_QUEUE = 0x7368


@dataclass(frozen=True)
class Pace:
    """How fast something grows dear: so many within the last hour or two are usual, `step` more double the work, `most` times at most."""

    usual: int
    step: int
    most: int

    def doublings(self, lately: int) -> int:
        return min(max(0, lately - self.usual) // self.step, self.most)


@dataclass(frozen=True)
class Paces:
    """By address, by the network around it (who rents addresses gets neighbours), and of the whole clinic (who has them everywhere)."""

    address: Pace
    network: Pace
    clinic: Pace


# 2^7 times the floor keeps a phone of five years busy for a minute, which filling in the form takes: still nobody waits. What the whole
# clinic does meets everybody, so it adds no more than some seconds.
MOST_DOUBLINGS = 7
PACES = {
    # A household looks at half a dozen times. 120 in an hour are what a clinic of fifty doctors sees on a Monday morning.
    "hold": Paces(Pace(6, 6, 7), Pace(30, 15, 7), Pace(240, 120, 4)),
    # A code is a mail, or a text message that costs.
    "code": Paces(Pace(2, 2, 7), Pace(10, 5, 7), Pace(60, 30, 4)),
}
# What everybody counts in one row, everybody would wait for.
_CLINIC_ROWS = 16


def count_work(db: Session, what: str, address: str | None, *, now: datetime) -> None:
    """Count what makes the next one dearer: "hold" or "code". The address itself is counted by its limit already."""
    if address:
        throttle.add(db, f"{what} in {_network(address)}", window=WORK_WINDOW, now=now)
    throttle.add(db, f"{what} at the clinic {random.randrange(_CLINIC_ROWS)}", window=WORK_WINDOW, now=now)


def work_for(db: Session, what: str, address: str | None, *, now: datetime) -> int:
    """How many bits of proof of work the next "hold" or "code" from here is worth."""
    paces, doublings = PACES[what], 0
    if address:
        doublings += paces.address.doublings(_lately(db, [f"{what} from {address}"], now))
        doublings += paces.network.doublings(_lately(db, [f"{what} in {_network(address)}"], now))
    everywhere = [f"{what} at the clinic {row}" for row in range(_CLINIC_ROWS)]
    doublings += paces.clinic.doublings(_lately(db, everywhere, now))
    return proof_of_work.FLOOR_BITS + min(doublings, MOST_DOUBLINGS)


def _lately(db: Session, names: list[str], now: datetime) -> int:
    return throttle.lately(db, names, window=WORK_WINDOW, now=now)


def _network(address: str) -> str:
    """A /24, of IPv6 a /48: what one customer of a provider, or one house of servers, gets at once."""
    try:
        ip = ip_interface(address).ip
    except ValueError:
        return address
    return str(ip_interface(f"{ip}/{24 if ip.version == 4 else 48}").network)


def count_hold(db: Session, visit: str, address: str | None, *, now: datetime) -> None:
    """Count one more time that a browser wants held, in a transaction of its own before the one that holds it.

    Raises TooManyTries. Who throws her cookie away is counted by address; behind one address are many people.
    """
    throttle.count(db, f"hold of {visit}", limit=HOLDS_OF_BROWSER, window=HOLDS_WINDOW, now=now)
    if address:
        throttle.count(db, f"hold from {address}", limit=HOLDS_OF_ADDRESS, window=HOLDS_WINDOW, now=now)
    count_work(db, "hold", address, now=now)


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
