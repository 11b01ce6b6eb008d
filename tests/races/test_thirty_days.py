"""Two schedulers for thirty days on a clock of their own, killed now and then in the middle of what they do, while people answer."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlmodel import Session, col, select

import medcal.db
from medcal import clock
from medcal.db import fetch, in_transaction
from medcal.errors import MedcalError
from medcal.models import Appointment, AppointmentStatus, Location
from medcal.scheduler import DUE, PERIODIC
from medcal.security import PATIENT
from medcal.services import answers, booking, changes, delivery, schedules
from medcal.services.patients import Person
from medcal.services.quiet_hours import end_of_quiet
from tests.races.crowd import broken_promises, count
from tests.support.factories import Clinic, make_appointment, make_clinic, make_entry, make_patient
from tests.support.times import at

# A Monday; the clocks go forward on the second Sunday.
BEGIN, END = at("2026-03-16 07:00"), at("2026-04-15 07:00")
STEP, NIGHT_STEP = timedelta(minutes=100), timedelta(hours=8)
CHARLIE = Person("Charlie Czerny", date(1990, 1, 1), "charlie@example.com", None)
WAITING, CANCELLED = 36, 60
# Of the clock's work what concerns offers; the sweep of freed times is among what is due at once.
CLOCKWORK = [
    work
    for work in PERIODIC
    if work.name in ("release lapsed holds", "expire offers", "withdraw offers outside hours", "housekeeping")
]
KILLED_EVERY = 6
LAST_STATEMENT = 60


class Killed(BaseException):
    """The process is gone, between two statements; nothing catches that."""


class MortalCursor(psycopg.Cursor[Any]):
    """Dies before the statement at which its thread is told to."""

    life = threading.local()

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        left = getattr(MortalCursor.life, "statements", None)
        if left is not None:
            MortalCursor.life.statements = left - 1
            if left <= 0:
                raise Killed
        return super().execute(query, *args, **kwargs)


@dataclass
class Month:
    """The clinic, and what has come of it so far."""

    clinic: Clinic
    chance: random.Random
    now: datetime = BEGIN
    killed: int = 0
    said: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def month(committed: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Month]:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 100)
    engine = create_engine(
        committed.replace("postgresql://", "postgresql+psycopg://"), connect_args={"cursor_factory": MortalCursor}
    )
    with monkeypatch.context() as patched:
        patched.setattr(medcal.db, "engine", lambda: engine)
        month = Month(in_transaction(_found), random.Random(30))
        patched.setattr(clock, "now", lambda: month.now)
        yield month
    engine.dispose()


def _found(db: Session) -> Clinic:
    """Those who wait have their appointments in the weeks after; those who will cancel have theirs in this month."""
    clinic = make_clinic(db)
    schedules.extend_openings(db, BEGIN)
    starts = [
        BEGIN + timedelta(days=day, hours=1, minutes=30 * half_hour)
        for day in range(1, 75)
        for half_hour in range(16)
        if (BEGIN + timedelta(days=day)).weekday() < 5
    ]
    chance = random.Random(7)
    for number, starts_at in enumerate(chance.sample([each for each in starts if each > END], WAITING)):
        # Every sixth can only be called, every seventh has no appointment.
        patient = make_patient(db, f"Patient {number}", f"p{number}@example.com" if number % 6 else None)
        own = make_appointment(db, clinic, starts_at, patient) if number % 7 else None
        joined_at = BEGIN - timedelta(days=20) + timedelta(hours=number)
        make_entry(db, clinic, own, patient, created_at=joined_at, notice_hours=chance.choice([0, 12, 48]))
    for number, starts_at in enumerate(chance.sample([each for each in starts if each < END], CANCELLED)):
        make_appointment(db, clinic, starts_at, make_patient(db, f"Stranger {number}", f"s{number}@example.com"))
    return clinic


# --- Who does what ----------------------------------------------------------------------------------------------------


def a_scheduler(month: Month, dies_after: int | None) -> None:
    """One look at everything that is due; perhaps it does not come to the end of it."""
    MortalCursor.life.statements = dies_after
    try:
        for work in CLOCKWORK:
            if work.name != "housekeeping" or month.now.hour == 6:
                repeat(work.step) if work.again else work.step()
        for _, step in DUE:
            repeat(step)
        repeat(lambda: delivery.deliver_next(month.now))
    except Killed:
        month.killed += 1
    finally:
        MortalCursor.life.statements = None


def repeat(step: Callable[[], object]) -> None:
    while step():
        pass


def people(month: Month) -> None:
    """By day somebody cancels now and then, and of those who are asked some answer; the desk books, too."""
    if end_of_quiet(month.now, month.clinic.location) is not None:
        return
    if month.chance.random() < 0.4:
        do(month, "cancelled", cancel_some, month)
    for offer in in_transaction(fetch, "SELECT id FROM offer WHERE status = 'open' ORDER BY id"):
        drawn = month.chance.random()
        if drawn < 0.12:
            do(month, "accepted", answers.accept, offer.id, by=PATIENT, now=month.now)
        elif drawn < 0.25:
            do(month, "declined", answers.decline, offer.id, by=PATIENT, now=month.now)
        elif drawn < 0.28:
            do(month, "taken by the desk", take_at_desk, month, offer.id)


def do(month: Month, what: str, work: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        if in_transaction(work, *args, **kwargs) is not False:
            month.said[what] = month.said.get(what, 0) + 1
    except MedcalError:
        month.said["refused"] = month.said.get("refused", 0) + 1


def cancel_some(db: Session, month: Month) -> bool:
    booked = select(Appointment).where(
        Appointment.status == AppointmentStatus.booked,
        col(Appointment.starts_at) > month.now,
        col(Appointment.starts_at) < END,
    )
    found = db.exec(booked.order_by(col(Appointment.starts_at))).all()
    if found:
        changes.cancel(db, month.chance.choice(found), by=month.clinic.desk, now=month.now)
    return bool(found)


def take_at_desk(db: Session, month: Month, offer_id: int) -> object:
    [row] = fetch(
        db,
        "SELECT f.starts_at FROM offer o JOIN freed_time f ON f.id = o.freed_time_id WHERE o.id = %(id)s",
        id=offer_id,
    )
    clinic = month.clinic
    return booking.book_at_desk(
        db, clinic.okafor, clinic.visit_type, row.starts_at, CHARLIE, by=clinic.desk, now=month.now
    )


def all_together(month: Month, *, may_die: bool = True) -> None:
    lives = [
        month.chance.randrange(LAST_STATEMENT) if may_die and not month.chance.randrange(KILLED_EVERY) else None
        for _ in range(2)
    ]
    works = [lambda: people(month), *(lambda left=left: a_scheduler(month, left) for left in lives)]  # type: ignore[misc]
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


# --- The month --------------------------------------------------------------------------------------------------------


def test_two_schedulers_lose_and_double_nothing_in_thirty_days(committed: str, month: Month) -> None:
    while month.now < END:
        all_together(month)
        is_night = end_of_quiet(month.now, month.clinic.location) is not None
        month.now += (NIGHT_STEP if is_night else STEP) * month.chance.uniform(0.4, 1.6)
    # What a killed one had taken comes back after its lease.
    for _ in range(4):
        month.now += timedelta(minutes=6)
        all_together(month, may_die=False)

    assert broken_promises(committed) == {}
    assert in_transaction(left_undone, month.now) == {}
    assert in_transaction(written_at_night) == []
    assert month.killed > 20
    assert count(committed, "SELECT FROM offer") > 40
    assert count(committed, "SELECT FROM freed_time WHERE status = 'filled'") > 5
    assert month.said["cancelled"] > 20


UNDONE = {
    "a freed time that nobody looks at": "SELECT 1 FROM freed_time WHERE status = 'open' AND look_at <= %(now)s",
    "an offer without end": "SELECT 1 FROM offer WHERE status = 'open' AND answer_until <= %(now)s",
    "a job": "SELECT 1 FROM job WHERE status <> 'done'",
    "an offer that was not told, or twice": """
        SELECT 1 FROM offer o LEFT JOIN message m ON m.offer_id = o.id AND m.kind = 'offer.made'
         GROUP BY o.id HAVING count(m.id) <> 1""",
    "a letter that was due": """
        SELECT 1 FROM message WHERE status = 'due' AND next_try_at <= %(now)s AND channel <> 'call'""",
    "a letter that died": "SELECT 1 FROM message WHERE status = 'dead'",
    "a cancellation that freed nothing": """
        SELECT 1 FROM appointment a WHERE a.status = 'cancelled' AND NOT EXISTS (SELECT FROM freed_time f WHERE f.freed_by_id = a.id)""",
    "a wish that lost its appointment": """
        SELECT 1 FROM waitlist_entry e JOIN appointment a ON a.id = e.appointment_id
         WHERE e.status IN ('waiting', 'paused') AND (a.status <> 'booked' OR a.starts_at <> e.own_starts_at)""",
}


def left_undone(db: Session, now: datetime) -> dict[str, int]:
    found = {name: len(fetch(db, query, now=now)) for name, query in UNDONE.items()}
    return {name: number for name, number in found.items() if number}


def written_at_night(db: Session) -> list[tuple[str, datetime]]:
    """Offers that were made, and letters nobody had asked for that left, in quiet hours."""
    location = db.exec(select(Location)).one()
    rows = fetch(
        db,
        """SELECT 'offer' AS what, created_at AS at FROM offer UNION ALL
           SELECT kind, delivered_at FROM message WHERE delivered_at IS NOT NULL AND kind ~ '^(offer[.]|waitlist[.]|reminder$)'""",
    )
    return [(row.what, row.at) for row in rows if end_of_quiet(row.at, location) is not None]
