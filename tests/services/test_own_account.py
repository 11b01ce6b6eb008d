"""One's own account: nothing that lasts is changed by whoever sits down at a screen that was left open."""

from datetime import timedelta

import pyotp
import pytest

from medcal.db import fetch
from medcal.errors import CodeRefused, NotAllowed, NotPossibleNow, SignInRefused, TooManyTries
from medcal.security import PATIENT, Role, digest
from medcal.services import accounts, own_account, second_step, sessions
from medcal.services.passwords import WeakPassword
from medcal.services.sessions import NOWHERE
from tests.support.factories import NOW, PASSWORD, actor, make_user

NEW = "dunkelgrüner Regenschirm"


@pytest.fixture
def sam(db):
    return make_user(db)


def sign_in(db, user):
    return digest(accounts.sign_in(db, user.email, PASSWORD, now=NOW)[1])


def turn_on(db, user, here=""):
    key = own_account.begin_second_step(db, actor(user), PASSWORD).key
    codes = own_account.confirm_second_step(db, actor(user), pyotp.TOTP(key).at(NOW), here, now=NOW)
    return pyotp.TOTP(key).at, codes


LATER = NOW + timedelta(minutes=1)


def test_a_new_password_ends_all_sessions_and_opens_one(db, sam):
    here, there = sign_in(db, sam), sign_in(db, sam)

    value = own_account.change_password(db, actor(sam), PASSWORD, NEW, NOWHERE, now=NOW)

    assert sessions.find_actors(db, [here, there], NOW) == {}
    assert sessions.find_actor(db, digest(value), NOW).id == sam.id
    assert accounts.sign_in(db, sam.email, NEW, now=NOW)


@pytest.mark.parametrize("current", ["", "wrong", PASSWORD + " "])
def test_who_does_not_know_the_password_changes_nothing(db, sam, current):
    session = sign_in(db, sam)

    with pytest.raises(SignInRefused, match="not your password"):
        own_account.change_password(db, actor(sam), current, NEW, NOWHERE, now=NOW)
    with pytest.raises(SignInRefused):
        own_account.begin_second_step(db, actor(sam), current)

    assert sessions.find_actor(db, session, NOW)
    assert accounts.sign_in(db, sam.email, PASSWORD, now=NOW)


def test_a_new_password_is_checked_like_any(db, sam):
    with pytest.raises(WeakPassword):
        own_account.change_password(db, actor(sam), PASSWORD, "password2026", NOWHERE, now=NOW)


def test_guessing_at_ones_own_screen_comes_to_an_end(db, sam):
    for _ in range(10):
        own_account.count_try(db, actor(sam), now=NOW)

    with pytest.raises(TooManyTries):
        own_account.count_try(db, actor(sam), now=NOW)


def test_the_second_step_goes_on_and_off_with_codes(db, sam):
    app, _ = turn_on(db, sam)
    with pytest.raises(CodeRefused):
        own_account.turn_off_second_step(db, actor(sam), "000000", now=LATER)
    assert second_step.is_on(sam)

    own_account.turn_off_second_step(db, actor(sam), app(LATER), now=LATER)

    assert not second_step.is_on(sam)
    assert [row.kind for row in fetch(db, "SELECT kind FROM event ORDER BY id")] == [
        "account.second_step_on",
        "account.second_step_off",
    ]


def test_where_the_clinic_wants_it_it_stays_on(db, configured):
    robin = make_user(db, "Robin Roth", Role.admin)
    app, _ = turn_on(db, robin)
    configured(SECOND_STEP="admins")

    with pytest.raises(NotPossibleNow):
        own_account.turn_off_second_step(db, actor(robin), app(LATER), now=LATER)


def test_new_recovery_codes_for_a_code(db, sam):
    app, codes = turn_on(db, sam)
    with pytest.raises(CodeRefused):
        own_account.renew_recovery_codes(db, actor(sam), app(NOW), now=NOW)

    fresh = own_account.renew_recovery_codes(db, actor(sam), codes[0], now=NOW)

    assert not set(fresh) & set(codes)


def test_what_one_sees_of_it(db, sam):
    here = sign_in(db, sam)
    turn_on(db, sam, here)

    found = own_account.read(db, actor(sam), here, NOW)

    assert (found.name, found.email, found.has_password, found.has_second_step) == (
        "Sam Stern",
        "sam@clinic.example",
        True,
        True,
    )
    assert found.recovery_codes_left == 10
    assert [session.is_here for session in found.sessions] == [True]


def test_patients_have_none(db):
    with pytest.raises(NotAllowed):
        own_account.read(db, PATIENT, "", NOW)
    with pytest.raises(NotAllowed):
        own_account.sign_out_elsewhere(db, PATIENT, "", now=NOW)


def test_who_owes_a_second_step_reaches_the_own_account_and_nothing_else(db, configured):
    configured(SECOND_STEP="admins")
    robin = make_user(db, "Robin Roth", Role.admin)
    here = sign_in(db, robin)
    unfinished = sessions.find_actor(db, here, NOW, unfinished=True)

    key = own_account.begin_second_step(db, unfinished, PASSWORD).key
    own_account.confirm_second_step(db, unfinished, pyotp.TOTP(key).at(NOW), here, now=NOW)

    assert sessions.find_actor(db, here, NOW).name == "Robin Roth"
