"""Mails to the owner of an account: what is told, to whom, by which way, and who does not see them."""

import re
from collections.abc import Callable
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from medcal.db import fetch
from medcal.errors import NotFound
from medcal.models import Message, MessageStatus, StaffUser
from medcal.security import SYSTEM, Role, digest
from medcal.services import (
    account_letters,
    accounts,
    events,
    known_browsers,
    outbox,
    own_account,
    people,
    resending,
    second_step,
    sessions,
    staff_links,
    ways,
)
from medcal.services.delivery import deliver_all
from medcal.services.events import EVENTS
from medcal.services.outbox import Filter
from medcal.services.sessions import NOWHERE, Device
from tests.support.factories import NOW, PASSWORD, Clinic, actor, add, make_user
from tests.support.inbox import Mail, inbox
from tests.support.sink import Sink

NEW = "dunkelgrüner Regenschirm"
LAPTOP = Device("203.0.113.7", "Firefox, Windows")


@pytest.fixture
def robin(db: Session, clinic: Clinic) -> StaffUser:
    return make_user(db, "Robin Roth", Role.admin)


@pytest.fixture(autouse=True)
def _mail_is_set_up(configured: Callable[..., None]) -> None:
    configured(SMTP_HOST="127.0.0.1", SMTP_FROM="desk@clinic.example", SMTP_SECURITY="none")


def told(db: Session, user: StaffUser) -> list[Mail]:
    return inbox(db, to=user.email, kind="account")


def turn_on(db: Session, user: StaffUser) -> tuple[Callable[..., str], list[str]]:
    key = own_account.begin_second_step(db, actor(user), PASSWORD).key
    codes = own_account.confirm_second_step(db, actor(user), pyotp.TOTP(key).at(NOW), "", now=NOW)
    return pyotp.TOTP(key).at, codes


# --- What is told -----------------------------------------------------------------------------------------------------


def test_a_new_password_is_told_to_its_owner_and_to_nobody_else(db, clinic, robin):
    own_account.change_password(db, actor(clinic.sam), PASSWORD, NEW, NOWHERE, now=NOW)

    [mail] = told(db, clinic.sam)
    assert "The password of your account was changed." in mail.text and "Hello Sam Stern," in mail.text
    assert len(inbox(db, kind="account")) == 1


def test_a_password_under_a_link_of_an_admin_is_told_and_the_first_one_is_not(db, clinic, robin):
    link = staff_links.make_link(db, clinic.sam, by=actor(robin), now=NOW)
    staff_links.use_link(db, link.token, NEW, now=NOW)
    invited = people.invite(
        db, email="nora@clinic.example", name="Nora New", role=Role.reception, by=actor(robin), now=NOW
    )
    staff_links.use_link(db, invited.token, NEW, now=NOW)

    assert [mail.to for mail in inbox(db, kind="account")] == [clinic.sam.email]


def test_each_change_of_the_second_step_is_told(db, clinic, robin):
    app, codes = turn_on(db, clinic.sam)
    own_account.renew_recovery_codes(
        db, actor(clinic.sam), app(NOW + timedelta(minutes=1)), now=NOW + timedelta(minutes=1)
    )
    people.remove_second_step(db, clinic.sam.ref, by=actor(robin), now=NOW)

    said = [mail.text for mail in told(db, clinic.sam)]
    assert "switched on" in said[0] and "New recovery codes" in said[1] and "switched off" in said[2]
    assert not any(code in text for text in said for code in codes)


def test_a_recovery_code_in_place_of_the_app_is_told(db, clinic):
    _, codes = turn_on(db, clinic.sam)
    _, ticket = accounts.sign_in(db, clinic.sam.email, PASSWORD, now=NOW)

    assert second_step.finish(db, digest(ticket), codes[0], NOWHERE, now=NOW)

    assert any("with a recovery code" in mail.text for mail in told(db, clinic.sam))


