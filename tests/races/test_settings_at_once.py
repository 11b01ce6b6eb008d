"""Two admins at the same instant, and an admin against a patient who is just booking."""

import threading
import uuid
from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, select

from medcal.db import in_transaction
from medcal.errors import ChangedMeanwhile, Invalid, NotOffered, NotPossibleNow
from medcal.models import Appointment, Doctor, Location, Specialty
from medcal.models.appointments import AppointmentStatus
from medcal.security import Actor, Role
from medcal.services import booking, clinic_settings, doctors, specialties
from medcal.services.doctors import DoctorDetails
from medcal.services.specialties import SpecialtyDetails
from tests.races.crowd import Outcome, Town, at_once, attempt, rows
from tests.support.factories import NOW, actor, make_user
from tests.support.times import at
from tests.support.waiting import eventually

ROUNDS = 12
WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def admin_of(db: Session) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def test_of_two_admins_who_change_the_clinic_one_is_told(town: Town) -> None:
    admin = in_transaction(admin_of)
    [before] = in_transaction(clinic_settings.list_clinics, admin)

    def rename(name: str) -> Callable[[Session], None]:
        details = before.details.__class__(**{**before.details.__dict__, "name": name})
        return lambda db: clinic_settings.change_clinic(db, admin, before.ref, details, seen=before.seen, now=NOW)

    outcomes = at_once([rename(f"Clinic {number}") for number in range(ROUNDS)])

    refusals = [outcome.refusal for outcome in outcomes if outcome.refusal]
    assert [type(refusal) for refusal in refusals] == [ChangedMeanwhile] * (ROUNDS - 1)


def test_doctors_of_the_same_name_have_addresses_of_their_own(town: Town) -> None:
    admin, specialty = in_transaction(admin_of), str(town.clinic.specialty.ref)
    details = DoctorDetails("Dr. Ada Okafor", specialty, "", "", "", None)

    outcomes = at_once([lambda db: doctors.add_doctor(db, admin, details, now=NOW)] * ROUNDS)

    assert not [outcome.refusal for outcome in outcomes if outcome.refusal]
    slugs = in_transaction(lambda db: db.exec(select(Doctor.slug).where(Doctor.name == "Dr. Ada Okafor")).all())
    assert sorted(slugs) == sorted(["ada-okafor", *(f"ada-okafor-{number}" for number in range(2, ROUNDS + 2))])


def test_a_specialty_added_by_all_at_once_is_there_once(town: Town) -> None:
    admin, details = in_transaction(admin_of), SpecialtyDetails("Neurology", "Neurologist", "", "brain", [])

    outcomes = at_once([lambda db: specialties.add_specialty(db, admin, details, now=NOW)] * ROUNDS)

    assert [type(each.refusal) for each in outcomes if each.refusal] == [Invalid] * (ROUNDS - 1)
    assert len(in_transaction(lambda db: db.exec(select(Specialty)).all())) == 2


def test_a_clinic_begins_once(committed: str) -> None:
    admin = in_transaction(admin_of)
    details = clinic_settings.check_details(
        {
            "name": "Clinic",
            "street": "Rosengasse 12",
            "city": "1010 Wien",
            "phone": "+43 1 5550123",
            "zone": "Europe/Vienna",
            "change_deadline_hours": "24",
            "quiet_from": "20:00",
            "quiet_until": "08:00",
        }
    )

    outcomes = at_once([lambda db: clinic_settings.open_clinic(db, admin, details, now=NOW)] * 4)

    assert [type(each.refusal) for each in outcomes if each.refusal] == [ChangedMeanwhile] * 3
    assert len(in_transaction(lambda db: db.exec(select(Location)).all())) == 1


def test_of_a_patient_and_an_admin_at_the_same_instant_one_is_refused(town: Town) -> None:
    """She takes a time while the doctor is taken out of use: nobody keeps a time of somebody who has gone."""
    admin, ref = in_transaction(admin_of), town.clinic.okafor.ref
    for number in range(2 * ROUNDS):
        leave: Callable[[Session], None] = lambda db: doctors.take_out_of_use(db, admin, ref, now=NOW)  # noqa: E731
        hers, the_admins = at_once([_hold(town, number), leave], [0.004 * (number % 5), 0])

        assert (hers.refusal is None) is (the_admins.refusal is not None)
        assert type(hers.refusal or the_admins.refusal) in (NotOffered, NotPossibleNow)
        in_transaction(_as_before, admin, ref)


def test_who_is_booking_waits_for_the_admin_who_was_first(town: Town) -> None:
    """Her look at what is free comes before the admin's commit, and must not count."""
    admin, outcomes = in_transaction(admin_of), list[Outcome]()
    hold = threading.Thread(target=lambda: outcomes.append(attempt(_hold(town, 1))))

    def leave(db: Session) -> None:
        doctors.take_out_of_use(db, admin, town.clinic.okafor.ref, now=NOW)
        hold.start()
        eventually(lambda: rows(town.url, WAITING), "she waits for the doctor's row")

    in_transaction(leave)
    hold.join()

    assert isinstance(outcomes[0].refusal, NotOffered)


def _hold(town: Town, number: int) -> Callable[[Session], object]:
    at_ten: datetime = at("2026-03-04 10:00")
    return lambda db: booking.hold(
        db, town.clinic.okafor, town.clinic.visit_type, at_ten, visit=f"visit {number}", now=NOW
    )


def _as_before(db: Session, admin: Actor, ref: uuid.UUID) -> None:
    held = db.exec(select(Appointment).where(Appointment.status == AppointmentStatus.held)).all()
    doctor = db.exec(select(Doctor).where(Doctor.ref == ref)).one()
    # What the test is about: nobody holds a time of somebody who has gone.
    assert bool(held) is doctor.is_active
    for hold in held:
        booking.let_go(db, visit=hold.held_by or "", now=NOW)
    doctors.bring_back(db, admin, ref, now=NOW)
