"""The lists of the desk, and what a doctor sees of them: her own."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.frames import Frames
from tests.e2e.support.post import Post


def test_an_appointment_is_found_by_name_phone_and_code(desk: Page, clinic: OpenClinic) -> None:
    alices, bobs = clinic.book(clinic.at(3, "10:00")), clinic.book(clinic.at(4, "10:00"), clinic.bob)
    desk.goto("/staff/appointments")
    rows = desk.get_by_role("row")
    expect(rows.filter(has_text=clinic.alice.name)).to_be_visible()
    search = desk.get_by_label("Patient, phone or code")

    search.fill("bERG")
    expect(rows.filter(has_text=clinic.alice.name)).to_be_hidden()
    expect(rows.filter(has_text=clinic.bob.name)).to_contain_text(bobs.code)
    search.fill(alices.code)
    expect(rows.filter(has_text=clinic.alice.name)).to_be_visible()
    expect(rows.filter(has_text=clinic.bob.name)).to_be_hidden()
    search.fill("nobody at all")
    expect(desk.get_by_role("status").filter(has_text="No appointment fits")).to_be_visible()

    search.fill("")
    desk.get_by_role("button", name=clinic.bob.name).click()
    expect(desk.get_by_role("dialog", name=clinic.bob.name)).to_contain_text(clinic.said(bobs.starts_at))


def test_the_list_follows_what_happens(desk: Page, open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    visit = clinic.visit_of(clinic.book(clinic.at(4, "10:00")))
    desk.goto("/staff/appointments")
    row = desk.get_by_role("row").filter(has_text=clinic.alice.name)
    expect(row).to_contain_text("Booked")

    page = open_browser(visit=visit)
    page.goto("/appointment")
    page.get_by_role("button", name="I will come").click()

    expect(row).to_contain_text("Confirmed")


def test_the_messages_page_shows_what_went_out_without_its_links(
    desk: Page, clinic: OpenClinic, post: Post, allow: Callable[..., None]
) -> None:
    # The trace looks into every frame, and that of the mail lets nothing run.
    allow(desk, "Blocked script execution in 'about:srcdoc'")
    clinic.remembered()
    post.letter("reminder", "alice@example.com")
    frames = Frames(desk)
    desk.goto("/staff/messages")

    row = desk.get_by_role("row").filter(has_text="alice@example.com")
    expect(row).to_contain_text("Handed over")
    row.get_by_role("button", name="Reminder").click()

    expect(desk.get_by_title("The message as it is read")).to_have_attribute("srcdoc", re.compile("Will you come?"))
    expect(desk.get_by_role("dialog")).to_contain_text("Links and codes are left out")
    assert frames.mention("Will you come?")
    assert not frames.mention("/l/")


def test_a_doctor_sees_her_own_patients_alone(open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    clinic.book(at, clinic.bob, doctor=clinic.lindqvist)
    okafor = open_browser(staff=clinic.okafor_herself)
    frames = Frames(okafor)

    reception.open_calendar(okafor, clinic, at.date())
    expect(reception.block(okafor, clinic.alice)).to_be_visible()
    expect(okafor.get_by_text(clinic.lindqvist.name)).to_be_hidden()
    expect(okafor.get_by_role("button", name="New appointment")).to_be_hidden()
    okafor.goto("/staff/appointments")
    expect(okafor.get_by_role("row").filter(has_text=clinic.alice.name)).to_be_visible()
    for path in ("/staff/offers", "/staff/waitlist", "/staff/messages"):
        okafor.goto(path)
        expect(okafor.get_by_text("This page is for reception.")).to_be_visible()

    assert frames.mention(clinic.alice.name)
    assert not frames.mention(clinic.bob.name)


def test_a_doctor_does_not_move_visits_but_sees_them_through(
    open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    begun = clinic.begun()
    okafor = open_browser(staff=clinic.okafor_herself)
    reception.open_calendar(okafor, clinic, clinic.day_of(begun))

    reception.drag(okafor, reception.block(okafor, clinic.alice), minutes=60)
    assert clinic.appointments()[0].starts_at == begun
    expect(okafor.get_by_role("dialog")).to_be_hidden()
    reception.block(okafor, clinic.alice).click()
    sheet = okafor.get_by_role("dialog", name=clinic.alice.name)
    expect(sheet.get_by_role("button", name="Move")).to_be_hidden()
    sheet.get_by_role("button", name="Check in").click()

    expect(sheet).to_contain_text("Arrived")
