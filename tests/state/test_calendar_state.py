"""The desk's pages: who may do what, a move that is refused, and nothing for anybody who is not on the staff."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.models import Appointment, AppointmentStatus, Doctor, StaffUser, TimeOff
from medcal.security import Role
from medcal.services import accounts, schedules
from medcal.state.block_time import BlockTimeState
from medcal.state.book_at_desk import BookAtDeskState
from medcal.state.calendar import CalendarState
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.staff_appointments import StaffAppointmentsState
from medcal.state.staff_messages import StaffMessagesState
from medcal.state.staff_waitlist import StaffWaitlistState
from tests.support.factories import (
    NOW,
    PASSWORD,
    Clinic,
    make_appointment,
    make_clinic,
    make_doctor,
    make_entry,
    make_offer,
    make_user,
)
from tests.support.times import at

TUESDAY = "2026-03-03"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 21)
    clinic = make_clinic(db)
    schedules.extend_openings(db, NOW)
    return clinic


@pytest.fixture
def nine(db: Session, clinic: Clinic) -> Appointment:
    """Alice on Tuesday at nine."""
    return make_appointment(db, clinic, at(f"{TUESDAY} 09:00"))


def sign_in(user: StaffUser) -> str:
    return in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1]


@pytest.fixture
def desk(clinic: Clinic, new_tab: Any) -> Any:
    """Sam's calendar, open at Tuesday."""
    return opened(new_tab, clinic.sam)


def opened(new_tab: Any, user: StaffUser) -> Any:
    tab = new_tab(staff=sign_in(user))
    tab.open("/staff")
    tab.send(CalendarState.go_to, day=TUESDAY)
    return tab


def doctors_tab(db: Session, new_tab: Any, doctor: Doctor) -> Any:
    return opened(new_tab, make_user(db, "Ada Okafor", Role.doctor, doctor_id=doctor.id))


def blocks(tab: Any) -> list[tuple[str, str]]:
    return [(block["start"][11:16], block["title"]) for block in tab.value(CalendarState, "blocks") or []]


def move(tab: Any, appointment: Appointment, doctor: Doctor, start: str, version: int = 1) -> None:
    payload = {"ref": str(appointment.ref), "start": start, "doctor": str(doctor.ref), "version": version}
    tab.send(CalendarState.move, **payload)


# --- Looking ----------------------------------------------------------------------------------------------------------


def test_the_calendar_opens_today_with_all_doctors(clinic, nine, new_tab):
    tab = new_tab(staff=sign_in(clinic.sam))
    tab.open("/staff")

    assert tab.value(CalendarState, "day") == "2026-03-02"
    assert [column["name"] for column in tab.value(CalendarState, "columns")] == ["Dr. Ada Okafor"]
    assert tab.value(CalendarState, "zone") == "Europe/Vienna"
    assert tab.value(CalendarState, "is_loaded")


def test_turning_the_page_shows_the_day(nine, desk):
    assert blocks(desk) == [("09:00", "Alice Adler")]

    desk.send(CalendarState.turn, by=1)

    assert (desk.value(CalendarState, "day"), blocks(desk)) == ("2026-03-04", [])


def test_a_week_shows_one_doctor(db, clinic, nine, desk):
    make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")

    desk.send(CalendarState.show_view, view="week")

    assert desk.value(CalendarState, "title") == "2–8 Mar 2026"
    assert len(desk.value(CalendarState, "columns")) == 1
    assert desk.value(CalendarState, "chosen") == str(clinic.okafor.ref)


def test_a_phone_gets_the_list_and_goes_back_to_columns_when_it_is_turned(nine, desk):
    desk.send(CalendarState.fit, is_narrow=True)
    assert desk.value(CalendarState, "view") == "list"

    desk.send(CalendarState.fit, is_narrow=False)
    assert desk.value(CalendarState, "view") == "day"


@pytest.mark.parametrize("day", ["", "not-a-date", "1999-01-01", "9999-12-31", "2026-02-30"])
def test_a_day_that_no_calendar_has_changes_nothing(desk, day):
    desk.send(CalendarState.go_to, day=day)

    assert desk.value(CalendarState, "day") == TUESDAY


def test_a_filter_for_somebody_unknown_means_everybody(clinic, nine, desk):
    desk.send(CalendarState.choose, ref="00000000-0000-0000-0000-000000000000")
    assert blocks(desk) == [("09:00", "Alice Adler")]

    desk.send(CalendarState.choose, ref="'; drop table appointment; --")
    assert desk.toasts == ["We cannot find that."]


# --- Moving -----------------------------------------------------------------------------------------------------------


