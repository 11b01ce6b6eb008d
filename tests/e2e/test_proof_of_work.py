"""The check that nobody sees: a patient books without noticing it, in any browser; who leaves it out does not."""

import pytest
from playwright.sync_api import Page, Route, expect

from medcal.models import AppointmentStatus
from tests.e2e.support import patient
from tests.e2e.support.clinic import OpenClinic

CHECKING = "Checking that you are not a machine …"
WITHOUT_WORKERS = "delete window.Worker"
WITH_REFUSED_WORKERS = "window.Worker = class { constructor() { throw new Error('refused') } }"
WITH_FAILING_WORKERS = "window.Worker = class { postMessage() { setTimeout(() => this.onerror(), 10) } terminate() {} }"


def booked(clinic: OpenClinic) -> int:
    return len(clinic.appointments(status=AppointmentStatus.booked))


def test_it_is_over_before_the_form_is_filled_in(page: Page, clinic: OpenClinic) -> None:
    patient.choose(page, clinic, clinic.at(4, "10:30"))

    expect(page.locator("input[name=proof]")).to_have_value(patient.SOLVED)
    patient.fill_in(page)
    patient.send(page)

    assert booked(clinic) == 1


@pytest.mark.parametrize("script", [WITHOUT_WORKERS, WITH_REFUSED_WORKERS, WITH_FAILING_WORKERS])
def test_a_browser_without_workers_books_all_the_same(page: Page, clinic: OpenClinic, script: str) -> None:
    page.add_init_script(script)

    patient.book(page, clinic, clinic.at(4, "11:00"))

    assert booked(clinic) == 1


def test_who_is_faster_is_told_after_a_second_and_the_form_then_goes_by_itself(page: Page, clinic: OpenClinic) -> None:
    held_up: list[Route] = []
    page.route("**/proof.js", lambda route: held_up.append(route))
    patient.choose(page, clinic, clinic.at(4, "11:30"))
    patient.fill_in(page)
    button = page.get_by_role("button", name="Book this appointment")
    button.click()
    button.click()

    expect(page.get_by_text(CHECKING)).to_be_visible()
    assert booked(clinic) == 0
    for route in held_up:
        route.continue_()

    expect(page).to_have_url(patient.AT_BOOKED)
    assert booked(clinic) == 1


def test_a_form_without_it_books_nothing_and_keeps_what_was_typed(page: Page, clinic: OpenClinic) -> None:
    patient.choose(page, clinic, clinic.at(4, "12:00"))
    patient.fill_in(page)
    proof = page.locator("input[name=proof]")
    expect(proof).to_have_value(patient.SOLVED)
    proof.evaluate("field => { field.name = 'elsewhere' }")

    page.get_by_role("button", name="Book this appointment").click()

    expect(page.get_by_role("alert")).to_contain_text("you are not a machine")
    expect(page.get_by_label("Full name of the patient")).to_have_value("Charlie Czerny")
    assert booked(clinic) == 0
    patient.send(page)
    assert booked(clinic) == 1


def test_a_code_is_sent_to_who_has_computed_and_a_second_press_sends_none(page: Page, clinic: OpenClinic) -> None:
    page.goto("/appointment/find")
    page.get_by_label("E-mail or phone").fill("alice@example.com")

    page.get_by_role("button", name="Send me a code").dblclick()

    expect(page.get_by_label("Code")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_form_for_a_code_without_it_sends_none_and_says_so(page: Page, clinic: OpenClinic) -> None:
    page.goto("/appointment/find")
    page.get_by_label("E-mail or phone").fill("alice@example.com")
    expect(page.locator("input[name=proof]")).to_have_value(patient.SOLVED)

    page.evaluate("document.querySelector('input[name=proof]').name = 'elsewhere'")
    page.get_by_role("button", name="Send me a code").click()

    expect(page.get_by_role("alert")).to_contain_text("you are not a machine")
