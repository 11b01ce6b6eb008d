"""Her own data on her pages, and that of people on the waitlist at the desk; what she agrees to with a form."""

import json
from base64 import b64decode
from datetime import timedelta
from urllib.parse import unquote

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.i18n import language
from medcal.models import Appointment, ConsentText, Patient, PatientAccess, WaitlistEntry
from medcal.security import Role, digest
from medcal.services import accounts
from medcal.services.consents import Purpose, digest_of, our_words, text_to_show
from medcal.state.appointment import WishState
from medcal.state.book_form import BookFormState
from medcal.state.booking import BookingState
from medcal.state.consent import ConsentState
from medcal.state.consent_texts import ConsentTextsState
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.patient_data import WaitingPatientState
from medcal.state.privacy import PrivacyState
from medcal.state.your_data import YourDataState
from tests.support.factories import (
    NOW,
    PASSWORD,
    Clinic,
    add,
    make_appointment,
    make_clinic,
    make_entry,
    make_hold,
    make_patient,
    make_user,
)
from tests.support.proof import solve
from tests.support.times import at

VISIT = "a-visit-of-alice-in-her-own-browser-and-no-other"
FORM = {"name": "Charlie Czerny", "born_on": "1984-02-29", "email": "charlie@example.com", "reason": "Check-up"}
WISH = {"earlier": "on", "which_doctor": "any", "notice_hours": "24", **{f"weekday_{day}": "on" for day in range(7)}}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


def open_by_code(db: Session, patient: Patient) -> None:
    until = NOW + timedelta(hours=2)
    row = PatientAccess(
        visit_digest=digest(VISIT), patient_id=patient.id, purpose="code", created_at=NOW, expires_at=until
    )
    add(db, row)


def downloaded(tab):
    found = [event.payload for event in tab.events if event.name == "_download"]
    parts = [payload["url"].partition(",") for payload in found]
    return [b64decode(text).decode() if head.endswith("base64") else unquote(text) for head, _, text in parts]


# --- Her own ------------------------------------------------------------------------------------------------------------


def test_after_a_code_the_page_shows_her_and_without_one_nobody(db, clinic, new_tab):
    tab = new_tab(visit=VISIT)
    tab.open("/appointment/data")
    assert tab.value(YourDataState, "people") == []

    open_by_code(db, clinic.alice)
    tab.open("/appointment/data")

    [person] = tab.value(YourDataState, "people")
    assert (person["name"], person["asks_birth"]) == ("Alice Adler", True)
    assert "Bob" not in "".join(tab.frames)


def test_she_is_asked_once_more_and_then_erased(db, clinic, new_tab):
    open_by_code(db, clinic.alice)
    tab = new_tab(visit=VISIT)
    tab.open("/appointment/data")
    tab.send(YourDataState.ask, ref=str(clinic.alice.ref))
    assert tab.value(YourDataState, "asks_about")["name"] == "Alice Adler"

    tab.send(YourDataState.erase, form={"born_on": "1984-03-01"})
    assert tab.value(YourDataState, "problems") == {"born_on": "This is not the date of birth that we have."}
    assert "Alice Adler" in db.exec(select(Patient.name)).all()

    tab.send(YourDataState.erase, form={"born_on": "1984-02-29"})
    assert "Alice Adler" not in db.exec(select(Patient.name)).all()
    assert tab.value(YourDataState, "people") == []
    assert tab.toasts == ["The data are erased."]


def test_without_the_question_nobody_is_erased(db, clinic, new_tab):
    open_by_code(db, clinic.alice)
    tab = new_tab(visit=VISIT)
    tab.open("/appointment/data")

    tab.send(YourDataState.erase, form={"born_on": "1984-02-29"})
    tab.send(YourDataState.ask, ref=str(clinic.alice.ref))
    tab.send(YourDataState.keep)
    tab.send(YourDataState.erase, form={"born_on": "1984-02-29"})
    tab.send(YourDataState.ask, ref=str(clinic.bob.ref))
    tab.send(YourDataState.erase, form={"born_on": "1984-02-29"})

    assert {"Alice Adler", "Bob Berger"} <= set(db.exec(select(Patient.name)).all())


