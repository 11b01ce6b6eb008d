"""The desk's view of the days: everything that stands in them, and nothing that is not the reader's."""

import uuid
from datetime import date, time, timedelta

import pytest
from sqlmodel import Session

from medcal.errors import NotAllowed, NotFound
from medcal.models import AppointmentStatus, Doctor, TimeOff
from medcal.security import PATIENT, SYSTEM, Actor, Role
from medcal.services import appointment_file, booking, changes, day_book, schedules, waitlist
from medcal.services.day_book import Claim, DayBook
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    add,
    add_hours,
    make_appointment,
    make_doctor,
    make_entry,
    make_hold,
    make_location,
    make_offer,
    make_specialty,
    make_user,
)
from tests.support.times import at

TUESDAY = date(2026, 3, 3)


@pytest.fixture
def weber(db: Session, clinic: Clinic) -> Doctor:
    """A second cardiologist."""
    return make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")


def account_of(db: Session, doctor: Doctor) -> Actor:
    return actor(make_user(db, doctor.name.removeprefix("Dr. "), Role.doctor, doctor_id=doctor.id))


def read(db: Session, reader: Actor, day: date = TUESDAY, days: int = 1) -> DayBook:
    return day_book.read_days(db, reader, day_book.doctors_for(db, reader), day, days)


def only_claim(book: DayBook) -> Claim:
    (claim,) = book.claims
    return claim


# --- Who sees what ----------------------------------------------------------------------------------------------------


def test_reception_opens_every_doctors_calendar(db, clinic, weber):
    assert [doctor.name for doctor in day_book.doctors_for(db, clinic.desk)] == ["Dr. Ada Okafor", "Dr. Wanda Weber"]


def test_a_doctor_opens_her_own_calendar_only(db, clinic, weber):
    make_appointment(db, clinic, at("2026-03-03 09:00"))
    make_appointment(db, clinic, at("2026-03-03 10:00"), clinic.bob, doctor=weber)

    book = read(db, account_of(db, weber))

    assert [doctor.name for doctor in book.doctors] == ["Dr. Wanda Weber"]
    assert only_claim(book).patient == "Bob Berger"


def test_a_doctor_does_not_find_somebody_elses_calendar(db, clinic, weber):
    with pytest.raises(NotFound):
        day_book.get_doctor(db, account_of(db, weber), clinic.okafor.ref)


def test_a_doctor_does_not_reach_somebody_elses_patient(db, clinic, weber):
    appointment = make_appointment(db, clinic, at("2026-03-03 09:00"))
    stranger = account_of(db, weber)

    with pytest.raises(NotFound):
        day_book.get_visible(db, stranger, appointment.ref)
    with pytest.raises(NotFound):
        appointment_file.open_file(db, stranger, appointment.ref)


