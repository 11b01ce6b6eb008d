"""A crawler: every page, in every language, opened by everybody. What reaches the browser is what that person may see."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import Session

from medcal import clock, routes
from medcal.i18n import LANGUAGES, language
from medcal.pages import PAGES, Page
from medcal.roles import roles_with
from medcal.services import schedules
from tests.support.everybody import AN_ID, UUID, Caller, Everybody, invite_everybody
from tests.support.factories import NOW
from tests.support.rights import right_for

NAMES = ("nobody", "stranger", "alice", "bob", "okafor", "ivanov", "sam", "robin")
STAFF_PAGES = [page for page in PAGES if routes.is_staff_page(page.route)]
NAMED = re.compile(r"Alice|Adler|Bob |Berger|Sam Stern|Robin Roth|@example\.com|@clinic\.example|664[12]{4}")
# What a page may link to or go on to: our own addresses, made of words (in brackets the names of routes). A reference has no place there.
OF_WORDS = re.compile(r"/[]a-z/.[-]*(\?(next=/[a-z/]+|wish=[a-z]+|step=code))?")
# A place on the map is no data of anybody's; letters to the clinic and calls lead out of the browser.
LEADS_OUT = ("mailto:", "tel:")


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 28)


@pytest.fixture
def here(db: Session) -> Everybody:
    return invite_everybody(db)


def address_of(page: Page, here: Everybody) -> str:
    path = page.route.replace("[specialty]", here.clinic.specialty.slug).replace("[doctor]", here.clinic.okafor.slug)
    return routes.to(path)


@pytest.fixture
def visit(here: Everybody, new_tab: Callable[..., Any]) -> Callable[[str, Page, str], Any]:
    """visit("alice", page, "de"): her tab, after the page has loaded."""

    def opened(who: str, page: Page, code: str) -> Any:
        caller = here.callers[who]
        tab = new_tab(staff=caller.staff, visit=caller.visit)
        with language(code):
            tab.open(address_of(page, here))
        return tab

    return opened


def may_open(caller: Caller, page: Page) -> bool:
    """By the row of what loads it: who may not do that sees an empty page, and is sent away from it."""
    names = [load.fn.__qualname__ for load in page.on_load]
    rights = [right for name in names if (right := right_for(name))]
    return all(caller.role in roles_with(right) for right in rights)


def addresses_in(frames: list[str]) -> Iterator[str]:
    """Every text in the state that is an address."""
    for frame in frames:
        yield from (text for text in _texts(json.loads(frame)) if text.startswith(("/", "http")) and " " not in text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


@pytest.mark.parametrize("code", sorted(LANGUAGES))
@pytest.mark.parametrize("who", NAMES)
def test_a_page_shows_everybody_what_she_may_see(
    here: Everybody, visit: Any, caplog: pytest.LogCaptureFixture, who: str, code: str
) -> None:
    caplog.set_level(logging.DEBUG)
    before, wrong = here.rows(), []
    for page in PAGES:
        tab = visit(who, page, code)
        said = "\n".join([*tab.frames, *tab.redirects])
        wrong += [f"{page.route} shows {found}" for found in here.callers[who].finds_hidden(said)]
        found = [address for address in (*tab.redirects, *addresses_in(tab.frames)) if not _is_clean(address)]
        wrong += [f"{page.route} leads to {address}" for address in found]

    assert wrong == []
    assert here.rows() == before, "looking changes nothing"
    looked = {here.callers[who].own.refs["account"]} if here.callers[who].role else set()
    assert here.looks() == looked, "but that somebody looked is written down"
    assert [line for line in caplog.messages if NAMED.search(line) or AN_ID.search(line)] == []


def _is_clean(address: str) -> bool:
    if UUID.search(address) or AN_ID.search(address) or NAMED.search(address):
        return False
    return not address.startswith("/") or OF_WORDS.fullmatch(address) is not None


@pytest.mark.parametrize("who", NAMES)
def test_pages_of_the_staff_open_to_whom_the_table_says(here: Everybody, visit: Any, who: str) -> None:
    caller, wrong = here.callers[who], []
    for page in STAFF_PAGES:
        tab = visit(who, page, "en")
        is_refused = "You are not allowed to do that." in tab.toasts or any("/sign-in" in way for way in tab.redirects)
        if is_refused is may_open(caller, page):
            wrong.append(page.route)

    assert wrong == []


def test_the_crawler_sees_what_there_is(here: Everybody, visit: Any) -> None:
    """To whom it may be shown, it is: an empty page would have nothing to hide."""
    by_route = {page.route: page for page in PAGES}
    seen = {
        ("alice", routes.APPOINTMENT): "Alice Adler",
        ("alice", routes.OFFER): "Okafor",
        ("sam", routes.STAFF_APPOINTMENTS): "Alice Adler",
        ("sam", routes.STAFF_WAITLIST): "Bob Berger",
        ("sam", routes.STAFF_MESSAGES): "Bob Berger",
        ("sam", routes.STAFF_OFFERS): "Alice Adler",
        ("robin", routes.STAFF_PEOPLE): "ines@clinic.example",
        ("nobody", routes.DOCTOR): "Okafor",
    }
    missing = [key for key, text in seen.items() if text not in "\n".join(visit(key[0], by_route[key[1]], "en").frames)]

    assert missing == []
    assert len(STAFF_PAGES) > 10


def test_a_dirty_address_is_noticed() -> None:
    dirty = [
        "/appointment?ref=2f6d9a8e-9f6c-4f0e-8f5e-1f2d3c4b5a69",
        "/doctors/727210000001",
        "/staff?patient=Alice",
        "/visit/12",
    ]

    assert [address for address in dirty if _is_clean(address)] == []
