"""A patient reads what is kept about her, takes a copy with her, and has herself erased; the desk does it for who only waits."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Page, expect

from medcal.models import AppointmentStatus
from medcal.security import Role
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post
from tests.support import factories


def enter_code(page: Page, post: Post, contact: str) -> None:
    """From the page that asks for a code to her appointments."""
    page.get_by_role("link", name="Send me a code").click()
    page.get_by_label("E-mail or phone").fill(contact)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill(post.letter("code", contact).code)
    page.get_by_role("button", name="Show my appointments").click()
    expect(page).to_have_url(re.compile(r"/appointment/?$"))


def was_here(clinic: OpenClinic) -> None:
    """Alice, last month."""
    at = clinic.at(5, "09:30") - timedelta(days=35)
    clinic.book(at, status=AppointmentStatus.fulfilled, request="a wheelchair")


def test_she_reads_it_takes_it_with_her_and_is_erased(page: Page, clinic: OpenClinic, post: Post) -> None:
    was_here(clinic)
    page.goto("/privacy")
    page.get_by_role("main").get_by_role("link", name="Your data").click()
    expect(page.get_by_role("heading", name="Your data", exact=True)).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(0)
    enter_code(page, post, "alice@example.com")
    page.goto("/appointment/data")
    hers = page.get_by_role("article").filter(has_text="Alice Adler")

    with page.expect_download() as download:
        hers.get_by_role("button", name="For a machine (JSON)").click()
    assert json.loads(download.value.path().read_text())["appointments"][0]["request"] == "a wheelchair"
    hers.get_by_role("button", name="To read or print").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What Medcal Clinic keeps about Alice Adler")
    expect(page.get_by_text("a wheelchair")).to_be_visible()
    assert "?" not in page.url

    page.goto("/appointment/data")
    hers.get_by_role("button", name="Erase …").click()
    page.get_by_label("To be sure: date of birth").fill("1984-03-01")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("alert").filter(has_text="This is not the date of birth that we have.")).to_be_visible()
    page.get_by_label("To be sure: date of birth").fill("1984-02-29")
    page.get_by_role("button", name="Erase for good").click()

    expect(page.get_by_role("article")).to_have_count(0)
    expect(page.get_by_role("link", name="Send me a code")).to_be_visible()


def test_a_link_to_one_visit_opens_no_data(open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    page = open_browser(visit=clinic.visit_of(clinic.book(clinic.at(5, "09:30"))))
    page.goto("/appointment")

    page.get_by_role("link", name="Your data").click()

    expect(page.get_by_role("link", name="Send me a code")).to_be_visible()
    expect(page.get_by_text("Alice Adler")).to_have_count(0)


def test_the_desk_hands_over_and_erases_who_only_waits(open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    clinic.do(lambda db: factories.make_entry(db, clinic, patient=factories.make_patient(db, "Walter Wart", None)))
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))
    page.goto("/staff/waitlist")

    page.get_by_role("button", name="Data Walter Wart").click()
    dialog = page.get_by_role("dialog", name="Walter Wart")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="For a machine (JSON)").click()
    assert json.loads(download.value.path().read_text())["person"]["name"] == "Walter Wart"
    dialog.get_by_role("button", name="Erase this patient").click()
    dialog.get_by_role("button", name="Erase for good").click()

    expect(dialog).to_have_count(0)
    expect(page.get_by_text("Walter Wart")).to_have_count(0)
