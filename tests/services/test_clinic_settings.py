"""The clinic as an admin sets it up."""

from dataclasses import replace
from datetime import date, time

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.errors import ChangedMeanwhile, Invalid, InvalidForm, NotAllowed, NotFound
from medcal.models import Event, Location, Opening, TimeOff
from medcal.models.policies import OfferPolicy
from medcal.security import PATIENT, Actor, Role
from medcal.services import clinic_settings, schedules
from medcal.services.clinic_settings import ClinicDetails, ClinicSettings
from tests.support.factories import NOW, Clinic, actor, add, make_appointment, make_user
from tests.support.times import at

FORM = {
    "name": "  Praxis   Rosengasse ",
    "street": "Rosengasse 12",
    "city": "1010 Wien",
    "phone": "01 5550123",
    "email": " Desk@Clinic.example",
    "zone": "europe/vienna",
    "change_deadline_hours": "48",
    "quiet_from": "21:00",
    "quiet_until": "07:30",
}


@pytest.fixture
def admin(db: Session) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def only(db: Session, admin: Actor) -> ClinicSettings:
    [found] = clinic_settings.list_clinics(db, admin)
    return found


def save(db: Session, admin: Actor, before: ClinicSettings, **changes: object) -> None:
    details = replace(before.details, **changes)  # type: ignore[arg-type]
    clinic_settings.change_clinic(db, admin, before.ref, details, seen=before.seen, now=NOW)


def test_a_form_becomes_what_we_keep() -> None:
    assert clinic_settings.check_details(FORM) == ClinicDetails(
        name="Praxis Rosengasse",
        street="Rosengasse 12",
        city="1010 Wien",
        phone="+43 1 5550123",
        email="desk@clinic.example",
        zone="Europe/Vienna",
        change_deadline_hours=48,
        quiet_from=time(21),
        quiet_until=time(7, 30),
    )


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", ""),
        ("name", "…"),
        ("name", "x" * 121),
        ("street", " "),
        ("city", "\0"),
        ("phone", ""),
        ("phone", "call us"),
        ("email", "desk@"),
        ("zone", "Europe/Nowhere"),
        ("zone", "../../etc/passwd"),
        ("zone", "posix/Europe/Vienna"),
        ("change_deadline_hours", "337"),
        ("change_deadline_hours", "-1"),
        ("change_deadline_hours", "²"),
        ("change_deadline_hours", "9" * 400),
        ("quiet_from", "25:00"),
        ("quiet_until", ""),
    ],
)
def test_nonsense_is_refused_beside_its_field(field: str, given: str) -> None:
    with pytest.raises(InvalidForm) as refusal:
        clinic_settings.check_details(FORM | {field: given})

    assert set(refusal.value.problems) == {field}


def test_all_that_does_not_fit_is_said_at_once() -> None:
    with pytest.raises(InvalidForm) as refusal:
        clinic_settings.check_details({})

    assert set(refusal.value.problems) == set(FORM) - {"email"}


def test_the_first_clinic_begins_with_rules_of_offers(db: Session, admin: Actor) -> None:
    ref = clinic_settings.open_clinic(db, admin, clinic_settings.check_details(FORM), now=NOW)

    location = db.exec(select(Location)).one()
    assert (location.ref, location.slug) == (ref, "praxis-rosengasse")
    assert db.exec(select(OfferPolicy)).one().location_id == location.id
    assert [event.kind for event in db.exec(select(Event))] == ["clinic.changed"]


def test_a_second_clinic_is_not_begun(db: Session, clinic: Clinic, admin: Actor) -> None:
    with pytest.raises(ChangedMeanwhile):
        clinic_settings.open_clinic(db, admin, clinic_settings.check_details(FORM), now=NOW)


