"""A doctor's fortnight: what is heard beside each hour, and what travels when a patient turns to other days."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.i18n import LANGUAGES, language
from medcal.models import TimeOff
from medcal.services import availability, schedules
from medcal.services.availability import FreeTime
from medcal.state import fortnights
from medcal.state.browse import DoctorState
from medcal.viewmodels.dates import clock_time, moment
from medcal.viewmodels.patient import FORTNIGHT, TimeButton, days_of_times
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic, make_visit_type
from tests.support.times import at

PAGE = "/doctors/ada-okafor"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    for module in (fortnights, schedules):
        monkeypatch.setattr(module, "HORIZON_DAYS", 2 * FORTNIGHT)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    clinic = make_clinic(db)
    schedules.extend_openings(db, NOW)
    return clinic


def free_times(db: Session, clinic: Clinic) -> list[FreeTime]:
    first_day = clock.local_day(NOW, clinic.location.zone_info)
    return availability.list_free(db, clinic.okafor.id or 0, clinic.visit_type, first_day, FORTNIGHT, now=NOW)


def spoken_alone(at: datetime, clinic: Clinic) -> str:
    return f"{clinic.okafor.name}, {moment(at, clinic.location.zone_info)}, {clinic.location.name}"


def close(db: Session, clinic: Clinic, first: str, last: str) -> None:
    closure = TimeOff(location_id=clinic.location.id, starts_at=at(f"{first} 00:00"), ends_at=at(f"{last} 00:00"))
    schedules.add_time_off(db, closure, now=NOW)


def starts(tab: Any) -> list[str]:
    days = tab.value(DoctorState, "days")
    return [hour["starts_at"] for day in days for half in ("morning", "afternoon") for hour in day[half]]


@pytest.mark.parametrize("spoken", sorted(LANGUAGES))
def test_each_hour_is_said_with_its_doctor_its_day_and_its_place(db: Session, clinic: Clinic, spoken: str) -> None:
    first_day = clock.local_day(NOW, clinic.location.zone_info)
    free, zone = free_times(db, clinic), clinic.location.zone_info

    with language(spoken):
        days = days_of_times(free, clinic.okafor, clinic.location, first_day, FORTNIGHT)
        alone = [
            (time.starts_at.isoformat(), clock_time(time.starts_at, zone), spoken_alone(time.starts_at, clinic))
            for time in free
        ]

    said = [
        (hour["starts_at"], hour["label"], f"{day.before}{hour['label']}{day.after}")
        for day in days
        for hour in day.morning + day.afternoon
    ]
    assert said
    assert said == alone


@pytest.mark.parametrize("spoken", sorted(LANGUAGES))
def test_a_time_that_says_its_day_and_doctor_is_said_as_it_is_seen(db: Session, clinic: Clinic, spoken: str) -> None:
    """Who speaks to the computer says what stands on the button (WCAG 2.5.3)."""
    with language(spoken):
        button = TimeButton.of(free_times(db, clinic)[0], clinic.okafor, clinic.location)

    assert button.spoken.startswith(f"{button.day}, {button.label}, {button.doctor_name}")


def test_who_turns_to_other_days_gets_the_days_and_nothing_else(clinic: Clinic, new_tab: Callable[..., Any]) -> None:
    tab = new_tab()
    tab.open(PAGE)
    first = starts(tab)

    before = len(tab.frames)
    tab.send(DoctorState.show_later)

    sent = {name for frame in tab.frames[before:] for state in json.loads(frame)["delta"].values() for name in state}
    assert sent == {f"{name}_rx_state_" for name in ("days", "has_times", "first_free", "has_earlier", "has_later")}
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


def test_days_on_end_without_a_free_time_share_a_row(db: Session, clinic: Clinic, new_tab: Callable[..., Any]) -> None:
    # From Thursday to Monday, and the Wednesday after it.
    close(db, clinic, "2026-03-05", "2026-03-10")
    close(db, clinic, "2026-03-11", "2026-03-12")

    tab = new_tab()
    tab.open(PAGE)

    assert [(day["name"], day["count"] > 0) for day in tab.value(DoctorState, "days")] == [
        ("Monday 2 March", True),
        ("Tuesday 3 March", True),
        ("Wednesday 4 March", True),
        ("Thu 5 Mar to Mon 9 Mar", False),
        ("Tuesday 10 March", True),
        ("Wednesday 11 March", False),
        ("Thursday 12 March", True),
        ("Friday 13 March", True),
        ("Sat 14 Mar to Sun 15 Mar", False),
    ]


def test_a_fortnight_without_a_free_time_leads_to_the_first_one(
    db: Session, clinic: Clinic, new_tab: Callable[..., Any]
) -> None:
    close(db, clinic, "2026-03-02", "2026-03-19")
    tab = new_tab()
    tab.open(PAGE)
    assert (tab.value(DoctorState, "has_times"), tab.value(DoctorState, "days")) == (False, [])
    assert tab.value(DoctorState, "first_free") == "Thu 19 Mar, 08:00"

    tab.send(DoctorState.show_first)

    assert min(starts(tab)) == at("2026-03-19 08:00").isoformat()
    assert (tab.value(DoctorState, "has_earlier"), tab.value(DoctorState, "first_free")) == (True, "")


def test_who_has_gone_past_the_last_free_time_is_led_back(
    db: Session, clinic: Clinic, new_tab: Callable[..., Any]
) -> None:
    close(db, clinic, "2026-03-04", "2026-04-30")
    tab = new_tab()
    tab.open(PAGE)

    tab.send(DoctorState.show_later)
    assert not tab.value(DoctorState, "has_times")
    tab.send(DoctorState.show_first)

    assert starts(tab)
    assert not tab.value(DoctorState, "has_earlier")


def test_a_doctor_without_any_free_time_leads_nowhere(db: Session, clinic: Clinic, new_tab: Callable[..., Any]) -> None:
    close(db, clinic, "2026-03-02", "2026-04-30")
    tab = new_tab()
    tab.open(PAGE)

    tab.send(DoctorState.show_first)

    assert (tab.value(DoctorState, "has_times"), tab.value(DoctorState, "first_free")) == (False, "")
    assert not tab.value(DoctorState, "has_earlier")
