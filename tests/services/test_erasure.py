"""A patient gets all that is kept about her, and is erased so that nothing tells who she was."""

import json
import re
import threading
import time
import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from medcal.db import fetch, in_transaction
from medcal.errors import ChangedMeanwhile, MedcalError, NotFound, NotPossibleNow
from medcal.models import Appointment, AppointmentStatus, Delivery, Event, Message, MessageStatus, Patient
from medcal.security import PATIENT, Actor, Role, digest
from medcal.services import access, erasure, notifications, one_time_codes, own_data, personal_data, waitlist
from medcal.services.patients import Person
from medcal.services.personal_data import TABLES, Fate, fate_of
from tests.support.dump import dump
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    add,
    make_appointment,
    make_booker,
    make_clinic,
    make_entry,
    make_offer,
    make_patient,
    make_user,
)

NAME, MAIL, PHONE = "Wilhelmine Quitte", "w.quitte@example.org", "+43155501234"
BOOKER = "Xaver Quitte"
NOTES = ("Marked-Reason", "Marked-Request", "Marked-Cancelled", "Marked-Overbooked")
TELLING = re.compile("|".join(map(re.escape, (NAME, MAIL, PHONE, BOOKER, "xaver@", "Quitte", "quitte", "1961-07-08"))))
LAST_YEAR = NOW - timedelta(days=300)


@pytest.fixture
def chief(db: Session) -> Actor:
    return actor(make_user(db, "Olga Ohm", Role.admin))


def live_through(db: Session, clinic: Clinic) -> Patient:
    """A patient of whom every table knows: seen, cancelled and overbooked visits, a wish, offers, letters, links, codes."""
    patient = make_patient(db, NAME, MAIL, phone=PHONE, born_on=date(1961, 7, 8))
    booker = make_booker(db, BOOKER, "xaver@example.org")
    seen = make_appointment(
        db,
        clinic,
        LAST_YEAR,
        patient,
        status=AppointmentStatus.fulfilled,
        booker_id=booker.id,
        reason="Marked-Reason",
        request="Marked-Request",
        overbooked_by_id=clinic.sam.id,
        overbooked_reason="Marked-Overbooked",
        held_by="h" * 64,
        undo={"version": 1, "overbooked_reason": "x"},
    )
    make_appointment(
        db,
        clinic,
        LAST_YEAR + timedelta(days=1),
        patient,
        status=AppointmentStatus.cancelled,
        cancelled_at=LAST_YEAR,
        cancel_reason="Marked-Cancelled",
    )
    # One that she has booked for somebody else.
    hers = make_booker(db, NAME, MAIL)
    make_appointment(db, clinic, LAST_YEAR + timedelta(days=2), status=AppointmentStatus.no_show, booker_id=hers.id)
    coming = make_appointment(db, clinic, NOW + timedelta(days=20), patient)
    entry = make_entry(db, clinic, coming)
    make_offer(db, clinic, entry, NOW + timedelta(days=3))
    coming.status, coming.cancelled_at = AppointmentStatus.cancelled, NOW
    notifications.write(db, "appointment.booked", appointment_id=coming.id, now=NOW)
    notifications.write(db, "appointment.cancelled", appointment_id=seen.id, now=LAST_YEAR)
    for message in db.exec(select(Message).where(Message.patient_id == patient.id)):
        message.last_error, message.far_id = f"no mailbox {MAIL}", "far-away"
        add(
            db,
            Delivery(
                message_id=message.id or 0, attempt=1, target="smtp.example:25", started_at=NOW, error=f"550 {MAIL}?"
            ),
        )
    one_time_codes.send_code(db, MAIL, digest("visit"), NOW)
    _grant(db, patient, seen)
    return patient


def _grant(db: Session, patient: Patient, seen: Appointment) -> None:
    access.grant_after_booking(db, seen, digest("visit"), NOW)
    fetch(
        db,
        """INSERT INTO access_token (token_digest, purpose, patient_id, appointment_id, created_at, expires_at)
           VALUES ('t', 'manage', %(patient)s, %(id)s, %(now)s, %(now)s)""",
        patient=patient.id,
        id=seen.id,
        now=NOW,
    )


# --- The list of columns ----------------------------------------------------------------------------------------------