def test_what_changes_is_written_with_old_and_new(db: Session, clinic: Clinic, admin: Actor) -> None:
    save(db, admin, only(db, admin), phone="+43 1 5550199", change_deadline_hours=12)

    assert (clinic.location.phone, clinic.location.change_deadline_hours) == ("+43 1 5550199", 12)
    event = db.exec(select(Event).where(Event.kind == "clinic.changed")).one()
    assert event.staff_user_id == admin.id
    assert event.detail["old"] == {"phone": "+43 1 555 0100", "change_deadline_hours": 24}
    assert event.detail["new"] == {"phone": "+43 1 5550199", "change_deadline_hours": 12}


def test_what_stays_as_it_is_leaves_no_trace(db: Session, clinic: Clinic, admin: Actor) -> None:
    save(db, admin, only(db, admin))

    assert db.exec(select(Event)).all() == []


def test_the_second_of_two_admins_is_told(db: Session, clinic: Clinic, admin: Actor) -> None:
    seen_by_both = only(db, admin)
    save(db, admin, seen_by_both, name="Clinic One")

    with pytest.raises(ChangedMeanwhile):
        save(db, admin, seen_by_both, name="Clinic Two")

    assert clinic.location.name == "Clinic One"


# --- The clock --------------------------------------------------------------------------------------------------------


def first_opening(db: Session, clinic: Clinic) -> str:
    chosen = select(Opening).where(Opening.doctor_id == clinic.okafor.id, Opening.day == date(2026, 3, 3))
    opening = db.exec(chosen.order_by(Opening.starts_at).execution_options(populate_existing=True)).first()  # type: ignore[arg-type]
    assert opening
    return f"{opening.starts_at:%H:%M}"


def test_without_appointments_the_clock_changes_and_what_stands_on_the_wall_stays(
    db: Session, clinic: Clinic, admin: Actor
) -> None:
    closed = add(
        db, TimeOff(location_id=clinic.location.id, starts_at=at("2026-03-04 00:00"), ends_at=at("2026-03-05 00:00"))
    )
    assert first_opening(db, clinic) == "07:00"

    save(db, admin, only(db, admin), zone="America/New_York")

    assert first_opening(db, clinic) == "13:00"
    assert clock.local(closed.starts_at, clinic.location.zone_info).hour == 0
    assert schedules.check_openings(db, NOW) == 0


@pytest.mark.parametrize("moment", ["2026-03-03 09:00", "2026-01-05 09:00"], ids=["to come", "long past"])
def test_a_clinic_with_appointments_keeps_its_clock(db: Session, clinic: Clinic, admin: Actor, moment: str) -> None:
    make_appointment(db, clinic, at(moment))
    assert only(db, admin).zone_is_fixed

    with pytest.raises(Invalid, match="times would jump") as refusal:
        save(db, admin, only(db, admin), zone="America/New_York")

    assert refusal.value.field == "zone"
    assert clinic.location.zone == "Europe/Vienna"


def test_a_hold_that_came_to_nothing_does_not_bind_the_clock(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, at("2026-03-03 09:00"), status="released")

    save(db, admin, only(db, admin), zone="Europe/Berlin")

    assert clinic.location.zone == "Europe/Berlin"


def test_every_zone_that_can_be_chosen_is_one(db: Session) -> None:
    assert "Europe/Vienna" in clinic_settings.zones()
    assert not [zone for zone in clinic_settings.zones() if zone.startswith(("Etc", "posix", "SystemV", "US/"))]


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_the_clinic_is_set_up_by_admins_alone(db: Session, clinic: Clinic, admin: Actor) -> None:
    before = only(db, admin)
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for nobody in (PATIENT, clinic.desk, doctor):
        for deed in (
            lambda by: clinic_settings.list_clinics(db, by),
            lambda by: clinic_settings.open_clinic(db, by, before.details, now=NOW),
            lambda by: save(db, by, before, name="Mine"),
        ):
            with pytest.raises(NotAllowed):
                deed(nobody)


def test_a_clinic_that_does_not_exist_is_not_found(db: Session, clinic: Clinic, admin: Actor) -> None:
    before = only(db, admin)

    with pytest.raises(NotFound):
        save(db, admin, replace(before, ref=clinic.okafor.ref), name="Nowhere")
