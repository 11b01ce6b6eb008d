"""What an admin reads of the history: old and new values, whose it was, and nothing of who was erased."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from medcal import clock
from medcal.db import fetch, in_transaction
from medcal.errors import NotAllowed
from medcal.models import Event, Patient, PatientKey
from medcal.models.sealed import try_to_open
from medcal.security import PATIENT, Actor, Role
from medcal.services import (
    audit_chain,
    audit_check,
    audit_trail,
    booking,
    changes,
    erasure,
    keys,
    letter_text,
    message_rules,
    policy,
    waitlist,
    waitlist_book,
)
from medcal.services.audit_trail import LOST, Asked, Entry, Part
from medcal.services.patients import Person
from medcal.services.wording import our_wording
from medcal.viewmodels.audit import CSV_COLUMNS, HistoryLine, csv_row
from medcal.viewmodels.audit_words import CHANGE_WORDS, LOOK_WORDS
from tests.support.dump import dump
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_clinic, make_entry, make_user
from tests.support.times import at

PERSON = Person("Wilhelmine Quitte", date(1961, 7, 8), "w.quitte@example.org", "+43155501234")


@pytest.fixture
def olga(db: Session) -> Actor:
    return actor(make_user(db, "Olga Ohm", Role.admin))


def entries(db: Session, olga: Actor, **asked: Any) -> list[Entry]:
    return list(audit_trail.read_page(db, olga, Asked(**{"part": Part.changes, **asked})).entries)


def changed(entry: Entry) -> dict[str, tuple[object, object]]:
    return {change.name: (change.old, change.new) for change in entry.changes}


# --- Words ------------------------------------------------------------------------------------------------------------


def test_everything_that_happens_and_is_looked_at_has_its_words() -> None:
    from medcal.services.events import EVENTS
    from medcal.services.looks import Seen

    assert set(CHANGE_WORDS) == set(EVENTS)
    assert set(LOOK_WORDS) == set(Seen)


# --- Old and new ------------------------------------------------------------------------------------------------------


def test_an_urgent_wish_says_what_it_was(db: Session, clinic: Clinic, olga: Actor) -> None:
    entry = make_entry(db, clinic, make_appointment(db, clinic, NOW + timedelta(days=9)))

    waitlist_book.set_urgent(db, clinic.desk, entry.ref, is_urgent=True, now=NOW)

    [told] = entries(db, olga)
    assert (told.what, told.who, told.patients) == ("waitlist.urgency", "Sam Stern", ("Alice Adler",))
    assert changed(told) == {"urgency": (0, 1)}


def _words(db: Session, clinic: Clinic, olga: Actor) -> None:
    wording = our_wording("appointment.booked", "en")
    changed_wording = replace(wording, body=f"{wording.body}\n\nOurs")
    letter_text.set_wording(db, olga, "appointment.booked", "en", changed_wording, seen_at=None, now=NOW)


def _reminders(db: Session, clinic: Clinic, olga: Actor) -> None:
    message_rules.set_reminders(db, olga, clinic.location.ref, None, [48], now=NOW)


def _habits(db: Session, clinic: Clinic, olga: Actor) -> None:
    message_rules.set_habits(
        db, olga, clinic.location.ref, grace_seconds=90, quiet_from=time(21), quiet_until=time(7), now=NOW
    )


def _policy(db: Session, clinic: Clinic, olga: Actor) -> None:
    rules = policy.Policy((policy.Step(timedelta(0), timedelta(minutes=45), 3),), offers_per_week=4)
    policy.set_policy(db, clinic.location.id or 0, None, rules, by=olga, now=NOW)


@pytest.mark.parametrize(
    ("change", "name", "old", "new"),
    [
        (
            _words,
            "body",
            our_wording("appointment.booked", "en").body,
            our_wording("appointment.booked", "en").body + "\n\nOurs",
        ),
        (_reminders, "hours", [24, 72], [48]),
        (_habits, "grace_seconds", 0, 90),
        (_policy, "offers_per_week", 3, 4),
        (_policy, "steps", ["0 h / 120 min / 1"], ["0 h / 45 min / 3"]),
    ],
)
def test_a_setting_says_what_it_was(
    db: Session, clinic: Clinic, olga: Actor, change: Callable[..., None], name: str, old: object, new: object
) -> None:
    change(db, clinic, olga)

    [told] = entries(db, olga)
    before, after = changed(told)[name]
    assert after == new
    assert before == old


def test_a_new_patient_is_written_down_sealed(db: Session, clinic: Clinic, olga: Actor) -> None:
    booking.book_at_desk(
        db,
        clinic.okafor,
        clinic.visit_type,
        at("2026-03-03 09:00"),
        PERSON,
        overbook_reason="Her own words",
        by=clinic.desk,
        now=NOW,
    )

    kept = fetch(db, "SELECT string_agg(detail::text, ' ') AS details FROM event")[0].details
    assert not any(word in kept for word in ("Quitte", "quitte", "1961", "+431555", "Her own words"))
    booked, added = entries(db, olga)
    assert (added.what, added.who, added.patients) == ("patient.added", "Sam Stern", ("Wilhelmine Quitte",))
    assert changed(added) == {
        "name": (None, "Wilhelmine Quitte"),
        "born_on": (None, "1961-07-08"),
        "email": (None, "w.quitte@example.org"),
        "phone": (None, "+43155501234"),
    }
    assert changed(booked)["overbooked_reason"] == (None, "Her own words")


def test_who_is_known_is_not_written_down_again(db: Session, clinic: Clinic, olga: Actor) -> None:
    alice = Person("Alice Adler", date(1984, 2, 29), "alice@example.com", None)
    waitlist.wait_without_appointment(
        db, alice, clinic.visit_type, clinic.location, waitlist.Wish(), by=PATIENT, now=NOW
    )

    assert [entry.what for entry in entries(db, olga)] == ["waitlist.joined"]


# --- Erasure ----------------------------------------------------------------------------------------------------------


def test_after_an_erasure_nobody_reads_her_words_and_the_chain_is_whole(
    db: Session, clinic: Clinic, olga: Actor
) -> None:
    appointment = booking.book_at_desk(
        db, clinic.okafor, clinic.visit_type, at("2026-03-03 09:00"), PERSON, by=clinic.desk, now=NOW
    )
    changes.cancel(db, appointment, reason="Marked-Reason", by=clinic.desk, now=NOW)
    audit_chain.seal_new(db, NOW)
    before = fetch(db, "SELECT * FROM event ORDER BY id")
    her_key = fetch(db, "SELECT secret FROM patient_key")[0].secret
    patient = db.exec(select(Patient).where(Patient.name == PERSON.name)).one()

    erasure.erase(db, olga, patient.ref, now=NOW)

    assert fetch(db, "SELECT * FROM event ORDER BY id")[: len(before)] == before
    assert fetch(db, "SELECT * FROM patient_key") == []
    everything = dump(db)
    assert try_to_open(her_key, "patient_key.secret")
    assert not any(word in everything for word in (her_key, "Quitte", "Marked-Reason"))
    audit_chain.seal_new(db, NOW)
    assert all(verdict.is_whole for verdict in audit_check.verify(db, NOW + timedelta(minutes=5)))
    told = {entry.what: entry for entry in entries(db, olga)}
    assert changed(told["patient.added"])["name"] == (None, LOST)
    assert changed(told["appointment.cancelled"])["cancel_reason"] == (None, LOST)
    assert (told["patient.added"].patients, told["patient.added"].erased) == ((), 1)


def test_a_patient_whose_key_cannot_be_opened_is_booked_all_the_same(
    db: Session, clinic: Clinic, olga: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    db.add(PatientKey(patient_id=clinic.alice.id or 0, secret="x"))
    db.flush()
    fetch(db, "UPDATE patient_key SET secret = 'deadbeef:nonsense'")
    appointment = make_appointment(db, clinic, NOW + timedelta(days=3))

    changes.cancel(db, appointment, reason="Marked-Reason", by=clinic.desk, now=NOW)

    assert "Marked-Reason" not in dump(db)
    assert "patient_key.secret holds what none of the keys opens" in caplog.messages


def test_keys_of_patients_are_sealed_anew_with_all_others() -> None:
    assert "patient_key.secret" in {place.about for place in keys.sealed_places()}


# --- Asking -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lived(db: Session, clinic: Clinic) -> Clinic:
    """Alice's visit is booked, moved by Sam and cancelled by herself; Bob's is cancelled by Robin."""
    robin = actor(make_user(db, "Robin Roth"))
    hers, his = (
        make_appointment(db, clinic, NOW + timedelta(days=3, hours=n), who)
        for n, who in ((0, clinic.alice), (2, clinic.bob))
    )
    changes.move_at_desk(db, hers, clinic.okafor, at("2026-03-06 11:00"), version=1, by=clinic.desk, now=NOW)
    changes.cancel(db, his, by=robin, now=NOW + timedelta(days=1))
    changes.cancel(db, hers, by=PATIENT, now=NOW + timedelta(days=1, hours=1))
    return clinic


def whats(found: list[Entry]) -> list[str]:
    return [entry.what for entry in found if not entry.what.startswith("time.")]


def test_the_newest_stands_first(db: Session, lived: Clinic, olga: Actor) -> None:
    assert whats(entries(db, olga)) == ["appointment.cancelled", "appointment.cancelled", "appointment.moved"]


def test_a_move_says_from_where_to_where(db: Session, lived: Clinic, olga: Actor) -> None:
    [moved] = entries(db, olga, what="appointment.moved")

    assert set(changed(moved)) == {"starts_at"}
    assert [str(value)[:16] for value in changed(moved)["starts_at"]] == ["2026-03-05 09:00", "2026-03-06 10:00"]
    line = HistoryLine.of(moved, lived.location.zone_info)
    [time_line] = [change for change in line.changes if change.name == "Time"]
    assert time_line.new == "6 Mar 2026, 11:00"


def test_by_patient_by_who_and_by_day(db: Session, lived: Clinic, olga: Actor) -> None:
    assert whats(entries(db, olga, patient=lived.bob.ref)) == ["appointment.cancelled"]
    assert whats(entries(db, olga, who=lived.sam.ref)) == ["appointment.moved"]
    day = clock.local_day(NOW, lived.location.zone_info)
    assert whats(entries(db, olga, last_day=day)) == ["appointment.moved"]
    assert len(whats(entries(db, olga, first_day=day + timedelta(days=1)))) == 2
    assert entries(db, olga, patient=lived.sam.ref) == []


def test_a_days_last_minute_belongs_to_it_on_the_clinics_clock(db: Session, clinic: Clinic, olga: Actor) -> None:
    """On the night of the clock change the day has 23 hours."""
    for wall in ("2026-03-29 00:00", "2026-03-29 23:59", "2026-03-30 00:00"):
        db.add(Event(at=at(wall), kind="clinic.changed", actor="system"))
    db.flush()

    assert len(entries(db, olga, first_day=date(2026, 3, 29), last_day=date(2026, 3, 29))) == 2


def test_pages_follow_each_other_without_gap_or_repetition(db: Session, clinic: Clinic, olga: Actor) -> None:
    for _ in range(audit_trail.PAGE + 20):
        db.add(Event(at=NOW, kind="clinic.changed", actor="system"))
    db.flush()

    first, second = (audit_trail.read_page(db, olga, Asked(part=Part.changes), number) for number in (0, 1))

    assert (len(first.entries), first.has_more, len(second.entries), second.has_more) == (50, True, 20, False)


def test_reception_and_doctors_read_no_history(db: Session, clinic: Clinic) -> None:
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))
    for nobody in (clinic.desk, doctor, PATIENT):
        with pytest.raises(NotAllowed):
            audit_trail.read_page(db, nobody, Asked())
        with pytest.raises(NotAllowed):
            audit_trail.export(db, nobody, Asked())


# --- The file ---------------------------------------------------------------------------------------------------------


def test_a_line_of_the_file_calculates_nothing(db: Session, clinic: Clinic, olga: Actor) -> None:
    evil = Person("=cmd|' /C calc'!A0", None, "x@example.org", None)
    waitlist.wait_without_appointment(
        db, evil, clinic.visit_type, clinic.location, waitlist.Wish(), by=PATIENT, now=NOW
    )

    row = dict(zip(CSV_COLUMNS, csv_row(entries(db, olga, what="patient.added")[0]), strict=True))

    assert row["patients"].startswith("'=cmd")
    assert row["changes"].startswith("name: =cmd")


def test_an_export_goes_on_to_its_end(committed: str) -> None:
    def prepare(db: Session) -> Actor:
        make_clinic(db)
        fetch(
            db,
            """INSERT INTO event (at, kind, actor, detail) SELECT %(now)s, 'clinic.changed', 'system', '{}'
                 FROM generate_series(1, 2500)""",
            now=NOW,
        )
        return actor(make_user(db, "Olga Ohm", Role.admin))

    olga = in_transaction(prepare)

    found = in_transaction(lambda db: list(audit_trail.export(db, olga, Asked())))
    assert len(found) == 2501
