"""The board of freed times: what is on offer, what looks for somebody, what ended lately; and the answers that the desk notes."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from medcal.clock import local
from medcal.db import fetch, fetch_one
from medcal.errors import NotFound, NotPossibleNow, OfferClosed
from medcal.i18n import n_, t
from medcal.models import FreedStatus, Location, Offer, OfferStatus
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import answers, looks, withdrawals
from medcal.services.looks import Seen
from medcal.services.quiet_hours import end_of_quiet
from medcal.services.reach import channel_to

# So many of a kind are read; a clinic that has more at once needs no longer list but more people.
MOST = 100
LATELY = timedelta(days=2)
MOST_ENDED = 25


# --- The board --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Somebody who is asked in the present round.

    `contact` is whom to reach: the booker where there is one. On `channel` "call" nothing has reached her in writing, and the desk calls.
    """

    ref: uuid.UUID
    patient: str
    contact: str
    email: str | None
    phone: str | None
    channel: str
    status: str
    answer_until: datetime
    own_starts_at: datetime | None
    own_doctor: str | None

    @property
    def is_open(self) -> bool:
        return self.status == OfferStatus.open


@dataclass(frozen=True)
class Freed:
    """A freed time as it stands. `waits_for` tells of one that looks for somebody: "night", "form", "somebody", or "now" when it is due.

    `asked` holds the present round in its order, `asked_so_far` counts all rounds.
    """

    ref: uuid.UUID
    doctor: str
    specialty: str
    starts_at: datetime
    zone: ZoneInfo
    cause: str
    status: str
    freed_at: datetime
    look_at: datetime
    waits_for: str
    ended_at: datetime | None
    ended_by: str | None
    filled_by: str | None
    asked_so_far: int
    asked: tuple[Asked, ...] = ()

    @property
    def answer_until(self) -> datetime:
        """Those who are asked at once share their minute."""
        return max(each.answer_until for each in self.asked)


@dataclass(frozen=True)
class Board:
    """What ends soonest comes first, what ended last too. `is_cut`: there is more than a board can show."""

    offered: tuple[Freed, ...]
    looking: tuple[Freed, ...]
    ended: tuple[Freed, ...]
    is_cut: bool = False


_FREED = """
SELECT f.id, f.ref, d.name AS doctor, s.name AS specialty, f.starts_at, f.location_id, f.cause, f.status, f.created_at AS freed_at,
       f.look_at, f.ended_at, f.ended_by,
       (SELECT count(*) FROM offer o WHERE o.freed_time_id = f.id) AS asked_so_far,
       (SELECT p.name FROM offer o JOIN patient p ON p.id = o.patient_id
         WHERE o.freed_time_id = f.id AND o.status = 'accepted') AS filled_by,
       f.status = 'open' AND EXISTS (
          SELECT FROM appointment a
           WHERE a.doctor_id = f.doctor_id AND a.status = 'held' AND a.starts_at <= f.starts_at
             AND a.starts_at > f.starts_at - interval '12 hours' AND a.busy_until > f.starts_at) AS is_in_a_form
  FROM freed_time f JOIN doctor d ON d.id = f.doctor_id JOIN specialty s ON s.id = d.specialty_id
  JOIN location l ON l.id = f.location_id
 WHERE (%(of)s::uuid IS NULL OR %(of)s IN (d.ref, s.ref, l.ref)) AND
"""


def board(db: Session, actor: Actor, of: uuid.UUID | None, now: datetime) -> Board:
    """The freed times of a doctor, a specialty or a location (None: of all), for reception and admins. Raises NotAllowed."""
    _check(actor)
    looks.note(db, actor, Seen.offers)
    live = fetch(
        db,
        f"{_FREED} f.status IN ('open', 'offered') ORDER BY f.status = 'open', f.starts_at, f.id LIMIT %(most)s",
        of=of,
        most=2 * MOST,
    )
    ended = fetch(
        db,
        f"{_FREED} f.ended_at >= %(since)s ORDER BY f.ended_at DESC, f.id DESC LIMIT %(most)s",
        of=of,
        since=now - LATELY,
        most=MOST_ENDED,
    )
    locations = {location.id: location for location in db.exec(select(Location))}
    rounds = _rounds(db, [row.id for row in live if row.status == FreedStatus.offered])
    found = [_freed(row, locations[row.location_id], rounds.get(row.id, ()), now) for row in live]
    offered = sorted((each for each in found if each.asked), key=lambda each: (each.answer_until, each.starts_at))
    looking = [each for each in found if not each.asked]
    return Board(
        offered=tuple(offered[:MOST]),
        looking=tuple(looking[:MOST]),
        ended=tuple(_freed(row, locations[row.location_id], (), now) for row in ended),
        is_cut=len(live) == 2 * MOST or len(looking) > MOST or len(offered) > MOST,
    )


def _freed(row: Any, location: Location, asked: Sequence[Asked], now: datetime) -> Freed:
    return Freed(
        ref=row.ref,
        doctor=row.doctor,
        specialty=row.specialty,
        starts_at=row.starts_at,
        zone=location.zone_info,
        cause=row.cause,
        status=row.status,
        freed_at=row.freed_at,
        look_at=row.look_at,
        waits_for=_waits_for(row, location, now),
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        filled_by=row.filled_by,
        asked_so_far=row.asked_so_far,
        asked=tuple(asked),
    )


def _waits_for(row: Any, location: Location, now: datetime) -> str:
    if row.look_at <= now:
        return "now"
    if row.is_in_a_form:
        return "form"
    return "night" if end_of_quiet(now, location) else "somebody"


