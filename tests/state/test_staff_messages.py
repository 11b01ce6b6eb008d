"""The messages page through the guard: filters, pages, one message, and what is asked before it is done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.models import Message, MessageStatus, StaffUser
from medcal.security import Role
from medcal.services import accounts, notifications
from medcal.services.delivery import deliver_all
from medcal.state import staff_messages
from medcal.state.open_message import OpenMessageState
from medcal.state.staff_messages import StaffMessagesState
from tests.support.factories import NOW, PASSWORD, Clinic, make_appointment, make_clinic, make_patient, make_user
from tests.support.sink import Answer, Sink

PATH = "/staff/messages"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def book(db: Session, clinic: Clinic) -> Callable[..., Message]:
    """book(days, name="…"): somebody's appointment, and its confirmation, due now."""

    def write(days: int, name: str = "Alice Adler", **columns: Any) -> Message:
        patient = make_patient(db, name, **{"email": f"{name.split()[0].lower()}@example.com"} | columns)
        appointment = make_appointment(db, clinic, NOW + days * DAY, patient)
        notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
        return db.exec(select(Message).where(Message.appointment_id == appointment.id)).one()

    return write


@pytest.fixture
def open_tab(new_tab: Callable[..., Any]) -> Callable[[StaffUser], Any]:
    def opened(user: StaffUser) -> Any:
        tab = new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1])
        tab.open(PATH)
        return tab

    return opened


def names(tab: Any) -> list[str]:
    return [row["recipient"] for row in page(tab)["rows"]]


def page(tab: Any) -> dict[str, Any]:
    found: dict[str, Any] = tab.value(StaffMessagesState, "page")
    return found


def shown(tab: Any) -> dict[str, Any]:
    found: dict[str, Any] = tab.value(OpenMessageState, "message")
    return found


# --- The list ---------------------------------------------------------------------------------------------------------


def test_filters_narrow_the_list_and_nonsense_narrows_nothing(
    db: Session, clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any]
) -> None:
    book(5, "Bob Berger").status = MessageStatus.delivered
    book(6, "Mona Moser", email=None, phone="+436641234567")
    db.flush()
    tab = open_tab(clinic.sam)

    tab.send(StaffMessagesState.choose_status, status="delivered")
    assert names(tab) == ["Bob Berger"]
    tab.send(StaffMessagesState.choose_status, status="lost")
    tab.send(StaffMessagesState.choose_channel, channel="sms")
    assert names(tab) == ["Mona Moser"]
    tab.send(StaffMessagesState.choose_channel, channel="pigeon")
    tab.send(StaffMessagesState.choose_kind, kind="offer.made")
    assert names(tab) == []
    tab.send(StaffMessagesState.choose_kind, kind="gossip")
    tab.send(StaffMessagesState.search, words="berger")
    assert names(tab) == ["Bob Berger"]
    tab.send(StaffMessagesState.show_all)
    assert (names(tab), tab.value(StaffMessagesState, "words")) == (["Mona Moser", "Bob Berger"], "")


def test_older_messages_are_a_page_away_and_new_ones_move_nothing(
    clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_messages, "STEP", 2)
    for day, name in enumerate(("Anna", "Ben", "Cleo", "Dan"), 5):
        book(day, f"{name} Auer")
    tab = open_tab(clinic.sam)
    assert (names(tab), page(tab)["has_more"]) == (["Dan Auer", "Cleo Auer"], True)

    tab.send(StaffMessagesState.show_older)
    book(9, "Eva Auer")
    tab.send(StaffMessagesState.show_older)

    assert (names(tab), tab.value(StaffMessagesState, "number")) == (["Ben Auer", "Anna Auer"], 1)
    tab.send(StaffMessagesState.show_newer)
    tab.send(StaffMessagesState.show_newer)
    assert (names(tab), tab.value(StaffMessagesState, "number")) == (["Eva Auer", "Dan Auer"], 0)


def test_what_asks_for_attention_is_one_press_away(
    db: Session, clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any]
) -> None:
    book(5, "Bob Berger").status = MessageStatus.bounced
    book(6, "Greta Groß", email=None, phone="+4315550123")
    book(7)
    db.flush()
    tab = open_tab(clinic.sam)
    assert (page(tab)["to_call"], page(tab)["bounced"], page(tab)["dead"]) == ("1 to call", "1 came back", "")

    tab.send(StaffMessagesState.show_calls)
    assert [(row["recipient"], row["phone"]) for row in page(tab)["rows"]] == [("Greta Groß", "+4315550123")]
    tab.send(StaffMessagesState.mark_called, ref=page(tab)["rows"][0]["ref"])
    assert (names(tab), page(tab)["to_call"]) == ([], "")
    tab.send(StaffMessagesState.show_only, status="bounced")
    assert names(tab) == ["Bob Berger"]
    tab.send(StaffMessagesState.show_only, status="bounced")
    assert len(names(tab)) == 3


