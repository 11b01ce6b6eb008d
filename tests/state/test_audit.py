"""The page of the history: what is asked for is shown, and nobody but admins reads it."""

import csv
import io
from base64 import b64decode
from typing import Any
from urllib.parse import unquote

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.db import in_transaction
from medcal.models import StaffUser
from medcal.security import Role
from medcal.services import accounts, changes, schedules
from medcal.state.audit import AuditState
from medcal.state.session import SessionState
from tests.support.factories import NOW, PASSWORD, Clinic, make_appointment, make_clinic, make_user
from tests.support.times import at


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    """Sam has moved Alice's visit."""
    clinic = make_clinic(db)
    schedules.write_openings(db, clinic.okafor.id or 0, now=NOW)
    visit = make_appointment(db, clinic, at("2026-03-05 10:00"))
    changes.move_at_desk(db, visit, clinic.okafor, at("2026-03-06 11:00"), version=1, by=clinic.desk, now=NOW)
    return clinic


@pytest.fixture
def olga(db: Session, clinic: Clinic) -> StaffUser:
    return make_user(db, "Olga Ohm", Role.admin)


def opened(new_tab: Any, user: StaffUser) -> Any:
    tab = new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1])
    tab.open("/staff/settings/audit")
    return tab


def lines(tab: Any) -> list[dict[str, Any]]:
    return tab.value(AuditState, "page")["lines"]  # type: ignore[no-any-return]


def test_an_admin_reads_from_what_to_what_and_that_she_has_looked(
    clinic: Clinic, olga: StaffUser, new_tab: Any
) -> None:
    tab = opened(new_tab, olga)

    [moved] = [line for line in lines(tab) if line["what"] == "Appointment moved"]
    assert (moved["who"], moved["about"].split(" · ")[0]) == ("Sam Stern", "Alice Adler")
    [time] = [change for change in moved["changes"] if change["name"] == "Time"]
    assert (time["old"], time["new"]) == ("5 Mar 2026, 10:00", "6 Mar 2026, 11:00")
    assert [line["who"] for line in lines(tab) if line["is_look"]] == ["Olga Ohm"]


def test_it_is_narrowed_to_a_patient_a_person_a_kind_and_days(clinic: Clinic, olga: StaffUser, new_tab: Any) -> None:
    tab = opened(new_tab, olga)
    tab.send(AuditState.choose_part, part="changes")
    assert not any(line["is_look"] for line in lines(tab))

    tab.send(AuditState.search, words="adler")
    [alice] = tab.value(AuditState, "found")
    tab.send(AuditState.choose_patient, ref=alice["ref"])
    assert lines(tab)
    tab.send(AuditState.choose_what, what="appointment.moved")
    assert [line["what"] for line in lines(tab)] == ["Appointment moved"]
    tab.send(AuditState.choose_who, who=str(olga.ref))
    assert lines(tab) == []
    tab.send(AuditState.choose_who, who="")
    tab.send(AuditState.choose_last_day, day="2026-03-01")
    assert lines(tab) == []


@pytest.mark.parametrize("nonsense", ["", "x", "2026-13-45", "' OR 1=1", "\x00"])
def test_nonsense_asks_for_everything(clinic: Clinic, olga: StaffUser, new_tab: Any, nonsense: str) -> None:
    tab = opened(new_tab, olga)
    for handler, name in (
        (AuditState.choose_who, "who"),
        (AuditState.choose_what, "what"),
        (AuditState.choose_first_day, "day"),
        (AuditState.choose_last_day, "day"),
        (AuditState.choose_patient, "ref"),
    ):
        tab.send(handler, **{name: nonsense})

    assert [line for line in lines(tab) if line["what"] == "Appointment moved"]


def test_the_file_holds_what_is_asked_for(clinic: Clinic, olga: StaffUser, new_tab: Any) -> None:
    tab = opened(new_tab, olga)
    tab.send(AuditState.choose_what, what="appointment.moved")

    tab.send(AuditState.export)

    [event] = [event for event in tab.events if event.name == "_download"]
    head, _, content = event.payload["url"].partition(",")
    text = b64decode(content).decode() if head.endswith("base64") else unquote(content)
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["what"], row["who"], row["patients"]) == ("appointment.moved", "Sam Stern", "Alice Adler")
    assert row["changes"].startswith("starts_at: 2026-03-05")
    assert event.payload["filename"] == "history.csv"


def test_reception_is_shown_nothing(clinic: Clinic, olga: StaffUser, new_tab: Any) -> None:
    tab = opened(new_tab, clinic.sam)
    for handler in (AuditState.load, AuditState.export):
        tab.send(handler)

    assert tab.value(SessionState, "role") == "reception"
    assert not (tab.value(AuditState, "page") or {"lines": []})["lines"]
    assert [event for event in tab.events if event.name == "_download"] == []
