"""The board of offers: it counts down, follows what happens elsewhere, explains itself, and takes answers from the phone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import Session

from medcal import clock
from medcal.models import Appointment, AppointmentStatus, Location, Patient, StaffUser
from medcal.security import PATIENT, Role
from medcal.services import changes, policy, waitlist
from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post
from tests.support import factories
from tests.support.factories import make_patient

ANSWER = "See the offer and answer"
BOARD, RULES = "/staff/offers", "/staff/settings/offers"
LANDLINE = "+4315550123"


def wait_for_earlier(db: Session, appointment: Appointment) -> None:
    waitlist.join(db, db.get_one(Appointment, appointment.id), waitlist.Wish(), by=PATIENT, now=clock.now())


def cancel(db: Session, appointment: Appointment) -> None:
    changes.cancel(db, db.get_one(Appointment, appointment.id), by=PATIENT, now=clock.now())


@pytest.fixture(autouse=True)
def _one_after_the_other(clinic: OpenClinic) -> None:
    """Two hours for one at a time, whatever the default is."""
    clinic.do(factories.set_rules, clinic)


@pytest.fixture
def greta(clinic: OpenClinic) -> Patient:
    """Has a telephone on the wall and nothing else."""
    return clinic.do(make_patient, "Greta Groß", None, phone=LANDLINE)


@pytest.fixture
def freed(clinic: OpenClinic, greta: Patient) -> Appointment:
    """Charlie's time, which Greta is asked for first and Alice after her, as soon as it is cancelled."""
    for days, patient in ((10, greta), (11, clinic.alice)):
        clinic.do(wait_for_earlier, clinic.book(clinic.at(days, "14:00"), patient))
    return clinic.book(clinic.at(4, "10:00"), clinic.do(make_patient))


def call_card(page: Page, patient: Patient) -> Locator:
    return page.get_by_role("region", name="Call list").get_by_role("article").filter(has_text=patient.name)


def offered(page: Page, patient: Patient) -> Locator:
    """The card of the time that somebody is asked for."""
    return page.get_by_role("region", name="On offer").get_by_role("article").filter(has_text=patient.name)


def seconds_left(clock_of: Locator) -> int:
    found = re.search(r"(\d+):(\d\d):(\d\d)", clock_of.inner_text())
    assert found
    hours, minutes, seconds = map(int, found.groups())
    return 3600 * hours + 60 * minutes + seconds


def test_the_board_counts_down_and_follows_an_answer_elsewhere(
    desk: Page, page: Page, open_browser: Callable[..., Page], clinic: OpenClinic, post: Post
) -> None:
    early = clinic.at(4, "10:00")
    booked = clinic.book(early, clinic.bob)
    clinic.do(wait_for_earlier, clinic.book(clinic.at(10, "14:00"), clinic.alice))
    desk.goto(BOARD)
    expect(desk.get_by_text("No time is on offer at the moment.")).to_be_visible()

    clinic.do(cancel, booked)

    card = offered(desk, clinic.alice)
    expect(card).to_contain_text(clinic.okafor.name)
    timer = card.get_by_role("timer")
    expect(timer).to_contain_text(":")
    before = seconds_left(timer)
    assert 7_000 < before <= 7_200
    expect(timer).not_to_contain_text(timer.inner_text())
    assert seconds_left(timer) < before

    page.goto(post.letter("offer.made", "alice@example.com").link(ANSWER))
    page.get_by_role("button", name="Take this time").click()

    # Nobody touched the desk's page.
    expect(card).to_be_hidden()
    ended = desk.get_by_role("region", name="Ended lately").get_by_role("row")
    expect(ended.filter(has_text="Filled: Alice Adler")).to_be_visible()


