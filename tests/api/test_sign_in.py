"""Signing in and out with native forms."""

from http import HTTPStatus

import pytest

from medcal import clock
from medcal.db import fetch_one
from medcal.edge.cookies import STAFF
from medcal.security import digest
from medcal.services import sessions
from tests.support.factories import PASSWORD, make_user

SAM = "sam@clinic.example"


@pytest.fixture(autouse=True)
def sam(db):
    return make_user(db)


def sign_in(browser, email=SAM, password=PASSWORD, **more):
    return browser.post("/api/sign-in", email=email, password=password, **more)


def open_sessions(db):
    return fetch_one(db, "SELECT count(*) AS sessions FROM session").sessions


def test_the_right_password_leads_to_the_calendar_with_a_cookie(db, browser):
    answer = sign_in(browser)

    assert (answer.status_code, answer.headers["location"]) == (303, "/staff")
    assert sessions.find_actor(db, digest(browser.cookies[STAFF]), clock.now()).name == "Sam Stern"


def test_no_script_reads_the_cookie_and_no_other_site_sends_it(browser):
    cookie = sign_in(browser).headers["set-cookie"].lower()

    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie and "max-age=43200" in cookie
    assert "domain" not in cookie


def test_on_https_the_cookie_is_bound_to_this_host(configured, browser):
    configured(MEDCAL_URL="https://clinic.test")

    cookie = browser.post("/api/sign-in", {"origin": None}, email=SAM, password=PASSWORD).headers["set-cookie"]

    assert cookie.startswith("__Host-medcal_session=") and "Secure" in cookie


@pytest.mark.parametrize(("email", "password"), [(SAM, "wrong"), ("nobody@clinic.example", PASSWORD), ("\0", "\0")])
def test_a_wrong_pair_leads_back_to_the_form_and_tells_nothing(db, browser, email, password):
    answer = sign_in(browser, email, password)

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?failed=refused")
    assert "set-cookie" not in answer.headers
    assert open_sessions(db) == 0


def test_the_way_back_keeps_the_language(browser):
    assert sign_in(browser, password="wrong", language="de").headers["location"] == "/de/sign-in?failed=refused"
    assert sign_in(browser, language="de").headers["location"] == "/de/staff"
    assert sign_in(browser, language="../evil").headers["location"] == "/staff"


@pytest.mark.parametrize("page", ["/staff", "/staff/waitlist", "/de/staff/messages", "/staff/settings/offers"])
def test_after_signing_in_the_page_that_was_wanted_comes(browser, page):
    assert sign_in(browser, next=page).headers["location"] == page
    assert sign_in(browser, password="wrong", next=page).headers["location"].endswith(page.replace("/", "%2F"))


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/staff",
        "//evil.example/staff",
        "/\\evil.example/staff",
        "\\\\evil.example",
        "/staff/../../evil",
        "/staff//evil.example",
        "/staff\r\nSet-Cookie: a=b",
        "/staff?next=https://evil.example",
        "javascript:alert(1)",
        " /staff",
        "/staff\t",
        "/staff\n",
        "/api/sign-out",
        "/appointment",
    ],
)
def test_signing_in_leads_nowhere_but_to_pages_of_the_staff(browser, next_page):
    assert sign_in(browser, next=next_page).headers["location"] == "/staff"
    assert sign_in(browser, password="wrong", next=next_page).headers["location"] == "/sign-in?failed=refused"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://clinic.test.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": None, "sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "/api/sign-in",
        "/api/sign-out",
        "/api/appointment/code",
        "/api/appointment/open",
        "/api/appointment/leave",
    ],
)
def test_a_form_of_another_site_is_refused(db, browser, form, headers):
    answer = browser.post(form, headers, email=SAM, password=PASSWORD, contact="alice@example.com", code="123456")

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "set-cookie" not in answer.headers
    assert open_sessions(db) == 0


def test_forms_are_posted_and_nothing_else(browser):
    for path in ("/api/sign-in", "/api/sign-out", "/api/appointment/leave"):
        assert browser.get(path).status_code == 405


def test_after_ten_tries_even_the_right_password_has_to_wait(db, new_browser):
    for place in range(10):
        assert (
            sign_in(new_browser(f"203.0.113.{place}"), password="wrong").headers["location"]
            == "/sign-in?failed=refused"
        )

    answer = sign_in(new_browser("203.0.113.99"))

    assert answer.headers["location"] == "/sign-in?failed=wait"
    assert open_sessions(db) == 0


def test_a_program_reads_a_problem_and_no_redirect(browser):
    answer = browser.post("/api/sign-in", {"accept": "application/json"}, email=SAM)

    assert answer.status_code == 422
    assert answer.json() == {
        "type": "about:blank",
        "title": HTTPStatus(422).phrase,
        "status": 422,
        "detail": "Something in this form is missing or too long.",
    }


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"email": SAM},
        {"email": "", "password": ""},
        {"email": "x" * 201, "password": "x"},
        {"email": SAM, "password": "x" * 1001},
    ],
)
def test_a_form_with_something_missing_or_too_long_leads_back(browser, form):
    answer = browser.post("/api/sign-in", **form, language="de")

    assert (answer.status_code, answer.headers["location"]) == (303, "/de/sign-in?failed=form")


def test_signing_in_again_ends_the_session_before(db, browser):
    sign_in(browser)
    first = browser.cookies[STAFF]
    sign_in(browser)

    assert browser.cookies[STAFF] != first
    assert open_sessions(db) == 1


def test_a_failed_try_does_not_end_the_session_that_is_open(db, browser):
    sign_in(browser)
    sign_in(browser, password="wrong")

    assert open_sessions(db) == 1


def test_nobody_plants_a_session(db, browser):
    browser.take_cookie(STAFF, "a-cookie-that-somebody-planted")

    sign_in(browser)

    assert sessions.find_actor(db, digest("a-cookie-that-somebody-planted"), clock.now()) is None


def test_signing_out_ends_the_session_and_takes_the_cookie(db, browser):
    sign_in(browser)

    answer = browser.post("/api/sign-out", language="de")

    assert (answer.status_code, answer.headers["location"]) == (303, "/de/sign-in")
    assert STAFF not in browser.cookies
    assert open_sessions(db) == 0


def test_signing_out_twice_is_fine(browser):
    assert browser.post("/api/sign-out").status_code == 303
