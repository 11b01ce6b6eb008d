"""A patient's way in: mailed links and one-time codes, and the cookies that carry what they open."""

import re
from datetime import timedelta

import icalendar
import pytest

from medcal import clock
from medcal.db import fetch, fetch_one
from medcal.edge.cookies import CONTACT, VISIT
from medcal.security import digest
from medcal.services import access, notifications, one_time_codes
from medcal.services.proof_of_work import new_challenge
from tests.support.factories import make_appointment, make_clinic, make_entry, make_offer, make_patient
from tests.support.inbox import inbox
from tests.support.proof import for_a_code, solve


@pytest.fixture
def clinic(db):
    return make_clinic(db)


@pytest.fixture
def appointment(db, clinic):
    # The routes ask the real clock.
    return make_appointment(db, clinic, clock.now().replace(microsecond=0) + timedelta(days=3))


def links_of(db, kind, **about):
    notifications.write(db, kind, now=clock.now(), **about)
    return [link.removeprefix("http://clinic.test") for link in inbox(db, kind=kind)[-1].links]


def seen(db, browser):
    visit = browser.cookies.get(VISIT)
    return [each.id for each in access.what_may_be_seen(db, digest(visit), clock.now())] if visit else []


def ask_for_code(db, browser, contact="alice@example.com"):
    answer = browser.post("/api/appointment/code", contact=contact, proof=for_a_code())
    sent = inbox(db, kind="code")
    return answer, re.search(r"\b\d{6}\b", sent[-1].text)[0] if sent else "123456"


# --- Links ------------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_a_clean_address_where_the_appointment_can_be_seen(db, browser, appointment):
    answer = browser.get(links_of(db, "appointment.booked", appointment_id=appointment.id)[0])

    assert (answer.status_code, answer.headers["location"]) == (303, "/appointment")
    assert seen(db, browser) == [appointment.id]


def test_a_link_leaves_no_trace_behind(db, browser, appointment):
    answer = browser.get(links_of(db, "appointment.booked", appointment_id=appointment.id)[0])

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_links_of_a_reminder_name_what_the_page_shall_ask(db, browser, appointment):
    links = links_of(db, "reminder", appointment_id=appointment.id)

    places = [browser.get(link).headers["location"] for link in links]

    assert places == ["/appointment?wish=confirm", "/appointment?wish=cancel", "/appointment"]


def test_a_link_to_an_offer_leads_to_the_offer(db, browser, clinic, appointment):
    now = clock.now()
    entry = make_entry(db, clinic, appointment)
    offer = make_offer(db, clinic, entry, now + timedelta(days=1), answer_until=now + timedelta(hours=2))

    (link,) = links_of(db, "offer.made", offer_id=offer.id)

    assert browser.get(link).headers["location"] == "/offer"
    assert access.current_offer(db, digest(browser.cookies[VISIT]), clock.now()).id == offer.id


def test_the_link_in_the_letter_about_a_pause_leads_to_the_wish(db, browser, clinic):
    paula = make_patient(db, "Paula", "paula@example.com", language="de")
    now = clock.now()
    entry = make_entry(db, clinic, patient=paula, status="paused")
    offer = make_offer(db, clinic, entry, now + timedelta(days=1), answer_until=now + timedelta(hours=2))

    (link,) = links_of(db, "waitlist.paused", offer_id=offer.id)

    for _ in range(2):
        assert browser.get(link).headers["location"] == "/de/earlier"
    assert [each.id for each in access.wishes_seen(db, digest(browser.cookies[VISIT]), clock.now())] == [entry.id]
    assert entry.status == "paused"


def test_a_link_leads_to_the_page_in_the_patients_language(db, browser, clinic):
    paula = make_patient(db, "Paula", "paula@example.com", language="de")
    appointment = make_appointment(db, clinic, clock.now() + timedelta(days=3), paula)

    link = links_of(db, "appointment.booked", appointment_id=appointment.id)[0]

    assert browser.get(link).headers["location"] == "/de/appointment"


@pytest.mark.parametrize("link", ["/l/made-up", "/l/%00", "/l/" + "x" * 5_000, "/l/%F0%9F%92%A5"])
def test_an_old_or_invented_link_leads_to_a_page_that_says_so(browser, link):
    answer = browser.get(link)

    assert (answer.status_code, answer.headers["location"]) == (303, "/link-expired")
    assert browser.cookies == {}


