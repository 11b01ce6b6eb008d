"""Answers that come at the same instant, with real commits: accept, a second accept, no answer, the desk, a cancellation."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session
from sqlmodel.sql.expression import Select, SelectOfScalar

from medcal.db import fetch, in_transaction
from medcal.errors import MedcalError, OfferClosed, OfferTaken, SlotTaken
from medcal.models import Appointment
from medcal.services import answers, booking, candidates, freed_time, offers, schedules
from tests.races.answers import (
    CHARLIE,
    Crowd,
    Round,
    Work,
    accept,
    book_at_desk,
    cancel_own,
    decline,
    ends,
    expire,
    leave,
    offer_many,
    people_without_or_with_two,
    sweep,
)
from tests.races.crowd import broken_promises, count
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic, make_entry, make_patient, set_rules

ROUNDS = 200


@pytest.fixture
def clinic(committed: str, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 28)
    return in_transaction(_open_clinic)


def _open_clinic(db: Session) -> Clinic:
    clinic = make_clinic(db)
    set_rules(db, clinic, group_size=3, offers_per_week=50)
    schedules.extend_openings(db, NOW)
    return clinic


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with Crowd(8) as crowd:
        yield crowd


def play(
    committed: str, clinic: Clinic, crowd: Crowd, works: Callable[[Round], list[Work]], *, group: int = 1
) -> tuple[dict[str, int], list[list[object]]]:
    """Two hundred rounds; returns how the times ended and what each of them was told. All promises hold."""
    scenes = in_transaction(offer_many, clinic, ROUNDS, group)
    came = [crowd.at_once(*works(scene)) for scene in scenes]
    assert broken_promises(committed) == {}
    assert list(people_without_or_with_two()) == []
    return ends(scenes), came


def told(came: list[list[object]], place: int) -> Counter[str]:
    return Counter(type(each[place]).__name__ for each in came)


def test_an_answer_in_the_last_moment_counts_or_comes_too_late_but_not_both(
    committed: str, clinic: Clinic, crowd: Crowd
) -> None:
    ended, came = play(committed, clinic, crowd, lambda scene: [accept(scene), expire(scene)])

    assert set(ended) == {"filled", "open"}
    assert told(came, 0) == {"Appointment": ended["filled"], "OfferClosed": ended["open"]}


def test_the_desk_and_the_patient_do_not_both_get_the_time(committed: str, clinic: Clinic, crowd: Crowd) -> None:
    ended, came = play(committed, clinic, crowd, lambda scene: [accept(scene), book_at_desk(clinic, scene)])

    assert set(ended) == {"filled", "open, booked"}
    assert told(came, 0) == {"Appointment": ended["filled"], "OfferClosed": ended["open, booked"]}
    assert told(came, 1) == {"SlotTaken": ended["filled"], "Appointment": ended["open, booked"]}


def test_who_cancels_and_accepts_at_once_has_one_appointment_or_none(
    committed: str, clinic: Clinic, crowd: Crowd
) -> None:
    ended, came = play(committed, clinic, crowd, lambda scene: [accept(scene), cancel_own(scene)])

    # Accepted first, it is the new time that is cancelled.
    assert set(ended) == {"filled", "open"}
    assert told(came, 0) == {"Appointment": ended["filled"], "OfferClosed": ended["open"]}


def test_only_the_first_of_a_group_gets_the_time(committed: str, clinic: Clinic, crowd: Crowd) -> None:
    ended, came = play(committed, clinic, crowd, lambda scene: [accept(scene, 0), accept(scene, 1)], group=2)

    assert ended == {"filled": ROUNDS}
    first, second = told(came, 0), told(came, 1)
    assert set(first) == set(second) == {"Appointment", "OfferTaken"}
    assert first["Appointment"] == second["OfferTaken"]


def test_whatever_happens_at_once_nobody_is_booked_twice_or_not_at_all(
    committed: str, clinic: Clinic, crowd: Crowd
) -> None:
    ended, came = play(
        committed,
        clinic,
        crowd,
        lambda scene: [
            accept(scene, 0),
            accept(scene, 1),
            accept(scene, 2),
            expire(scene),
            book_at_desk(clinic, scene),
            cancel_own(scene, 1),
            leave(scene, 0),
            sweep,
        ],
        group=3,
    )

    assert sum(ended.values()) == ROUNDS
    assert {"filled", "open, booked"} <= set(ended) <= {"filled", "open, booked", "gone, booked", "open", "offered"}
    refused = {type(each) for row in came for each in row if isinstance(each, MedcalError)}
    assert {OfferClosed, SlotTaken} <= refused <= {OfferClosed, SlotTaken, OfferTaken}


def test_a_double_click_accepts_once(committed: str, clinic: Clinic, crowd: Crowd) -> None:
    [scene] = in_transaction(offer_many, clinic, 1, 3)

    came = crowd.at_once(*[accept(scene)] * 8)

    assert {each.id for each in came if isinstance(each, Appointment)} == {scene.own[0]}
    assert count(committed, "SELECT FROM event WHERE kind = 'appointment.moved'") == 1
    assert count(committed, "SELECT FROM message WHERE kind = 'appointment.moved'") == 1


@pytest.mark.parametrize("are_locks_taken", [True, False])
def test_yes_and_no_at_once_are_one_answer_because_of_the_locks(
    clinic: Clinic, crowd: Crowd, monkeypatch: pytest.MonkeyPatch, are_locks_taken: bool
) -> None:
    """Without them both are taken for an answer: the race is real."""
    [scene] = in_transaction(offer_many, clinic, 1, 3)
    both_have_read = threading.Barrier(2)
    check_open = answers._check_open

    def check_and_wait(*args: Any) -> None:
        check_open(*args)
        with suppress(threading.BrokenBarrierError):
            both_have_read.wait(1)

    monkeypatch.setattr(answers, "_check_open", check_and_wait)
    if not are_locks_taken:
        for kind in (Select, SelectOfScalar):
            monkeypatch.setattr(kind, "with_for_update", lambda self, **_: self)

    came = crowd.at_once(accept(scene, 2), decline(scene, 2))

    refused = [each for each in came if isinstance(each, MedcalError)]
    assert len(refused) == (1 if are_locks_taken else 0)


# --- Offers that are just being made ----------------------------------------------------------------------------------


def test_the_desk_gets_a_time_for_which_an_offer_is_just_being_made(
    committed: str, clinic: Clinic, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the offer, and withdraws it."""
    starts_at = NOW + timedelta(days=3)
    in_transaction(_one_waits, clinic, starts_at)
    is_being_made, insert = threading.Event(), offers._insert

    def insert_slowly(*args: Any) -> Any:
        made = insert(*args)
        is_being_made.set()
        threading.Event().wait(0.3)
        return made

    monkeypatch.setattr(offers, "_insert", insert_slowly)

    def book_meanwhile(db: Session) -> Appointment:
        is_being_made.wait(10)
        return booking.book_at_desk(db, clinic.okafor, clinic.visit_type, starts_at, CHARLIE, by=clinic.desk, now=NOW)

    made, booked = crowd.at_once(sweep, book_meanwhile)

    assert made is True
    assert isinstance(booked, Appointment)
    assert count(committed, "SELECT FROM offer WHERE status = 'withdrawn'") == 1
    assert broken_promises(committed) == {}


