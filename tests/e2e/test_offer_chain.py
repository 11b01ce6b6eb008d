"""Earlier offers from the patients' side: a chain over three people, clicks that come too late, and a wish that was paused."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from playwright.sync_api import Page, expect
from sqlmodel import Session, col, select

from medcal import clock
from medcal.models import (
    Appointment,
    AppointmentStatus,
    EntryStatus,
    Location,
    Offer,
    OfferStatus,
    Patient,
    WaitlistEntry,
)
from medcal.security import PATIENT, SYSTEM, Role
from medcal.services import changes, waitlist
from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.line import Line
from tests.e2e.support.post import Post
from tests.e2e.test_keyboard import tab_to
from tests.support.factories import make_patient, make_user, set_rules
from tests.support.waiting import eventually

ANSWER, KEEP = "See the offer and answer", "Keep me on the list"
KEPT = "You keep your appointment and your place on the list."
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Browsers = Callable[..., Page]


# --- What the journeys share ------------------------------------------------------------------------------------------


def wait(clinic: OpenClinic, appointment: Appointment, since: datetime, **limits: object) -> None:
    """The holder of an appointment asks for something earlier, at a moment of her own: that is her place."""
    clinic.do(_join, appointment, waitlist.Wish(**limits), since)  # type: ignore[arg-type]


def _join(db: Session, appointment: Appointment, wish: waitlist.Wish, since: datetime) -> None:
    waitlist.join(db, db.get_one(Appointment, appointment.id), wish, by=PATIENT, now=since)


def free_up(clinic: OpenClinic, appointment: Appointment) -> None:
    """Reception cancels an appointment."""
    clinic.do(_cancel, appointment, clinic)


def _cancel(db: Session, appointment: Appointment, clinic: OpenClinic) -> None:
    changes.cancel(db, db.get_one(Appointment, appointment.id), by=clinic.desk, now=clock.now())


def run_out(clinic: OpenClinic) -> None:
    """The answer time of all open offers is over; the scheduler finds out by itself."""
    clinic.do(_end_answer_time)
    eventually(lambda: not offers(clinic, status=OfferStatus.open), "the offers to end")


def _end_answer_time(db: Session) -> None:
    for offer in db.exec(select(Offer).where(Offer.status == OfferStatus.open)):
        offer.answer_until = clock.now()
        db.get_one(Appointment, offer.hold_id).held_until = offer.answer_until


def offers(clinic: OpenClinic, **columns: object) -> list[Offer]:
    with Session(clinic.engine) as db:
        return list(db.exec(select(Offer).filter_by(**columns).order_by(col(Offer.id))))


def entry_of(clinic: OpenClinic, who: Patient) -> WaitlistEntry:
    with Session(clinic.engine) as db:
        return db.exec(select(WaitlistEntry).where(WaitlistEntry.patient_id == who.id)).one()


def starts(clinic: OpenClinic, who: Patient) -> list[datetime]:
    """When somebody is booked."""
    return [each.starts_at for each in clinic.appointments(patient_id=who.id, status=AppointmentStatus.booked)]


def take(page: Page) -> None:
    page.get_by_role("button", name="Take this time").click()
    expect(page).to_have_url(re.compile(r"/appointment$"))


# --- The chain --------------------------------------------------------------------------------------------------------


def test_a_freed_time_goes_from_one_to_the_next(
    desk: Page, page: Page, open_browser: Browsers, clinic: OpenClinic, post: Post
) -> None:
    first, second, third = clinic.at(4, "10:00"), clinic.at(10, "14:00"), clinic.at(16, "09:00")
    admin = clinic.do(make_user, "Ines Admin", Role.admin)
    patient.book(page, clinic, first)
    bobs, alices = clinic.book(second, clinic.bob), clinic.book(third, clinic.alice)
    wait(clinic, bobs, clinic.opened_at - 9 * DAY)
    wait(clinic, alices, clinic.opened_at - 5 * DAY)
    reception.open_calendar(desk, clinic, first.date())
    expect(reception.block(desk, "Charlie Czerny", "10:00")).to_be_visible()

    # Charlie cancels by the link in his letter.
    page.goto(post.letter("appointment.booked", "charlie@example.com").link("Cancel it"))
    page.get_by_role("dialog").get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_role("article")).to_contain_text("Cancelled")

    # Bob has waited longest; his later time goes on to Alice.
    bob, alice = open_browser(), open_browser()
    bob.goto(post.letter("offer.made", "bob@example.com").link(ANSWER))
    expect(bob.get_by_role("heading", name=clinic.said(first))).to_be_visible()
    assert not post.letters("offer.made", "alice@example.com")
    take(bob)
    alice.goto(post.letter("offer.made", "alice@example.com").link(ANSWER))
    expect(alice.get_by_role("heading", name=clinic.said(second))).to_be_visible()
    take(alice)

    # All three calendars and the desk's are right.
    expect(bob.get_by_role("article")).to_contain_text(clinic.said(first))
    expect(alice.get_by_role("article")).to_contain_text(clinic.said(second))
    assert (starts(clinic, clinic.bob), starts(clinic, clinic.alice)) == ([first], [second])
    expect(reception.block(desk, clinic.bob, "10:00", "Booked")).to_be_visible()
    expect(reception.block(desk, "Charlie Czerny", "Booked")).to_be_hidden()
    reception.go_to(desk, second.date())
    expect(reception.block(desk, clinic.alice, "14:00", "Booked")).to_be_visible()
    reception.go_to(desk, third.date())
    expect(reception.block(desk, clinic.alice)).to_be_hidden()

    # Each letter came once.
    for who, kind in (
        *(("charlie", "appointment.cancelled"), ("bob", "offer.made"), ("bob", "appointment.moved")),
        *(("alice", "offer.made"), ("alice", "appointment.moved")),
    ):
        address = f"{who}@example.com"
        post.letter(kind, address)
        assert len(post.letters(kind, address)) == 1, (who, kind)

    # And the figures know of it: two of two, the third still looks for somebody.
    head = open_browser(staff=admin)
    head.goto("/staff/statistics")
    total = head.get_by_role("region", name="All freed times")
    expect(total).to_contain_text("2 of 2 freed times")
    expect(total).to_contain_text("1 freed time is still looking for somebody")
    row = head.get_by_role("table", name="By doctor").get_by_role("row", name=clinic.okafor.name)
    expect(row).to_contain_text("100 %")
    head.get_by_role("button", name="30 days").click()
    expect(head.get_by_role("button", name="30 days")).to_have_attribute("aria-pressed", "true")
    expect(total).to_contain_text("2 of 2 freed times")


def test_the_figures_are_for_admins(desk: Page, open_browser: Browsers, clinic: OpenClinic) -> None:
    okafor = open_browser(staff=clinic.okafor_herself)

    for page in (desk, okafor):
        page.goto("/staff")
        expect(page.get_by_role("link", name="Calendar", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Statistics")).to_be_hidden()
        page.goto("/staff/statistics")
        expect(page.get_by_text("This page is for admins.")).to_be_visible()


# --- Too late ---------------------------------------------------------------------------------------------------------


def test_a_click_after_the_answer_time_finds_the_place_kept(page: Page, clinic: OpenClinic, post: Post) -> None:
    late = clinic.at(10, "14:00")
    wait(clinic, clinic.book(late, clinic.alice), clinic.opened_at)
    free_up(clinic, clinic.book(clinic.at(4, "10:00"), clinic.bob))
    link = post.letter("offer.made", "alice@example.com").link(ANSWER)
    line = Line(page)
    page.goto(link)
    expect(page.get_by_role("button", name="Take this time")).to_be_visible()
    expect(page.get_by_role("timer")).to_contain_text("1:59:")

    # Her page has not heard of the end when she presses the button.
    line.fall_silent()
    run_out(clinic)
    page.get_by_role("button", name="Take this time").click()
    line.speak()

    expect(page.get_by_role("heading", name="The answer time is over")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(KEPT)
    expect(page.get_by_role("main")).to_contain_text("You are the only one who waits for an earlier time")
    assert starts(clinic, clinic.alice) == [late]
    # The link still leads there, days later too, and on to her place.
    page.goto(link)
    expect(page.get_by_role("heading", name="The answer time is over")).to_be_visible()
    page.get_by_role("link", name="See my wish").click()
    expect(page.get_by_role("article")).to_contain_text("You were asked once, on")


def test_the_slower_one_of_a_group_reads_that_she_keeps_her_place(
    page: Page, open_browser: Browsers, clinic: OpenClinic, post: Post
) -> None:
    clinic.do(set_rules, clinic, group_size=2)
    early, late = clinic.at(4, "10:00"), clinic.at(10, "14:00")
    bobs = clinic.book(clinic.at(11, "14:00"), clinic.bob)
    wait(clinic, bobs, clinic.opened_at - 9 * DAY)
    wait(clinic, clinic.book(late, clinic.alice), clinic.opened_at - 5 * DAY)
    free_up(clinic, clinic.book(early, clinic.do(make_patient)))
    alice, bob = page, open_browser()
    line = Line(alice)
    alice.goto(post.letter("offer.made", "alice@example.com").link(ANSWER))
    bob.goto(post.letter("offer.made", "bob@example.com").link(ANSWER))
    for each in (alice, bob):
        expect(each.get_by_text("Others are asked as well: the first answer has it.")).to_be_visible()

    line.fall_silent()
    # Without a mouse.
    tab_to(bob, bob.get_by_role("button", name="Take this time"))
    bob.keyboard.press("Enter")
    expect(bob).to_have_url(re.compile(r"/appointment$"))
    alice.get_by_role("button", name="Take this time").click()
    line.speak()

    expect(alice.get_by_role("heading", name="Somebody else was faster")).to_be_visible()
    expect(alice.get_by_role("main")).to_contain_text(KEPT)
    assert (starts(clinic, clinic.bob), starts(clinic, clinic.alice)) == ([early], [late])
    post.letter("offer.taken", "alice@example.com")
    # A second click of the faster one tells him what he has.
    bob.goto(post.letter("offer.made", "bob@example.com").link(ANSWER))
    expect(bob.get_by_role("heading", name="The earlier time is yours")).to_be_visible()


def test_who_cancels_while_she_is_asked_reads_why_the_offer_has_ended(
    page: Page, clinic: OpenClinic, post: Post
) -> None:
    alices = clinic.book(clinic.at(10, "14:00"), clinic.alice)
    wait(clinic, alices, clinic.opened_at)
    free_up(clinic, clinic.book(clinic.at(4, "10:00"), clinic.bob))
    page.goto(post.letter("offer.made", "alice@example.com").link(ANSWER))
    expect(page.get_by_role("button", name="Take this time")).to_be_visible()

    free_up(clinic, alices)

    expect(page.get_by_role("heading", name="This offer has ended")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("has been cancelled")
    expect(page.get_by_role("main")).not_to_contain_text("your place on the list")
    page.get_by_role("link", name="Find a new time").click()
    expect(page).to_have_url(re.compile(r"localhost:\d+/$"))


# --- Her place --------------------------------------------------------------------------------------------------------


def test_a_patient_reads_where_she_stands(page: Page, open_browser: Browsers, clinic: OpenClinic, post: Post) -> None:
    day = clinic.at(11, "14:00")
    weekday = day.weekday()
    name = f"{day:%A}s"
    dora = clinic.do(make_patient, "Dora Drexler", "dora@example.com")
    alices = clinic.book(clinic.at(12, "14:00"), clinic.alice)
    for place, (who, since) in enumerate(((clinic.bob, 9), (dora, 8))):
        wait(clinic, clinic.book(clinic.at(13 + place, "14:00"), who), clinic.opened_at - since * DAY)
    wait(clinic, alices, clinic.opened_at - 7 * DAY, weekdays=(weekday,), any_doctor=False)
    alice = open_browser(visit=clinic.visit_of(alices))
    alice.goto("/appointment")

    expect(alice.get_by_role("article")).to_contain_text(
        f"You are third of three for {name} with {clinic.okafor.name}."
    )
    expect(alice.get_by_role("article")).to_contain_text("You have not been asked yet.")
    # Nothing about the others.
    for other in ("Bob", "Dora"):
        expect(alice.get_by_role("main")).not_to_contain_text(other)

    # Somebody leaves the list, and the open page counts anew.
    clinic.do(_leave, clinic.bob)
    expect(alice.get_by_role("article")).to_contain_text(f"You are second of two for {name}")

    # Asked, she is told so here too; her booking alone does not let this browser answer.
    clinic.do(_leave, dora)
    free_up(clinic, clinic.book(clinic.at(_days_until(clinic, weekday), "10:00"), dora))
    post.letter("offer.made", "alice@example.com")
    expect(alice.get_by_text("A time is held for you right now.")).to_be_visible()
    expect(alice.get_by_text("Please open the link in our message and answer.")).to_be_visible()
    expect(alice.get_by_role("article")).to_contain_text("You were asked once, on")


def _leave(db: Session, who: Patient) -> None:
    entry = db.exec(select(WaitlistEntry).where(WaitlistEntry.patient_id == who.id)).one()
    waitlist.withdraw(db, entry.id or 0, by=SYSTEM, now=clock.now())


def _days_until(clinic: OpenClinic, weekday: int) -> int:
    """So many days from today it is that weekday, not today and not tomorrow."""
    return next(days for days in range(3, 10) if clinic.at(days, "10:00").weekday() == weekday)


# --- Paused -----------------------------------------------------------------------------------------------------------


def pause(clinic: OpenClinic, post: Post, answers: int) -> str:
    """Leave so many offers to Alice without an answer; the link of the letter that follows."""
    for place in range(answers):
        free_up(clinic, clinic.book(clinic.at(4 + place, "10:00"), clinic.bob))
        post.last("offer.made", "alice@example.com", place + 1)
        run_out(clinic)
    return post.letter("waitlist.paused", "alice@example.com").link(KEEP)


def test_a_paused_wish_is_taken_up_again_by_its_link(page: Page, clinic: OpenClinic, post: Post) -> None:
    clinic.do(set_rules, clinic, unanswered_before_pause=2)
    wait(clinic, clinic.book(clinic.at(20, "14:00"), clinic.alice), clinic.opened_at)
    link = pause(clinic, post, answers=2)

    # Looking changes nothing, however often.
    for _ in range(2):
        page.goto(link)
        expect(page).to_have_url(re.compile(r"/earlier$"))
        expect(page.get_by_role("heading", name="Do you still want an earlier time?")).to_be_visible()
        expect(page.get_by_role("article")).to_contain_text("Your place on the list is kept.")
        expect(page.get_by_role("article")).to_contain_text("You were asked twice, last on")
    assert entry_of(clinic, clinic.alice).status is EntryStatus.paused
    joined_at = entry_of(clinic, clinic.alice).created_at

    page.get_by_role("button", name=KEEP).click()

    expect(page.get_by_role("heading", name="You are on the list for something earlier")).to_be_visible()
    expect(page.get_by_role("article")).to_contain_text("You are the only one who waits for an earlier time")
    entry = entry_of(clinic, clinic.alice)
    assert (entry.status, entry.created_at) == (EntryStatus.waiting, joined_at)
    # The link again: she sees that she is on the list, and may leave it.
    page.goto(link)
    page.get_by_role("button", name="Take me off the list").click()
    dialog = page.get_by_role("dialog", name="Leave the list?")
    dialog.get_by_role("button", name="Stay on the list").click()
    expect(dialog).to_be_hidden()
    assert entry_of(clinic, clinic.alice).status is EntryStatus.waiting
    page.get_by_role("button", name="Take me off the list").click()
    dialog.get_by_role("button", name="Take me off the list").click()
    expect(page.get_by_role("heading", name="You are no longer on the list")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="You are no longer on the list")).to_be_visible()


def test_who_waits_without_an_appointment_sees_her_wish_too(page: Page, clinic: OpenClinic, post: Post) -> None:
    clinic.do(set_rules, clinic, unanswered_before_pause=1)
    clinic.do(_wait_for_a_first_time, clinic)
    link = pause(clinic, post, answers=1)

    page.goto(link)
    expect(page.get_by_role("article")).to_contain_text("You have no appointment yet")
    page.get_by_role("button", name=KEEP).click()

    expect(page.get_by_role("heading", name="You are on the list for something earlier")).to_be_visible()
    # Offered again, she takes the time, and has an appointment.
    free_up(clinic, clinic.book(clinic.at(7, "10:00"), clinic.bob))
    page.goto(post.last("offer.made", "alice@example.com", 2).link(ANSWER))
    take(page)
    assert starts(clinic, clinic.alice) == [clinic.at(7, "10:00")]
    page.goto(link)
    expect(page.get_by_role("heading", name="You have your earlier time")).to_be_visible()


def _wait_for_a_first_time(db: Session, clinic: OpenClinic) -> None:
    location = db.get_one(Location, clinic.location.id)
    entry = WaitlistEntry(
        patient_id=clinic.alice.id,
        visit_type_id=clinic.visit_type.id,
        location_id=location.id,
        weekdays=list(range(7)),
        created_at=clinic.opened_at,
    )
    db.add(entry)
    db.flush()
