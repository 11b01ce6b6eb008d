"""The cookie by which a browser shows whose account it was used for."""

from collections.abc import Callable

import pytest

from medcal.db import fetch
from medcal.edge.cookies import KNOWN
from medcal.services import known_browsers
from tests.support.factories import PASSWORD, make_clinic
from tests.support.inbox import inbox


@pytest.fixture
def sam(db, configured: Callable[..., None]):
    configured(SMTP_HOST="127.0.0.1", SMTP_FROM="desk@clinic.example", SMTP_SECURITY="none")
    return make_clinic(db).sam


def sign_in(browser, user, password=PASSWORD):
    return browser.post("/api/sign-in", email=user.email, password=password)


def test_who_is_let_in_is_remembered_by_her_browser_and_no_script_reads_that(db, browser, sam):
    answer = sign_in(browser, sam)

    assert known_browsers.is_known(sam.id, browser.cookies[KNOWN])
    [cookie] = [line for line in answer.headers.get_list("set-cookie") if KNOWN in line]
    assert "httponly" in cookie.lower() and "samesite=lax" in cookie.lower()


def test_the_same_browser_is_announced_once_and_another_one_too(db, browser, new_browser, sam):
    sign_in(browser, sam)
    sign_in(browser, sam)
    assert inbox(db, kind="account") == []

    other = new_browser("198.51.100.4")
    for _ in range(2):
        sign_in(other, sam)

    [mail] = inbox(db, kind="account")
    assert "198.51.100.4" in mail.text


def test_a_wrong_password_is_remembered_by_nobody(browser, sam):
    sign_in(browser, sam, "a guess of mine")

    assert KNOWN not in browser.cookies


@pytest.mark.parametrize("made_up", ["x" * 20, "x" * 190, "no mark!", "<reflex.Var>x</reflex.Var>"])
def test_a_made_up_cookie_knows_nobody(db, browser, new_browser, sam, made_up):
    sign_in(browser, sam)
    other = new_browser("198.51.100.4")
    other.take_cookie(KNOWN, made_up)

    assert sign_in(other, sam).status_code == 303

    assert len(inbox(db, kind="account")) == 1


def test_each_sign_in_and_each_refusal_is_in_the_history_with_where_it_came_from(db, new_browser, sam):
    here = new_browser("198.51.100.4")
    sign_in(here, sam, "a guess of mine")
    here.post("/api/sign-in", email="nobody@clinic.example", password="a guess of mine")
    sign_in(here, sam)

    rows = fetch(
        db,
        "SELECT kind, staff_user_id, address, detail FROM event WHERE kind IN ('account.refused', 'account.signed_in') ORDER BY id",
    )

    assert [(row.kind, row.staff_user_id, row.detail) for row in rows] == [
        ("account.refused", None, {"account": str(sam.ref)}),
        ("account.refused", None, {"account": None}),
        ("account.signed_in", sam.id, {"account": str(sam.ref), "way": "password"}),
    ]
    assert {row.address for row in rows} == {"198.51.100.4"}
