"""Fifty people at once do everything that one can do here, for some seconds; afterwards every promise holds.

The same storm without the exclusion constraint books doctors twice. (What the unique index alone keeps out is raced in test_one_slot.)
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal.db import fetch, fetch_one, in_transaction
from medcal.errors import MedcalError
from medcal.models import Appointment, Doctor
from medcal.security import PATIENT, digest
from medcal.services import answers, booking, changes, offers, waitlist
from medcal.services.booking import Details
from medcal.services.patients import Person
from tests.races.crowd import DOUBLE_CLAIMS, PATIENCE_SECONDS, Town, broken_promises, count, rows
from tests.support.factories import NOW, make_appointment, make_entry
from tests.support.times import at

PEOPLE = 50
SECONDS = 8
# On a busy machine it takes longer until everything has been done once.
LONGEST = 45
DEEDS = ("held", "confirmed", "booked at the desk", "moved", "cancelled", "joined", "SlotTaken")
# While one second passes outside, five minutes pass in the clinic: holds lapse and offers expire under way.
PACE = 300
OPENS = at("2026-03-05 08:00")
LATER = at("2026-03-12 08:00")
TEN_MINUTES = timedelta(minutes=10)


@dataclass
class Somebody:
    """One of fifty, with a browser, a password for the desk, and no plan."""

    storm: "Storm"
    number: int
    chance: random.Random
    did: Counter[str] = field(default_factory=Counter)
    accepted: set[int] = field(default_factory=set)
    held: Any = None
    then: Callable[[], object] | None = None
    slowest: float = 0.0

    def act(self) -> None:
        deeds = [
            *[self.hold, self.confirm, self.book_at_desk, self.move, self.move_by_patient, self.join],
            *[self.cancel] * 2,
            *[self.make_offer] * 3,
            self.accept,
            *[self.decline, self.expire, self.release],
        ]
        while not self.storm.is_over():
            began = time.monotonic()
            # Who holds a time often gets to the end of the form.
            self._try(self.confirm if self.held and self.chance.random() < 0.3 else self.chance.choice(deeds))
            self.slowest = max(self.slowest, time.monotonic() - began)

    def _try(self, deed: Callable[[Session], None]) -> None:
        """Do something in one transaction; it counts when that has been committed, and once however often it was tried again."""
        self.then = None
        try:
            in_transaction(deed)
        except MedcalError as refusal:
            self.did[type(refusal).__name__] += 1
        else:
            if self.then:
                self.then()

    def _count(self, what: str) -> None:
        self.then = lambda: self.did.update([what])

    @property
    def visit(self) -> str:
        return digest(f"browser {self.number}")

    @property
    def person(self) -> Person:
        return Person(f"Patient {self.number:03}", date(1984, 2, 29), f"p{self.number}@example.com", None)

    # --- At home

    def hold(self, db: Session) -> None:
        starts_at = OPENS + self.chance.randrange(16) * timedelta(minutes=30)
        held = booking.hold(
            db, self.storm.doctor(self.chance), self.storm.visit_type, starts_at, visit=self.visit, now=self.storm.now()
        )
        self.then = lambda: (self.did.update(["held"]), setattr(self, "held", held))

    def confirm(self, db: Session) -> None:
        held, self.held = self.held, None
        if held:
            booking.confirm(db, held.ref, Details(self.person), visit=self.visit, now=self.storm.now())
            self._count("confirmed")

    def move_by_patient(self, db: Session) -> None:
        found, starts_at = self._some_appointment(db), OPENS + self.chance.randrange(16) * timedelta(minutes=30)
        if found:
            before = found.version
            changes.move_by_patient(db, found, self.storm.doctor(self.chance), starts_at, now=self.storm.now())
            if found.version > before:
                self._count("moved")

    def join(self, db: Session) -> None:
        found = db.exec(
            select(Appointment).where(Appointment.patient_id == self.chance.choice(self.storm.town.patients).id)
        ).first()
        if found:
            waitlist.join(db, found, waitlist.Wish(notice_hours=1), by=PATIENT, now=self.storm.now())
            self._count("joined")

    def accept(self, db: Session) -> None:
        offer_id = self._some_offer(db)
        if offer_id:
            answers.accept(db, offer_id, by=PATIENT, now=self.storm.now())
            self.then = lambda: self.accepted.add(offer_id)

    def decline(self, db: Session) -> None:
        offer_id = self._some_offer(db)
        if offer_id and self.chance.random() < 0.3:
            answers.decline(db, offer_id, by=PATIENT, now=self.storm.now())
            self._count("declined")

    # --- At the desk

    def book_at_desk(self, db: Session) -> None:
        why = "Chest pain" if self.chance.random() < 0.05 else ""
        booking.book_at_desk(
            db, self.storm.doctor(self.chance), self.storm.visit_type, self._any_time(), self.person,
            overbook_reason=why, by=self.storm.desk, now=self.storm.now(),
        )  # fmt: skip
        self._count("booked at the desk")

    def move(self, db: Session) -> None:
        found = self._some_appointment(db)
        if found:
            before = found.version
            changes.move_at_desk(
                db,
                found,
                self.storm.doctor(self.chance),
                # Every other time to the day after, for which nobody fights: a full day leaves hardly any room to move in.
                self._any_time() + self.chance.randrange(2) * timedelta(days=1),
                version=before,
                by=self.storm.desk,
                now=self.storm.now(),
            )
            if found.version > before:
                self._count("moved")

    def cancel(self, db: Session) -> None:
        found, now = self._some_appointment(db), self.storm.now()
        if found:
            changes.cancel(db, found, by=self.storm.desk, now=now)
            if found.cancelled_at == now:
                self._count("cancelled")

    # --- The scheduler

    def make_offer(self, db: Session) -> None:
        offers.offer_next(db, self.storm.now())

    def expire(self, db: Session) -> None:
        answers.expire_next(db, self.storm.now())

    def release(self, db: Session) -> None:
        booking.release_lapsed_holds(db, self.storm.now())

    def _any_time(self) -> datetime:
        return OPENS + self.chance.randrange(46) * TEN_MINUTES

    def _some_appointment(self, db: Session) -> Appointment | None:
        """Of the day that all fight for; those of the week after wait for it."""
        query = "SELECT id FROM appointment WHERE status = 'booked' AND starts_at < %(later)s ORDER BY random() LIMIT 1"
        row = fetch_one(db, query, later=LATER)
        return db.get(Appointment, row.id) if row else None

    def _some_offer(self, db: Session) -> int | None:
        row = fetch_one(db, "SELECT id FROM offer WHERE status = 'open' ORDER BY random() LIMIT 1")
        return row.id if row else None


class Storm:
    """The day that all fight for, in a clinic whose time runs fast."""

    def __init__(self, town: Town, seconds: float) -> None:
        self.town, self.seconds = town, seconds
        self.visit_type, self.desk = town.clinic.visit_type, town.clinic.desk
        self.people: list[Somebody] = []
        self.doctors = list(in_transaction(lambda db: db.exec(select(Doctor)).all()))
        in_transaction(self._fill)

    def _fill(self, db: Session) -> None:
        """Short answer times, and a week later a full day of people who would rather come sooner."""
        fetch(db, "UPDATE location SET answer_minutes = 15, hold_minutes = 15")
        for number, doctor in enumerate(self.doctors * 16):
            starts_at = LATER + (number // 2) * timedelta(minutes=30)
            later = make_appointment(db, self.town.clinic, starts_at, self.town.patients[number], doctor=doctor)
            make_entry(db, self.town.clinic, later, notice_hours=1)

    def doctor(self, chance: random.Random) -> Doctor:
        return chance.choice(self.doctors)

    def now(self) -> datetime:
        return NOW + timedelta(seconds=(time.monotonic() - self.began) * PACE)

    def rage(self) -> list[Somebody]:
        self.began = time.monotonic()
        self.people = [Somebody(self, number, random.Random(number)) for number in range(PEOPLE)]
        failures: list[BaseException] = []

        def run(somebody: Somebody) -> None:
            try:
                somebody.act()
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=(somebody,)) for somebody in self.people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONGEST + 60)
        if failures:
            raise failures[0]
        return self.people

    def is_over(self) -> bool:
        """After its seconds, as soon as every deed has been done and an offer accepted."""
        raged = time.monotonic() - self.began
        return raged > self.seconds and (raged > LONGEST or self._has_seen_everything())

    def _has_seen_everything(self) -> bool:
        has_accepted = any(somebody.accepted for somebody in self.people)
        return has_accepted and all(any(somebody.did[deed] for somebody in self.people) for deed in DEEDS)


def test_after_a_storm_every_promise_holds(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(rows(town.url, "SELECT id FROM appointment"))

    people = Storm(town, SECONDS).rage()

    did = sum((somebody.did for somebody in people), Counter[str]())
    accepted = set().union(*(somebody.accepted for somebody in people))
    assert broken_promises(town.url) == {}
    assert max(somebody.slowest for somebody in people) < PATIENCE_SECONDS
    # It was a storm: everything was tried, and much of it met somebody who was faster.
    assert min(did[deed] for deed in DEEDS) > 0, did
    assert accepted
    # Everybody who was told that it worked finds it done, and nobody else did anything.
    assert did["held"] == count(town.url, "SELECT FROM appointment WHERE held_by IS NOT NULL")
    assert did["confirmed"] == count(
        town.url, "SELECT FROM appointment WHERE held_by IS NOT NULL AND booked_at IS NOT NULL"
    )
    desk = "SELECT FROM appointment WHERE held_by IS NULL AND booked_at IS NOT NULL AND id NOT IN (SELECT hold_id FROM offer)"
    assert did["booked at the desk"] == count(town.url, desk) - before - 32
    assert did["cancelled"] == count(town.url, "SELECT FROM appointment WHERE status = 'cancelled'")
    assert len(accepted) == count(town.url, "SELECT FROM offer WHERE status = 'accepted'")
    assert did["moved"] + len(accepted) == count(town.url, "SELECT FROM event WHERE kind = 'appointment.moved'")


def test_without_the_exclusion_constraint_the_same_storm_books_a_doctor_twice(town: Town) -> None:
    town.without("ex_appointment_doctor_time_live")

    Storm(town, 3).rage()

    assert count(town.url, DOUBLE_CLAIMS) > 0
