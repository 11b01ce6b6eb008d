"""Several are asked at once for the same time: it is held for all of them, and the first to accept has it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from medcal.errors import NotAllowed, NotPossibleNow, OfferClosed, OfferTaken
from medcal.models import (
    Appointment,
    AppointmentStatus,
    EntryStatus,
    FreedEnd,
    FreedStatus,
    FreedTime,
    Offer,
    OfferStatus,
    WaitlistEntry,
)
from medcal.security import PATIENT
from medcal.services import answers, changes, freed_time, waitlist, withdrawals
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    add,
    make_appointment,
    make_entry,
    make_offer,
    make_patient,
    make_visit_type,
    set_rules,
)
from tests.support.inbox import inbox
from tests.support.times import at

SOON, LATER = at("2026-03-05 09:00"), at("2026-03-20 09:00")


@pytest.fixture
def group(db: Session, clinic: Clinic) -> list[Offer]:
    """Alice, Bob and Dora are asked at once; Dora waits without an appointment, and Emil is next in line."""
    set_rules(db, clinic, group_size=3)
    dora, emil = (
        make_patient(db, name, f"{name.split()[0].lower()}@example.com") for name in ("Dora Dunkel", "Emil Ernst")
    )
    make_entry(db, clinic, make_appointment(db, clinic, LATER), created_at=NOW - timedelta(days=9))
    make_entry(
        db,
        clinic,
        make_appointment(db, clinic, LATER + timedelta(hours=1), clinic.bob),
        created_at=NOW - timedelta(days=8),
    )
    make_entry(db, clinic, patient=dora, created_at=NOW - timedelta(days=7))
    make_entry(db, clinic, patient=emil, created_at=NOW - timedelta(days=6))
    free_up(db, clinic)
    return open_offers(db)


def free_up(db: Session, clinic: Clinic, starts_at: datetime = SOON, now: datetime = NOW) -> FreedTime:
    booked = make_appointment(db, clinic, starts_at, make_patient(db))
    changes.cancel(db, booked, by=clinic.desk, now=now)
    settle(db, now)
    return db.exec(select(FreedTime).where(FreedTime.freed_by_id == booked.id)).one()


def settle(db: Session, now: datetime) -> None:
    run_due(now)
    db.expire_all()


def open_offers(db: Session) -> list[Offer]:
    return list(db.exec(select(Offer).where(Offer.status == OfferStatus.open).order_by(col(Offer.place_in_group))))


def freed(db: Session, offer: Offer) -> FreedTime:
    return db.get_one(FreedTime, offer.freed_time_id)


def accept(db: Session, offer: Offer, now: datetime = NOW) -> Appointment:
    return answers.accept(db, offer.id or 0, by=PATIENT, now=now)


def test_a_group_is_asked_in_its_order_and_shares_one_hold(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    assert [offer.place_in_group for offer in group] == [1, 2, 3]
    assert [offer.patient_id for offer in group[:2]] == [clinic.alice.id, clinic.bob.id]
    [hold_id] = {offer.hold_id for offer in group}
    hold = db.get_one(Appointment, hold_id)
    assert (hold.status, hold.patient_id, hold.held_until) == (AppointmentStatus.held, None, NOW + timedelta(hours=2))
    assert (freed(db, group[0]).status, freed(db, group[0]).hold_id) == (FreedStatus.offered, hold_id)


def test_a_group_reads_that_the_first_answer_counts(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    [mail] = inbox(db, to="alice@example.com")

    assert "for you and a few others: the first answer counts" in mail.text


def test_who_is_asked_alone_reads_nothing_of_others(db: Session, clinic: Clinic) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, LATER))
    free_up(db, clinic)

    [mail] = inbox(db, to="alice@example.com")
    assert "We are holding it for you until" in mail.text
    assert "others" not in mail.text


def test_the_first_to_accept_has_the_time(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    taken = accept(db, group[1])

    assert (taken.patient_id, taken.starts_at) == (clinic.bob.id, SOON)
    assert [offer.status for offer in group] == [OfferStatus.taken, OfferStatus.accepted, OfferStatus.taken]
    assert (freed(db, group[0]).status, freed(db, group[0]).ended_by) == (FreedStatus.filled, FreedEnd.offer)


def test_who_was_slower_is_told_kindly_and_keeps_her_place(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    accept(db, group[1])

    [_, told] = inbox(db, to="alice@example.com")
    assert told.kind == "offer.taken"
    assert "somebody else answered first" in told.text
    assert "so does your place on the list" in told.text
    entry = waitlist.entry_of(db, told.row.appointment_id or 0)
    assert entry is not None
    assert (entry.status, entry.unanswered_in_row) == (EntryStatus.waiting, 0)


def test_who_was_slower_and_clicks_all_the_same_reads_why(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    accept(db, group[1])

    with pytest.raises(OfferTaken, match="Somebody else answered first"):
        accept(db, group[0])
    with pytest.raises(OfferTaken):
        answers.decline(db, group[2].id or 0, by=PATIENT, now=NOW)


def test_who_waits_without_an_appointment_gets_the_shared_hold_as_hers(
    db: Session, clinic: Clinic, group: list[Offer]
) -> None:
    taken = accept(db, group[2])

    assert (taken.id, taken.patient_id, taken.status) == (
        group[2].hold_id,
        group[2].patient_id,
        AppointmentStatus.booked,
    )


def test_a_decline_leaves_the_others_of_the_group_their_time(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    answers.decline(db, group[0].id or 0, by=PATIENT, now=NOW)
    settle(db, NOW)

    assert [offer.id for offer in open_offers(db)] == [group[1].id, group[2].id]
    assert accept(db, group[1]).starts_at == SOON


def test_when_all_have_declined_the_next_are_asked_at_once(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    for offer in group:
        answers.decline(db, offer.id or 0, by=PATIENT, now=NOW)
    settle(db, NOW)

    [offer] = open_offers(db)
    assert offer.patient_id not in {each.patient_id for each in group}
    assert offer.hold_id != group[0].hold_id


def test_a_group_that_does_not_answer_ends_together_and_the_next_round_begins(
    db: Session, clinic: Clinic, group: list[Offer]
) -> None:
    settle(db, group[0].answer_until)

    assert [offer.status for offer in group] == [OfferStatus.expired] * 3
    assert db.get_one(Appointment, group[0].hold_id).status is AppointmentStatus.released
    [offer] = open_offers(db)
    assert offer.created_at == group[0].answer_until


def test_the_desk_takes_the_time_and_everybody_of_the_group_is_told(
    db: Session, clinic: Clinic, group: list[Offer]
) -> None:
    withdrawals.withdraw_offers_over(
        db, clinic.okafor.id or 0, SOON, SOON + timedelta(minutes=30), by=clinic.desk, now=NOW
    )

    assert [offer.status for offer in group] == [OfferStatus.withdrawn] * 3
    assert len(inbox(db, kind="offer.withdrawn")) == 3


def test_one_who_cancels_her_appointment_leaves_the_group_and_no_one_else(
    db: Session, clinic: Clinic, group: list[Offer]
) -> None:
    entry = db.get_one(WaitlistEntry, group[0].entry_id)

    changes.cancel(db, db.get_one(Appointment, entry.appointment_id), by=PATIENT, now=NOW)

    assert [offer.status for offer in group] == [OfferStatus.withdrawn, OfferStatus.open, OfferStatus.open]
    assert inbox(db, to="alice@example.com", kind="offer.withdrawn") == []


def test_the_hold_is_as_long_as_the_longest_visit_and_the_rest_is_offered_on(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, group_size=2)
    long = make_visit_type(db, clinic.specialty, name="Long visit", length_minutes=90, buffer_minutes=10)
    make_entry(db, clinic, make_appointment(db, clinic, LATER), created_at=NOW - timedelta(days=9))
    make_entry(db, clinic, patient=clinic.bob, visit_type_id=long.id)
    freed_time.free(db, clinic.okafor.id or 0, SOON, SOON + timedelta(minutes=100), cause="cancelled", now=NOW)
    settle(db, NOW)
    first, second = open_offers(db)
    hold = db.get_one(Appointment, first.hold_id)
    before = (hold.ends_at, hold.busy_until)

    taken = accept(db, first)
    settle(db, NOW)

    assert before == (SOON + timedelta(minutes=90), SOON + timedelta(minutes=100))
    assert (taken.ends_at, taken.busy_until) == (SOON + timedelta(minutes=30), SOON + timedelta(minutes=30))
    rest = db.exec(select(FreedTime).where(FreedTime.cause == "rest")).one()
    assert (rest.starts_at, rest.ends_at) == (SOON + timedelta(minutes=30), SOON + timedelta(minutes=100))
    assert second.status is OfferStatus.taken


def test_a_time_that_was_filled_to_its_end_leaves_no_rest(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    accept(db, group[0])

    assert db.exec(select(FreedTime).where(FreedTime.cause == "rest")).all() == []


def test_the_database_refuses_a_second_offer_for_the_same_place_in_a_group(db: Session, clinic: Clinic) -> None:
    first = make_offer(db, clinic, make_entry(db, clinic), SOON)
    again = {"freed_time_id": first.freed_time_id, "hold_id": first.hold_id, "place_in_group": 1}

    with pytest.raises(IntegrityError, match="uq_offer_open_per_time"):
        add(
            db,
            Offer(
                **again,
                entry_id=make_entry(db, clinic, patient=clinic.bob).id,
                patient_id=clinic.bob.id,
                answer_until=first.answer_until,
                created_at=NOW,
            ),
        )


def test_who_has_booked_something_else_at_that_time_cannot_accept(
    db: Session, clinic: Clinic, group: list[Offer]
) -> None:
    elsewhere = make_appointment(
        db, clinic, SOON + timedelta(minutes=15), clinic.alice, status=AppointmentStatus.booked, **_overbooked(clinic)
    )

    with pytest.raises(NotPossibleNow, match="another appointment at that time"):
        accept(db, group[0])

    assert elsewhere.status is AppointmentStatus.booked
    assert group[0].status is OfferStatus.open


def _overbooked(clinic: Clinic) -> dict[str, object]:
    return {"overbooked_by_id": clinic.sam.id, "overbooked_reason": "urgent"}


def test_the_desk_that_reaches_nobody_ends_the_offer_as_if_its_time_were_over(
    db: Session, clinic: Clinic, group: list[Offer]
) -> None:
    answers.note_not_reached(db, group[0].id or 0, by=clinic.desk, now=NOW)
    answers.note_not_reached(db, group[0].id or 0, by=clinic.desk, now=NOW)

    entry = db.get_one(WaitlistEntry, group[0].entry_id)
    assert (group[0].status, group[0].decided_by, entry.unanswered_in_row) == (OfferStatus.expired, "staff", 1)
    with pytest.raises(OfferClosed):
        accept(db, group[0])


def test_a_patient_cannot_say_that_she_was_not_reached(db: Session, clinic: Clinic, group: list[Offer]) -> None:
    with pytest.raises(NotAllowed):
        answers.note_not_reached(db, group[0].id or 0, by=PATIENT, now=NOW)
