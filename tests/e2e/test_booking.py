"""A patient books: from the first page to the file for her calendar."""

import re
from pathlib import Path

from icalendar import Calendar
from playwright.sync_api import Page, expect

from medcal.models import AppointmentStatus
from tests.e2e.support import patient
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post


def test_a_patient_finds_a_doctor_and_books(page: Page, clinic: OpenClinic, post: Post) -> None:
    at = clinic.at(4, "10:30")

    page.goto("/")
    page.get_by_role("link", name="Cardiology").click()
    page.get_by_role("article").filter(has_text="Dr. Ada Okafor").get_by_role("link", name="All free times").click()
    patient.free_time(page, clinic, at).click()

    expect(page.get_by_role("timer")).to_contain_text("9:")
    expect(page.get_by_role("complementary")).to_contain_text(clinic.said(at))
    patient.fill_in(page)
    patient.send(page)

    expect(page.get_by_role("article")).to_contain_text(clinic.said(at))
    expect(page.get_by_role("article")).to_contain_text("Charlie Czerny")
    expect(page.get_by_role("article")).to_contain_text("Central European")
    [booked] = clinic.appointments(status=AppointmentStatus.booked)
    assert (booked.doctor_id, booked.starts_at) == (clinic.okafor.id, at)
    assert booked.code in page.get_by_role("article").inner_text()
    assert "10:30" in post.letter("appointment.booked", "charlie@example.com").subject


def test_the_form_says_all_that_is_missing_at_once_and_keeps_what_was_typed(page: Page, clinic: OpenClinic) -> None:
    patient.choose(page, clinic, clinic.at(4, "11:00"))
    page.get_by_label("Full name of the patient").fill("C")
    page.get_by_label("Date of birth").fill("2999-01-01")
    page.get_by_label("Anything we should know?").fill("I come with a wheelchair.")

    page.get_by_role("button", name="Book this appointment").click()

    name, born_on, email = (
        page.get_by_label(label) for label in ("Full name of the patient", "Date of birth", "E-mail")
    )
    expect(name).to_have_accessible_description("Please write the full name (2 to 120 characters).")
    expect(email).to_have_accessible_description(re.compile("Please give an e-mail address or a phone number"))
    for field in (name, born_on, email):
        expect(field).to_have_attribute("aria-invalid", "true")
    expect(name).to_be_focused()
    expect(name).to_have_value("C")
    expect(page.get_by_label("Anything we should know?")).to_have_value("I come with a wheelchair.")
    assert clinic.appointments(status=AppointmentStatus.booked) == []

    patient.fill_in(page)
    patient.send(page)
    [booked] = clinic.appointments(status=AppointmentStatus.booked)
    assert booked.request == "I come with a wheelchair."


def test_the_file_for_the_calendar_has_the_appointment(page: Page, clinic: OpenClinic, tmp_path: Path) -> None:
    at = clinic.at(4, "09:00")
    patient.book(page, clinic, at)

    with page.expect_download() as download:
        page.get_by_role("link", name="Add to my calendar").click()
    file = tmp_path / "appointment.ics"
    download.value.save_as(file)

    [event] = Calendar.from_ical(file.read_bytes()).walk("VEVENT")
    assert event.decoded("DTSTART") == at
    assert "Okafor" in event["DESCRIPTION"]
    assert "Cardiology" not in file.read_text()


def test_a_double_click_books_once(page: Page, clinic: OpenClinic, post: Post) -> None:
    patient.choose(page, clinic, clinic.at(5, "14:00"))
    patient.fill_in(page)

    page.get_by_role("button", name="Book this appointment").dblclick()

    expect(page).to_have_url(patient.AT_BOOKED)
    expect(page.get_by_role("heading", name="Your appointment is booked")).to_be_visible()
    assert len(clinic.appointments(status=AppointmentStatus.booked)) == 1
    post.letter("appointment.booked", "charlie@example.com")
    assert len(post.letters("appointment.booked", "charlie@example.com")) == 1


def test_somebody_books_for_her_child(page: Page, clinic: OpenClinic, post: Post) -> None:
    patient.choose(page, clinic, clinic.at(4, "15:00"))
    page.get_by_label("I am booking for somebody else").check()
    patient.fill_in(page, name="Hugo Czerny")
    page.get_by_label("Your own name").fill("Charlie Czerny")

    patient.send(page)

    expect(page.get_by_role("article")).to_contain_text("Hugo Czerny")
    letter = post.letter("appointment.booked", "charlie@example.com")
    assert "Charlie Czerny" in letter.text and "Hugo Czerny" in letter.text
