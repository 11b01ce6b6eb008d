"""Where a promise of earlier offers could have been broken: by bad luck, by other people's work, by the night."""

import logging
from datetime import date, datetime, time, timedelta

import pytest
from sqlmodel import Session, select

from medcal import scheduler
from medcal.db import in_transaction
from medcal.models import (
    Appointment,
    EntryStatus,
    FreedEnd,
    FreedStatus,
    FreedTime,
    Message,
    MessageStatus,
    Offer,
    OfferStatus,
    WaitlistEntry,
    WorkingHours,
)
from medcal.security import PATIENT, digest
from medcal.services import answers, booking, candidates, changes, delivery, freed_time, offers, schedules, withdrawals
from medcal.services.patients import Person
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    make_appointment,
    make_entry,
    make_offer,
    make_patient,
    make_visit_type,
    set_rules,
)
from tests.support.inbox import inbox
from tests.support.times import at

SOON, LATER = at("2026-03-05 09:00"), at("2026-03-31 09:00")
HALF_HOUR = timedelta(minutes=30)
CHARLIE = Person("Charlie Czerny", date(1990, 1, 1), "charlie@example.com", None)


def free(
    db: Session, clinic: Clinic, starts_at: datetime = SOON, length: timedelta = HALF_HOUR, now: datetime = NOW
) -> FreedTime:
    freed_time.free(db, clinic.okafor.id or 0, starts_at, starts_at + length, cause=freed_time.CANCELLED, now=now)
    return db.exec(
        select(FreedTime).where(FreedTime.starts_at == starts_at, FreedTime.status == FreedStatus.open)
    ).one()


def wait(db: Session, clinic: Clinic, number: int = 0, **limits: object) -> WaitlistEntry:
    """One of many people, each with an appointment of her own; the first has waited longest."""
    patient = make_patient(db, f"Patient {number}", f"p{number}@example.com")
    own = make_appointment(db, clinic, LATER + number * HALF_HOUR, patient)
    return make_entry(db, clinic, own, **{"created_at": NOW - timedelta(days=9) + number * HALF_HOUR} | limits)


def settle(db: Session, now: datetime) -> None:
    run_due(now)
    db.expire_all()


def open_offers(db: Session) -> list[Offer]:
    return list(db.exec(select(Offer).where(Offer.status == OfferStatus.open).order_by(Offer.place_in_group)))  # type: ignore[arg-type]


def ends(freed: FreedTime) -> tuple[FreedStatus, FreedEnd | None]:
    return freed.status, freed.ended_by


# --- Nothing holds up the others --------------------------------------------------------------------------------------


