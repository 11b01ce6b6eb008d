"""Answers that come at the same instant, with real commits: accept, a second accept in the group, no answer, the desk, a cancellation."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlmodel import Session
from sqlmodel.sql.expression import Select, SelectOfScalar

from medcal.db import fetch, in_transaction
from medcal.errors import MedcalError, OfferTaken
from medcal.models import Appointment
from medcal.security import PATIENT
from medcal.services import answers, booking, freed_time, offers, schedules, waitlist
from medcal.services.patients import Person
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic, make_entry, make_patient, set_rules

CHARLIE = Person("Charlie Czerny", date(1990, 1, 1), "charlie@example.com", None)
# All rounds of one race together; as many as fit.
PATIENCE = 6.0
LEAST_ROUNDS = 10

Work = Callable[[], object]


@dataclass(frozen=True)
class Round:
    """A freed time that is offered to three people at once: two with a later appointment, one without."""

    freed_id: int
    starts_at: datetime
    answer_until: datetime
    offers: tuple[Any, ...]
    own: tuple[int | None, ...]


@pytest.fixture
def clinic(committed: str, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 42)
    return in_transaction(_open_clinic)


def _open_clinic(db: Session) -> Clinic:
    clinic = make_clinic(db)
    set_rules(db, clinic, group_size=3, offers_per_week=50)
    schedules.extend_openings(db, NOW)
    return clinic


def rounds(clinic: Clinic) -> Iterator[Round]:
    """A fresh scene each time, until the time for them is over."""
    give_up_at = time.monotonic() + PATIENCE
    for number in count():
        if number >= LEAST_ROUNDS and time.monotonic() > give_up_at:
            return
        yield in_transaction(_scene, clinic, number)


def _scene(db: Session, clinic: Clinic, number: int) -> Round:
    # Every round clears the calendar, so the same two weeks do for all of them.
    fetch(db, "UPDATE waitlist_entry SET status = 'withdrawn' WHERE status IN ('waiting', 'paused')")
    fetch(db, "UPDATE freed_time SET status = 'gone', ended_by = 'past', ended_at = look_at WHERE status = 'open'")
    fetch(db, "UPDATE appointment SET status = 'no_show' WHERE status = 'booked'")
    starts_at = NOW + timedelta(days=1 + number % 3, hours=1)
    own: list[int | None] = []
    for place in range(3):
        patient = make_patient(db, f"Patient {number}-{place}", f"p{number}-{place}@example.com")
        later = make_appointment(db, clinic, NOW + timedelta(days=14, hours=place), patient) if place < 2 else None
        make_entry(db, clinic, later, patient, created_at=NOW - timedelta(days=9 - place))
        own.append(later.id if later else None)
    freed_time.free(db, clinic.okafor.id or 0, starts_at, starts_at + timedelta(minutes=30), cause="cancelled", now=NOW)
    db.flush()
    assert offers.offer_next(db, NOW)
    made = fetch(db, "SELECT * FROM offer WHERE status = 'open' ORDER BY id")
    assert len(made) == 3
    return Round(made[0].freed_time_id, starts_at, made[0].answer_until, tuple(made), tuple(own))


def all_at_once(*works: Work) -> list[object]:
    """What each gave, or the refusal it met; anything else fails the test."""
    barrier = threading.Barrier(len(works))

    def begin(work: Work) -> object:
        barrier.wait()
        try:
            return work()
        except MedcalError as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def accept(scene: Round, which: int) -> Work:
    return lambda: in_transaction(answers.accept, scene.offers[which].id, by=PATIENT, now=NOW)


def expire(scene: Round) -> Work:
    return lambda: in_transaction(answers.expire_next, scene.answer_until)


def book_at_desk(clinic: Clinic, scene: Round) -> Work:
    at = scene.starts_at
    return lambda: in_transaction(
        booking.book_at_desk, clinic.okafor, clinic.visit_type, at, CHARLIE, by=clinic.desk, now=NOW
    )


def cancel_own(scene: Round, which: int) -> Work:
    def work(db: Session) -> None:
        booking.cancel(db, db.get_one(Appointment, scene.own[which]), by=PATIENT, now=NOW)

    return lambda: in_transaction(work)


def leave(scene: Round, which: int) -> Work:
    return lambda: in_transaction(waitlist.withdraw, scene.offers[which].entry_id, by=PATIENT, now=NOW)


def sweep(clinic: Clinic) -> Work:
    return lambda: in_transaction(offers.offer_next, NOW)


def check(scene: Round) -> tuple[str, int]:
    """What every order must leave behind; returns how the time ended and how many accepted."""
    return in_transaction(_check, scene)


def _check(db: Session, scene: Round) -> tuple[str, int]:
    statuses = [
        row.status for row in fetch(db, "SELECT status FROM offer WHERE freed_time_id = %(id)s", id=scene.freed_id)
    ]
    [freed] = fetch(db, "SELECT * FROM freed_time WHERE id = %(id)s", id=scene.freed_id)
    [claims] = fetch(
        db,
        """SELECT count(*) FILTER (WHERE status = 'booked') AS booked, count(*) FILTER (WHERE status = 'held') AS held
             FROM appointment WHERE starts_at = %(at)s AND status IN ('held', 'booked')""",
        at=scene.starts_at,
    )
    accepted = statuses.count("accepted")
    assert claims.booked + claims.held <= 1
    assert accepted == (freed.status == "filled") <= 1
    assert ("open" in statuses) == (freed.status == "offered") == (claims.held == 1)
    for offer, own in zip(scene.offers, scene.own, strict=True):
        # Nobody lost an appointment or has two: her own one stands, was cancelled by herself, or is the new one.
        live = fetch(
            db, "SELECT id FROM appointment WHERE patient_id = %(id)s AND status = 'booked'", id=offer.patient_id
        )
        [now_is] = fetch(db, "SELECT status FROM offer WHERE id = %(id)s", id=offer.id)
        if own is None:
            assert len(live) == (now_is.status == "accepted")
        else:
            [mine] = fetch(db, "SELECT status FROM appointment WHERE id = %(id)s", id=own)
            assert len(live) == (mine.status == "booked")
    assert not fetch(db, "SELECT reason FROM message GROUP BY reason HAVING count(*) > 1")
    assert not fetch(db, "SELECT 1 FROM opening o WHERE claims < 0")
    return freed.status, accepted


# --- The races --------------------------------------------------------------------------------------------------------


def test_only_the_first_of_a_group_gets_the_time(clinic: Clinic) -> None:
    for scene in rounds(clinic):
        came = all_at_once(accept(scene, 0), accept(scene, 1), accept(scene, 2))

        assert check(scene) == ("filled", 1)
        assert sum(isinstance(each, Appointment) for each in came) == 1
        assert sum(isinstance(each, OfferTaken) for each in came) == 2


def test_an_answer_in_the_last_moment_counts_or_comes_too_late_but_not_both(clinic: Clinic) -> None:
    ends = set()
    for scene in rounds(clinic):
        all_at_once(accept(scene, 0), expire(scene), accept(scene, 2), sweep(clinic))

        ends.add(check(scene))
    assert ends <= {("filled", 1), ("open", 0), ("offered", 0)}


def test_whatever_happens_at_once_nobody_is_booked_twice_or_not_at_all(clinic: Clinic) -> None:
    ends = set()
    for scene in rounds(clinic):
        all_at_once(
            accept(scene, 0),
            accept(scene, 1),
            accept(scene, 2),
            expire(scene),
            book_at_desk(clinic, scene),
            cancel_own(scene, 1),
            leave(scene, 0),
            sweep(clinic),
        )

        ends.add(check(scene)[0])
    assert ends <= {"filled", "open", "gone", "offered"}


@pytest.mark.parametrize("are_locks_taken", [True, False])
def test_yes_and_no_at_once_are_one_answer_because_of_the_locks(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, are_locks_taken: bool
) -> None:
    """Without them both are taken for an answer: the race is real."""
    [scene] = [in_transaction(_scene, clinic, 0)]
    both_have_read = threading.Barrier(2)
    check_open = answers._check_open

    def check_and_wait(*args: Any) -> None:
        check_open(*args)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_read.wait(1)

    monkeypatch.setattr(answers, "_check_open", check_and_wait)
    if not are_locks_taken:
        for kind in (Select, SelectOfScalar):
            monkeypatch.setattr(kind, "with_for_update", lambda self, **_: self)

    came = all_at_once(
        accept(scene, 2), lambda: in_transaction(answers.decline, scene.offers[2].id, by=PATIENT, now=NOW)
    )

    refused = [each for each in came if isinstance(each, MedcalError)]
    assert len(refused) == (1 if are_locks_taken else 0)


def test_two_schedulers_never_ask_one_person_for_two_times(clinic: Clinic) -> None:
    """Several sweeps at once, over more times than there are people, some of whom have two wishes."""
    in_transaction(_two_wishes_each, clinic)

    for _ in range(6):
        all_at_once(*[sweep(clinic)] * 4)

    assert in_transaction(_asked_at_once) == {"most_per_patient": 1, "without_hold": 0}


def _two_wishes_each(db: Session, clinic: Clinic) -> None:
    for place in range(6):
        patient = make_patient(db, f"Patient {place}", f"p{place}@example.com")
        for day in (20, 21):
            make_entry(db, clinic, make_appointment(db, clinic, NOW + timedelta(days=day, minutes=30 * place), patient))
    for half_hour in range(8):
        starts_at = NOW + timedelta(days=3, minutes=30 * half_hour)
        freed_time.free(
            db, clinic.okafor.id or 0, starts_at, starts_at + timedelta(minutes=30), cause="cancelled", now=NOW
        )


def _asked_at_once(db: Session) -> dict[str, int]:
    [row] = fetch(
        db,
        """SELECT max(n) AS most_per_patient, coalesce(sum(lost), 0)::int AS without_hold FROM (
             SELECT count(*) AS n, count(*) FILTER (WHERE h.status <> 'held' OR f.hold_id IS DISTINCT FROM h.id) AS lost
               FROM offer o JOIN appointment h ON h.id = o.hold_id JOIN freed_time f ON f.id = o.freed_time_id
              WHERE o.status = 'open' GROUP BY o.patient_id) g""",
    )
    return row._asdict()
