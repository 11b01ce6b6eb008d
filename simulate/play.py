"""Lets the clinic's weeks pass: a clock that jumps to what is due next, and then does it with the product's own services."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from sqlmodel import Session, select

from medcal.config import settings
from medcal.db import fetch_one, in_transaction
from medcal.errors import NotPossibleNow, OfferClosed, OfferTaken
from medcal.models import Appointment, AppointmentStatus, Location
from medcal.security import PATIENT
from medcal.services import answers, changes, offers, waitlist
from simulate.chances import DAY, HOUR, Answer, People, after_waking
from simulate.clinic import BEGINS_AT, ZONE, Arrival, Cancellation, World, arrive
from simulate.promises import broken_promises
from simulate.rules import Rules

# The scheduler looks for ended answer times every five seconds and for freed time every second.
SCHEDULER_LAG = timedelta(seconds=5)
# Where nobody can be asked, the product looks again every five minutes; here more rarely, since each look costs as much as an offer.
LOOK_AGAIN = timedelta(minutes=30)
CHORES_EVERY, CHECK_EVERY = 6 * HOUR, 3 * DAY + 8 * HOUR

Happening = Callable[[datetime], None]


@dataclass
class Seen:
    """What the tables do not keep, noted while it happened."""

    # Of each offer, how far back in the queue its patient stood: 0 is the front, 1 the end.
    places: dict[int, float] = field(default_factory=dict)
    days_gained: list[float] = field(default_factory=list)
    # Clicks that came after the answer time, of people who would have accepted.
    too_late: int = 0
    faster: int = 0
    broken: list[str] = field(default_factory=list)


def play(world: World, rules: Rules, people: People, seed: int, length: timedelta) -> Seen:
    """Play `length` of the clinic's time under some rules; the database then tells what came of it."""
    in_transaction(lambda db: rules.apply(db, db.get_one(Location, world.location_id)))
    usual, offers.LOOK_AGAIN = offers.LOOK_AGAIN, LOOK_AGAIN
    try:
        return _play(world, people, seed, length)
    finally:
        offers.LOOK_AGAIN = usual


def _play(world: World, people: People, seed: int, length: timedelta) -> Seen:
    with psycopg.connect(settings().database_url, autocommit=True, row_factory=namedtuple_row) as reader:
        game = _Game(world, people, seed, reader)
        game.plan_all(length)
        game.run_until(BEGINS_AT + length)
        return game.seen


