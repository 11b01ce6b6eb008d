"""The settings of the clinic through the guard: who may do what, and what a page shows afterwards."""

from collections.abc import Callable
from datetime import date, time
from typing import Any

import pytest
from reflex_base.registry import RegistrationContext
from sqlmodel import Session, col, select

from medcal import clock
from medcal.edge.guard import rule_of
from medcal.i18n import language, t
from medcal.models import Doctor, Event, Location, Specialty, TimeOff, VisitType, WorkingHours
from medcal.security import Role
from medcal.services import accounts, doctors, schedules, weekly_hours
from medcal.services.weekly_hours import Hours, Week
from medcal.state.browse import HomeState
from medcal.state.calendar import CalendarState
from medcal.state.clinic_settings import ClinicSettingsState, ClosuresState
from medcal.state.doctors import DoctorsState
from medcal.state.hours import HoursState
from medcal.state.setup import SetupState
from medcal.state.specialties import SpecialtiesState, VisitTypesState
from tests.support.factories import (
    NOW,
    PASSWORD,
    Clinic,
    actor,
    make_appointment,
    make_clinic,
    make_specialty,
    make_user,
)
from tests.support.times import at

SETUP, CLINIC, SPECIALTIES, DOCTORS = (
    "/staff/setup",
    "/staff/settings/clinic",
    "/staff/settings/specialties",
    "/staff/settings/doctors",
)
CLINIC_FORM = {
    "name": "Praxis Rosengasse",
    "street": "Rosengasse 12",
    "city": "1010 Wien",
    "phone": "+43 1 5550123",
    "email": "",
    "zone": "Europe/Vienna",
    "change_deadline_hours": "24",
    "quiet_from": "20:00",
    "quiet_until": "08:00",
}
STATES = (
    SetupState,
    ClinicSettingsState,
    ClosuresState,
    SpecialtiesState,
    VisitTypesState,
    DoctorsState,
    HoursState,
)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 21)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    clinic = make_clinic(db)
    schedules.extend_openings(db, NOW)
    return clinic


@pytest.fixture
def tab_of(db: Session, new_tab: Callable[..., Any]) -> Callable[..., Any]:
    """tab_of(Role.admin, path): a page opened by somebody new with that role."""

    def make(role: Role, path: str, **columns: Any) -> Any:
        user = make_user(db, f"{role.title()} Roth", role, **columns)
        _, value = accounts.sign_in(db, user.email, PASSWORD, now=NOW)
        tab = new_tab(staff=value)
        tab.open(path)
        return tab

    return make


@pytest.fixture
def admin(tab_of: Callable[..., Any]) -> Callable[[str], Any]:
    return lambda path: tab_of(Role.admin, path)


# --- The clinic -------------------------------------------------------------------------------------------------------