def test_every_column_has_a_row() -> None:
    """A new column: say in services/personal_data.py whether it is about patients, and what erasure does to it."""
    assert personal_data.columns_without_a_row() == set()


def test_a_new_column_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        TABLES, "patient", personal_data.Table({Fate.goes: "id ref name email phone language created_at"})
    )

    assert personal_data.columns_without_a_row() == {"patient.born_on"}


def test_the_document_shows_the_list() -> None:
    text = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text()

    assert personal_data.as_table() in text


# --- What she gets ----------------------------------------------------------------------------------------------------


def test_she_gets_all_that_is_kept_about_her_and_nothing_about_others(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, NOW + timedelta(days=1), clinic.alice, request="a request of Alice")
    patient = live_through(db, clinic)

    text = own_data.give(db, clinic.desk, patient.ref, now=NOW).as_json()

    assert [word for word in (NAME, MAIL, PHONE, BOOKER, "1961-07-08", *NOTES) if word not in text] == []
    found = json.loads(text)
    assert len(found["appointments"]) == 3
    assert [len(found[part]) for part in ("wishes", "offers")] == [1, 1]
    assert {message["kind"] for message in found["messages"]} >= {"appointment.booked", "code"}
    assert not re.search(r"Alice|\{link|[0-9]{6}", "".join(message["text"] for message in found["messages"]))
    assert "request of Alice" not in text
    [given] = db.exec(select(Event).where(Event.kind == "patient.data_given")).all()
    assert given.staff_user_id == clinic.sam.id


# --- Erasure ----------------------------------------------------------------------------------------------------------


def test_after_her_erasure_a_dump_tells_nothing_of_her(db: Session, clinic: Clinic, chief: Actor) -> None:
    patient = live_through(db, clinic)
    assert len(set(TELLING.findall(dump(db)))) >= 5

    erasure.erase(db, chief, patient.ref, now=NOW)

    assert [line for line in dump(db).splitlines() if TELLING.search(line)] == []
    for about in ("reason", "request", "cancel_reason", "overbooked_reason"):
        kept = fetch(db, f"SELECT {about} AS note FROM appointment WHERE {about} <> ''")
        assert kept == []


def test_each_column_meets_its_fate(db: Session, clinic: Clinic, chief: Actor) -> None:
    patient = live_through(db, clinic)
    before = {
        table: _rows_of(db, table, patient.id or 0) for table in ("appointment", "waitlist_entry", "offer", "message")
    }

    erasure.erase(db, chief, patient.ref, now=NOW)

    wrong = []
    for table, old_rows in before.items():
        assert old_rows
        for old in old_rows:
            [new] = fetch(db, f"SELECT * FROM {table} WHERE id = %(id)s", id=old["id"])
            for column, value in new._asdict().items():
                fate = fate_of(table, column)
                is_right = {
                    Fate.emptied: not value,
                    Fate.renewed: value != old[column],
                    Fate.nobody: value != old[column],
                    # An offer that was open, a wish on the list and a letter that was due have ended.
                    Fate.stays: value == old[column]
                    or column in ("status", "decided_at", "decided_by", "why", "held_until"),
                    None: value == old[column] or column in ("held_until", "version"),
                }[fate]
                if not is_right:
                    wrong.append((table, column, fate, value))
    assert wrong == []
    for table in ("access_token", "patient_access", "one_time_code"):
        assert fetch(db, f"SELECT * FROM {table}") == []


def _rows_of(db: Session, table: str, patient_id: int) -> list[dict[str, object]]:
    db.flush()
    return [row._asdict() for row in fetch(db, f"SELECT * FROM {table} WHERE patient_id = %(id)s", id=patient_id)]


def test_the_figures_stay(db: Session, clinic: Clinic, chief: Actor) -> None:
    patient = live_through(db, clinic)
    count = "SELECT count(*), count(DISTINCT patient_id) AS people FROM {}"
    before = [fetch(db, count.format(table)) for table in ("appointment", "waitlist_entry", "message")]
    offers = len(fetch(db, "SELECT id FROM offer"))

    erasure.erase(db, chief, patient.ref, now=NOW)

    after = [fetch(db, count.format(table)) for table in ("appointment", "waitlist_entry")]
    assert after == before[:2]
    assert len(fetch(db, "SELECT id FROM offer")) == offers