@pytest.fixture
def poisoned(db: Session, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> FreedTime:
    """A time that cannot be offered, for a reason that nobody has thought of, before one that can."""
    freed = free(db, clinic)
    wait(db, clinic)
    free(db, clinic, SOON + HALF_HOUR)
    offer_freed_time = offers.offer_freed_time

    def fail_at_the_first(db: Session, freed_time_id: int, now: datetime) -> None:
        if freed_time_id == freed.id:
            raise LookupError("nobody has thought of this")
        offer_freed_time(db, freed_time_id, now)

    monkeypatch.setattr(offers, "offer_freed_time", fail_at_the_first)
    return freed


def test_a_time_that_cannot_be_offered_holds_up_no_other(db: Session, clinic: Clinic, poisoned: FreedTime) -> None:
    with pytest.raises(LookupError):
        offers.offer_due(NOW)

    assert offers.offer_due(NOW)
    assert not offers.offer_due(NOW)
    assert len(open_offers(db)) == 1
    db.refresh(poisoned)
    assert (poisoned.status, poisoned.look_at) == (FreedStatus.open, NOW + offers.LOOK_AGAIN)


def test_offers_that_cannot_be_ended_hold_up_no_other(
    db: Session, clinic: Clinic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = make_offer(db, clinic, wait(db, clinic), SOON, NOW + HALF_HOUR)
    second = make_offer(db, clinic, wait(db, clinic, 1), SOON + HALF_HOUR, NOW + HALF_HOUR)
    expire = answers.expire

    def fail_at_the_first(db: Session, freed_time_id: int, now: datetime) -> None:
        if freed_time_id == first.freed_time_id:
            raise LookupError("nobody has thought of this")
        expire(db, freed_time_id, now)

    monkeypatch.setattr("medcal.clock.now", lambda: NOW + HALF_HOUR)

    scheduler.each_in_a_transaction(answers.find_overdue, fail_at_the_first)()

    db.refresh(first), db.refresh(second)
    assert (first.status, second.status) == (OfferStatus.open, OfferStatus.expired)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


# --- No minute is lost ------------------------------------------------------------------------------------------------


def test_what_the_desk_leaves_of_a_longer_time_is_offered_on(db: Session, clinic: Clinic) -> None:
    freed = free(db, clinic, length=3 * HALF_HOUR)
    booking.book_at_desk(db, clinic.okafor, clinic.visit_type, SOON, CHARLIE, by=clinic.desk, now=NOW)
    wait(db, clinic)

    settle(db, NOW)

    assert ends(freed) == (FreedStatus.gone, FreedEnd.desk)
    [offer] = open_offers(db)
    rest = db.get_one(FreedTime, offer.freed_time_id)
    assert (rest.cause, rest.starts_at, rest.ends_at) == ("rest", SOON + HALF_HOUR, SOON + 3 * HALF_HOUR)


def test_a_longer_time_of_which_a_part_is_freed_again_is_not_forgotten(db: Session, clinic: Clinic) -> None:
    free(db, clinic, length=3 * HALF_HOUR)
    booked = booking.book_at_desk(db, clinic.okafor, clinic.visit_type, SOON, CHARLIE, by=clinic.desk, now=NOW)

    changes.cancel(db, booked, by=clinic.desk, now=NOW)

    found = db.exec(select(FreedTime).where(FreedTime.status == FreedStatus.open)).all()
    assert sorted((each.starts_at, each.ends_at) for each in found) == [
        (SOON, SOON + HALF_HOUR),
        (SOON + HALF_HOUR, SOON + 3 * HALF_HOUR),
    ]


def test_a_time_that_waited_for_a_hold_is_looked_at_when_the_hold_ends_early(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic, weekdays=[0, 1, 2])
    offer = make_offer(db, clinic, entry, at("2026-03-04 09:00"))
    hold = db.get_one(Appointment, offer.hold_id)
    hold.ends_at = hold.busy_until = hold.starts_at + 2 * HALF_HOUR
    db.flush()
    behind = free(db, clinic, at("2026-03-04 09:30"))
    settle(db, NOW)
    before = behind.look_at

    answers.decline(db, offer.id or 0, by=PATIENT, now=NOW)

    db.refresh(behind)
    assert (before, behind.look_at) == (offer.answer_until, NOW)


def test_a_time_that_waited_for_a_form_is_looked_at_when_the_form_is_closed(db: Session, clinic: Clinic) -> None:
    freed = free(db, clinic)
    booking.hold(db, clinic.okafor, clinic.visit_type, SOON, visit=digest("browser"), now=NOW)
    settle(db, NOW)
    before = freed.look_at

    booking.let_go(db, visit=digest("browser"), now=NOW + timedelta(minutes=1))

    db.refresh(freed)
    assert (before, freed.look_at) == (NOW + timedelta(minutes=10), NOW + timedelta(minutes=1))


# --- What is new time, and what is none -------------------------------------------------------------------------------


def hours(clinic: Clinic, *, closes: time = time(16), raster: int = 30) -> list[WorkingHours]:
    return [
        WorkingHours(
            doctor_id=clinic.okafor.id,
            weekday=day,
            opens=time(8),
            closes=closes,
            raster_minutes=raster,
            valid_from=date(2020, 1, 1),
        )
        for day in range(5)
    ]


def test_other_starts_in_the_same_hours_are_no_new_time(db: Session, clinic: Clinic) -> None:
    schedules.set_hours(db, clinic.okafor.id or 0, hours(clinic, raster=20), by=clinic.desk, now=NOW)

    assert db.exec(select(FreedTime)).all() == []


def test_longer_hours_with_other_starts_are_new_time_where_nobody_worked_before(db: Session, clinic: Clinic) -> None:
    schedules.set_hours(db, clinic.okafor.id or 0, hours(clinic, closes=time(17), raster=20), by=clinic.desk, now=NOW)

    starts = {each.starts_at.astimezone(SOON.tzinfo).time() for each in db.exec(select(FreedTime))}
    assert starts == {at(f"2026-03-05 16:{minute:02}").time() for minute in (0, 20, 40)}


# --- A doctor who leaves ----------------------------------------------------------------------------------------------


def test_time_of_a_doctor_who_has_left_is_not_offered(db: Session, clinic: Clinic) -> None:
    freed = free(db, clinic)
    wait(db, clinic)
    clinic.okafor.is_active = False
    db.flush()

    settle(db, NOW)

    assert ends(freed) == (FreedStatus.gone, FreedEnd.closed)


def test_offers_with_a_doctor_who_has_left_are_withdrawn_and_the_patient_is_told(db: Session, clinic: Clinic) -> None:
    freed = free(db, clinic)
    wait(db, clinic)
    settle(db, NOW)
    [offer] = open_offers(db)
    clinic.okafor.is_active = False
    db.flush()

    withdrawals.withdraw_outside_hours(db, NOW)
    settle(db, NOW)

    assert (offer.status, offer.decided_by) == (OfferStatus.withdrawn, "system")
    assert ends(freed) == (FreedStatus.gone, FreedEnd.closed)
    assert len(inbox(db, to="p0@example.com", kind="offer.withdrawn")) == 1


def test_offers_within_the_hours_stay(db: Session, clinic: Clinic) -> None:
    free(db, clinic)
    wait(db, clinic)
    settle(db, NOW)

    withdrawals.withdraw_outside_hours(db, NOW)

    assert len(open_offers(db)) == 1


# --- Groups and people with two wishes --------------------------------------------------------------------------------


def test_who_has_two_wishes_takes_one_place_in_a_group(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, group_size=3)
    first = wait(db, clinic)
    again = make_entry(
        db,
        clinic,
        make_appointment(db, clinic, LATER + 10 * HALF_HOUR, patient_id=first.patient_id),
        created_at=first.created_at + timedelta(minutes=1),
    )
    others = [wait(db, clinic, number) for number in (1, 2, 3)]
    free(db, clinic)

    settle(db, NOW)

    assert [offer.entry_id for offer in open_offers(db)] == [first.id, others[0].id, others[1].id]
    assert again.patient_id == first.patient_id


def test_a_group_is_as_large_as_those_who_fit(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, group_size=5)
    fitting = [wait(db, clinic, number) for number in (0, 1)]
    wait(db, clinic, 2, weekdays=[0])
    free(db, clinic)

    settle(db, NOW)

    assert [(offer.entry_id, offer.place_in_group) for offer in open_offers(db)] == [
        (fitting[0].id, 1),
        (fitting[1].id, 2),
    ]


def test_the_offers_of_a_week_are_counted_over_all_wishes_of_a_patient(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, offers_per_week=2)
    long = make_visit_type(db, clinic.specialty, name="Another visit", length_minutes=20)
    first = wait(db, clinic)
    own = make_appointment(db, clinic, LATER + 10 * HALF_HOUR, visit_type=long, patient_id=first.patient_id)
    make_entry(db, clinic, own, visit_type_id=long.id)
    for number in range(4):
        free(db, clinic, SOON + number * HALF_HOUR)
        settle(db, NOW)
        for offer in open_offers(db):
            answers.decline(db, offer.id or 0, by=PATIENT, now=NOW)

    assert len(db.exec(select(Offer)).all()) == 2


# --- The desk -----------------------------------------------------------------------------------------------------------


def test_the_desk_that_overbooks_a_time_on_offer_withdraws_it(db: Session, clinic: Clinic) -> None:
    freed = free(db, clinic)
    wait(db, clinic)
    settle(db, NOW)

    booking.book_at_desk(
        db,
        clinic.okafor,
        clinic.visit_type,
        SOON,
        CHARLIE,
        overbook_reason="chest pain",
        by=clinic.desk,
        now=NOW,
    )
    settle(db, NOW)

    assert open_offers(db) == []
    assert ends(freed) == (FreedStatus.gone, FreedEnd.desk)
    assert len(inbox(db, to="p0@example.com", kind="offer.withdrawn")) == 1


def test_the_desk_moves_somebody_onto_a_time_that_is_offered_to_herself(db: Session, clinic: Clinic) -> None:
    freed = free(db, clinic)
    entry = wait(db, clinic)
    settle(db, NOW)
    own = db.get_one(Appointment, entry.appointment_id)

    changes.move_at_desk(db, own, clinic.okafor, SOON, version=own.version, by=clinic.desk, now=NOW)
    settle(db, NOW)

    assert own.starts_at == SOON
    assert open_offers(db) == []
    assert ends(freed) == (FreedStatus.gone, FreedEnd.desk)
    assert entry.status is EntryStatus.waiting


# --- The night ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evening", ["2026-03-28 19:55", "2026-10-24 19:55", "2026-03-07 19:55"])
def test_a_letter_that_could_not_leave_by_day_waits_for_the_morning(db: Session, clinic: Clinic, evening: str) -> None:
    """The scheduler was away for ten minutes, or the receiver was; on two of the nights the clocks are changed."""
    make_entry(db, clinic, patient=clinic.alice, notice_hours=0)
    asked_at = at(evening)
    starts_at = asked_at + timedelta(days=4)
    schedules.extend_openings(db, asked_at)
    free(db, clinic, starts_at.replace(hour=9, minute=0), now=asked_at)
    assert offers.offer_due(asked_at)
    letter = db.exec(select(Message).where(Message.kind == "offer.made")).one()

    while delivery.deliver_next(asked_at + timedelta(minutes=10)):
        pass
    db.refresh(letter)
    in_the_night = letter.status
    morning = at(f"{(asked_at + timedelta(days=1)).date()} 08:00")
    while delivery.deliver_next(morning):
        pass

    db.refresh(letter)
    assert in_the_night is MessageStatus.due
    assert (letter.status, letter.delivered_at) == (MessageStatus.delivered, morning)
    assert letter.useless_at is not None and letter.useless_at > morning


def test_what_a_patient_has_just_done_is_confirmed_at_night_as_well(db: Session, clinic: Clinic) -> None:
    night = at("2026-03-04 23:00")
    own = make_appointment(db, clinic, LATER)

    changes.cancel(db, own, by=PATIENT, now=night)
    while delivery.deliver_next(night):
        pass

    [mail] = inbox(db, kind="appointment.cancelled")
    assert mail.row.status is MessageStatus.delivered


# --- What a wish knows of its appointment -----------------------------------------------------------------------------


def test_a_wish_knows_when_its_appointment_is_however_that_was_moved(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    own = db.get_one(Appointment, entry.appointment_id)

    changes.move_at_desk(db, own, clinic.okafor, LATER + 5 * HALF_HOUR, version=own.version, by=clinic.desk, now=NOW)

    db.refresh(entry)
    assert entry.own_starts_at == own.starts_at == LATER + 5 * HALF_HOUR


def test_who_is_passed_over_within_the_index_is_passed_over_by_the_trail(db: Session, clinic: Clinic) -> None:
    """The seven statements with a weekday in them ask what the one for the trail asks."""
    entry = wait(db, clinic, weekdays=[SOON.weekday()])
    location, rules = clinic.location, set_rules(db, clinic)
    found = {}
    for offset in range(7):
        freed = free(db, clinic, SOON + timedelta(days=offset))
        [reason] = [each.reason for each in candidates.passed_over(db, freed, location, rules, NOW)]
        asked = candidates.next_candidates(db, freed, location, rules, 1, NOW)
        found[freed.starts_at] = (reason, [each.entry_id for each in asked or []])

    assert found.pop(SOON) == (None, [entry.id])
    assert set(map(str, found.values())) == {"('other_weekday', [])"}


def test_somebody_about_whom_others_are_deciding_is_come_back_to_soon(
    db: Session, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another round has locked the patient at this moment, because of another wish of hers."""
    freed = free(db, clinic)
    wait(db, clinic)
    monkeypatch.setattr(candidates, "PATIENTS", "SELECT id FROM patient WHERE false AND id = ANY (%(ids)s)")

    in_transaction(offers.offer_next, NOW)

    db.refresh(freed)
    assert (freed.status, freed.look_at) == (FreedStatus.open, NOW + offers.LOOK_SOON)
