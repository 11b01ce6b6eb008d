"""The pages of accounts as a browser lives through them: what they show, what they refuse, and what they never send twice."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlmodel import Session

from medcal import clock
from medcal.db import fetch, fetch_one, in_transaction
from medcal.models import StaffUser
from medcal.security import Role, digest
from medcal.services import accounts, own_account, second_step, sessions, staff_links
from medcal.services.sessions import Device
from medcal.state import live
from medcal.state.account import AccountState
from medcal.state.offer_rules import OfferRulesState
from medcal.state.people import PeopleState
from medcal.state.staff_statistics import StaffStatisticsState
from tests.support.factories import PASSWORD, actor, make_doctor, make_location, make_specialty, make_user

ACCOUNT, PEOPLE = "/staff/account", "/staff/settings/people"


@pytest.fixture(autouse=True)
def place(db: Session) -> Any:
    location = make_location(db)
    doctor = make_doctor(db, location, make_specialty(db), has_hours=False)
    db.commit()
    return doctor


@pytest.fixture
def robin(db: Session) -> StaffUser:
    return kept(db, make_user(db, "Robin Roth", Role.admin))


@pytest.fixture
def sam(db: Session) -> StaffUser:
    return kept(db, make_user(db))


def kept(db: Session, user: StaffUser) -> StaffUser:
    db.commit()
    return user


def sign_in(user: StaffUser, device: Device = sessions.NOWHERE) -> str:
    return in_transaction(accounts.sign_in, user.email, PASSWORD, device=device, now=clock.now())[1]


@pytest.fixture
def tab_of(new_tab: Callable[..., Any]) -> Callable[..., Any]:
    """tab_of(user, path): her browser, with that page open."""

    def open_one(user: StaffUser, path: str) -> Any:
        tab = new_tab(staff=sign_in(user))
        tab.open(path)
        return tab

    return open_one


def app_of(tab: Any) -> pyotp.TOTP:
    return pyotp.TOTP(tab.value(AccountState, "key_to_type").replace(" ", ""))


def set_up(tab: Any) -> tuple[pyotp.TOTP, list[str]]:
    """Through the dialogs, as one does it; the app and the recovery codes."""
    tab.send(AccountState.begin, step="set-up")
    tab.send(AccountState.set_up, form={"password_again": PASSWORD})
    app = app_of(tab)
    tab.send(AccountState.confirm, form={"code": app.at(clock.now() - timedelta(seconds=30))})
    return app, tab.value(AccountState, "codes")


# --- One's own account ------------------------------------------------------------------------------------------------


def test_the_second_step_is_set_up_in_the_dialogs(tab_of: Any, sam: StaffUser) -> None:
    tab = tab_of(sam, ACCOUNT)

    _, codes = set_up(tab)

    assert len(codes) == 10
    assert tab.value(AccountState, "step") == "codes"
    sheet = tab.value(AccountState, "sheet")
    assert (sheet["has_second_step"], sheet["codes_left"]) == (True, "10 recovery codes are left.")


def test_key_and_codes_are_gone_with_their_dialog(tab_of: Any, sam: StaffUser) -> None:
    tab = tab_of(sam, ACCOUNT)
    app, codes = set_up(tab)
    assert tab.value(AccountState, "key_to_type") == ""

    tab.send(AccountState.close)
    tab.frames.clear()
    tab.open(ACCOUNT)

    sent = json.dumps(tab.frames)
    assert not [secret for secret in (*codes, app.secret) if secret in sent]


def test_without_the_password_there_is_no_key(tab_of: Any, sam: StaffUser) -> None:
    tab = tab_of(sam, ACCOUNT)

    for form in ({"password_again": "wrong"}, {"password_again": ""}, {}):
        tab.send(AccountState.set_up, form=form)
        assert tab.value(AccountState, "step_problem") == "This is not your password."

    assert not tab.value(AccountState, "key_to_type")


def test_a_wrong_code_turns_nothing_on(db: Session, tab_of: Any, sam: StaffUser) -> None:
    tab = tab_of(sam, ACCOUNT)
    tab.send(AccountState.set_up, form={"password_again": PASSWORD})

    tab.send(AccountState.confirm, form={"code": "000000"})

    assert "not right" in tab.value(AccountState, "step_problem")
    assert fetch_one(db, "SELECT totp_on_at FROM staff_user WHERE email = %(e)s", e=sam.email).totp_on_at is None


def test_guessing_at_an_open_screen_comes_to_an_end(tab_of: Any, sam: StaffUser) -> None:
    tab = tab_of(sam, ACCOUNT)
    for _ in range(10):
        tab.send(AccountState.set_up, form={"password_again": "wrong"})

    tab.send(AccountState.set_up, form={"password_again": PASSWORD})

    assert "Too many tries" in tab.value(AccountState, "step_problem")
    assert not tab.value(AccountState, "key_to_type")


def test_it_goes_off_with_a_code_and_the_codes_are_renewed_with_one(tab_of: Any, sam: StaffUser) -> None:
    tab = tab_of(sam, ACCOUNT)
    app, codes = set_up(tab)

    tab.send(AccountState.begin, step="renew")
    tab.send(AccountState.renew, form={"code": codes[3]})
    assert not set(tab.value(AccountState, "codes")) & set(codes)
    tab.send(AccountState.begin, step="turn-off")
    tab.send(AccountState.turn_off, form={"code": app.now()})

    assert tab.value(AccountState, "sheet")["has_second_step"] is False
    assert tab.value(AccountState, "step") == ""


def test_one_sees_where_one_is_signed_in_and_signs_out_there(tab_of: Any, sam: StaffUser, db: Session) -> None:
    elsewhere = sign_in(sam, Device("198.51.100.4", "Safari, iPhone"))
    tab = tab_of(sam, ACCOUNT)
    here, there = tab.value(AccountState, "sheet")["sessions"]
    assert (here["is_here"], there["browser"]) == (True, "Safari, iPhone")
    assert "198.51.100.4" in there["where"]

    tab.send(AccountState.sign_out_there, ref=there["ref"])

    assert sessions.find_actor(db, digest(elsewhere), clock.now()) is None
    assert len(tab.value(AccountState, "sheet")["sessions"]) == 1
    assert tab.redirects == []


def test_nobody_signs_others_out_from_there(tab_of: Any, sam: StaffUser, robin: StaffUser, db: Session) -> None:
    hers = digest(sign_in(robin))
    ref = in_transaction(sessions.list_own, actor(robin), hers, clock.now())[0].ref
    tab = tab_of(sam, ACCOUNT)

    for guess in (str(ref), str(uuid.uuid4())):
        tab.send(AccountState.sign_out_there, ref=guess)

    assert tab.toasts == ["We cannot find that."] * 2
    assert sessions.find_actor(db, hers, clock.now())


def test_one_signs_out_everywhere_else(tab_of: Any, sam: StaffUser, db: Session) -> None:
    others = [digest(sign_in(sam)) for _ in range(2)]
    tab = tab_of(sam, ACCOUNT)

    tab.send(AccountState.sign_out_elsewhere)

    assert sessions.find_actors(db, others, clock.now()) == {}
    assert tab.value(AccountState, "sheet")["has_others"] is False


# --- Where the clinic asks for a second step --------------------------------------------------------------------------


def test_who_owes_a_second_step_is_led_to_it_and_then_everything_opens(
    tab_of: Any, robin: StaffUser, configured: Any
) -> None:
    configured(SECOND_STEP="admins")
    tab = tab_of(robin, PEOPLE)
    assert set(tab.redirects) == {ACCOUNT}
    assert not tab.value(PeopleState, "rows")

    tab.open(ACCOUNT)
    assert tab.value(AccountState, "sheet")["is_owed"] is True
    set_up(tab)
    tab.send(AccountState.close)
    tab.open(PEOPLE)

    assert [row["name"] for row in tab.value(PeopleState, "rows")] == ["Robin Roth"]
    assert set(tab.redirects) == {ACCOUNT}


def test_recovery_codes_stay_on_the_screen_of_who_has_just_set_it_up(
    tab_of: Any, robin: StaffUser, configured: Any
) -> None:
    configured(SECOND_STEP="admins")
    tab = tab_of(robin, ACCOUNT)
    _, codes = set_up(tab)

    tab.send(AccountState.sign_out_elsewhere)

    assert tab.value(AccountState, "codes") == codes


# --- People -----------------------------------------------------------------------------------------------------------


def test_somebody_is_invited_and_her_link_is_shown_once(tab_of: Any, robin: StaffUser) -> None:
    tab = tab_of(robin, PEOPLE)
    tab.send(PeopleState.open_invitation)

    tab.send(PeopleState.invite, form={"name": "Nora New", "email": "nora@clinic.example", "role": "reception"})

    link = tab.value(PeopleState, "link")
    assert link.startswith("http://clinic.test/l/staff/")
    assert "Nora New" in tab.value(PeopleState, "link_until")
    assert [row["name"] for row in tab.value(PeopleState, "rows")] == ["Nora New", "Robin Roth"]
    tab.send(PeopleState.close)
    tab.frames.clear()
    tab.open(PEOPLE)
    assert link not in json.dumps(tab.frames)
    in_transaction(staff_links.use_link, link.rpartition("/")[2], "dunkelgrüner Regenschirm", now=clock.now())


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("email", {"email": "nothing"}),
        ("name", {"name": ""}),
        ("role", {"role": "chief"}),
        ("doctor_id", {"role": "doctor"}),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(tab_of: Any, robin: StaffUser, field: str, wrong: Any) -> None:
    tab = tab_of(robin, PEOPLE)

    tab.send(PeopleState.invite, form={"name": "Nora New", "email": "nora@clinic.example", "role": "reception"} | wrong)

    assert set(tab.value(PeopleState, "problems")) == {field}
    assert len(tab.value(PeopleState, "rows")) == 1


def test_role_link_and_door(tab_of: Any, robin: StaffUser, sam: StaffUser, place: Any, db: Session) -> None:
    tab = tab_of(robin, PEOPLE)
    session = digest(sign_in(sam))

    def choose():
        tab.send(PeopleState.open_member, ref=str(sam.ref))

    choose()
    tab.send(PeopleState.set_role, form={"role": "doctor", "doctor_id": str(place.ref)})
    assert sessions.find_actor(db, session, clock.now()) is None
    choose()
    tab.send(PeopleState.make_link)
    assert tab.value(PeopleState, "link")
    choose()
    tab.send(PeopleState.disable)
    assert [row["is_active"] for row in tab.value(PeopleState, "rows")] == [True, False]
    choose()
    tab.send(PeopleState.enable)

    row = tab.value(PeopleState, "rows")[1]
    assert (row["role"], row["doctor"], row["is_active"]) == ("doctor", "Dr. Ada Okafor", True)
    assert row["doctor_ref"] == str(place.ref)


def test_the_last_admin_is_told_why_not(tab_of: Any, robin: StaffUser) -> None:
    tab = tab_of(robin, PEOPLE)
    tab.send(PeopleState.open_member, ref=str(robin.ref))

    tab.send(PeopleState.disable)
    tab.send(PeopleState.set_role, form={"role": "reception"})

    assert tab.toasts == ["This is the last admin who can sign in. Add another one first."] * 2
    assert tab.value(PeopleState, "dialog") == "member"


def test_a_lost_phone_is_forgotten(tab_of: Any, robin: StaffUser, sam: StaffUser, db: Session) -> None:
    sam.totp_key, sam.totp_on_at = "x", clock.now()
    db.commit()
    tab = tab_of(robin, PEOPLE)
    tab.send(PeopleState.open_member, ref=str(sam.ref))

    tab.send(PeopleState.remove_second_step)

    db.refresh(sam)
    assert not second_step.is_on(sam)


@pytest.mark.parametrize("step", ["disable", "make_link", "enable", "sign_out", "remove_second_step"])
def test_without_a_choice_nothing_is_done(tab_of: Any, robin: StaffUser, step: str) -> None:
    tab = tab_of(robin, PEOPLE)

    tab.send(getattr(PeopleState, step))
    tab.send(PeopleState.open_member, ref=str(uuid.uuid4()))

    assert tab.toasts == ["We cannot find that."] * 2


def test_reception_reaches_nothing_of_it(tab_of: Any, sam: StaffUser, robin: StaffUser, db: Session) -> None:
    tab = tab_of(sam, PEOPLE)

    tab.send(PeopleState.open_member, ref=str(robin.ref))
    tab.send(PeopleState.disable)
    tab.send(PeopleState.invite, form={"name": "Nora New", "email": "nora@clinic.example", "role": "admin"})

    assert set(tab.toasts) == {"You are not allowed to do that."}
    assert not tab.value(PeopleState, "rows")
    assert fetch_one(db, "SELECT count(*) AS users FROM staff_user").users == 2
    assert {row.kind for row in fetch(db, "SELECT kind FROM event")} == {"account.signed_in"}


# --- Ended while a page is open ---------------------------------------------------------------------------------------

PAGES = {
    ACCOUNT: AccountState,
    PEOPLE: PeopleState,
    "/staff/settings/offers": OfferRulesState,
    "/staff/statistics": StaffStatisticsState,
}


@pytest.mark.parametrize("path", PAGES)
def test_pages_that_do_not_change_by_themselves_watch_whether_somebody_is_signed_in(
    tab_of: Any, robin: StaffUser, path: str
) -> None:
    tab = tab_of(robin, path)

    watched = [watcher.state for watcher in live._watchers.values() if watcher.token == tab.token]

    assert PAGES[path] in watched


def test_a_session_that_ended_elsewhere_does_nothing_on_its_open_socket(
    tab_of: Any, robin: StaffUser, sam: StaffUser, db: Session
) -> None:
    tab = tab_of(robin, PEOPLE)
    tab.send(PeopleState.open_member, ref=str(sam.ref))
    in_transaction(own_account.sign_out_elsewhere, actor(robin), "", now=clock.now())
    tab.frames.clear()

    tab.send(PeopleState.disable)

    db.refresh(sam)
    assert sam.is_active
    assert tab.redirects == ["/sign-in?next=/staff/settings/people"]
    assert sam.name not in json.dumps(tab.frames)
