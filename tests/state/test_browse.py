"""A doctor's fortnight: what is heard beside each hour, and what travels when a patient turns to other days."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.i18n import LANGUAGES, language
from medcal.services import availability, schedules
from medcal.state import browse
from medcal.state.browse import DoctorState
from medcal.viewmodels.patient import FORTNIGHT, TimeButton, days_of_times
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic, make_visit_type
from tests.support.times import at

PAGE = "/doctors/ada-okafor"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(browse, "HORIZON_DAYS", 2 * FORTNIGHT)
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 2 * FORTNIGHT)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    clinic = make_clinic(db)
    schedules.extend_openings(db, NOW)
    return clinic


def starts(tab: Any) -> list[str]:
    days = tab.value(DoctorState, "days")
    return [hour["starts_at"] for day in days for half in ("morning", "afternoon") for hour in day[half]]


@pytest.mark.parametrize("spoken", sorted(LANGUAGES))
def test_each_hour_is_said_with_its_doctor_its_day_and_its_place(db: Session, clinic: Clinic, spoken: str) -> None:
    first_day = clock.local_day(NOW, clinic.location.zone_info)
    free = availability.list_free(db, clinic.okafor.id or 0, clinic.visit_type, first_day, FORTNIGHT, now=NOW)

    with language(spoken):
        days = days_of_times(free, clinic.okafor, clinic.location, first_day, FORTNIGHT)
        alone = [TimeButton.of(time, clinic.okafor, clinic.location) for time in free]

    said = [
        (hour["starts_at"], hour["label"], f"{day.before}{hour['label']}{day.after}")
        for day in days
        for hour in day.morning + day.afternoon
    ]
    assert said
    assert said == [(time.starts_at, time.label, time.spoken) for time in alone]


def test_who_turns_to_other_days_gets_the_days_and_nothing_else(clinic: Clinic, new_tab: Callable[..., Any]) -> None:
    tab = new_tab()
    tab.open(PAGE)
    first = starts(tab)

    before = len(tab.frames)
    tab.send(DoctorState.show_later)

    sent = {name for frame in tab.frames[before:] for state in json.loads(frame)["delta"].values() for name in state}
    assert sent == {f"{name}_rx_state_" for name in ("days", "has_times", "has_earlier", "has_later")}
    assert starts(tab)
    assert min(starts(tab)) > max(first)


def test_a_time_that_was_taken_meanwhile_is_gone_when_a_patient_turns_back(
    db: Session, clinic: Clinic, new_tab: Callable[..., Any]
) -> None:
    tab = new_tab()
    tab.open(PAGE)
    taken = at("2026-03-05 09:00").isoformat()
    assert taken in starts(tab)

    tab.send(DoctorState.show_later)
    make_appointment(db, clinic, at("2026-03-05 09:00"))
    tab.send(DoctorState.show_earlier)

    assert taken not in starts(tab)
    assert tab.value(DoctorState, "has_times")


def test_a_visit_type_that_is_withdrawn_meanwhile_is_no_longer_chosen(
    db: Session, clinic: Clinic, new_tab: Callable[..., Any]
) -> None:
    other = make_visit_type(db, clinic.specialty, name="Check-up", position=1)
    tab = new_tab()
    tab.open(PAGE)
    tab.send(DoctorState.choose_visit_type, ref=str(other.ref))

    other.is_active = False
    db.add(other)
    db.flush()
    tab.send(DoctorState.show_later)

    assert tab.value(DoctorState, "visit_type") == str(clinic.visit_type.ref)
    assert len(tab.value(DoctorState, "visit_types")) == 1
