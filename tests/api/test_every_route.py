"""Every HTTP route, called by everybody, with references that are guessed, malformed, or of something else.

Nobody lists the routes: a new one fails until it has a row here that says what it asks of who calls it.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlmodel import Session

from medcal import clock, routes
from medcal.api.app import build_api
from medcal.medcal import app
from medcal.services import schedules
from tests.support.everybody import AN_ID, UUID, Caller, Everybody, invite_everybody, wrongly_changed
from tests.support.factories import NOW
from tests.support.proof import for_a_code

NAMES = ("nobody", "stranger", "alice", "bob", "okafor", "ivanov", "sam", "robin")


class Asks(Enum):
    """What a route asks of who calls it."""

    nothing = "tells nobody anything about anybody"
    own_page = "a form of one of our own pages, and what its cookies and fields prove"
    visit = "the cookie of a browser that somebody has opened an appointment to"
    link = "a token that was sent to one person"
    signature = "a secret that only another program has; without it in the settings there is no such address"


ROWS = {
    "GET /api/health": Asks.nothing,
    "GET /auth/oidc/logout": Asks.nothing,
    "POST /api/sign-in": Asks.own_page,
    "POST /api/sign-in/code": Asks.own_page,
    "POST /api/sign-out": Asks.own_page,
    "POST /api/staff-password": Asks.own_page,
    "POST /api/account/password": Asks.own_page,
    "POST /api/appointment/code": Asks.own_page,
    "POST /api/appointment/open": Asks.own_page,
    "POST /api/appointment/leave": Asks.own_page,
    "POST /api/appointment/data": Asks.own_page,
    "GET /api/appointment.ics": Asks.visit,
    "GET /l/{token}": Asks.link,
    "GET /l/{token}/unsubscribe": Asks.link,
    "POST /l/{token}/unsubscribe": Asks.link,
    "GET /l/staff/{token}": Asks.link,
    "GET /feed/{token}.ics": Asks.link,
    "HEAD /feed/{token}.ics": Asks.link,
    "POST /api/n8n/callback": Asks.signature,
    "GET /auth/oidc/start": Asks.signature,
    "GET /auth/oidc/callback": Asks.signature,
    "POST /auth/oidc/backchannel": Asks.signature,
}


def every_route(routes: Iterable[Any]) -> Iterator[str]:
    """Also of rooms within the house."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield from (f"{method} {route.path}" for method in route.methods)
        else:
            assert not route.include_context.prefix
            yield from every_route(route.original_router.routes)


ROUTES = sorted(every_route(build_api().routes))
# Reflex' own, below ours. The edge closes all but the last two, see test_edge.py.
OF_REFLEX = {"/_event", "/_upload", "/_all_routes", "/auth-codespace", "/ping", "/_health"}
# What changes without anybody having proven anything: who asks for a code has one sent, to where it belongs.
FOR_ANYBODY = {"POST /api/appointment/code": ("one_time_code", "message")}
FORM = {
    "email": "robin@clinic.example",
    "password": "a guess of mine",
    "current": "a guess of mine",
    "contact": "bob@example.com",
    "code": "123456",
    "next": "https://elsewhere.example/",
}
MALFORMED = ("%00", "..%2f..", "%27%20OR%20true--", "x" * 3000, "%ff", "%3Creflex.Var%3Ex")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 1)


@pytest.fixture
def here(db: Session) -> Everybody:
    return invite_everybody(db)


@pytest.fixture
def browser_of(here: Everybody, new_browser: Any) -> Any:
    """browser_of("alice"): with her cookies, at an address of her own."""

    def open_one(who: str) -> Any:
        browser = new_browser(f"203.0.113.{NAMES.index(who)}")
        caller = here.callers[who]
        for name, value in (("medcal_session", caller.staff), ("medcal_visit", caller.visit)):
            if value:
                browser.take_cookie(name, value)
        return browser

    return open_one


def call(browser: Any, route: str, reference: str = "", **headers: str) -> httpx.Response:
    method, path = route.split()
    address = path.replace("{token}", reference)
    if method == "POST":
        return browser.post(address, dict(headers), **FORM, proof=for_a_code(NOW))
    return browser.get(address, **headers)


def guesses(here: Everybody) -> Iterator[str]:
    """References that open nothing: of nobody, of other things, ids, what the database keeps of a token, and nonsense."""
    yield from (str(uuid.uuid4()), "x" * 43, *MALFORMED)
    yield from (str(each) for each in (here.alice.refs["visit"], here.bob.refs["offer"], here.clinic.okafor.id))
    digests = [
        row for (table, _), row in here.rows().items() if table in ("access_token", "calendar_feed", "staff_link")
    ]
    yield from {row["token_digest"] for row in digests[:3]}


