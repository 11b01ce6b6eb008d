"""Finding appointments and patients at the desk."""

from datetime import date

import pytest
from sqlmodel import Session

from medcal.errors import NotAllowed
from medcal.models import AppointmentStatus, Doctor
from medcal.security import PATIENT, Actor, Role
from medcal.services import desk_search
from medcal.services.desk_search import Wanted
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    make_appointment,
    make_doctor,
    make_hold,
    make_patient,
    make_user,
)
from tests.support.times import at


@pytest.fixture
def weber(db: Session, clinic: Clinic) -> Doctor:
    return make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")


def account_of(db: Session, doctor: Doctor) -> Actor:
    return actor(make_user(db, doctor.name.removeprefix("Dr. "), Role.doctor, doctor_id=doctor.id))


def names(db: Session, reader: Actor, **wanted: object) -> list[str]:
    found = desk_search.find_appointments(db, reader, Wanted(**wanted))  # type: ignore[arg-type]
    return [row.patient for row in found.rows]


@pytest.fixture
def two(db: Session, clinic: Clinic) -> None:
    """Alice on Tuesday, Bob on Wednesday, each with a phone."""
    clinic.bob.phone = "+436641234567"
    make_appointment(db, clinic, at("2026-03-03 09:00"), code="K7QM-2B9T")
    make_appointment(db, clinic, at("2026-03-04 09:00"), clinic.bob, code="AAAA-BBBB")


@pytest.mark.parametrize(
    "words", ["alice", "ADLER", "  Alice   Adler ", "K7QM-2B9T", "k7qm 2b9t", "K7QM"], ids=lambda words: words.strip()
)
def test_a_patient_is_found_by_name_and_by_booking_code(db, clinic, two, words):
    assert names(db, clinic.desk, text=words) == ["Alice Adler"]


@pytest.mark.parametrize("words", ["+43 664 123 45 67", "0664 1234567", "4567"])
def test_a_patient_is_found_by_phone_as_people_write_it(db, clinic, two, words):
    assert names(db, clinic.desk, text=words) == ["Bob Berger"]


@pytest.mark.parametrize("words", ["dvorak", "DVOŘÁK", "Dvořak"])
def test_accents_need_not_be_typed(db, clinic, words):
    tereza = make_patient(db, "Tereza Dvořáková", "tereza@example.com")
    make_appointment(db, clinic, at("2026-03-03 09:00"), tereza)

    assert names(db, clinic.desk, text=words) == ["Tereza Dvořáková"]


def test_accents_that_are_typed_need_not_be_kept(db, clinic):
    make_appointment(db, clinic, at("2026-03-03 09:00"), make_patient(db, "Zoltan Szabo", "zoltan@example.com"))

    assert names(db, clinic.desk, text="Zoltán") == ["Zoltan Szabo"]


@pytest.mark.parametrize("words", [".*", "^A", "[a-z]", "(", "a|b", "%", "_", "A%r", "\\", "'; --", "12", "zzz"])
def test_signs_mean_themselves(db, clinic, two, words):
    assert names(db, clinic.desk, text=words) == []


def test_days_are_counted_with_both_ends(db, clinic, two):
    assert names(db, clinic.desk, first_day=date(2026, 3, 4)) == ["Bob Berger"]
    assert names(db, clinic.desk, last_day=date(2026, 3, 3)) == ["Alice Adler"]
    assert names(db, clinic.desk, first_day=date(2026, 3, 3), last_day=date(2026, 3, 4)) == [
        "Alice Adler",
        "Bob Berger",
    ]


def test_a_status_narrows_the_list(db, clinic, two):
    make_appointment(db, clinic, at("2026-03-02 09:00"), status=AppointmentStatus.no_show)

    assert names(db, clinic.desk, statuses=(AppointmentStatus.no_show,)) == ["Alice Adler"]


def test_holds_are_no_appointments_yet(db, clinic):
    make_hold(db, clinic, at("2026-03-03 09:00"), at("2026-03-02 11:00"), patient_id=clinic.alice.id)

    assert names(db, clinic.desk) == []


def test_a_doctor_finds_her_own_patients_only(db, clinic, two, weber):
    make_appointment(db, clinic, at("2026-03-05 09:00"), make_patient(db), doctor=weber)
    reader = account_of(db, weber)

    assert names(db, reader) == ["Charlie Czerny"]
    assert names(db, reader, text="Alice") == []
    assert names(db, reader, of=clinic.okafor.ref) == []


def test_a_list_comes_in_pages(db, clinic, two):
    first = desk_search.find_appointments(db, clinic.desk, Wanted(), page=0, size=1)
    second = desk_search.find_appointments(db, clinic.desk, Wanted(), page=1, size=1)

    assert ([row.patient for row in first.rows], first.has_more) == (["Alice Adler"], True)
    assert ([row.patient for row in second.rows], second.has_more) == (["Bob Berger"], False)


def test_nobody_but_the_staff_searches(db, clinic, two):
    with pytest.raises(NotAllowed):
        desk_search.find_appointments(db, PATIENT, Wanted())
    with pytest.raises(NotAllowed):
        desk_search.find_patients(db, PATIENT, "alice")


# --- Patients ---------------------------------------------------------------------------------------------------------


def test_a_known_patient_is_found_with_her_last_visit(db, clinic, two):
    (found,) = desk_search.find_patients(db, clinic.desk, "adl")

    assert (found.name, found.email, found.last_visit) == ("Alice Adler", "alice@example.com", date(2026, 3, 3))


def test_one_letter_finds_nobody(db, clinic):
    assert desk_search.find_patients(db, clinic.desk, "a") == []


def test_who_begins_with_the_words_comes_first(db, clinic):
    make_patient(db, "Zita Alice", "zita@example.com")
    make_patient(db, "Aaron Malice", "aaron@example.com")

    found = desk_search.find_patients(db, clinic.desk, "alice")

    assert [patient.name for patient in found] == ["Alice Adler", "Aaron Malice", "Zita Alice"]


def test_a_doctor_does_not_find_patients_whom_she_never_saw(db, clinic, two, weber):
    assert desk_search.find_patients(db, account_of(db, weber), "alice") == []
    assert desk_search.find_patients(db, account_of(db, clinic.okafor), "alice")[0].name == "Alice Adler"


def test_a_patient_without_a_visit_is_known_to_reception(db, clinic):
    make_patient(db, "Nina Neu", None, created_at=NOW)

    assert [patient.name for patient in desk_search.find_patients(db, clinic.desk, "nina")] == ["Nina Neu"]
