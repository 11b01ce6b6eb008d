"""An admin replaces the words of a letter: they hold from the next message on, are tried first, and can be given up again."""

import threading
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal.db import fetch, in_transaction
from medcal.errors import ChangedMeanwhile, InvalidForm, MedcalError, NotAllowed, NotFound
from medcal.i18n import LANGUAGES
from medcal.models import Event, LetterText
from medcal.security import PATIENT, SYSTEM, Actor, Role
from medcal.services import letter_text, notifications
from medcal.services.letter_kinds import LETTERS
from medcal.services.letter_preview import Case, cases_of, size_of_sms
from medcal.services.reminders import plan_reminders
from medcal.services.wording import Wording, our_wording
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_clinic, make_patient, make_user
from tests.support.inbox import inbox

LATER = NOW + timedelta(minutes=5)
OWN = Wording("Come on {day} at {time}", "Bring your card.", "Dear {name},\n\nwe see you at {clinic}.")


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def admin(db: Session, clinic: Clinic) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def put(db: Session, admin: Actor, kind: str = "appointment.booked", language: str = "en", **changes: Any) -> None:
    wanted = {"seen_at": None, "now": NOW} | changes
    letter_text.set_wording(db, admin, kind, language, wanted.pop("wording", OWN), **wanted)


def book(db: Session, clinic: Clinic, **columns: Any) -> None:
    appointment = make_appointment(db, clinic, NOW + timedelta(days=5), **columns)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)


# --- What is sent -----------------------------------------------------------------------------------------------------


def test_own_words_hold_from_the_next_message_on(db: Session, clinic: Clinic, admin: Actor) -> None:
    book(db, clinic)
    put(db, admin)
    appointment = make_appointment(db, clinic, NOW + timedelta(days=6), clinic.bob)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    first, second = inbox(db)
    assert "Your appointment is booked." in first.text
    assert second.subject == "Come on Sun 8 Mar at 10:00"
    assert "Dear Bob Berger," in second.text and "Your appointment is booked." not in second.text
    assert "we see you at Medcal Clinic Vienna." in second.html


def test_own_words_are_for_their_kind_and_their_language(db: Session, clinic: Clinic, admin: Actor) -> None:
    put(db, admin, language="de")
    book(db, clinic)
    anna = make_appointment(db, clinic, NOW + timedelta(days=6), make_patient(db, language="de"))
    for kind in ("appointment.booked", "appointment.cancelled"):
        notifications.write(db, kind, appointment_id=anna.id, now=NOW)

    english, german, cancelled = inbox(db)
    assert "Your appointment is booked." in english.text
    assert "Dear Charlie Czerny," in german.text
    assert "Ihr Termin ist abgesagt." in cancelled.text


def test_reminders_have_own_words_as_well(db: Session, clinic: Clinic, admin: Actor) -> None:
    put(db, admin, "reminder")
    make_appointment(db, clinic, NOW + timedelta(days=2))

    plan_reminders(db, NOW)

    assert [mail.subject for mail in inbox(db)] == ["Come on Wed 4 Mar at 10:00"]


def test_text_messages_have_own_words_as_well(db: Session, clinic: Clinic, admin: Actor) -> None:
    put(db, admin)
    patient = make_patient(db, email=None, phone="+436601234567")

    appointment = make_appointment(db, clinic, NOW + timedelta(days=5), patient)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    [mail] = inbox(db)
    assert mail.text.startswith("Medcal Clinic Vienna: Come on Sat 7 Mar at 10:00\nBring your card.\nhttp")