def test_a_dropped_block_moves_the_appointment(db, clinic, nine, desk):
    move(desk, nine, clinic.okafor, f"{TUESDAY}T11:00:00")

    db.refresh(nine)
    assert nine.starts_at == at(f"{TUESDAY} 11:00")
    assert blocks(desk) == [("11:00", "Alice Adler")]
    assert desk.toasts == ["Moved. The patient is told."]


def test_a_refused_move_is_told_and_the_block_goes_back(db, clinic, nine, desk):
    """The list is the same as before, so only `answered` tells the calendar to draw it again."""
    make_appointment(db, clinic, at(f"{TUESDAY} 11:00"), clinic.bob)
    before = desk.value(CalendarState, "answered")

    move(desk, nine, clinic.okafor, f"{TUESDAY}T11:00:00")

    db.refresh(nine)
    assert nine.starts_at == at(f"{TUESDAY} 09:00")
    assert desk.value(CalendarState, "answered") == before + 1
    assert desk.toasts == ["This time is not free."]


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        (f"{TUESDAY}T05:00:00", "The doctor does not work"),
        ("2026-03-29T02:30:00", "does not exist"),
        ("1850-01-01T09:00:00", "Please give a date"),
        (f"{TUESDAY}T11:00:00+05:00", "Please give a date"),
    ],
    ids=["closed", "skipped", "long ago", "with a zone of its own"],
)
def test_a_time_that_cannot_be_is_refused_in_words(db, clinic, nine, desk, start, sentence):
    move(desk, nine, clinic.okafor, start)

    db.refresh(nine)
    assert nine.starts_at == at(f"{TUESDAY} 09:00")
    assert sentence in desk.toasts[-1]


def test_a_screen_that_is_behind_moves_nothing(db, clinic, nine, desk):
    move(desk, nine, clinic.okafor, f"{TUESDAY}T11:00:00")

    move(desk, nine, clinic.okafor, f"{TUESDAY}T13:00:00", version=1)

    db.refresh(nine)
    assert nine.starts_at == at(f"{TUESDAY} 11:00")
    assert "Somebody else has changed this" in desk.toasts[-1]


# --- What doctors may -------------------------------------------------------------------------------------------------


def test_a_doctor_sees_her_own_patients_only(db, clinic, nine, new_tab):
    weber = make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")
    make_appointment(db, clinic, at(f"{TUESDAY} 10:00"), clinic.bob, doctor=weber)

    tab = doctors_tab(db, new_tab, clinic.okafor)

    assert blocks(tab) == [("09:00", "Alice Adler")]
    assert not tab.value(CalendarState, "can_book")
    assert "Bob" not in "".join(tab.frames)


def test_a_doctor_does_not_move_or_cancel(db, clinic, nine, new_tab):
    tab = doctors_tab(db, new_tab, clinic.okafor)
    tab.send(OpenAppointmentState.open, ref=str(nine.ref))

    move(tab, nine, clinic.okafor, f"{TUESDAY}T11:00:00")
    tab.send(OpenAppointmentState.cancel, form={"reason": ""})

    db.refresh(nine)
    assert (nine.starts_at, nine.status) == (at(f"{TUESDAY} 09:00"), AppointmentStatus.booked)
    assert set(tab.toasts) == {"You are not allowed to do that."}


def test_a_doctor_says_what_became_of_a_visit(db, clinic, new_tab):
    today = make_appointment(db, clinic, at("2026-03-02 09:30"))
    tab = doctors_tab(db, new_tab, clinic.okafor)
    tab.send(OpenAppointmentState.open, ref=str(today.ref))

    tab.send(OpenAppointmentState.check_in)
    tab.send(OpenAppointmentState.finish)

    db.refresh(today)
    assert today.status is AppointmentStatus.fulfilled
    assert tab.value(OpenAppointmentState, "sheet")["status"] == "Done"


def test_a_doctor_does_not_open_somebody_elses_patient(db, clinic, new_tab):
    weber = make_doctor(db, clinic.location, clinic.specialty, "Dr. Wanda Weber")
    foreign = make_appointment(db, clinic, at(f"{TUESDAY} 10:00"), clinic.bob, doctor=weber)
    tab = doctors_tab(db, new_tab, clinic.okafor)

    tab.send(OpenAppointmentState.open, ref=str(foreign.ref))

    assert tab.toasts == ["We cannot find that."]
    assert "Bob" not in "".join(tab.frames)


def test_a_free_time_lets_a_doctor_block_and_reception_book(db, clinic, desk, new_tab):
    picked = {"start": f"{TUESDAY}T10:10:00", "end": "", "doctor": str(clinic.okafor.ref)}
    doctor = doctors_tab(db, new_tab, clinic.okafor)

    doctor.send(CalendarState.pick, **picked)
    desk.send(CalendarState.pick, **picked)

    assert doctor.value(BlockTimeState, "is_open")
    assert not doctor.value(BookAtDeskState, "is_open")
    assert desk.value(BookAtDeskState, "is_open")
    assert desk.value(BookAtDeskState, "place")["time"] == "10:00"


