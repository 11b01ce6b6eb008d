"""Passwords that somebody gives herself: by a one-time link, or because she knows the old one."""

import inspect

import pytest

from medcal import clock, routes
from medcal.api import passwords
from medcal.api import sign_in as sign_in_room
from medcal.db import fetch_one, in_transaction
from medcal.edge.cookies import LINK, STAFF
from medcal.security import SYSTEM, digest
from medcal.services import sessions, staff_links
from tests.support.factories import PASSWORD, make_user

SAM = "sam@clinic.example"
NEW = "dunkelgrüner Regenschirm"


@pytest.fixture
def sam(db):
    user = make_user(db)
    db.commit()
    return user


@pytest.fixture
def link(sam):
    """Where Sam's one-time link leads."""
    return routes.staff_link(in_transaction(staff_links.make_link, sam, by=SYSTEM, now=clock.now()).token)


def sign_in(browser, password=PASSWORD):
    return browser.post("/api/sign-in", email=SAM, password=password).headers["location"]


# --- By link ----------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_the_form_with_a_clean_address(browser, link):
    answer = browser.get(link)

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/password")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "max-age=900" in cookie


def test_the_form_speaks_the_browsers_language(browser, link):
    assert browser.get(link, **{"accept-language": "de-AT,de;q=0.9"}).headers["location"] == "/de/sign-in/password"


def test_with_the_password_that_was_given_one_signs_in(browser, link):
    browser.get(link)

    answer = browser.post("/api/staff-password", password=NEW)

    assert answer.headers["location"] == "/sign-in?done=password"
    assert LINK not in browser.cookies
    assert STAFF not in browser.cookies
    assert sign_in(browser, NEW) == "/staff"


def test_looking_at_a_link_uses_nothing_up(browser, new_browser, link):
    for place in range(3):
        new_browser(f"203.0.113.{place}").get(link)

    browser.get(link)
    assert browser.post("/api/staff-password", password=NEW).headers["location"] == "/sign-in?done=password"


@pytest.mark.parametrize(
    ("password", "word"), [("short", "length"), ("password2026", "common"), ("sam.stern.2026", "person")]
)
def test_a_weak_password_leads_back_and_the_link_still_works(browser, link, password, word):
    browser.get(link)

    assert browser.post("/api/staff-password", password=password).headers["location"] == (
        f"/sign-in/password?failed={word}"
    )
    assert browser.post("/api/staff-password", password=NEW).headers["location"] == "/sign-in?done=password"


def test_a_link_that_was_used_leads_nowhere(browser, new_browser, link):
    browser.get(link)
    late = new_browser("203.0.113.9")
    late.get(link)
    browser.post("/api/staff-password", password=NEW)

    assert late.post("/api/staff-password", password="another good long one").headers["location"] == (
        "/sign-in?failed=link"
    )
    assert late.get(link).headers["location"] == "/sign-in?failed=link"
    assert sign_in(browser, NEW) == "/staff"


@pytest.mark.parametrize("token", ["made-up", "x" * 3_000, "%00", "..%2f..%2fetc", "a b"])
def test_links_that_nobody_made_lead_nowhere(browser, sam, token):
    answer = browser.get(f"/l/staff/{token}")

    assert answer.status_code in (303, 404)
    assert answer.headers.get("location", "/sign-in?failed=link") == "/sign-in?failed=link"
    assert "set-cookie" not in answer.headers


def test_without_a_link_no_password_is_given(browser, sam):
    assert browser.post("/api/staff-password", password=NEW).headers["location"] == "/sign-in?failed=link"
    assert sign_in(browser) == "/staff"


def test_a_patients_link_and_one_of_the_staff_are_not_mixed_up(browser, link):
    assert browser.get(f"/l/{link.rpartition('/')[2]}").headers["location"] == "/link-expired"


# --- One's own --------------------------------------------------------------------------------------------------------


def change(browser, current=PASSWORD, password=NEW, **more):
    return browser.post("/api/account/password", current=current, password=password, **more)


def test_a_new_password_opens_a_new_session_and_ends_the_others(db, browser, new_browser, sam):
    elsewhere = new_browser("198.51.100.1")
    sign_in(elsewhere)
    sign_in(browser)
    before = browser.cookies[STAFF]

    answer = change(browser, language="de")

    assert answer.headers["location"] == "/de/staff/account?done=password"
    found = [digest(value) for value in (before, elsewhere.cookies[STAFF], browser.cookies[STAFF])]
    assert set(sessions.find_actors(db, found, clock.now())) == {digest(browser.cookies[STAFF])}


@pytest.mark.parametrize(
    ("current", "password", "word"),
    [("wrong", NEW, "refused"), (PASSWORD, "short", "length"), (PASSWORD, "password2026", "common")],
)
def test_what_does_not_fit_leads_back_and_changes_nothing(db, browser, sam, current, password, word):
    sign_in(browser)

    assert change(browser, current, password).headers["location"] == f"/staff/account?failed={word}"
    assert sessions.find_actor(db, digest(browser.cookies[STAFF]), clock.now())


def test_who_is_not_signed_in_changes_nothing(browser, sam):
    assert change(browser).headers["location"] == "/sign-in?next=%2Fstaff%2Faccount"
    assert sign_in(browser) == "/staff"


def test_guessing_the_old_one_comes_to_an_end(db, browser, sam):
    sign_in(browser)
    for _ in range(10):
        change(browser, "wrong")

    assert change(browser).headers["location"] == "/staff/account?failed=wait"
    assert fetch_one(db, "SELECT count(*) AS sessions FROM session").sessions == 1


def test_a_form_with_something_missing_leads_back(browser, sam):
    sign_in(browser)

    assert browser.post("/api/account/password", password=NEW).headers["location"] == "/staff/account?failed=form"


def test_hashes_are_made_beside_the_event_loop(browser):
    """FastAPI runs plain functions in threads; a coroutine would keep everybody waiting for 40 ms and more."""
    hashing = [route for room in (sign_in_room, passwords) for route in room.router.routes]

    assert len(hashing) >= 5
    assert [route.path for route in hashing if inspect.iscoroutinefunction(route.endpoint)] == []