class _Game:
    """The clock, what is planned, and what was seen."""

    def __init__(self, world: World, people: People, seed: int, reader: psycopg.Connection[Any]) -> None:
        self.world, self.people, self.seed, self.reader = world, people, seed, reader
        self.seen = Seen()
        self.last_offer, self.last_letter = 0, 0
        self._planned: list[tuple[datetime, int, Happening]] = []
        self._number = count()

    def plan(self, at: datetime, what: Happening) -> None:
        heapq.heappush(self._planned, (at, next(self._number), what))

    def plan_all(self, length: timedelta) -> None:
        """What is fixed from the start."""
        for cancellation in self.world.cancellations:
            self.plan(cancellation.at, self._cancel(cancellation))
        for newcomer in self.world.arrivals:
            self.plan(newcomer.at, self._arrive(newcomer))
        for step in range(length // CHORES_EVERY):
            self.plan(BEGINS_AT + step * CHORES_EVERY, self.do_chores)
        for step in range(length // CHECK_EVERY):
            self.plan(BEGINS_AT + step * CHECK_EVERY, self.look_for_broken_promises)

    def run_until(self, end: datetime) -> None:
        """Jump from one thing to the next: what people do, and what the scheduler finds due a few seconds later."""
        while True:
            planned = self._planned[0][0] if self._planned else end
            to_end, to_offer = self._due()
            now = min(planned, to_end or end, to_offer or end)
            if now >= end:
                return
            if now == planned:
                heapq.heappop(self._planned)[2](now)
            elif now == to_end:
                in_transaction(answers.expire_next, now)
            else:
                in_transaction(offers.offer_next, now)
                self._hand_over_offers(now)

    # --- The scheduler ------------------------------------------------------------------------------------------------

    def _due(self) -> tuple[datetime | None, datetime | None]:
        """When an answer time has run out, and when a freed time is to be looked at, as the scheduler notices."""
        row = self.reader.execute(DUE).fetchone()
        assert row is not None
        return row.to_end and row.to_end + SCHEDULER_LAG, row.to_offer and row.to_offer + SCHEDULER_LAG

    def do_chores(self, now: datetime) -> None:
        """What the scheduler does more rarely; and who was paused has read it."""
        in_transaction(waitlist.drop_pointless, now)
        for letter in self.reader.execute(NEW_PAUSES, {"last": self.last_letter}).fetchall():
            self.last_letter = letter.id
            chance = random.Random(f"{self.seed} pause {letter.patient} {now}")
            if chance.random() < self.people.returns:
                self.plan(now + 2 * DAY * chance.random(), self._resume(letter.entry_id))

    def look_for_broken_promises(self, _now: datetime) -> None:
        self.seen.broken += in_transaction(broken_promises)

    # --- People -------------------------------------------------------------------------------------------------------

    def _cancel(self, cancellation: Cancellation) -> Happening:
        def happen(now: datetime) -> None:
            in_transaction(_cancel, cancellation, self.world, now)

        return happen

    def _arrive(self, newcomer: Arrival) -> Happening:
        def happen(_now: datetime) -> None:
            in_transaction(arrive, self.world, newcomer)

        return happen

    def _hand_over_offers(self, now: datetime) -> None:
        """Everybody who was just asked decides what to say, and when."""
        for offer in self.reader.execute(NEW_OFFERS, {"last": self.last_offer}).fetchall():
            self.last_offer = offer.id
            self.seen.places[offer.id] = offer.before / max(1, offer.length)
            self._think(offer, now)

    def _think(self, offer: Any, now: datetime) -> None:
        # The same person says the same to the same time, whatever the policy and the order in which people are asked.
        chance = random.Random(f"{self.seed} {offer.patient} {offer.doctor_id} {offer.starts_at.timestamp():.0f}")
        answer, delay = self.people.answer(chance)
        if answer is Answer.silent:
            return
        at = after_waking(now, delay, ZONE)
        if at < offer.answer_until:
            self.plan(at, self._answer(offer.id, answer))
        elif answer is Answer.accept:
            self.seen.too_late += 1

    def _answer(self, offer_id: int, answer: Answer) -> Happening:
        def happen(now: datetime) -> None:
            click = _accept if answer is Answer.accept else _decline
            try:
                gained = in_transaction(click, offer_id, now)
            except OfferTaken:
                self.seen.faster += 1
            except NotPossibleNow:
                in_transaction(_decline, offer_id, now)
            except (OfferClosed, PromiseBroken) as refusal:
                self.seen.broken.append(f"an answer in time was not kept: {type(refusal).__name__}")
            else:
                if gained is not None:
                    self.seen.days_gained.append(gained / DAY)

        return happen

    def _resume(self, entry_id: int) -> Happening:
        def happen(now: datetime) -> None:
            in_transaction(_resume, entry_id, now)

        return happen


DUE = """
SELECT (SELECT min(answer_until) FROM offer WHERE status = 'open') AS to_end,
       (SELECT min(look_at) FROM freed_time WHERE status = 'open') AS to_offer
"""
NEW_OFFERS = """
SELECT o.id, p.email AS patient, f.doctor_id, f.starts_at, o.answer_until,
       count(*) FILTER (WHERE (-w.urgency, w.created_at, w.id) < (-e.urgency, e.created_at, e.id)) AS before, count(*) AS length
  FROM offer o JOIN freed_time f ON f.id = o.freed_time_id JOIN waitlist_entry e ON e.id = o.entry_id JOIN patient p ON p.id = o.patient_id
  JOIN waitlist_entry w ON w.status = 'waiting'
 WHERE o.id > %(last)s GROUP BY o.id, p.id, f.id, e.id ORDER BY o.id
"""
NEW_PAUSES = """
SELECT m.id, m.recipient AS patient, o.entry_id FROM message m JOIN offer o ON o.id = m.offer_id
 WHERE m.kind = 'waitlist.paused' AND m.id > %(last)s ORDER BY m.id
"""


def _cancel(db: Session, cancellation: Cancellation, world: World, now: datetime) -> None:
    found = db.exec(
        select(Appointment).where(
            Appointment.doctor_id == cancellation.doctor_id,
            Appointment.starts_at == cancellation.starts_at,
            Appointment.status == AppointmentStatus.booked,
        )
    ).first()
    if found is not None:
        changes.cancel(db, found, by=world.desk, now=now)


def _accept(db: Session, offer_id: int, now: datetime) -> timedelta | None:
    """Click "accept"; returns how much earlier she now comes, None for who had no appointment. A promise is checked on the spot."""
    asked = fetch_one(db, ASKED, id=offer_id)
    assert asked is not None
    if asked.status == "withdrawn":
        return None
    taken = answers.accept(db, offer_id, by=PATIENT, now=now)
    if (taken.starts_at, taken.doctor_id, taken.status) != (asked.starts_at, asked.doctor_id, AppointmentStatus.booked):
        raise PromiseBroken(f"offer {offer_id} was accepted for another time")
    gained: timedelta | None = asked.own_starts_at and asked.own_starts_at - taken.starts_at
    return gained


ASKED = """
SELECT o.status, f.starts_at, f.doctor_id, own.starts_at AS own_starts_at
  FROM offer o JOIN freed_time f ON f.id = o.freed_time_id JOIN waitlist_entry e ON e.id = o.entry_id
  LEFT JOIN appointment own ON own.id = e.appointment_id WHERE o.id = %(id)s
"""


def _decline(db: Session, offer_id: int, now: datetime) -> None:
    """Click "no, thank you"; where the offer has ended meanwhile, nothing is left to say."""
    row = fetch_one(db, "SELECT status FROM offer WHERE id = %(id)s", id=offer_id)
    if row and row.status == "open":
        answers.decline(db, offer_id, by=PATIENT, now=now)


def _resume(db: Session, entry_id: int, now: datetime) -> None:
    row = fetch_one(db, "SELECT status FROM waitlist_entry WHERE id = %(id)s", id=entry_id)
    if row and row.status == "paused":
        waitlist.resume(db, entry_id, by=PATIENT, now=now)


class PromiseBroken(Exception):
    """Somebody got something else than she was promised."""