def test_the_trail_of_a_freed_time_says_who_was_asked_and_who_is_next(
    desk: Page, clinic: OpenClinic, greta: Patient, freed: Appointment
) -> None:
    dora = clinic.do(make_patient, "Dora Drexler", "dora@example.com")
    clinic.do(factories.make_entry, clinic, patient=dora, doctor_id=clinic.lindqvist.id)
    clinic.do(cancel, freed)
    desk.goto(BOARD)
    offered(desk, greta).get_by_role("heading").get_by_role("button").click()

    trail = desk.get_by_role("dialog", name=clinic.said(freed.starts_at))
    steps = trail.get_by_role("list").first.get_by_role("listitem")
    expect(steps).to_contain_text(["Freed by a cancellation.", "Greta Groß was asked, until"])
    waiting = trail.get_by_role("list").last.get_by_role("listitem")
    expect(waiting.filter(has_text="Alice Adler")).to_contain_text("Next to be asked")
    expect(waiting.filter(has_text="Dora Drexler")).to_contain_text("Wants another doctor")

    # It goes on while it is open.
    trail.get_by_role("button", name="Withdraw the offer").click()
    expect(steps.filter(has_text="Sam Stern withdrew the offer to Greta Groß.")).to_be_visible()
    expect(steps.filter(has_text="Alice Adler was asked")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(trail).to_be_hidden()


def test_a_yes_on_the_phone_moves_the_appointment(
    desk: Page, open_browser: Callable[..., Page], clinic: OpenClinic, greta: Patient, freed: Appointment
) -> None:
    other_desk = open_browser(staff=clinic.do(factories.make_user, "Lena Lang"))
    reception.open_calendar(other_desk, clinic, clinic.day_of(freed.starts_at))
    clinic.do(cancel, freed)
    desk.goto(BOARD)
    card = call_card(desk, greta)
    expect(card.get_by_role("link", name=LANDLINE)).to_have_attribute("href", f"tel:{LANDLINE}")
    expect(card).to_contain_text(f"We have an earlier time for you: {clinic.said(freed.starts_at)}")
    expect(card.get_by_role("timer")).to_contain_text("1:59:")

    card.get_by_role("button", name="Reached: accepted").click()

    expect(reception.note(desk)).to_contain_text("Accepted")
    expect(card).to_be_hidden()
    expect(reception.block(other_desk, greta, "10:00", "Booked")).to_be_visible()
    booked = clinic.appointments(patient_id=greta.id, status=AppointmentStatus.booked)
    assert [appointment.starts_at for appointment in booked] == [freed.starts_at]


@pytest.mark.parametrize("answer", ["Not reached", "Reached: declined"])
def test_without_a_yes_on_the_phone_the_next_one_is_asked(
    desk: Page, clinic: OpenClinic, greta: Patient, freed: Appointment, post: Post, answer: str
) -> None:
    clinic.do(cancel, freed)
    desk.goto(BOARD)

    call_card(desk, greta).get_by_role("button", name=answer).click()

    expect(call_card(desk, greta)).to_be_hidden()
    expect(offered(desk, clinic.alice)).to_be_visible()
    post.letter("offer.made", "alice@example.com")
    assert clinic.appointments(patient_id=greta.id)[0].starts_at == clinic.at(10, "14:00")


def test_the_board_shows_the_times_of_the_chosen_doctor(
    desk: Page, clinic: OpenClinic, greta: Patient, freed: Appointment
) -> None:
    clinic.do(cancel, freed)
    desk.goto(BOARD)
    expect(offered(desk, greta)).to_be_visible()

    desk.get_by_role("combobox", name="Doctor").select_option(label=clinic.lindqvist.name)
    expect(offered(desk, greta)).to_be_hidden()
    desk.get_by_role("combobox", name="Doctor").select_option(label=clinic.okafor.name)
    expect(call_card(desk, greta)).to_be_visible()


def test_somebody_is_paused_and_asked_again(desk: Page, clinic: OpenClinic) -> None:
    clinic.do(wait_for_earlier, clinic.book(clinic.at(10, "14:00"), clinic.alice))
    desk.goto("/staff/waitlist")
    row = desk.get_by_role("row").filter(has_text=clinic.alice.name)

    row.get_by_role("button", name="Pause").click()
    expect(row).to_contain_text("Paused")
    row.get_by_role("button", name="Ask again").click()
    expect(row).not_to_contain_text("Paused")
    row.get_by_role("button", name="Urgent").click()
    expect(row.get_by_role("button", name="Urgent")).to_have_attribute("aria-pressed", "true")


# --- The rules --------------------------------------------------------------------------------------------------------


@pytest.fixture
def robin(clinic: OpenClinic) -> StaffUser:
    return clinic.do(factories.make_user, "Robin Roth", Role.admin)


@pytest.fixture
def two_steps(clinic: OpenClinic) -> None:
    """One after the other while there is time, three at once below a day."""
    far, near = (48, 120, 1), (0, 30, 3)
    steps = [policy.Step(timedelta(hours=lead), timedelta(minutes=answer), size) for lead, answer, size in (far, near)]
    clinic.do(policy.write_policy, clinic.location.id or 0, None, policy.Policy(tuple(steps)))


def rules(clinic: OpenClinic) -> policy.Policy:
    return clinic.do(lambda db: policy.policy_for(db, db.get_one(Location, clinic.location.id), None))


@pytest.mark.usefixtures("two_steps")
def test_an_admin_changes_the_rules_and_sees_what_they_mean(
    open_browser: Callable[..., Page], clinic: OpenClinic, robin: StaffUser
) -> None:
    page = open_browser(staff=robin)
    page.goto(BOARD)
    page.get_by_role("link", name="Rules").click()
    meaning = page.get_by_role("region", name="What it means")
    expect(meaning).to_contain_text("With 3 days left: 1 person, 2 hours to answer.")
    step = page.locator("form").get_by_role("listitem").last

    step.get_by_label("Minutes to answer").fill("14")
    page.get_by_role("button", name="Save the rules").click()
    expect(step.get_by_role("alert").filter(has_text="Please give a number from 15 to 10080.")).to_be_visible()
    expect(step.get_by_label("Minutes to answer")).to_be_focused()
    before = rules(clinic)

    step.get_by_label("Minutes to answer").fill("45")
    step.get_by_label("People at once").fill("4")
    expect(meaning).to_contain_text("With 3 hours left: 4 people at once, 45 minutes to answer.")
    page.get_by_label("Offers a week").fill("5")
    page.get_by_role("button", name="Save the rules").click()
    expect(reception.note(page)).to_contain_text("Saved")

    after = rules(clinic)
    assert (before.offers_per_week, after.offers_per_week) == (3, 5)
    assert after.steps[-1].group_size == 4
    page.reload()
    expect(step.get_by_label("Minutes to answer")).to_have_value("45")


@pytest.mark.usefixtures("two_steps")
def test_a_step_is_added_and_removed(open_browser: Callable[..., Page], clinic: OpenClinic, robin: StaffUser) -> None:
    page = open_browser(staff=robin)
    page.goto(RULES)
    steps = page.locator("form").get_by_role("listitem")
    expect(steps).to_have_count(2)

    steps.first.get_by_label("Minutes to answer").fill("150")
    page.get_by_role("button", name="Add a step").click()
    expect(steps).to_have_count(3)
    # What was typed before stays.
    expect(steps.first.get_by_label("Minutes to answer")).to_have_value("150")
    for label, value in (("From, hours before", "96"), ("People at once", "1"), ("Minutes to answer", "240")):
        steps.last.get_by_label(label).fill(value)
    steps.nth(1).get_by_role("button", name="Remove this step").click()
    page.get_by_role("button", name="Save the rules").click()
    expect(reception.note(page)).to_contain_text("Saved")

    assert rules(clinic).steps == (
        policy.Step(timedelta(hours=96), timedelta(hours=4), 1),
        policy.Step(timedelta(hours=48), timedelta(minutes=150), 1),
    )


def test_the_rules_are_not_for_reception(desk: Page) -> None:
    desk.goto(BOARD)
    expect(desk.get_by_role("heading", name="Offers")).to_be_visible()
    expect(desk.get_by_role("link", name="Rules")).to_be_hidden()
    desk.goto(RULES)
    expect(desk.get_by_text("This page is for admins.")).to_be_visible()
    expect(desk.get_by_label("Minutes to answer")).to_have_count(0)