def _one_waits(db: Session, clinic: Clinic, starts_at: Any) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, NOW + timedelta(days=21)))
    freed_time.free(db, clinic.okafor.id or 0, starts_at, starts_at + timedelta(minutes=30), cause="cancelled", now=NOW)


def test_somebody_about_whom_another_round_decides_is_not_waited_for(committed: str, clinic: Clinic) -> None:
    starts_at = NOW + timedelta(days=3)
    in_transaction(_one_waits, clinic, starts_at)

    def look_while_she_is_locked(db: Session) -> list[candidates.Candidate] | None:
        fetch(db, "SELECT id FROM patient WHERE id = %(id)s FOR NO KEY UPDATE", id=clinic.alice.id)
        return in_transaction(_who_is_next, clinic)

    assert in_transaction(look_while_she_is_locked) is None
    assert [each.patient_id for each in in_transaction(_who_is_next, clinic) or []] == [clinic.alice.id]


def _who_is_next(db: Session, clinic: Clinic) -> list[candidates.Candidate] | None:
    [freed] = fetch(db, "SELECT id FROM freed_time")
    rules = set_rules(db, clinic)
    return candidates.next_candidates(db, freed_time.lock(db, freed.id), clinic.location, rules, 1, NOW)


def test_two_schedulers_never_ask_one_person_for_two_times(committed: str, clinic: Clinic, crowd: Crowd) -> None:
    """Several sweeps at once, over more times than there are people, each of whom has two wishes."""
    in_transaction(_two_wishes_each, clinic)

    for _ in range(6):
        crowd.at_once(*[sweep] * 4)

    assert broken_promises(committed) == {}
    assert count(committed, "SELECT FROM offer WHERE status = 'open'") > 1


def _two_wishes_each(db: Session, clinic: Clinic) -> None:
    for place in range(6):
        patient = make_patient(db, f"Patient {place}", f"p{place}@example.com")
        for day in (20, 21):
            own = make_appointment(db, clinic, NOW + timedelta(days=day, minutes=30 * place), patient)
            make_entry(db, clinic, own)
    for half_hour in range(8):
        starts_at = NOW + timedelta(days=3, minutes=30 * half_hour)
        freed_time.free(
            db, clinic.okafor.id or 0, starts_at, starts_at + timedelta(minutes=30), cause="cancelled", now=NOW
        )
