"""What a patient's browser may see, and what opens it."""

import re
from datetime import timedelta

import pytest

from medcal.db import fetch, fetch_one
from medcal.errors import Invalid, LinkExpired, NotFound, TooManyTries
from medcal.i18n import language
from medcal.models import AccessToken, OfferStatus
from medcal.security import PATIENT, digest
from medcal.services import access, answers, notifications, one_time_codes
from tests.support.factories import (
    NOW,
    add,
    make_appointment,
    make_booker,
    make_clinic,
    make_entry,
    make_hold,
    make_offer,
    make_patient,
)
from tests.support.inbox import inbox

VISIT, OTHER = digest("cookie of a visit"), digest("cookie of another visit")
TUESDAY, THURSDAY = NOW + timedelta(days=1), NOW + timedelta(days=3)


@pytest.fixture
def clinic(db):
    return make_clinic(db)


@pytest.fixture
def appointment(db, clinic):
    return make_appointment(db, clinic, THURSDAY)


def links_of(db, kind, **about):
    """The tokens of the links in a message, by what they are for, in the order of the mail."""
    notifications.write(db, kind, now=NOW, **about)
    return [link.rsplit("/", 1)[1] for link in inbox(db, kind=kind)[-1].links]


def seen(db, visit=VISIT, now=NOW):
    return [appointment.id for appointment in access.what_may_be_seen(db, visit, now)]


# --- Links ------------------------------------------------------------------------------------------------------------


def test_a_link_opens_the_appointment_it_was_sent_for(db, clinic, appointment):
    make_appointment(db, clinic, TUESDAY)
    token = links_of(db, "appointment.booked", appointment_id=appointment.id)[0]

    opened = access.exchange(db, token, VISIT, NOW)

    assert (opened.purpose, opened.is_offer) == ("appointment", False)
    assert seen(db) == [appointment.id]


def test_a_link_may_be_opened_again_and_in_several_browsers(db, appointment):
    token = links_of(db, "appointment.booked", appointment_id=appointment.id)[0]

    for visit in (VISIT, VISIT, OTHER):
        access.exchange(db, token, visit, NOW)

    assert seen(db) == seen(db, OTHER) == [appointment.id]
    assert fetch_one(db, "SELECT count(*) AS rows FROM patient_access").rows == 2


def test_opening_a_link_changes_nothing_about_the_appointment(db, appointment):
    before = dict(appointment.model_dump())

    for token in links_of(db, "reminder", appointment_id=appointment.id):
        access.exchange(db, token, VISIT, NOW)

    db.refresh(appointment)
    assert appointment.model_dump() == before


def test_each_link_of_a_reminder_says_what_it_is_for(db, appointment):
    tokens = links_of(db, "reminder", appointment_id=appointment.id)

    purposes = [access.exchange(db, token, VISIT, NOW).purpose for token in tokens]

    assert purposes == ["confirm", "cancel", "appointment"]


@pytest.mark.parametrize("token", ["", "made-up", "x" * 10_000, "' OR true --", "\0"])
def test_an_invented_link_opens_nothing(db, appointment, token):
    links_of(db, "appointment.booked", appointment_id=appointment.id)

    with pytest.raises(LinkExpired):
        access.exchange(db, token, VISIT, NOW)

    assert seen(db) == []


def test_what_the_database_keeps_of_a_link_opens_nothing(db, appointment):
    links_of(db, "appointment.booked", appointment_id=appointment.id)

    for row in fetch(db, "SELECT token_digest FROM access_token"):
        with pytest.raises(LinkExpired):
            access.exchange(db, row.token_digest, VISIT, NOW)


def test_a_link_and_what_it_opened_end_together(db, appointment):
    token = links_of(db, "appointment.booked", appointment_id=appointment.id)[0]
    access.exchange(db, token, VISIT, NOW)
    late = fetch_one(db, "SELECT max(expires_at) AS at FROM access_token").at

    with pytest.raises(LinkExpired):
        access.exchange(db, token, OTHER, late)

    assert seen(db, now=late - timedelta(seconds=1)) == [appointment.id]
    assert seen(db, now=late) == []


def test_the_page_behind_a_link_speaks_the_patients_language(db, clinic):
    paula = make_patient(db, "Paula", "paula@example.com", language="de")
    appointment = make_appointment(db, clinic, THURSDAY, paula)
    token = links_of(db, "appointment.booked", appointment_id=appointment.id)[0]

    assert access.exchange(db, token, VISIT, NOW).language == "de"


# --- One purpose each -------------------------------------------------------------------------------------------------


@pytest.fixture
def offer(db, clinic, appointment):
    return make_offer(db, clinic, make_entry(db, clinic, appointment), TUESDAY)


