"""The desk takes something back at the very moment at which its letter leaves: what she was told last is what is so."""

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.errors import MedcalError
from medcal.models import Appointment, AppointmentStatus, Message, MessageStatus
from medcal.services import changes, notifications, posting, schedules, undo
from medcal.services.delivery import deliver_all
from medcal.services.taking import LEASE
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic
from tests.support.mortal import STEPS
from tests.support.mortals import Mortals
from tests.support.sink import Sink

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
GRACE = 2 * MINUTE
ROUNDS = 40


@pytest.fixture
def clinic(committed: str, webhook: Sink, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 14)
    return in_transaction(_found)


def _found(db: Session) -> Clinic:
    clinic = make_clinic(db)
    clinic.location.grace_seconds = int(GRACE.total_seconds())
    schedules.extend_openings(db, NOW)
    return clinic


def book(db: Session, clinic: Clinic, starts_at: datetime) -> int:
    appointment = make_appointment(db, clinic, starts_at)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    return appointment.id or 0


def move(db: Session, clinic: Clinic, appointment_id: int, starts_at: datetime, now: datetime) -> None:
    own = db.get_one(Appointment, appointment_id)
    changes.move_at_desk(db, own, clinic.okafor, starts_at, version=own.version, by=clinic.desk, now=now)


def cancel(db: Session, clinic: Clinic, appointment_id: int, now: datetime) -> None:
    changes.cancel(db, db.get_one(Appointment, appointment_id), by=clinic.desk, now=now)


def take_back(db: Session, clinic: Clinic, appointment_id: int, now: datetime) -> None:
    own = db.get_one(Appointment, appointment_id)
    undo.take_back(db, own, version=own.version, by=clinic.desk, now=now)


def deliver(now: datetime) -> None:
    deliver_all(now=now)
    posting.hang_up()


def at_once(*works: Callable[[], object]) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        together.wait()
        try:
            work()
        except MedcalError:
            pass
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def what_is_so(db: Session, appointment_id: int) -> datetime | None:
    own = db.get_one(Appointment, appointment_id, populate_existing=True)
    return own.starts_at if own.status is AppointmentStatus.booked else None


def place_and_version(db: Session, appointment_id: int) -> tuple[datetime, int]:
    own = db.get_one(Appointment, appointment_id)
    return own.starts_at, own.version


def what_she_believes(db: Session, appointment_id: int, webhook: Sink) -> tuple[datetime | None, int]:
    """By the letters that have reached her, in the order in which they came; and how many there were."""
    arrived = list(webhook.accepted)
    letters = {str(m.ref): m for m in db.exec(select(Message).where(Message.appointment_id == appointment_id))}
    hers = [letters[ref] for ref in arrived if ref in letters]
    last = hers[-1]
    return (None if last.kind == "appointment.cancelled" else last.visit_starts_at), len(hers)


@pytest.mark.parametrize("how", ["move", "cancel"])
def test_taken_back_while_the_letter_leaves(clinic: Clinic, webhook: Sink, how: str) -> None:
    chance, counts = random.Random(how), set()
    for number in range(ROUNDS):
        starts_at = NOW + timedelta(days=1 + number // 10, hours=number % 5)
        now = NOW + number * 10 * MINUTE
        mine = in_transaction(book, clinic, starts_at)
        deliver(now)
        if how == "move":
            in_transaction(move, clinic, mine, starts_at + 30 * MINUTE, now)
        else:
            in_transaction(cancel, clinic, mine, now)

        # Two machines whose clocks are not the same.
        late, early = now + GRACE, now + GRACE - SECOND
        works = [partial(deliver, late), partial(in_transaction, take_back, clinic, mine, early)]
        chance.shuffle(works)
        at_once(*works)
        deliver(now + 3 * GRACE)

        believed, letters = in_transaction(what_she_believes, mine, webhook)
        assert believed == in_transaction(what_is_so, mine) == starts_at
        counts.add(letters)
        in_transaction(cancel, clinic, mine, now + 8 * MINUTE)
    # Nothing but the confirmation, or that it changed and changed back.
    assert counts <= {1, 3}


def test_two_desks_take_back_the_same_move(clinic: Clinic, webhook: Sink) -> None:
    for number in range(10):
        starts_at, now = NOW + timedelta(days=2, minutes=30 * number), NOW + number * 10 * MINUTE
        mine = in_transaction(book, clinic, starts_at)
        deliver(now)
        in_transaction(move, clinic, mine, starts_at + timedelta(days=1), now)

        at_once(*[partial(in_transaction, take_back, clinic, mine, now + MINUTE)] * 2)
        deliver(now + 3 * GRACE)

        assert in_transaction(place_and_version, mine) == (starts_at, 3)
        assert in_transaction(what_she_believes, mine, webhook) == (starts_at, 1)


@pytest.mark.parametrize("step", STEPS)
def test_a_scheduler_that_dies_with_the_letter_in_its_hands(
    clinic: Clinic,
    webhook: Sink,
    mortals: Mortals,
    step: str,
) -> None:
    """The letter may have gone or not. Whatever the desk does meanwhile, she ends up with what is so."""
    starts_at = NOW + timedelta(days=2)
    mine = in_transaction(book, clinic, starts_at)
    deliver(NOW)
    in_transaction(move, clinic, mine, starts_at + 30 * MINUTE, NOW)

    assert mortals.live(step, NOW + GRACE) == "killed"
    in_transaction(move, clinic, mine, starts_at, NOW + GRACE + SECOND)
    assert mortals.live("not at all", NOW + 2 * GRACE + LEASE) == "ended 0"

    believed, letters = in_transaction(what_she_believes, mine, webhook)
    assert believed == in_transaction(what_is_so, mine) == starts_at
    assert letters in (1, 3)
    left = in_transaction(lambda db: db.exec(select(col(Message.status)).distinct()).all())
    assert set(left) <= {MessageStatus.handed_over, MessageStatus.dropped}
