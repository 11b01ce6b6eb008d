"""Doctors as an admin sets them up: who they are, and whether they are in use."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from medcal.errors import ChangedMeanwhile, Invalid, InvalidForm, NotAllowed, NotFound, NotOffered, NotPossibleNow
from medcal.models import Event, Offer, OfferStatus, Opening
from medcal.security import PATIENT, Actor, Role
from medcal.services import availability, booking, directory, doctors, schedules
from medcal.services.doctors import DoctorDetails, DoctorSettings
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    make_appointment,
    make_entry,
    make_hold,
    make_offer,
    make_specialty,
    make_user,
    make_visit_type,
)
from tests.support.times import at

TUESDAY = date(2026, 3, 3)
NINE = at("2026-03-03 09:00")
FORM = {
    "name": "Dr. Grete  Groß",
    "specialty": "7e0c2a0e-6a0f-4c1c-9c53-0d7b1b1f3f10",
    "qualification": "MD",
    "languages": "German, English",
    "about": "Listens.\nTakes her time.",
    "practising_since": "2004",
}


@pytest.fixture
def admin(db: Session) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


@pytest.fixture
def grete(clinic: Clinic) -> DoctorDetails:
    return DoctorDetails("Dr. Grete Groß", str(clinic.specialty.ref), "MD", "German", "Listens.", 2004)


def okafor(db: Session, clinic: Clinic, admin: Actor) -> DoctorSettings:
    return doctors.get_settings(db, admin, clinic.okafor.ref, NOW)


def free_times(db: Session, clinic: Clinic) -> int:
    return len(availability.list_free(db, clinic.okafor.id or 0, clinic.visit_type, TUESDAY, 1, now=NOW))


def test_a_form_becomes_what_we_keep() -> None:
    assert doctors.check_details(FORM, NOW) == DoctorDetails(
        "Dr. Grete Groß", FORM["specialty"], "MD", "German, English", "Listens.\nTakes her time.", 2004
    )


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", "G"),
        ("name", "G\u202eroß"),
        ("specialty", ""),
        ("qualification", "x" * 201),
        ("languages", "x" * 201),
        ("about", "x" * 1001),
        ("practising_since", "2027"),
        ("practising_since", "1899"),
        ("practising_since", "long ago"),
    ],
)
def test_nonsense_is_refused_beside_its_field(field: str, given: str) -> None:
    with pytest.raises(InvalidForm) as refusal:
        doctors.check_details(FORM | {field: given}, NOW)

    assert set(refusal.value.problems) == {field}


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Dr. Grete Groß", "grete-gross"),
        ("Univ.-Prof. Dr. med. Tomáš Novák", "tomas-novak"),
        ("Ada Okafor", "ada-okafor-2"),
        ("Dr.", "dr"),
        ("Анна Иванова", "doctor"),
    ],
)
def test_a_new_doctor_has_an_address_of_her_own(
    db: Session, clinic: Clinic, admin: Actor, grete: DoctorDetails, name: str, slug: str
) -> None:
    ref = doctors.add_doctor(db, admin, replace(grete, name=name), now=NOW)

    assert doctors.get_settings(db, admin, ref, NOW).slug == slug
    assert directory.get_doctor(db, slug).location_id == clinic.location.id


def test_a_doctor_begins_without_hours_and_is_in_the_history(
    db: Session, clinic: Clinic, admin: Actor, grete: DoctorDetails
) -> None:
    ref = doctors.add_doctor(db, admin, grete, clinic.location.ref, now=NOW)

    found = doctors.get_settings(db, admin, ref, NOW)
    assert (found.details, found.is_active, found.has_hours, found.coming) == (grete, True, False, 0)
    event = db.exec(select(Event)).one()
    assert (event.kind, event.staff_user_id, event.detail["new"]["qualification"]) == ("doctor.changed", admin.id, "MD")


@pytest.mark.parametrize("specialty", ["", "cardiology", "7e0c2a0e-6a0f-4c1c-9c53-0d7b1b1f3f10"])
def test_a_doctor_has_a_specialty_that_exists(
    db: Session, clinic: Clinic, admin: Actor, grete: DoctorDetails, specialty: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        doctors.add_doctor(db, admin, replace(grete, specialty=specialty), now=NOW)

    assert refusal.value.field == "specialty"


def test_nobody_works_where_there_is_no_clinic(db: Session, admin: Actor) -> None:
    details = DoctorDetails("Dr. Grete Groß", str(make_specialty(db).ref), "", "", "", None)

    with pytest.raises(NotFound, match="where the clinic is"):
        doctors.add_doctor(db, admin, details, now=NOW)


def test_a_new_name_keeps_the_address(db: Session, clinic: Clinic, admin: Actor) -> None:
    before = okafor(db, clinic, admin)
    married = replace(before.details, name="Dr. Ada Müller")

    doctors.change_doctor(db, admin, before.ref, married, seen=before.seen, now=NOW)

    assert (clinic.okafor.name, clinic.okafor.slug) == ("Dr. Ada Müller", "ada-okafor")
    with pytest.raises(ChangedMeanwhile):
        doctors.change_doctor(db, admin, before.ref, before.details, seen=before.seen, now=NOW)


def test_another_specialty_moves_the_openings(db: Session, clinic: Clinic, admin: Actor) -> None:
    skin = make_specialty(db, slug="skin", name="Dermatology")
    talk = make_visit_type(db, skin, length_minutes=20)
    before = okafor(db, clinic, admin)

    moved = replace(before.details, specialty=str(skin.ref))
    doctors.change_doctor(db, admin, before.ref, moved, seen=before.seen, now=NOW)

    assert availability.first_free(db, skin.id or 0, talk, now=NOW)
    assert not availability.first_free(db, clinic.specialty.id or 0, clinic.visit_type, now=NOW)


def test_the_specialty_stays_while_somebody_is_to_come(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, NINE)
    skin = make_specialty(db, slug="skin", name="Dermatology")
    before = okafor(db, clinic, admin)

    details = replace(before.details, specialty=str(skin.ref))
    with pytest.raises(Invalid, match="1 appointment is still to come") as refusal:
        doctors.change_doctor(db, admin, before.ref, details, seen=before.seen, now=NOW)

    assert refusal.value.field == "specialty"


# --- In use and out of it ---------------------------------------------------------------------------------------------


def test_who_is_out_of_use_is_not_found_by_patients_and_comes_back_as_before(
    db: Session, clinic: Clinic, admin: Actor
) -> None:
    before = free_times(db, clinic)

    doctors.take_out_of_use(db, admin, clinic.okafor.ref, now=NOW)
    with pytest.raises(NotFound):
        directory.get_doctor(db, "ada-okafor")
    assert free_times(db, clinic) == 0
    assert db.exec(select(Opening)).all() == []
    assert schedules.check_openings(db, NOW) == 0
    with pytest.raises(NotOffered):
        booking.hold(db, clinic.okafor, clinic.visit_type, NINE, visit="v", now=NOW)

    doctors.bring_back(db, admin, clinic.okafor.ref, now=NOW)
    assert free_times(db, clinic) == before
    kinds = [(event.kind, event.detail.get("new")) for event in db.exec(select(Event).order_by(Event.id))]  # type: ignore[arg-type]
    changes = [new for kind, new in kinds if kind == "doctor.changed"]
    assert changes == [{"is_active": False}, {"is_active": True}]


def test_twice_out_of_use_is_once(db: Session, clinic: Clinic, admin: Actor) -> None:
    for _ in range(2):
        doctors.take_out_of_use(db, admin, clinic.okafor.ref, now=NOW)

    assert len(db.exec(select(Event).where(Event.kind == "doctor.changed")).all()) == 1


def test_nobody_goes_while_patients_are_to_come(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, NINE)
    make_appointment(db, clinic, at("2026-03-04 09:00"), clinic.bob, status="arrived")
    make_appointment(db, clinic, at("2026-02-03 09:00"), status="fulfilled")

    assert okafor(db, clinic, admin).coming == 2
    with pytest.raises(NotPossibleNow, match="2 appointments are still to come"):
        doctors.take_out_of_use(db, admin, clinic.okafor.ref, now=NOW)

    assert clinic.okafor.is_active


def test_nobody_goes_while_a_form_is_filled_in(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_hold(db, clinic, NINE, NOW + timedelta(minutes=5), held_by="a visit")

    with pytest.raises(NotPossibleNow, match="just booking"):
        doctors.take_out_of_use(db, admin, clinic.okafor.ref, now=NOW)

    doctors.take_out_of_use(db, admin, clinic.okafor.ref, now=NOW + timedelta(minutes=5))
    assert not clinic.okafor.is_active


def test_offers_of_who_goes_end(db: Session, clinic: Clinic, admin: Actor) -> None:
    offer = make_offer(db, clinic, make_entry(db, clinic), NINE)

    doctors.take_out_of_use(db, admin, clinic.okafor.ref, now=NOW)

    db.refresh(offer)
    assert offer.status is OfferStatus.withdrawn
    assert db.exec(select(Offer).where(Offer.status == OfferStatus.open)).all() == []


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_doctors_are_set_up_by_admins_alone(db: Session, clinic: Clinic, admin: Actor, grete: DoctorDetails) -> None:
    ref, before = clinic.okafor.ref, okafor(db, clinic, admin)
    herself = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for nobody in (PATIENT, clinic.desk, herself):
        for deed in (
            lambda by: doctors.list_doctors(db, by, NOW),
            lambda by: doctors.get_settings(db, by, ref, NOW),
            lambda by: doctors.add_doctor(db, by, grete, now=NOW),
            lambda by: doctors.change_doctor(db, by, ref, grete, seen=before.seen, now=NOW),
            lambda by: doctors.take_out_of_use(db, by, ref, now=NOW),
            lambda by: doctors.bring_back(db, by, ref, now=NOW),
        ):
            with pytest.raises(NotAllowed):
                deed(nobody)


def test_a_doctor_who_does_not_exist_is_not_found(
    db: Session, clinic: Clinic, admin: Actor, grete: DoctorDetails
) -> None:
    nobody = clinic.specialty.ref

    for deed in (
        lambda: doctors.get_settings(db, admin, nobody, NOW),
        lambda: doctors.change_doctor(db, admin, nobody, grete, seen="", now=NOW),
        lambda: doctors.take_out_of_use(db, admin, nobody, now=NOW),
        lambda: doctors.add_doctor(db, admin, grete, nobody, now=NOW),
    ):
        with pytest.raises(NotFound):
            deed()