def faults(caller: Caller, answer: httpx.Response, asked: str) -> list[str]:
    """What an answer says that was not for who asked, beside what was asked."""
    said = "\n".join([answer.text, *(f"{name}: {value}" for name, value in answer.headers.multi_items())])
    said, address = (each.replace(asked, "") if asked else each for each in (said, answer.headers.get("location", "")))
    led_away = [address] if UUID.search(address) or "elsewhere" in address or AN_ID.search(address) else []
    return caller.finds_hidden(said) + led_away


# --- The rows -----------------------------------------------------------------------------------------------------------


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(ROUTES) == set(ROWS)


def test_there_is_no_other_way_in() -> None:
    paths = {getattr(route, "path", "").rstrip("/") for route in app._api.routes if app._api}  # type: ignore[union-attr]

    assert {path for path in paths if path} <= OF_REFLEX


# --- The calls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", NAMES)
def test_no_page_of_others_sends_a_form_in_anybodys_name(here: Everybody, browser_of: Any, who: str) -> None:
    browser, before = browser_of(who), here.rows()
    for route in (route for route, asks in ROWS.items() if asks is Asks.own_page):
        for foreign in ({"origin": "https://elsewhere.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
            answer = call(browser, route, **foreign)

            assert (route, foreign, answer.status_code) == (route, foreign, 403)
            assert "set-cookie" not in answer.headers
    assert here.rows() == before


@pytest.mark.parametrize("who", NAMES)
def test_nobody_learns_or_changes_what_is_not_hers(here: Everybody, browser_of: Any, who: str) -> None:
    caller, before, wrong = here.callers[who], here.rows(), []
    for route in ROUTES:
        with here.undone():
            browser, asked = browser_of(who), list(guesses(here)) if "{token}" in route else [""]
            answers = [call(browser, route, guess) for guess in asked]
            changed = wrongly_changed(caller, before, here.rows())
        for answer, guess in zip(answers, asked, strict=True):
            wrong += [f"{route}: {fault}" for fault in faults(caller, answer, guess)]
        wrong += [f"{route}: {line}" for line in changed if line.split()[0] not in FOR_ANYBODY.get(route, ())]
        wrong += [f"{route}: {answer.status_code}" for answer in answers if answer.status_code >= 500]
        if ROWS[route] is Asks.signature:
            assert {answer.status_code for answer in answers} == {404}

    assert wrong == []


def test_what_is_not_a_link_opens_nothing(here: Everybody, browser_of: Any) -> None:
    before = here.rows()
    for route, guess in (
        (route, guess) for route, asks in ROWS.items() if asks is Asks.link for guess in guesses(here)
    ):
        answer = call(browser_of("stranger"), route, guess)

        assert answer.status_code in (200, 303, 404)
        assert not re.search("medcal_(visit|link)", answer.headers.get("set-cookie", ""))
        assert "text/calendar" not in answer.headers.get("content-type", "")
    assert here.rows() == before


def test_a_calendar_file_is_of_ones_own_appointment(here: Everybody, browser_of: Any) -> None:
    files = {who: call(browser_of(who), "GET /api/appointment.ics") for who in NAMES}

    assert {who for who, answer in files.items() if answer.status_code == 200} == {"alice", "bob"}
    assert "Okafor" in files["alice"].text and "Ivanov" not in files["alice"].text
    assert "Ivanov" in files["bob"].text and "Okafor" not in files["bob"].text


def test_a_link_leads_to_a_clean_address(here: Everybody, browser_of: Any) -> None:
    """And opens one thing: what was hers alone is hers, and nobody else's."""
    for token in here.alice.links:
        browser = browser_of("stranger")
        answer = call(browser, "GET /l/{token}", token)

        assert answer.headers["location"].partition("?")[0] in (routes.APPOINTMENT, routes.OFFER, routes.WISH)
        assert token not in answer.headers["location"]
        assert "Bob" not in call(browser, "GET /api/appointment.ics").text


def test_these_calls_can_succeed(here: Everybody, browser_of: Any) -> None:
    """The right token does open, so that a wrong one is refused for being wrong."""
    before = here.rows()

    followed = call(browser_of("nobody"), "GET /l/{token}", next(iter(here.alice.links)))
    sent = call(browser_of("stranger"), "POST /api/appointment/code")

    assert "medcal_visit" in followed.headers["set-cookie"]
    assert sent.headers["location"].startswith(routes.FIND_APPOINTMENT)
    assert wrongly_changed(here.callers["stranger"], before, here.rows())
