"""Something earlier: one cancels, the first who waits is asked, and a button answers."""

import re
from collections.abc import Callable
from datetime import datetime

from playwright.sync_api import Page, expect
from sqlmodel import Session

from medcal.models import Appointment, AppointmentStatus, Patient
from medcal.security import PATIENT
from medcal.services import waitlist
from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post
from tests.support.factories import make_patient

ANSWER = "See the offer and answer"


def wait_for_earlier(db: Session, appointment: Appointment, now: datetime) -> None:
    waitlist.join(db, db.get_one(Appointment, appointment.id), waitlist.Wish(), by=PATIENT, now=now)


def cancel(page: Page) -> None:
    """On one's own page."""
    page.goto("/appointment")
    page.get_by_role("button", name="Cancel it").click()
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_role("article")).to_contain_text("Cancelled")


def take(page: Page) -> None:
    """The time that is offered; ends on the page of the appointment."""
    page.get_by_role("button", name="Take this time").click()
    expect(page).to_have_url(re.compile(r"/appointment$"))


def starts(clinic: OpenClinic, patient: Patient) -> list[datetime]:
    """When somebody is booked."""
    found = clinic.appointments(patient_id=patient.id, status=AppointmentStatus.booked)
    return [appointment.starts_at for appointment in found]


def test_freed_time_goes_to_who_asked_for_something_earlier(
    desk: Page, page: Page, open_browser: Callable[..., Page], clinic: OpenClinic, post: Post
) -> None:
    early, late = clinic.at(4, "10:00"), clinic.at(10, "14:00")
    alice = open_browser(visit=clinic.visit_of(clinic.book(late, clinic.alice)))
    bob = open_browser(visit=clinic.visit_of(clinic.book(early, clinic.bob)))
    reception.open_calendar(desk, clinic, early.date())
    expect(reception.block(desk, clinic.bob, "10:00")).to_be_visible()

    # Alice asks, Bob cancels.
    alice.goto("/appointment")
    alice.get_by_role("button", name="Ask for something earlier").click()
    alice.get_by_role("dialog").get_by_role("button", name="Put me on the list").click()
    expect(alice.get_by_text("You are on the list for something earlier")).to_be_visible()
    cancel(bob)

    # The time is kept for Alice, and nobody else can have it.
    letter = post.letter("offer.made", "alice@example.com")
    expect(reception.block(desk, clinic.alice, "10:00", "Offered")).to_be_visible()
    for _ in range(2):
        page.goto(letter.link(ANSWER))
        expect(page).to_have_url(re.compile(r"/offer$"))
        expect(page.get_by_role("heading", name=clinic.said(early))).to_be_visible()
        expect(page.get_by_role("article")).to_contain_text(f"Instead of {clinic.said(late)}")
        expect(page.get_by_role("timer")).to_contain_text("1:59:")
    assert starts(clinic, clinic.alice) == [late]

    take(page)

    # It is hers, on all pages, and her later time is free.
    expect(page.get_by_role("article")).to_contain_text(clinic.said(early))
    expect(alice.get_by_role("article")).to_contain_text(clinic.said(early))
    expect(alice.get_by_text("You are on the list for something earlier")).to_be_hidden()
    expect(reception.block(desk, clinic.alice, "10:00", "Booked")).to_be_visible()
    assert starts(clinic, clinic.alice) == [early]
    assert "10:00" in post.letter("appointment.moved", "alice@example.com").subject
    reception.go_to(desk, late.date())
    expect(reception.block(desk, clinic.alice)).to_be_hidden()

    # Opened again, the link says what came of it.
    page.goto(letter.link(ANSWER))
    expect(page.get_by_role("heading", name="The earlier time is yours")).to_be_visible()
    page.get_by_role("link", name="To my appointment").click()
    expect(page.get_by_role("article")).to_contain_text(clinic.said(early))


def test_who_declines_keeps_her_time_and_the_next_one_is_asked(
    page: Page, open_browser: Callable[..., Page], clinic: OpenClinic, post: Post
) -> None:
    early = clinic.at(4, "10:00")
    dora = clinic.do(make_patient, "Dora Drexler", "dora@example.com")
    bob = open_browser(visit=clinic.visit_of(clinic.book(early, clinic.bob)))
    alices, doras = clinic.book(clinic.at(10, "14:00"), clinic.alice), clinic.book(clinic.at(11, "14:00"), dora)
    for appointment in (alices, doras):
        clinic.do(wait_for_earlier, appointment, clinic.opened_at)
    cancel(bob)

    to_alice = post.letter("offer.made", "alice@example.com").link(ANSWER)
    page.goto(to_alice)
    page.get_by_role("button", name="No, thank you").click()
    expect(page.get_by_role("heading", name="You have declined this time")).to_be_visible()

    letter = post.letter("offer.made", "dora@example.com")
    second = open_browser()
    second.goto(letter.link(ANSWER))
    take(second)
    expect(second.get_by_role("article")).to_contain_text(clinic.said(early))
    assert starts(clinic, dora) == [early]
    assert starts(clinic, clinic.alice) == [alices.starts_at]
    # A late click of Alice's does no harm and tells her where she stands.
    page.goto(to_alice)
    expect(page.get_by_role("main")).to_contain_text("You keep your appointment and your place on the list.")


def test_the_desk_takes_an_offered_time_and_the_patient_is_told(
    desk: Page, page: Page, clinic: OpenClinic, post: Post, open_browser: Callable[..., Page]
) -> None:
    early = clinic.at(4, "10:00")
    bob = open_browser(visit=clinic.visit_of(clinic.book(early, clinic.bob)))
    clinic.do(wait_for_earlier, clinic.book(clinic.at(10, "14:00"), clinic.alice), clinic.opened_at)
    cancel(bob)
    page.goto(post.letter("offer.made", "alice@example.com").link(ANSWER))
    expect(page.get_by_role("button", name="Take this time")).to_be_visible()

    desk.goto("/staff/offers")
    offer = desk.get_by_role("article").filter(has_text=clinic.alice.name)
    expect(offer).to_contain_text("10:00")
    offer.get_by_role("button", name="Withdraw").click()

    # Her open page hears of it.
    expect(page.get_by_role("heading", name="This time is no longer free")).to_be_visible()
    post.letter("offer.withdrawn", "alice@example.com")
    expect(offer).to_be_hidden()
