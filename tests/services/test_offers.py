"""Time that became free, and the offers that bring it to the people who wait."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.errors import NotAllowed, OfferClosed, SlotTaken
from medcal.models import (
    Appointment,
    AppointmentStatus,
    EntryStatus,
    Event,
    FreedEnd,
    FreedStatus,
    FreedTime,
    Offer,
    OfferStatus,
    Patient,
    TimeOff,
    WaitlistEntry,
)
from medcal.security import PATIENT, digest
from medcal.services import answers, booking, changes, offers, schedules, waitlist, withdrawals
from medcal.services.availability import list_free
from medcal.services.patients import Person
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    make_appointment,
    make_doctor,
    make_entry,
    make_location,
    make_offer,
    make_patient,
    make_specialty,
    make_visit_type,
)
from tests.support.inbox import inbox
from tests.support.times import at

SOON = at("2026-03-05 09:00")
LATER = at("2026-03-20 09:00")
CHARLIE = Person("Charlie Czerny", date(1990, 1, 1), "charlie@example.com", None)


def wait(
    db: Session, clinic: Clinic, starts_at: datetime = LATER, patient: Patient | None = None, **limits: object
) -> WaitlistEntry:
    """Somebody (Alice) with an appointment who has asked for something earlier."""
    return make_entry(db, clinic, make_appointment(db, clinic, starts_at, patient), **limits)


def free_up(db: Session, clinic: Clinic, starts_at: datetime = SOON, now: datetime = NOW) -> FreedTime:
    """Somebody else cancels, and what follows from it is done."""
    booked = make_appointment(db, clinic, starts_at, make_patient(db))
    changes.cancel(db, booked, by=clinic.desk, now=now)
    settle(db, now)
    return db.exec(select(FreedTime).where(FreedTime.freed_by_id == booked.id)).one()


def settle(db: Session, now: datetime) -> None:
    run_due(now)
    db.expire_all()


def open_offers(db: Session) -> list[Offer]:
    return list(db.exec(select(Offer).where(Offer.status == OfferStatus.open)))


def the_offer(db: Session) -> Offer:
    [offer] = open_offers(db)
    return offer


def is_listed(db: Session, clinic: Clinic, starts_at: datetime = SOON, now: datetime = NOW) -> bool:
    free = list_free(db, clinic.okafor.id or 0, clinic.visit_type, date(2026, 3, 1), 42, now=now)
    return starts_at in {time.starts_at for time in free}


def trail(db: Session, freed: FreedTime) -> list[str]:
    return list(db.exec(select(Event.kind).where(Event.freed_time_id == freed.id).order_by(col(Event.id))))


# --- Who is asked -----------------------------------------------------------------------------------------------------


def test_freed_time_is_offered_to_who_waits(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)

    freed = free_up(db, clinic)

    offer = the_offer(db)
    assert (offer.entry_id, offer.patient_id, offer.answer_until) == (
        entry.id,
        clinic.alice.id,
        NOW + timedelta(hours=2),
    )
    assert freed.status is FreedStatus.offered
    [mail] = inbox(db, to="alice@example.com")
    assert mail.kind == "offer.made"
    assert len(mail.links) == 1


def test_an_offered_time_is_really_held(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)

    free_up(db, clinic)

    hold = db.get_one(Appointment, the_offer(db).hold_id)
    assert (hold.status, hold.starts_at, hold.held_until) == (AppointmentStatus.held, SOON, NOW + timedelta(hours=2))
    assert not is_listed(db, clinic)
    with pytest.raises(SlotTaken):
        booking.hold(db, clinic.okafor, clinic.visit_type, SOON, visit=digest("a browser"), now=NOW)


def test_a_time_that_nobody_waits_for_stays_with_the_public(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)

    assert open_offers(db) == []
    assert freed.status is FreedStatus.open
    assert is_listed(db, clinic)


def test_who_joins_after_the_time_became_free_is_asked_too(db: Session, clinic: Clinic) -> None:
    free_up(db, clinic)
    entry = wait(db, clinic)

    settle(db, NOW + offers.LOOK_AGAIN)

    assert the_offer(db).entry_id == entry.id


def test_who_has_waited_longest_is_asked_first(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, at("2026-03-20 10:00"), clinic.bob, created_at=NOW - timedelta(days=1))
    first = wait(db, clinic, created_at=NOW - timedelta(days=2))

    free_up(db, clinic)

    assert the_offer(db).entry_id == first.id


def test_urgency_comes_before_time_waited(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, created_at=NOW - timedelta(days=90))
    urgent = wait(db, clinic, at("2026-03-20 10:00"), clinic.bob, urgency=1)

    free_up(db, clinic)

    assert the_offer(db).entry_id == urgent.id


@pytest.mark.parametrize(
    "limits",
    [
        {"weekdays": [0, 1, 2, 4, 5, 6]},  # any day but Thursdays
        {"opens": time(9, 1)},
        {"closes": time(8, 59)},
        {"notice_hours": 72},
        {"status": EntryStatus.withdrawn},
        {"status": EntryStatus.fulfilled},
    ],
    ids=str,
)
def test_nobody_is_asked_beyond_the_limits_of_the_wish(db: Session, clinic: Clinic, limits: dict[str, object]) -> None:
    wait(db, clinic, **limits)

    free_up(db, clinic)

    assert open_offers(db) == []


@pytest.mark.parametrize(
    "limits",
    [{"weekdays": [3]}, {"opens": time(9)}, {"opens": time(8), "closes": time(9)}, {"notice_hours": 71}],
    ids=str,
)
def test_somebody_is_asked_up_to_the_limits_of_the_wish(db: Session, clinic: Clinic, limits: dict[str, object]) -> None:
    entry = wait(db, clinic, **limits)

    free_up(db, clinic)

    assert the_offer(db).entry_id == entry.id


def test_who_wants_another_doctor_is_not_asked(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    wait(db, clinic, doctor_id=other.id)

    free_up(db, clinic)

    assert open_offers(db) == []


def test_who_has_another_doctor_and_takes_any_is_asked(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    entry = make_entry(db, clinic, make_appointment(db, clinic, LATER, doctor=other))

    free_up(db, clinic)

    assert the_offer(db).entry_id == entry.id


def test_who_waits_at_another_place_or_in_another_specialty_is_not_asked(db: Session, clinic: Clinic) -> None:
    elsewhere, dentistry = make_location(db, slug="graz"), make_specialty(db, slug="dentistry", name="Dentistry")
    wait(db, clinic, location_id=elsewhere.id)
    wait(db, clinic, at("2026-03-20 10:00"), clinic.bob, visit_type_id=make_visit_type(db, dentistry).id)

    free_up(db, clinic)

    assert open_offers(db) == []


def test_an_offer_gains_at_least_a_day(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, SOON + timedelta(hours=23, minutes=30))
    gaining = wait(db, clinic, SOON + timedelta(days=1), clinic.bob)

    free_up(db, clinic)

    assert the_offer(db).entry_id == gaining.id


def test_a_visit_that_is_longer_than_the_time_does_not_fit(db: Session, clinic: Clinic) -> None:
    long = make_visit_type(db, clinic.specialty, name="Long visit", length_minutes=40)
    make_entry(db, clinic, make_appointment(db, clinic, LATER, visit_type=long), visit_type_id=long.id)

    free_up(db, clinic)

    assert open_offers(db) == []


def test_a_visit_whose_buffer_would_reach_into_the_next_does_not_fit(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, SOON + timedelta(minutes=30), clinic.bob)
    buffered = make_visit_type(db, clinic.specialty, name="With a buffer", length_minutes=30, buffer_minutes=10)
    make_entry(db, clinic, make_appointment(db, clinic, LATER, visit_type=buffered), visit_type_id=buffered.id)

    free_up(db, clinic)

    assert open_offers(db) == []


def test_no_offer_runs_past_closing_time(db: Session, clinic: Clinic) -> None:
    # What was cancelled had a buffer that ran past closing; the visit of who waits has none, and would itself run past it.
    clinic.visit_type.buffer_minutes = 30
    long = make_visit_type(db, clinic.specialty, name="Long visit", length_minutes=60)
    make_entry(db, clinic, make_appointment(db, clinic, LATER, visit_type=long), visit_type_id=long.id)

    free_up(db, clinic, at("2026-03-05 15:30"))

    assert open_offers(db) == []


def test_who_is_seen_at_that_very_time_already_is_not_asked(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    make_appointment(db, clinic, SOON + timedelta(minutes=15), clinic.alice, doctor=other)
    wait(db, clinic)

    free_up(db, clinic)

    assert open_offers(db) == []


def test_one_patient_has_one_open_offer(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)

    free_up(db, clinic)
    second = free_up(db, clinic, at("2026-03-05 11:00"))

    assert len(open_offers(db)) == 1
    assert second.status is FreedStatus.open


def test_no_offer_is_made_so_late_that_nobody_could_answer_and_come(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, notice_hours=0)

    too_late = free_up(db, clinic, NOW + timedelta(hours=2))
    in_time = free_up(db, clinic, NOW + timedelta(hours=2, minutes=30))

    assert the_offer(db).freed_time_id == in_time.id
    assert (too_late.status, too_late.ended_by) == (FreedStatus.gone, FreedEnd.late)


# --- Quiet hours ------------------------------------------------------------------------------------------------------


def test_nobody_is_asked_in_quiet_hours(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)

    free_up(db, clinic, now=at("2026-03-02 21:00"))
    settle(db, at("2026-03-03 07:59"))

    assert open_offers(db) == []
    assert inbox(db, to="alice@example.com") == []


def test_who_waits_is_asked_when_the_night_is_over(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)

    free_up(db, clinic, now=at("2026-03-02 21:00"))
    settle(db, at("2026-03-03 08:00"))

    assert the_offer(db).answer_until == at("2026-03-03 10:00")


def test_the_time_to_answer_stands_still_at_night(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)

    free_up(db, clinic, now=at("2026-03-02 19:00"))

    assert the_offer(db).answer_until == at("2026-03-03 09:00")


# --- Accepting --------------------------------------------------------------------------------------------------------


def accept(db: Session, offer: Offer, now: datetime = NOW) -> Appointment:
    assert offer.id is not None
    return answers.accept(db, offer.id, by=PATIENT, now=now)


def test_accepting_takes_the_new_time_and_frees_the_old(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    own = db.get_one(Appointment, entry.appointment_id)
    before = (own.ref, own.code)
    freed = free_up(db, clinic)

    taken = accept(db, the_offer(db))

    assert (taken.id, taken.starts_at, taken.status, taken.version) == (own.id, SOON, AppointmentStatus.booked, 2)
    assert (taken.ref, taken.code) == before
    assert is_listed(db, clinic, LATER)
    assert not is_listed(db, clinic, SOON)
    assert (entry.status, freed.status) == (EntryStatus.fulfilled, FreedStatus.filled)


def test_who_accepts_is_told_the_new_time_once(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)

    accept(db, the_offer(db))

    assert [mail.kind for mail in inbox(db, to="alice@example.com")] == ["offer.made", "appointment.moved"]


def test_the_old_time_is_offered_on_in_its_turn(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, created_at=NOW - timedelta(days=9))
    behind = wait(db, clinic, LATER + timedelta(days=7), clinic.bob)
    free_up(db, clinic)
    accept(db, the_offer(db))

    settle(db, NOW)

    next_offer = the_offer(db)
    assert next_offer.entry_id == behind.id
    assert db.get_one(Appointment, next_offer.hold_id).starts_at == LATER


def test_who_waited_without_an_appointment_gets_one(db: Session, clinic: Clinic) -> None:
    make_entry(db, clinic, patient=clinic.bob)
    free_up(db, clinic)

    booked = accept(db, the_offer(db))

    assert (booked.patient_id, booked.status, booked.starts_at) == (clinic.bob.id, AppointmentStatus.booked, SOON)
    assert [mail.kind for mail in inbox(db, to="bob@example.com")] == ["offer.made", "appointment.booked"]


def test_accepting_twice_gives_the_same_appointment(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)

    first, second = accept(db, offer), accept(db, offer, NOW + timedelta(days=1))

    assert first.id == second.id
    assert second.version == 2


@pytest.mark.parametrize("late", [timedelta(0), timedelta(minutes=1)])
def test_a_late_click_is_told_that_the_offer_has_ended(db: Session, clinic: Clinic, late: timedelta) -> None:
    entry = wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)

    with pytest.raises(OfferClosed, match="You keep your appointment and your place"):
        accept(db, offer, offer.answer_until + late)

    assert db.get_one(Appointment, entry.appointment_id).starts_at == LATER


def test_an_offer_can_be_accepted_to_its_last_moment(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)

    taken = accept(db, offer, offer.answer_until - timedelta(microseconds=1))

    assert taken.starts_at == SOON


def test_an_offer_that_does_not_exist_has_ended(db: Session, clinic: Clinic) -> None:
    with pytest.raises(OfferClosed):
        answers.accept(db, 987_654_321, by=PATIENT, now=NOW)


# --- Declining, and no answer -----------------------------------------------------------------------------------------


def decline(db: Session, offer: Offer, now: datetime = NOW) -> None:
    assert offer.id is not None
    answers.decline(db, offer.id, by=PATIENT, now=now)


def test_a_declined_time_goes_on_to_the_next(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, created_at=NOW - timedelta(days=9))
    behind = wait(db, clinic, LATER + timedelta(hours=1), clinic.bob)
    freed = free_up(db, clinic)

    decline(db, the_offer(db))
    settle(db, NOW)

    assert (the_offer(db).entry_id, the_offer(db).freed_time_id) == (behind.id, freed.id)


def test_a_decline_keeps_appointment_and_place(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    free_up(db, clinic)

    decline(db, the_offer(db))

    assert entry.status is EntryStatus.waiting
    assert db.get_one(Appointment, entry.appointment_id).starts_at == LATER


def test_declining_twice_is_fine(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)

    decline(db, offer)
    decline(db, offer)

    assert offer.status is OfferStatus.declined


def test_an_accepted_offer_cannot_be_declined(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)
    accept(db, offer)

    with pytest.raises(OfferClosed):
        decline(db, offer)


def test_an_offer_without_an_answer_ends_and_goes_on_to_the_next(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic, created_at=NOW - timedelta(days=9))
    behind = wait(db, clinic, LATER + timedelta(hours=1), clinic.bob)
    free_up(db, clinic)
    first = the_offer(db)

    settle(db, first.answer_until)

    assert first.status is OfferStatus.expired
    assert the_offer(db).entry_id == behind.id
    assert entry.status is EntryStatus.waiting


def test_an_offer_does_not_end_before_its_minute(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)

    settle(db, offer.answer_until - timedelta(seconds=1))

    assert offer.status is OfferStatus.open
    assert not is_listed(db, clinic)


@pytest.mark.parametrize("answer", ["declined", "expired"])
def test_nobody_is_asked_twice_for_the_same_freed_time(db: Session, clinic: Clinic, answer: str) -> None:
    wait(db, clinic)
    freed = free_up(db, clinic)
    offer = the_offer(db)
    if answer == "declined":
        decline(db, offer)

    settle(db, offer.answer_until)
    settle(db, offer.answer_until + timedelta(hours=1))

    assert open_offers(db) == []
    assert freed.status is FreedStatus.open
    assert is_listed(db, clinic)


def test_leaving_the_list_and_joining_again_is_no_second_chance_for_the_same_time(db: Session, clinic: Clinic) -> None:
    own = db.get_one(Appointment, wait(db, clinic).appointment_id)
    free_up(db, clinic)
    decline(db, the_offer(db))

    waitlist.leave(db, own.id or 0, by=PATIENT, now=NOW)
    waitlist.join(db, own, waitlist.Wish(), by=PATIENT, now=NOW)
    settle(db, NOW + timedelta(hours=1))

    assert open_offers(db) == []


def test_who_waits_for_two_visits_is_asked_once_for_the_same_time(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    wait(db, clinic, LATER + timedelta(days=3))
    free_up(db, clinic)
    decline(db, the_offer(db))

    settle(db, NOW + timedelta(hours=1))

    assert open_offers(db) == []


def test_time_that_is_freed_again_later_is_a_new_one(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    first = free_up(db, clinic)
    decline(db, the_offer(db))
    booked = booking.book_at_desk(db, clinic.okafor, clinic.visit_type, SOON, CHARLIE, by=clinic.desk, now=NOW)
    settle(db, NOW + timedelta(hours=1))

    changes.cancel(db, booked, by=clinic.desk, now=NOW + timedelta(hours=2))
    settle(db, NOW + timedelta(hours=2))

    assert first.status is FreedStatus.gone
    assert the_offer(db).entry_id == entry.id


# --- Taken away -------------------------------------------------------------------------------------------------------


def test_the_desk_takes_a_time_that_is_on_offer_and_the_patient_is_told(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    freed = free_up(db, clinic)
    offer = the_offer(db)

    booked = booking.book_at_desk(db, clinic.okafor, clinic.visit_type, SOON, CHARLIE, by=clinic.desk, now=NOW)

    db.refresh(offer)
    assert (booked.status, offer.status) == (AppointmentStatus.booked, OfferStatus.withdrawn)
    assert entry.status is EntryStatus.waiting
    assert [mail.kind for mail in inbox(db, to="alice@example.com")] == ["offer.made", "offer.withdrawn"]
    settle(db, NOW)
    assert freed.status is FreedStatus.gone


def test_a_desk_booking_that_only_touches_the_offered_time_leaves_the_offer(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)

    booking.book_at_desk(
        db, clinic.okafor, clinic.visit_type, SOON + timedelta(minutes=30), CHARLIE, by=clinic.desk, now=NOW
    )

    assert len(open_offers(db)) == 1


def test_an_offer_stays_when_the_desk_cannot_have_the_time(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    free_up(db, clinic)
    make_appointment(db, clinic, SOON + timedelta(minutes=30), clinic.bob)

    with pytest.raises(SlotTaken):
        in_transaction(
            booking.book_at_desk,
            clinic.okafor,
            clinic.visit_type,
            SOON + timedelta(minutes=10),
            CHARLIE,
            by=clinic.desk,
            now=NOW,
        )

    db.expire_all()
    assert len(open_offers(db)) == 1


def test_a_patient_cannot_take_an_offered_time_from_another(db: Session, clinic: Clinic) -> None:
    with pytest.raises(NotAllowed):
        withdrawals.withdraw_offers_over(db, clinic.okafor.id or 0, SOON, LATER, by=PATIENT, now=NOW)


def test_a_cancelled_appointment_closes_the_offer_made_for_it(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    behind = wait(db, clinic, LATER + timedelta(hours=1), clinic.bob, created_at=NOW)
    free_up(db, clinic)
    offer = the_offer(db)

    changes.cancel(db, db.get_one(Appointment, entry.appointment_id), by=PATIENT, now=NOW)

    db.refresh(entry)
    assert (offer.status, entry.status) == (OfferStatus.withdrawn, EntryStatus.withdrawn)
    settle(db, NOW)
    assert the_offer(db).entry_id == behind.id


def test_leaving_the_list_closes_the_offer(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)

    waitlist.leave(db, entry.appointment_id or 0, by=PATIENT, now=NOW)

    assert offer.status is OfferStatus.withdrawn
    assert is_listed(db, clinic)


def test_moving_the_appointment_closes_the_offer_made_for_it(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)
    own = db.get_one(Appointment, entry.appointment_id)

    changes.move_by_patient(db, own, clinic.okafor, LATER - timedelta(days=2), now=NOW)

    assert offer.status is OfferStatus.withdrawn
    assert entry.status is EntryStatus.waiting


def test_who_moved_to_before_the_offered_time_cannot_accept_it_any_more(db: Session, clinic: Clinic) -> None:
    entry = wait(db, clinic)
    free_up(db, clinic)
    offer = the_offer(db)
    own = db.get_one(Appointment, entry.appointment_id)
    own.starts_at, own.ends_at, own.busy_until = (
        moment - timedelta(days=16) for moment in (own.starts_at, own.ends_at, own.busy_until)
    )
    db.flush()

    with pytest.raises(OfferClosed):
        accept(db, offer)


def test_time_that_the_public_took_first_is_gone(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)
    make_appointment(db, clinic, SOON, clinic.bob)
    wait(db, clinic)

    settle(db, NOW + offers.LOOK_AGAIN)

    assert open_offers(db) == []
    assert freed.status is FreedStatus.gone


def test_time_that_somebody_only_holds_is_offered_when_she_lets_it_go(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)
    held = booking.hold(db, clinic.okafor, clinic.visit_type, SOON, visit=digest("a browser"), now=NOW)
    entry = wait(db, clinic)

    settle(db, NOW + offers.LOOK_AGAIN)
    during = open_offers(db)
    settle(db, held.held_until)

    assert during == []
    assert (the_offer(db).entry_id, freed.status) == (entry.id, FreedStatus.offered)


def test_time_in_which_the_doctor_no_longer_works_is_gone(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, created_at=NOW)
    booked = make_appointment(db, clinic, SOON, make_patient(db))
    absence = TimeOff(doctor_id=clinic.okafor.id, starts_at=at("2026-03-05 00:00"), ends_at=at("2026-03-06 00:00"))
    schedules.add_time_off(db, absence, now=NOW)

    changes.cancel(db, booked, by=clinic.desk, now=NOW)
    settle(db, NOW)

    assert open_offers(db) == []
    assert db.exec(select(FreedTime)).one().status is FreedStatus.gone


def test_time_that_nobody_took_is_gone_when_it_comes(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)

    settle(db, SOON)

    assert freed.status is FreedStatus.gone


def test_everything_about_a_freed_time_is_one_trail(db: Session, clinic: Clinic) -> None:
    wait(db, clinic, created_at=NOW - timedelta(days=9))
    wait(db, clinic, LATER + timedelta(hours=1), clinic.bob, created_at=NOW - timedelta(days=8))
    wait(db, clinic, LATER + timedelta(hours=2), make_patient(db, "Dora Dunkel", "dora@example.com"))

    freed = free_up(db, clinic)
    decline(db, the_offer(db))
    settle(db, NOW)
    settle(db, the_offer(db).answer_until)
    accept(db, the_offer(db), NOW + timedelta(hours=3))

    assert trail(db, freed) == [
        "time.freed",
        "offer.made",
        "offer.declined",
        "offer.made",
        "offer.expired",
        "offer.made",
        "offer.accepted",
        "time.filled",
    ]


def test_a_time_is_offered_to_one_person_at_once(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, wait(db, clinic), SOON)
    wait(db, clinic, LATER + timedelta(hours=1), clinic.bob)

    offers.offer_freed_time(db, offer.freed_time_id, NOW)

    assert open_offers(db) == [offer]
