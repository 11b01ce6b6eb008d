"""What the desk does to the calendar, by reference and on the location's clock."""

import uuid
from datetime import date, time

import pytest
from sqlmodel import Session

from medcal.errors import ChangedMeanwhile, Invalid, NotAllowed, NotFound, NotOffered, NotPossibleNow, SlotTaken
from medcal.models import Appointment, AppointmentStatus, Doctor, Patient
from medcal.security import Actor, Role
from medcal.services import desk, waitlist
from medcal.services.desk import PatientForm, Step, WallTime
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_doctor, make_patient, make_user
from tests.support.times import at

TUESDAY = date(2026, 3, 3)
NINE = WallTime(TUESDAY, time(9))
TEN = WallTime(TUESDAY, time(10))
NINA = PatientForm(name="Nina Neu", born_on="1990-01-01", email="nina@example.com")


@pytest.fixture
def weber(db: Session, clinic: Clinic) -> Doctor:
    return make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")


def account_of(db: Session, doctor: Doctor) -> Actor:
    return actor(make_user(db, doctor.name.removeprefix("Dr. "), Role.doctor, doctor_id=doctor.id))


def book(db: Session, clinic: Clinic, wall: WallTime = NINE, patient: PatientForm = NINA, **how: object) -> Appointment:
    return desk.book(db, clinic.desk, clinic.okafor.ref, clinic.visit_type.ref, wall, patient, now=NOW, **how)  # type: ignore[arg-type]


def patient_of(db: Session, appointment: Appointment) -> Patient:
    return db.get_one(Patient, appointment.patient_id)


def test_the_desk_books_for_somebody_new(db, clinic):
    appointment = book(db, clinic, request="  with wheelchair ")

    assert appointment.starts_at == at("2026-03-03 09:00")
    assert appointment.request == "with wheelchair"
    assert patient_of(db, appointment).name == "Nina Neu"


def test_the_desk_books_for_somebody_known_without_a_second_record(db, clinic):
    appointment = book(db, clinic, patient=PatientForm(ref=clinic.alice.ref))

    assert appointment.patient_id == clinic.alice.id


@pytest.mark.parametrize("contact", [{"email": None, "phone": None}, {"email": None, "phone": "+436641234567"}])
def test_somebody_known_without_e_mail_stays_one_person(db, clinic, contact):
    greta = make_patient(db, "Greta Groß", **contact)

    assert book(db, clinic, patient=PatientForm(ref=greta.ref)).patient_id == greta.id


def test_an_unknown_patient_is_not_found(db, clinic):
    with pytest.raises(NotFound):
        book(db, clinic, patient=PatientForm(ref=uuid.uuid4()))


def test_the_form_names_the_field_that_does_not_fit(db, clinic):
    with pytest.raises(Invalid) as refusal:
        book(db, clinic, patient=PatientForm(name="Nina Neu", born_on="1999", email="nina@example.com"))

    assert refusal.value.field == "born_on"


def test_a_visit_of_another_specialty_is_not_found(db, clinic):
    with pytest.raises(NotFound):
        desk.book(db, clinic.desk, clinic.okafor.ref, uuid.uuid4(), NINE, NINA, now=NOW)


def test_a_taken_time_needs_a_reason(db, clinic):
    book(db, clinic)

    with pytest.raises(SlotTaken) as refusal:
        book(db, clinic, patient=PatientForm(ref=clinic.bob.ref))

    assert desk.may_be_overbooked(refusal.value)
    over = book(db, clinic, patient=PatientForm(ref=clinic.bob.ref), overbook_reason="acute pain")
    assert (over.overbooked_by_id, over.overbooked_reason) == (clinic.sam.id, "acute pain")


@pytest.mark.parametrize("reason", ["", "  ", "x"])
def test_a_reason_says_something(db, clinic, reason):
    with pytest.raises(Invalid) as refusal:
        book(db, clinic, overbook_reason=reason)

    assert refusal.value.field == "overbook_reason"


def test_closed_hours_may_be_overbooked_but_a_missing_person_not():
    assert desk.may_be_overbooked(NotOffered())
    assert not desk.may_be_overbooked(NotFound())


def test_a_time_that_the_clock_skips_is_refused_in_words(db, clinic):
    spring = WallTime(date(2026, 3, 29), time(2, 30))

    with pytest.raises(NotOffered, match="does not exist"):
        book(db, clinic, spring, overbook_reason="night shift")


def test_a_time_that_comes_twice_means_the_first(db, clinic):
    autumn = WallTime(date(2026, 10, 25), time(2, 30))

    assert book(db, clinic, autumn, overbook_reason="night shift").starts_at == at("2026-10-25 02:30")


def test_an_appointment_moves_to_another_doctor(db, clinic, weber):
    appointment = book(db, clinic)

    desk.move(db, clinic.desk, appointment.ref, weber.ref, TEN, version=1, overbook_reason="on request", now=NOW)

    assert (appointment.doctor_id, appointment.starts_at, appointment.version) == (weber.id, at("2026-03-03 10:00"), 2)


def test_a_stale_screen_moves_nothing(db, clinic):
    appointment = book(db, clinic)
    desk.move(db, clinic.desk, appointment.ref, clinic.okafor.ref, TEN, version=1, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        desk.move(db, clinic.desk, appointment.ref, clinic.okafor.ref, NINE, version=1, now=NOW)


def test_a_doctor_neither_moves_nor_cancels_not_even_her_own(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-03 09:00"))
    okafor = account_of(db, clinic.okafor)

    with pytest.raises(NotAllowed):
        desk.move(db, okafor, appointment.ref, clinic.okafor.ref, TEN, version=1, now=NOW)
    with pytest.raises(NotAllowed):
        desk.cancel(db, okafor, appointment.ref, now=NOW)


def test_a_doctor_sees_through_her_own_visits_alone(db, clinic, weber):
    appointment = make_appointment(db, clinic, at("2026-03-02 09:30"))

    with pytest.raises(NotFound):
        desk.take_step(db, account_of(db, weber), appointment.ref, Step.arrived, now=NOW)
    desk.take_step(db, account_of(db, clinic.okafor), appointment.ref, Step.arrived, now=NOW)


def test_the_steps_of_a_visit(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-02 09:30"))

    seen = []
    for step in (Step.no_show, Step.came_after_all, Step.arrived, Step.finished):
        desk.take_step(db, clinic.desk, appointment.ref, step, now=NOW)
        seen.append(appointment.status)

    assert seen == [
        AppointmentStatus.no_show,
        AppointmentStatus.booked,
        AppointmentStatus.arrived,
        AppointmentStatus.fulfilled,
    ]


def test_a_step_that_somebody_else_took_is_told(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-02 09:30"))
    desk.take_step(db, clinic.desk, appointment.ref, Step.arrived, now=NOW)

    with pytest.raises(NotPossibleNow):
        desk.take_step(db, clinic.desk, appointment.ref, Step.arrived, now=NOW)


def test_reception_looks_for_something_earlier_on_somebodys_behalf(db, clinic):
    appointment = make_appointment(db, clinic, at("2026-03-20 09:00"))

    desk.wait_for_earlier(db, clinic.desk, appointment.ref, now=NOW)
    assert waitlist.entry_of(db, appointment.id) is not None

    desk.stop_waiting(db, clinic.desk, appointment.ref, now=NOW)
    assert waitlist.entry_of(db, appointment.id) is None
