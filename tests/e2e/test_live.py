"""What changes anywhere shows everywhere, within a second and without a reload."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic

A_SECOND = 1_000


def test_two_browsers_see_each_others_changes(
    desk: Page, page: Page, open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    before, after = clinic.at(4, "10:00"), clinic.at(4, "13:00")
    second_desk = open_browser(staff=clinic.sam)
    for each in (desk, second_desk):
        reception.open_calendar(each, clinic, before.date())
        each.evaluate("window.isTheSamePage = true")

    # A patient books, and both desks see it.
    patient.choose(page, clinic, before)
    expect(reception.block(desk, "Somebody is booking", "10:00")).to_be_visible(timeout=A_SECOND)
    patient.fill_in(page)
    patient.send(page)
    for each in (desk, second_desk):
        expect(reception.block(each, "Charlie Czerny", "10:00", "Booked")).to_be_visible(timeout=A_SECOND)

    # One desk moves it: the other desk and the patient see that.
    page.get_by_role("link", name="Change or cancel").click()
    expect(page.get_by_role("article")).to_contain_text(clinic.said(before))
    reception.block(desk, "Charlie Czerny").click()
    sheet = desk.get_by_role("dialog")
    sheet.get_by_role("button", name="Move").click()
    sheet.get_by_label("Time").fill("13:00")
    sheet.get_by_role("button", name="Move it").click()
    expect(reception.block(second_desk, "Charlie Czerny", "13:00")).to_be_visible(timeout=A_SECOND)
    expect(page.get_by_role("article")).to_contain_text(clinic.said(after), timeout=A_SECOND)

    # The patient confirms and then cancels: both desks see it.
    page.get_by_role("button", name="I will come").click()
    expect(reception.block(second_desk, "Charlie Czerny", "Confirmed")).to_be_visible(timeout=A_SECOND)
    page.get_by_role("button", name="Cancel it").click()
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_role("article")).to_contain_text("Cancelled")
    for each in (desk, second_desk):
        expect(reception.block(each, "Charlie Czerny")).to_be_hidden(timeout=A_SECOND)
        assert each.evaluate("window.isTheSamePage")


def test_a_patient_sees_a_time_go_and_come_back(page: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    page.goto(f"/doctors/{clinic.okafor.slug}")
    expect(patient.free_time(page, clinic, at)).to_be_visible()

    clinic.book(at)

    expect(patient.free_time(page, clinic, at)).to_be_hidden()
