"""Sessions of the staff: how long they last, where they are, and that ending one takes effect at once."""

from datetime import timedelta

import pytest

from medcal.db import fetch_one
from medcal.errors import NotFound
from medcal.models import StaffUser
from medcal.security import Role, digest
from medcal.services import accounts, sessions
from medcal.services.sessions import Device
from tests.support.factories import NOW, PASSWORD, actor, make_clinic, make_user


@pytest.fixture
def sam(db):
    return make_user(db)


def sign_in(db, user, now=NOW, **where):
    """A new session; returns the digest that the database knows it by."""
    return digest(accounts.sign_in(db, user.email, PASSWORD, now=now, **where)[1])


def test_an_actor_is_what_the_account_is_now(db):
    clinic = make_clinic(db)
    doctor = make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id)

    actor = sessions.find_actor(db, sign_in(db, doctor), NOW)

    assert (actor.id, actor.role, actor.doctor_id) == (doctor.id, Role.doctor, clinic.okafor.id)


def test_nobody_is_behind_an_unknown_cookie(db, sam):
    sign_in(db, sam)

    assert sessions.find_actor(db, digest("made up"), NOW) is None


def test_a_session_in_use_lasts_twelve_hours_and_no_longer(db, sam):
    session = sign_in(db, sam)

    for hours in range(1, 12):
        assert sessions.find_actor(db, session, NOW + timedelta(hours=hours))

    assert sessions.find_actor(db, session, NOW + timedelta(hours=12)) is None


@pytest.mark.parametrize(("role", "minutes"), [(Role.reception, 240), (Role.doctor, 120), (Role.admin, 30)])
def test_a_session_that_nobody_uses_ends_by_itself_sooner_the_more_it_opens(db, role, minutes):
    clinic = make_clinic(db)
    user = make_user(db, "Robin Roth", role, doctor_id=clinic.okafor.id if role is Role.doctor else None)
    session = sign_in(db, user)

    assert sessions.find_actors(db, [session], NOW + timedelta(minutes=minutes - 1))
    assert sessions.find_actor(db, session, NOW + timedelta(minutes=minutes)) is None


def test_the_clinic_says_how_long_sessions_last(db, sam, configured):
    configured(SESSION_IDLE_MINUTES="reception=15", SESSION_HOURS="1")
    resting, used = sign_in(db, sam), sign_in(db, sam)

    for minutes in range(10, 60, 10):
        assert sessions.find_actor(db, used, NOW + timedelta(minutes=minutes))

    assert sessions.find_actor(db, resting, NOW + timedelta(minutes=15)) is None
    assert sessions.find_actor(db, used, NOW + timedelta(hours=1)) is None


def test_looking_at_many_sessions_keeps_none_of_them_alive(db, sam):
    session = sign_in(db, sam)

    assert set(sessions.find_actors(db, [session, digest("made up")], NOW + timedelta(hours=1))) == {session}
    assert sessions.find_actors(db, [session], NOW + timedelta(hours=4)) == {}


def test_use_is_written_down_once_a_minute_at_most(db, sam):
    session = sign_in(db, sam)

    def seen_after(seconds):
        sessions.find_actor(db, session, NOW + timedelta(seconds=seconds))
        return (fetch_one(db, "SELECT seen_at FROM session").seen_at - NOW).total_seconds()

    assert [seen_after(seconds) for seconds in (30, 59, 61, 100, 130)] == [0, 0, 61, 61, 130]


def test_signing_out_ends_this_session_alone(db, sam):
    here, there = sign_in(db, sam), sign_in(db, sam)

    sessions.sign_out(db, here)

    assert sessions.find_actor(db, here, NOW) is None
    assert sessions.find_actor(db, there, NOW)


def test_signing_out_everywhere_ends_all_of_one_user(db, sam):
    other = make_user(db, "Olga Other")
    mine, others = [sign_in(db, sam), sign_in(db, sam)], sign_in(db, other)

    sessions.sign_out_everywhere(db, sam.id)

    assert set(sessions.find_actors(db, [*mine, others], NOW)) == {others}


def test_a_disabled_account_is_out_at_once_on_its_open_session(db, sam):
    session = sign_in(db, sam)

    sam.is_active = False
    db.flush()

    assert sessions.find_actor(db, session, NOW) is None
    assert sessions.find_actors(db, [session], NOW) == {}


