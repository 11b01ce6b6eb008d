"""An offer and all that can happen to it at the same instant."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session

from medcal.db import in_transaction
from medcal.errors import OfferClosed
from medcal.models import Appointment, Offer, OfferStatus
from medcal.security import PATIENT
from medcal.services import answers, booking, offers
from medcal.services.patients import Person
from tests.races.crowd import Outcome, Town, at_once, broken_promises, count
from tests.support.factories import NOW, make_appointment, make_entry, make_offer
from tests.support.times import at

SOON, LATER = at("2026-03-04 08:00"), at("2026-03-18 08:00")
AN_INSTANT = timedelta(microseconds=1)
BOB = Person("Bob Berger", date(1984, 2, 29), "bob@example.com", None)


@dataclass(frozen=True)
class Asked:
    """Alice, who has an appointment, and the offer she is thinking about."""

    offer_id: int
    own_id: int
    starts_at: datetime
    later_at: datetime
    answer_until: datetime


def ask(db: Session, town: Town, number: int) -> Asked:
    """The next of many offers, each for a time of its own."""
    shift = timedelta(days=number // 16, minutes=30 * (number % 16))
    own = make_appointment(db, town.clinic, LATER + shift, town.patients[number % len(town.patients)])
    offer = make_offer(db, town.clinic, make_entry(db, town.clinic, own), SOON + shift, NOW + timedelta(hours=2))
    return Asked(offer.id or 0, own.id or 0, SOON + shift, LATER + shift, offer.answer_until)


def accept(asked: Asked, now: datetime | None = None) -> Callable[[Session], object]:
    return lambda db: answers.accept(db, asked.offer_id, by=PATIENT, now=now or NOW)


def state(asked: Asked) -> tuple[OfferStatus, datetime]:
    """How the offer ended, and when Alice comes."""

    def read(db: Session) -> tuple[OfferStatus, datetime]:
        return db.get_one(Offer, asked.offer_id).status, db.get_one(Appointment, asked.own_id).starts_at

    return in_transaction(read)


def test_accepting_against_the_end_of_the_answer_time_has_one_winner(town: Town) -> None:
    chance, winners = random.Random(7), Counter[OfferStatus]()
    for number in range(100):
        asked = in_transaction(ask, town, number)
        expire: Callable[[Session], object] = lambda db, at=asked.answer_until: answers.expire_next(db, at)  # type: ignore[misc]  # noqa: E731
        hesitate = (chance.uniform(0, 0.008), 0.0) if number % 2 else (0.0, chance.uniform(0, 0.008))

        clicked, _ = at_once([accept(asked, asked.answer_until - AN_INSTANT), expire], hesitate)

        # The scheduler comes round again; what was accepted stays so.
        in_transaction(answers.expire_next, asked.answer_until)
        status, comes_at = state(asked)
        winners[status] += 1
        if clicked.is_refused:
            assert (type(clicked.refusal), status, comes_at) == (OfferClosed, OfferStatus.expired, asked.later_at)
        else:
            assert (status, comes_at) == (OfferStatus.accepted, asked.starts_at)
    assert set(winners) == {OfferStatus.accepted, OfferStatus.expired}
    assert sum(winners.values()) == 100
    assert broken_promises(town.url) == {}


def test_a_click_after_the_answer_time_never_wins(town: Town) -> None:
    asked = in_transaction(ask, town, 0)

    outcomes = at_once([accept(asked, asked.answer_until)] * 5)

    assert {type(outcome.refusal) for outcome in outcomes} == {OfferClosed}
    assert state(asked) == (OfferStatus.open, asked.later_at)


def test_a_double_click_accepts_once(town: Town) -> None:
    asked = in_transaction(ask, town, 0)

    outcomes = at_once([accept(asked)] * 8)

    assert {outcome.value.id for outcome in outcomes} == {asked.own_id}
    assert count(town.url, "SELECT FROM event WHERE kind = 'appointment.moved'") == 1
    assert count(town.url, "SELECT FROM message WHERE kind = 'appointment.moved'") == 1
    assert broken_promises(town.url) == {}


@pytest.mark.parametrize("rounds", [40])
def test_patient_desk_and_scheduler_at_one_offer_leave_one_owner_of_the_time(town: Town, rounds: int) -> None:
    chance, owners = random.Random(11), Counter[str]()
    for number in range(rounds):
        asked = in_transaction(ask, town, number)
        works = [
            accept(asked),
            accept(asked),
            lambda db, asked=asked: answers.decline(db, asked.offer_id, by=PATIENT, now=NOW),
            lambda db, asked=asked: booking.book_at_desk(
                db, town.clinic.okafor, town.clinic.visit_type, asked.starts_at, BOB, by=town.clinic.desk, now=NOW
            ),
            lambda db, asked=asked: booking.cancel(
                db, db.get_one(Appointment, asked.own_id), by=town.clinic.desk, now=NOW
            ),
            lambda db: offers.offer_next(db, NOW),
        ]

        outcomes = at_once(works, [chance.uniform(0, 0.01) for _ in works])

        owners[_owner(town, asked, outcomes)] += 1
    assert broken_promises(town.url) == {}
    assert len(owners) > 1


def _owner(town: Town, asked: Asked, outcomes: list[Outcome]) -> str:
    """Who has the offered time in the end; what each was told agrees with it."""
    live = f"""SELECT id FROM appointment WHERE starts_at = '{asked.starts_at.isoformat()}'
                  AND status IN ('held', 'booked', 'arrived', 'fulfilled')"""
    assert count(town.url, live) <= 1
    first, second, _, desk, _, _ = outcomes
    status, comes_at = state(asked)
    has_accepted = not first.is_refused or not second.is_refused
    assert has_accepted is (status is OfferStatus.accepted)
    if not desk.is_refused:
        assert in_transaction(lambda db: db.get_one(Appointment, desk.value.id).starts_at) == asked.starts_at
        return "the desk"
    return "the patient" if has_accepted and comes_at == asked.starts_at else "nobody"