def test_words_that_no_longer_fit_stop_no_booking(
    db: Session, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    db.add(
        LetterText(kind="appointment.booked", language="en", subject="{gone}", brief="", body="{gone}", changed_at=NOW)
    )
    db.flush()

    book(db, clinic)

    assert "Your appointment is booked." in inbox(db)[0].text
    assert "appointment.booked" in caplog.text


def test_a_booking_asks_no_more_of_the_database_than_before(
    db: Session, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def count(db: Session, sql: str, **values: object) -> Any:
        asked.append(sql)
        return fetch(db, sql, **values)

    appointment = make_appointment(db, clinic, NOW + timedelta(days=5))
    monkeypatch.setattr(notifications, "fetch", count)
    monkeypatch.setattr(
        notifications, "fetch_one", lambda db, sql, **values: next(iter(count(db, sql, **values)), None)
    )
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    assert len(asked) == 2


# --- Changing them ----------------------------------------------------------------------------------------------------


def test_an_admin_reads_ours_then_her_own_then_ours_again(db: Session, admin: Actor) -> None:
    kind = "reminder"
    ours = letter_text.read_wording(db, admin, kind, "de")
    assert (ours.wording, ours.is_own) == (our_wording(kind, "de"), False)

    put(db, admin, kind, "de")
    own = letter_text.read_wording(db, admin, kind, "de")
    assert (own.wording, own.changed_at, own.changed_by) == (OWN, NOW, "Robin Roth")
    assert letter_text.find_changed(db, admin) == {(kind, "de")}

    letter_text.reset_wording(db, admin, kind, "de", seen_at=NOW, now=LATER)
    assert letter_text.read_wording(db, admin, kind, "de") == ours
    assert letter_text.find_changed(db, admin) == set()


def test_the_history_says_who_changed_what(db: Session, admin: Actor) -> None:
    put(db, admin)
    letter_text.reset_wording(db, admin, "appointment.booked", "en", seen_at=NOW, now=LATER)
    letter_text.reset_wording(db, admin, "appointment.booked", "en", seen_at=None, now=LATER)

    noted = [(row.kind, row.staff_user_id, row.detail) for row in db.exec(select(Event).order_by(Event.id))]
    ours, own = asdict(our_wording("appointment.booked", "en")), asdict(OWN)
    detail = {"letter": "appointment.booked", "language": "en"}
    assert noted == [
        ("words.changed", admin.id, {**detail, "old": ours, "new": own}),
        ("words.reset", admin.id, {**detail, "old": own, "new": ours}),
    ]


def test_our_own_words_are_no_change(db: Session, admin: Actor) -> None:
    ours = our_wording("reminder", "en")
    put(db, admin, "reminder", wording=replace(ours, body=f"\r\n{ours.body}\r\n"))
    assert letter_text.find_changed(db, admin) == set()

    put(db, admin, "reminder")
    put(db, admin, "reminder", wording=ours, seen_at=NOW, now=LATER)
    assert letter_text.find_changed(db, admin) == set()


def test_who_saw_older_words_does_not_write_over_newer_ones(db: Session, admin: Actor) -> None:
    put(db, admin)
    put(db, admin, wording=replace(OWN, brief=""), seen_at=NOW, now=LATER)

    for seen_at in (None, NOW):
        with pytest.raises(ChangedMeanwhile):
            put(db, admin, seen_at=seen_at, now=LATER)
        with pytest.raises(ChangedMeanwhile):
            letter_text.reset_wording(db, admin, "appointment.booked", "en", seen_at=seen_at, now=LATER)
    letter_text.reset_wording(db, admin, "appointment.booked", "en", seen_at=LATER, now=LATER)
    with pytest.raises(ChangedMeanwhile):
        put(db, admin, seen_at=LATER, now=LATER)


def test_of_two_admins_at_the_same_instant_one_is_told(committed: str) -> None:
    admin = in_transaction(lambda db: actor(make_user(db, "Robin Roth", Role.admin)))
    refused, start = list[MedcalError](), threading.Barrier(2)

    def save(brief: str) -> None:
        start.wait()
        try:
            in_transaction(put, admin, wording=replace(OWN, brief=brief))
        except ChangedMeanwhile as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=save, args=(brief,)) for brief in ("One.", "Two.")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert in_transaction(lambda db: len(db.exec(select(LetterText)).all())) == 1


def test_words_that_cannot_be_sent_are_not_kept(db: Session, admin: Actor) -> None:
    with pytest.raises(InvalidForm) as refusal:
        put(db, admin, wording=replace(OWN, body="Hello {nobody}"))

    assert refusal.value.problems.keys() == {"body"}
    assert letter_text.find_changed(db, admin) == set()


@pytest.mark.parametrize(("kind", "language"), [("reminders", "en"), ("reminder", "fr"), ("../code", "en"), ("", "")])
def test_what_does_not_exist_cannot_be_changed(db: Session, admin: Actor, kind: str, language: str) -> None:
    with pytest.raises(NotFound):
        put(db, admin, kind, language)
    with pytest.raises(NotFound):
        letter_text.read_wording(db, admin, kind, language)


@pytest.mark.parametrize("who", [Role.reception, Role.doctor, SYSTEM, PATIENT], ids=str)
def test_words_are_for_admins_alone(db: Session, clinic: Clinic, who: Role | Actor) -> None:
    other = who
    if isinstance(who, Role):
        doctor_id = clinic.okafor.id if who is Role.doctor else None
        other = actor(make_user(db, "Nina Neugierig", who, doctor_id=doctor_id))
    assert isinstance(other, Actor)

    for attempt in (
        lambda: put(db, other),
        lambda: letter_text.read_wording(db, other, "reminder", "en"),
        lambda: letter_text.find_changed(db, other),
        lambda: letter_text.reset_wording(db, other, "reminder", "en", seen_at=None, now=NOW),
        lambda: letter_text.try_wording(db, other, "reminder", "en", OWN, Case.usual, now=NOW),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert db.exec(select(LetterText)).all() == []


# --- Trying them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(LETTERS))
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_letter_can_be_tried_in_every_case(db: Session, admin: Actor, kind: str, language: str) -> None:
    seen = [
        letter_text.try_wording(db, admin, kind, language, our_wording(kind, language), case, now=NOW)
        for case in cases_of(kind)
    ]

    assert len({preview.html for preview in seen}) == len(seen)
    for preview in seen:
        assert preview.subject and preview.opening and preview.sms.characters
        assert "{" not in preview.subject + preview.opening + preview.sms.words
        assert "{link" not in preview.html and "/l/" not in preview.html
        assert preview.sms.words.count("/l/…") <= 1


def test_a_preview_shows_nobody_of_the_clinic(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, NOW + timedelta(days=9))

    preview = letter_text.try_wording(db, admin, "reminder", "en", OWN, Case.booker, now=NOW)

    assert (preview.sender, preview.subject) == ("Medcal Clinic Vienna", "Come on Wed 11 Mar at 09:30")
    assert "Dear Alex Example," in preview.html and "Charlie Example" in preview.html
    assert "Alice" not in preview.html and "Okafor" not in preview.html
    assert db.exec(select(Event)).all() == []


def test_a_preview_says_how_long_the_text_message_really_is(db: Session, admin: Actor) -> None:
    preview = letter_text.try_wording(db, admin, "reminder", "en", OWN, Case.usual, now=NOW)

    shown = "Medcal Clinic Vienna: Come on Wed 11 Mar at 09:30\nBring your card.\nhttp://clinic.test/l/…"
    assert preview.sms.words == shown
    assert (preview.sms.characters, preview.sms.parts) == (len(shown) - 1 + 43, 1)


def test_half_written_words_are_refused_and_not_shown(db: Session, admin: Actor) -> None:
    with pytest.raises(InvalidForm):
        letter_text.try_wording(db, admin, "reminder", "en", replace(OWN, body="{na"), Case.usual, now=NOW)


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("", (0, 1)),
        ("x" * 160, (160, 1)),
        ("x" * 161, (161, 2)),
        ("x" * 306, (306, 2)),
        ("x" * 307, (307, 3)),
        ("Grüße äöüÄÖÜß", (13, 1)),
        ("€" * 80, (160, 1)),
        ("€" * 81, (162, 2)),
        ("–" + "x" * 69, (70, 1)),
        ("–" + "x" * 70, (71, 2)),
        ("😀" * 35, (70, 1)),
        ("😀" * 36, (72, 2)),
    ],
)
def test_a_text_message_is_counted_as_it_is_paid_for(words: str, size: tuple[int, int]) -> None:
    assert size_of_sms(words) == size