def _rounds(db: Session, freed_ids: Sequence[int]) -> dict[int, list[Asked]]:
    """Who is asked for each of these times in the present round: those who share its hold. Messages are found by their reason."""
    rows = fetch(
        db,
        """SELECT f.id AS freed_id, o.ref, p.name AS patient, coalesce(b.name, p.name) AS contact,
                  CASE WHEN b.id IS NULL THEN p.email ELSE b.email END AS email,
                  CASE WHEN b.id IS NULL THEN p.phone ELSE b.phone END AS phone,
                  coalesce(m.status IN ('dead', 'bounced') OR m.channel = 'call', false) AS is_undelivered, o.status, o.answer_until,
                  a.starts_at AS own_starts_at, ad.name AS own_doctor
             FROM freed_time f JOIN offer o ON o.freed_time_id = f.id AND o.hold_id = f.hold_id
             JOIN patient p ON p.id = o.patient_id JOIN waitlist_entry e ON e.id = o.entry_id
             LEFT JOIN appointment a ON a.id = e.appointment_id LEFT JOIN doctor ad ON ad.id = a.doctor_id
             LEFT JOIN booker b ON b.id = a.booker_id
             LEFT JOIN message m ON m.reason = 'offer.made:offer:' || o.id
            WHERE f.id = ANY (%(ids)s) ORDER BY o.place_in_group, o.id""",
        ids=list(freed_ids),
    )
    found: dict[int, list[Asked]] = {}
    for row in rows:
        values = {name: value for name, value in row._asdict().items() if name not in ("freed_id", "is_undelivered")}
        channel = "call" if row.is_undelivered else channel_to(row.email, row.phone)
        found.setdefault(row.freed_id, []).append(Asked(**values, channel=channel))
    return found


# --- Answers that the desk notes --------------------------------------------------------------------------------------


def accept(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """She said yes on the phone: what her link's button does. Raises OfferClosed, which tells what somebody else noted before."""
    _answer(db, actor, ref, answers.accept, now)


def decline(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """She said no on the phone, and keeps her place on the list. Raises OfferClosed."""
    _answer(db, actor, ref, answers.decline, now)


def note_not_reached(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Nobody picked up: as if her time to answer had run out. Raises OfferClosed."""
    _answer(db, actor, ref, answers.note_not_reached, now)


def withdraw(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """Take back what a freed time is on offer for; who was asked is told, and the time goes on to the next. Raises OfferClosed."""
    _check(actor)
    row = fetch_one(db, "SELECT id, status FROM freed_time WHERE ref = %(ref)s", ref=ref)
    if row is None:
        raise NotFound
    if row.status != FreedStatus.offered:
        raise OfferClosed(t("This time is not on offer any more."))
    withdrawals.withdraw(db, row.id, by=actor, now=now)


def _answer(db: Session, actor: Actor, ref: uuid.UUID, verb: Callable[..., object], now: datetime) -> None:
    """Two desks may press at once: behind the lock, which comes first in the order of all, the slower one reads what the other did."""
    _check(actor)
    row = fetch_one(
        db,
        """SELECT o.id FROM waitlist_entry e JOIN offer o ON o.entry_id = e.id WHERE o.ref = %(ref)s
            ORDER BY e.id FOR NO KEY UPDATE OF e""",
        ref=ref,
    )
    if row is None:
        raise NotFound
    offer = db.exec(select(Offer).where(Offer.id == row.id).execution_options(populate_existing=True)).one()
    if offer.status is not OfferStatus.open:
        raise OfferClosed(_what_came(db, offer.id))
    try:
        verb(db, offer.id, by=actor, now=now)
    except OfferClosed:
        raise OfferClosed(_what_came(db, offer.id)) from None
    except NotPossibleNow:
        raise NotPossibleNow(
            t("This patient has another appointment at that time. Please cancel that one first.")
        ) from None


# What the slower desk reads.
_NOTED = {
    OfferStatus.accepted: n_("{patient} has already accepted ({by}, {time})."),
    OfferStatus.declined: n_("{patient} has already declined ({by}, {time})."),
    OfferStatus.expired: n_("The time to answer is over for {patient} ({by}, {time})."),
    OfferStatus.taken: n_("Somebody else answered first. {patient} keeps the place on the list."),
    OfferStatus.withdrawn: n_("The offer to {patient} was withdrawn ({by}, {time})."),
}


def _what_came(db: Session, offer_id: int | None) -> str:
    row = fetch_one(
        db,
        """SELECT o.status, p.name AS patient, o.decided_at, o.decided_by, l.zone, u.name AS by_whom
             FROM offer o JOIN patient p ON p.id = o.patient_id JOIN freed_time f ON f.id = o.freed_time_id
             JOIN location l ON l.id = f.location_id
             LEFT JOIN LATERAL (SELECT staff_user_id FROM event WHERE freed_time_id = f.id AND offer_id = o.id
                                   AND kind = 'offer.' || o.status ORDER BY id DESC LIMIT 1) e ON true
             LEFT JOIN staff_user u ON u.id = e.staff_user_id
            WHERE o.id = %(id)s""",
        id=offer_id,
    )
    assert row is not None
    if row.decided_at is None:
        return t("This offer has ended: its answer time is over, or the appointment has changed.")
    by = row.by_whom or (t("the patient") if row.decided_by == "patient" else t("by itself"))
    at = f"{local(row.decided_at, ZoneInfo(row.zone)):%H:%M}"
    return t(_NOTED[OfferStatus(row.status)], patient=row.patient, by=by, time=at)


def _check(actor: Actor) -> None:
    """Freed time crosses doctors: it is reception's and the admins'."""
    check(actor, Can.answer_offers)
