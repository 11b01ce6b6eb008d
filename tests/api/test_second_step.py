"""Signing in with a code: two forms, two cookies, and nothing open in between."""

from datetime import timedelta

import pyotp
import pytest

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.edge.cookies import STAFF, TICKET
from medcal.security import digest
from medcal.services import second_step, sessions
from tests.support.factories import PASSWORD, make_user

SAM = "sam@clinic.example"


@pytest.fixture(autouse=True)
def app(db):
    """app(at): the code on Sam's phone. She has set it up yesterday."""
    sam, yesterday = make_user(db), clock.now() - timedelta(days=1)
    key = second_step.begin(db, sam).key
    second_step.confirm(db, sam, pyotp.TOTP(key).at(yesterday), here="", now=yesterday)
    db.commit()
    return pyotp.TOTP(key)


def give_password(browser, **more):
    return browser.post("/api/sign-in", email=SAM, password=PASSWORD, **more)


def give_code(browser, code, **more):
    return browser.post("/api/sign-in/code", code=code, **more)


def open_sessions(db):
    return fetch_one(db, "SELECT count(*) AS sessions FROM session").sessions


def test_after_the_password_comes_the_form_for_the_code(db, browser):
    answer = give_password(browser, next="/staff/waitlist", language="de")

    assert answer.headers["location"] == "/de/sign-in/code?next=%2Fstaff%2Fwaitlist"
    assert STAFF not in browser.cookies
    assert open_sessions(db) == 0


def test_the_ticket_is_hidden_from_scripts_and_gone_in_minutes(browser):
    cookie = give_password(browser).headers["set-cookie"].lower()

    assert "medcal_ticket=" in cookie and "httponly" in cookie and "max-age=300" in cookie and "samesite=lax" in cookie


def test_the_code_opens_the_page_that_was_wanted(db, browser, app):
    give_password(browser)
    ticket = browser.cookies[TICKET]

    answer = give_code(browser, app.now(), next="/staff/waitlist")

    assert answer.headers["location"] == "/staff/waitlist"
    assert TICKET not in browser.cookies
    assert browser.cookies[STAFF] != ticket
    assert sessions.find_actor(db, digest(browser.cookies[STAFF]), clock.now()).name == "Sam Stern"


def test_a_ticket_in_the_place_of_a_session_opens_nothing(db, browser):
    give_password(browser)
    browser.take_cookie(STAFF, browser.cookies[TICKET])

    assert sessions.find_actor(db, digest(browser.cookies[STAFF]), clock.now(), unfinished=True) is None


def test_a_wrong_code_leads_back_to_its_form(db, browser, app):
    give_password(browser)

    answer = give_code(browser, "not it", next="/staff/waitlist", language="de")

    assert answer.headers["location"] == "/de/sign-in/code?failed=code&next=%2Fstaff%2Fwaitlist"
    assert give_code(browser, app.now()).headers["location"] == "/staff"


def test_after_five_wrong_codes_one_begins_anew(db, browser, app):
    give_password(browser)
    for _ in range(5):
        assert give_code(browser, "000 000").headers["location"].startswith("/sign-in/code?failed=code")

    answer = give_code(browser, app.now())

    assert answer.headers["location"] == "/sign-in?failed=late"
    assert TICKET not in browser.cookies
    assert open_sessions(db) == 0


def test_after_ten_wrong_codes_the_right_one_has_to_wait_whoever_brings_it(db, new_browser, app):
    for place in (1, 2):
        browser = new_browser(f"203.0.113.{place}")
        give_password(browser)
        for _ in range(5):
            give_code(browser, "000000")
    browser = new_browser("203.0.113.3")
    give_password(browser)

    assert give_code(browser, app.now()).headers["location"] == "/sign-in?failed=wait"
    assert open_sessions(db) == 0


@pytest.mark.parametrize("ticket", ["", "a-ticket-that-somebody-made-up"])
def test_without_the_password_no_code_helps(db, browser, app, ticket):
    if ticket:
        browser.take_cookie(TICKET, ticket)

    assert give_code(browser, app.now()).headers["location"] == "/sign-in?failed=late"
    assert open_sessions(db) == 0


def test_the_session_before_ends_with_the_code_and_not_with_the_password(db, browser, app):
    give_password(browser)
    give_code(browser, app.at(clock.now() - timedelta(seconds=30)))
    give_password(browser)
    assert open_sessions(db) == 1

    first = browser.cookies[STAFF]
    give_code(browser, app.now())

    assert browser.cookies[STAFF] != first
    assert open_sessions(db) == 1


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
@pytest.mark.parametrize("form", ["/api/sign-in/code", "/api/staff-password", "/api/account/password"])
def test_forms_of_other_sites_are_refused(db, browser, app, form, headers):
    give_password(browser)

    assert browser.post(form, headers, code=app.now(), password="x" * 12, current=PASSWORD).status_code == 403
    assert open_sessions(db) == 0


def test_where_and_in_which_browser_is_kept_with_the_session(db, new_browser, app):
    browser = new_browser("198.51.100.77")
    give_password(browser)
    agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}

    browser.post("/api/sign-in/code", agent, code=app.now())

    [row] = fetch(db, "SELECT address, browser FROM session")
    assert (row.address, row.browser) == ("198.51.100.77", "Firefox, Linux")
