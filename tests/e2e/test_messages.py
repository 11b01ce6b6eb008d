"""The messages page: it is live, says why something did not arrive, and sends it again."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from medcal import clock
from medcal.services import notifications
from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.frames import Frames
from tests.e2e.support.post import Post
from tests.support import factories
from tests.support.sink import Answer, Sink
from tests.support.waiting import eventually

KIND = "appointment.booked"


def confirm(clinic: OpenClinic, days: int, **columns: object) -> None:
    """Somebody's appointment, with its confirmation due now."""
    booked = clinic.book(clinic.at(days, "10:00"), **columns)  # type: ignore[arg-type]
    clinic.do(notifications.write, KIND, appointment_id=booked.id, now=clock.now())


def test_a_refused_message_shows_by_itself_and_is_sent_again(
    desk: Page, clinic: OpenClinic, post: Post, webhook_of_all: Sink, allow: Callable[..., None]
) -> None:
    # The trace looks into every frame, and that of the mail lets nothing run.
    allow(desk, "Blocked script execution in 'about:srcdoc'")
    desk.goto("/staff/messages")
    expect(desk.get_by_text("No message fits.")).to_be_visible()
    webhook_of_all.answer(Answer(403))

    confirm(clinic, 4)

    row = desk.get_by_role("row").filter(has_text="alice@example.com")
    expect(row).to_contain_text("Failed")
    expect(row).to_contain_text("The receiver refuses us: the settings are wrong.")
    desk.get_by_role("button", name="1 failed").click()
    row.get_by_role("button", name="Your appointment").click()
    dialog = desk.get_by_role("dialog")
    expect(dialog).to_contain_text("Try 1: refused with HTTP 403")
    expect(dialog.get_by_title("The message as it is read")).to_have_attribute(
        "srcdoc", re.compile("Your appointment is booked")
    )
    dialog.get_by_role("button", name="As text").click()
    expect(dialog).to_contain_text("Your appointment is booked.")
    expect(dialog).to_contain_text("Links and codes are left out")

    dialog.get_by_role("button", name="Send again").click()
    expect(dialog).to_contain_text("Send it again to alice@example.com?")
    dialog.get_by_role("button", name="Send again").click()

    expect(dialog).to_contain_text("Handed over")
    expect(dialog).to_contain_text("Sent anew (1), try 1: 202 · accepted")
    desk.keyboard.press("Escape")
    expect(row).to_be_hidden()
    assert len(post.letters(KIND, "alice@example.com")) == 1


def test_all_that_failed_is_sent_again_after_a_question(
    desk: Page, clinic: OpenClinic, post: Post, webhook_of_all: Sink
) -> None:
    webhook_of_all.answer(*[Answer(401)] * 3)
    for days in (4, 5):
        confirm(clinic, days)
    confirm(clinic, 6, patient=clinic.bob)
    desk.goto("/staff/messages")
    desk.get_by_role("button", name="3 failed").click()
    expect(desk.get_by_role("button", name="Send all 3 again")).to_be_visible()

    desk.get_by_label("Recipient or patient").fill("alice")
    desk.get_by_role("button", name="Send all 2 again").click()
    expect(desk.get_by_role("dialog")).to_contain_text("the oldest first, ten a second")
    desk.get_by_role("dialog").get_by_role("button", name="Send all 2 again").click()

    expect(reception.note(desk)).to_contain_text("2 are on their way again")
    eventually(lambda: len(post.letters(KIND, "alice@example.com")) == 2, "both letters")
    expect(desk.get_by_role("button", name="1 failed")).to_be_visible()
    assert post.letters(KIND, "bob@example.com") == []
    desk.get_by_role("button", name="1 failed").click()
    expect(desk.get_by_label("Recipient or patient")).to_have_value("")
    expect(desk.get_by_label("Status")).to_have_value("")


def test_whom_no_letter_reaches_is_called(desk: Page, clinic: OpenClinic) -> None:
    greta = clinic.do(factories.make_patient, "Greta Groß", None, phone="+4315550123")
    desk.goto("/staff/messages")

    confirm(clinic, 4, patient=greta)

    desk.get_by_role("button", name="1 to call").click()
    row = desk.get_by_role("row").filter(has_text="Greta Groß")
    expect(row.get_by_role("link", name="+4315550123")).to_have_attribute("href", "tel:+4315550123")
    row.get_by_role("button", name="I have called").click()
    expect(row).to_be_hidden()
    desk.get_by_label("Status").select_option(label="Delivered")
    expect(row).to_be_visible()


def test_what_one_patient_was_told_is_a_press_away_from_her_appointment(desk: Page, clinic: OpenClinic) -> None:
    confirm(clinic, 4)
    confirm(clinic, 5, patient=clinic.bob)
    frames = Frames(desk)
    reception.open_calendar(desk, clinic, clinic.day_of(clinic.at(4, "10:00")))
    reception.block(desk, clinic.alice).click()

    desk.get_by_role("dialog").get_by_role("button", name="Messages of this patient").click()

    expect(desk.get_by_text("Messages of Alice Adler")).to_be_visible()
    rows = desk.get_by_role("row").filter(has_text="@example.com")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("alice@example.com")
    assert desk.url.endswith("/staff/messages")
    assert not frames.mention("/l/")
    desk.get_by_role("button", name="Show all").click()
    expect(rows).to_have_count(2)


def test_two_desks_see_the_same_list(desk: Page, open_browser: Callable[..., Page], clinic: OpenClinic) -> None:
    greta = clinic.do(factories.make_patient, "Greta Groß", None, phone="+4315550123")
    confirm(clinic, 4, patient=greta)
    other = open_browser(staff=clinic.sam)
    for page in (desk, other):
        page.goto("/staff/messages")
        expect(page.get_by_role("button", name="1 to call")).to_be_visible()
    other.get_by_role("button", name="Your appointment").click()
    sheet = other.get_by_role("dialog")
    expect(sheet.get_by_role("button", name="I have called")).to_be_visible()

    desk.get_by_role("button", name="I have called").click()

    expect(sheet.get_by_role("button", name="I have called")).to_be_hidden()
    expect(sheet).to_contain_text("Called")
    expect(other.get_by_text("1 to call")).to_be_hidden()
