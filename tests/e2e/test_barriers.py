"""Every page, for everybody: both languages, light and dark, a wide window and a phone."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session

from medcal import clock
from medcal.i18n import language, t
from medcal.models import AppointmentStatus, PatientAccess
from medcal.security import digest
from medcal.services import booking
from tests.e2e.support import barriers
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post
from tests.support import factories

WIDE, PHONE = 1280, 360
LOADING = ".skeleton, [aria-busy=true]"
HAS_TURNED = """scheme => getComputedStyle(document.documentElement).colorScheme === scheme
  && document.getAnimations().every((animation) => animation.playState !== "running")"""

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
    open_browser: Callable[..., Page], clinic: OpenClinic, post: Post, spoken: str
) -> None:
    clinic.do(a_busy_day, clinic)
    clinic.remembered()
    post.letter("reminder.three_days", "alice@example.com")
    page = open_browser(staff=clinic.sam)

    none_of([fault for place in staff_pages(page, clinic, spoken) for fault in faults_of(page, place, spoken)])


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
    page.goto("/offline.html")
    yield "/offline.html"


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
    yield open_page(page, spoken, "/staff/messages")
    page.get_by_role("row").get_by_role("button").first.click()
    expect(dialog).to_be_visible()
    yield "/staff/messages, a message"


def open_page(page: Page, spoken: str, path: str) -> str:
    page.goto(path if spoken == "en" else f"/de{path}".rstrip("/"))
    expect(page.get_by_role("heading", level=1).first).to_be_attached()
    expect(page.locator(LOADING)).to_have_count(0)
    return path


# --- What is looked for -----------------------------------------------------------------------------------------------


def faults_of(page: Page, place: str, spoken: str) -> list[str]:
    """In a wide light window and a narrow dark one: what only one of them shows is seen, and each colour is in `test_theme` as well."""
    found = []
    for width, scheme, rules in ((WIDE, "light", barriers.RULES), (PHONE, "dark", barriers.LAYOUT)):
        page.set_viewport_size({"width": width, "height": 900})
        turn(page, scheme)
        expect(page.locator(LOADING)).to_have_count(0)
        # Colours are the same in all languages.
        for looked_for in (rules, barriers.COLOURS) if spoken == "en" else (rules,):
            found += [f"{place}, {width} px, {scheme}: {fault}" for fault in barriers.axe_faults(page, looked_for)]
    found += [f"{place}: scrolls sideways by {what}" for what in barriers.too_wide(page)]
    if spoken != "en":
        found += [f"{place}: not translated: {text}" for text in barriers.english_left(page)]
    turn(page, "light")
    page.set_viewport_size({"width": WIDE, "height": 900})
    return found


def turn(page: Page, scheme: str) -> None:
    """The reader's system turns light or dark, and the page follows; until then axe would see both at once."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(HAS_TURNED, arg=scheme)


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