def test_that_page_speaks_the_browsers_language(browser):
    answer = browser.get("/l/made-up", **{"accept-language": "fr-CH, de-AT;q=0.9, en;q=0.8"})

    assert answer.headers["location"] == "/de/link-expired"


def test_an_expired_link_opens_nothing(db, browser, appointment):
    link = links_of(db, "appointment.booked", appointment_id=appointment.id)[0]
    fetch(db, "UPDATE access_token SET expires_at = now() - interval '1 second'")

    assert browser.get(link).headers["location"] == "/link-expired"
    assert seen(db, browser) == []


def test_opening_a_link_gives_the_browser_a_new_cookie_that_keeps_what_it_saw(db, browser, clinic, appointment):
    first, second = appointment, make_appointment(db, clinic, clock.now() + timedelta(days=4), clinic.bob)
    browser.get(links_of(db, "appointment.booked", appointment_id=first.id)[0])
    planted = browser.cookies[VISIT]
    browser.get(links_of(db, "appointment.booked", appointment_id=second.id)[0])

    assert browser.cookies[VISIT] != planted
    assert seen(db, browser) == [second.id, first.id]
    assert [each.id for each in access.what_may_be_seen(db, digest(planted), clock.now())] == [first.id]


def test_a_stranger_with_a_cookie_of_her_own_sees_nothing(db, browser, new_browser, appointment):
    browser.get(links_of(db, "appointment.booked", appointment_id=appointment.id)[0])
    stranger = new_browser()
    stranger.take_cookie(VISIT, "a-cookie-of-charlie-the-stranger")

    assert seen(db, stranger) == []
    assert stranger.get("/api/appointment.ics").status_code == 404
    assert new_browser().get("/api/appointment.ics").status_code == 404


# --- Codes ------------------------------------------------------------------------------------------------------------


def test_a_code_opens_the_appointments_in_the_browser_that_asked(db, browser, appointment):
    answer, code = ask_for_code(db, browser)
    before = browser.cookies[VISIT]
    opened = browser.post("/api/appointment/open", code=code)

    assert answer.headers["location"] == "/appointment/find?step=code"
    assert opened.headers["location"] == "/appointment"
    assert seen(db, browser) == [appointment.id]
    assert browser.cookies[VISIT] != before
    assert access.what_may_be_seen(db, digest(before), clock.now()) == []


def test_a_known_and_an_unknown_contact_get_the_same_answer(db, new_browser, appointment):
    def shape(contact):
        browser = new_browser()
        answer, _ = ask_for_code(db, browser, contact)
        opened = browser.post("/api/appointment/open", code="000000")
        cookies = {name: len(value) for name, value in browser.cookies.items() if name == VISIT}
        return answer.status_code, answer.headers["location"], opened.headers["location"], cookies

    assert shape("alice@example.com") == shape("charlie@example.com")


def test_what_the_browser_keeps_until_the_code_is_there_says_nothing_of_her_either(
    db, browser, appointment, configured
):
    configured(MEDCAL_URL="https://clinic.test")

    answer = browser.post("/api/appointment/code", {"origin": None}, contact="alice@example.com", proof=for_a_code())

    [cookie] = [cookie for cookie in answer.headers.get_list("set-cookie") if CONTACT in cookie]
    assert cookie.startswith(f"__Host-{CONTACT}=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"))
    assert "alice" not in cookie and "example" not in cookie


def test_a_contact_that_the_browser_made_up_opens_nothing(db, browser, appointment):
    _, code = ask_for_code(db, browser)
    browser.take_cookie(CONTACT, "alice%40example.com")

    assert "failed=code" in browser.post("/api/appointment/open", code=code).headers["location"]
    assert seen(db, browser) == []


def test_no_address_says_whose_appointments_are_looked_for(db, browser, appointment):
    answer, _ = ask_for_code(db, browser)

    assert "alice" not in answer.headers["location"]


def test_a_wrong_code_counts_although_it_is_refused(db, browser, appointment):
    _, code = ask_for_code(db, browser)
    wrong = "000000" if code != "000000" else "111111"

    places = [browser.post("/api/appointment/open", code=wrong).headers["location"] for _ in range(5)]

    assert set(places) == {"/appointment/find?step=code&failed=code"}
    assert browser.post("/api/appointment/open", code=code).headers["location"] == places[0]
    assert seen(db, browser) == []


