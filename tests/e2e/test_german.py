"""The same in German: from the first page to the letter."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from medcal.i18n import language, t
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    with language("de"):
        yield


def test_a_patient_books_in_german(page: Page, clinic: OpenClinic, post: Post) -> None:
    at = clinic.at(4, "10:30")
    page.goto("/cardiology")
    page.get_by_role("link", name="Deutsch").click()

    expect(page).to_have_url(re.compile(r"/de/cardiology$"))
    expect(page.get_by_role("heading", name="Kardiologie")).to_be_visible()
    page.get_by_role("link", name=t("All free times")).first.click()
    page.get_by_role("button", name=f"{clinic.okafor.name}, {clinic.said(at)}, {clinic.location.name}").click()
    expect(page).to_have_url(re.compile(r"/de/book$"))
    page.get_by_role("button", name=t("Book this appointment")).click()
    expect(page.get_by_label(t("Full name of the patient"))).to_have_accessible_description(
        t("Please write the full name (2 to 120 characters).")
    )
    page.get_by_label(t("Full name of the patient")).fill("Käthe Größl")
    page.get_by_label(t("Date of birth")).fill("1984-02-29")
    page.get_by_label(t("E-mail")).fill("kaethe@example.com")
    page.get_by_label(t("Reason for the visit")).select_option(label=t("Follow-up"))
    page.get_by_role("button", name=t("Book this appointment")).click()

    expect(page).to_have_url(re.compile(r"/de/booked$"))
    expect(page.get_by_role("heading", name=t("Your appointment is booked"))).to_be_visible()
    expect(page.get_by_role("article")).to_contain_text(clinic.said(at))
    letter = post.letter("appointment.booked", "kaethe@example.com")
    assert letter.language == "de"
    page.goto(letter.link(t("Cancel it")))
    expect(page).to_have_url(re.compile(r"/de/appointment(\?|$)"))
    page.get_by_role("dialog").get_by_role("button", name=t("Cancel the appointment")).click()
    expect(page.get_by_role("article")).to_contain_text(t("Cancelled"))


def test_the_document_says_which_language_it_speaks(page: Page, clinic: OpenClinic) -> None:
    for path, code in (("/de", "de"), ("/", "en"), ("/de/book", "de")):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.get_by_role("main").evaluate("element => element.closest('[lang]').lang") == code


def test_the_desk_speaks_german_too(page: Page, clinic: OpenClinic) -> None:
    page.goto("/de/staff")
    expect(page).to_have_url(re.compile(r"/de/sign-in$"))
    page.get_by_label(t("E-mail")).fill(clinic.sam.email)
    page.get_by_label(t("Password")).fill("wrong")
    page.get_by_role("button", name=t("Sign in")).click()

    expect(page.get_by_role("alert")).to_have_text(t("E-mail address or password is wrong."))
    expect(page).to_have_url(re.compile(r"/de/sign-in\?failed=refused$"))
