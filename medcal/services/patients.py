"""Who a visit is for: what a form says about a person, checked, and the patient record it belongs to."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

import phonenumbers
from sqlmodel import Session

from medcal.db import fetch_one
from medcal.errors import Invalid
from medcal.i18n import current_language, t
from medcal.security import Actor
from medcal.services import events
from medcal.services.patient_words import new_key, seal_words_with

OLDEST_YEARS = 120
LONGEST_NAME = 120
LONGEST_EMAIL = 200
# Control characters, halves of a character that no database takes, and what turns the direction of writing around.
_UNKEPT = {"Cc", "Cs"}
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Deliberately loose: one @, something with a dot behind it, nothing that breaks a mail header. The real proof is a delivered mail.
_EMAIL = re.compile(r"[^@\s,;:<>()\[\]\\\"]{1,64}@[^@\s,;:<>()\[\]\\\"]{1,180}\.[^@\s.,;:<>()\[\]\\\"]{2,24}")


@dataclass(frozen=True)
class Person:
    """A patient as a form describes her, already checked: trimmed, e-mail in lower case, phone in E.164.

    `known_id` is set where the desk has chosen her record instead of writing her down again.
    """

    name: str
    born_on: date | None
    email: str | None
    phone: str | None
    language: str = "en"
    known_id: int | None = None


@dataclass(frozen=True)
class BookerDetails:
    """Somebody who books for the patient, and gets the messages."""

    name: str
    email: str | None
    phone: str | None


def check_person(
    *, name: str, born_on: str, email: str, phone: str, today: date, region: str = "AT", needs_contact: bool = True
) -> Person:
    """The person a form describes. Raises Invalid with the field and a sentence how to mend it.

    `born_on` is ISO (1984-02-29), `today` the local day of the clinic. With `needs_contact` one of e-mail and phone must be there.
    """
    checked_email, checked_phone = check_contact(email=email, phone=phone, region=region, needs_contact=needs_contact)
    return Person(check_name(name), check_birth_date(born_on, today), checked_email, checked_phone, current_language())


def check_contact(
    *, email: str, phone: str, region: str = "AT", needs_contact: bool = True
) -> tuple[str | None, str | None]:
    """E-mail and phone of a form, in the form we keep. Raises Invalid."""
    found = check_email(email) if email.strip() else None, check_phone(phone, region) if phone.strip() else None
    if needs_contact and not any(found):
        raise Invalid(t("Please give an e-mail address or a phone number, so that we can reach you."), "email")
    return found


def check_name(text: str) -> str:
    """A person's name: 2 to 120 characters on one line, at least one letter. Composed (NFC), so that the same name compares equal."""
    if len(text) > 10 * LONGEST_NAME:
        raise Invalid(_full_name(), "name")
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not all(_is_kept(letter) for letter in name):
        raise Invalid(t("This name has characters that we cannot keep. Please write it in plain letters."), "name")
    if not 2 <= len(name) <= LONGEST_NAME or not any(letter.isalpha() for letter in name):
        raise Invalid(_full_name(), "name")
    return name


def _full_name() -> str:
    return t("Please write the full name (2 to 120 characters).")


def _is_kept(letter: str) -> bool:
    return unicodedata.category(letter) not in _UNKEPT and letter not in _TURNS


def check_birth_date(text: str, today: date) -> date:
    """A day of birth up to 120 years back. Raises Invalid."""
    try:
        born_on = date.fromisoformat(text.strip())
    except ValueError:
        raise Invalid(t("Please give the date of birth as day, month and year."), "born_on") from None
    if born_on > today:
        raise Invalid(t("This date of birth lies in the future."), "born_on")
    if born_on.year < today.year - OLDEST_YEARS:
        raise Invalid(t("Please check the year of birth."), "born_on")
    return born_on


def check_email(text: str) -> str:
    """An address that a mail can be sent to, in lower case. Raises Invalid."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable() or ".." in email:
        raise Invalid(t("Please check the e-mail address, for example anna@example.com."), "email")
    return email


def check_phone(text: str, region: str = "AT") -> str:
    """A phone number in E.164 (+4315550123); without a country code it is read as one of `region`. Raises Invalid."""
    try:
        number = phonenumbers.parse(text.strip(), region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Invalid(t("Please check the phone number, for example +43 1 555 0123."), "phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def check_free_text(text: str, field: str, longest: int) -> str:
    """A remark in the patient's own words: printable lines, no longer than what we keep. Raises Invalid."""
    # What cannot be shown may make it longer than it reads, but megabytes are not looked at letter by letter.
    if len(text) <= 2 * longest + 100:
        kept = "".join(letter for letter in text if letter == "\n" or _is_kept(letter)).strip()
        if len(kept) <= longest:
            return kept
    raise Invalid(t("Please keep this under {longest} characters.", longest=longest), field)


def find_or_add(db: Session, person: Person, *, by: Actor, now: datetime) -> int:
    """The record of this very person (same name, day of birth and e-mail or phone), made when there is none. Returns its id.

    People with the same address but another name or birthday are others: families share addresses. What is new is in the history,
    sealed with a key of hers.
    """
    if person.known_id is not None:
        return person.known_id
    key, secret = new_key()
    row = fetch_one(
        db,
        """WITH known AS (
             SELECT id FROM patient
              WHERE lower(name) = lower(%(name)s) AND born_on IS NOT DISTINCT FROM %(born_on)s
                AND (lower(email) = %(email)s OR phone = %(phone)s)
              ORDER BY id LIMIT 1),
           added AS (
             INSERT INTO patient (ref, name, born_on, email, phone, language, created_at)
             SELECT gen_random_uuid(), %(name)s, %(born_on)s::date, %(email)s, %(phone)s, %(language)s, %(now)s
              WHERE NOT EXISTS (SELECT FROM known) RETURNING id),
           keyed AS (INSERT INTO patient_key (patient_id, secret) SELECT id, %(secret)s FROM added)
           SELECT id, false AS is_new FROM known UNION ALL SELECT id, true FROM added""",
        name=person.name,
        born_on=person.born_on,
        email=person.email,
        phone=person.phone,
        language=person.language,
        secret=secret,
        now=now,
    )
    assert row is not None
    if row.is_new:
        words = seal_words_with(key, name=person.name, born_on=person.born_on, email=person.email, phone=person.phone)
        events.record(db, "patient.added", by=by, now=now, patient_id=row.id, new=words)
    return int(row.id)


def add_booker(db: Session, booker: BookerDetails) -> int:
    """Keep who booked for somebody else. Returns the id."""
    row = fetch_one(
        db,
        "INSERT INTO booker (ref, name, email, phone) VALUES (gen_random_uuid(), %(name)s, %(email)s, %(phone)s) RETURNING id",
        name=booker.name,
        email=booker.email,
        phone=booker.phone,
    )
    assert row is not None
    return int(row.id)
