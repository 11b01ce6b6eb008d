"""What a patient may ask for, at the desk: reception hands her data over, admins erase her."""

import json
from base64 import b64decode
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.models import Appointment, AppointmentStatus, Patient, StaffUser
from medcal.security import Role
from medcal.services import accounts
from medcal.state.calendar import CalendarState
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.patient_data import PatientDataState
from tests.support.factories import NOW, PASSWORD, Clinic, make_appointment, make_clinic, make_user


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def seen(db: Session, clinic: Clinic) -> Appointment:
    """A visit of Alice's that is over."""
    return make_appointment(
        db, clinic, NOW - timedelta(days=1), status=AppointmentStatus.fulfilled, request="<b>Marked</b> & kept"
    )


def opened(new_tab: Any, user: StaffUser, appointment: Appointment) -> Any:
    tab = new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1])
    tab.open("/staff")
    tab.send(CalendarState.go_to, day="2026-03-01")
    tab.send(OpenAppointmentState.open, ref=str(appointment.ref))
    return tab


def downloaded(tab: Any) -> tuple[str, str]:
    [event] = [event for event in tab.events if event.name == "_download"]
    head, _, content = event.payload["url"].partition(",")
    text = b64decode(content).decode() if head.endswith("base64") else unquote(content)
    return event.payload["filename"], text


def test_reception_hands_over_a_page_and_a_file_for_machines(clinic, seen, new_tab):
    tab = opened(new_tab, clinic.sam, seen)

    tab.send(PatientDataState.to_process)

    name, text = downloaded(tab)
    assert name == "patient-data.json"
    assert json.loads(text)["person"]["name"] == "Alice Adler"
    tab.events.clear()
    tab.send(PatientDataState.to_read)
    name, page = downloaded(tab)
    assert name == "patient-data.html"
    assert "<h1>What Medcal Clinic Vienna keeps about Alice Adler</h1>" in page
    assert "&lt;b&gt;Marked&lt;/b&gt; &amp; kept" in page
    assert "<script" not in page and "http" not in page


def test_an_admin_erases_after_a_question(db, clinic, seen, new_tab):
    tab = opened(new_tab, make_user(db, "Olga Ohm", Role.admin), seen)
    tab.send(PatientDataState.ask)
    assert tab.value(PatientDataState, "asks_about") == str(clinic.alice.ref)

    tab.send(PatientDataState.erase)

    assert tab.toasts == ["The patient was erased."]
    assert tab.value(OpenAppointmentState, "is_open") is False
    assert "Alice Adler" not in db.exec(select(Patient.name)).all()


def test_without_the_question_nobody_is_erased(db, clinic, seen, new_tab):
    tab = opened(new_tab, make_user(db, "Olga Ohm", Role.admin), seen)

    tab.send(PatientDataState.erase)

    assert "Alice Adler" in db.exec(select(Patient.name)).all()


def test_neither_reception_nor_a_doctor_erases_and_a_doctor_is_given_nothing(db, clinic, seen, new_tab):
    doctor = make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id)
    for user, handlers in ((clinic.sam, ["ask", "erase"]), (doctor, ["ask", "erase", "to_read", "to_process"])):
        tab = opened(new_tab, user, seen)
        for handler in handlers:
            tab.send(getattr(PatientDataState, handler))
        assert [event for event in tab.events if event.name == "_download"] == []

    assert "Alice Adler" in db.exec(select(Patient.name)).all()