def test_sessions_that_have_ended_are_removed(db, sam):
    sign_in(db, sam, now=NOW - timedelta(hours=5))
    open_one = sign_in(db, sam)

    assert sessions.forget_old_sessions(db, NOW) == 1
    assert sessions.find_actor(db, open_one, NOW)


# --- Where one is signed in -------------------------------------------------------------------------------------------

LAPTOP, PHONE = Device("203.0.113.7", "Firefox, Windows"), Device("198.51.100.4", "Safari, iPhone")


def test_everybody_sees_where_she_is_signed_in_this_browser_first(db, sam):
    here, _ = sign_in(db, sam, device=LAPTOP), sign_in(db, sam, NOW + timedelta(minutes=5), device=PHONE)
    sign_in(db, make_user(db, "Olga Other"), device=PHONE)
    sign_in(db, sam, NOW - timedelta(days=1))

    found = sessions.list_own(db, actor(sam), here, NOW + timedelta(minutes=6))

    assert [(each.browser, each.address, each.is_here) for each in found] == [
        ("Firefox, Windows", "203.0.113.7", True),
        ("Safari, iPhone", "198.51.100.4", False),
    ]


def test_one_signs_out_there(db, sam):
    here, there = sign_in(db, sam), sign_in(db, sam)
    [_, other] = sessions.list_own(db, actor(sam), here, NOW)

    sessions.sign_out_there(db, actor(sam), other.ref)

    assert set(sessions.find_actors(db, [here, there], NOW)) == {here}


def test_nobody_signs_others_out(db, sam):
    olga = make_user(db, "Olga Other")
    there = sign_in(db, olga)
    [hers] = sessions.list_own(db, actor(olga), there, NOW)

    with pytest.raises(NotFound):
        sessions.sign_out_there(db, actor(sam), hers.ref)

    assert sessions.find_actor(db, there, NOW)


def test_one_signs_out_everywhere_else(db, sam):
    here, there = sign_in(db, sam), sign_in(db, sam)

    sessions.sign_out_everywhere(db, sam.id, but=here)

    assert set(sessions.find_actors(db, [here, there], NOW)) == {here}


def test_open_pages_are_told_at_once_when_a_session_ends(db, sam):
    session = sign_in(db, sam)
    db.info.clear()

    sessions.sign_out(db, session)

    assert db.info["changed"]


def test_when_somebody_was_here_last_is_kept(db, sam):
    sign_in(db, sam)

    assert db.get(StaffUser, sam.id).last_sign_in_at == NOW


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox, Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 Version/26 Safari/605", "Safari, macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Version/26 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.14", ""),
        ("", ""),
    ],
)
def test_a_browser_is_called_as_people_call_it(said, name):
    assert sessions.browser_name(said) == name


# --- Without the second step that the clinic asks for -----------------------------------------------------------------


def test_who_owes_a_second_step_is_nobody_except_where_it_is_set_up(db, configured):
    configured(SECOND_STEP="admins")
    robin = make_user(db, "Robin Roth", Role.admin)

    session = sign_in(db, robin)

    assert sessions.find_actor(db, session, NOW) is None
    assert sessions.find_actor(db, session, NOW, unfinished=True).is_unfinished
    assert sessions.find_actors(db, [session], NOW)[session].is_unfinished


@pytest.mark.parametrize(
    ("setting", "role", "owes"),
    [
        ("nobody", Role.admin, False),
        ("admins", Role.admin, True),
        ("admins", Role.reception, False),
        ("everybody", Role.reception, True),
    ],
)
def test_the_clinic_says_who_needs_a_second_step(db, configured, setting, role, owes):
    configured(SECOND_STEP=setting)

    session = sign_in(db, make_user(db, "Robin Roth", role))

    assert sessions.find_actor(db, session, NOW, unfinished=True).is_unfinished is owes


def test_a_provider_sees_to_the_second_step_of_those_it_sends(db, configured):
    configured(SECOND_STEP="everybody")
    value = sessions.open_session(db, make_user(db), has_second_step=True, now=NOW)

    assert sessions.find_actor(db, digest(value), NOW)