def test_with_a_visit_to_come_the_page_says_what_to_do_first(db, clinic, new_tab):
    make_appointment(db, clinic, NOW + timedelta(days=2))
    open_by_code(db, clinic.alice)
    tab = new_tab(visit=VISIT)
    tab.open("/appointment/data")
    tab.send(YourDataState.ask, ref=str(clinic.alice.ref))

    tab.send(YourDataState.erase, form={"born_on": "1984-02-29"})

    assert tab.toasts == [
        "A visit is still to come, or one that was booked for somebody else. Please cancel it first; then we can erase."
    ]


# --- The desk -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def wish(db: Session, clinic: Clinic) -> WaitlistEntry:
    """Of somebody who has no appointment."""
    return make_entry(db, clinic, patient=make_patient(db, "Walter Wart", "walter@example.com"))


def signed_in(new_tab, user):
    tab = new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1])
    tab.open("/staff/waitlist")
    return tab


def test_reception_hands_over_the_data_of_somebody_who_only_waits(clinic, wish, new_tab):
    tab = signed_in(new_tab, clinic.sam)

    tab.send(WaitingPatientState.open, ref=str(wish.ref))
    tab.send(WaitingPatientState.to_process)
    tab.send(WaitingPatientState.to_read)

    file, page = downloaded(tab)
    assert json.loads(file)["person"]["name"] == "Walter Wart"
    assert len(json.loads(file)["wishes"]) == 1
    assert "Walter Wart" in page


def test_an_admin_erases_somebody_who_only_waits_and_reception_does_not(db, clinic, wish, new_tab):
    for user, is_erased in ((clinic.sam, False), (make_user(db, "Olga Ohm", Role.admin), True)):
        tab = signed_in(new_tab, user)
        tab.send(WaitingPatientState.open, ref=str(wish.ref))
        tab.send(WaitingPatientState.erase)
        assert "Walter Wart" in db.exec(select(Patient.name)).all()

        tab.send(WaitingPatientState.ask)
        tab.send(WaitingPatientState.erase)
        assert ("Walter Wart" not in db.exec(select(Patient.name)).all()) is is_erased

    assert tab.value(WaitingPatientState, "is_open") is False
    assert tab.toasts[-1] == "The patient was erased."
    db.refresh(wish)
    assert str(wish.status) == "withdrawn"


def test_who_has_left_the_list_is_not_opened_by_an_old_page(db, clinic, wish, new_tab):
    tab = signed_in(new_tab, clinic.sam)
    wish.status = "withdrawn"
    db.flush()

    tab.send(WaitingPatientState.open, ref=str(wish.ref))
    tab.send(WaitingPatientState.to_process)

    assert downloaded(tab) == []
    assert not tab.value(WaitingPatientState, "is_open")


# --- What is agreed to --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["en", "de"])
def test_what_the_form_showed_is_what_was_agreed_to(db, clinic, new_tab, code):
    make_hold(db, clinic, at("2026-03-20 09:00"), NOW + timedelta(minutes=9), held_by=digest(VISIT))
    tab = new_tab(visit=VISIT)
    with language(code):
        tab.open("/book" if code == "en" else "/de/book")
        assert tab.value(ConsentState, "booking")[0] == our_words(Purpose.booking, code).split("\n\n")[0]
        # Meanwhile the clinic writes other words.
        columns = {"purpose": "booking", "language": code, "version": 1, "digest": digest_of("Newer words.")}
        add(db, ConsentText(**columns, words="Newer words.", is_in_force=True, written_at=NOW))
        tab.send(BookFormState.set_earlier, is_on=True)
        proof = solve(tab.value(BookingState, "challenge"))
        tab.send(BookingState.confirm, form=FORM | WISH | {"proof": proof})

    visit = db.exec(select(Appointment).where(Appointment.status == "booked")).one()
    agreed = db.get_one(ConsentText, visit.consent_id)
    assert (agreed.words, agreed.language) == (our_words(Purpose.booking, code), code)
    entry = db.exec(select(WaitlistEntry)).one()
    assert db.get_one(ConsentText, entry.consent_id).purpose == "waitlist"


