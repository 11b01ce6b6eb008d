"""The address of a doctor's calendar, as a calendar program and as a stranger see it."""

from datetime import timedelta

import icalendar
import pytest
from sqlmodel import Session

from medcal import clock
from medcal.api import feed
from medcal.security import Role
from medcal.services import feeds
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_clinic, make_user


@pytest.fixture(autouse=True)
def _nobody_has_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_callers", {})


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def address(db: Session, clinic: Clinic) -> str:
    okafor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))
    make_appointment(db, clinic, clock.now().replace(microsecond=0) + timedelta(days=3))
    return f"/feed/{feeds.make_feed(db, okafor, clinic.okafor.ref, clock.now())}.ics"


def test_a_calendar_program_reads_and_asks_again_whether_it_has_changed(db, browser, clinic, address):
    first = browser.get(address)
    same = browser.get(address, **{"if-none-match": first.headers["etag"]})
    make_appointment(db, clinic, clock.now().replace(microsecond=0) + timedelta(days=4))
    changed = browser.get(address, **{"if-none-match": first.headers["etag"]})

    assert (first.status_code, same.status_code, changed.status_code) == (200, 304, 200)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert first.headers["cache-control"] == same.headers["cache-control"] == "private, no-cache"
    assert (same.content, same.headers["etag"]) == (b"", first.headers["etag"])
    assert [len(icalendar.Calendar.from_ical(each.content).walk("VEVENT")) for each in (first, changed)] == [1, 2]
    assert "set-cookie" not in first.headers


def test_what_nobody_has_made_or_what_was_taken_back_is_not_there(db, browser, clinic, address):
    admin = actor(make_user(db, "Robin Roth", Role.admin))
    [made] = feeds.list_feeds(db, admin, clinic.okafor.ref)
    feeds.revoke_feed(db, admin, made.ref, clock.now())

    answers = [
        browser.get(path) for path in (address, "/feed/nobody-made-this.ics", "/feed/%00.ics", "/feed/x.ics.ics")
    ]

    assert {(answer.status_code, answer.text, answer.headers["cache-control"]) for answer in answers} == {
        (404, answers[0].text, "no-store")
    }
    assert "etag" not in answers[0].headers


def test_who_guesses_is_told_to_wait_and_others_are_not(browser, new_browser, address, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    answers = [browser.get("/feed/guess.ics").status_code for _ in range(70)]

    assert answers.count(404) == 60 and answers.count(429) == 10
    assert browser.get(address).status_code == 429
    assert new_browser("198.51.100.9").get(address).status_code == 200


def test_the_address_cannot_be_written_to(browser, address):
    assert browser.post(address).status_code == 405
