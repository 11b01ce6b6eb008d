"""A patient cancels by the link in her mail: the link shows, the button does."""

import re
from collections.abc import Callable
from datetime import timedelta

from icalendar import Calendar
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from medcal.models import AccessToken, AppointmentStatus
from tests.e2e.support import patient
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post

BOOKED, CANCELLED = AppointmentStatus.booked, AppointmentStatus.cancelled


def test_a_link_shows_the_question_and_only_the_button_cancels(
    page: Page, open_browser: Callable[..., Page], clinic: OpenClinic, post: Post
) -> None:
    patient.book(page, clinic, clinic.at(4, "10:00"))
    page.get_by_role("link", name="Change or cancel").click()
    letter = post.letter("appointment.booked", "charlie@example.com")
    phone = open_browser(width=390)

    for _ in range(2):
        phone.goto(letter.link("Cancel it"))
        expect(phone).to_have_url(re.compile(r"/appointment(\?wish=cancel)?$"))
        expect(phone.get_by_role("dialog", name="Cancel this appointment?")).to_be_visible()
        assert [appointment.status for appointment in clinic.appointments()] == [BOOKED]
    phone.get_by_role("dialog").get_by_label("Would you like to tell us why?").fill("I have caught a cold.")
    phone.get_by_role("button", name="Cancel the appointment").click()

    expect(phone.get_by_role("article")).to_contain_text("Cancelled")
    expect(phone.get_by_role("dialog")).to_be_hidden()
    [cancelled] = clinic.appointments()
    assert (cancelled.status, cancelled.cancel_reason) == (CANCELLED, "I have caught a cold.")
    # Her other page says so too, without being asked.
    expect(page.get_by_role("article")).to_contain_text("Cancelled")
    told = post.letter("appointment.cancelled", "charlie@example.com")
    assert Calendar.from_ical(told.calendar_file)["METHOD"] == "CANCEL"


def test_the_link_of_a_cancelled_appointment_still_says_what_is_so(page: Page, clinic: OpenClinic, post: Post) -> None:
    patient.book(page, clinic, clinic.at(4, "10:00"))
    link = post.letter("appointment.booked", "charlie@example.com").link("Cancel it")
    page.goto(link)
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_role("article")).to_contain_text("Cancelled")

    page.goto(link)

    expect(page.get_by_role("article")).to_contain_text("Cancelled")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Move")).to_be_hidden()


def test_an_old_link_leads_to_a_page_that_helps(page: Page, clinic: OpenClinic, post: Post) -> None:
    patient.book(page, clinic, clinic.at(4, "10:00"))
    letter = post.letter("appointment.booked", "charlie@example.com")
    page.context.clear_cookies()
    clinic.do(_let_links_lapse)

    page.goto(letter.link("See or change the appointment"))

    expect(page).to_have_url(re.compile(r"/link-expired$"))
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    page.get_by_role("link", name="Find my appointment").click()
    expect(page.get_by_label("E-mail or phone")).to_be_visible()
    page.goto("/appointment")
    expect(page.get_by_role("heading", name="We do not know this browser yet")).to_be_visible()


def _let_links_lapse(db: Session) -> None:
    for token in db.exec(select(AccessToken)):
        token.expires_at = token.created_at + timedelta(microseconds=1)


def test_too_near_to_the_visit_the_page_names_the_phone_number(
    open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    visit = clinic.visit_of(clinic.book(clinic.opened_at + timedelta(hours=5)))
    page = open_browser(visit=visit)

    page.goto("/appointment")

    expect(page.get_by_text("It is too late to change this appointment here.")).to_contain_text(clinic.location.phone)
    expect(page.get_by_role("button", name="Cancel it")).to_be_hidden()