def test_reception_and_the_own_doctor_reach_a_patient(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-03 09:00"))

    for reader in (clinic.desk, account_of(db, clinic.okafor)):
        assert day_book.get_visible(db, reader, appointment.ref) == appointment


def test_what_does_not_exist_is_not_found(db, clinic):
    with pytest.raises(NotFound):
        day_book.get_visible(db, clinic.desk, uuid.uuid4())


@pytest.mark.parametrize("somebody", [PATIENT, SYSTEM], ids=["a patient", "the system"])
def test_nobody_but_the_staff_reads_the_day_book(db, clinic, somebody):
    with pytest.raises(NotAllowed):
        day_book.doctors_for(db, somebody)


def test_a_doctors_account_without_a_doctor_sees_nothing(db, clinic):
    lost = Actor(clinic.desk.kind, id=1, role=Role.doctor, doctor_id=None)

    with pytest.raises(NotAllowed):
        day_book.doctors_for(db, lost)


# --- What stands in a day ---------------------------------------------------------------------------------------------


def test_a_day_shows_appointments_with_their_patients(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-03 09:00"), confirmed_at=NOW)
    make_entry(db, clinic, appointment)

    claim = only_claim(read(db, clinic.desk))

    assert (claim.patient, claim.visit_type, claim.status) == ("Alice Adler", "First visit", AppointmentStatus.booked)
    assert claim.is_confirmed
    assert claim.waits
    assert not claim.is_offer


def test_a_form_being_filled_in_shows_until_when_it_holds(db, clinic):
    until = NOW + timedelta(minutes=10)
    make_hold(db, clinic, at("2026-03-03 09:00"), until)

    claim = only_claim(read(db, clinic.desk))

    assert (claim.held_until, claim.patient, claim.is_offer) == (until, None, False)


def test_an_offer_shows_for_whom_the_time_is_held(db, clinic):
    offer = make_offer(db, clinic, make_entry(db, clinic), at("2026-03-03 09:00"))

    claim = only_claim(read(db, clinic.desk))

    assert claim.is_offer
    assert (claim.patient, claim.answer_until) == ("Alice Adler", offer.answer_until)


def test_a_missed_visit_stays_where_it_was(db, clinic):
    make_appointment(db, clinic, at("2026-03-03 09:00"), status=AppointmentStatus.no_show)

    assert only_claim(read(db, clinic.desk)).status is AppointmentStatus.no_show


def test_what_was_cancelled_or_released_is_gone_from_the_calendar(db, clinic):
    cancelled = {"status": AppointmentStatus.cancelled, "cancelled_at": NOW}
    make_appointment(db, clinic, at("2026-03-03 09:00"), **cancelled)
    make_appointment(db, clinic, at("2026-03-03 10:00"), status=AppointmentStatus.released)

    assert read(db, clinic.desk).claims == ()


def test_overbooking_names_its_reason(db, clinic):
    columns = {"overbooked_by_id": clinic.sam.id, "overbooked_reason": "acute pain"}
    make_appointment(db, clinic, at("2026-03-03 09:00"), **columns)

    assert only_claim(read(db, clinic.desk)).overbooked_reason == "acute pain"


def test_a_visit_that_reaches_into_the_day_belongs_to_it(db, clinic):
    late = make_appointment(db, clinic, at("2026-03-02 23:45"))
    make_appointment(db, clinic, at("2026-03-04 00:00"), clinic.bob)

    assert only_claim(read(db, clinic.desk)).ref == late.ref


def test_shifts_are_the_unbroken_hours_of_the_day(db, clinic):
    """Hours that touch are one shift; an evening after a break is another."""
    add_hours(db, clinic.okafor, 1, opens=time(16), closes=time(17))
    add_hours(db, clinic.okafor, 1, opens=time(18), closes=time(20))

    shifts = read(db, clinic.desk).shifts

    assert [(shift.starts_at, shift.ends_at) for shift in shifts] == [
        (at("2026-03-03 08:00"), at("2026-03-03 17:00")),
        (at("2026-03-03 18:00"), at("2026-03-03 20:00")),
    ]


def test_time_off_and_closures_of_the_house_are_told_apart(db, clinic):
    add(db, TimeOff(doctor_id=clinic.okafor.id, starts_at=at("2026-03-03 09:00"), ends_at=at("2026-03-03 10:00")))
    add(db, TimeOff(location_id=clinic.location.id, starts_at=at("2026-03-03 14:00"), ends_at=at("2026-03-04 00:00")))

    absences = read(db, clinic.desk).absences

    assert [(absence.starts_at, absence.is_closure) for absence in absences] == [
        (at("2026-03-03 09:00"), False),
        (at("2026-03-03 14:00"), True),
    ]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_of_a_clock_change_is_whole(db, clinic, day, hours):
    """Visits in its first and last quarter of an hour belong to it, whatever its length."""
    first = make_appointment(db, clinic, at(f"{day} 00:00"))
    last = make_appointment(db, clinic, at(f"{day} 23:30"), clinic.bob)

    book = read(db, clinic.desk, date.fromisoformat(day))

    assert [claim.ref for claim in book.claims] == [first.ref, last.ref]
    assert book.claims[1].ends_at - book.claims[0].starts_at == timedelta(hours=hours)


# --- Choosing ---------------------------------------------------------------------------------------------------------


def test_a_filter_means_a_doctor_a_specialty_or_a_location(db, clinic, weber):
    skin = make_specialty(db, slug="dermatology", name="Dermatology", practitioner="Dermatologist")
    make_doctor(db, clinic.location, skin, "Dr. Nora Novak")
    doctors = day_book.doctors_for(db, clinic.desk)

    def chosen(ref: uuid.UUID | None) -> list[str]:
        return [doctor.name.split()[-1] for doctor in day_book.choose_doctors(doctors, ref)]

    assert chosen(weber.ref) == ["Weber"]
    assert chosen(clinic.specialty.ref) == ["Okafor", "Weber"]
    assert chosen(clinic.location.ref) == chosen(None) == ["Okafor", "Weber", "Novak"]
    assert chosen(uuid.uuid4()) == []


def test_a_calendar_shows_one_location_hence_one_clock(db, clinic):
    lisbon = make_location(db, slug="lisbon", name="Medcal Clinic Lisbon", zone="Europe/Lisbon")
    make_doctor(db, lisbon, clinic.specialty, "Dr. Rui Reis")
    doctors = day_book.doctors_for(db, clinic.desk)

    assert [doctor.name for doctor in day_book.choose_doctors(doctors, clinic.specialty.ref)] == ["Dr. Ada Okafor"]
    assert [doctor.name for doctor in day_book.choose_doctors(doctors, lisbon.ref)] == ["Dr. Rui Reis"]


@pytest.mark.parametrize(
    ("clicked", "meant"),
    [("09:10", "09:00"), ("09:30", "09:30"), ("16:07", "16:05")],
    ids=["inside", "exactly", "closed"],
)
def test_a_click_means_the_start_of_the_opening(db, clinic, clicked, meant):
    found = day_book.usual_start(db, clinic.okafor.id, at(f"2026-03-03 {clicked}"))

    assert found == at(f"2026-03-03 {meant}")


def test_a_click_beside_a_visit_means_the_minute(db, clinic):
    """The opening it falls into is taken; what is left of it may still be booked by the desk."""
    booking.book_at_desk(
        db,
        clinic.okafor,
        clinic.visit_type,
        at("2026-03-03 08:40"),
        booking.Person("Alice Adler", date(1984, 2, 29), "alice@example.com", None),
        by=clinic.desk,
        now=NOW,
    )

    assert day_book.usual_start(db, clinic.okafor.id, at("2026-03-03 09:12")) == at("2026-03-03 09:10")


# --- The file of an appointment ---------------------------------------------------------------------------------------


def test_the_file_tells_who_did_what_in_order(db, clinic, weber):
    schedules.extend_openings(db, NOW)
    appointment = make_appointment(db, clinic, at("2026-03-10 09:00"))
    waitlist.join(db, appointment, waitlist.Wish(), by=PATIENT, now=NOW)
    changes.move_at_desk(db, appointment, weber, at("2026-03-11 10:00"), version=1, by=clinic.desk, now=NOW)

    history = appointment_file.open_file(db, clinic.desk, appointment.ref).history

    assert [(happened.kind, happened.actor, happened.staff) for happened in history] == [
        ("waitlist.joined", "patient", None),
        ("appointment.moved", "staff", "Sam Stern"),
    ]
    moved = history[-1]
    assert (moved.old_doctor, moved.new_doctor) == ("Dr. Ada Okafor", "Dr. Wanda Weber")
    assert (moved.old_starts_at, moved.new_starts_at) == (at("2026-03-10 09:00"), at("2026-03-11 10:00"))
