"""The second step: codes that fit once, recovery codes that fit once, and nothing that opens before."""

import threading
from datetime import timedelta

import pyotp
import pytest

from medcal.db import fetch, fetch_one, in_transaction
from medcal.errors import CodeRefused, LinkExpired, NotPossibleNow, TooManyTries
from medcal.models import StaffUser
from medcal.security import digest
from medcal.services import accounts, second_step, sessions
from medcal.services.sessions import NOWHERE
from tests.support.factories import NOW, PASSWORD, make_user

STEP = timedelta(seconds=30)


@pytest.fixture
def sam(db):
    return make_user(db)


@pytest.fixture
def app(db, sam):
    """The app on Sam's phone: app(at) is the code that it shows. Her account asks for it since an hour ago."""
    return set_up(db, sam)


def set_up(db, user, now=NOW - timedelta(hours=1)):
    key = second_step.begin(db, user).key
    second_step.confirm(db, user, pyotp.TOTP(key).at(now), here="", now=now)
    return pyotp.TOTP(key).at


def ticket_of(db, user, now=NOW):
    return digest(accounts.sign_in(db, user.email, PASSWORD, now=now)[1])


def finish(db, ticket, code, now=NOW):
    return second_step.finish(db, ticket, code, NOWHERE, now=now)


# --- Signing in -------------------------------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing_any_more(db, sam, app):
    ticket = ticket_of(db, sam)

    assert sessions.find_actor(db, ticket, NOW, unfinished=True) is None
    assert fetch(db, "SELECT 1 FROM session") == []


def test_password_and_code_open_a_session_under_another_cookie(db, sam, app):
    ticket = ticket_of(db, sam)

    user, value = finish(db, ticket, app(NOW))

    assert user.id == sam.id
    assert digest(value) != ticket
    assert sessions.find_actor(db, digest(value), NOW).name == "Sam Stern"


@pytest.mark.parametrize("written", ["{} {}", " {}{} ", "{}-{}"])
def test_a_code_may_be_typed_as_it_is_shown(db, sam, app, written):
    code = app(NOW)

    assert finish(db, ticket_of(db, sam), written.format(code[:3], code[3:]))


@pytest.mark.parametrize("ago", [-STEP, STEP])
def test_a_phone_may_go_half_a_minute_wrong(db, sam, app, ago):
    assert finish(db, ticket_of(db, sam), app(NOW - ago))


@pytest.mark.parametrize("ago", [-3 * STEP, 3 * STEP, timedelta(hours=1)])
def test_a_code_of_another_time_does_not_fit(db, sam, app, ago):
    assert finish(db, ticket_of(db, sam), app(NOW - ago)) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "٠٠٠٠٠٠", "0" * 40, "\0", "K7QM-2B9T-0XCD"])
def test_nonsense_does_not_fit(db, sam, app, code):
    assert finish(db, ticket_of(db, sam), code) is None


def test_a_code_is_worth_nothing_the_second_time(db, sam, app):
    assert finish(db, ticket_of(db, sam), app(NOW))

    assert finish(db, ticket_of(db, sam), app(NOW)) is None
    assert finish(db, ticket_of(db, sam), app(NOW - STEP)) is None
    assert finish(db, ticket_of(db, sam), app(NOW + STEP), NOW + STEP)


def test_the_code_that_set_it_up_does_not_open_a_session_too(db, sam):
    app = set_up(db, sam, now=NOW)

    assert finish(db, ticket_of(db, sam), app(NOW)) is None


def test_a_ticket_is_good_for_five_minutes(db, sam, app):
    ticket, later = ticket_of(db, sam), NOW + timedelta(minutes=5)

    with pytest.raises(LinkExpired):
        finish(db, ticket, app(later), later)


def test_a_ticket_is_good_for_five_tries(db, sam, app):
    ticket = ticket_of(db, sam)
    for _ in range(5):
        assert finish(db, ticket, "000000") is None

    with pytest.raises(LinkExpired):
        finish(db, ticket, app(NOW))


def test_a_ticket_is_good_for_one_session(db, sam, app):
    ticket = ticket_of(db, sam)
    finish(db, ticket, app(NOW))

    with pytest.raises(LinkExpired):
        finish(db, ticket, app(NOW + STEP), NOW + STEP)


@pytest.mark.parametrize("ticket", ["", digest("made up")])
def test_without_a_ticket_no_code_is_looked_at(db, sam, app, ticket):
    with pytest.raises(LinkExpired):
        finish(db, ticket, app(NOW))


def test_who_is_disabled_between_password_and_code_stays_outside(db, sam, app):
    ticket = ticket_of(db, sam)
    accounts.disable(db, sam)

    with pytest.raises(LinkExpired):
        finish(db, ticket, app(NOW))


def test_guessing_codes_comes_to_an_end_however_many_tickets_there_are(db, sam, app):
    for _ in range(10):
        second_step.count_code(db, ticket_of(db, sam), now=NOW)

    with pytest.raises(TooManyTries):
        second_step.count_code(db, ticket_of(db, sam), now=NOW)


def test_a_wrong_code_is_counted_although_nothing_comes_of_it(db, sam, app):
    ticket = ticket_of(db, sam)
    finish(db, ticket, "000000")

    assert fetch_one(db, "SELECT tries FROM sign_in_ticket").tries == 1


