"""Three days before: a reminder whose links lead to buttons."""

import re

from playwright.sync_api import Page, expect

from medcal.models import AppointmentStatus
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post


def test_a_reminder_is_answered_with_yes(page: Page, clinic: OpenClinic, post: Post) -> None:
    appointment = clinic.remembered()
    letter = post.letter("reminder", "alice@example.com")

    page.goto(letter.link("Yes, I will come"))
    expect(page).to_have_url(re.compile(r"/appointment(\?wish=confirm)?$"))
    expect(page.get_by_role("article")).to_contain_text(clinic.said(appointment.starts_at))
    assert clinic.appointments()[0].confirmed_at is None
    page.get_by_role("button", name="I will come").click()

    expect(page.get_by_role("article")).to_contain_text("You have confirmed")
    assert clinic.appointments()[0].confirmed_at is not None
    expect(page.get_by_role("button", name="I will come")).to_be_hidden()
    assert len(post.letters("reminder", "alice@example.com")) == 1


def test_a_reminder_is_answered_with_no(page: Page, clinic: OpenClinic, post: Post) -> None:
    clinic.remembered()
    letter = post.letter("reminder", "alice@example.com")

    page.goto(letter.link("No, cancel the appointment"))
    page.get_by_role("dialog").get_by_role("button", name="Cancel the appointment").click()

    expect(page.get_by_role("article")).to_contain_text("Cancelled")
    assert clinic.appointments()[0].status is AppointmentStatus.cancelled