def test_a_doctor_blocks_her_time(db, clinic, new_tab):
    tab = doctors_tab(db, new_tab, clinic.okafor)
    tab.send(CalendarState.pick, start=f"{TUESDAY}T10:00:00", end=f"{TUESDAY}T12:00:00", doctor=str(clinic.okafor.ref))
    form = {
        "from_day": TUESDAY,
        "from_time": "10:00",
        "until_day": TUESDAY,
        "until_time": "12:00",
        "reason": "Congress",
    }

    tab.send(BlockTimeState.block, form=form)

    (absence,) = db.exec(select(TimeOff))
    assert absence.ends_at - absence.starts_at == timedelta(hours=2)
    assert tab.toasts == ["The time is blocked."]


# --- Booking at the desk ----------------------------------------------------------------------------------------------

FORM = {"day": TUESDAY, "time": "10:00", "name": "Nina Neu", "born_on": "1990-01-01", "email": "nina@example.com"}


def book(tab: Any, clinic: Clinic, **fields: object) -> None:
    tab.send(BookAtDeskState.open_at, start=f"{TUESDAY}T10:00:00", end="", doctor=str(clinic.okafor.ref))
    tab.send(BookAtDeskState.book, form=FORM | {"visit_type": str(clinic.visit_type.ref)} | fields)


def test_the_desk_books_for_somebody_new(clinic, desk):
    book(desk, clinic)

    assert desk.toasts == ["Booked. The patient gets a confirmation."]
    assert not desk.value(BookAtDeskState, "is_open")


def test_the_desk_books_for_somebody_found(db, clinic, desk):
    desk.send(BookAtDeskState.open_at, start=f"{TUESDAY}T10:00:00", end="", doctor=str(clinic.okafor.ref))
    desk.send(BookAtDeskState.search, words="alice")
    desk.send(BookAtDeskState.choose_patient, ref=desk.value(BookAtDeskState, "found")[0]["ref"])

    form = {"day": TUESDAY, "time": "10:00", "visit_type": str(clinic.visit_type.ref)}
    desk.send(BookAtDeskState.book, form=form)

    assert [each.patient_id for each in db.exec(select(Appointment))] == [clinic.alice.id]


def test_what_does_not_fit_is_said_beside_its_field(db, clinic, desk):
    book(desk, clinic, born_on="2030-01-01")

    assert list(desk.value(BookAtDeskState, "problems")) == ["born_on"]
    assert desk.value(BookAtDeskState, "is_open")
    assert db.exec(select(Appointment)).all() == []


def test_overbooking_is_offered_after_a_refusal_only(db, clinic, desk):
    make_appointment(db, clinic, at(f"{TUESDAY} 10:00"))
    assert not desk.value(BookAtDeskState, "needs_reason")

    book(desk, clinic)
    assert desk.value(BookAtDeskState, "needs_reason")

    book(desk, clinic, overbook="on", overbook_reason="acute pain")
    assert desk.toasts == ["Booked. The patient gets a confirmation."]


# --- Nobody -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/staff", "/staff/appointments", "/staff/offers", "/staff/waitlist", "/staff/messages"]
)
def test_a_stranger_is_sent_to_the_sign_in_and_sees_nothing(db, clinic, nine, new_tab, path):
    make_offer(db, clinic, make_entry(db, clinic), at(f"{TUESDAY} 14:00"))
    tab = new_tab()

    tab.open(path)
    tab.send(OpenAppointmentState.open, ref=str(nine.ref))
    tab.send(CalendarState.fit, is_narrow=True)
    tab.send(StaffAppointmentsState.search, words="alice")

    # She goes on from there; the calendar is where everybody lands who wants nothing else.
    assert set(tab.redirects) == {"/sign-in" if path == "/staff" else f"/sign-in?next={path}"}
    assert "Alice" not in "".join(tab.frames)


def test_what_crosses_doctors_is_not_for_doctors(db, clinic, nine, new_tab):
    entry = make_entry(db, clinic)
    tab = doctors_tab(db, new_tab, clinic.okafor)

    tab.open("/staff/waitlist")
    tab.open("/staff/messages")
    tab.send(StaffWaitlistState.set_urgent, ref=str(entry.ref), is_urgent=True)

    assert not tab.value(StaffWaitlistState, "waiting")
    assert not tab.value(StaffMessagesState, "is_loaded")
    db.refresh(entry)
    assert entry.urgency == 0
