"""No message tells more than its reader needs: every kind, in every language, in our words and in a clinic's own."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta

import icalendar
import pytest
from sqlmodel import Session

from medcal.i18n import LANGUAGES
from medcal.models import Appointment, LetterText, OneTimeCode
from medcal.services import notifications, webhooks
from medcal.services.letter_kinds import LETTERS
from tests.support.factories import (
    NOW,
    Clinic,
    add,
    make_appointment,
    make_booker,
    make_clinic,
    make_entry,
    make_offer,
    make_patient,
    make_user,
    make_visit_type,
)
from tests.support.inbox import Mail, inbox

# What is marked must not be read anywhere; of the dates of birth every way to write one.
MARKED = re.compile(
    r"marked[-\w]*|[ck]ardiolog\w*|check-up|1984|1951|29\.\s?feb|feb\w*\s29|664\W*1234509", re.IGNORECASE
)
# Random, so they may hold anything: references, and the tokens of links.
RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|/l/[\w-]+")
PHONE = "+436641234509"
KINDS = sorted(LETTERS)


def own_words(db: Session) -> None:
    """A clinic that has put every field into everything that takes it."""
    for kind, form in LETTERS.items():
        everything = " ".join(f"{{{field}}}" for field in form.fields)
        for spoken in LANGUAGES:
            words = {
                "subject": "Own " + " ".join(f"{{{field}}}" for field in form.fields_in_subject),
                "brief": everything,
                "body": f"Our own words: {everything}\n\nAnd no more.",
            }
            add(db, LetterText(kind=kind, language=spoken, changed_at=NOW, **words))


def our_words(db: Session) -> None:
    pass


@pytest.fixture
def clinic(db: Session) -> Clinic:
    clinic = make_clinic(db)
    clinic.specialty.name = clinic.specialty.slug = "Marked-Specialty"
    clinic.specialty.practitioner, clinic.specialty.summary = "Marked-Practitioner", "Marked-Summary"
    clinic.specialty.reasons = ["Marked-Reason-of-list"]
    clinic.okafor.qualification = clinic.okafor.about = "Marked-Doctor"
    clinic.visit_type = make_visit_type(db, clinic.specialty, name="Marked-Visit")
    clinic.sam.name = "Marked-Staff"
    return clinic


def appointment_of(db: Session, clinic: Clinic, *, has_booker: bool) -> Appointment:
    """Of somebody with marks on all that is known of her; with who books for her, her own addresses are marked as well."""
    patient = make_patient(
        db,
        "Alice Adler",
        "marked-patient@example.com" if has_booker else "reader@example.com",
        phone=PHONE,
        born_on=date(1984, 2, 29),
    )
    booker = make_booker(db, "Charlie Czerny", "reader@example.com", PHONE) if has_booker else None
    return make_appointment(
        db,
        clinic,
        NOW + timedelta(days=20),
        patient,
        booker_id=booker.id if booker else None,
        reason="Marked-Reason",
        request="Marked-Request",
        cancel_reason="Marked-Cancel",
        overbooked_by_id=clinic.sam.id,
        overbooked_reason="Marked-Overbooked",
        visit_type=clinic.visit_type,
    )


def other_people(db: Session, clinic: Clinic) -> None:
    """Visits and wishes of others around the same times."""
    bob = make_patient(db, "Marked-Bob", "marked-bob@example.com", born_on=date(1951, 7, 1))
    beside = make_appointment(db, clinic, NOW + timedelta(days=20, hours=1), bob)
    make_entry(db, clinic, beside)
    make_user(db, "Marked-Admin", email="marked-admin@example.com")


def write_all(
    db: Session, clinic: Clinic, appointment: Appointment, spoken: str, recipient: str = "reader@example.com"
) -> list[Mail]:
    """One message of each kind, to one reader."""
    offer = make_offer(db, clinic, make_entry(db, clinic, appointment), NOW + timedelta(days=10))
    # A move to where she believes her visit to be is not told, so it comes before all others.
    for kind in sorted(LETTERS.keys() - {"code"}, key=lambda kind: kind != "appointment.moved"):
        notifications.write(db, kind, appointment_id=appointment.id, offer_id=offer.id, language=spoken, now=NOW)
    code = OneTimeCode(
        contact_digest="0", code_digest="0", visit_digest="0", created_at=NOW, expires_at=NOW + timedelta(minutes=10)
    )
    notifications.write_code(
        db,
        "042137",
        code_id=add(db, code).id or 0,
        patient_id=appointment.patient_id or 0,
        recipient=recipient,
        language=spoken,
        now=NOW,
    )
    return inbox(db, to=recipient)


def said_in(mail: Mail) -> str:
    """All that leaves the house: the words, the calendar file, and what is posted beside them."""
    posted = json.loads(webhooks.payload(mail.row, mail.text, mail.html))
    posted.pop("calendar", None)
    calendar = mail.row.calendar.replace("\r\n ", "")
    return RANDOM.sub("", "\n".join([mail.subject, mail.text, mail.html, calendar, *map(str, posted.values())]))


@pytest.mark.parametrize("put_words", [our_words, own_words], ids=["our words", "own words"])
@pytest.mark.parametrize("has_booker", [False, True], ids=["for herself", "for somebody else"])
@pytest.mark.parametrize("spoken", sorted(LANGUAGES))
def test_no_message_tells_more_than_its_reader_needs(
    db: Session, clinic: Clinic, put_words: Callable[[Session], None], has_booker: bool, spoken: str
) -> None:
    put_words(db)
    other_people(db, clinic)

    written = write_all(db, clinic, appointment_of(db, clinic, has_booker=has_booker), spoken)

    assert sorted(mail.kind for mail in written) == KINDS
    for mail in written:
        assert (mail.kind, MARKED.findall(said_in(mail))) == (mail.kind, [])
        assert ("Our own words" in mail.text) is (put_words is own_words)


@pytest.mark.parametrize("put_words", [our_words, own_words], ids=["our words", "own words"])
@pytest.mark.parametrize("spoken", sorted(LANGUAGES))
def test_no_text_message_tells_more_than_its_reader_needs(
    db: Session, clinic: Clinic, put_words: Callable[[Session], None], spoken: str
) -> None:
    put_words(db)
    other_people(db, clinic)
    appointment = appointment_of(db, clinic, has_booker=True)
    appointment.booker_id = make_booker(db, "Charlie Czerny", None, "+436601234567").id

    written = write_all(db, clinic, appointment, spoken, recipient="+436601234567")

    assert sorted(mail.kind for mail in written) == KINDS
    for mail in written:
        assert (mail.kind, MARKED.findall(said_in(mail))) == (mail.kind, [])
        assert (mail.row.channel, mail.row.html, mail.row.calendar) == ("sms", "", "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_subject_names_nobody_and_no_code(db: Session, clinic: Clinic, kind: str) -> None:
    own_words(db)

    written = write_all(db, clinic, appointment_of(db, clinic, has_booker=True), "en")

    [mail] = [mail for mail in written if mail.kind == kind]
    assert not re.search("Alice|Charlie|Okafor|042137", mail.subject)


def test_a_calendar_entry_says_when_where_and_with_whom_alone(db: Session, clinic: Clinic) -> None:
    appointment = appointment_of(db, clinic, has_booker=True)

    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    [event] = icalendar.Calendar.from_ical(mail.row.calendar).walk("VEVENT")
    words = {name: str(event[name]) for name in ("SUMMARY", "DESCRIPTION", "LOCATION")}
    assert words == {
        "SUMMARY": "Appointment at Medcal Clinic Vienna",
        "DESCRIPTION": "Dr. Ada Okafor\n+43 1 555 0100",
        "LOCATION": "Medcal Clinic Vienna, Ringstraße 1, 1010 Wien",
    }
    assert "Alice" not in mail.row.calendar


def test_the_marks_are_found_where_they_are(db: Session, clinic: Clinic) -> None:
    """Words that somebody has put past all checks: the tests above would see them."""
    appointment = appointment_of(db, clinic, has_booker=False)
    told = f"{clinic.visit_type.name} {appointment.reason} {appointment.request} 29. Feb. 1984 {PHONE} Cardiology"
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
    [mail] = inbox(db)
    mail.row.subject, mail.row.calendar = told, told

    assert len(MARKED.findall(said_in(mail))) >= 14
