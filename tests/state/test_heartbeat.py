"""Every page of the staff says when the scheduler does not run, and nothing while it does."""

from typing import Any

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.db import fetch, in_transaction
from medcal.security import Role
from medcal.services import accounts
from medcal.state.heartbeat import HeartbeatState
from tests.support.factories import PASSWORD, Clinic, make_clinic, make_user


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


def beat(db: Session, ago: str) -> None:
    fetch(
        db,
        """INSERT INTO periodic_run (name, started_at) VALUES ('heartbeat', clock_timestamp() - %(ago)s::interval)
           ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at""",
        ago=ago,
    )


@pytest.fixture
def new_staff(clinic: Clinic, new_tab: Any) -> Any:
    def make(user: Any = clinic.sam) -> Any:
        return new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=clock.now())[1])

    return make


def warning(tab: Any) -> str:
    return (tab.value(HeartbeatState, "notice") or {}).get("warning", "")


def test_while_all_is_well_nothing_is_said(db, clinic, new_staff):
    beat(db, "50 s")
    tab = new_staff()

    tab.open("/staff")

    assert warning(tab) == ""


@pytest.mark.parametrize(
    "path", ["/staff", "/staff/appointments", "/staff/offers", "/staff/messages", "/staff/settings/messages"]
)
def test_a_silent_scheduler_is_said_on_every_page(db, clinic, new_staff, path):
    beat(db, "65 s")
    tab = new_staff()

    tab.open(path)

    assert warning(tab).startswith("Messages have not gone out since ")
    assert warning(tab).endswith(": the scheduler does not run.")


def test_a_doctor_is_told_as_well(db, clinic, new_staff):
    beat(db, "2 days")
    doctor = make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id)
    tab = new_staff(doctor)

    tab.open("/staff")

    assert "the scheduler does not run" in warning(tab)


def test_a_scheduler_that_never_ran_is_said(db, clinic, new_staff):
    tab = new_staff()

    tab.open("/staff")

    assert warning(tab) == "Messages do not go out: the scheduler has not run yet."


def test_the_messages_page_says_quietly_when_it_last_worked(db, clinic, new_staff):
    beat(db, "5 s")
    tab = new_staff()

    tab.open("/staff/messages")

    assert tab.value(HeartbeatState, "notice")["worked"].startswith("The scheduler last worked at ")
    assert warning(tab) == ""


def test_a_stranger_is_told_nothing(db, clinic, new_tab):
    beat(db, "2 days")
    tab = new_tab()

    tab.open("/staff")
    tab.send(HeartbeatState.load)

    assert warning(tab) == ""
