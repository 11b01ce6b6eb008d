"""Sending the booking form: what a browser says after its connection was lost, and what the server still knows."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.models import Appointment, AppointmentStatus
from medcal.security import digest
from medcal.services.proof_of_work import new_challenge
from medcal.state.booking import BookingState
from tests.support.factories import NOW, Clinic, make_clinic, make_hold
from tests.support.proof import solve
from tests.support.times import at

VISIT = "a-visit-of-charlie-in-his-own-browser-and-no-other"
AT_NINE, AT_TEN = at("2026-03-20 09:00"), at("2026-03-20 10:00")
FORM = {"name": "Charlie Czerny", "born_on": "1984-02-29", "email": "charlie@example.com", "reason": ""}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def hold(db: Session, clinic: Clinic) -> Appointment:
    return make_hold(db, clinic, AT_NINE, NOW + timedelta(minutes=5), held_by=digest(VISIT))


def as_shown(hold: Appointment, **changed: Any) -> dict[str, Any]:
    return FORM | {"doctor": "ada-okafor", "starts_at": hold.starts_at.isoformat()} | changed


def test_a_form_that_arrives_before_its_page_is_read_anew_books_what_it_showed(db, hold, new_tab):
    tab = new_tab(visit=VISIT)
    challenge = new_challenge("book", f"{digest(VISIT)} {hold.ref}", bits=1, until=NOW + timedelta(minutes=5))

    tab.send(BookingState.confirm, form=as_shown(hold, proof=solve(challenge)))

    db.refresh(hold)
    assert (hold.status, tab.redirects) == (AppointmentStatus.booked, ["/booked"])
    assert hold.consent_id is not None


def test_it_never_books_another_time_than_it_showed(db, hold, new_tab):
    tab = new_tab(visit=VISIT)

    tab.send(BookingState.confirm, form=as_shown(hold, starts_at=AT_TEN.isoformat()))
    tab.send(BookingState.confirm, form=as_shown(hold, doctor="henrik-lindqvist"))
    tab.send(BookingState.confirm, form=FORM)

    db.refresh(hold)
    assert (hold.status, tab.redirects) == (AppointmentStatus.held, [])
    assert [said.startswith("The connection was lost") for said in tab.toasts] == [True] * 3


def test_nobody_books_what_another_browser_holds(db, hold, new_tab):
    tab = new_tab(visit="a-visit-of-somebody-else-in-another-browser-too")

    tab.send(BookingState.confirm, form=as_shown(hold))

    db.refresh(hold)
    assert (hold.status, tab.redirects) == (AppointmentStatus.held, [])


def test_who_has_just_booked_and_comes_back_to_the_form_is_led_on(db, hold, new_tab):
    """Her next page did not load, or she went back; nothing is held for her any more, and that is no bad news."""
    tab = new_tab(visit=VISIT)
    tab.open("/book")
    tab.send(BookingState.confirm, form=as_shown(hold, proof=solve(tab.value(BookingState, "challenge"))))
    assert tab.redirects == ["/booked"]

    tab.open("/book")

    assert tab.redirects == ["/booked"] * 2


@pytest.mark.parametrize(
    ("later", "visit"),
    [(timedelta(minutes=11), VISIT), (timedelta(0), "a-visit-of-somebody-else-in-another-browser-altogether")],
    ids=["later", "somebody else"],
)
def test_nobody_else_and_not_for_ever(db, hold, new_tab, monkeypatch, later, visit):
    tab = new_tab(visit=VISIT)
    tab.open("/book")
    tab.send(BookingState.confirm, form=as_shown(hold, proof=solve(tab.value(BookingState, "challenge"))))
    monkeypatch.setattr(clock, "now", lambda: NOW + later)

    other = new_tab(visit=visit)
    other.open("/book")

    assert other.redirects == []
    assert not other.value(BookingState, "has_hold")
