"""One-time links: an invitation for 48 hours, a new password for one, each once."""

import threading
from datetime import timedelta

import pytest

from medcal.db import fetch, fetch_one, in_transaction
from medcal.errors import LinkExpired, NotPossibleNow, SignInRefused
from medcal.models import LinkPurpose
from medcal.security import SYSTEM, Role, digest
from medcal.services import accounts, sessions, staff_links
from medcal.services.passwords import WeakPassword
from tests.support.factories import NOW, PASSWORD, actor, make_user

NEW = "dunkelgrüner Regenschirm"


@pytest.fixture
def sam(db):
    return make_user(db)


@pytest.fixture
def robin(db):
    return actor(make_user(db, "Robin Roth", Role.admin))


def test_under_a_link_one_gives_oneself_a_new_password(db, sam, robin):
    link = staff_links.make_link(db, sam, by=robin, now=NOW)

    assert link.purpose is LinkPurpose.reset
    staff_links.use_link(db, link.token, NEW, now=NOW)

    assert accounts.sign_in(db, sam.email, NEW, now=NOW)
    with pytest.raises(SignInRefused):
        accounts.sign_in(db, sam.email, PASSWORD, now=NOW)


def test_who_is_invited_has_no_password_until_then(db, robin):
    user = accounts.create_user(db, email="new@clinic.example", name="Nora New", password=None, role=Role.reception)
    link = staff_links.make_link(db, user, by=robin, now=NOW)
    for guess in ("", " ", user.password_hash):
        with pytest.raises(SignInRefused):
            accounts.sign_in(db, user.email, guess, now=NOW)

    assert link.purpose is LinkPurpose.invitation
    staff_links.use_link(db, link.token, NEW, now=NOW)

    assert accounts.sign_in(db, user.email, NEW, now=NOW)[0].name == "Nora New"


@pytest.mark.parametrize(("has_password", "hours"), [(True, 1), (False, 48)])
def test_it_works_for_a_while(db, sam, robin, has_password, hours):
    sam.password_hash = sam.password_hash if has_password else ""
    link = staff_links.make_link(db, sam, by=robin, now=NOW)

    almost, over = (NOW + timedelta(hours=hours) - timedelta(seconds=left) for left in (1, 0))
    assert staff_links.is_open(db, link.token, almost)
    assert not staff_links.is_open(db, link.token, over)
    with pytest.raises(LinkExpired):
        staff_links.use_link(db, link.token, NEW, now=over)


def test_it_works_once(db, sam, robin):
    link = staff_links.make_link(db, sam, by=robin, now=NOW)
    staff_links.use_link(db, link.token, NEW, now=NOW)

    with pytest.raises(LinkExpired):
        staff_links.use_link(db, link.token, "another good long one", now=NOW)
    assert accounts.sign_in(db, sam.email, NEW, now=NOW)


def test_of_two_who_use_it_at_the_same_instant_one_does(committed):
    sam = in_transaction(make_user)
    link = in_transaction(staff_links.make_link, sam, by=SYSTEM, now=NOW)
    gate, came = threading.Barrier(4), []

    def come(number):
        gate.wait()
        try:
            in_transaction(staff_links.use_link, link.token, f"dunkelgrüner Schirm {number}", now=NOW)
            came.append(number)
        except LinkExpired:
            came.append(None)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    [winner] = [number for number in came if number is not None]
    assert len(came) == 4
    assert in_transaction(accounts.sign_in, sam.email, f"dunkelgrüner Schirm {winner}", now=NOW)


def test_opening_it_changes_nothing(db, sam, robin):
    link = staff_links.make_link(db, sam, by=robin, now=NOW)

    for _ in range(5):
        assert staff_links.is_open(db, link.token, NOW)

    staff_links.use_link(db, link.token, NEW, now=NOW)


def test_a_weak_password_does_not_use_it_up(db, sam, robin):
    db.commit()
    link = in_transaction(staff_links.make_link, sam, by=robin, now=NOW)
    for weak in ("short", "password2026", "sam.stern.2026"):
        with pytest.raises(WeakPassword):
            in_transaction(staff_links.use_link, link.token, weak, now=NOW)

    in_transaction(staff_links.use_link, link.token, NEW, now=NOW)


def test_a_second_link_ends_the_first(db, sam, robin):
    first, second = (staff_links.make_link(db, sam, by=robin, now=NOW) for _ in range(2))

    assert not staff_links.is_open(db, first.token, NOW)
    assert staff_links.is_open(db, second.token, NOW)


def test_a_new_password_signs_out_whoever_was_in(db, sam, robin):
    session = digest(accounts.sign_in(db, sam.email, PASSWORD, now=NOW)[1])

    staff_links.use_link(db, staff_links.make_link(db, sam, by=robin, now=NOW).token, NEW, now=NOW)

    assert sessions.find_actor(db, session, NOW) is None


def test_a_disabled_account_has_no_links(db, sam, robin):
    link = staff_links.make_link(db, sam, by=robin, now=NOW)
    accounts.disable(db, sam)

    assert not staff_links.is_open(db, link.token, NOW)
    with pytest.raises(LinkExpired):
        staff_links.use_link(db, link.token, NEW, now=NOW)
    with pytest.raises(NotPossibleNow):
        staff_links.make_link(db, sam, by=robin, now=NOW)


@pytest.mark.parametrize("token", ["", "made up", "x" * 5_000])
def test_what_nobody_made_opens_nothing(db, sam, token):
    assert not staff_links.is_open(db, token, NOW)
    with pytest.raises(LinkExpired):
        staff_links.use_link(db, token, NEW, now=NOW)


def test_the_link_itself_is_not_kept(db, sam, robin):
    link = staff_links.make_link(db, sam, by=robin, now=NOW)

    row = fetch_one(db, "SELECT * FROM staff_link")
    assert row.token_digest == digest(link.token)
    assert link.token not in str(row)
    assert link.token not in str(fetch(db, "SELECT detail FROM event"))


def test_the_history_knows_who_made_it_and_who_used_it(db, sam, robin):
    link = staff_links.make_link(db, sam, by=robin, now=NOW)
    staff_links.use_link(db, link.token, NEW, now=NOW)

    happened = [(row.kind, row.staff_user_id) for row in fetch(db, "SELECT kind, staff_user_id FROM event ORDER BY id")]
    assert happened == [("account.link_made", robin.id), ("account.password_set", sam.id)]


def test_old_ones_are_removed(db, sam, robin):
    staff_links.make_link(db, sam, by=robin, now=NOW)

    assert staff_links.forget_old(db, NOW) == 0
    assert staff_links.forget_old(db, NOW + timedelta(hours=1)) == 1
