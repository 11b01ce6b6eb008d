"""Staff accounts: who gets in, for how long, and how somebody is put out."""

from datetime import timedelta

import pytest

from medcal import security
from medcal.db import fetch_one
from medcal.errors import Invalid, NotFound, NotPossibleNow, SignInRefused, TooManyTries
from medcal.models import StaffUser
from medcal.security import Role, digest
from medcal.services import accounts
from tests.support.factories import NOW, PASSWORD, make_clinic, make_user


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
    assert accounts.find_actor(db, digest(value), NOW).name == "Sam Stern"


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


def test_trying_many_accounts_from_one_address_comes_to_an_end(db):
    for place in range(40):
        accounts.count_sign_in(db, f"somebody-{place}@clinic.example", "203.0.113.1", now=NOW)

    with pytest.raises(TooManyTries):
        accounts.count_sign_in(db, "sam@clinic.example", "203.0.113.1", now=NOW)
    accounts.count_sign_in(db, "sam@clinic.example", "203.0.113.2", now=NOW)


# --- Sessions ---------------------------------------------------------------------------------------------------------


def test_an_actor_is_what_the_account_is_now(db):
    clinic = make_clinic(db)
    doctor = make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id)

    actor = accounts.find_actor(db, sign_in(db, doctor), NOW)

    assert (actor.id, actor.role, actor.doctor_id) == (doctor.id, Role.doctor, clinic.okafor.id)


def test_nobody_is_behind_an_unknown_cookie(db, sam):
    sign_in(db, sam)

    assert accounts.find_actor(db, digest("made up"), NOW) is None


def test_a_session_in_use_lasts_twelve_hours_and_no_longer(db, sam):
    session = sign_in(db, sam)

    for hours in range(1, 12):
        assert accounts.find_actor(db, session, NOW + timedelta(hours=hours))

    assert accounts.find_actor(db, session, NOW + timedelta(hours=12)) is None


def test_a_session_that_nobody_uses_ends_after_two_hours(db, sam):
    session = sign_in(db, sam)

    assert accounts.find_actor(db, session, NOW + timedelta(hours=2)) is None


def test_looking_at_many_sessions_keeps_none_of_them_alive(db, sam):
    session = sign_in(db, sam)

    assert set(accounts.find_actors(db, [session, digest("made up")], NOW + timedelta(hours=1))) == {session}
    assert accounts.find_actors(db, [session], NOW + timedelta(hours=2)) == {}


def test_use_is_written_down_once_a_minute_at_most(db, sam):
    session = sign_in(db, sam)

    def seen_after(seconds):
        accounts.find_actor(db, session, NOW + timedelta(seconds=seconds))
        return (fetch_one(db, "SELECT seen_at FROM session").seen_at - NOW).total_seconds()

    assert [seen_after(seconds) for seconds in (30, 59, 61, 100, 130)] == [0, 0, 61, 61, 130]


def test_signing_out_ends_this_session_alone(db, sam):
    here, there = sign_in(db, sam), sign_in(db, sam)

    accounts.sign_out(db, here)

    assert accounts.find_actor(db, here, NOW) is None
    assert accounts.find_actor(db, there, NOW)


def test_signing_out_everywhere_ends_all_of_one_user(db, sam):
    other = make_user(db, "Olga Other")
    mine, others = [sign_in(db, sam), sign_in(db, sam)], sign_in(db, other)

    accounts.sign_out_everywhere(db, sam.id)

    assert set(accounts.find_actors(db, [*mine, others], NOW)) == {others}


def test_a_disabled_account_is_out_at_once_on_its_open_session(db, sam):
    session = sign_in(db, sam)

    sam.is_active = False
    db.flush()

    assert accounts.find_actor(db, session, NOW) is None
    assert accounts.find_actors(db, [session], NOW) == {}


def test_sessions_that_have_ended_are_removed(db, sam):
    sign_in(db, sam, now=NOW - timedelta(hours=3))
    open_one = sign_in(db, sam)

    assert accounts.forget_old_sessions(db, NOW) == 1
    assert accounts.find_actor(db, open_one, NOW)


# --- Accounts ---------------------------------------------------------------------------------------------------------


def test_a_new_account_can_sign_in(db):
    accounts.create_user(db, email="Nora@Clinic.example", name="Nora New", password="a long password", role=Role.admin)

    user, _ = accounts.sign_in(db, "nora@clinic.example", "a long password", now=NOW)

    assert user.role is Role.admin
    assert "long password" not in user.password_hash


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("email", {"email": "not an address"}),
        ("email", {"email": "sam@clinic.example"}),
        ("name", {"name": ""}),
        ("password", {"password": "too short"}),
        ("password", {"password": "x" * 201}),
        ("doctor_id", {"role": Role.doctor}),
        ("doctor_id", {"doctor_id": 1}),
    ],
)
def test_an_account_that_does_not_fit_is_not_made(db, sam, field, wrong):
    fits = {"email": "nora@clinic.example", "name": "Nora New", "password": "a long password", "role": Role.reception}

    with pytest.raises(Invalid) as refusal:
        accounts.create_user(db, **fits | wrong)

    assert refusal.value.field == field
    assert db.get(StaffUser, sam.id).email == "sam@clinic.example"


# --- Changing accounts ------------------------------------------------------------------------------------------------


def test_a_new_password_ends_what_the_old_one_opened(db, sam):
    cookie = sign_in(db, sam)

    accounts.set_password(db, sam, "another good one")

    assert accounts.find_actor(db, cookie, NOW) is None
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

    assert accounts.find_actor(db, cookie, NOW) is None
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
