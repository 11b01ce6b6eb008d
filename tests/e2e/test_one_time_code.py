"""Without the mail at hand: a one-time code shows the appointments of whoever gets it, in this browser alone."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post

UNKNOWN = "We do not know this browser yet"


def ask_for_code(page: Page, contact: str) -> None:
    page.goto("/appointment")
    expect(page.get_by_role("heading", name=UNKNOWN)).to_be_visible()
    page.get_by_role("link", name="Send me a code").click()
    page.get_by_label("E-mail or phone").fill(contact)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_label("Code")).to_be_focused()


def enter(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Show my appointments").click()


def test_a_code_from_the_mail_shows_the_appointments(
    page: Page, open_browser: Callable[..., Page], clinic: OpenClinic, post: Post
) -> None:
    at = clinic.at(5, "09:30")
    clinic.book(at)

    ask_for_code(page, "  Alice@Example.com ")
    code = post.letter("code", "alice@example.com").code
    enter(page, f"{code[:3]} {code[3:]}")

    expect(page.get_by_role("heading", name="My appointment")).to_be_visible()
    expect(page.get_by_role("article")).to_contain_text(clinic.said(at))
    stranger = open_browser()
    stranger.goto("/appointment")
    expect(stranger.get_by_role("heading", name=UNKNOWN)).to_be_visible()


def test_a_wrong_code_shows_nothing(page: Page, clinic: OpenClinic, post: Post) -> None:
    clinic.book(clinic.at(5, "09:30"))
    ask_for_code(page, "alice@example.com")
    right = post.letter("code", "alice@example.com").code

    enter(page, "000000" if right != "000000" else "111111")

    expect(page.get_by_role("alert")).to_contain_text("This code does not fit, or it is too old.")
    page.goto("/appointment")
    expect(page.get_by_role("heading", name=UNKNOWN)).to_be_visible()


def test_a_code_is_good_in_the_browser_that_asked_for_it_alone(
    page: Page, open_browser: Callable[..., Page], clinic: OpenClinic, post: Post
) -> None:
    clinic.book(clinic.at(5, "09:30"))
    ask_for_code(page, "alice@example.com")
    code = post.letter("code", "alice@example.com").code
    thief = open_browser()
    ask_for_code(thief, "somebody-else@example.com")

    enter(thief, code)

    expect(thief.get_by_role("alert")).to_contain_text("This code does not fit, or it is too old.")
    # Asking for somebody we do not know looked the same, and wrote to nobody.
    assert post.letters("code", "somebody-else@example.com") == []


def test_a_patient_can_be_forgotten_on_a_device(open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    page = open_browser(visit=clinic.visit_of(clinic.book(clinic.at(5, "09:30"))))
    page.goto("/appointment")

    page.get_by_role("button", name="Forget me on this device").click()

    expect(page.get_by_role("heading", name="Find the doctor you need")).to_be_visible()
    page.goto("/appointment")
    expect(page.get_by_role("heading", name=UNKNOWN)).to_be_visible()
