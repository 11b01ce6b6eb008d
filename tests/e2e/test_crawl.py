"""A crawler in a real browser: no id and nobody's data in an address, a form, or anything that the browser keeps."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from medcal import routes
from medcal.i18n import LANGUAGES, language
from medcal.pages import PAGES
from medcal.roles import roles_with
from medcal.security import Role
from tests.e2e.support.clinic import OpenClinic
from tests.support import factories
from tests.support.everybody import AN_ID, UUID, number_rows
from tests.support.rights import right_for

PEOPLE = re.compile(r"Alice|Adler|\bBob\b|Berger|Sam Stern|Robin Roth|@example\.com|@clinic\.example")
# What stays in the browser: Reflex' name of the tab, the choice between light and dark, and how far down a page was read.
KEPT = {"token", "theme", "react-router-scroll-positions"}
# All that can carry something to somewhere: where links lead, what forms send unseen, and what is kept for later.
LOOK = """() => {
  const all = (what, name) => [...document.querySelectorAll(what)].map(each => each.getAttribute(name) ?? '')
  return {
    addresses: [location.href, document.referrer, ...all('[href]', 'href'), ...all('[src]', 'src'),
                ...all('form', 'action'), ...all('[formaction]', 'formaction')],
    unseen: all('input[type=hidden]', 'value'),
    named: [...all('[id]', 'id'), ...all('[name]', 'name')],
    kept: Object.fromEntries([...Object.entries(localStorage), ...Object.entries(sessionStorage)]),
    cookies: document.cookie,
  }
}"""


@pytest.fixture(autouse=True)
def numbered(engine: Engine) -> None:
    """Before the clinic is filled: its ids look like no other number."""
    with engine.begin() as connection:
        number_rows(connection)


def open_to(role: Role | None) -> list[str]:
    """The addresses of all pages that show something to such a person."""
    found = []
    for page in PAGES:
        rights = [right for load in page.on_load if (right := right_for(load.fn.__qualname__))]
        if all(role in roles_with(right) for right in rights) and bool(rights) is bool(role):
            found.append(page.route.replace("[specialty]", "cardiology").replace("[doctor]", "ada-okafor"))
    return found


def faults(page: Page) -> list[str]:
    """What the page holds and must not, after it has loaded."""
    expect(page.locator("h1:visible").first).to_be_visible()
    seen: dict[str, Any] = page.evaluate(LOOK)
    carried = [*seen["addresses"], *seen["unseen"], *seen["kept"].values()]
    wrong = [text for text in (*carried, *seen["named"]) if AN_ID.search(text) or PEOPLE.search(text)]
    # The clinic's own address is everybody's.
    wrong = [text for text in wrong if text != "mailto:desk@clinic.example"]
    wrong += [address for address in seen["addresses"] if UUID.search(address)]
    wrong += [name for name in seen["kept"] if name not in KEPT]
    return [*wrong, *([seen["cookies"]] if seen["cookies"] else [])]


def as_the_server_sets_them(page: Page) -> None:
    """Cookies that no script can read; those of a journey are put into the browser by hand."""
    page.context.add_cookies([{**cookie, "httpOnly": True} for cookie in page.context.cookies()])


def crawl(page: Page, addresses: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    as_the_server_sets_them(page)
    for code in sorted(LANGUAGES):
        with language(code):
            for address in addresses:
                page.goto(routes.to(address))
                found[page.url] = faults(page)
    return {address: wrong for address, wrong in found.items() if wrong}


def test_a_patient_carries_nothing_away(clinic: OpenClinic, open_browser: Callable[..., Page]) -> None:
    own, other = clinic.book(clinic.at(9, "10:00")), clinic.book(clinic.at(9, "11:00"), clinic.bob)
    page = open_browser(visit=clinic.visit_of(own))

    assert crawl(page, open_to(None)) == {}
    page.goto(routes.APPOINTMENT)
    expect(page.locator("main")).to_contain_text("Alice Adler")
    assert str(other.ref) not in page.content() and "Bob" not in page.content()


@pytest.mark.parametrize("role", [Role.reception, Role.doctor, Role.admin])
def test_the_staff_carry_nothing_away(
    clinic: OpenClinic, open_browser: Callable[..., Page], allow: Callable[..., None], role: Role
) -> None:
    clinic.book(clinic.at(0, "17:30"))
    robin = clinic.do(factories.make_user, "Robin Roth", Role.admin)
    users = {Role.reception: clinic.sam, Role.doctor: clinic.okafor_herself, Role.admin: robin}
    page = open_browser(staff=users[role])
    # The preview of a letter runs no scripts, Playwright's neither.
    allow(page, "Blocked script execution in 'about:srcdoc'")

    assert crawl(page, open_to(role)) == {}


def test_the_bundle_knows_nobody(clinic: OpenClinic, site: Path) -> None:
    """What is built before anybody is known: a name in there would be everybody's."""
    texts = {
        file: file.read_text(errors="ignore") for file in site.rglob("*") if file.suffix in (".js", ".html", ".json")
    }

    assert len(texts) > 20
    assert [str(file) for file, text in texts.items() if PEOPLE.search(text) or "argon2" in text] == []


def test_search_engines_are_shown_no_page_of_the_staff(clinic: OpenClinic, open_browser: Callable[..., Page]) -> None:
    """Neither by a list of pages nor by one of what not to look at; and who comes by chance is told to forget it."""
    page = open_browser()
    for address in ("/sitemap.xml", "/robots.txt"):
        assert "/staff/" not in page.request.get(address).text()

    assert page.request.get(routes.STAFF_CALENDAR).headers["x-robots-tag"] == "noindex"


def test_this_crawler_notices(clinic: OpenClinic, open_browser: Callable[..., Page]) -> None:
    page = open_browser()
    page.goto(routes.HOME)
    assert faults(page) == []

    page.evaluate(
        "id => { document.body.append(Object.assign(document.createElement('a'), {href: `/v/${id}`})) }",
        clinic.alice.id,
    )
    page.evaluate("localStorage.setItem('draft', 'Alice Adler')")

    assert len(faults(page)) == 3
