"""Who looked at what: once in ten minutes for each session, with what is needed to answer a patient's question."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

import medcal.db
from medcal.db import fetch, in_transaction
from medcal.errors import NotFound
from medcal.models import AccessRecord, Message
from medcal.security import PATIENT, SYSTEM, Actor, Role
from medcal.services import (
    appointment_file,
    audit_trail,
    day_book,
    desk_search,
    looks,
    notifications,
    offer_board,
    outbox,
    own_data,
    waitlist_book,
)
from medcal.services.audit_trail import Asked
from medcal.services.desk_search import Wanted
from medcal.services.looks import Seen
from medcal.services.outbox import Filter
from tests.support.factories import NOW, Clinic, actor, make_appointment, make_clinic, make_doctor, make_user


@pytest.fixture
def sam(clinic: Clinic) -> Actor:
    return replace(clinic.desk, session_id=71, address="203.0.113.7")


def records(db: Session) -> list[AccessRecord]:
    return list(db.exec(select(AccessRecord).order_by(AccessRecord.id)))  # type: ignore[arg-type]


def open_calendar(db: Session, who: Actor, days: int = 1) -> None:
    day_book.read_days(db, who, day_book.doctors_for(db, who), NOW.date(), days)


# Every way in which the staff is handed something about patients.
WAYS: list[tuple[Seen, bool, Callable[[Session, Clinic, Actor], Any]]] = [
    (Seen.calendar, False, lambda db, clinic, who: open_calendar(db, who)),
    (Seen.appointments, False, lambda db, clinic, who: desk_search.find_appointments(db, who, Wanted())),
    (Seen.day_list, False, lambda db, clinic, who: desk_search.day_list(db, who, Wanted())),
    (Seen.search, True, lambda db, clinic, who: desk_search.find_appointments(db, who, Wanted(text="adler"))),
    (Seen.search, True, lambda db, clinic, who: desk_search.find_patients(db, who, "adler")),
    (Seen.search, True, lambda db, clinic, who: outbox.read_page(db, who, Filter(search="adler"), 9)),
    (Seen.waitlist, False, lambda db, clinic, who: waitlist_book.who_waits(db, who)),
    (Seen.offers, False, lambda db, clinic, who: offer_board.board(db, who, None, NOW)),
    (Seen.messages, False, lambda db, clinic, who: outbox.read_page(db, who, Filter(), 9)),
    (Seen.messages, True, lambda db, clinic, who: outbox.read_page(db, who, Filter(patient=clinic.alice.ref), 9)),
    (Seen.message, True, lambda db, clinic, who: outbox.open_message(db, who, db.exec(select(Message.ref)).one(), NOW)),
    (Seen.copy, True, lambda db, clinic, who: own_data.give(db, who, clinic.alice.ref, now=NOW)),
]


@pytest.mark.parametrize(("what", "names_alice", "look"), WAYS, ids=[f"{n} {way[0]}" for n, way in enumerate(WAYS)])
def test_whatever_is_shown_is_written_down(
    db: Session, clinic: Clinic, sam: Actor, what: Seen, names_alice: bool, look: Callable[..., Any]
) -> None:
    appointment = make_appointment(db, clinic, NOW + timedelta(hours=2))
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    look(db, clinic, sam)

    [record] = records(db)
    assert (record.what, record.staff_user_id, record.session_id, record.address) == (what, sam.id, 71, "203.0.113.7")
    assert record.patient_ids == ([clinic.alice.id] if names_alice else [])


def test_every_kind_of_look_has_its_way() -> None:
    elsewhere = {Seen.appointment, Seen.trail, Seen.feed, Seen.history, Seen.export}

    assert {what for what, _, _ in WAYS} | elsewhere == set(Seen)


def test_an_opened_appointment_names_it_and_its_patient(db: Session, clinic: Clinic, sam: Actor) -> None:
    appointment = make_appointment(db, clinic, NOW)

    appointment_file.open_file(db, sam, appointment.ref)

    [record] = records(db)
    assert (record.what, record.appointment_id, record.patient_ids) == (
        "appointment",
        appointment.id,
        [clinic.alice.id],
    )


def test_who_is_refused_has_seen_nothing(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, NOW)
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Ines Ivanov")
    stranger = actor(make_user(db, "Ines Ivanov", Role.doctor, doctor_id=other.id))

    with pytest.raises(NotFound):
        appointment_file.open_file(db, stranger, appointment.ref)

    assert records(db) == []


def test_looking_again_within_ten_minutes_adds_nothing(db: Session, clinic: Clinic, sam: Actor) -> None:
    for _ in range(3):
        open_calendar(db, sam)

    assert len(records(db)) == 1


def test_another_session_another_day_and_somebody_else_are_looks_of_their_own(
    db: Session, clinic: Clinic, sam: Actor
) -> None:
    robin = replace(actor(make_user(db, "Robin Roth")), session_id=72)
    for who, days in ((sam, 1), (replace(sam, session_id=73), 1), (sam, 7), (robin, 1)):
        open_calendar(db, who, days)

    assert [record.session_id for record in records(db)] == [71, 73, 71, 72]


def test_after_ten_minutes_it_is_another_look(db: Session, clinic: Clinic, sam: Actor) -> None:
    same = "INSERT INTO access_record (at, what, session_id) VALUES (now() - interval '{} minutes', 'waitlist', 71)"
    fetch(db, same.format(11))
    waitlist_book.who_waits(db, sam)
    waitlist_book.who_waits(db, sam)

    assert len(records(db)) == 2


def test_a_search_that_finds_somebody_more_is_another_look(db: Session, clinic: Clinic, sam: Actor) -> None:
    for words in ("adler", "adler", "al", "berger", "adler"):
        desk_search.find_patients(db, sam, words)

    assert [record.patient_ids for record in records(db)] == [[clinic.alice.id], [clinic.bob.id]]


def test_what_was_searched_for_is_not_kept(db: Session, clinic: Clinic, sam: Actor) -> None:
    desk_search.find_patients(db, sam, "secretly looked for")

    row = fetch(db, "SELECT string_agg(to_jsonb(r)::text, ' ') AS kept FROM access_record r")[0]
    assert "secretly" not in row.kept


def test_neither_patients_nor_medcal_itself_are_written_down(db: Session, clinic: Clinic) -> None:
    for who in (PATIENT, SYSTEM):
        looks.note(db, who, Seen.copy, patients=[clinic.alice.id])

    assert records(db) == []


def test_nobody_waits_for_the_disk_to_look_but_to_change(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    real = medcal.db.fetch
    clinic = in_transaction(make_clinic)

    def listen(db: Session, sql: str, **values: object) -> Any:
        said.append(sql)
        return real(db, sql, **values)

    monkeypatch.setattr(medcal.db, "fetch", listen)
    in_transaction(waitlist_book.who_waits, clinic.desk)
    assert said == ["SET LOCAL synchronous_commit = off"]

    said.clear()
    in_transaction(own_data.give, clinic.desk, clinic.alice.ref, now=NOW)
    assert "SET LOCAL synchronous_commit = off" not in said


# --- Reading the history ----------------------------------------------------------------------------------------------


def test_looking_at_the_history_is_in_it(db: Session, clinic: Clinic) -> None:
    olga = replace(actor(make_user(db, "Olga Ohm", Role.admin)), session_id=9)

    audit_trail.read_page(db, olga, Asked())
    list(audit_trail.export(db, olga, Asked(patient=clinic.alice.ref)))

    page = audit_trail.read_page(db, olga, Asked())
    assert [(entry.what, entry.who, entry.patients) for entry in page.entries] == [
        ("export", "Olga Ohm", ("Alice Adler",)),
        ("history", "Olga Ohm", ()),
    ]