def test_a_visit_that_is_to_come_is_cancelled_first(db: Session, clinic: Clinic, chief: Actor) -> None:
    make_appointment(db, clinic, NOW + timedelta(days=1))
    with pytest.raises(NotPossibleNow, match="still to come"):
        erasure.erase(db, chief, clinic.alice.ref, now=NOW)

    child = make_patient(db, "Berta Berger", None)
    booker = make_booker(db, clinic.bob.name, clinic.bob.email)
    make_appointment(db, clinic, NOW + timedelta(days=2), child, booker_id=booker.id)
    with pytest.raises(NotPossibleNow, match="still to come"):
        erasure.erase(db, chief, clinic.bob.ref, now=NOW)


def test_what_was_to_leave_does_not_leave(db: Session, clinic: Clinic, chief: Actor) -> None:
    appointment = make_appointment(
        db, clinic, NOW + timedelta(days=1), status=AppointmentStatus.cancelled, cancelled_at=NOW
    )
    notifications.write(db, "appointment.cancelled", appointment_id=appointment.id, now=NOW)
    message = db.exec(select(Message)).one()
    message.status = MessageStatus.taken
    with pytest.raises(NotPossibleNow, match="being sent"):
        erasure.erase(db, chief, clinic.alice.ref, now=NOW)
    message.status = MessageStatus.due

    erasure.erase(db, chief, clinic.alice.ref, now=NOW)

    assert (message.status, message.why) == (MessageStatus.dropped, "The patient was erased.")


def test_families_that_share_an_address_lose_nobody_else(db: Session, clinic: Clinic, chief: Actor) -> None:
    child = make_patient(db, "Anton Adler", clinic.alice.email)
    past = make_appointment(db, clinic, LAST_YEAR, child, status=AppointmentStatus.fulfilled)
    notifications.write(db, "appointment.booked", appointment_id=past.id, now=LAST_YEAR)

    erasure.erase(db, chief, clinic.alice.ref, now=NOW)

    message = db.exec(select(Message)).one()
    assert (message.recipient, message.recipient_name) == ("alice@example.com", "Anton Adler")
    assert db.get_one(Appointment, past.id).patient_id == child.id


def test_twice_and_somebody_unknown_are_not_found(db: Session, clinic: Clinic, chief: Actor) -> None:
    ref = clinic.alice.ref
    erasure.erase(db, chief, ref, now=NOW)
    [nobody] = fetch(db, "SELECT ref FROM patient WHERE name = '—'")

    for unknown in (ref, nobody.ref, uuid.uuid4()):
        with pytest.raises(NotFound):
            erasure.erase(db, chief, unknown, now=NOW)
        with pytest.raises(NotFound):
            own_data.give(db, chief, unknown, now=NOW)


def test_who_books_at_the_same_instant_is_refused_and_nobody_is_left_without_a_name(committed: str) -> None:
    ref, chief = in_transaction(_clinic)
    person = Person("Alice Adler", date(1984, 2, 29), "alice@example.com", None)
    refused: list[MedcalError] = []

    def erase_slowly(db: Session) -> None:
        erasure.erase(db, chief, ref, now=NOW)
        booker.start()
        # Until the other one waits for the row that is about to go.
        while not in_transaction(
            fetch, "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            time.sleep(0.02)

    def book() -> None:
        try:
            in_transaction(_wait, person)
        except MedcalError as refusal:
            refused.append(refusal)

    booker = threading.Thread(target=book)
    in_transaction(erase_slowly)
    booker.join()

    assert [type(refusal) for refusal in refused] == [ChangedMeanwhile]
    assert in_transaction(fetch, "SELECT id FROM waitlist_entry") == []


def _clinic(db: Session) -> tuple[uuid.UUID, Actor]:
    clinic = make_clinic(db)
    return clinic.alice.ref, actor(make_user(db, "Olga Ohm", Role.admin))


def _wait(db: Session, person: Person) -> None:
    from medcal.models import Location, VisitType

    visit_type, location = db.exec(select(VisitType)).one(), db.exec(select(Location)).one()
    waitlist.wait_without_appointment(db, person, visit_type, location, waitlist.Wish(), by=PATIENT, now=NOW)
