"""The life of an appointment, from the hold of a form to the visit."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlmodel import Session, select

from medcal.db import fetch_one, in_transaction
from medcal.errors import (
    ChangedMeanwhile,
    HoldExpired,
    Invalid,
    InvalidForm,
    MedcalError,
    NotAllowed,
    NotFound,
    NotOffered,
    NotPossibleNow,
    SlotTaken,
    TooLate,
)
from medcal.models import Appointment, AppointmentStatus, Doctor, Event, FreedTime, TimeOff, WaitlistEntry
from medcal.security import PATIENT, Actor, Role, digest
from medcal.services import booking, changes, schedules
from medcal.services.availability import list_free
from medcal.services.booking import Details, Held
from medcal.services.patients import BookerDetails, Person
from medcal.services.waitlist import Wish
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    add_hours,
    make_appointment,
    make_doctor,
    make_entry,
    make_offer,
    make_specialty,
    make_user,
    make_visit_type,
)
from tests.support.inbox import inbox
from tests.support.times import at

MINE, THINE = digest("my browser"), digest("another browser")
ALICE = Person("Alice Adler", date(1984, 2, 29), "alice@example.com", None)
CHARLIE = Person("Charlie Czerny", date(1990, 1, 1), "charlie@example.com", None)
TUESDAY_NINE = at("2026-03-03 09:00")
TUESDAY_TEN = at("2026-03-03 10:00")


def hold(
    db: Session, clinic: Clinic, starts_at: datetime = TUESDAY_NINE, visit: str = MINE, now: datetime = NOW
) -> Held:
    return booking.hold(db, clinic.okafor, clinic.visit_type, starts_at, visit=visit, now=now)


def confirm(
    db: Session, held: Held, person: Person = ALICE, visit: str = MINE, now: datetime = NOW, **form: object
) -> Appointment:
    booked = booking.confirm(db, held.ref, Details(person, **form), visit=visit, now=now)  # type: ignore[arg-type]
    return db.get_one(Appointment, booked, populate_existing=True)


def book(
    db: Session, clinic: Clinic, starts_at: datetime = TUESDAY_NINE, person: Person = CHARLIE, **how: object
) -> Appointment:
    how = {"by": clinic.desk, "now": NOW} | how
    return booking.book_at_desk(db, how.pop("doctor", clinic.okafor), clinic.visit_type, starts_at, person, **how)  # type: ignore[arg-type]


def is_listed(
    db: Session, clinic: Clinic, starts_at: datetime, now: datetime = NOW, doctor: Doctor | None = None
) -> bool:
    free = list_free(db, (doctor or clinic.okafor).id or 0, clinic.visit_type, date(2026, 3, 1), 84, now=now)
    return starts_at in {time.starts_at for time in free}


def doctors_account(db: Session, doctor: Doctor) -> Actor:
    return actor(make_user(db, doctor.name.removeprefix("Dr. "), Role.doctor, doctor_id=doctor.id))


def history(db: Session, appointment: Appointment) -> list[str]:
    return list(db.exec(select(Event.kind).where(Event.appointment_id == appointment.id).order_by(Event.id)))  # type: ignore[arg-type]


# --- Holding ----------------------------------------------------------------------------------------------------------


def test_a_chosen_time_is_kept_for_ten_minutes(db: Session, clinic: Clinic) -> None:
    held = hold(db, clinic)

    assert held.starts_at == TUESDAY_NINE
    assert held.held_until == NOW + timedelta(minutes=10)


def test_a_held_time_is_not_offered_to_others(db: Session, clinic: Clinic) -> None:
    hold(db, clinic)

    assert not is_listed(db, clinic, TUESDAY_NINE)
    with pytest.raises(SlotTaken, match="Somebody was faster"):
        hold(db, clinic, visit=THINE)


def test_choosing_another_time_lets_the_first_go(db: Session, clinic: Clinic) -> None:
    hold(db, clinic, TUESDAY_NINE)

    hold(db, clinic, TUESDAY_TEN)

    assert is_listed(db, clinic, TUESDAY_NINE)
    assert not is_listed(db, clinic, TUESDAY_TEN)


def test_choosing_the_same_time_again_keeps_it_longer(db: Session, clinic: Clinic) -> None:
    hold(db, clinic)

    again = hold(db, clinic, now=NOW + timedelta(minutes=4))

    assert again.held_until == NOW + timedelta(minutes=14)


def test_a_browser_keeps_its_time_when_the_next_one_is_taken(db: Session, clinic: Clinic) -> None:
    held = hold(db, clinic, TUESDAY_NINE)
    make_appointment(db, clinic, TUESDAY_TEN)

    with pytest.raises(SlotTaken):
        in_transaction(hold, clinic, TUESDAY_TEN)

    assert confirm(db, held).status is AppointmentStatus.booked


def test_a_time_that_is_let_go_is_free_at_once(db: Session, clinic: Clinic) -> None:
    hold(db, clinic)

    booking.let_go(db, visit=MINE, now=NOW)

    assert is_listed(db, clinic, TUESDAY_NINE)


def test_letting_go_touches_nobody_elses_time(db: Session, clinic: Clinic) -> None:
    hold(db, clinic, visit=THINE)

    booking.let_go(db, visit=MINE, now=NOW)

    assert not is_listed(db, clinic, TUESDAY_NINE)


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-03 09:10",  # between two steps
        "2026-03-03 07:30",  # before the doctor comes
        "2026-03-03 16:00",  # when she goes
        "2026-03-03 02:00",  # at night
        "2026-03-08 10:00",  # a Sunday
        "2026-03-02 09:00",  # gone by
        "2026-03-02 11:30",  # less than two hours from now
        "1999-01-01 10:00",
        "2026-08-03 10:00",  # beyond what is planned
    ],
)
def test_a_time_that_was_never_offered_is_refused(db: Session, clinic: Clinic, moment: str) -> None:
    with pytest.raises(NotOffered):
        hold(db, clinic, at(moment))

    assert db.exec(select(Appointment)).all() == []


def test_a_taken_time_is_refused_with_a_kind_sentence(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, TUESDAY_NINE)

    with pytest.raises(SlotTaken, match="Please choose another"):
        hold(db, clinic)


def test_a_visit_of_another_specialty_is_refused(db: Session, clinic: Clinic) -> None:
    dentistry = make_specialty(db, slug="dentistry", name="Dentistry")

    with pytest.raises(NotOffered):
        booking.hold(db, clinic.okafor, make_visit_type(db, dentistry), TUESDAY_NINE, visit=MINE, now=NOW)


def test_a_visit_that_is_no_longer_offered_is_refused(db: Session, clinic: Clinic) -> None:
    clinic.visit_type.is_active = False

    with pytest.raises(NotOffered):
        hold(db, clinic)


def test_a_doctor_who_has_left_is_neither_listed_nor_booked(db: Session, clinic: Clinic) -> None:
    clinic.okafor.is_active = False
    db.flush()

    assert not is_listed(db, clinic, TUESDAY_NINE)
    with pytest.raises(NotOffered):
        hold(db, clinic)


def test_a_buffer_keeps_the_time_after_the_visit_free(db: Session, clinic: Clinic) -> None:
    clinic.visit_type.buffer_minutes = 10
    db.flush()

    hold(db, clinic)

    assert not is_listed(db, clinic, at("2026-03-03 08:30"))
    assert not is_listed(db, clinic, at("2026-03-03 09:30"))
    assert is_listed(db, clinic, at("2026-03-03 08:00"))


def test_a_long_visit_is_offered_where_it_ends_before_closing(db: Session, clinic: Clinic) -> None:
    long = make_visit_type(db, clinic.specialty, length_minutes=90)

    free = list_free(db, clinic.okafor.id or 0, long, date(2026, 3, 3), 1, now=NOW)

    assert free[-1].starts_at == at("2026-03-03 14:30")


# --- Confirming -------------------------------------------------------------------------------------------------------


def test_confirming_a_held_time_books_it(db: Session, clinic: Clinic) -> None:
    booked = confirm(db, hold(db, clinic), reason="Check-up", request="I use a wheelchair.")

    assert booked.status is AppointmentStatus.booked
    assert (booked.patient_id, booked.booked_at, booked.held_until) == (clinic.alice.id, NOW, None)
    assert (booked.reason, booked.request) == ("Check-up", "I use a wheelchair.")
    assert [mail.to for mail in inbox(db, kind="appointment.booked")] == ["alice@example.com"]
    assert history(db, booked) == ["appointment.held", "appointment.booked"]


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
def test_an_expired_hold_cannot_be_confirmed(db: Session, clinic: Clinic, late: timedelta) -> None:
    held = hold(db, clinic)

    with pytest.raises(HoldExpired, match="your details are still here"):
        confirm(db, held, now=held.held_until + late)


def test_a_hold_can_be_confirmed_to_its_last_moment(db: Session, clinic: Clinic) -> None:
    held = hold(db, clinic)

    booked = confirm(db, held, now=held.held_until - timedelta(microseconds=1))

    assert booked.status is AppointmentStatus.booked


def test_an_expired_hold_does_not_block_a_booking(db: Session, clinic: Clinic) -> None:
    first = hold(db, clinic)

    second = hold(db, clinic, visit=THINE, now=first.held_until)

    assert confirm(db, second, CHARLIE, THINE, first.held_until).status is AppointmentStatus.booked
    with pytest.raises(HoldExpired):
        confirm(db, first, now=first.held_until)


def test_an_expired_hold_does_not_block_the_desk(db: Session, clinic: Clinic) -> None:
    held = hold(db, clinic)

    booked = book(db, clinic, now=held.held_until)

    assert booked.status is AppointmentStatus.booked


def test_an_expired_hold_does_not_block_a_move(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"))
    held = hold(db, clinic)

    changes.move_by_patient(db, mine, clinic.okafor, TUESDAY_NINE, now=held.held_until)

    assert mine.starts_at == TUESDAY_NINE


def test_the_same_form_sent_twice_gives_one_appointment(db: Session, clinic: Clinic) -> None:
    held = hold(db, clinic)

    first, second = confirm(db, held), confirm(db, held)

    assert first.id == second.id
    assert len(inbox(db)) == 1


def test_another_browser_cannot_confirm_a_hold(db: Session, clinic: Clinic) -> None:
    held = hold(db, clinic)

    with pytest.raises(NotFound):
        confirm(db, held, visit=THINE)


def test_the_hold_of_an_offer_is_nothing_that_a_form_could_confirm(db: Session, clinic: Clinic) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), TUESDAY_NINE)
    ref = db.get_one(Appointment, offer.hold_id).ref

    with pytest.raises(NotFound):
        booking.confirm(db, ref, Details(CHARLIE), visit=MINE, now=NOW)


def test_a_reason_comes_from_the_list_of_the_specialty(db: Session, clinic: Clinic) -> None:
    with pytest.raises(Invalid) as refusal:
        confirm(db, hold(db, clinic), reason="Tooth ache")

    assert refusal.value.field == "reason"


def test_who_books_for_somebody_gets_the_messages(db: Session, clinic: Clinic) -> None:
    booked = confirm(db, hold(db, clinic), CHARLIE, booker=BookerDetails("Dana Czerny", "dana@example.com", None))

    assert booked.booker_id is not None
    assert [mail.to for mail in inbox(db)] == ["dana@example.com"]


def test_a_patient_can_ask_for_something_earlier_while_booking(db: Session, clinic: Clinic) -> None:
    booked = confirm(db, hold(db, clinic, at("2026-03-20 09:00")), earlier=Wish(any_doctor=False, weekdays=(0, 1)))

    entry = db.exec(select(WaitlistEntry)).one()
    assert (entry.appointment_id, entry.doctor_id, entry.weekdays) == (booked.id, clinic.okafor.id, [0, 1])


def test_somebody_known_is_not_written_down_twice(db: Session, clinic: Clinic) -> None:
    person = Person("ALICE ADLER", date(1984, 2, 29), "alice@example.com", "+4315550201")

    booked = confirm(db, hold(db, clinic), person)

    assert booked.patient_id == clinic.alice.id


def test_a_family_may_share_an_address(db: Session, clinic: Clinic) -> None:
    child = Person("Ada Adler", date(2019, 5, 5), "alice@example.com", None)

    booked = confirm(db, hold(db, clinic), child)

    assert booked.patient_id != clinic.alice.id


# --- The desk ---------------------------------------------------------------------------------------------------------


def test_the_desk_books_at_any_minute_of_the_hours(db: Session, clinic: Clinic) -> None:
    booked = book(db, clinic, at("2026-03-03 09:10"))

    assert (booked.status, booked.starts_at) == (AppointmentStatus.booked, at("2026-03-03 09:10"))
    assert [mail.to for mail in inbox(db)] == ["charlie@example.com"]


def test_the_desk_books_where_the_last_step_of_the_day_leaves_time(db: Session, clinic: Clinic) -> None:
    # Steps of 50 minutes leave the last half hour before closing without an opening.
    doctor = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst", has_hours=False)
    add_hours(db, doctor, 1, opens=time(8), closes=time(11), raster_minutes=50)
    schedules.write_openings(db, doctor.id or 0, now=NOW)

    booked = book(db, clinic, at("2026-03-03 10:30"), doctor=doctor)

    assert booked.status is AppointmentStatus.booked


@pytest.mark.parametrize("moment", ["2026-03-03 07:30", "2026-03-03 15:45", "2026-03-08 10:00", "2026-03-02 09:40"])
def test_the_desk_needs_a_reason_outside_the_hours_or_in_the_past(db: Session, clinic: Clinic, moment: str) -> None:
    with pytest.raises(NotOffered, match="give a reason"):
        book(db, clinic, at(moment))

    booked = book(db, clinic, at(moment), overbook_reason="Chest pain")

    assert (booked.overbooked_by_id, booked.overbooked_reason) == (clinic.sam.id, "Chest pain")


def test_the_desk_books_somebody_who_has_just_walked_in(db: Session, clinic: Clinic) -> None:
    booked = book(db, clinic, NOW - timedelta(minutes=10))

    assert booked.status is AppointmentStatus.booked


def test_the_desk_needs_a_reason_for_a_taken_time(db: Session, clinic: Clinic) -> None:
    first = make_appointment(db, clinic, TUESDAY_NINE)

    with pytest.raises(SlotTaken):
        book(db, clinic, at("2026-03-03 09:10"))
    second = book(db, clinic, at("2026-03-03 09:10"), overbook_reason="Chest pain")

    assert first.is_live
    assert second.is_live


def test_an_overbooked_time_is_still_taken_for_the_public(db: Session, clinic: Clinic) -> None:
    book(db, clinic, TUESDAY_NINE, overbook_reason="Chest pain")

    assert not is_listed(db, clinic, TUESDAY_NINE)
    with pytest.raises(SlotTaken):
        hold(db, clinic)


def test_a_doctor_books_in_her_own_calendar_only(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")

    book(db, clinic, by=doctors_account(db, clinic.okafor))

    with pytest.raises(NotAllowed):
        book(db, clinic, TUESDAY_TEN, by=doctors_account(db, other))


def test_a_patient_does_not_book_at_the_desk(db: Session, clinic: Clinic) -> None:
    with pytest.raises(NotAllowed):
        book(db, clinic, by=PATIENT, overbook_reason="I am in a hurry")


def test_appointments_stay_when_the_doctor_takes_time_off(db: Session, clinic: Clinic) -> None:
    booked = make_appointment(db, clinic, TUESDAY_NINE)

    absence = TimeOff(doctor_id=clinic.okafor.id, starts_at=at("2026-03-03 08:00"), ends_at=at("2026-03-03 12:00"))
    schedules.add_time_off(db, absence, now=NOW)

    assert booked.status is AppointmentStatus.booked
    assert not is_listed(db, clinic, TUESDAY_TEN)


# --- Moving -----------------------------------------------------------------------------------------------------------


def move(db: Session, clinic: Clinic, appointment: Appointment, starts_at: datetime, **how: object) -> None:
    how = {"by": clinic.desk, "now": NOW, "version": appointment.version} | how
    changes.move_at_desk(db, appointment, how.pop("doctor", clinic.okafor), starts_at, **how)  # type: ignore[arg-type]


def test_the_desk_moves_an_appointment_and_the_patient_is_told(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE, confirmed_at=NOW)

    move(db, clinic, mine, TUESDAY_TEN)

    assert (mine.starts_at, mine.ends_at) == (TUESDAY_TEN, TUESDAY_TEN + timedelta(minutes=30))
    assert (mine.version, mine.confirmed_at, mine.status) == (2, None, AppointmentStatus.booked)
    assert is_listed(db, clinic, TUESDAY_NINE)
    assert not is_listed(db, clinic, TUESDAY_TEN)
    assert [mail.kind for mail in inbox(db, to="alice@example.com")] == ["appointment.moved"]


def test_the_time_it_leaves_is_offered_on(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    move(db, clinic, mine, TUESDAY_TEN)

    freed = db.exec(select(FreedTime)).one()
    assert (freed.starts_at, freed.cause, freed.freed_by_id) == (TUESDAY_NINE, "moved", mine.id)


def test_an_appointment_moves_to_another_doctor_of_the_specialty(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    schedules.extend_openings(db, NOW)
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    move(db, clinic, mine, TUESDAY_NINE, doctor=other)

    assert mine.doctor_id == other.id
    assert is_listed(db, clinic, TUESDAY_NINE)
    assert not is_listed(db, clinic, TUESDAY_NINE, doctor=other)


def test_an_appointment_does_not_move_to_another_specialty(db: Session, clinic: Clinic) -> None:
    dentist = make_doctor(db, clinic.location, make_specialty(db, slug="dentistry", name="Dentistry"), "Dr. Eva Ernst")
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    with pytest.raises(NotOffered):
        move(db, clinic, mine, TUESDAY_TEN, doctor=dentist)


def test_dropping_an_appointment_where_it_was_does_nothing(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    move(db, clinic, mine, TUESDAY_NINE)

    assert mine.version == 1
    assert inbox(db) == []


def test_the_desk_that_sees_an_old_state_is_told(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)
    move(db, clinic, mine, TUESDAY_TEN)

    with pytest.raises(ChangedMeanwhile):
        move(db, clinic, mine, at("2026-03-03 11:00"), version=1)


def test_an_appointment_stays_when_the_new_time_is_taken(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)
    make_appointment(db, clinic, TUESDAY_TEN, clinic.bob)

    with pytest.raises(SlotTaken):
        in_transaction(lambda own: move(own, clinic, own.get_one(Appointment, mine.id), at("2026-03-03 09:40")))

    db.refresh(mine)
    assert (mine.starts_at, mine.version) == (TUESDAY_NINE, 1)
    assert inbox(db) == []


def test_a_move_onto_a_taken_time_needs_a_reason(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)
    make_appointment(db, clinic, TUESDAY_TEN, clinic.bob)

    move(db, clinic, mine, TUESDAY_TEN, overbook_reason="Chest pain")

    assert (mine.starts_at, mine.overbooked_reason) == (TUESDAY_TEN, "Chest pain")


def test_an_overbooked_appointment_that_moves_to_a_free_time_is_an_ordinary_one(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, TUESDAY_NINE, clinic.bob)
    mine = book(db, clinic, TUESDAY_NINE, overbook_reason="Chest pain")

    move(db, clinic, mine, TUESDAY_TEN)

    assert mine.overbooked_by_id is None


def test_a_doctor_moves_neither_from_nor_to_another_calendar(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    schedules.extend_openings(db, NOW)
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    with pytest.raises(NotAllowed):
        move(db, clinic, mine, TUESDAY_TEN, by=doctors_account(db, other), doctor=other)
    with pytest.raises(NotAllowed):
        move(db, clinic, mine, TUESDAY_TEN, by=doctors_account(db, clinic.okafor), doctor=other)


@pytest.mark.parametrize("status", ["cancelled", "arrived", "fulfilled", "no_show"])
def test_only_what_is_booked_can_be_moved(db: Session, clinic: Clinic, status: str) -> None:
    columns = {"status": AppointmentStatus(status), "cancelled_at": NOW if status == "cancelled" else None}
    mine = make_appointment(db, clinic, TUESDAY_NINE, **columns)

    with pytest.raises(NotPossibleNow):
        move(db, clinic, mine, TUESDAY_TEN)
    with pytest.raises(NotPossibleNow):
        changes.move_by_patient(db, mine, clinic.okafor, TUESDAY_TEN, now=NOW)


def test_a_patient_moves_to_another_listed_time(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"))

    changes.move_by_patient(db, mine, clinic.okafor, TUESDAY_NINE, now=NOW)

    assert (mine.starts_at, mine.version) == (TUESDAY_NINE, 2)


def test_a_patient_moves_to_no_time_that_is_not_listed(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"))
    make_appointment(db, clinic, TUESDAY_TEN, clinic.bob)

    with pytest.raises(NotOffered):
        changes.move_by_patient(db, mine, clinic.okafor, at("2026-03-08 10:00"), now=NOW)
    with pytest.raises(SlotTaken):
        changes.move_by_patient(db, mine, clinic.okafor, TUESDAY_TEN, now=NOW)


def test_a_patient_moves_to_no_doctor_who_has_left(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"))
    left = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    schedules.extend_openings(db, NOW)
    left.is_active = False
    db.flush()

    with pytest.raises(NotOffered):
        changes.move_by_patient(db, mine, left, TUESDAY_NINE, now=NOW)


def test_a_late_move_is_refused_with_the_phone_number(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    with pytest.raises(TooLate, match=r"\+43 1 555 0100"):
        changes.move_by_patient(db, mine, clinic.okafor, TUESDAY_TEN, now=NOW)


# --- Cancelling -------------------------------------------------------------------------------------------------------


def cancel(db: Session, appointment: Appointment, by: Actor = PATIENT, now: datetime = NOW, reason: str = "") -> None:
    changes.cancel(db, appointment, reason=reason, by=by, now=now)


def test_a_cancelled_time_is_free_at_once_and_stays_in_the_history(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"))

    cancel(db, mine, reason="I am well again.")

    assert (mine.status, mine.cancelled_at, mine.cancelled_by) == (AppointmentStatus.cancelled, NOW, "patient")
    assert (mine.cancel_reason, mine.is_late_cancellation) == ("I am well again.", False)
    assert is_listed(db, clinic, at("2026-03-10 09:00"))
    assert [mail.kind for mail in inbox(db)] == ["appointment.cancelled"]


def test_a_reason_shows_what_it_says_and_is_refused_rather_than_cut(db: Session, clinic: Clinic) -> None:
    mine, other = (make_appointment(db, clinic, at(f"2026-03-10 {hour}:00")) for hour in ("09", "10"))

    cancel(db, mine, reason=" \u202eI am well.\x07 ")
    assert mine.cancel_reason == "I am well."

    with pytest.raises(Invalid):
        cancel(db, other, reason="x" * 301)
    assert other.status is AppointmentStatus.booked


def test_cancelling_twice_does_nothing_more(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"))
    cancel(db, mine)

    cancel(db, mine, now=NOW + timedelta(minutes=1))

    assert mine.cancelled_at == NOW
    assert len(inbox(db)) == len(db.exec(select(FreedTime)).all()) == 1


def test_a_late_cancellation_is_refused_with_the_phone_number(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    with pytest.raises(TooLate, match=r"\+43 1 555 0100"):
        cancel(db, mine)


def test_a_patient_may_cancel_to_the_very_deadline(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_TEN)

    cancel(db, mine, now=TUESDAY_TEN - timedelta(hours=24))

    assert (mine.status, mine.is_late_cancellation) == (AppointmentStatus.cancelled, False)


def test_the_desk_cancels_late_and_that_is_noted(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    cancel(db, mine, by=clinic.desk)

    assert (mine.cancelled_by, mine.is_late_cancellation) == ("staff", True)


@pytest.mark.parametrize("status", ["held", "released", "arrived", "fulfilled", "no_show"])
def test_only_what_is_booked_can_be_cancelled(db: Session, clinic: Clinic, status: str) -> None:
    held_until = NOW + timedelta(minutes=10) if status == "held" else None
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"), status=AppointmentStatus(status), held_until=held_until)

    with pytest.raises(NotPossibleNow):
        cancel(db, mine, by=clinic.desk)


def test_a_doctor_cancels_in_her_own_calendar_only(db: Session, clinic: Clinic) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    mine = make_appointment(db, clinic, at("2026-03-10 09:00"))

    with pytest.raises(NotAllowed):
        cancel(db, mine, by=doctors_account(db, other))
    cancel(db, mine, by=doctors_account(db, clinic.okafor))

    assert mine.status is AppointmentStatus.cancelled


def test_a_time_that_is_over_is_not_offered_on(db: Session, clinic: Clinic) -> None:
    cancel(db, make_appointment(db, clinic, at("2026-03-02 08:00")), by=clinic.desk)

    assert db.exec(select(FreedTime)).all() == []


# --- The day of the visit ---------------------------------------------------------------------------------------------


def test_a_patient_says_that_she_will_come_as_often_as_she_likes(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    booking.confirm_coming(db, mine, now=NOW)
    booking.confirm_coming(db, mine, now=NOW + timedelta(minutes=1))

    assert mine.confirmed_at == NOW
    assert history(db, mine) == ["appointment.confirmed"]


def test_nobody_comes_to_a_cancelled_appointment(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE, status=AppointmentStatus.cancelled, cancelled_at=NOW)

    with pytest.raises(NotPossibleNow):
        booking.confirm_coming(db, mine, now=NOW)


def test_a_visit_goes_from_booked_over_arrived_to_fulfilled(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    booking.check_in(db, mine, by=clinic.desk, now=TUESDAY_NINE)
    booking.finish(db, mine, by=clinic.desk, now=TUESDAY_TEN)

    assert (mine.status, mine.version) == (AppointmentStatus.fulfilled, 3)
    assert history(db, mine) == ["appointment.arrived", "appointment.fulfilled"]


def test_of_two_desks_that_check_in_the_second_is_told(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)
    booking.check_in(db, mine, by=clinic.desk, now=TUESDAY_NINE)

    with pytest.raises(NotPossibleNow):
        booking.check_in(db, mine, by=clinic.desk, now=TUESDAY_NINE)


@pytest.mark.parametrize("step", [booking.check_in, booking.mark_no_show])
def test_only_those_who_see_the_calendar_change_the_day(db: Session, clinic: Clinic, step: object) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    for nobody in (PATIENT, doctors_account(db, other)):
        with pytest.raises(NotAllowed):
            step(db, mine, by=nobody, now=TUESDAY_TEN)  # type: ignore[operator]


def test_nobody_is_missing_before_the_visit_begins(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)

    with pytest.raises(NotPossibleNow, match="not begun"):
        booking.mark_no_show(db, mine, by=clinic.desk, now=TUESDAY_NINE - timedelta(seconds=1))


def test_a_no_show_can_be_taken_back(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)
    booking.mark_no_show(db, mine, by=clinic.desk, now=TUESDAY_NINE)

    booking.undo_no_show(db, mine, by=clinic.desk, now=TUESDAY_NINE)

    assert mine.status is AppointmentStatus.booked


def test_a_no_show_stays_when_her_time_has_been_given_away(db: Session, clinic: Clinic) -> None:
    mine = make_appointment(db, clinic, TUESDAY_NINE)
    booking.mark_no_show(db, mine, by=clinic.desk, now=TUESDAY_NINE)
    book(db, clinic, TUESDAY_NINE, now=TUESDAY_NINE)

    with pytest.raises(SlotTaken):
        in_transaction(
            lambda own: booking.undo_no_show(own, own.get_one(Appointment, mine.id), by=clinic.desk, now=TUESDAY_NINE)
        )

    db.refresh(mine)
    assert mine.status is AppointmentStatus.no_show


def test_every_refusal_says_what_is_so(db: Session, clinic: Clinic) -> None:
    # Those about a form carry the sentence of the field.
    refusals = [kind for kind in MedcalError.__subclasses__() if kind not in (Invalid, InvalidForm)]

    for kind in refusals:
        assert str(kind()).endswith(".")
        assert 400 <= kind.status < 500


def test_the_history_names_nobody(db: Session, clinic: Clinic) -> None:
    mine = confirm(db, hold(db, clinic, at("2026-03-10 09:00")), reason="Check-up", request="A secret request")
    move(db, clinic, mine, TUESDAY_NINE)
    cancel(db, mine, by=clinic.desk, reason="A secret reason")

    row = fetch_one(db, "SELECT string_agg(to_jsonb(e)::text, ' ') AS written FROM event e")

    assert row is not None
    assert not [word for word in ("Alice", "Adler", "alice@", "Check-up", "secret") if word in row.written]
