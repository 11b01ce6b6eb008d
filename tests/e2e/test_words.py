"""An admin writes the words of a message and sees beside them how they arrive; a doctor reads her calendar elsewhere."""

import re
from collections.abc import Callable

import httpx
import icalendar
from playwright.sync_api import Page, expect

from medcal import clock
from medcal.security import Role
from medcal.services import notifications
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post
from tests.support import factories


def test_an_admin_writes_words_sees_them_arrive_and_gives_them_up_again(
    open_browser: Callable[..., Page], clinic: OpenClinic, post: Post, allow: Callable[..., None]
) -> None:
    page = open_browser(staff=clinic.do(factories.make_user, "Robin Roth", Role.admin))
    # The trace looks into every frame, and that of the mail lets nothing run.
    allow(page, "Blocked script execution in 'about:srcdoc'")
    page.goto("/staff/messages")
    page.get_by_role("main").get_by_role("link", name="Words").click()
    mail, words = page.get_by_title("The mail as it is read"), page.get_by_label("Mail", exact=True)
    expect(mail).to_have_attribute("srcdoc", re.compile("We look forward to seeing you."))

    words.fill("Dear {name}, bring your card to {nowhere}.")
    expect(page.get_by_role("status").filter(has_text="{nowhere} cannot stand here.")).to_be_visible()
    words.fill("Dear {name}, bring your card to {clinic}.")
    expect(mail).to_have_attribute("srcdoc", re.compile("Dear Alex Example, bring your card to Medcal Clinic."))
    expect(page.get_by_text("Not saved yet")).to_be_visible()

    page.get_by_role("button", name="Save the words").click()
    expect(page.get_by_text("Your own words, changed by Robin Roth")).to_be_visible()
    expect(page.get_by_text("Not saved yet")).to_be_hidden()
    tell(clinic)
    assert (
        "Dear Alice Adler, bring your card to Medcal Clinic."
        in post.last("appointment.booked", "alice@example.com", 1).text
    )

    page.reload()
    expect(words).to_have_value("Dear {name}, bring your card to {clinic}.")
    page.get_by_role("button", name="Use the standard words").click()
    expect(page.get_by_text("These are the words that Medcal comes with.")).to_be_visible()
    tell(clinic)
    assert "We look forward to seeing you." in post.last("appointment.booked", "alice@example.com", 2).text


def tell(clinic: OpenClinic) -> None:
    """Alice is told of a visit."""
    visit = clinic.book(clinic.at(4 + len(clinic.appointments()), "10:00"))
    clinic.do(notifications.write, "appointment.booked", appointment_id=visit.id, now=clock.now())


def test_a_doctor_reads_her_calendar_in_another_program_until_she_removes_the_address(
    open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    visit = clinic.book(clinic.at(4, "10:00"))
    page = open_browser(staff=clinic.okafor_herself)
    page.goto("/staff")
    page.get_by_role("link", name="Subscribe in your calendar program").click()
    expect(page.get_by_text("There is no address yet.")).to_be_visible()

    page.get_by_role("button", name="Make an address").click()
    expect(page.get_by_text("This address is shown only now.")).to_be_visible()
    address = page.get_by_label("Address", exact=True).input_value()
    [event] = icalendar.Calendar.from_ical(httpx.get(address).content).walk("VEVENT")
    assert (event.start, str(event["SUMMARY"])) == (visit.starts_at, f"Appointment {visit.code}")
    assert httpx.head(address).status_code == 200

    page.reload()
    expect(page.get_by_text("Last read")).to_be_visible()
    expect(page.get_by_text("This address is shown only now.")).to_be_hidden()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There is no address yet.")).to_be_visible()
    assert httpx.get(address).status_code == 404
