"""Every page, for everybody: light and dark, a wide window and a phone; in the second language what its words can change."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from medcal import clock
from medcal.db import fetch
from medcal.i18n import language, t
from medcal.models import (
    AppointmentStatus,
    EntryStatus,
    FreedEnd,
    FreedStatus,
    FreedTime,
    Offer,
    OfferStatus,
    PatientAccess,
    TimeOff,
    WaitlistEntry,
)
from medcal.security import SYSTEM, Role, digest
from medcal.services import booking, changes
from tests.e2e.support import barriers
from tests.e2e.support.clinic import OpenClinic, empty
from tests.e2e.support.post import Post
from tests.support import factories

WIDE, PHONE = 1280, 360
LOADING = ".skeleton, [aria-busy=true]"
HAS_TURNED = """scheme => getComputedStyle(document.documentElement).colorScheme === scheme
  && document.getAnimations().every((animation) => animation.playState !== "running")"""

# The trace and the search for barriers look into every frame, and that of a mail lets nothing run or in.
OF_A_MAIL = ("Blocked script execution in 'about:srcdoc'", "does not match the recipient window's origin")

Walk = Iterator[str]


@pytest.fixture(params=["en", "de"])
def spoken(request: pytest.FixtureRequest) -> Iterator[str]:
    """The language of the pages, which `t` speaks as well."""
    with language(request.param):
        yield request.param


def test_no_page_of_the_patients_has_a_barrier(
    open_browser: Callable[..., Page], clinic: OpenClinic, allow: Callable[..., None], spoken: str
) -> None:
    page = open_browser(visit=clinic.do(a_busy_patient, clinic))
    allow(page, "404")

    none_of([fault for place in patients_pages(page, spoken) for fault in faults_of(page, place, spoken)])


def test_no_page_of_the_staff_has_a_barrier(
    open_browser: Callable[..., Page], clinic: OpenClinic, post: Post, spoken: str, allow: Callable[..., None]
) -> None:
    clinic.do(a_busy_day, clinic)
    clinic.remembered()
    post.letter("reminder", "alice@example.com")
    page = open_browser(staff=clinic.sam)
    allow(page, *OF_A_MAIL)

    none_of([fault for place in staff_pages(page, clinic, spoken) for fault in faults_of(page, place, spoken)])


def test_no_end_of_an_offer_has_a_barrier(open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str) -> None:
    page = open_browser(visit=clinic.do(a_busy_patient, clinic))

    none_of([fault for place in ends_of_an_offer(page, clinic, spoken) for fault in faults_of(page, place, spoken)])


def test_the_figures_have_no_barrier(open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str) -> None:
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))
    faults = faults_of(page, f"{open_page(page, spoken, '/staff/statistics')}, empty", spoken)
    clinic.do(a_busy_month, clinic)

    faults += faults_of(page, open_page(page, spoken, "/staff/statistics"), spoken)

    expect(page.get_by_role("table")).to_have_count(7)
    none_of(faults)


def test_no_setting_has_a_barrier(open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str) -> None:
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))

    none_of([fault for place in settings(page, clinic, spoken) for fault in faults_of(page, place, spoken)])


def test_the_history_has_no_barrier(open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str) -> None:
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))
    place = open_page(page, spoken, "/staff/settings/audit")
    expect(page.get_by_role("row").filter(has_text="Ines Admin").first).to_be_visible()

    none_of(faults_of(page, place, spoken))


def test_no_first_step_has_a_barrier(open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str) -> None:
    empty(clinic.engine)
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))

    none_of([fault for place in first_steps(page, clinic, spoken) for fault in faults_of(page, place, spoken)])


def test_the_board_of_offers_has_no_barrier(open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str) -> None:
    page = open_browser(staff=clinic.sam)
    faults = faults_of(page, f"{open_page(page, spoken, '/staff/offers')}, empty", spoken)
    clinic.do(a_busy_board, clinic)

    none_of(faults + [fault for place in boards(page, spoken) for fault in faults_of(page, place, spoken)])


def test_the_rules_of_offers_and_messages_have_no_barrier(
    open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str
) -> None:
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))

    for walk in (rules_of_offers, rules_of_messages):
        none_of([fault for place in walk(page, spoken) for fault in faults_of(page, place, spoken)])


def test_the_notice_to_undo_has_no_barrier(open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str) -> None:
    clinic.do(fetch, "UPDATE location SET grace_seconds = 120")
    clinic.book(clinic.at(4, "10:00"))
    page = open_browser(staff=clinic.sam)
    open_page(page, spoken, "/staff")
    page.get_by_label(t("Go to a day")).fill(clinic.at(4, "10:00").date().isoformat())
    page.get_by_role("button", name=clinic.alice.name).click()
    page.get_by_role("dialog").get_by_role("button", name=t("Cancel it")).click()
    page.get_by_role("dialog").get_by_role("button", name=t("Cancel the appointment")).click()
    expect(page.get_by_role("button", name=t("Undo the cancellation"))).to_be_visible()
    faults = faults_of(page, "/staff, a cancellation to undo", spoken)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=t("Undo"), exact=True)).to_be_visible()

    none_of(faults + faults_of(page, "/staff, the notice to undo", spoken))


def test_the_page_of_her_data_has_no_barrier(
    open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str
) -> None:
    page = open_browser(visit=clinic.do(a_patient_with_a_code, clinic))

    none_of([fault for place in own_data(page, spoken) for fault in faults_of(page, place, spoken)])


def test_words_and_calendars_elsewhere_have_no_barrier(
    open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str, allow: Callable[..., None]
) -> None:
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))
    allow(page, *OF_A_MAIL)

    none_of([fault for place in words_and_calendars(page, spoken) for fault in faults_of(page, place, spoken)])


def test_the_pages_of_accounts_have_no_barrier(
    open_browser: Callable[..., Page], clinic: OpenClinic, spoken: str
) -> None:
    page = open_browser(staff=clinic.do(factories.make_user, "Ines Admin", Role.admin))

    none_of([fault for place in pages_of_accounts(page, spoken) for fault in faults_of(page, place, spoken)])


def test_who_wants_no_motion_sees_colours_turn_at_once(page: Page, clinic: OpenClinic) -> None:
    open_page(page, "en", "/")

    moving = page.evaluate("""() => {
      document.documentElement.classList.add("dark");
      return document.getAnimations().filter((each) => each instanceof CSSTransition).length;
    }""")

    assert moving == 0


def none_of(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


# --- Where to go ------------------------------------------------------------------------------------------------------


def patients_pages(page: Page, spoken: str) -> Walk:
    """Opens one page after the other, some of them in several states, and says which."""
    for path in (
        *("/", "/cardiology", "/doctors/ada-okafor", "/booked", "/appointment", "/appointment/find"),
        *(
            "/appointment/find?step=code",
            "/offer",
            "/earlier",
            "/privacy",
            "/link-expired",
            "/sign-in?failed=refused",
            "/no-such-page",
        ),
    ):
        yield open_page(page, spoken, path)
    yield open_page(page, spoken, "/book")
    page.get_by_label(t("I am booking for somebody else, for example my child")).check()
    page.get_by_label(t("Tell me if something earlier opens")).check()
    page.get_by_role("button", name=t("Book this appointment")).click()
    expect(page.get_by_role("alert").first).not_to_be_empty()
    yield "/book with mistakes"
    open_page(page, spoken, "/appointment")
    for name in ("Move", "Ask for something earlier", "Cancel it"):
        page.get_by_role("button", name=t(name), exact=True).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        yield f"/appointment, {name}"
        page.keyboard.press("Escape")
    yield open_page(page, spoken, "/appointment/data")
    page.goto("/offline.html")
    yield "/offline.html"


def own_data(page: Page, spoken: str) -> Walk:
    yield open_page(page, spoken, "/appointment/data")
    page.get_by_role("button", name=t("Erase …")).click()
    page.get_by_role("dialog").get_by_role("button", name=t("Erase for good")).click()
    expect(page.get_by_role("alert").filter(has_text=t("This is not the date of birth that we have."))).to_be_visible()
    yield "/appointment/data, the question with a mistake"


def words_and_calendars(page: Page, spoken: str) -> Walk:
    yield open_page(page, spoken, "/staff/settings/words")
    page.locator("#body").fill("{nobody}")
    page.get_by_role("button", name=t("Save the words")).click()
    expect(page.get_by_role("alert").filter(has_text="{nobody}")).to_be_visible()
    # Where the field with the mistake has been brought into view, the head of the page lies over another.
    page.evaluate("scrollTo(0, 0)")
    yield "/staff/settings/words with mistakes"
    yield open_page(page, spoken, "/staff/settings/consent")
    page.get_by_label(t("The text beside the button")).fill("Too short.")
    page.get_by_role("button", name=t("Save the text")).click()
    expect(
        page.get_by_role("alert").filter(has_text=t("Please say what patients agree to, in a sentence at least."))
    ).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    yield "/staff/settings/consent with a mistake"
    yield f"{open_page(page, spoken, '/staff/feeds')}, none"
    page.get_by_role("button", name=t("Make an address")).click()
    expect(page.locator("#feed-address")).to_be_visible()
    yield "/staff/feeds, a new one"


def pages_of_accounts(page: Page, spoken: str) -> Walk:
    yield open_page(page, spoken, "/sign-in/code?failed=code")
    yield open_page(page, spoken, "/sign-in/password?failed=common")
    yield open_page(page, spoken, "/staff/settings/people")
    page.get_by_role("button", name=t("Change")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "/staff/settings/people, one of them"
    page.keyboard.press("Escape")
    page.get_by_role("button", name=t("Invite somebody")).click()
    page.get_by_role("dialog").get_by_label(t("Role")).select_option("doctor")
    expect(page.get_by_label(t("Whose calendar"))).to_be_visible()
    yield "/staff/settings/people, an invitation"
    yield open_page(page, spoken, "/staff/account?failed=refused")
    page.get_by_role("button", name=t("Set it up")).click()
    dialog = page.get_by_role("dialog")
    yield "/staff/account, the password again"
    dialog.get_by_label(t("Your password, once more")).fill(factories.PASSWORD)
    dialog.get_by_role("button", name=t("Continue")).click()
    expect(dialog.get_by_role("img")).to_be_visible()
    yield "/staff/account, the picture to scan"


def ends_of_an_offer(page: Page, clinic: OpenClinic, spoken: str) -> Walk:
    """Alice's offer ends in one way after the other, and her wish with it."""
    for status, group in (("open", 2), ("taken", 2), ("expired", 1), ("accepted", 1), ("withdrawn", 1)):
        clinic.do(end_offer, clinic, status, group)
        yield f"{open_page(page, spoken, '/offer')}, {status}"
    for status in (EntryStatus.paused, EntryStatus.fulfilled, EntryStatus.withdrawn):
        clinic.do(change_wish, clinic, status)
        yield f"{open_page(page, spoken, '/earlier')}, {status}"
    clinic.do(change_wish, clinic, EntryStatus.paused)
    open_page(page, spoken, "/earlier")
    page.get_by_role("button", name=t("Take me off the list")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "/earlier, leaving"


def staff_pages(page: Page, clinic: OpenClinic, spoken: str) -> Walk:
    yield open_page(page, spoken, "/staff")
    page.get_by_label(t("Go to a day")).fill(clinic.at(4, "10:00").date().isoformat())
    expect(page.get_by_role("button", name=clinic.alice.name).first).to_be_visible()
    yield "/staff, a busy day"
    for view in ("Week", "Month", "List", "Day"):
        page.get_by_role("button", name=t(view), exact=True).click()
        expect(page.get_by_role("button", name=clinic.alice.name).first).to_be_visible()
        yield f"/staff, {view}"
    page.get_by_role("button", name=clinic.alice.name).nth(2).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(t("History")).click()
    yield "/staff, an appointment"
    for name in ("Move", "Cancel it"):
        dialog.get_by_role("button", name=t(name), exact=True).click()
        yield f"/staff, an appointment, {name}"
        dialog.get_by_role("button", name=t("Back" if name == "Move" else "Keep it")).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name=t("New appointment")).click()
    yield "/staff, a new appointment"
    dialog.get_by_role("button", name=t("Somebody new")).click()
    yield "/staff, a new appointment of somebody new"
    dialog.get_by_role("button", name=t("Block this time instead")).click()
    expect(dialog.get_by_role("button", name=t("Block the time"))).to_be_visible()
    yield "/staff, block time"
    yield open_page(page, spoken, "/staff/appointments")
    yield open_page(page, spoken, "/staff/waitlist")
    page.get_by_role("button", name=t("Add somebody")).click()
    yield "/staff/waitlist, somebody new"
    page.keyboard.press("Escape")
    page.get_by_role("button", name=t("Data")).first.click()
    expect(dialog).to_be_visible()
    yield "/staff/waitlist, somebody's data"
    yield open_page(page, spoken, "/staff/messages")
    page.get_by_role("row").get_by_role("button").first.click()
    expect(dialog).to_be_visible()
    yield "/staff/messages, a message"


