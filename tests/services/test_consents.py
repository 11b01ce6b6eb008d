"""What a patient has agreed to is kept word for word: which text, which version, in which language."""

import json
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from medcal.db import fetch, in_transaction
from medcal.i18n import LANGUAGES
from medcal.models import Appointment, ConsentText, WaitlistEntry
from medcal.security import PATIENT, digest
from medcal.services import appointment_file, booking, consents, own_data, waitlist
from medcal.services.consents import FOLDER, Purpose, Shown, digest_of, keep_version, our_words, text_to_show
from medcal.services.patients import Person
from tests.support.factories import NOW, Clinic, add, make_appointment, make_entry, make_hold
from tests.support.times import at

VISIT = digest("a browser")
CHARLIE = Person("Charlie Czerny", date(1984, 2, 29), "charlie@example.com", None)
NEW = Shown(Purpose.booking, "en", "Other words.")


def shown(purpose: Purpose = Purpose.booking, language: str = "en") -> Shown:
    return Shown(purpose, language, our_words(purpose, language))


def book(db: Session, clinic: Clinic, details: booking.Details) -> Appointment:
    held = make_hold(db, clinic, at("2026-03-20 09:00"), NOW + timedelta(minutes=5), held_by=VISIT)
    return db.get_one(Appointment, booking.confirm(db, held.ref, details, visit=VISIT, now=NOW))


# --- The texts ----------------------------------------------------------------------------------------------------------


def test_every_purpose_has_its_words_in_every_language_and_nothing_else_lies_there() -> None:
    files = {(file.parent.name, file.name) for file in FOLDER.rglob("*") if file.is_file()}

    assert files == {(purpose, f"{code}.txt") for purpose in Purpose for code in LANGUAGES}


@pytest.mark.parametrize("purpose", Purpose)
def test_no_language_says_less(purpose: Purpose) -> None:
    parts = {len(our_words(purpose, code).split("\n\n")) for code in LANGUAGES}

    assert len(parts) == 1


def test_the_same_words_are_one_version_and_other_words_another(db: Session) -> None:
    first = keep_version(db, shown(), now=NOW)

    assert keep_version(db, shown(), now=NOW + timedelta(days=9)) == first
    other = keep_version(db, NEW, now=NOW)
    assert keep_version(db, shown(language="de"), now=NOW) not in (first, other)
    versions = fetch(db, "SELECT language, version FROM consent_text ORDER BY id")
    assert [(row.language, row.version) for row in versions] == [("en", 1), ("en", 2), ("de", 1)]
    kept = db.get_one(ConsentText, first)
    assert (kept.words, kept.digest, kept.written_at) == (shown().words, digest_of(shown().words), NOW)


def test_two_new_ones_at_the_same_instant_get_two_numbers(committed: str) -> None:
    begin = threading.Barrier(8)

    def agree(words: str) -> None:
        begin.wait()
        in_transaction(keep_version, replace(NEW, words=words), now=NOW)

    threads = [threading.Thread(target=agree, args=(f"Words {place % 4}.",)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = in_transaction(fetch, "SELECT version, words FROM consent_text ORDER BY version")
    assert [row.version for row in rows] == [1, 2, 3, 4]
    assert {row.words for row in rows} == {f"Words {place}." for place in range(4)}


def test_a_text_of_the_clinics_own_comes_before_ours(db: Session) -> None:
    assert text_to_show(db, Purpose.booking, "en") == shown()

    columns = {"purpose": "booking", "language": "en", "version": 1, "digest": digest_of(NEW.words)}
    add(db, ConsentText(**columns, words=NEW.words, is_in_force=True, written_at=NOW))

    assert text_to_show(db, Purpose.booking, "en") == NEW
    assert text_to_show(db, Purpose.booking, "de") == shown(language="de")
    assert text_to_show(db, Purpose.waitlist, "en") == shown(Purpose.waitlist)


# --- Who has agreed -----------------------------------------------------------------------------------------------------


def test_a_booking_keeps_what_stood_beside_the_form(db: Session, clinic: Clinic) -> None:
    german = shown(language="de")
    wish = waitlist.Wish(consent=shown(Purpose.waitlist, "de"))

    appointment = book(db, clinic, booking.Details(CHARLIE, earlier=wish, consent=german))

    db.refresh(appointment)
    agreed = db.get_one(ConsentText, appointment.consent_id)
    assert (agreed.purpose, agreed.language, agreed.words) == ("booking", "de", german.words)
    entry = db.exec(select(WaitlistEntry)).one()
    assert db.get_one(ConsentText, entry.consent_id).words == our_words(Purpose.waitlist, "de")


def test_a_text_that_changes_later_changes_nothing_that_was_agreed(
    db: Session, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    appointment = book(db, clinic, booking.Details(CHARLIE, consent=shown()))
    before = shown().words

    monkeypatch.setattr(consents, "our_words", lambda purpose, language: "Newer words.")
    keep_version(db, text_to_show(db, Purpose.booking, "en"), now=NOW + timedelta(days=30))

    file = appointment_file.open_file(db, clinic.desk, appointment.ref)
    assert (file.consent_version, file.consent_language, file.consent) == (1, "en", before)
    assert [row.words for row in fetch(db, "SELECT words FROM consent_text ORDER BY id")] == [before, "Newer words."]


def test_where_the_desk_books_or_asks_nothing_was_read(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, at("2026-03-20 09:00"))
    waitlist.join(db, appointment, waitlist.Wish(), by=clinic.desk, now=NOW)

    assert db.exec(select(WaitlistEntry)).one().consent_id is None
    file = appointment_file.open_file(db, clinic.desk, appointment.ref)
    assert (file.consent, file.consent_version) == (None, None)


def test_who_asks_again_has_agreed_to_what_she_read_last(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, at("2026-03-20 09:00"))
    make_entry(db, clinic, appointment)
    newer = Shown(Purpose.waitlist, "en", "Newer words.")

    for consent, expected in ((shown(Purpose.waitlist), 1), (newer, 2), (None, 2)):
        waitlist.join(db, appointment, waitlist.Wish(consent=consent), by=PATIENT, now=NOW)
        entry = db.exec(select(WaitlistEntry)).one()
        db.refresh(entry)
        assert db.get_one(ConsentText, entry.consent_id).version == expected


def test_her_copy_says_what_she_agreed_to(db: Session, clinic: Clinic) -> None:
    wish = waitlist.Wish(consent=shown(Purpose.waitlist))
    appointment = book(db, clinic, booking.Details(CHARLIE, earlier=wish, consent=shown()))

    copy = json.loads(own_data.collect(db, appointment.patient_id or 0, NOW).as_json())

    [visit], [kept_wish] = copy["appointments"], copy["wishes"]
    assert visit["agreed"] == {
        "version": 1,
        "language": "en",
        "since": "2026-03-02T09:00:00+00:00",
        "digest": digest_of(shown().words),
        "words": shown().words,
    }
    assert kept_wish["agreed"]["words"] == our_words(Purpose.waitlist, "en")
