"""Staff accounts: who gets in, for how long, and how somebody is put out."""

import contextlib

import pytest

from medcal import security
from medcal.db import fetch, fetch_one
from medcal.errors import Invalid, NotFound, NotPossibleNow, SignInRefused, TooManyTries
from medcal.models import StaffUser
from medcal.security import Role, digest
from medcal.services import accounts, known_browsers, sessions
from tests.support.factories import NOW, PASSWORD, make_user


@pytest.fixture
def sam(db):
    return make_user(db)


def sign_in(db, user, now=NOW):
    """A new session; returns the digest that the database knows it by."""
    return digest(accounts.sign_in(db, user.email, PASSWORD, now=now)[1])


# --- Signing in -------------------------------------------------------------------------------------------------------


def test_the_right_password_opens_a_session(db, sam):
    user, value = accounts.sign_in(db, sam.email, PASSWORD, now=NOW)

    assert user.id == sam.id
    assert sessions.find_actor(db, digest(value), NOW).name == "Sam Stern"


def test_capitals_and_spaces_in_the_address_do_not_matter(db, sam):
    accounts.sign_in(db, "  SAM@Clinic.Example ", PASSWORD, now=NOW)


def test_the_cookie_itself_is_not_kept(db, sam):
    _, value = accounts.sign_in(db, sam.email, PASSWORD, now=NOW)

    assert fetch_one(db, "SELECT * FROM session").cookie_digest == digest(value) != value


def test_each_sign_in_has_a_session_of_its_own(db, sam):
    assert sign_in(db, sam) != sign_in(db, sam)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("sam@clinic.example", "wrong"),
        ("sam@clinic.example", ""),
        ("sam@clinic.example", PASSWORD + " "),
        ("sam@clinic.example", "x" * 100_000),
        ("nobody@clinic.example", PASSWORD),
        ("sam@clinic.example\0", PASSWORD),
        ("", ""),
    ],
)
def test_anything_else_is_refused_in_the_same_words(db, sam, email, password):
    with pytest.raises(SignInRefused, match=r"^E-mail address or password is wrong\.$"):
        accounts.sign_in(db, email, password, now=NOW)

    assert fetch_one(db, "SELECT count(*) AS sessions FROM session").sessions == 0


def test_a_disabled_account_is_refused_like_an_unknown_one(db):
    user = make_user(db, is_active=False)

    with pytest.raises(SignInRefused):
        accounts.sign_in(db, user.email, PASSWORD, now=NOW)


@pytest.mark.parametrize("email", ["sam@clinic.example", "gone@clinic.example", "nobody@clinic.example"])
def test_every_refusal_takes_the_work_of_one_hash(db, sam, email, monkeypatch):
    make_user(db, "Gone Girl", is_active=False)
    verified = []
    hasher = security._hasher()
    security._nobodys_hash()

    class Counting:
        def verify(self, password: str, stored: str) -> bool:
            verified.append(stored[:10])
            return hasher.verify(password, stored)

    monkeypatch.setattr(security, "_hasher", Counting)
    with pytest.raises(SignInRefused):
        accounts.sign_in(db, email, "wrong", now=NOW)

    assert verified == ["$argon2id$"]


def test_guessing_at_one_account_comes_to_an_end_from_many_addresses_too(db):
    for place in range(10):
        accounts.count_sign_in(db, "sam@clinic.example", f"203.0.113.{place}", now=NOW)

    with pytest.raises(TooManyTries):
        accounts.count_sign_in(db, "SAM@clinic.example", "203.0.113.99", now=NOW)


def test_a_stranger_does_not_lock_the_door_on_whom_he_guesses_at(db, sam):
    for _ in range(6):
        accounts.count_sign_in(db, sam.email, "198.51.100.1", now=NOW)
    with pytest.raises(TooManyTries):
        accounts.count_sign_in(db, sam.email, "198.51.100.1", now=NOW)

    accounts.count_sign_in(db, sam.email, "203.0.113.1", now=NOW)


def test_whoever_guesses_elsewhere_does_not_lock_an_owner_out_of_the_browser_she_uses(db, sam):
    marks = known_browsers.remember(sam.id, "")
    for place in range(12):
        with contextlib.suppress(TooManyTries):
            accounts.count_sign_in(db, sam.email, f"203.0.113.{place}", now=NOW)

    accounts.count_sign_in(db, sam.email, "198.51.100.1", marks=marks, now=NOW)

    with pytest.raises(TooManyTries):
        accounts.count_sign_in(db, sam.email, "198.51.100.2", marks=known_browsers.remember(sam.id + 1, ""), now=NOW)