def boards(page: Page, spoken: str) -> Walk:
    yield open_page(page, spoken, "/staff/offers")
    for name in (t("On offer"), t("Looking for somebody"), t("Ended lately")):
        part = page.get_by_role("region", name=name)
        part.get_by_role("button").first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        yield f"/staff/offers, a trail, {name}"
        page.keyboard.press("Escape")


def rules_of_offers(page: Page, spoken: str) -> Walk:
    yield open_page(page, spoken, "/staff/settings/offers")
    page.get_by_label(t("Visit that freed the time")).select_option(index=1)
    page.get_by_role("button", name=t("Add a step")).click()
    page.get_by_role("button", name=t("Save the rules")).click()
    expect(page.get_by_role("alert").filter(has_text="15")).to_be_visible()
    # The first mistake has the focus, and the page has moved to it; axe would call obscured what lies behind the head of the page.
    expect(page.get_by_label(t("From, hours before")).last).to_be_focused()
    page.evaluate("scrollTo(0, 0)")
    yield "/staff/settings/offers, of a visit, with mistakes"


def rules_of_messages(page: Page, spoken: str) -> Walk:
    yield open_page(page, spoken, "/staff/settings/messages")
    page.get_by_label(t("Kind of visit")).select_option(index=1)
    page.get_by_role("button", name=t("Add a reminder")).click()
    page.get_by_role("button", name=t("Save the reminders")).click()
    expect(page.get_by_role("alert").filter(has_text="720")).to_be_visible()
    expect(page.get_by_label(t("Hours before the visit")).last).to_be_focused()
    page.evaluate("scrollTo(0, 0)")
    yield "/staff/settings/messages, of a visit, with mistakes"