def test_the_clinic_is_read_changed_and_told_again(db: Session, clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(CLINIC)
    assert tab.value(ClinicSettingsState, "fields")["name"] == "Medcal Clinic Vienna"

    tab.send(ClinicSettingsState.save, form=CLINIC_FORM)

    db.refresh(clinic.location)
    assert (clinic.location.name, clinic.location.phone) == ("Praxis Rosengasse", "+43 1 5550123")
    assert tab.toasts == ["The clinic is saved."]
    assert tab.value(ClinicSettingsState, "fields")["name"] == "Praxis Rosengasse"
    # The same form once more changes nothing, and is no change of somebody else's.
    tab.send(ClinicSettingsState.save, form=CLINIC_FORM)
    assert len(db.exec(select(Event).where(Event.kind == "clinic.changed")).all()) == 1


def test_what_does_not_fit_is_said_beside_its_field(clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(CLINIC)

    tab.send(ClinicSettingsState.save, form=CLINIC_FORM | {"zone": "Nowhere", "phone": "no"})

    assert set(tab.value(ClinicSettingsState, "problems")) == {"zone", "phone"}
    assert clinic.location.name == "Medcal Clinic Vienna"


def test_the_second_of_two_admins_sees_what_the_first_wrote(
    db: Session, clinic: Clinic, admin: Callable[[str], Any]
) -> None:
    tab = admin(CLINIC)
    clinic.location.name = "Somebody else was here"
    db.flush()

    tab.send(ClinicSettingsState.save, form=CLINIC_FORM)

    assert "Somebody else has changed this" in tab.toasts[0]
    assert tab.value(ClinicSettingsState, "fields")["name"] == "Somebody else was here"


def test_days_are_closed_and_opened_again(db: Session, clinic: Clinic, admin: Callable[[str], Any]) -> None:
    make_appointment(db, clinic, at("2026-03-04 09:00"))
    tab = admin(CLINIC)

    tab.send(ClosuresState.close, form={"first": "2026-03-04", "last": "", "reason": "Holiday"})
    [row] = tab.value(ClosuresState, "closures")
    assert (row["who"], row["reason"]) == ("Everybody, Medcal Clinic Vienna", "Holiday")
    assert "1 appointment lies in them" in tab.toasts[0]

    tab.send(ClosuresState.end, ref=row["ref"])
    assert tab.value(ClosuresState, "closures") == []
    assert db.exec(select(TimeOff)).all() == []


def test_days_that_make_no_sense_are_refused(clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(CLINIC)

    for first, last, field in (("", "", "first"), ("2026-03-05", "2026-03-04", "last"), ("1066-01-01", "", "first")):
        tab.send(ClosuresState.close, form={"first": first, "last": last})
        assert set(tab.value(ClosuresState, "problems")) == {field}


# --- Specialties ------------------------------------------------------------------------------------------------------

SPECIALTY_FORM = {
    "name": "Neurology",
    "practitioner": "Neurologist",
    "summary": "",
    "icon": "brain",
    "reasons": "Headache\nDizziness",
}
VISIT_FORM = {"name": "Talk", "length_minutes": "30", "buffer_minutes": "5", "notice_minutes": "120"}


def test_a_specialty_is_added_once_however_often_it_is_clicked(db: Session, admin: Callable[[str], Any]) -> None:
    tab = admin(SPECIALTIES)
    tab.send(SpecialtiesState.add)

    for _ in range(2):
        tab.send(SpecialtiesState.save, form=SPECIALTY_FORM)

    [row] = tab.value(SpecialtiesState, "specialties")
    assert (row["name"], row["is_shown"]) == ("Neurology", False)
    assert row["standing"] == "No kind of visit yet: nothing can be booked"
    assert tab.value(SpecialtiesState, "editing") == ""

    tab.send(VisitTypesState.add, specialty=row["ref"])
    tab.send(VisitTypesState.save, form=VISIT_FORM)
    [row] = tab.value(SpecialtiesState, "specialties")
    assert [visit["lengths"] for visit in row["visits"]] == [
        "30 minutes · 5 minutes kept free after it · bookable until 2 hours before"
    ]
    assert row["standing"] == "Nobody works in it yet: patients do not see it"


def test_what_nobody_touched_stays_in_all_languages(db: Session, admin: Callable[[str], Any]) -> None:
    """The form of a German page shows German; saving it must not make English readers read German."""
    make_specialty(db, name="Cardiology", practitioner="Cardiologist", reasons=["Check-up", "Palpitations"])
    tab = admin("/de" + SPECIALTIES)
    [row] = tab.value(SpecialtiesState, "specialties")
    tab.send(SpecialtiesState.edit, ref=row["ref"])
    fields = tab.value(SpecialtiesState, "fields")
    with language("de"):
        assert fields["name"] == t("Cardiology") != "Cardiology"

    tab.send(SpecialtiesState.save, form=fields | {"reasons": fields["reasons"] + "\nHerzultraschall"})

    kept = db.exec(select(Specialty).execution_options(populate_existing=True)).one()
    assert (kept.name, kept.practitioner) == ("Cardiology", "Cardiologist")
    assert kept.reasons == ["Check-up", "Palpitations", "Herzultraschall"]


def test_mistakes_in_a_dialog_are_said_and_it_stays_open(
    db: Session, clinic: Clinic, admin: Callable[[str], Any]
) -> None:
    tab = admin(SPECIALTIES)
    tab.send(SpecialtiesState.edit, ref=str(clinic.specialty.ref))
    tab.send(SpecialtiesState.save, form=SPECIALTY_FORM | {"icon": "skull", "name": ""})
    assert set(tab.value(SpecialtiesState, "problems")) == {"icon", "name"}
    assert tab.value(SpecialtiesState, "editing")

    tab.send(VisitTypesState.edit, ref=str(clinic.visit_type.ref))
    tab.send(VisitTypesState.save, form=VISIT_FORM | {"length_minutes": "1"})
    assert set(tab.value(VisitTypesState, "problems")) == {"length_minutes"}

    tab.send(VisitTypesState.save, form=VISIT_FORM)
    db.refresh(clinic.visit_type)
    assert clinic.visit_type.name == "Talk"


def test_refusals_are_told_and_the_list_stays(db: Session, clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(SPECIALTIES)

    tab.send(SpecialtiesState.remove, ref=str(clinic.specialty.ref))
    tab.send(VisitTypesState.set_in_use, ref=str(clinic.visit_type.ref), is_active=False)
    tab.send(VisitTypesState.remove, ref="7e0c2a0e-6a0f-4c1c-9c53-0d7b1b1f3f10")

    assert "1 doctor belongs to it" in tab.toasts[0]
    assert "only kind of visit" in tab.toasts[1]
    assert tab.toasts[2] == "We cannot find that."
    assert len(tab.value(SpecialtiesState, "specialties")) == 1


# --- Doctors and hours ------------------------------------------------------------------------------------------------


def doctor_form(clinic: Clinic, **changes: str) -> dict[str, str]:
    return {
        "name": "Dr. Grete Groß",
        "specialty": str(clinic.specialty.ref),
        "qualification": "MD",
        "languages": "",
        "about": "",
        "practising_since": "",
    } | changes


def times(tab: Any, **changes: str) -> dict[str, str]:
    """The form of the hours as it stands on the screen."""
    rows = [row for day in tab.value(HoursState, "days") for row in day["rows"]]
    found = {f"opens_{row['key']}": row["opens"] for row in rows} | {
        f"closes_{row['key']}": row["closes"] for row in rows
    }
    dated = {name: tab.value(HoursState, name) for name in ("raster_minutes", "valid_from")}
    return found | dated | changes


def test_a_new_doctor_gets_hours_on_the_same_sheet(db: Session, clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(DOCTORS)
    tab.send(DoctorsState.add)

    tab.send(DoctorsState.save, form=doctor_form(clinic))
    assert tab.value(HoursState, "is_suggested")
    assert [len(day["rows"]) for day in tab.value(HoursState, "days")] == [2, 2, 2, 2, 2, 0, 0]
    assert tab.value(HoursState, "preview")[0]["hours"] == "08:00–12:00, 13:00–17:00"
    tab.send(HoursState.save, form=times(tab))

    doctor = db.exec(select(Doctor).where(Doctor.slug == "grete-gross")).one()
    assert len(db.exec(select(WorkingHours).where(WorkingHours.doctor_id == doctor.id)).all()) == 10
    assert tab.toasts == ["The doctor is saved.", "The hours are saved; the free times follow at once."]
    assert not tab.value(HoursState, "is_suggested")


def test_a_new_doctor_saved_twice_is_one(db: Session, clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(DOCTORS)
    tab.send(DoctorsState.add)

    for _ in range(2):
        tab.send(DoctorsState.save, form=doctor_form(clinic))

    assert len(db.exec(select(Doctor)).all()) == 2
    assert len(db.exec(select(Event).where(Event.kind == "doctor.changed")).all()) == 1


def test_rows_come_and_go_and_the_fortnight_follows(db: Session, clinic: Clinic, admin: Callable[[str], Any]) -> None:
    make_appointment(db, clinic, at("2026-03-03 14:00"))
    tab = admin(DOCTORS)
    tab.send(DoctorsState.edit, ref=str(clinic.okafor.ref))
    monday = tab.value(HoursState, "days")[0]["rows"][0]

    tab.send(HoursState.write, field=f"closes_{monday['key']}", value="12:00")
    assert tab.value(HoursState, "preview")[0]["hours"] == "08:00–12:00"
    tab.send(HoursState.write, field="anything else", value="x")
    tab.send(HoursState.add_stretch, weekday=0)
    assert tab.value(HoursState, "preview") == []
    added = tab.value(HoursState, "days")[0]["rows"][1]
    tab.send(HoursState.write, field=f"opens_{added['key']}", value="12:30")
    tab.send(HoursState.write, field=f"closes_{added['key']}", value="13:30")
    tab.send(HoursState.copy_to_weekdays)
    assert [day["hours"] for day in tab.value(HoursState, "preview")[:6]] == ["08:00–12:00, 12:30–13:30"] * 5 + [
        "closed"
    ]
    assert tab.value(HoursState, "warnings") == [
        "1 appointment no longer lies in these hours. It stays as it is: Tuesday 3 March, 14:00"
    ]

    tab.send(HoursState.remove_stretch, key=tab.value(HoursState, "days")[1]["rows"][1]["key"])
    assert tab.value(HoursState, "preview")[1]["hours"] == "08:00–12:00"
    typed = {f"closes_{monday['key']}": "12:00", f"opens_{added['key']}": "12:30", f"closes_{added['key']}": "13:30"}
    tab.send(HoursState.save, form=times(tab, **typed))
    assert "1 appointment lies outside of them" in tab.toasts[-1]


def test_mistakes_in_the_hours_are_said_beside_them(clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(DOCTORS)
    tab.send(DoctorsState.edit, ref=str(clinic.okafor.ref))
    key = tab.value(HoursState, "days")[0]["rows"][0]["key"]

    tab.send(HoursState.save, form=times(tab, **{f"closes_{key}": "07:00", "raster_minutes": "1"}))
    assert set(tab.value(HoursState, "problems")) == {f"closes_{key}", "raster_minutes"}
    tab.send(HoursState.save, form=times(tab, valid_from="2026-03-01"))
    assert set(tab.value(HoursState, "problems")) == {"valid_from"}


def test_a_week_has_room_for_so_many_stretches_and_says_so(clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(DOCTORS)
    tab.send(DoctorsState.edit, ref=str(clinic.okafor.ref))

    for _ in range(20):
        tab.send(HoursState.add_stretch, weekday=6)
    assert sum(len(day["rows"]) for day in tab.value(HoursState, "days")) == 21
    assert tab.value(HoursState, "problems") == {"hours": "Please give no more than 21 stretches of work."}
    # What could not be carried is refused; no such day is no day.
    tab.send(HoursState.add_stretch, weekday=9)
    tab.send(HoursState.copy_to_weekdays)
    assert sum(len(day["rows"]) for day in tab.value(HoursState, "days")) == 21


def test_planned_hours_are_shown_and_their_replacement_is_said(
    db: Session, clinic: Clinic, admin: Callable[[str], Any]
) -> None:
    boss = actor(make_user(db, "Robin Castellan", Role.admin))
    seen = weekly_hours.week_of(db, boss, clinic.okafor.ref, NOW).seen
    week = Week((Hours(0, time(10), time(11)),), 30, date(2026, 3, 9))
    weekly_hours.set_week(db, boss, clinic.okafor.ref, week, seen=seen, now=NOW)
    tab = admin(DOCTORS)

    tab.send(DoctorsState.edit, ref=str(clinic.okafor.ref))
    assert [each["value"] for each in tab.value(HoursState, "changes")] == ["2026-03-09"]
    assert "9 March 2026 are replaced" in tab.value(HoursState, "warnings")[0]
    tab.send(HoursState.begin, day="2026-03-09")

    assert [row["opens"] for row in tab.value(HoursState, "days")[0]["rows"]] == ["10:00"]
    assert [each["label"] for each in tab.value(HoursState, "changes")] == ["today"]


def test_who_still_has_patients_stays_and_the_dialog_says_why(
    db: Session, clinic: Clinic, admin: Callable[[str], Any]
) -> None:
    appointment = make_appointment(db, clinic, at("2026-03-04 09:00"))
    tab = admin(DOCTORS)
    tab.send(DoctorsState.ask_to_leave, ref=str(clinic.okafor.ref))

    tab.send(DoctorsState.take_out)
    assert tab.value(DoctorsState, "refusal") == "1 appointment is still to come. Move or cancel it first."
    assert clinic.okafor.is_active

    appointment.status = "released"  # type: ignore[assignment]
    db.flush()
    tab.send(DoctorsState.take_out)
    db.refresh(clinic.okafor)
    assert (tab.value(DoctorsState, "leaving"), clinic.okafor.is_active) == ("", False)
    tab.send(DoctorsState.bring_back, ref=str(clinic.okafor.ref))
    db.refresh(clinic.okafor)
    assert clinic.okafor.is_active


def test_two_admins_at_the_same_sheet(db: Session, clinic: Clinic, admin: Callable[[str], Any]) -> None:
    tab = admin(DOCTORS)
    tab.send(DoctorsState.edit, ref=str(clinic.okafor.ref))
    clinic.okafor.qualification = "MD, PhD"
    db.flush()

    tab.send(DoctorsState.save, form=doctor_form(clinic, name="Dr. Ada Okafor"))

    assert "Somebody else has changed this" in tab.toasts[0]
    assert tab.value(DoctorsState, "fields")["qualification"] == "MD, PhD"


# --- First steps ------------------------------------------------------------------------------------------------------


def test_an_empty_clinic_leads_its_admin_to_the_first_steps(db: Session, admin: Callable[[str], Any]) -> None:
    tab = admin("/staff")

    assert tab.redirects == ["/staff/setup"]


def test_from_empty_to_open_step_by_step(db: Session, admin: Callable[[str], Any]) -> None:
    tab = admin(SETUP)
    assert tab.value(SetupState, "step") == 1
    tab.send(SetupState.go_to, step=3)
    assert tab.value(SetupState, "step") == 1

    tab.send(ClinicSettingsState.save, form=CLINIC_FORM)
    assert (tab.value(SetupState, "step"), len(db.exec(select(Location)).all())) == (2, 1)
    tab.send(SetupState.take, form={})
    assert tab.value(SetupState, "problem") == "Please choose at least one specialty."
    tab.send(SetupState.take, form={"take_cardiology": "on", "take_nothing": "on"})
    assert tab.value(SetupState, "step") == 3
    tab.send(SetupState.take, form={})
    assert tab.value(SetupState, "problem") == "Please choose at least one specialty."

    tab.send(DoctorsState.add)
    [cardiology] = tab.value(DoctorsState, "specialties")
    form = {"name": "Dr. Grete Groß", "specialty": cardiology["value"]}
    tab.send(DoctorsState.save, form=form)
    assert tab.value(SetupState, "step") == 3
    tab.send(HoursState.save, form=times(tab))

    assert tab.value(SetupState, "step") == 4
    tab.open("/staff")
    assert [column["name"] for column in tab.value(CalendarState, "columns")] == ["Dr. Grete Groß"]
    assert tab.redirects == []


def test_who_stopped_halfway_is_told_and_goes_on_there(
    db: Session, clinic: Clinic, admin: Callable[[str], Any]
) -> None:
    boss = actor(make_user(db, "Robin Castellan", Role.admin))
    doctors.take_out_of_use(db, boss, clinic.okafor.ref, now=NOW)
    tab = admin("/staff")

    assert (tab.redirects, tab.value(CalendarState, "first_steps")) == ([], "admin")
    tab.open(SETUP)
    assert tab.value(SetupState, "step") == 3


def test_reception_of_an_empty_clinic_is_told_and_stays(db: Session, tab_of: Callable[..., Any]) -> None:
    tab = tab_of(Role.reception, "/staff")

    assert (tab.redirects, tab.value(CalendarState, "first_steps")) == ([], "staff")


def test_patients_of_an_empty_clinic_are_told_kindly(db: Session, new_tab: Callable[..., Any]) -> None:
    tab = new_tab()
    tab.open("/")
    assert tab.value(HomeState, "is_opening")

    clinic = make_clinic(db)
    schedules.extend_openings(db, NOW)
    tab.open("/")
    assert tab.value(HomeState, "is_opening") is False
    assert len(tab.value(HomeState, "specialties")) == 1
    assert clinic.okafor.is_active


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_every_handler_of_the_settings_is_for_admins_alone() -> None:
    names = tuple(state.get_full_name() for state in STATES)
    handlers = {
        name: found.handler.fn
        for name, found in RegistrationContext.get().event_handlers.items()
        if name.startswith(names) and found.handler.fn.__module__.startswith("medcal.")
    }

    assert len(handlers) > 30
    for name, handler in handlers.items():
        rule = rule_of(handler)
        assert rule and rule.who == {"admin"}, name


@pytest.mark.parametrize("role", [Role.reception, Role.doctor])
def test_nobody_else_reads_or_writes_settings(
    db: Session, clinic: Clinic, tab_of: Callable[..., Any], role: Role
) -> None:
    tab = tab_of(role, CLINIC, **{"doctor_id": clinic.okafor.id} if role is Role.doctor else {})

    tab.send(ClinicSettingsState.save, form=CLINIC_FORM)
    tab.send(SpecialtiesState.load)
    tab.send(VisitTypesState.set_in_use, ref=str(clinic.visit_type.ref), is_active=False)
    tab.send(DoctorsState.load)
    tab.send(DoctorsState.edit, ref=str(clinic.okafor.ref))
    tab.send(HoursState.save, form={"raster_minutes": "20", "valid_from": "2026-03-02"})
    tab.send(SetupState.take, form={"take_dentistry": "on"})

    assert not tab.value(ClinicSettingsState, "is_loaded")
    assert not tab.value(SpecialtiesState, "specialties")
    assert not tab.value(DoctorsState, "doctors")
    assert set(db.exec(select(Event.kind))) == {"account.signed_in"}
    assert db.exec(select(VisitType).order_by(col(VisitType.id))).one().is_active


def test_a_stranger_is_sent_to_sign_in(db: Session, clinic: Clinic, new_tab: Callable[..., Any]) -> None:
    tab = new_tab()

    tab.open(DOCTORS)

    assert tab.redirects and all(each.startswith("/sign-in") for each in tab.redirects)
    assert not tab.value(DoctorsState, "doctors")
