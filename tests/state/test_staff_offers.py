"""The board of offers and its rules through the guard: who may do what, and what a page shows afterwards."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from reflex_base.event import EventHandler
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.models import Appointment, Doctor, FreedTime, Offer, StaffUser
from medcal.models.policies import OfferPolicy
from medcal.security import Role
from medcal.services import accounts, policy, schedules
from medcal.state.offer_rules import OfferRulesState
from medcal.state.staff_offers import StaffOffersState
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
    make_patient,
    make_user,
)
from tests.support.times import at

BOARD, RULES = "/staff/offers", "/staff/settings/offers"
SOON, LATER = at("2026-03-05 09:00"), at("2026-03-20 09:00")
# As the form sends it: the first step near, the second far.
GOOD = {
    "from_lead_hours_1": "0",
    "group_size_1": "3",
    "answer_minutes_1": "30",
    "from_lead_hours_2": "48",
    "group_size_2": "1",
    "answer_minutes_2": "120",
    "least_lead_minutes": "60",
    "offers_per_week": "4",
    "unanswered_before_pause": "2",
}


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
def offer(db: Session, clinic: Clinic) -> Offer:
    """Greta, whom only a call reaches, is asked instead of her later appointment."""
    greta = make_patient(db, "Greta Groß", None, phone="+4315550123")
    return make_offer(db, clinic, make_entry(db, clinic, make_appointment(db, clinic, LATER, greta)), SOON)


def sign_in(user: StaffUser) -> str:
    return in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1]


@pytest.fixture
def open_tab(new_tab: Callable[..., Any]) -> Callable[..., Any]:
    def opened(user: StaffUser, path: str) -> Any:
        tab = new_tab(staff=sign_in(user))
        tab.open(path)
        return tab

    return opened


@pytest.fixture
def desk(clinic: Clinic, open_tab: Callable[..., Any]) -> Any:
    return open_tab(clinic.sam, BOARD)


@pytest.fixture
def admins(db: Session, clinic: Clinic, open_tab: Callable[..., Any]) -> Any:
    """The rules, open before Robin, with the two steps of GOOD."""
    steps = (policy.Step(timedelta(0), timedelta(minutes=20), 5), policy.Step(timedelta(days=1), timedelta(hours=1), 2))
    policy.write_policy(db, clinic.location.id or 0, None, policy.Policy(steps))
    return open_tab(make_user(db, "Robin Roth", Role.admin), RULES)


def shown(tab: Any, part: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tab.value(StaffOffersState, "board")[part]
    return found


# --- The board --------------------------------------------------------------------------------------------------------


def test_the_call_list_says_whom_to_call_and_what_to_say(offer: Offer, desk: Any) -> None:
    (call,) = shown(desk, "calls")

    assert (call["patient"], call["phone"]) == ("Greta Groß", "+4315550123")
    assert call["say"] == (
        "We have an earlier time for you: Thursday 5 March, 09:00, with Dr. Ada Okafor. "
        "It would replace Fri 20 Mar, 09:00 with Dr. Ada Okafor. "
        "We keep it until Mon 2 Mar, 12:00. Would you like it?"
    )
    assert call["answer_until"] == offer.answer_until.isoformat()


def test_an_answer_on_the_phone_is_noted_once_and_the_board_follows(db: Session, offer: Offer, desk: Any) -> None:
    desk.send(StaffOffersState.accept, ref=str(offer.ref))
    desk.send(StaffOffersState.decline, ref=str(offer.ref))

    assert desk.toasts == [
        "Accepted: the time is booked.",
        "Greta Groß has already accepted (Sam Stern, 10:00).",
    ]
    assert (shown(desk, "calls"), shown(desk, "offered")) == ([], [])
    assert [row["outcome"] for row in shown(desk, "ended")] == ["Filled: Greta Groß"]
    appointment = db.exec(select(Appointment).where(Appointment.patient_id == offer.patient_id)).first()
    assert appointment and appointment.starts_at == SOON


@pytest.mark.parametrize(
    ("handler", "status"),
    [(StaffOffersState.decline, "declined"), (StaffOffersState.not_reached, "expired")],
    ids=["declined", "not reached"],
)
def test_a_no_and_no_answer_free_the_time_for_the_next(
    db: Session, offer: Offer, desk: Any, handler: EventHandler, status: str
) -> None:
    desk.send(handler, ref=str(offer.ref))

    db.refresh(offer)
    assert offer.status == status
    assert shown(desk, "offered") == []
    assert [row["kind"] for row in shown(desk, "looking")] == ["now"]


def test_the_trail_opens_and_follows(db: Session, offer: Offer, desk: Any) -> None:
    freed = db.get_one(FreedTime, offer.freed_time_id)
    desk.send(StaffOffersState.open_trail, ref=str(freed.ref))
    assert desk.value(StaffOffersState, "is_open")
    assert desk.value(StaffOffersState, "trail")["when"] == "Thursday 5 March, 09:00"

    desk.send(StaffOffersState.withdraw, ref=str(freed.ref))

    assert [line["sentence"] for line in desk.value(StaffOffersState, "trail")["lines"]] == [
        "Sam Stern withdrew the offer to Greta Groß."
    ]
    desk.send(StaffOffersState.set_open, is_open=False)
    assert not desk.value(StaffOffersState, "trail")["lines"]


def test_the_board_is_narrowed_to_a_doctor(db: Session, clinic: Clinic, offer: Offer, desk: Any) -> None:
    other: Doctor = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")

    desk.send(StaffOffersState.choose, ref=str(other.ref))
    assert shown(desk, "offered") == []
    desk.send(StaffOffersState.choose, ref="everybody")
    assert desk.toasts == ["We cannot find that."]
    desk.send(StaffOffersState.choose, ref="")
    assert len(shown(desk, "offered")) == 1


# --- The waitlist -----------------------------------------------------------------------------------------------------


def test_reception_pauses_somebody_and_has_her_asked_again(
    db: Session, clinic: Clinic, open_tab: Callable[..., Any]
) -> None:
    entry = make_entry(db, clinic)
    tab = open_tab(clinic.sam, "/staff/waitlist")

    tab.send(StaffWaitlistState.pause, ref=str(entry.ref))
    assert [row["is_paused"] for row in tab.value(StaffWaitlistState, "waiting")] == [True]
    tab.send(StaffWaitlistState.resume, ref=str(entry.ref))
    assert [row["is_paused"] for row in tab.value(StaffWaitlistState, "waiting")] == [False]


# --- The rules --------------------------------------------------------------------------------------------------------


def save(tab: Any, **changes: str) -> None:
    tab.send(OfferRulesState.save, form=GOOD | changes)


def test_an_admin_reads_the_rules_and_what_they_mean(admins: Any) -> None:
    steps = admins.value(OfferRulesState, "steps")

    assert [(step["from_lead_hours"], step["group_size"]) for step in steps] == [("24", "2"), ("0", "5")]
    assert "quiet" not in admins.value(OfferRulesState, "standing")
    assert "From 20:00 to 08:00 nobody is written to" in admins.value(OfferRulesState, "standing")
    assert "With 3 days left: 2 people at once, 1 hour to answer." in admins.value(OfferRulesState, "preview")


def test_saved_rules_hold(db: Session, clinic: Clinic, admins: Any) -> None:
    save(admins)

    assert admins.value(OfferRulesState, "problems") == {}
    assert admins.toasts[0].startswith("Saved")
    rules = policy.policy_for(db, clinic.location, None)
    assert [(step.from_lead.total_seconds() / 3600, step.group_size) for step in rules.steps] == [(48, 1), (0, 3)]
    assert (rules.least_lead, rules.offers_per_week, rules.unanswered_before_pause) == (timedelta(hours=1), 4, 2)


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"answer_minutes_1": "14"}, {"answer_minutes_1": "Please give a number from 15 to 10080."}),
        ({"group_size_2": "11"}, {"group_size_2": "Please give a number from 1 to 10."}),
        ({"group_size_1": "", "offers_per_week": "many"}, {"group_size_1", "offers_per_week"}),
        ({"from_lead_hours_1": "-3"}, {"from_lead_hours_1"}),
        ({"from_lead_hours_2": "9" * 400}, {"from_lead_hours_2"}),
        ({"least_lead_minutes": "²"}, {"least_lead_minutes"}),
        ({"from_lead_hours_2": "0"}, {"from_lead_hours_2": "Another step begins there already."}),
    ],
    ids=["too short", "too many", "nothing and a word", "negative", "endless", "no digit", "twice"],
)
def test_nonsense_is_refused_beside_its_field(
    db: Session, clinic: Clinic, admins: Any, changes: dict[str, str], problems: Any
) -> None:
    before = policy.policy_for(db, clinic.location, None)

    save(admins, **changes)

    found = admins.value(OfferRulesState, "problems")
    assert found == problems if isinstance(problems, dict) else set(found) == problems
    assert policy.policy_for(db, clinic.location, None) == before


def test_without_a_step_nobody_would_be_asked(db: Session, admins: Any) -> None:
    for key in ("1", "2"):
        admins.send(OfferRulesState.remove_step, key=key)

    save(admins)

    assert admins.value(OfferRulesState, "problems") == {"steps": "Please give at least one step."}


def test_what_is_typed_shows_at_once_what_it_means(admins: Any) -> None:
    admins.send(OfferRulesState.add_step)
    assert admins.value(OfferRulesState, "preview") == []

    for name, value in (("from_lead_hours", "72"), ("group_size", "1"), ("answer_minutes", "240")):
        admins.send(OfferRulesState.write, field=f"{name}_3", value=value)

    assert "With 3 days left: 1 person, 4 hours to answer." in admins.value(OfferRulesState, "preview")
    admins.send(OfferRulesState.write, field="anything else", value="x")
    assert len(admins.value(OfferRulesState, "preview")) > 0


def test_a_visit_has_its_own_rules_until_they_are_forgotten(db: Session, clinic: Clinic, admins: Any) -> None:
    admins.send(OfferRulesState.choose_visit, ref=str(clinic.visit_type.ref))
    assert not admins.value(OfferRulesState, "has_own_rules")

    save(admins)
    assert admins.value(OfferRulesState, "has_own_rules")
    assert policy.policy_for(db, clinic.location, clinic.visit_type.id).offers_per_week == 4
    assert policy.policy_for(db, clinic.location, None).offers_per_week == 3

    admins.send(OfferRulesState.forget)
    assert not admins.value(OfferRulesState, "has_own_rules")
    assert policy.policy_for(db, clinic.location, clinic.visit_type.id).offers_per_week == 3


@pytest.mark.parametrize("choose", [OfferRulesState.choose_place, OfferRulesState.choose_visit], ids=["place", "visit"])
@pytest.mark.parametrize("ref", ["x" * 36, "7e0c2a0e-6a0f-4c1c-9c53-0d7b1b1f3f10"], ids=["nonsense", "unknown"])
def test_what_does_not_exist_cannot_be_chosen(admins: Any, choose: EventHandler, ref: str) -> None:
    before = admins.value(OfferRulesState, "steps"), admins.value(OfferRulesState, "place")

    admins.send(choose, ref=ref)

    assert admins.toasts == ["We cannot find that."]
    assert (admins.value(OfferRulesState, "steps"), admins.value(OfferRulesState, "place")) == before


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_the_board_is_not_for_doctors(db: Session, clinic: Clinic, offer: Offer, open_tab: Callable[..., Any]) -> None:
    tab = open_tab(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id), BOARD)
    freed = db.get_one(FreedTime, offer.freed_time_id)

    for handler in (StaffOffersState.accept, StaffOffersState.decline, StaffOffersState.not_reached):
        tab.send(handler, ref=str(offer.ref))
    for handler in (StaffOffersState.withdraw, StaffOffersState.open_trail):
        tab.send(handler, ref=str(freed.ref))
    tab.send(StaffOffersState.look)

    assert "Greta" not in "".join(tab.frames)
    db.refresh(offer)
    assert offer.status == "open"


def test_a_stranger_sees_nothing_of_the_board(db: Session, offer: Offer, new_tab: Callable[..., Any]) -> None:
    tab = new_tab()

    tab.open(BOARD)
    tab.send(StaffOffersState.accept, ref=str(offer.ref))

    assert "Greta" not in "".join(tab.frames)
    db.refresh(offer)
    assert offer.status == "open"


@pytest.mark.parametrize("role", [Role.reception, Role.doctor])
def test_rules_are_for_admins_alone(db: Session, clinic: Clinic, open_tab: Callable[..., Any], role: Role) -> None:
    doctor_id = clinic.okafor.id if role is Role.doctor else None
    tab = open_tab(make_user(db, "Nina Neugierig", role, doctor_id=doctor_id), RULES)

    save(tab)
    tab.send(OfferRulesState.forget)
    tab.send(OfferRulesState.choose_visit, ref=str(clinic.visit_type.ref))

    assert not tab.value(OfferRulesState, "steps")
    assert db.exec(select(OfferPolicy)).all() == []
