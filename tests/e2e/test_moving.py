"""A patient moves her appointment, and keeps the old time until she has a new one."""

from collections.abc import Callable
from datetime import datetime

from playwright.sync_api import Locator, Page, expect

from tests.e2e.support import patient
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post


def open_times(page: Page) -> None:
    page.goto("/appointment")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("dialog", name="Move to another time")).to_be_visible()


def time_in_dialog(page: Page, clinic: OpenClinic, at: datetime) -> Locator:
    name = f"{clinic.okafor.name}, {clinic.said(at)}, {clinic.location.name}"
    return page.get_by_role("dialog").get_by_role("button", name=name, exact=True)


def test_a_patient_moves_her_appointment(
    open_browser: Callable[..., Page], page: Page, clinic: OpenClinic, post: Post
) -> None:
    before, after = clinic.at(4, "10:00"), clinic.at(6, "16:30")
    alice = open_browser(visit=clinic.visit_of(clinic.book(before)))
    page.goto(f"/doctors/{clinic.okafor.slug}")
    expect(patient.free_time(page, clinic, after)).to_be_visible()
    expect(patient.free_time(page, clinic, before)).to_be_hidden()

    open_times(alice)
    time_in_dialog(alice, clinic, after).click()

    expect(alice.get_by_role("dialog")).to_be_hidden()
    expect(alice.get_by_role("article")).to_contain_text(clinic.said(after))
    [moved] = clinic.appointments()
    assert (moved.starts_at, moved.version) == (after, 2)
    assert "16:30" in post.letter("appointment.moved", "alice@example.com").subject
    # The list that somebody else looks at has changed by itself.
    expect(patient.free_time(page, clinic, before)).to_be_visible()
    expect(patient.free_time(page, clinic, after)).to_be_hidden()


def test_a_time_that_somebody_takes_meanwhile_leaves_the_old_one(
    open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    before, wanted = clinic.at(4, "10:00"), clinic.at(6, "16:30")
    appointment = clinic.book(before)
    alice = open_browser(visit=clinic.visit_of(appointment))
    open_times(alice)
    expect(time_in_dialog(alice, clinic, wanted)).to_be_visible()
    clinic.book(wanted, clinic.bob)

    time_in_dialog(alice, clinic, wanted).click()

    expect(alice.get_by_role("dialog").get_by_role("alert")).to_contain_text("Somebody was faster")
    expect(time_in_dialog(alice, clinic, wanted)).to_be_hidden()
    assert [found.starts_at for found in clinic.appointments(patient_id=clinic.alice.id)] == [before]


def test_later_days_can_be_looked_at(open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    alice = open_browser(visit=clinic.visit_of(clinic.book(clinic.at(4, "10:00"))))
    open_times(alice)
    expect(alice.get_by_role("button", name="Earlier days")).to_be_disabled()

    alice.get_by_role("button", name="Later days").click()

    expect(time_in_dialog(alice, clinic, clinic.at(16, "10:00"))).to_be_visible()
    alice.get_by_role("button", name="Earlier days").click()
    expect(time_in_dialog(alice, clinic, clinic.at(5, "10:00"))).to_be_visible()
