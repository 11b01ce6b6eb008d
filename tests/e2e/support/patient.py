"""What a patient does on her pages, in the words of the pages."""

import re
from datetime import datetime

from playwright.sync_api import Locator, Page, expect

from medcal.models import Doctor
from tests.e2e.support.clinic import OpenClinic

AT_BOOK = re.compile(r"/book$")
AT_BOOKED = re.compile(r"/booked$")
# What the hidden field of a form holds once the browser has computed.
SOLVED = re.compile(r"^\d+\.\d+\.[0-9a-f]+\.[0-9a-f]+\.[\d-]+$")


def free_time(page: Page, clinic: OpenClinic, at: datetime, doctor: Doctor | None = None) -> Locator:
    """The button of a free time, by what a screen reader says of it."""
    name = f"{(doctor or clinic.okafor).name}, {clinic.said(at)}, {clinic.location.name}"
    return page.get_by_role("region", name="Choose a time").get_by_role("button", name=name, exact=True)


def choose(page: Page, clinic: OpenClinic, at: datetime, doctor: Doctor | None = None) -> None:
    """Have a time kept, from the doctor's page; ends on the form."""
    page.goto(f"/doctors/{(doctor or clinic.okafor).slug}")
    free_time(page, clinic, at, doctor).click()
    expect(page).to_have_url(AT_BOOK)
    expect(page.get_by_role("timer")).to_be_visible()


def fill_in(page: Page, name: str = "Charlie Czerny", email: str = "charlie@example.com") -> None:
    page.get_by_label("Full name of the patient").fill(name)
    page.get_by_label("Date of birth").fill("1984-02-29")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Reason for the visit").select_option("Check-up")


def send(page: Page) -> None:
    """Send the form; ends on the confirmation."""
    page.get_by_role("button", name="Book this appointment").click()
    expect(page).to_have_url(AT_BOOKED)
    expect(page.get_by_role("heading", name="Your appointment is booked")).to_be_visible()


def book(page: Page, clinic: OpenClinic, at: datetime, doctor: Doctor | None = None) -> None:
    """All of it, as Charlie."""
    choose(page, clinic, at, doctor)
    fill_in(page)
    send(page)
