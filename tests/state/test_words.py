"""The pages of words and of calendars elsewhere, through the guard: who may do what, and what the page shows afterwards."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import in_transaction
from medcal.models import CalendarFeed, LetterText, StaffUser
from medcal.security import Role
from medcal.services import accounts, feeds
from medcal.services.letter_kinds import LETTERS
from medcal.services.wording import our_wording
from medcal.state.feeds import FeedsState
from medcal.state.words import WordsState
from tests.support.factories import NOW, PASSWORD, Clinic, make_appointment, make_clinic, make_doctor, make_user

WORDS, FEEDS = "/staff/settings/words", "/staff/feeds"
KIND = "appointment.booked"
GOOD = {"subject": "Come on {day} at {time}", "brief": "", "body": "Dear {name},\n\nwe see you."}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


@pytest.fixture
def open_tab(new_tab: Callable[..., Any]) -> Callable[..., Any]:
    def opened(user: StaffUser, path: str) -> Any:
        tab = new_tab(staff=in_transaction(accounts.sign_in, user.email, PASSWORD, now=NOW)[1])
        tab.open(path)
        return tab

    return opened


@pytest.fixture
def robin(db: Session, clinic: Clinic) -> StaffUser:
    return make_user(db, "Robin Roth", Role.admin)


@pytest.fixture
def okafor(db: Session, clinic: Clinic) -> StaffUser:
    return make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id)


# --- Words ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def words(robin: StaffUser, open_tab: Callable[..., Any]) -> Any:
    return open_tab(robin, WORDS)


def shown(tab: Any, part: str) -> str:
    found: str = tab.value(WordsState, "preview")[part]
    return found


def typed(tab: Any, field: str, text: str) -> None:
    handler = {"subject": WordsState.write_subject, "brief": WordsState.write_brief, "body": WordsState.write_body}[
        field
    ]
    tab.send(handler, edition=tab.value(WordsState, "edition"), typed=text)


def test_an_admin_sees_every_letter_with_our_words_and_how_it_arrives(words: Any) -> None:
    assert [choice["value"] for choice in words.value(WordsState, "kinds")] == list(LETTERS)
    assert words.value(WordsState, "body") == our_wording(KIND, "en").body
    assert words.value(WordsState, "sheet")["standing"] == "These are the words that Medcal comes with."
    assert shown(words, "subject") == "Your appointment on Wed 11 Mar at 09:30"
    assert shown(words, "opening") == "Your appointment is booked. We look forward to seeing you."
    assert "We look forward to seeing you." in shown(words, "html")
    assert shown(words, "sms_size") == "126 characters · 1 text message"


def test_the_preview_follows_the_typing(words: Any) -> None:
    typed(words, "subject", "{clinic}: {day}, {time}")
    typed(words, "brief", "Grüße –")

    assert shown(words, "subject") == "Medcal Clinic Vienna: Wed 11 Mar, 09:30"
    assert shown(words, "sms_size").endswith("text messages")
    assert words.value(WordsState, "is_unsaved")


def test_half_written_words_leave_the_preview_as_it_was_and_say_why(words: Any) -> None:
    before = shown(words, "html")

    typed(words, "body", "Dear {na")
    assert shown(words, "html") == before
    assert words.value(WordsState, "trouble").startswith("Curly brackets are for fields alone")

    typed(words, "body", "Dear {name}!")
    assert "Dear Alex Example!" in shown(words, "html")
    assert words.value(WordsState, "trouble") == ""


def test_saved_words_hold_and_can_be_given_up(db: Session, words: Any) -> None:
    words.send(WordsState.save, form=GOOD)

    assert words.value(WordsState, "problems") == {}
    assert words.toasts[-1].startswith("Saved")
    assert words.value(WordsState, "sheet")["standing"] == "Your own words, changed by Robin Roth: 2 Mar 2026, 10:00."
    assert words.value(WordsState, "kinds")[0]["label"] == "Confirmation (own words)"
    assert not words.value(WordsState, "is_unsaved")
    [kept] = db.exec(select(LetterText)).all()
    assert (kept.kind, kept.language, kept.subject) == (KIND, "en", GOOD["subject"])

    words.send(WordsState.reset_words)
    assert db.exec(select(LetterText)).all() == []
    assert words.value(WordsState, "body") == our_wording(KIND, "en").body


def test_what_does_not_fit_is_said_beside_its_field_and_nothing_typed_is_lost(db: Session, words: Any) -> None:
    words.send(WordsState.save, form=GOOD | {"subject": "", "body": "See http://evil.example"})

    assert words.value(WordsState, "problems").keys() == {"subject", "brief", "body"}
    assert db.exec(select(LetterText)).all() == []
    words.send(WordsState.choose_kind, kind="reminder")
    words.send(WordsState.choose_kind, kind=KIND)
    assert words.value(WordsState, "body") == "See http://evil.example"


def test_what_is_typed_stays_while_another_letter_is_looked_at(words: Any) -> None:
    late = words.value(WordsState, "edition")
    typed(words, "body", "Dear {name}, this is new.")

    words.send(WordsState.choose_language, language="de")
    assert words.value(WordsState, "body") == our_wording(KIND, "de").body
    words.send(WordsState.write_body, edition=late, typed="Too late for this letter.")
    assert "Too late" not in shown(words, "html")

    words.send(WordsState.choose_language, language="en")
    assert words.value(WordsState, "body") == "Dear {name}, this is new."
    assert words.value(WordsState, "is_unsaved")


def test_somebody_elses_words_are_not_written_over(db: Session, robin: StaffUser, words: Any, open_tab: Any) -> None:
    other = open_tab(robin, WORDS)
    other.send(WordsState.save, form=GOOD)

    words.send(WordsState.save, form=GOOD | {"body": "Something else."})

    assert words.toasts[-1].startswith("Somebody else has changed this")
    assert db.exec(select(LetterText)).one().body == GOOD["body"]


def test_a_letter_is_shown_as_it_goes_to_others(words: Any) -> None:
    words.send(WordsState.choose_kind, kind="offer.made")
    cases = [choice["value"] for choice in words.value(WordsState, "sheet")["cases"]]
    assert cases == ["usual", "booker", "waiting", "group"]

    words.send(WordsState.choose_case, case="group")
    assert "for you and a few others" in shown(words, "html")
    words.send(WordsState.choose_case, case="nobody")
    assert words.value(WordsState, "case") == "group"


def test_nonsense_chooses_nothing(words: Any) -> None:
    words.send(WordsState.choose_kind, kind="../../code")
    words.send(WordsState.choose_language, language="fr")

    assert (words.value(WordsState, "kind"), words.value(WordsState, "language")) == (KIND, "en")


def test_an_own_german_text_is_written_on_an_english_page(db: Session, words: Any) -> None:
    words.send(WordsState.choose_language, language="de")
    words.send(WordsState.save, form=GOOD | {"body": "Guten Tag {name}!"})

    assert db.exec(select(LetterText)).one().language == "de"
    assert shown(words, "subject") == "Come on Mi., 11. März at 09:30"


@pytest.mark.parametrize("role", [Role.reception, Role.doctor])
def test_words_are_for_admins_alone(db: Session, clinic: Clinic, open_tab: Callable[..., Any], role: Role) -> None:
    doctor_id = clinic.okafor.id if role is Role.doctor else None
    tab = open_tab(make_user(db, "Nina Neugierig", role, doctor_id=doctor_id), WORDS)

    tab.send(WordsState.save, form=GOOD)
    tab.send(WordsState.write_body, edition=0, typed="x")
    tab.send(WordsState.reset_words)

    assert not tab.value(WordsState, "kinds")
    assert db.exec(select(LetterText)).all() == []


# --- Calendars elsewhere ----------------------------------------------------------------------------------------------


def test_a_doctor_makes_an_address_that_is_shown_once(
    db: Session, clinic: Clinic, okafor: StaffUser, open_tab: Any
) -> None:
    make_appointment(db, clinic, NOW)
    tab = open_tab(okafor, FEEDS)
    tab.send(FeedsState.make)

    address = tab.value(FeedsState, "address")
    token = address.removeprefix("http://clinic.test/feed/").removesuffix(".ics")
    assert "VEVENT" in (feeds.read_feed(db, token, "", NOW).text or "")
    [row] = tab.value(FeedsState, "rows")
    assert (row["made"], row["read"]) == ("Made 2 Mar 2026, 10:00 by Ada Okafor", "Not read yet")

    tab.open(FEEDS)
    assert tab.value(FeedsState, "address") == ""
    [row] = tab.value(FeedsState, "rows")
    assert row["read"] == "Last read 2 Mar 2026, 10:00"


def test_an_address_is_taken_back(db: Session, okafor: StaffUser, open_tab: Any) -> None:
    tab = open_tab(okafor, FEEDS)
    tab.send(FeedsState.make)
    [row] = tab.value(FeedsState, "rows")

    tab.send(FeedsState.revoke, ref=row["ref"])

    assert (tab.value(FeedsState, "rows"), tab.value(FeedsState, "address")) == ([], "")
    assert db.exec(select(CalendarFeed)).one().revoked_at == NOW


def test_a_doctor_chooses_nobody_else(db: Session, clinic: Clinic, okafor: StaffUser, open_tab: Any) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    tab = open_tab(okafor, FEEDS)

    tab.send(FeedsState.choose, ref=str(other.ref))
    tab.send(FeedsState.choose, ref="nobody")
    tab.send(FeedsState.show_names, shown=True)

    assert tab.toasts == ["We cannot find that.", "We cannot find that.", "You are not allowed to do that."]
    assert tab.value(FeedsState, "doctor") == str(clinic.okafor.ref)
    db.refresh(clinic.location)
    assert not clinic.location.feed_names


def test_an_admin_makes_one_for_a_doctor_and_says_whether_names_are_shown(
    db: Session, clinic: Clinic, robin: StaffUser, open_tab: Any
) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    tab = open_tab(robin, FEEDS)

    tab.send(FeedsState.choose, ref=str(other.ref))
    tab.send(FeedsState.make)
    tab.send(FeedsState.show_names, shown=True)

    assert db.exec(select(CalendarFeed)).one().doctor_id == other.id
    assert tab.value(FeedsState, "shows_names") is True
    db.refresh(clinic.location)
    assert clinic.location.feed_names


def test_reception_has_no_part_in_it(db: Session, clinic: Clinic, open_tab: Any) -> None:
    tab = open_tab(clinic.sam, FEEDS)

    tab.send(FeedsState.make)
    tab.send(FeedsState.choose, ref=str(clinic.okafor.ref))

    assert not tab.value(FeedsState, "rows")
    assert db.exec(select(CalendarFeed)).all() == []


def test_a_stranger_makes_nothing(db: Session, clinic: Clinic, new_tab: Callable[..., Any]) -> None:
    tab = new_tab()

    tab.open(FEEDS)
    tab.send(FeedsState.make)
    tab.send(WordsState.save, form=GOOD)

    assert db.exec(select(CalendarFeed)).all() == []
    assert db.exec(select(LetterText)).all() == []
