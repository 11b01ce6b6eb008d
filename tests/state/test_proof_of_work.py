"""Booking as a stranger: a hold is turned into an appointment by who has computed for this very hold, and by nobody else."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.models import Appointment, AppointmentStatus
from medcal.services import booking, fair_share, schedules, throttle
from medcal.services.patients import Person
from medcal.services.proof_of_work import FLOOR_BITS
from medcal.state.booking import BookingState
from medcal.state.find import FindState
from tests.support.factories import NOW, Clinic, make_clinic
from tests.support.proof import solve
from tests.support.times import at

VISIT, OTHER = "a-visit-of-charlie-in-his-own-browser-and-no-other", "a-visit-of-somebody-else-in-another-browser-too"
FORM = {"name": "Charlie Czerny", "born_on": "1984-02-29", "email": "charlie@example.com"}
FIRST, SECOND = at("2026-03-05 09:00"), at("2026-03-05 10:00")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 14)
    clinic = make_clinic(db)
    schedules.extend_openings(db, NOW)
    return clinic


@pytest.fixture
def holding(clinic: Clinic, new_tab: Callable[..., Any]) -> Callable[..., Any]:
    """A tab of a browser that holds a time and stands before the form."""

    def hold(visit: str = VISIT, starts_at: Any = FIRST) -> Any:
        tab = new_tab(visit=visit)
        visit_type = str(clinic.visit_type.ref)
        tab.send(BookingState.choose, doctor=clinic.okafor.slug, starts_at=starts_at.isoformat(), visit_type=visit_type)
        tab.open("/book")
        return tab

    return hold


def challenge(tab: Any) -> str:
    return str(tab.value(BookingState, "challenge"))


def send(tab: Any, **form: str) -> None:
    tab.send(BookingState.confirm, form={**FORM, **form})


def booked(db: Session) -> int:
    return len(db.exec(select(Appointment).where(Appointment.status == AppointmentStatus.booked)).all())


def test_who_has_computed_books(db, holding):
    tab = holding()
    assert challenge(tab).startswith(f"{FLOOR_BITS}.")

    send(tab, proof=solve(challenge(tab)))

    assert tab.redirects[-1] == "/booked"
    assert booked(db) == 1


@pytest.mark.parametrize("proof", [{}, {"proof": ""}, {"proof": "x"}, {"proof": "<reflex.Var>x</reflex.Var>"}])
def test_who_has_not_is_told_and_gets_another_challenge(db, holding, proof):
    tab = holding()
    first = challenge(tab)

    send(tab, **proof)

    assert "not a machine" in tab.value(BookingState, "problem")
    assert challenge(tab) not in ("", first)
    assert (booked(db), tab.redirects[-1:]) == (0, ["/book"])
    send(tab, proof=solve(challenge(tab)))
    assert booked(db) == 1


def test_mistakes_in_the_form_cost_no_second_proof(db, holding):
    tab = holding()
    proof = solve(challenge(tab))

    send(tab, name="C", proof=proof)
    assert tab.value(BookingState, "problems")
    send(tab, proof=proof)

    assert booked(db) == 1


def test_the_same_form_twice_books_once(db, holding):
    tab = holding()
    proof = solve(challenge(tab))

    send(tab, proof=proof)
    send(tab, proof=proof)

    assert booked(db) == 1


def test_the_proof_of_one_browser_is_worth_nothing_in_another(db, holding):
    own, other = holding(), holding(OTHER, SECOND)

    send(other, proof=solve(challenge(own)))

    assert "not a machine" in other.value(BookingState, "problem")
    assert booked(db) == 0


def test_the_proof_for_one_hold_is_worth_nothing_for_the_next(db, holding):
    proof = solve(challenge(holding()))
    tab = holding(starts_at=SECOND)

    send(tab, proof=proof)

    assert booked(db) == 0


def test_who_comes_after_the_hold_is_told_that_and_not_of_machines(db, holding, monkeypatch):
    tab = holding()
    proof = solve(challenge(tab))
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=11))

    send(tab, proof=proof)

    assert tab.value(BookingState, "is_expired") is True
    assert not tab.value(BookingState, "problem")
    assert booked(db) == 0


def test_a_proof_outlives_a_restart_of_the_server(db, holding, new_tab):
    proof = solve(challenge(holding()))
    again = new_tab(visit=VISIT)
    again.open("/book")

    send(again, proof=proof)

    assert booked(db) == 1


def test_what_others_hold_makes_it_dearer(db, clinic, holding):
    pace = fair_share.PACES["hold"].clinic
    for number in range(pace.usual + 2 * pace.step):
        throttle.add(db, f"hold at the clinic {number % 16}", window=fair_share.WORK_WINDOW, now=NOW)

    assert challenge(holding()).startswith(f"{FLOOR_BITS + 2}.")


def test_without_a_hold_there_is_nothing_to_compute(db, clinic, new_tab):
    tab = new_tab(visit=VISIT)
    tab.open("/book")

    assert challenge(tab) == ""
    assert booking.find_hold(db, visit=VISIT, now=NOW) is None


def test_the_desk_books_without_any(db, clinic):
    charlie = Person("Charlie Czerny", date(1984, 2, 29), "charlie@example.com", None)
    booking.book_at_desk(db, clinic.okafor, clinic.visit_type, FIRST, charlie, by=clinic.desk, now=NOW)

    assert booked(db) == 1


def test_who_wants_a_code_gets_a_challenge_and_another_one_when_it_is_old(db, clinic, new_tab):
    tab = new_tab(visit=VISIT)
    tab.open("/appointment/find")
    first = tab.value(FindState, "challenge")

    tab.send(FindState.renew)

    assert first.startswith(f"{FLOOR_BITS}.")
    assert tab.value(FindState, "challenge") not in ("", first)