def test_tickets_that_nobody_used_are_removed(db, sam, app):
    ticket_of(db, sam)

    assert sessions.forget_old_sessions(db, NOW + timedelta(minutes=5)) == 1


def test_one_code_that_comes_twice_at_the_same_instant_opens_one_session(committed):
    user, app = in_transaction(_sam_with_app)
    tickets = [in_transaction(ticket_of, user) for _ in range(6)]
    came: list[object] = []
    gate = threading.Barrier(len(tickets))

    def come(ticket):
        gate.wait()
        came.append(in_transaction(finish, ticket, app(NOW)))

    threads = [threading.Thread(target=come, args=(ticket,)) for ticket in tickets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(came) == 6
    assert len([each for each in came if each]) == 1


def _sam_with_app(db):
    user = make_user(db)
    return user, set_up(db, user)


# --- Recovery codes ---------------------------------------------------------------------------------------------------


@pytest.fixture
def codes(db, sam, app):
    return second_step.renew_recovery_codes(db, sam)


def test_there_are_ten_and_none_is_kept_readably(db, sam, codes):
    assert len(set(codes)) == 10
    kept = {row.code_digest for row in fetch(db, "SELECT code_digest FROM recovery_code")}
    assert len(kept) == 10
    assert not kept & {each for code in codes for each in (code, digest(code), digest(code.replace("-", "")))}


def test_each_lets_in_once(db, sam, codes):
    for left, code in enumerate(reversed(codes)):
        assert second_step.recovery_codes_left(db, sam) == 10 - left
        assert finish(db, ticket_of(db, sam), code)
        assert finish(db, ticket_of(db, sam), code) is None
    assert second_step.recovery_codes_left(db, sam) == 0


def test_one_may_be_read_out_badly(db, sam, codes):
    typed = codes[0].lower().replace("-", " ").replace("0", "o").replace("1", "l")

    assert finish(db, ticket_of(db, sam), typed)


def test_new_ones_end_the_old_ones(db, sam, codes):
    fresh = second_step.renew_recovery_codes(db, sam)

    assert finish(db, ticket_of(db, sam), codes[0]) is None
    assert finish(db, ticket_of(db, sam), fresh[0])


def test_nobody_comes_in_with_anothers(db, sam, codes):
    olga = make_user(db, "Olga Other")
    set_up(db, olga)

    assert finish(db, ticket_of(db, olga), codes[0]) is None


# --- Setting it up ----------------------------------------------------------------------------------------------------


def test_nothing_is_asked_for_until_a_code_has_shown_that_the_app_has_the_key(db, sam):
    second_step.begin(db, sam)

    with pytest.raises(CodeRefused):
        second_step.confirm(db, sam, "000000", here="", now=NOW)

    assert not second_step.is_on(sam)
    _, value = accounts.sign_in(db, sam.email, PASSWORD, now=NOW)
    assert sessions.find_actor(db, digest(value), NOW)


def test_without_a_key_no_code_turns_it_on(db, sam):
    with pytest.raises(CodeRefused):
        second_step.confirm(db, sam, "000000", here="", now=NOW)


def test_what_is_on_is_not_set_up_again_by_whoever_sits_there(db, sam, app):
    with pytest.raises(NotPossibleNow):
        second_step.begin(db, sam)
    with pytest.raises(NotPossibleNow):
        second_step.confirm(db, sam, app(NOW), here="", now=NOW)


def test_setting_it_up_ends_sessions_elsewhere_and_frees_the_one_here(db, configured, sam):
    configured(SECOND_STEP="everybody")
    here, there = (digest(accounts.sign_in(db, sam.email, PASSWORD, now=NOW)[1]) for _ in range(2))
    key = second_step.begin(db, sam).key

    codes = second_step.confirm(db, sam, pyotp.TOTP(key).at(NOW), here=here, now=NOW)

    assert len(codes) == 10
    assert sessions.find_actor(db, here, NOW)
    assert sessions.find_actor(db, there, NOW, unfinished=True) is None


def test_the_key_lies_sealed_in_the_database(db, sam):
    key = second_step.begin(db, sam).key

    kept = fetch_one(db, "SELECT totp_key FROM staff_user").totp_key
    assert key not in kept
    assert len(kept) > 60


def test_a_sealed_key_does_not_fit_into_another_account(db, sam, app):
    olga = make_user(db, "Olga Other")
    olga.totp_key, olga.totp_on_at = sam.totp_key, NOW

    assert finish(db, ticket_of(db, olga), app(NOW)) is None


def test_turned_off_it_is_forgotten(db, sam, app):
    second_step.turn_off(db, sam)

    assert db.get(StaffUser, sam.id).totp_key == ""
    assert second_step.recovery_codes_left(db, sam) == 0
    assert sessions.find_actor(db, ticket_of(db, sam), NOW)


def test_the_address_for_the_app_names_program_and_account(db, sam):
    set_up_now = second_step.begin(db, sam)

    assert set_up_now.address.startswith("otpauth://totp/Medcal:sam%40clinic.example?secret=" + set_up_now.key)