def test_a_link_to_an_offer_opens_the_offer_and_no_appointment(db, offer):
    (token,) = links_of(db, "offer.made", offer_id=offer.id)

    assert access.exchange(db, token, VISIT, NOW).is_offer

    assert access.current_offer(db, VISIT, NOW).id == offer.id
    assert seen(db) == []


def test_a_link_to_an_appointment_opens_no_offer(db, appointment, offer):
    for token in links_of(db, "reminder", appointment_id=appointment.id):
        access.exchange(db, token, VISIT, NOW)

    assert access.current_offer(db, VISIT, NOW) is None


@pytest.mark.parametrize("purpose", ["offer", "appointment", "cancel"])
def test_a_link_opens_what_its_purpose_says_whatever_else_it_knows(db, appointment, offer, purpose):
    ids = {"patient_id": offer.patient_id, "appointment_id": appointment.id, "offer_id": offer.id}
    add(
        db,
        AccessToken(
            token_digest=digest("token"), purpose=purpose, created_at=NOW, expires_at=NOW + timedelta(days=1), **ids
        ),
    )

    access.exchange(db, "token", VISIT, NOW)

    assert (access.current_offer(db, VISIT, NOW) is not None) == (purpose == "offer")
    assert bool(seen(db)) == (purpose != "offer")


def test_a_link_to_an_offer_shows_how_it_ended(db, offer):
    (token,) = links_of(db, "offer.made", offer_id=offer.id)
    offer.status, offer.decided_at = OfferStatus.expired, NOW
    db.flush()

    access.exchange(db, token, VISIT, NOW)

    assert access.current_offer(db, VISIT, NOW).status is OfferStatus.expired


def test_a_link_to_an_accepted_offer_shows_the_appointment_that_has_moved(db, appointment, offer):
    (token,) = links_of(db, "offer.made", offer_id=offer.id)
    access.exchange(db, token, VISIT, NOW)

    answers.accept(db, offer.id, by=PATIENT, now=NOW)

    assert seen(db) == [appointment.id]


def test_a_link_to_an_accepted_offer_shows_the_appointment_that_the_hold_has_become(db, clinic):
    offer = make_offer(db, clinic, make_entry(db, clinic), TUESDAY)
    (token,) = links_of(db, "offer.made", offer_id=offer.id)
    access.exchange(db, token, VISIT, NOW)

    answers.accept(db, offer.id, by=PATIENT, now=NOW)

    assert seen(db) == [offer.hold_id]


# --- Strangers --------------------------------------------------------------------------------------------------------


def test_a_strangers_browser_sees_nothing(db, appointment, offer):
    for kind, about in (
        ("appointment.booked", {"appointment_id": appointment.id}),
        ("offer.made", {"offer_id": offer.id}),
    ):
        access.exchange(db, links_of(db, kind, **about)[0], VISIT, NOW)

    assert seen(db, OTHER) == []
    assert access.current_offer(db, OTHER, NOW) is None
    with pytest.raises(NotFound):
        access.get_seen(db, appointment.ref, OTHER, NOW)
    with pytest.raises(NotFound):
        access.choose(db, appointment.ref, OTHER, NOW)


def test_an_appointment_of_another_patient_cannot_be_reached_by_its_reference(db, clinic, appointment):
    access.grant_after_booking(db, appointment, VISIT, NOW)
    bobs = make_appointment(db, clinic, TUESDAY, clinic.bob)

    with pytest.raises(NotFound):
        access.get_seen(db, bobs.ref, VISIT, NOW)


def test_a_time_that_a_form_holds_is_no_appointment_yet(db, clinic):
    hold = make_hold(db, clinic, TUESDAY, NOW + timedelta(minutes=10), patient_id=clinic.alice.id)
    access.grant_after_booking(db, hold, VISIT, NOW)

    assert seen(db) == []


# --- After booking, and several ---------------------------------------------------------------------------------------


def test_the_browser_that_booked_sees_the_appointment_until_a_day_after_the_visit(db, appointment):
    access.grant_after_booking(db, appointment, VISIT, NOW)

    assert seen(db, now=appointment.ends_at + timedelta(hours=23)) == [appointment.id]
    assert seen(db, now=appointment.ends_at + timedelta(hours=24)) == []


def test_what_was_opened_last_comes_first(db, clinic, appointment):
    bobs = make_appointment(db, clinic, TUESDAY, clinic.bob)

    access.grant_after_booking(db, bobs, VISIT, NOW)
    access.grant_after_booking(db, appointment, VISIT, NOW + timedelta(minutes=1))
    assert seen(db) == [appointment.id, bobs.id]
    access.grant_after_booking(db, bobs, VISIT, NOW + timedelta(minutes=2))

    assert seen(db) == [bobs.id, appointment.id]