def test_the_messages_of_one_patient(
    clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any], db: Session
) -> None:
    book(5, "Bob Berger")
    notifications.write(
        db, "appointment.booked", appointment_id=make_appointment(db, clinic, NOW + 6 * DAY).id, now=NOW
    )
    tab = open_tab(clinic.sam)

    tab.send(StaffMessagesState.show_patient, patient=str(clinic.alice.ref))
    tab.open(PATH)

    assert tab.redirects == [PATH]
    assert (names(tab), page(tab)["patient"]) == (["Alice Adler"], "Alice Adler")


# --- Sending again ----------------------------------------------------------------------------------------------------


def test_all_that_is_dead_is_sent_again_once_it_has_been_asked(
    db: Session, clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any], webhook: Sink
) -> None:
    webhook.answer(*[Answer(403)] * 3)
    for day, name in enumerate(("Anna Auer", "Ben Berger", "Cleo Auer"), 5):
        book(day, name)
    deliver_all(now=NOW)
    tab = open_tab(clinic.sam)
    assert (page(tab)["dead"], page(tab)["again"]) == ("3 failed", "")

    tab.send(StaffMessagesState.show_only, status="dead")
    assert page(tab)["again"] == "Send all 3 again"
    tab.send(StaffMessagesState.search, words="auer")
    assert page(tab)["again"] == "Send all 2 again"
    tab.send(StaffMessagesState.ask, is_asked=True)
    tab.send(StaffMessagesState.replay_all)

    assert tab.toasts == ["2 are on their way again, ten a second."]
    assert (names(tab), page(tab)["dead"], tab.value(StaffMessagesState, "asks")) == ([], "1 failed", False)


def test_a_message_is_sent_again_from_its_dialog(
    clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any], webhook: Sink
) -> None:
    webhook.answer(Answer(503))
    message = book(5)
    deliver_all(now=NOW)
    tab = open_tab(clinic.sam)

    tab.send(OpenMessageState.open, ref=str(message.ref))
    assert shown(tab)["why"] == "It was not taken, and is tried again."
    assert [(each["what"], each["outcome"]) for each in shown(tab)["attempts"]] == [("Try 1", "HTTP 503")]
    tab.send(OpenMessageState.ask, is_asked=True)
    tab.send(OpenMessageState.resend)
    deliver_all(now=NOW)
    tab.send(OpenMessageState.open, ref=str(message.ref))

    assert tab.toasts == ["On its way again."]
    assert shown(tab)["row"]["status"] == "handed_over"
    assert [each["what"] for each in shown(tab)["attempts"]] == ["Try 1", "Try 2"]
    assert [each["name"] for each in shown(tab)["facts"]] == ["To", "Written", "Handed over"]


def test_what_would_only_confuse_is_not_offered_to_be_sent_again(
    db: Session, clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any]
) -> None:
    message = book(5)
    message.status = MessageStatus.dead
    db.flush()
    tab = open_tab(clinic.sam)
    tab.send(OpenMessageState.open, ref=str(message.ref))
    assert shown(tab)["again"]

    message.useless_at = NOW
    db.flush()
    tab.send(OpenMessageState.resend)

    assert tab.toasts == ["This message can no longer be sent: it is under way, or what it says is no longer so."]
    assert not shown(tab)["again"]


def test_somebody_must_call_and_says_that_she_has(
    clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any]
) -> None:
    message = book(5, "Greta Groß", email=None, phone="+4315550123")
    tab = open_tab(clinic.sam)

    tab.send(OpenMessageState.open, ref=str(message.ref))
    assert (shown(tab)["row"]["phone"], shown(tab)["row"]["must_call"]) == ("+4315550123", True)
    tab.send(OpenMessageState.mark_called)
    tab.send(OpenMessageState.mark_called)

    assert tab.toasts[0] == "Off the call list." and len(tab.toasts) == 2
    assert shown(tab)["row"]["must_call"] is False
    tab.send(OpenMessageState.set_open, is_open=False)
    assert shown(tab)["text"] == ""


def test_messages_are_not_for_doctors(
    db: Session, clinic: Clinic, book: Callable[..., Message], open_tab: Callable[..., Any]
) -> None:
    message = book(5)
    tab = open_tab(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    tab.send(OpenMessageState.open, ref=str(message.ref))
    tab.send(StaffMessagesState.show_patient, patient=str(clinic.alice.ref))
    tab.send(StaffMessagesState.replay_all)

    assert set(tab.toasts) == {"You are not allowed to do that."}
    assert "alice@example.com" not in "".join(tab.frames)