def test_a_code_of_one_browser_is_worth_nothing_in_another(db, browser, new_browser, appointment):
    _, code = ask_for_code(db, browser)
    thief = new_browser()
    ask_for_code(db, thief, "charlie@example.com")

    assert "failed=code" in thief.post("/api/appointment/open", code=code).headers["location"]
    assert "failed=code" in new_browser().post("/api/appointment/open", code=code).headers["location"]
    assert seen(db, thief) == []


def test_a_contact_that_is_none_leads_back_to_the_form(browser):
    answer = browser.post("/api/appointment/code", contact="alice", language="de", proof=for_a_code())

    assert answer.headers["location"] == "/de/appointment/find?failed=form"


@pytest.mark.parametrize("proof", ["", "x", "6.99999999999.0.0.1"])
def test_who_has_not_worked_for_it_gets_no_code(db, browser, appointment, proof):
    answer = browser.post("/api/appointment/code", contact="alice@example.com", proof=proof)

    assert answer.headers["location"] == "/appointment/find?failed=proof"
    assert inbox(db, kind="code") == []


def test_a_proof_sends_one_code_and_none_after_its_time(db, browser, appointment):
    proof, late = for_a_code(), for_a_code(clock.now() - one_time_codes.CHALLENGE_LASTS)
    answers = [
        browser.post("/api/appointment/code", contact="alice@example.com", proof=each) for each in (proof, proof, late)
    ]

    assert ["failed=proof" in answer.headers["location"] for answer in answers] == [False, True, True]
    assert len(inbox(db, kind="code")) == 1


def test_a_proof_for_booking_sends_no_code(db, browser, appointment):
    foreign = solve(new_challenge("book", "", bits=1, until=clock.now() + one_time_codes.CHALLENGE_LASTS))

    assert (
        "failed=proof"
        in browser.post("/api/appointment/code", contact="alice@example.com", proof=foreign).headers["location"]
    )
    assert inbox(db, kind="code") == []


def test_after_five_codes_the_sixth_has_to_wait(db, browser, appointment):
    for _ in range(5):
        ask_for_code(db, browser)

    answer, _ = ask_for_code(db, browser)

    assert answer.headers["location"] == "/appointment/find?failed=wait"
    assert len(inbox(db, kind="code")) == 5


def test_leaving_forgets_the_patient_on_this_device(db, browser, appointment):
    browser.get(links_of(db, "appointment.booked", appointment_id=appointment.id)[0])

    answer = browser.post("/api/appointment/leave", language="de")

    assert answer.headers["location"] == "/de"
    assert browser.cookies == {}
    assert fetch_one(db, "SELECT count(*) AS rows FROM patient_access").rows == 0


# --- The calendar file ------------------------------------------------------------------------------------------------


def test_the_calendar_file_is_of_the_appointment_that_was_opened_last(db, browser, clinic, appointment):
    other = make_appointment(db, clinic, clock.now() + timedelta(days=4), clinic.bob)
    for each in (other, appointment):
        browser.get(links_of(db, "appointment.booked", appointment_id=each.id)[0])

    answer = browser.get("/api/appointment.ics")
    (event,) = icalendar.Calendar.from_ical(answer.text).walk("VEVENT")

    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert (event.start, event["UID"]) == (appointment.starts_at, f"{appointment.ref}@medcal")


def test_the_calendar_file_of_a_cancelled_appointment_takes_it_out(db, browser, clinic):
    gone = make_appointment(db, clinic, clock.now() + timedelta(days=3), status="cancelled", cancelled_at=clock.now())
    access.grant_after_booking(db, gone, digest("a-visit-of-alice-in-her-browser"), clock.now())
    browser.take_cookie(VISIT, "a-visit-of-alice-in-her-browser")

    file = icalendar.Calendar.from_ical(browser.get("/api/appointment.ics").text)

    assert file["METHOD"] == "CANCEL"


def test_the_calendar_file_tells_neither_name_nor_reason(db, browser, appointment):
    appointment.reason = appointment.request = "A secret reason"
    db.flush()
    browser.get(links_of(db, "appointment.booked", appointment_id=appointment.id)[0])

    text = browser.get("/api/appointment.ics").text

    for secret in ("Alice", "alice@example.com", "secret", "Cardio"):
        assert secret not in text
