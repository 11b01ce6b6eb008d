"""Letters say what their reader needs, in her language and the clinic's clock, and nothing about why she comes."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from medcal.i18n import LANGUAGES, language
from medcal.services import notifications
from medcal.services.letter_kinds import LETTERS
from medcal.services.letters import framed, write_letter
from medcal.services.occasions import Occasion, Place, Visit
from medcal.services.wording import Wording
from tests.support.factories import NOW, make_appointment, make_booker, make_clinic
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


def test_a_reminder_can_be_answered_and_says_what_its_time_is_worth() -> None:
    letter = write_letter("reminder", OCCASION)

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
    assert write_letter("reminder", OCCASION).as_sms().splitlines() == [
        "Medcal Clinic Vienna: Reminder: your appointment on Thu 26 Mar at 09:30",
        "{link:confirm}",
    ]
    assert "14:07" in write_letter("offer.made", OCCASION).as_sms()


def test_a_phones_list_begins_with_what_the_letter_is_about() -> None:
    html = write_letter("offer.withdrawn", OCCASION).as_html()

    words = re.sub(r"<[^>]+>", "", html).strip()
    assert words.startswith("The time on Thu 12 Mar at 14:00 that we offered you is no longer free.")


OWN = Wording("{clinic}: {day}, {time}", "Bring your card.", "Dear {name},\n\nplease come to {doctor}\nin time.")


def test_own_words_are_in_the_mail_and_in_the_text_message_and_the_facts_stay() -> None:
    letter = write_letter("appointment.booked", OCCASION, OWN)

    assert letter.subject == "Medcal Clinic Vienna: Thu 26 Mar, 09:30"
    for rendered in (letter.as_text(), letter.as_html()):
        assert "please come to Dr. Ada Okafor in time." in rendered
        assert "Thursday, 26 March 2026, 09:30 to 10:00 (Central European Time)" in rendered
        assert "{link:cancel}" in rendered
    assert letter.as_sms().splitlines() == [
        "Medcal Clinic Vienna: Medcal Clinic Vienna: Thu 26 Mar, 09:30",
        "Bring your card.",
        "{link:appointment}",
    ]


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    eve = replace(OCCASION, recipient="{code} {link:cancel}")

    letter = write_letter("appointment.booked", eve, OWN)

    assert letter.paragraphs[0] == "Dear {code} {link:cancel},"


def test_own_words_cannot_put_anything_into_the_html() -> None:
    own = Wording("Hello", "", "<script>alert(1)</script> & <b>bold</b>")

    html = write_letter("appointment.booked", OCCASION, own).as_html()

    assert "<script>" not in html and "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold&lt;/b&gt;" in html


def test_a_code_is_not_in_the_subject_where_others_see_it() -> None:
    letter = write_letter("code", OCCASION)

    assert "042137" not in letter.subject
    assert "042137" in letter.as_text()
    assert "042137" in letter.as_sms()
