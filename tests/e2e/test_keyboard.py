"""Without a mouse: Tab, Enter, Space and Escape are enough."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from medcal.models import AppointmentStatus
from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic

IS_SEEN = """element => {
  const style = getComputedStyle(element);
  return document.activeElement === element && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


def tab_to(page: Page, target: Locator, most: int = 90) -> None:
    """Press Tab until the target has the focus; and it must be seen that it has."""
    expect(target).to_be_visible()
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("element => document.activeElement === element"):
            assert target.evaluate(IS_SEEN), "the focus cannot be seen"
            return
    raise AssertionError(f"{most} times Tab did not lead to {target}")


def test_a_patient_books_with_the_keyboard_alone(page: Page, clinic: OpenClinic) -> None:
    at = clinic.at(1, "10:00")
    page.goto("/")
    tab_to(page, page.get_by_role("link", name="Cardiology"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="All free times").first)
    page.keyboard.press("Enter")
    tab_to(page, patient.free_time(page, clinic, at))
    page.keyboard.press("Space")

    expect(page).to_have_url(patient.AT_BOOK)
    tab_to(page, page.get_by_label("Full name of the patient"))
    page.keyboard.type("Charlie Czerny")
    tab_to(page, page.get_by_label("Date of birth"))
    page.keyboard.type("02291984")
    tab_to(page, page.get_by_label("Reason for the visit"))
    page.keyboard.type("Follow")
    tab_to(page, page.get_by_label("E-mail"))
    page.keyboard.type("charlie@example.com")
    tab_to(page, page.get_by_label("Tell me if something earlier opens"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_label("With whom?"))
    tab_to(page, page.get_by_role("button", name="Book this appointment"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Your appointment is booked")).to_be_visible()
    [booked] = clinic.appointments(status=AppointmentStatus.booked)
    assert (booked.starts_at, booked.reason) == (at, "Follow-up")


def test_the_first_tab_skips_to_the_content(page: Page, clinic: OpenClinic) -> None:
    page.goto("/")
    expect(page.get_by_role("link", name="Cardiology")).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("main").get_by_role("link").first).to_be_focused()
    expect(page).to_have_url("/#content")


def test_escape_closes_a_dialog_and_gives_the_focus_back(open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    page = open_browser(visit=clinic.visit_of(clinic.book(clinic.at(5, "10:00"))))
    page.goto("/appointment")

    for name in ("Move", "Ask for something earlier", "Cancel it"):
        opener = page.get_by_role("button", name=name, exact=True)
        tab_to(page, opener)
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        for _ in range(3):
            page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('dialog[open]').contains(document.activeElement)")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(opener).to_be_focused()
    assert clinic.appointments()[0].status is AppointmentStatus.booked


def test_the_desk_opens_and_moves_a_visit_with_the_keyboard(desk: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    reception.open_calendar(desk, clinic, at.date())

    visit = reception.block(desk, clinic.alice)
    tab_to(desk, visit)
    desk.keyboard.press("Enter")
    sheet = desk.get_by_role("dialog", name=clinic.alice.name)
    tab_to(desk, sheet.get_by_role("button", name="Move"))
    desk.keyboard.press("Enter")
    tab_to(desk, sheet.get_by_label("Time"))
    desk.keyboard.type("0200PM")
    desk.keyboard.press("Enter")
    expect(sheet).to_contain_text("14:00")
    desk.keyboard.press("Escape")

    expect(sheet).to_be_hidden()
    expect(reception.block(desk, clinic.alice, "14:00")).to_be_visible()
