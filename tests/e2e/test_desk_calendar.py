"""Sam at the desk: books, moves, is refused, and sees visits through their day."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from medcal.models import AppointmentStatus
from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post
from tests.support.waiting import eventually


def test_the_desk_books_into_a_free_time(desk: Page, clinic: OpenClinic, post: Post) -> None:
    at = clinic.at(4, "11:00")
    reception.open_calendar(desk, clinic, at.date())

    reception.click_at(desk, clinic, at, clinic.lindqvist)
    dialog = desk.get_by_role("dialog", name="New appointment")
    expect(dialog.get_by_label("Doctor")).to_have_value(str(clinic.lindqvist.ref))
    expect(dialog.get_by_label("Time")).to_have_value("11:00")
    dialog.get_by_label("Find a patient").fill("berg")
    dialog.get_by_role("button", name=clinic.bob.name).click()
    dialog.get_by_role("button", name="Book", exact=True).click()

    expect(dialog).to_be_hidden()
    expect(reception.block(desk, clinic.bob, "11:00", "Lindqvist", "Booked")).to_be_visible()
    [booked] = clinic.appointments()
    assert (booked.doctor_id, booked.starts_at, booked.patient_id) == (clinic.lindqvist.id, at, clinic.bob.id)
    post.letter("appointment.booked", "bob@example.com")


def test_the_desk_books_for_somebody_new_over_a_taken_time_with_a_reason(desk: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "11:00")
    clinic.book(at)
    reception.open_calendar(desk, clinic, at.date())

    desk.get_by_role("button", name="New appointment").click()
    dialog = desk.get_by_role("dialog", name="New appointment")
    dialog.get_by_label("Time").fill("11:00")
    dialog.get_by_role("button", name="Somebody new").click()
    dialog.get_by_label("Name", exact=True).fill("Charlie Czerny")
    dialog.get_by_label("Date of birth").fill("1984-02-29")
    dialog.get_by_role("button", name="Book", exact=True).click()
    expect(dialog.get_by_role("alert").filter(has_text="This time is not free.")).to_be_visible()
    assert len(clinic.appointments()) == 1

    dialog.get_by_label("Book it all the same").check()
    dialog.get_by_label("Why?").fill("Came with a fever")
    dialog.get_by_role("button", name="Book", exact=True).click()

    expect(dialog).to_be_hidden()
    expect(reception.block(desk, "Charlie Czerny", "11:00", "overbooked: Came with a fever")).to_be_visible()
    expect(reception.block(desk, clinic.alice, "11:00")).to_be_visible()


def test_a_visit_is_dragged_to_another_time_and_doctor(desk: Page, clinic: OpenClinic, post: Post) -> None:
    before, after = clinic.at(4, "10:00"), clinic.at(4, "12:00")
    clinic.book(before)
    reception.open_calendar(desk, clinic, before.date())

    reception.drag(desk, reception.block(desk, clinic.alice), minutes=120, to=clinic.lindqvist)

    expect(reception.note(desk)).to_have_text("Moved. The patient is told.")
    expect(reception.block(desk, clinic.alice, "12:00", "Lindqvist")).to_be_visible()
    [moved] = clinic.appointments()
    assert (moved.doctor_id, moved.starts_at, moved.version) == (clinic.lindqvist.id, after, 2)
    assert "12:00" in post.letter("appointment.moved", "alice@example.com").subject


def test_dropped_on_a_taken_time_a_visit_snaps_back(desk: Page, clinic: OpenClinic) -> None:
    clinic.book(clinic.at(4, "10:00"))
    clinic.book(clinic.at(4, "11:00"), clinic.bob)
    reception.open_calendar(desk, clinic, clinic.at(4, "10:00").date())
    visit = reception.block(desk, clinic.alice)
    expect(visit).to_be_visible()
    visit.scroll_into_view_if_needed()
    place = visit.bounding_box()

    for _ in range(2):
        reception.drag(desk, visit, minutes=60)

        expect(reception.note(desk)).to_contain_text("This time is not free.")
        eventually(lambda: visit.bounding_box() == place, "the block is back where it was")
    expect(reception.block(desk, clinic.alice, "10:00", "Okafor")).to_be_visible()
    assert [found.starts_at for found in clinic.appointments()] == [clinic.at(4, "10:00"), clinic.at(4, "11:00")]


def test_a_visit_is_not_dragged_to_another_specialty(desk: Page, clinic: OpenClinic) -> None:
    clinic.book(clinic.at(4, "10:00"))
    reception.open_calendar(desk, clinic, clinic.at(4, "10:00").date())
    visit = reception.block(desk, clinic.alice)

    reception.drag(desk, visit, to=clinic.novak)

    expect(reception.note(desk)).to_be_visible()
    expect(reception.block(desk, clinic.alice, "10:00", "Okafor")).to_be_visible()
    assert clinic.appointments()[0].doctor_id == clinic.okafor.id


def test_what_another_desk_changed_meanwhile_is_not_overwritten(
    desk: Page, open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    other = open_browser(staff=clinic.sam)
    for each in (desk, other):
        reception.open_calendar(each, clinic, at.date())
        reception.block(each, clinic.alice).click()
        each.get_by_role("dialog").get_by_role("button", name="Move").click()
    for each, wall in ((desk, "13:00"), (other, "14:00")):
        each.get_by_role("dialog").get_by_label("Time").fill(wall)

    desk.get_by_role("button", name="Move it").click()
    expect(reception.block(desk, clinic.alice, "13:00")).to_be_visible()
    other.get_by_role("button", name="Move it").click()

    expect(other.get_by_role("dialog").get_by_role("alert")).to_contain_text("Somebody else has changed this")
    assert clinic.appointments()[0].starts_at == clinic.at(4, "13:00")


def test_a_visit_goes_through_its_day(desk: Page, clinic: OpenClinic) -> None:
    begun = clinic.begun()
    reception.open_calendar(desk, clinic, clinic.day_of(begun))
    reception.block(desk, clinic.alice).click()
    sheet = desk.get_by_role("dialog", name=clinic.alice.name)

    sheet.get_by_role("button", name="No-show").click()
    expect(sheet.get_by_role("button", name="Came after all")).to_be_visible()
    expect(reception.block(desk, clinic.alice, "No-show")).to_be_attached()
    sheet.get_by_role("button", name="Came after all").click()
    sheet.get_by_role("button", name="Check in").click()
    expect(sheet).to_contain_text("Arrived")
    sheet.get_by_role("button", name="Finish").click()
    expect(sheet).to_contain_text("Done")
    desk.keyboard.press("Escape")

    expect(sheet).to_be_hidden()
    expect(reception.block(desk, clinic.alice, "Done")).to_be_visible()
    assert clinic.appointments()[0].status is AppointmentStatus.fulfilled


def test_the_desk_cancels_and_the_patient_is_told(desk: Page, clinic: OpenClinic, post: Post) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    reception.open_calendar(desk, clinic, at.date())
    reception.block(desk, clinic.alice).click()
    sheet = desk.get_by_role("dialog")

    sheet.get_by_role("button", name="Cancel it").click()
    sheet.get_by_label("Reason").fill("The doctor is ill")
    sheet.get_by_role("button", name="Cancel the appointment").click()

    expect(sheet).to_contain_text("The doctor is ill")
    expect(reception.block(desk, clinic.alice)).to_be_hidden()
    told = post.letter("appointment.cancelled", "alice@example.com")
    assert "ill" not in told.text


def test_blocked_time_cannot_be_booked(desk: Page, page: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "11:00")
    reception.open_calendar(desk, clinic, at.date())

    reception.click_at(desk, clinic, at, clinic.okafor)
    desk.get_by_role("button", name="Block this time instead").click()
    dialog = desk.get_by_role("dialog", name="Block time")
    dialog.get_by_label("What for?").fill("Conference")
    dialog.get_by_role("button", name="Block the time").click()

    expect(reception.calendar(desk)).to_contain_text("Conference")
    page.goto(f"/doctors/{clinic.okafor.slug}")
    day = page.get_by_role("region", name=re.compile(clinic.said(at).split(",")[0]))
    expect(day.get_by_role("button", name="10:30")).to_be_visible()
    expect(day.get_by_role("button", name="11:00")).to_be_hidden()


def test_week_month_and_list_show_the_same_visit(desk: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    reception.open_calendar(desk, clinic, at.date())

    for view in ("Week", "Month"):
        desk.get_by_role("button", name=view, exact=True).click()
        expect(desk.get_by_role("button", name=view, exact=True)).to_have_attribute("aria-pressed", "true")
        expect(reception.block(desk, clinic.alice, "10:00")).to_be_visible()
    desk.get_by_role("button", name="List", exact=True).click()
    desk.get_by_role("listitem").get_by_role("button", name=clinic.alice.name).click()
    expect(desk.get_by_role("dialog", name=clinic.alice.name)).to_be_visible()