def test_a_wrong_recovery_code_is_not(db, clinic):
    turn_on(db, clinic.sam)
    _, ticket = accounts.sign_in(db, clinic.sam.email, PASSWORD, now=NOW)

    assert second_step.finish(db, digest(ticket), "0000-0000-0000", NOWHERE, now=NOW) is None

    assert len(told(db, clinic.sam)) == 1


def test_every_event_that_is_told_has_its_words_and_every_word_its_event():
    assert set(account_letters.WORDS) == {kind for kind, follows in EVENTS.items() if follows.tells_owner}


@pytest.mark.parametrize("kind", sorted(account_letters.WORDS))
@pytest.mark.parametrize("language", ["en", "de"])
def test_each_mail_is_whole_and_has_no_link_into_the_account(db, clinic, kind, language):
    clinic.sam.language = language
    events.record(db, kind, by=SYSTEM, now=NOW, account=clinic.sam.ref, browser=LAPTOP.browser, address=LAPTOP.address)

    [mail] = told(db, clinic.sam)
    assert clinic.location.name in mail.subject
    assert LAPTOP.browser in mail.text and LAPTOP.address in mail.html
    assert "{" not in mail.subject + mail.text
    assert "/l/" not in mail.text + mail.html and "/staff" not in mail.text + mail.html
    assert mail.row.language == language


def test_what_a_browser_calls_itself_is_no_html(db, clinic):
    events.record(
        db, "account.new_browser", by=SYSTEM, now=NOW, account=clinic.sam.ref, browser="<b>x</b>", address="<i>"
    )

    assert not re.search("<b>x|<i>", told(db, clinic.sam)[0].html)


# --- From a new browser -----------------------------------------------------------------------------------------------


def sign_in(db: Session, user: StaffUser, marks: str = "") -> None:
    device = Device(LAPTOP.address, LAPTOP.browser, marks)
    accounts.sign_in(db, user.email, PASSWORD, device=device, now=NOW)


def test_the_first_sign_in_of_all_is_no_news(db, clinic):
    sign_in(db, clinic.sam)

    assert told(db, clinic.sam) == []


def test_a_browser_that_the_account_does_not_know_is_told_with_where_it_is(db, clinic):
    sign_in(db, clinic.sam)
    sign_in(db, clinic.sam)

    [mail] = told(db, clinic.sam)
    assert "had not been used for it before" in mail.text
    assert "203.0.113.7" in mail.text and "Firefox, Windows" in mail.text


def test_a_browser_that_was_used_before_is_no_news_though_others_use_it_too(db, clinic, robin):
    sign_in(db, clinic.sam)
    marks = known_browsers.remember(robin.id, known_browsers.remember(clinic.sam.id, ""))

    sign_in(db, clinic.sam, marks)

    assert told(db, clinic.sam) == []


def test_a_mark_is_of_one_account_and_cannot_be_made_up(db, clinic, robin):
    sign_in(db, clinic.sam)
    for marks in (known_browsers.remember(robin.id, ""), "x" * 20, "", "\0", "ä" * 60):
        sign_in(db, clinic.sam, marks)

    assert len(told(db, clinic.sam)) == 5


def test_a_wrong_password_from_a_new_browser_is_not_told(db, clinic):
    sign_in(db, clinic.sam)
    with pytest.raises(Exception, match="wrong"):
        accounts.sign_in(db, clinic.sam.email, "a guess of mine", device=LAPTOP, now=NOW)

    assert told(db, clinic.sam) == []


def test_a_password_without_its_second_step_is_not_told_either(db, clinic):
    sign_in(db, clinic.sam)
    turn_on(db, clinic.sam)
    before = len(told(db, clinic.sam))

    sign_in(db, clinic.sam)

    assert len(told(db, clinic.sam)) == before


def test_a_shared_computer_keeps_the_marks_of_those_who_came_last():
    marks = ""
    for user_id in range(1, 15):
        marks = known_browsers.remember(user_id, known_browsers.remember(user_id, marks))

    assert len(marks) == known_browsers.MARK * known_browsers.MOST_MARKS <= 200
    assert [known_browsers.is_known(user_id, marks) for user_id in (4, 5, 14)] == [False, True, True]


