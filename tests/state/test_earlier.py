"""A patient's wish and her offer on their pages, and the figures for admins: who may press what, and what then is shown."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from medcal import clock
from medcal.db import in_transaction
from medcal.models import EntryStatus, Offer, OfferStatus, PatientAccess, StaffUser, WaitlistEntry
from medcal.security import Role, digest
from medcal.services import accounts
from medcal.state.appointment import AppointmentState
from medcal.state.offer import OfferState
from medcal.state.staff_statistics import StaffStatisticsState
from medcal.state.wish import EarlierState
from tests.support.factories import (
    NOW,
    PASSWORD,
    Clinic,
    add,
    make_appointment,
    make_clinic,
    make_entry,
    make_offer,
    make_user,
)
from tests.support.times import at

VISIT, OTHER = "a-visit-of-alice-in-her-own-browser-and-no-other", "a-visit-of-somebody-else-in-another-browser-too"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def wish(db: Session, clinic: Clinic) -> WaitlistEntry:
    """Alice's, which is paused."""
    return make_entry(db, clinic, make_appointment(db, clinic, at("2026-03-20 09:00")), status=EntryStatus.paused)


@pytest.fixture
def offer(db: Session, clinic: Clinic, wish: WaitlistEntry) -> Offer:
    """An open one; Alice's browser may see it and the wish."""
    made = make_offer(db, clinic, wish, at("2026-03-05 09:00"))
    rights = {"patient_id": wish.patient_id, "offer_id": made.id, "purpose": "offer"}
    until = NOW + timedelta(days=1)
    add(db, PatientAccess(visit_digest=digest(VISIT), **rights, created_at=NOW, expires_at=until))
    return made


def sign_in(user: StaffUser) -> str:
    return in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1]


# --- Her wish ---------------------------------------------------------------------------------------------------------


def test_a_paused_wish_is_taken_up_again_by_a_button(db, wish, offer, new_tab):
    tab = new_tab(visit=VISIT)
    tab.open("/earlier")
    assert tab.value(EarlierState, "current")["status"] == "paused"
    assert wish.status == "paused"

    tab.send(EarlierState.keep, ref=str(wish.ref))

    assert tab.value(EarlierState, "current")["status"] == "waiting"
    assert tab.value(EarlierState, "current")["place"].startswith("You are the only one")
    assert tab.toasts == ["You are on the list again, in your old place."]


def test_leaving_asks_first(db, wish, offer, new_tab):
    tab = new_tab(visit=VISIT)
    tab.open("/earlier")

    tab.send(EarlierState.ask_to_leave, ref=str(wish.ref))
    db.refresh(wish)
    assert (tab.value(EarlierState, "asks_to_leave"), wish.status) == (True, "paused")
    tab.send(EarlierState.leave)

    db.refresh(wish)
    assert (tab.value(EarlierState, "asks_to_leave"), wish.status) == (False, "withdrawn")
    assert tab.value(EarlierState, "current")["status"] == "withdrawn"


def test_nobody_else_reaches_her_wish(db, wish, offer, new_tab):
    tab = new_tab(visit=OTHER)
    tab.open("/earlier")
    tab.send(EarlierState.keep, ref=str(wish.ref))
    tab.send(EarlierState.ask_to_leave, ref=str(wish.ref))
    tab.send(EarlierState.leave)
    tab.send(AppointmentState.keep_wish, ref=str(wish.ref))

    db.refresh(wish)
    assert wish.status == "paused"
    assert tab.value(EarlierState, "current")["status"] == ""
    assert str(wish.ref) not in "".join(tab.frames)


def test_her_place_names_nobody_else(db, clinic, wish, offer, new_tab):
    make_entry(db, clinic, make_appointment(db, clinic, at("2026-03-20 10:00"), clinic.bob))
    tab = new_tab(visit=VISIT)

    tab.open("/earlier")
    tab.send(EarlierState.keep, ref=str(wish.ref))

    assert "of two" in tab.value(EarlierState, "current")["place"]
    assert "Bob" not in "".join(tab.frames)


# --- Her offer --------------------------------------------------------------------------------------------------------


def test_a_late_click_shows_the_end_with_the_place_kept(db, offer, new_tab):
    tab = new_tab(visit=VISIT)
    tab.open("/offer")
    assert (tab.value(OfferState, "offer")["kind"], tab.value(OfferState, "offer")["is_shared"]) == ("open", False)
    offer.answer_until = NOW
    db.flush()

    tab.send(OfferState.accept)

    card = tab.value(OfferState, "offer")
    assert (card["kind"], card["kept"]) == ("expired", "You keep your appointment and your place on the list.")
    assert tab.value(OfferState, "problem").startswith("This offer has ended.")
    assert tab.redirects == []


def test_a_second_click_leads_to_the_appointment_again(db, wish, offer, new_tab):
    wish.status = EntryStatus.waiting
    db.flush()
    tab = new_tab(visit=VISIT)
    tab.open("/offer")

    for _ in range(2):
        tab.send(OfferState.accept)

    assert tab.redirects == ["/appointment"] * 2
    tab.open("/offer")
    assert tab.value(OfferState, "offer")["kind"] == "accepted"


def test_who_is_asked_with_others_reads_so_and_who_was_slower_too(db, clinic, offer, new_tab):
    bobs = make_entry(db, clinic, patient=clinic.bob)
    ids = {"freed_time_id": offer.freed_time_id, "hold_id": offer.hold_id, "entry_id": bobs.id}
    times = {"answer_until": offer.answer_until, "created_at": NOW}
    add(db, Offer(**ids, **times, patient_id=clinic.bob.id, place_in_group=2, status=OfferStatus.open))
    tab = new_tab(visit=VISIT)
    tab.open("/offer")
    assert tab.value(OfferState, "offer")["is_shared"]
    offer.status, offer.decided_at, offer.decided_by = OfferStatus.taken, NOW, "patient"
    db.flush()

    tab.send(OfferState.accept)

    assert tab.value(OfferState, "offer")["kind"] == "taken"
    assert tab.value(OfferState, "problem").startswith("Somebody else answered first.")
    assert "Bob" not in "".join(tab.frames)


# --- The figures ------------------------------------------------------------------------------------------------------


def test_an_admin_sees_the_figures_of_the_chosen_period(db, clinic, offer, new_tab):
    tab = new_tab(staff=sign_in(make_user(db, "Ines Admin", Role.admin)))

    tab.open("/staff/statistics")
    assert tab.value(StaffStatisticsState, "sheet")["has_any"]
    tab.send(StaffStatisticsState.choose, days="365")
    assert tab.value(StaffStatisticsState, "days") == "365"
    tab.send(StaffStatisticsState.choose, days="100000")

    assert tab.value(StaffStatisticsState, "days") == "365"


@pytest.mark.parametrize("role", [Role.reception, Role.doctor])
def test_the_figures_are_for_nobody_else_on_the_staff(
    db: Session, clinic: Clinic, offer: Any, new_tab: Any, role: Role
):
    doctor_id = clinic.okafor.id if role is Role.doctor else None
    tab = new_tab(staff=sign_in(make_user(db, "Robin Roth", role, doctor_id=doctor_id)))

    tab.open("/staff/statistics")
    tab.send(StaffStatisticsState.load)
    tab.send(StaffStatisticsState.choose, days="365")

    assert not tab.value(StaffStatisticsState, "is_loaded")
    assert not tab.value(StaffStatisticsState, "sheet")["has_any"]