def settings(page: Page, clinic: OpenClinic, spoken: str) -> Walk:
    clinic.do(a_closed_day, clinic)
    yield open_page(page, spoken, "/staff/settings/clinic")
    page.get_by_label(t("Name of the clinic")).fill("")
    page.get_by_role("button", name=t("Save the clinic")).click()
    expect(page.get_by_role("alert").filter(has_text=t("Please fill this in."))).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    yield "/staff/settings/clinic, with mistakes"
    yield open_page(page, spoken, "/staff/settings/specialties")
    page.get_by_role("button", name=t("Add a specialty")).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "/staff/settings/specialties, a new one"
    page.keyboard.press("Escape")
    page.get_by_role("button", name=t("Add a kind of visit")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "/staff/settings/specialties, a new kind of visit"
    yield open_page(page, spoken, "/staff/settings/doctors")
    page.get_by_role("button", name=t("Take out of use")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "/staff/settings/doctors, out of use"
    page.keyboard.press("Escape")
    page.get_by_role("button", name=t("Edit")).first.click()
    expect(page.get_by_role("heading", name=t("Weekly hours"))).to_be_visible()
    yield "/staff/settings/doctors, a sheet"
    page.locator("[id^=closes_]").first.fill("07:00")
    page.get_by_role("button", name=t("Save the hours")).click()
    expect(page.get_by_role("alert").filter(has_text=t("The end must come after the beginning."))).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    yield "/staff/settings/doctors, a sheet with mistakes"


def first_steps(page: Page, clinic: OpenClinic, spoken: str) -> Walk:
    yield f"{open_page(page, spoken, '/')}, opening soon"
    yield open_page(page, spoken, "/staff/setup")
    clinic.do(factories.make_location)
    yield f"{open_page(page, spoken, '/staff/setup')}, specialties"
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name=t("Take the ticked ones")).click()
    page.get_by_role("button", name=t("Add a doctor")).click()
    expect(page.get_by_label(t("Name, with title"))).to_be_visible()
    yield "/staff/setup, a doctor"


def a_closed_day(db: Session, clinic: OpenClinic) -> None:
    starts_at = clinic.at(9, "00:00")
    ids = {"location_id": clinic.location.id, "reason": "Holiday"}
    factories.add(db, TimeOff(**ids, starts_at=starts_at, ends_at=starts_at + timedelta(days=1)))


def open_page(page: Page, spoken: str, path: str) -> str:
    page.goto(path if spoken == "en" else f"/de{path}".rstrip("/"))
    expect(page.get_by_role("heading", level=1).first).to_be_attached()
    expect(page.locator(LOADING)).to_have_count(0)
    return path


# --- What is looked for -----------------------------------------------------------------------------------------------


def faults_of(page: Page, place: str, spoken: str) -> list[str]:
    """What is wrong in a wide light window and in a narrow dark one; in another language what its words can do, where there is least room.

    The page is left as it was found, wide and light.
    """
    if spoken != "en":
        return _faults_of_words(page, place)
    found = [f"{place}, {WIDE} px, light: {fault}" for fault in barriers.axe_faults(page, barriers.EVERYTHING)]
    look_as(page, PHONE, "dark")
    found += [f"{place}, {PHONE} px, dark: {fault}" for fault in barriers.axe_faults(page, barriers.LAYOUT_AND_COLOURS)]
    found += [f"{place}: scrolls sideways by {what}" for what in barriers.too_wide(page)]
    look_as(page, WIDE, "light")
    return found


def _faults_of_words(page: Page, place: str) -> list[str]:
    found = [f"{place}: not translated: {text}" for text in barriers.english_left(page)]
    look_as(page, PHONE, "light")
    found += [f"{place}, {PHONE} px: {fault}" for fault in barriers.axe_faults(page, barriers.TEXTS_AND_LAYOUT)]
    found += [f"{place}: scrolls sideways by {what}" for what in barriers.too_wide(page)]
    look_as(page, WIDE, "light")
    return found


def look_as(page: Page, width: int, scheme: Literal["light", "dark"]) -> None:
    """Another window, at the top of the page; the reader's system turns light or dark, and the page follows.

    Until then axe would see both at once; and further down it would call obscured what lies behind the head of the page.
    """
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("scrollTo(0, 0)")
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(HAS_TURNED, arg=scheme)
    expect(page.locator(LOADING)).to_have_count(0)


# --- A clinic with much to show ---------------------------------------------------------------------------------------


def a_busy_patient(db: Session, clinic: OpenClinic) -> str:
    """Alice has an appointment, is asked whether she wants an earlier one, and is just booking another. Her cookie."""
    visit, now = "a-visit-cookie-of-alice", clock.now()
    appointment = factories.make_appointment(db, clinic, clinic.at(12, "10:00"), created_at=now, booked_at=now)
    second = factories.make_appointment(db, clinic, clinic.at(13, "10:00"), created_at=now, booked_at=now)
    until = now + timedelta(hours=2)
    offer = factories.make_offer(db, clinic, factories.make_entry(db, clinic, second), clinic.at(5, "10:00"), until)
    booking.hold(db, clinic.okafor, clinic.visit_type, clinic.at(6, "10:00"), visit=digest(visit), now=now)
    for columns in ({"appointment_id": second.id}, {"appointment_id": appointment.id}, {"offer_id": offer.id}):
        now += timedelta(seconds=1)
        grant = {"visit_digest": digest(visit), "patient_id": clinic.alice.id, "purpose": "appointment"}
        factories.add(db, PatientAccess(**grant, **columns, created_at=now, expires_at=until))
    return visit


def a_patient_with_a_code(db: Session, clinic: OpenClinic) -> str:
    """A browser that a one-time code has opened all of Alice to. Her cookie."""
    visit, now = "a-visit-cookie-of-alice", clock.now()
    grant = {"visit_digest": digest(visit), "patient_id": clinic.alice.id, "purpose": "code"}
    factories.add(db, PatientAccess(**grant, created_at=now, expires_at=now + timedelta(hours=2)))
    return visit


def a_busy_day(db: Session, clinic: OpenClinic) -> None:
    """One of each kind in the calendar of one day, somebody who waits, and an offer."""
    kinds = {
        "08:00": {"status": AppointmentStatus.fulfilled},
        "09:00": {"status": AppointmentStatus.arrived},
        "10:00": {"confirmed_at": clinic.opened_at},
        "11:00": {"status": AppointmentStatus.no_show},
        "12:00": {"overbooked_by_id": clinic.sam.id, "overbooked_reason": "Came with a fever"},
        "13:00": {},
    }
    told = {"created_at": clinic.opened_at, "booked_at": clinic.opened_at}
    for wall, columns in kinds.items():
        booked = factories.make_appointment(db, clinic, clinic.at(4, wall), **told | columns)
    waits = factories.make_entry(db, clinic, booked)
    factories.make_entry(db, clinic, patient=clinic.bob)
    factories.make_offer(db, clinic, waits, clinic.at(2, "10:00"), clinic.opened_at + timedelta(hours=2))
    factories.make_hold(db, clinic, clinic.at(4, "14:00"), clinic.opened_at + timedelta(minutes=9))


def end_offer(db: Session, clinic: OpenClinic, status: str, group: int) -> None:
    """Alice's offer becomes what it is to be; in a group Bob is asked as well."""
    offer = db.exec(select(Offer).where(Offer.patient_id == clinic.alice.id)).one()
    offer.status = OfferStatus(status)
    offer.decided_at, offer.decided_by = (None, None) if status == "open" else (clock.now(), "staff")
    others = db.exec(select(Offer).where(Offer.patient_id == clinic.bob.id)).first()
    if group > 1 and others is None:
        bobs = factories.make_entry(db, clinic, patient=clinic.bob)
        ids = {"freed_time_id": offer.freed_time_id, "hold_id": offer.hold_id, "patient_id": clinic.bob.id}
        times = {"answer_until": offer.answer_until, "created_at": offer.created_at}
        factories.add(db, Offer(**ids, **times, entry_id=bobs.id, place_in_group=2, status=OfferStatus.open))


def change_wish(db: Session, clinic: OpenClinic, status: EntryStatus) -> None:
    db.exec(select(WaitlistEntry).where(WaitlistEntry.patient_id == clinic.alice.id)).one().status = status


def a_busy_month(db: Session, clinic: OpenClinic) -> None:
    """Freed times of each kind, and people who were asked."""
    a_busy_day(db, clinic)
    for days, (cause, ended_by) in enumerate(
        (("cancelled", "offer"), ("moved", "public"), ("new_hours", "desk"), ("rest", "late"), ("cancelled", "closed")),
        1,
    ):
        freed_at = clinic.opened_at - timedelta(days=days)
        starts_at = freed_at + timedelta(hours=days**3)
        factories.add(
            db,
            FreedTime(
                doctor_id=clinic.okafor.id,
                location_id=clinic.location.id,
                day=starts_at.date(),
                starts_at=starts_at,
                ends_at=starts_at + timedelta(minutes=30),
                cause=cause,
                visit_type_id=clinic.visit_type.id,
                status=FreedStatus.filled if ended_by == "offer" else FreedStatus.gone,
                look_at=freed_at,
                created_at=freed_at,
                ended_at=freed_at + timedelta(minutes=80),
                ended_by=FreedEnd(ended_by),
            ),
        )


def a_busy_board(db: Session, clinic: OpenClinic) -> None:
    """Two who are asked at once, one to be called, a time that looks for somebody, and one that has found nobody."""
    now, until = clock.now(), clock.now() + timedelta(hours=2)
    greta = factories.make_patient(db, "Greta Groß", None, phone="+4315550123")
    mona = factories.make_patient(db, "Mona Moser", None, phone="+436641234567")
    first = factories.make_offer(
        db, clinic, factories.make_entry(db, clinic, patient=clinic.bob), clinic.at(2, "10:00"), until
    )
    monas = {"entry_id": factories.make_entry(db, clinic, patient=mona).id, "patient_id": mona.id, "place_in_group": 2}
    shared = {name: getattr(first, name) for name in ("freed_time_id", "hold_id", "answer_until", "created_at")}
    factories.add(db, Offer(**shared, **monas))
    own = factories.make_appointment(db, clinic, clinic.at(12, "10:00"), greta)
    factories.make_offer(db, clinic, factories.make_entry(db, clinic, own), clinic.at(3, "10:00"), until)
    for days in (4, 5):
        visit = factories.make_appointment(db, clinic, clinic.at(days, "11:00"))
        changes.cancel(db, visit, by=SYSTEM, now=now)
    freed = db.exec(select(FreedTime).where(FreedTime.status == FreedStatus.open)).first()
    assert freed
    freed.status, freed.ended_by, freed.ended_at = FreedStatus.gone, FreedEnd.public, now