def test_of_several_the_patient_chooses_one(db, clinic, appointment):
    bobs = make_appointment(db, clinic, TUESDAY, clinic.bob)
    access.grant_after_booking(db, bobs, VISIT, NOW)
    access.grant_after_booking(db, appointment, VISIT, NOW)

    chosen = access.choose(db, bobs.ref, VISIT, NOW + timedelta(minutes=1))

    assert chosen.id == bobs.id
    assert seen(db, now=NOW + timedelta(minutes=1)) == [bobs.id, appointment.id]


def test_choosing_does_not_make_an_access_last_longer(db, clinic):
    appointment = make_appointment(db, clinic, THURSDAY)
    access.grant_after_booking(db, appointment, VISIT, NOW)
    last_moment = appointment.ends_at + timedelta(hours=23, minutes=59)

    access.choose(db, appointment.ref, VISIT, last_moment)

    assert seen(db, now=last_moment + timedelta(minutes=2)) == []


def test_leaving_forgets_the_patient_on_this_device_alone(db, appointment, offer):
    for visit in (VISIT, OTHER):
        access.grant_after_booking(db, appointment, visit, NOW)
        access.exchange(db, links_of(db, "offer.made", offer_id=offer.id)[0], visit, NOW)

    access.leave(db, VISIT)

    assert seen(db) == [] and access.current_offer(db, VISIT, NOW) is None
    assert seen(db, OTHER) == [appointment.id]


def test_a_new_cookie_sees_what_the_old_one_saw_and_the_old_one_nothing_new(db, clinic, appointment):
    bobs = make_appointment(db, clinic, TUESDAY, clinic.bob)
    access.grant_after_booking(db, bobs, VISIT, NOW)

    access.carry_over(db, VISIT, OTHER, NOW)
    access.grant_after_booking(db, appointment, OTHER, NOW + timedelta(minutes=1))

    assert seen(db, OTHER) == [appointment.id, bobs.id]
    assert seen(db) == [bobs.id]


# --- Codes ------------------------------------------------------------------------------------------------------------


def code_in(mail):
    return re.search(r"\b\d{6}\b", mail.text)[0]


def ask_for_code(db, contact, visit=VISIT, now=NOW):
    """The code that was sent, or None if none was."""
    one_time_codes.send_code(db, contact, visit, now)
    sent = [mail for mail in inbox(db, kind="code") if mail.row.created_at == now]
    return code_in(sent[-1]) if sent else None


def test_a_code_shows_all_appointments_of_a_patient(db, clinic, appointment):
    earlier = make_appointment(db, clinic, TUESDAY)
    make_appointment(db, clinic, TUESDAY + timedelta(hours=1), clinic.bob)
    code = ask_for_code(db, " Alice@Example.com")

    assert one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, now=NOW)

    assert seen(db) == [earlier.id, appointment.id]
    assert seen(db, now=NOW + one_time_codes.CODE_OPENS_FOR) == []


def test_coming_visits_come_before_past_and_cancelled_ones(db, clinic, appointment):
    past = make_appointment(db, clinic, NOW - timedelta(days=7))
    dropped = make_appointment(db, clinic, TUESDAY, status="cancelled", cancelled_at=NOW)
    code = ask_for_code(db, "alice@example.com")

    one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, now=NOW)

    assert seen(db) == [appointment.id, dropped.id, past.id]


def test_a_code_shows_an_open_offer_too(db, offer):
    code = ask_for_code(db, "alice@example.com")

    one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, now=NOW)

    assert access.current_offer(db, VISIT, NOW).id == offer.id


def test_a_phone_number_is_as_good_as_an_address(db, clinic):
    paula = make_patient(db, "Paula", None, phone="+436641234567")
    appointment = make_appointment(db, clinic, THURSDAY, paula)

    one_time_codes.send_code(db, "0664 1234567", VISIT, NOW)
    (sms,) = inbox(db, to="+436641234567")
    code = code_in(sms)

    assert one_time_codes.open_with_code(db, "+43 664 1234567", code, VISIT, now=NOW)
    assert seen(db) == [appointment.id]


def test_a_code_shows_a_booker_what_she_booked_and_nothing_else_of_the_patient(db, clinic):
    mother = make_booker(db, "Mona Adler", "mona@example.com")
    booked_by_mother = make_appointment(db, clinic, THURSDAY, booker_id=mother.id)
    make_appointment(db, clinic, TUESDAY)
    code = ask_for_code(db, "mona@example.com")

    one_time_codes.open_with_code(db, "mona@example.com", code, VISIT, now=NOW)

    assert seen(db) == [booked_by_mother.id]


