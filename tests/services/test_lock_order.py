"""Every change around offers takes its locks in the order of docs/offers.md, so that no two wait for each other crosswise."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlmodel import Session, select

from medcal.models import Appointment, FreedTime, Offer, OfferStatus, TimeOff, WaitlistEntry
from medcal.security import PATIENT
from medcal.services import answers, booking, changes, offers, schedules, undo, waitlist, withdrawals
from tests.support.factories import NOW, Clinic, make_appointment, make_entry, make_patient, set_rules
from tests.support.times import at

SOON, LATER = at("2026-03-05 09:00"), at("2026-03-31 09:00")
HALF_HOUR = timedelta(minutes=30)
ORDER = ["the doctor's queue", "waitlist_entry", "freed_time", "offer", "appointment"]
# Whoever waits for nobody may come from anywhere.
LOCKS = (
    (re.compile(r"pg_advisory_xact_lock"), lambda _: "the doctor's queue"),
    (re.compile(r"FROM (\w+)(?!.*SKIP LOCKED).*FOR (NO KEY )?UPDATE", re.DOTALL), lambda found: found[1]),
    (re.compile(r"^\s*UPDATE (\w+)(?!.*SKIP LOCKED)", re.DOTALL), lambda found: found[1]),
)


@contextmanager
def listening() -> Iterator[list[str]]:
    """The tables (and the queue) of which something is locked meanwhile, each at its first lock."""
    locked: list[str] = []
    execute = psycopg.Cursor.execute

    def heard_execute(cursor: Any, query: Any, *args: Any, **how: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        for pattern, name_of in LOCKS:
            if (found := pattern.search(text)) and (name := name_of(found)) in ORDER and name not in locked:
                locked.append(name)
        return execute(cursor, query, *args, **how)

    psycopg.Cursor.execute = heard_execute  # type: ignore[method-assign,assignment]
    try:
        yield locked
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]


@pytest.fixture
def asked(db: Session, clinic: Clinic) -> list[Offer]:
    """Alice and Bob are asked at once for the same time."""
    set_rules(db, clinic, group_size=2)
    make_entry(db, clinic, make_appointment(db, clinic, LATER))
    make_entry(db, clinic, make_appointment(db, clinic, LATER + HALF_HOUR, clinic.bob), created_at=NOW)
    changes.cancel(db, make_appointment(db, clinic, SOON, make_patient(db)), by=clinic.desk, now=NOW)
    offers.offer_next(db, NOW)
    return list(db.exec(select(Offer).order_by(Offer.place_in_group)))  # type: ignore[arg-type]


def own(db: Session, offer: Offer) -> Appointment:
    return db.get_one(Appointment, db.get_one(WaitlistEntry, offer.entry_id).appointment_id)


Change = Callable[[Session, Clinic, Offer], object]
CHANGES: dict[str, Change] = {
    "accept": lambda db, clinic, offer: answers.accept(db, offer.id or 0, by=PATIENT, now=NOW),
    "decline": lambda db, clinic, offer: answers.decline(db, offer.id or 0, by=PATIENT, now=NOW),
    "not reached": lambda db, clinic, offer: answers.note_not_reached(db, offer.id or 0, by=clinic.desk, now=NOW),
    "no answer": lambda db, clinic, offer: answers.expire(db, offer.freed_time_id, offer.answer_until),
    "withdraw": lambda db, clinic, offer: withdrawals.withdraw(db, offer.freed_time_id, by=clinic.desk, now=NOW),
    "cancel": lambda db, clinic, offer: changes.cancel(db, own(db, offer), by=PATIENT, now=NOW),
    "move": lambda db, clinic, offer: changes.move_by_patient(
        db, own(db, offer), clinic.okafor, LATER - timedelta(days=1), now=NOW
    ),
    "move at the desk": lambda db, clinic, offer: changes.move_at_desk(
        db, own(db, offer), clinic.okafor, SOON, version=1, by=clinic.desk, now=NOW
    ),
    "leave": lambda db, clinic, offer: waitlist.withdraw(db, offer.entry_id, by=PATIENT, now=NOW),
    "join": lambda db, clinic, offer: waitlist.join(db, own(db, offer), waitlist.Wish(), by=PATIENT, now=NOW),
    "absence": lambda db, clinic, offer: schedules.add_time_off(
        db, TimeOff(doctor_id=clinic.okafor.id, starts_at=SOON, ends_at=LATER), by=clinic.desk, now=NOW
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_locks_are_taken_in_one_order(db: Session, clinic: Clinic, asked: list[Offer], change: str) -> None:
    db.expire_all()

    with listening() as locked:
        CHANGES[change](db, clinic, asked[0])
        db.flush()

    assert locked == sorted(locked, key=ORDER.index)
    assert len(locked) > 1


def test_the_desk_locks_what_it_may_have_to_withdraw_before_its_own_booking(
    db: Session, clinic: Clinic, asked: list[Offer]
) -> None:
    person = {"by": clinic.desk, "now": NOW}

    with listening() as locked:
        booking.place_at_desk(db, clinic.okafor, clinic.visit_type, SOON, overbook_reason="", **person)

    assert locked == ["the doctor's queue", "freed_time", "offer", "appointment"]
    assert db.exec(select(Offer).where(Offer.status == OfferStatus.open)).all() == []


@pytest.mark.parametrize("how", ["move", "cancel"])
def test_taking_back_keeps_to_the_order(db: Session, clinic: Clinic, asked: list[Offer], how: str) -> None:
    clinic.location.grace_seconds = 120
    mine = own(db, asked[0])
    if how == "move":
        changes.move_at_desk(db, mine, clinic.okafor, NOW + HALF_HOUR, version=1, by=clinic.desk, now=NOW)
    else:
        changes.cancel(db, mine, by=clinic.desk, now=NOW)
    db.flush()
    db.expire_all()

    with listening() as locked:
        undo.take_back(db, mine, version=mine.version, by=clinic.desk, now=NOW)
        db.flush()

    assert locked == ["the doctor's queue", "waitlist_entry", "freed_time", "appointment"]


def test_who_makes_offers_waits_for_nobody_behind_the_freed_time(db: Session, clinic: Clinic) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, LATER))
    changes.cancel(db, make_appointment(db, clinic, SOON, make_patient(db)), by=clinic.desk, now=NOW)
    freed = db.exec(select(FreedTime)).one()

    with listening() as locked:
        offers.offer_freed_time(db, freed.id or 0, NOW)
        db.flush()

    assert locked == ["freed_time"]