def test_asking_for_something_earlier_keeps_its_own_text(db, clinic, new_tab):
    appointment = make_appointment(db, clinic, at("2026-03-20 09:00"))
    open_by_code(db, clinic.alice)
    tab = new_tab(visit=VISIT)
    tab.open("/appointment")
    tab.send(WishState.open, ref=str(appointment.ref))

    tab.send(WishState.join, form=WISH)

    entry = db.exec(select(WaitlistEntry)).one()
    assert db.get_one(ConsentText, entry.consent_id).words == our_words(Purpose.waitlist, "en")


def test_the_desk_reads_what_was_agreed_to(db, clinic, new_tab):
    text = add(
        db, ConsentText(purpose="booking", language="de", version=3, digest="0", words="Alte Worte.", written_at=NOW)
    )
    appointment = make_appointment(db, clinic, at("2026-03-20 09:00"), consent_id=text.id)
    tab = signed_in(new_tab, clinic.sam)

    tab.send(OpenAppointmentState.open, ref=str(appointment.ref))

    sheet = tab.value(OpenAppointmentState, "sheet")
    assert sheet["consent"] == "Version 3 (Deutsch), first used 2 March 2026"
    assert sheet["consent_words"] == "Alte Worte."


# --- The page about it --------------------------------------------------------------------------------------------------


def test_the_page_says_what_the_settings_say(configured, clinic, new_tab):
    configured(KEEP_PATIENTS_MONTHS="48", KEEP_NOTES_MONTHS="7", KEEP_MESSAGES_DAYS="1", KEEP_WISHES_DAYS="0")
    tab = new_tab(visit=VISIT)

    tab.open("/privacy")

    assert tab.value(PrivacyState, "times") == {
        "patients": "4 years",
        "notes": "7 months",
        "messages": "1 day",
        "wishes": "until you ask us to erase it",
        "holds": "30 days",
        "looks": "1 year",
        "changes": "10 years",
    }
    [nobody] = tab.value(PrivacyState, "receivers")
    assert nobody.startswith("Nobody outside of the clinic")


def test_the_page_names_who_receives_messages(configured, clinic, new_tab):
    configured(
        N8N_WEBHOOK_URL="https://n8n.example/x",
        N8N_WEBHOOK_SECRET="s" * 24,
        SMTP_HOST="mail.example",
        SMTP_FROM="desk@clinic.example",
    )
    tab = new_tab(visit=VISIT)

    tab.open("/privacy")

    named = " ".join(tab.value(PrivacyState, "receivers"))
    assert "n8n" in named and "mail server" in named
    assert "n8n.example" not in named and "mail.example" not in named


def test_an_admin_writes_the_text_of_each_language(db, clinic, new_tab):
    tab = new_tab(
        staff=in_transaction(accounts.sign_in, make_user(db, "Olga Ohm", Role.admin).email, PASSWORD, now=NOW)[1]
    )
    tab.open("/staff/settings/consent")
    assert tab.value(ConsentTextsState, "words") == our_words(Purpose.booking, "en")
    tab.send(ConsentTextsState.choose_language, language="de")
    tab.send(ConsentTextsState.save, form={"words": "Ja."})
    assert list(tab.value(ConsentTextsState, "problems")) == ["words"]

    tab.send(ConsentTextsState.save, form={"words": "Wir schreiben auf, wie Sie heißen und wann Sie kommen."})

    assert tab.value(ConsentTextsState, "sheet")["is_own"] is True
    assert text_to_show(db, Purpose.booking, "de").words.startswith("Wir schreiben auf")
    tab.send(ConsentTextsState.reset_words)
    assert text_to_show(db, Purpose.booking, "de").words == our_words(Purpose.booking, "de")
    assert tab.toasts == ["Saved. From now on patients agree to this text."] * 2