def test_what_a_browser_shall_remember_is_of_who_was_let_in(db, clinic):
    _, value = accounts.sign_in(db, clinic.sam.email, PASSWORD, now=NOW)

    assert known_browsers.is_known(clinic.sam.id, sessions.remember_browser(db, value, ""))
    assert sessions.remember_browser(db, "nobody's", "as before") == "as before"


# --- By which way, and before whose eyes ------------------------------------------------------------------------------


def test_where_no_mail_is_set_up_nothing_is_written(db, clinic, configured, monkeypatch):
    for name in ("SMTP_HOST", "SMTP_FROM", "SMTP_SECURITY"):
        monkeypatch.delenv(name)
    configured()

    own_account.change_password(db, actor(clinic.sam), PASSWORD, NEW, NOWHERE, now=NOW)

    assert inbox(db) == []


def test_n8n_gets_it_under_its_own_kind(db, clinic, webhook: Sink):
    own_account.change_password(db, actor(clinic.sam), PASSWORD, NEW, NOWHERE, now=NOW)
    deliver_all(now=NOW)

    [call] = webhook.calls
    assert (call.payload["type"], call.payload["to"]) == ("account", clinic.sam.email)
    assert told(db, clinic.sam)[0].row.status is MessageStatus.handed_over


def test_its_address_at_n8n_is_no_slip_of_the_pen(configured):
    configured(N8N_WEBHOOK_URL_ACCOUNT="https://n8n.example/webhook/medcal-account", N8N_WEBHOOK_SECRET="s" * 30)

    assert ways.unknown_kinds() == []
    assert "account" in {way.kind for way in ways.configured()}


def test_reception_finds_it_nowhere_and_is_never_to_call(db, clinic, configured, monkeypatch):
    own_account.change_password(db, actor(clinic.sam), PASSWORD, NEW, NOWHERE, now=NOW)
    [mail] = told(db, clinic.sam)
    monkeypatch.delenv("SMTP_HOST")
    configured(N8N_WEBHOOK_URL_CODE="https://n8n.example/webhook", N8N_WEBHOOK_SECRET="s" * 30)
    deliver_all(now=NOW)
    db.refresh(mail.row)

    assert (mail.row.status, mail.row.channel) == (MessageStatus.dead, "email")
    assert outbox.list_messages(db, clinic.desk, Filter(search="sam"), 50) == []
    attention = outbox.attention(db, clinic.desk, NOW)
    assert (attention.dead, attention.to_call) == (0, 0)
    assert resending.replay_all(db, Filter(), by=clinic.desk, now=NOW) == 0
    with pytest.raises(NotFound):
        outbox.open_message(db, clinic.desk, mail.row.ref, NOW)
    with pytest.raises(NotFound):
        resending.resend(db, mail.row.ref, by=clinic.desk, now=NOW)


def test_a_message_is_for_a_patient_or_for_the_staff(db, clinic):
    about = {"reason": "r", "kind": "account", "recipient": "x", "recipient_name": "x", "subject": "x", "text": "x"}
    times = {"due_at": NOW, "next_try_at": NOW, "created_at": NOW}
    for readers in ({}, {"patient_id": clinic.alice.id, "staff_user_id": clinic.sam.id}):
        with pytest.raises(IntegrityError, match="ck_message_for_one_reader"), db.begin_nested():
            add(db, Message(**about, **times, **readers))


def test_it_warns_for_three_days_and_no_longer(db, clinic):
    own_account.change_password(db, actor(clinic.sam), PASSWORD, NEW, NOWHERE, now=NOW)

    deliver_all(now=NOW + account_letters.OF_USE_FOR)

    assert told(db, clinic.sam)[0].row.status is MessageStatus.missed
    assert fetch(db, "SELECT id FROM delivery") == []