def test_guessing_in_a_known_browser_comes_to_an_end_too(db, sam):
    marks = known_browsers.remember(sam.id, "")
    for place in range(10):
        accounts.count_sign_in(db, sam.email, f"203.0.113.{place}", marks=marks, now=NOW)

    with pytest.raises(TooManyTries):
        accounts.count_sign_in(db, sam.email, "203.0.113.99", marks=marks, now=NOW)


def test_the_history_says_once_that_an_account_was_closed_for_a_while(db, sam):
    for email in (sam.email, "nobody@clinic.example"):
        for place in range(10):
            accounts.count_sign_in(db, email, f"203.0.113.{place}", now=NOW)

    [event] = fetch(db, "SELECT kind, detail FROM event")
    assert (event.kind, event.detail) == ("account.closed_for_a_while", {"account": str(sam.ref)})


def test_trying_many_accounts_from_one_address_comes_to_an_end(db):
    for place in range(40):
        accounts.count_sign_in(db, f"somebody-{place}@clinic.example", "203.0.113.1", now=NOW)

    with pytest.raises(TooManyTries):
        accounts.count_sign_in(db, "sam@clinic.example", "203.0.113.1", now=NOW)
    accounts.count_sign_in(db, "sam@clinic.example", "203.0.113.2", now=NOW)


# --- Accounts ---------------------------------------------------------------------------------------------------------


def test_a_new_account_can_sign_in(db):
    accounts.create_user(db, email="Nora@Clinic.example", name="Nora New", password="a quite long one", role=Role.admin)

    user, _ = accounts.sign_in(db, "nora@clinic.example", "a quite long one", now=NOW)

    assert user.role is Role.admin
    assert "quite long" not in user.password_hash


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("email", {"email": "not an address"}),
        ("email", {"email": "sam@clinic.example"}),
        ("name", {"name": ""}),
        ("password", {"password": "eleven char"}),
        ("password", {"password": "baseball1234"}),
        ("password", {"password": "nora.new@clinic"}),
        ("doctor_id", {"role": Role.doctor}),
        ("doctor_id", {"doctor_id": 1}),
    ],
)
def test_an_account_that_does_not_fit_is_not_made(db, sam, field, wrong):
    fits = {"email": "nora@clinic.example", "name": "Nora New", "password": "a quite long one", "role": Role.reception}

    with pytest.raises(Invalid) as refusal:
        accounts.create_user(db, **fits | wrong)

    assert refusal.value.field == field
    assert db.get(StaffUser, sam.id).email == "sam@clinic.example"


# --- Changing accounts ------------------------------------------------------------------------------------------------


def test_a_new_password_ends_what_the_old_one_opened(db, sam):
    cookie = sign_in(db, sam)

    accounts.set_password(db, sam, "another good one")

    assert sessions.find_actor(db, cookie, NOW) is None
    with pytest.raises(SignInRefused):
        accounts.sign_in(db, sam.email, PASSWORD, now=NOW)
    accounts.sign_in(db, sam.email, "another good one", now=NOW)


def test_a_new_password_must_be_long_enough(db, sam):
    with pytest.raises(Invalid):
        accounts.set_password(db, sam, "short")


def test_a_disabled_account_is_out_at_once(db, sam):
    cookie = sign_in(db, sam)

    accounts.disable(db, sam)
    db.flush()

    assert sessions.find_actor(db, cookie, NOW) is None
    with pytest.raises(SignInRefused):
        accounts.sign_in(db, sam.email, PASSWORD, now=NOW)


def test_the_last_admin_stays(db):
    first = make_user(db, email="first@clinic.example", role=Role.admin)
    second = make_user(db, email="second@clinic.example", role=Role.admin)

    accounts.disable(db, first)
    db.flush()

    with pytest.raises(NotPossibleNow):
        accounts.disable(db, second)
    assert second.is_active


def test_nobody_has_an_unknown_address(db):
    with pytest.raises(NotFound):
        accounts.find_user(db, "nobody@clinic.example")
