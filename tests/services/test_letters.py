"""Letters say what their reader needs, in her language and the clinic's clock, and nothing about why she comes."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from medcal.i18n import LANGUAGES, language
from medcal.services import notifications, webhooks
from medcal.services.letters import LETTERS, Occasion, Place, Visit, framed, write_letter
from tests.support.factories import (
    NOW,
    add,
    make_appointment,
    make_booker,
    make_clinic,
    make_entry,
    make_offer,
    make_visit_type,
)
from tests.support.inbox import inbox

PLACE = Place("Medcal Clinic Vienna", ZoneInfo("Europe/Vienna"), "Ringstraße 1, 1010 Wien", "+43 1 555 0100")
OCCASION = Occasion(
    place=PLACE,
    site="https://clinic.example",
    recipient="Alice Adler",
    visit=Visit(datetime(2026, 3, 26, 8, 30, tzinfo=UTC), datetime(2026, 3, 26, 9, tzinfo=UTC), "Dr. Ada Okafor"),
    booking_code="K7QM-2B9T",
    offered=Visit(datetime(2026, 3, 12, 13, tzinfo=UTC), datetime(2026, 3, 12, 13, 30, tzinfo=UTC), "Dr. Ben Novak"),
    answer_until=datetime(2026, 3, 10, 13, 7, tzinfo=UTC),
    one_time_code="042137",
)
EVERY_LETTER = pytest.mark.parametrize("kind", sorted(LETTERS))
EVERY_LANGUAGE = pytest.mark.parametrize("spoken", sorted(LANGUAGES))


@EVERY_LETTER
@EVERY_LANGUAGE
def test_every_letter_can_be_written_in_every_language(kind: str, spoken: str) -> None:
    with language(spoken):
        letter = write_letter(kind, OCCASION)

    assert letter.subject
    assert letter.paragraphs
    known = {f"{{link:{action.purpose}}}" for action in letter.actions}
    for rendered in (letter.as_text(), letter.as_html()):
        assert set(re.findall(r"{[^}]*}", rendered)) == known


@EVERY_LETTER
def test_text_and_html_say_the_same(kind: str) -> None:
    letter = write_letter(kind, OCCASION)

    said = [letter.greeting, *letter.paragraphs, *(part for fact in letter.facts for part in fact), *letter.footer]
    for rendered in (letter.as_text(), letter.as_html()):
        assert [part for part in said if part not in rendered] == []


@EVERY_LETTER
def test_nothing_is_fetched_from_elsewhere_when_a_letter_is_opened(kind: str) -> None:
    letter = write_letter(kind, OCCASION)
    html = framed(letter.as_html(), subject=letter.subject, language="en")

    assert not re.search(r"<(img|script|link|iframe|object)\b|url\(|@import|src=", html)
    assert set(re.findall(r'href="([^"]*)"', html)) == {f"{{link:{action.purpose}}}" for action in letter.actions}


@EVERY_LANGUAGE
def test_no_message_tells_what_the_visit_is_for(db: Session, spoken: str) -> None:
    clinic = make_clinic(db)
    clinic.specialty.name = clinic.specialty.slug = "Marked-Specialty"
    clinic.specialty.practitioner = "Marked-Practitioner"
    visit_type = make_visit_type(db, clinic.specialty, name="Marked-Visit")
    marked = {
        "reason": "Marked-Reason",
        "request": "Marked-Request",
        "cancel_reason": "Marked-Cancel",
        "visit_type": visit_type,
    }
    later = make_appointment(db, clinic, NOW + timedelta(days=20), **marked)
    offer = make_offer(db, clinic, make_entry(db, clinic, later), NOW + timedelta(days=10))
    code = _make_code(db)

    for kind in LETTERS.keys() - {"code"}:
        notifications.write(db, kind, appointment_id=later.id, offer_id=offer.id, language=spoken, now=NOW)
    notifications.write_code(
        db,
        "042137",
        code_id=code,
        patient_id=clinic.alice.id or 0,
        recipient="alice@example.com",
        language=spoken,
        now=NOW,
    )

    written = inbox(db)
    assert {mail.kind for mail in written} == set(LETTERS)
    for mail in written:
        everything = webhooks.payload(mail.row, mail.text, mail.html).decode() + mail.row.calendar
        assert re.findall(r"marked[-\w]*|cardiolog\w*|1984|Check-up", everything, re.IGNORECASE) == []


def _make_code(db: Session) -> int:
    from medcal.models import OneTimeCode

    code = OneTimeCode(
        contact_digest="0", code_digest="0", visit_digest="0", created_at=NOW, expires_at=NOW + timedelta(minutes=10)
    )
    return add(db, code).id or 0


def test_times_are_those_of_the_clinics_clock_and_the_zone_is_named() -> None:
    text = write_letter("appointment.booked", OCCASION).as_text()

    assert "Thursday, 26 March 2026, 09:30 to 10:00 (Central European Time)" in text


def test_a_german_letter_has_german_dates() -> None:
    with language("de"):
        letter = write_letter("appointment.booked", OCCASION)

    assert "Donnerstag, 26. März 2026" in letter.as_text()
    assert "Mitteleuropäische Zeit" in letter.as_text()


def test_summer_time_moves_the_clock_of_the_letter() -> None:
    visit = Visit(datetime(2026, 3, 30, 8, 30, tzinfo=UTC), datetime(2026, 3, 30, 9, tzinfo=UTC), "Dr. Ada Okafor")

    letter = write_letter("appointment.booked", replace(OCCASION, visit=visit))

    assert letter.subject == "Your appointment on Mon 30 Mar at 10:30"


def test_an_offer_names_both_times_and_the_minute_until_which_it_is_held() -> None:
    text = write_letter("offer.made", OCCASION).as_text()

    assert "holding it for you until 14:07 on Tuesday, 10 March 2026 (Central European Time)" in text
    assert "Offered: Thursday, 12 March 2026, 14:00 to 14:30" in text
    assert "Your present time: Thursday, 26 March 2026, 09:30 to 10:00" in text
    assert "Dr. Ben Novak" in text


def test_an_offer_to_somebody_without_an_appointment_speaks_of_none() -> None:
    text = write_letter("offer.made", replace(OCCASION, visit=None)).as_text()

    assert "present" not in text
    assert "you keep your place on the list" in text


def test_a_withdrawn_offer_says_that_the_appointment_and_the_place_are_kept() -> None:
    letter = write_letter("offer.withdrawn", OCCASION)

    assert letter.subject == "The earlier time is no longer free"
    assert "Your appointment stays as it is, and so does your place on the list." in letter.as_text()


@pytest.mark.parametrize("kind", ["reminder.three_days", "reminder.one_day"])
def test_a_reminder_can_be_answered_and_says_that_somebody_waits(kind: str) -> None:
    letter = write_letter(kind, OCCASION)

    assert [action.purpose for action in letter.actions] == ["confirm", "cancel", "appointment"]
    assert "Please tell us if you cannot come: somebody else will be glad of the time." in letter.as_text()


def test_who_booked_for_somebody_reads_for_whom(db: Session) -> None:
    clinic = make_clinic(db)
    booker = make_booker(db, "Charlie Czerny", "charlie@example.com")
    appointment = make_appointment(db, clinic, NOW + timedelta(days=5), booker_id=booker.id)

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db, to="charlie@example.com")
    assert "Hello Charlie Czerny," in mail.text
    assert "For: Alice Adler" in mail.text


def test_a_name_cannot_put_anything_into_the_html() -> None:
    html = write_letter(
        "appointment.booked", replace(OCCASION, recipient='<b onclick="x">Eve</b> & {{ 7*7 }}')
    ).as_html()

    assert "<b " not in html
    assert "&lt;b onclick=&#34;x&#34;&gt;Eve&lt;/b&gt; &amp; {{ 7*7 }}" in html


def test_an_sms_is_short_and_has_one_link() -> None:
    assert write_letter("reminder.one_day", OCCASION).as_sms().splitlines() == [
        "Medcal Clinic Vienna: Reminder: your appointment on Thu 26 Mar at 09:30",
        "{link:confirm}",
    ]
    assert "14:07" in write_letter("offer.made", OCCASION).as_sms()


def test_a_code_is_not_in_the_subject_where_others_see_it() -> None:
    letter = write_letter("code", OCCASION)

    assert "042137" not in letter.subject
    assert "042137" in letter.as_text()
    assert "042137" in letter.as_sms()