def test_a_code_is_written_in_the_language_of_the_page_that_asked(db, clinic):
    with language("de"):
        one_time_codes.send_code(db, "alice@example.com", VISIT, NOW)

    assert inbox(db, kind="code")[0].row.language == "de"


def test_a_code_works_once(db, appointment):
    code = ask_for_code(db, "alice@example.com")

    answers = [one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, now=NOW) for _ in range(2)]

    assert answers == [True, False]


def test_a_code_does_not_work_after_five_wrong_tries(db, appointment):
    code = ask_for_code(db, "alice@example.com")
    wrong = "000000" if code != "000000" else "111111"

    answers = [one_time_codes.open_with_code(db, "alice@example.com", wrong, VISIT, now=NOW) for _ in range(5)]

    assert answers == [False] * 5
    assert not one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, now=NOW)
    assert seen(db) == []


def test_a_code_survives_four_wrong_tries_and_spaces(db, appointment):
    code = ask_for_code(db, "alice@example.com")
    for _ in range(4):
        one_time_codes.open_with_code(db, "alice@example.com", "12345", VISIT, now=NOW)

    assert one_time_codes.open_with_code(db, "alice@example.com", f" {code[:3]} {code[3:]} ", VISIT, now=NOW)


def test_a_code_does_not_work_in_another_browser(db, appointment):
    code = ask_for_code(db, "alice@example.com")

    assert not one_time_codes.open_with_code(db, "alice@example.com", code, OTHER, now=NOW)
    assert seen(db, OTHER) == []


def test_a_code_opens_nobody_elses_contact(db, clinic):
    make_appointment(db, clinic, THURSDAY, clinic.bob)
    code = ask_for_code(db, "alice@example.com")

    assert not one_time_codes.open_with_code(db, "bob@example.com", code, VISIT, now=NOW)


def test_a_code_is_good_for_ten_minutes(db, appointment):
    code = ask_for_code(db, "alice@example.com")

    assert not one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, now=NOW + timedelta(minutes=10))


def test_a_new_code_ends_the_one_before(db, appointment):
    first = ask_for_code(db, "alice@example.com")
    second = ask_for_code(db, "alice@example.com", now=NOW + timedelta(seconds=1))

    answers = [one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, now=NOW) for code in (first, second)]

    assert answers == [first == second, True]


def test_a_code_can_open_the_new_cookie_of_the_same_browser(db, appointment):
    code = ask_for_code(db, "alice@example.com")

    one_time_codes.open_with_code(db, "alice@example.com", code, VISIT, becomes=OTHER, now=NOW)

    assert seen(db, OTHER) == [appointment.id]
    assert seen(db) == []


def test_a_stranger_gets_no_message_and_learns_nothing(db, clinic):
    assert ask_for_code(db, "charlie@example.com") is None

    assert inbox(db) == []
    assert fetch_one(db, "SELECT count(*) AS codes FROM one_time_code").codes == 1
    assert not one_time_codes.open_with_code(db, "charlie@example.com", "123456", VISIT, now=NOW)


def test_what_the_database_keeps_of_a_code_names_nobody(db, appointment):
    code = ask_for_code(db, "alice@example.com")

    row = str(fetch_one(db, "SELECT * FROM one_time_code"))

    assert code not in row and "alice" not in row


@pytest.mark.parametrize(
    "contact", ["", "alice", "alice@", "12", "\0@example.com", "a@b.c\nBcc: everybody@example.com"]
)
def test_what_is_no_contact_is_said_to_be_none(db, contact):
    with pytest.raises(Invalid) as refusal:
        one_time_codes.send_code(db, contact, VISIT, NOW)

    assert refusal.value.field == "contact"


def test_nobodys_mailbox_is_flooded(db):
    for place in range(5):
        one_time_codes.count_code_wish(db, "alice@example.com", f"203.0.113.{place}", now=NOW)

    with pytest.raises(TooManyTries):
        one_time_codes.count_code_wish(db, "ALICE@example.com", "203.0.113.99", now=NOW)


def test_one_address_cannot_try_out_many_contacts(db):
    for place in range(20):
        one_time_codes.count_code_wish(db, f"somebody-{place}@example.com", "203.0.113.1", now=NOW)

    with pytest.raises(TooManyTries):
        one_time_codes.count_code_wish(db, "alice@example.com", "203.0.113.1", now=NOW)


def test_what_has_expired_is_removed(db, appointment):
    links_of(db, "appointment.booked", appointment_id=appointment.id)
    ask_for_code(db, "alice@example.com")
    access.grant_after_booking(db, appointment, VISIT, NOW)

    assert access.forget_old(db, NOW) == 0
    assert access.forget_old(db, NOW + timedelta(days=30)) == 4
