"""A patient looks for a day that suits her, on a doctor's page and while she moves an appointment."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from medcal import clock
from medcal.models import TimeOff
from medcal.services import schedules
from tests.e2e.support import patient
from tests.e2e.support.clinic import OpenClinic


def close_until(clinic: OpenClinic, days: int) -> None:
    """Dr. Okafor is away until so many days from today."""
    away = TimeOff(doctor_id=clinic.okafor.id, starts_at=clinic.at(0, "00:00"), ends_at=clinic.at(days, "00:00"))
    clinic.do(schedules.add_time_off, away, now=clock.now())


def open_page(page: Page, clinic: OpenClinic) -> Locator:
    page.goto(f"/doctors/{clinic.okafor.slug}")
    return page.get_by_role("region", name="Choose a time")


def open_dialog(page: Page, clinic: OpenClinic) -> Locator:
    page.goto("/appointment")
    page.get_by_role("button", name="Move", exact=True).click()
    return page.get_by_role("dialog", name="Move to another time")


# Where the times are, and what stands above them.
PLACES = pytest.mark.parametrize(
    ("open_times", "top"),
    [(open_page, "Choose a time"), (open_dialog, "You keep your present time until you have chosen a new one.")],
    ids=["page", "dialog"],
)


@PLACES
def test_who_turns_at_the_end_of_the_list_is_at_the_beginning_of_the_next(
    open_browser: Callable[..., Page], clinic: OpenClinic, open_times: Callable[..., Locator], top: str
) -> None:
    page = open_browser(visit=clinic.visit_of(clinic.book(clinic.at(4, "10:00"))))
    times = open_times(page, clinic)
    expect(times.locator("button.time").first).to_be_visible()
    last = times.locator("button.time").last.get_attribute("aria-label")

    page.get_by_role("button", name="Later days").click()

    expect(times.locator(f'button.time[aria-label="{last}"]')).to_have_count(0)
    expect(times.get_by_text(top, exact=True)).to_be_focused()
    expect(times.get_by_text(top, exact=True)).to_be_in_viewport()
    expect(times.locator("button.time").first).to_be_in_viewport()


@PLACES
def test_two_weeks_without_a_free_time_lead_to_the_first_one(
    open_browser: Callable[..., Page], clinic: OpenClinic, open_times: Callable[..., Locator], top: str
) -> None:
    page = open_browser(visit=clinic.visit_of(clinic.book(clinic.at(20, "10:00"))))
    close_until(clinic, 17)
    times = open_times(page, clinic)
    expect(times.get_by_text("No time is free in these two weeks.")).to_be_visible()

    times.get_by_role("button", name="First free time:").click()

    name = f"{clinic.okafor.name}, {clinic.said(clinic.at(17, '08:00'))}, {clinic.location.name}"
    expect(times.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(times.get_by_text(top, exact=True)).to_be_focused()
    expect(page.get_by_role("button", name="Earlier days")).to_be_enabled()


def test_days_without_a_free_time_take_one_line(page: Page, clinic: OpenClinic) -> None:
    close_until(clinic, 3)

    times = open_page(page, clinic)

    expect(patient.free_time(page, clinic, clinic.at(3, "08:00"))).to_be_visible()
    expect(times.get_by_text("No free time")).to_have_count(1)
