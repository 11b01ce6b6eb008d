"""From an empty database to a booked appointment, in the browser alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session

from medcal.models import StaffUser
from medcal.security import Role
from medcal.services import accounts
from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic, empty
from tests.support.factories import PASSWORD


def the_first_admin(db: Session) -> StaffUser:
    """As `manage.py user add` makes her."""
    return accounts.create_user(db, email="robin@clinic.example", name="Robin Roth", password=PASSWORD, role=Role.admin)


@pytest.fixture
def robin(clinic: OpenClinic) -> StaffUser:
    empty(clinic.engine)
    return clinic.do(the_first_admin)


def test_from_empty_to_a_booked_appointment(
    open_browser: Callable[..., Page], clinic: OpenClinic, robin: StaffUser
) -> None:
    page, admin = open_browser(), open_browser(staff=robin)
    page.goto("/")
    expect(page.get_by_role("heading", name="We open soon")).to_be_visible()

    admin.goto("/staff")
    expect(admin.get_by_role("heading", name="Set up your clinic")).to_be_visible()
    say_where_it_is(admin)
    choose_specialties(admin, "Cardiology", "Dentistry")
    add_doctor(admin, "Dr. Grete Groß", "Cardiology")
    admin.get_by_role("button", name="Save the hours").click()
    expect(admin.get_by_role("heading", name="Your clinic is open")).to_be_visible()
    admin.get_by_role("link", name="Open the calendar").click()
    expect(reception.calendar(admin)).to_contain_text("Dr. Grete Groß")

    page.reload()
    page.get_by_role("link", name="Cardiology").click()
    page.get_by_role("link", name="Dr. Grete Groß").click()
    page.get_by_role("region", name="Choose a time").get_by_role("button", name="Dr. Grete Groß").first.click()
    expect(page).to_have_url(patient.AT_BOOK)
    patient.fill_in(page)
    patient.send(page)

    [booked] = clinic.appointments(status="booked")
    reception.go_to(admin, booked.appointment_date)
    expect(reception.block(admin, "Charlie Czerny")).to_be_visible()
    still_has_patients(admin)


def say_where_it_is(page: Page) -> None:
    page.get_by_label("Name of the clinic").fill("Praxis Rosengasse")
    page.get_by_label("Street and number").fill("Rosengasse 12")
    page.get_by_role("button", name="Save the clinic").click()
    expect(page.get_by_label("Phone")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Postcode and town").fill("1010 Wien")
    page.get_by_label("Phone").fill("01 5550123")
    page.get_by_label("Time zone").fill("europe/vienna")
    page.get_by_role("button", name="Save the clinic").click()


def choose_specialties(page: Page, *names: str) -> None:
    expect(page.get_by_role("heading", name="What do you treat?")).to_be_visible()
    for name in names:
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Take the ticked ones").click()


def add_doctor(page: Page, name: str, specialty: str) -> None:
    page.get_by_role("button", name="Add a doctor").click()
    page.get_by_label("Name, with title").fill(name)
    page.get_by_label("Specialty").select_option(specialty)
    page.get_by_role("button", name="Save, and on to the hours").click()
    expect(page.get_by_role("heading", name="Weekly hours")).to_be_visible()
    # Of a suggestion becomes what she really works; the fortnight beside it follows.
    page.get_by_label("Monday, Until").first.fill("11:00")
    expect(page.get_by_role("region", name="What becomes of it")).to_contain_text("08:00–11:00")
    page.get_by_role("button", name="Monday's hours until Friday").click()
    expect(page.get_by_label("Friday, Until").first).to_have_value("11:00")


def still_has_patients(page: Page) -> None:
    page.goto("/staff/settings/doctors")
    page.get_by_role("button", name="Take out of use").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Take out of use").click()
    expect(dialog.get_by_role("alert")).to_contain_text("1 appointment is still to come")
    expect(dialog.get_by_role("link", name="To the appointments")).to_be_visible()


def test_ready_made_specialties_show_as_soon_as_they_are_taken(
    open_browser: Callable[..., Page], robin: StaffUser
) -> None:
    page = open_browser(staff=robin)
    page.goto("/staff/settings/specialties")
    expect(page.get_by_role("status").filter(has_text="No specialty yet")).to_be_visible()

    page.get_by_role("checkbox", name="Dentistry").check()
    page.get_by_role("button", name="Take the ticked ones").click()

    expect(page.get_by_role("heading", name="Dentistry")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Dentistry")).to_be_hidden()
    expect(page.get_by_role("button", name="Edit Check-up")).to_be_visible()
