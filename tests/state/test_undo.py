"""The notice with which the desk takes back what it has just done."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.models import Appointment, AppointmentStatus, Message, MessageStatus, StaffUser
from medcal.security import Role
from medcal.services import accounts, notifications, schedules
from medcal.state.calendar import CalendarState
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.undo import UndoState
from tests.support.factories import NOW, PASSWORD, Clinic, make_appointment, make_clinic, make_user
from tests.support.times import VIENNA, at

TUESDAY = "2026-03-03"
GRACE = timedelta(minutes=2)


class Watch:
    """What time it is."""

    now: datetime = NOW


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(clock, "now", lambda: watch.now)
    return watch


@pytest.fixture
def clinic(db: Session, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 14)
    clinic = make_clinic(db)
    clinic.location.grace_seconds = int(GRACE.total_seconds())
    schedules.extend_openings(db, NOW)
    return clinic


@pytest.fixture
def nine(db: Session, clinic: Clinic) -> Appointment:
    """Alice's appointment, of which she knows."""
    appointment = make_appointment(db, clinic, at(f"{TUESDAY} 09:00"))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW - timedelta(days=1))
    return appointment


def opened(new_tab: Any, user: StaffUser) -> Any:
    tab = new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1])
    tab.open("/staff")
    tab.send(CalendarState.go_to, day=TUESDAY)
    return tab


@pytest.fixture
def desk(clinic: Clinic, nine: Appointment, new_tab: Any) -> Any:
    """Sam's calendar, open at Tuesday."""
    return opened(new_tab, clinic.sam)


def move(tab: Any, clinic: Clinic, nine: Appointment, wall: str = "11:00:00", version: int = 1) -> None:
    payload = {"ref": str(nine.ref), "start": f"{TUESDAY}T{wall}", "doctor": str(clinic.okafor.ref)}
    tab.send(CalendarState.move, **payload, version=version)


def cancel(tab: Any, nine: Appointment) -> None:
    tab.send(OpenAppointmentState.open, ref=str(nine.ref))
    tab.send(OpenAppointmentState.cancel, form={"reason": ""})


def place(db: Session, nine: Appointment) -> tuple[AppointmentStatus, str]:
    db.refresh(nine)
    return nine.status, f"{clock.local(nine.starts_at, VIENNA):%H:%M}"


def fates(db: Session) -> list[MessageStatus]:
    """Of what was written after the confirmation."""
    return [message.status for message in db.exec(select(Message).order_by(Message.id))][1:]  # type: ignore[arg-type]


BOOKED = AppointmentStatus.booked


def test_a_move_can_be_undone_and_nothing_is_sent(db, clinic, nine, desk):
    move(desk, clinic, nine)
    assert desk.value(UndoState, "sentence") == "Moved. The patient is not told yet."
    assert datetime.fromisoformat(desk.value(UndoState, "until")) == NOW + GRACE
    assert desk.toasts == []

    desk.send(UndoState.undo)

    assert place(db, nine) == (BOOKED, "09:00")
    assert desk.toasts == ["Undone. Nothing is sent."]
    assert desk.value(UndoState, "sentence") == ""
    assert fates(db) == [MessageStatus.dropped]


def test_a_cancellation_can_be_undone(db, nine, desk):
    cancel(desk, nine)
    assert desk.value(UndoState, "sentence") == "Cancelled. The patient is not told yet."

    desk.send(UndoState.undo)

    assert place(db, nine) == (BOOKED, "09:00")
    assert desk.toasts == ["Undone. Nothing is sent."]


def test_pressed_twice_it_is_undone_once(db, clinic, nine, desk):
    move(desk, clinic, nine)

    desk.send(UndoState.undo)
    desk.send(UndoState.undo)

    assert desk.toasts == ["Undone. Nothing is sent."]
    assert place(db, nine) == (BOOKED, "09:00")
    assert nine.version == 3


def test_the_last_of_two_moves_is_undone(db, clinic, nine, desk):
    move(desk, clinic, nine)
    move(desk, clinic, nine, "13:00:00", version=2)

    desk.send(UndoState.undo)

    assert place(db, nine) == (BOOKED, "11:00")
    assert desk.toasts == ["Undone. The patient is told."]


def test_moved_back_by_hand_there_is_nothing_to_say(db, clinic, nine, desk):
    move(desk, clinic, nine)
    move(desk, clinic, nine, "09:00:00", version=2)

    assert desk.toasts == ["Moved to the time that the patient knows. Nothing is sent."]
    assert desk.value(UndoState, "sentence") == ""


def test_when_its_time_is_over_the_notice_goes_and_so_does_the_way_back(db, clinic, nine, desk, watch):
    move(desk, clinic, nine)
    watch.now = NOW + GRACE

    desk.send(UndoState.undo)

    assert "too late to undo" in desk.toasts[-1]
    assert place(db, nine) == (BOOKED, "11:00")
    move(desk, clinic, nine, "13:00:00", version=2)
    desk.send(UndoState.leave)
    assert desk.value(UndoState, "sentence") == ""
    desk.send(UndoState.undo)
    assert place(db, nine) == (BOOKED, "13:00")


def test_what_somebody_changed_meanwhile_is_not_undone(db, clinic, nine, desk, new_tab):
    other = opened(new_tab, make_user(db, "Toni Tal", Role.admin))
    move(desk, clinic, nine)
    move(other, clinic, nine, "13:00:00", version=2)

    desk.send(UndoState.undo)

    assert "Somebody else has changed this" in desk.toasts[-1]
    assert place(db, nine) == (BOOKED, "13:00")


def test_a_colleague_finds_the_way_back_in_the_appointment(db, clinic, nine, desk, new_tab):
    cancel(desk, nine)
    other = opened(new_tab, make_user(db, "Toni Tal", Role.admin))
    other.send(OpenAppointmentState.open, ref=str(nine.ref))
    assert other.value(OpenAppointmentState, "sheet")["can_undo"]

    other.send(OpenAppointmentState.take_back)

    assert place(db, nine) == (BOOKED, "09:00")
    assert other.toasts == ["Undone. Nothing is sent."]
    assert not other.value(OpenAppointmentState, "sheet")["can_undo"]


def test_undone_in_the_appointment_the_notice_is_gone(db, clinic, nine, desk):
    move(desk, clinic, nine)
    desk.send(OpenAppointmentState.open, ref=str(nine.ref))

    desk.send(OpenAppointmentState.take_back)

    assert desk.value(UndoState, "sentence") == ""
    assert place(db, nine) == (BOOKED, "09:00")


def test_a_doctor_undoes_nothing_and_a_stranger_neither(db, clinic, nine, desk, new_tab):
    cancel(desk, nine)
    doctor = opened(new_tab, make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))
    doctor.send(OpenAppointmentState.open, ref=str(nine.ref))
    assert not doctor.value(OpenAppointmentState, "sheet")["can_undo"]

    for tab in (doctor, new_tab()):
        tab.send(OpenAppointmentState.take_back)
        tab.send(UndoState.undo)

    assert place(db, nine)[0] is AppointmentStatus.cancelled


def test_a_clinic_without_grace_says_at_once_that_the_patient_is_told(db, clinic, nine, desk):
    clinic.location.grace_seconds = 0
    db.flush()

    move(desk, clinic, nine)

    assert desk.toasts == ["Moved. The patient is told."]
    assert desk.value(UndoState, "sentence") in (None, "")
