"""Sam takes back what she has just done in the calendar, and the patient hears nothing of it."""

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, col, select

from medcal.db import fetch
from medcal.models import Appointment, AppointmentStatus, Message, MessageStatus
from medcal.services import notifications
from tests.e2e.support import reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.post import Post
from tests.support.waiting import eventually


def set_grace(clinic: OpenClinic, seconds: int) -> None:
    clinic.do(fetch, "UPDATE location SET grace_seconds = %(seconds)s", seconds=seconds)


@pytest.fixture
def told(clinic: OpenClinic, post: Post) -> Appointment:
    """Alice's visit, of which she has her confirmation."""
    booked = clinic.book(clinic.at(4, "10:00"))
    clinic.do(notifications.write, "appointment.booked", appointment_id=booked.id, now=clinic.opened_at)
    post.letter("appointment.booked", "alice@example.com")
    return booked


def letters(clinic: OpenClinic) -> list[tuple[str, MessageStatus]]:
    """What was written after the confirmation."""

    def read(db: Session) -> list[tuple[str, MessageStatus]]:
        return [(each.kind, each.status) for each in db.exec(select(Message).order_by(col(Message.id)))][1:]

    return clinic.do(read)


def undo(page: Page) -> None:
    page.get_by_role("button", name="Undo", exact=True).click()


def test_dragged_and_undone_nothing_is_mailed(desk: Page, clinic: OpenClinic, told: Appointment, post: Post) -> None:
    set_grace(clinic, 120)
    reception.open_calendar(desk, clinic, told.starts_at.date())

    reception.drag(desk, reception.block(desk, clinic.alice), minutes=120, to=clinic.lindqvist)
    expect(reception.block(desk, clinic.alice, "12:00", "Lindqvist")).to_be_visible()
    expect(desk.get_by_role("status").get_by_text("Moved. The patient is not told yet.")).to_be_visible()
    undo(desk)

    expect(reception.block(desk, clinic.alice, "10:00", "Okafor")).to_be_visible()
    expect(reception.note(desk)).to_have_text("Undone. Nothing is sent.")
    expect(desk.get_by_role("button", name="Undo", exact=True)).to_be_hidden()
    [back] = clinic.appointments()
    assert (back.doctor_id, back.starts_at) == (clinic.okafor.id, told.starts_at)
    assert letters(clinic) == [("appointment.moved", MessageStatus.dropped)]
    assert post.letters("appointment.moved", "alice@example.com") == []


def test_moved_twice_one_mail_is_sent(desk: Page, clinic: OpenClinic, told: Appointment, post: Post) -> None:
    set_grace(clinic, 8)
    reception.open_calendar(desk, clinic, told.starts_at.date())

    reception.drag(desk, reception.block(desk, clinic.alice), minutes=60)
    expect(reception.block(desk, clinic.alice, "11:00")).to_be_visible()
    reception.drag(desk, reception.block(desk, clinic.alice), minutes=60)
    expect(reception.block(desk, clinic.alice, "12:00")).to_be_visible()

    eventually(lambda: post.letters("appointment.moved", "alice@example.com"), "the one mail", 20)
    assert [letter.subject[-5:] for letter in post.letters("appointment.moved", "alice@example.com")] == ["12:00"]
    assert letters(clinic)[0] == ("appointment.moved", MessageStatus.dropped)
    # What can no longer be undone is no longer offered.
    expect(desk.get_by_role("button", name="Undo", exact=True)).to_be_hidden()


def test_cancelled_and_undone_with_the_keyboard(desk: Page, clinic: OpenClinic, told: Appointment) -> None:
    set_grace(clinic, 120)
    reception.open_calendar(desk, clinic, told.starts_at.date())
    reception.block(desk, clinic.alice).click()
    sheet = desk.get_by_role("dialog")
    sheet.get_by_role("button", name="Cancel it").click()
    sheet.get_by_role("button", name="Cancel the appointment").click()
    expect(sheet.get_by_role("button", name="Undo the cancellation")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(reception.block(desk, clinic.alice)).to_be_hidden()

    desk.get_by_role("button", name="Undo", exact=True).focus()
    desk.keyboard.press("Enter")

    expect(reception.block(desk, clinic.alice, "10:00", "Okafor")).to_be_visible()
    expect(desk.get_by_role("main")).to_be_focused()
    assert clinic.appointments()[0].status is AppointmentStatus.booked
    assert letters(clinic) == [("appointment.cancelled", MessageStatus.dropped)]


def test_a_colleague_undoes_it_in_the_appointment(desk: Page, clinic: OpenClinic, told: Appointment) -> None:
    set_grace(clinic, 120)
    reception.open_calendar(desk, clinic, told.starts_at.date())
    reception.drag(desk, reception.block(desk, clinic.alice), minutes=60)
    expect(reception.block(desk, clinic.alice, "11:00")).to_be_visible()
    desk.reload()

    reception.go_to(desk, clinic.day_of(told.starts_at))
    reception.block(desk, clinic.alice, "11:00").click()
    desk.get_by_role("dialog").get_by_role("button", name="Undo the move").click()

    expect(reception.note(desk)).to_have_text("Undone. Nothing is sent.")
    desk.keyboard.press("Escape")
    expect(reception.block(desk, clinic.alice, "10:00")).to_be_visible()
