"""Who may in, who may not, and that nothing stays behind when somebody has gone."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as NothingThere

from medcal.services import accounts
from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.frames import Frames
from tests.support.factories import PASSWORD

AT_SIGN_IN = re.compile(r"/sign-in(\?|$)")


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_sam_signs_in_and_lands_where_she_wanted_to_go(page: Page, clinic: OpenClinic) -> None:
    page.goto("/staff/messages")
    expect(page).to_have_url(AT_SIGN_IN)

    sign_in(page, clinic.sam.email)

    expect(page).to_have_url(re.compile(r"/staff/messages$"))
    expect(page.get_by_text(clinic.sam.name)).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    assert "medcal_session" not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")


def test_a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words(page: Page, clinic: OpenClinic) -> None:
    for email, password in ((clinic.sam.email, "not her password"), ("nobody@clinic.example", PASSWORD)):
        page.goto("/sign-in")
        sign_in(page, email, password)

        expect(page.get_by_role("alert")).to_have_text("E-mail address or password is wrong.")
        expect(page).to_have_url(AT_SIGN_IN)
    page.goto("/staff")
    expect(page).to_have_url(AT_SIGN_IN)


def test_after_too_many_tries_even_the_right_password_has_to_wait(page: Page, clinic: OpenClinic) -> None:
    for window in (0, 5):
        for _ in range(10):
            now = clinic.opened_at + timedelta(minutes=window)
            clinic.do(accounts.count_sign_in, clinic.sam.email, None, now=now)
    page.goto("/sign-in")

    sign_in(page, clinic.sam.email)

    expect(page.get_by_role("alert")).to_contain_text("Too many tries.")
    page.goto("/staff")
    expect(page).to_have_url(AT_SIGN_IN)


def test_signed_out_in_one_tab_the_other_tab_shows_nothing_more(desk: Page, page: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    reception.open_calendar(desk, clinic, at.date())
    expect(reception.block(desk, clinic.alice)).to_be_visible()
    second = desk.context.new_page()
    second.goto("/staff/appointments")
    frames = Frames(desk)

    second.get_by_role("button", name="Sign out").click()
    expect(second).to_have_url(AT_SIGN_IN)
    # Something happens in the clinic, and the first tab is shown out instead of being told.
    patient.choose(page, clinic, clinic.at(4, "11:00"))

    expect(desk).to_have_url(AT_SIGN_IN)
    expect(desk.get_by_text(clinic.alice.name)).to_be_hidden()
    assert not frames.mention("Somebody is booking")


def test_a_click_in_a_tab_that_was_signed_out_elsewhere_does_nothing(desk: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    reception.open_calendar(desk, clinic, at.date())
    visit = reception.block(desk, clinic.alice)
    expect(visit).to_be_visible()
    second = desk.context.new_page()
    second.goto("/staff/messages")
    second.get_by_role("button", name="Sign out").click()
    expect(second).to_have_url(AT_SIGN_IN)

    # On a slow machine the page has been emptied before anybody can touch it, which is as good.
    with suppress(NothingThere):
        reception.drag(desk, visit, minutes=120)

    expect(desk).to_have_url(AT_SIGN_IN)
    assert clinic.appointments()[0].starts_at == at


def test_after_signing_out_nothing_of_the_day_reaches_the_tab_again(desk: Page, clinic: OpenClinic) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at)
    frames = Frames(desk)
    reception.open_calendar(desk, clinic, at.date())
    expect(reception.block(desk, clinic.alice)).to_be_visible()
    assert frames.mention(clinic.alice.name)

    desk.get_by_role("button", name="Sign out").click()
    expect(desk).to_have_url(AT_SIGN_IN)
    frames.forget()
    for again in (desk.reload, desk.go_back, lambda: desk.goto("/staff"), lambda: desk.goto("/")):
        again()
        expect(desk.get_by_role("heading", level=1)).to_be_visible()

    assert frames.heard
    assert not frames.mention(clinic.alice.name)
    assert not frames.mention(clinic.sam.name)


def test_the_next_person_at_the_same_tab_sees_her_own(
    desk: Page, open_browser: Callable[..., Page], clinic: OpenClinic
) -> None:
    at = clinic.at(4, "10:00")
    clinic.book(at, clinic.bob, doctor=clinic.lindqvist)
    reception.open_calendar(desk, clinic, at.date())
    expect(reception.block(desk, clinic.bob)).to_be_visible()
    desk.get_by_role("button", name="Sign out").click()
    expect(desk).to_have_url(AT_SIGN_IN)
    frames = Frames(desk)

    sign_in(desk, clinic.okafor_herself.email)
    expect(reception.calendar(desk)).to_be_visible()
    reception.go_to(desk, at.date())

    expect(desk.get_by_text(clinic.okafor_herself.name, exact=True)).to_be_visible()
    assert not frames.mention(clinic.bob.name)
