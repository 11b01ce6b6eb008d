"""A time is kept for one while she fills in the form: what others see, and what happens when it takes too long."""

from collections.abc import Callable
from datetime import datetime, timedelta

from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from medcal import clock
from medcal.models import Appointment, AppointmentStatus
from tests.e2e.support import patient
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.line import Line
from tests.support.waiting import eventually


def test_somebody_was_faster(page: Page, open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    slower = open_browser()
    line = Line(slower)
    slower.goto(f"/doctors/{clinic.okafor.slug}")
    expect(patient.free_time(slower, clinic, at)).to_be_visible()
    # Otherwise her list would change before she could press.
    line.fall_silent()
    patient.choose(page, clinic, at)

    patient.free_time(slower, clinic, at).click()
    line.speak()

    dialog = slower.get_by_role("dialog", name="Somebody was faster")
    expect(dialog).to_contain_text("Nothing has been booked for you")
    dialog.get_by_role("button", name="Choose another time").click()
    expect(dialog).to_be_hidden()
    expect(patient.free_time(slower, clinic, at)).to_be_hidden()
    next_one = clinic.at(4, "10:30")
    patient.free_time(slower, clinic, next_one).click()
    expect(slower.get_by_role("complementary")).to_contain_text(clinic.said(next_one))


def test_a_time_that_is_kept_for_one_leaves_the_lists_of_all_others(
    page: Page, open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    at = clinic.at(4, "10:00")
    other = open_browser()
    other.goto(f"/doctors/{clinic.okafor.slug}")
    expect(patient.free_time(other, clinic, at)).to_be_visible()

    patient.choose(page, clinic, at)
    expect(patient.free_time(other, clinic, at)).to_be_hidden()

    page.get_by_role("button", name="Choose another time").click()
    expect(patient.free_time(other, clinic, at)).to_be_visible()


def test_a_hold_survives_a_reload(page: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    patient.choose(page, clinic, at)

    page.reload()

    expect(page.get_by_role("timer")).to_contain_text("9:")
    expect(page.get_by_role("complementary")).to_contain_text(clinic.said(at))


def test_when_the_countdown_ends_the_time_can_be_kept_again(page: Page, clinic: OpenClinic) -> None:
    patient.choose(page, clinic, clinic.at(4, "10:00"))
    clinic.do(keep_until, clock.now() + timedelta(seconds=3))
    page.reload()
    patient.fill_in(page)

    ran_out = page.get_by_role("alert").filter(has_text="Your hold has run out")
    expect(ran_out).to_be_visible()
    expect(page.get_by_role("button", name="Book this appointment")).to_be_disabled()
    ran_out.get_by_role("button", name="Hold this time again").click()

    expect(page.get_by_role("timer")).to_contain_text("9:")
    expect(page.get_by_label("Full name of the patient")).to_have_value("Charlie Czerny")
    patient.send(page)


def test_a_form_that_comes_too_late_books_nothing(page: Page, clinic: OpenClinic) -> None:
    patient.choose(page, clinic, clinic.at(4, "10:00"))
    patient.fill_in(page)
    clinic.do(keep_until, clock.now() - timedelta(seconds=1))

    page.get_by_role("button", name="Book this appointment").click()

    expect(page.get_by_role("alert").filter(has_text="Your hold has run out")).to_be_visible()
    assert clinic.appointments(status=AppointmentStatus.booked) == []


def test_a_time_that_was_lost_to_somebody_else_leads_back_to_the_list(page: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    patient.choose(page, clinic, at)
    patient.fill_in(page)
    clinic.do(keep_until, clock.now() - timedelta(seconds=1))
    eventually(lambda: clinic.appointments(status=AppointmentStatus.released), "the hold is released")
    clinic.book(at, clinic.bob)
    page.get_by_role("button", name="Book this appointment").click()

    page.get_by_role("button", name="Hold this time again").click()

    expect(page).to_have_url(f"/doctors/{clinic.okafor.slug}")
    expect(page.get_by_role("dialog", name="Somebody was faster")).to_be_visible()


def test_without_a_hold_the_form_says_so(page: Page, clinic: OpenClinic) -> None:
    page.goto("/book")

    expect(page.get_by_role("heading", name="No time is being held for you")).to_be_visible()
    page.get_by_role("link", name="Choose a time").click()
    expect(page.get_by_role("heading", name="Find the doctor you need")).to_be_visible()


def keep_until(db: Session, until: datetime) -> None:
    """The one hold of the clinic ends at another moment."""
    db.exec(select(Appointment).where(Appointment.status == AppointmentStatus.held)).one().held_until = until
