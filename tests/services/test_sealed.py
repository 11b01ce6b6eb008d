"""Reasons, requests and notes lie sealed: a copy of the database gives none of them away, and keys can be changed."""

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from sqlmodel import Session, SQLModel, col, select

from medcal import keys as prompt
from medcal.db import fetch, in_transaction
from medcal.models import Appointment, TimeOff
from medcal.models.sealed import Sealed, key_id, open_note, seal_note
from medcal.services import absences, appointment_file, booking, changes, day_book, keys
from medcal.services.patients import Person
from tests.services.test_migrations import run_alembic
from tests.support.dump import dump
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic

OLD, NEW = "the-key-of-last-year,-long-enough", "the-key-of-this-year,-long-enough"
WORDS = ("Marked-Request", "Marked-Cancelled", "Marked-Overbooked", "Marked-Away", "Check-up")
TUESDAY = NOW + timedelta(days=1)


def write_everything(db: Session, clinic: Clinic) -> Appointment:
    """Each kind of note through the door that writes it."""
    person = Person("Dora Dunkel", None, "dora@example.com", None)
    held = booking.hold(db, clinic.okafor, clinic.visit_type, TUESDAY, visit="v" * 64, now=NOW)
    details = booking.Details(person, reason="Check-up", request="Marked-Request of a patient")
    booked = db.get_one(Appointment, booking.confirm(db, held.ref, details, visit="v" * 64, now=NOW))
    booking.book_at_desk(
        db,
        clinic.okafor,
        clinic.visit_type,
        TUESDAY,
        person,
        request="Marked-Request of the desk",
        overbook_reason="Marked-Overbooked",
        by=clinic.desk,
        now=NOW,
    )
    changes.cancel(db, booked, reason="Marked-Cancelled", by=clinic.desk, now=NOW)
    db.add(
        TimeOff(doctor_id=clinic.okafor.id, starts_at=TUESDAY, ends_at=TUESDAY + timedelta(hours=1), reason=WORDS[3])
    )
    db.flush()
    return booked


def test_a_dump_gives_no_note_away(db: Session, clinic: Clinic) -> None:
    clinic.specialty.reasons = []
    db.add(clinic.specialty)
    before = dump(db)
    clinic.specialty.reasons = ["Check-up"]
    write_everything(db, clinic)
    clinic.specialty.reasons = []
    db.flush()

    text = dump(db)

    assert [word for word in WORDS if word in text] == []
    assert text.count(key_id(b"a key for tests alone, known to everybody") + ":") == 7
    assert "Dora Dunkel" in text and "Dora Dunkel" not in before


def test_the_desk_reads_them_all(db: Session, clinic: Clinic) -> None:
    cancelled = write_everything(db, clinic)

    file = appointment_file.open_file(db, clinic.desk, cancelled.ref)
    book = day_book.read_days(db, clinic.desk, day_book.doctors_for(db, clinic.desk), TUESDAY.date(), 1)
    away = absences.coming_absences(db, clinic.desk, clinic.okafor.ref, NOW)

    assert (file.reason, file.request, file.cancel_reason, file.overbooked_reason) == (
        "Check-up",
        "Marked-Request of a patient",
        "Marked-Cancelled",
        "",
    )
    assert [claim.overbooked_reason for claim in book.claims] == ["Marked-Overbooked"]
    assert [absence.reason for absence in book.absences] == [absence.reason for absence in away] == ["Marked-Away"]


def test_all_reasons_of_a_list_are_of_one_length_when_sealed() -> None:
    reasons = ["Flu", "Palpitations", "A second opinion about a pregnancy", "ü" * 60]

    assert len({len(seal_note(reason, "appointment.reason")) for reason in reasons}) == 1
    assert [open_note(seal_note(reason, "a"), "a") for reason in reasons] == reasons


def test_a_note_does_not_open_in_another_column(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, TUESDAY, request="Marked-Request")
    fetch(db, "UPDATE appointment SET cancel_reason = request WHERE id = %(id)s", id=appointment.id)
    db.refresh(appointment)

    assert appointment.cancel_reason == "This cannot be read: its key is missing."


def test_without_its_key_the_day_goes_on(db: Session, clinic: Clinic, configured: Callable[..., None]) -> None:
    appointment = make_appointment(db, clinic, TUESDAY, request="Marked-Request")
    configured(MEDCAL_SECRET_KEY="another key, and the old one is lost")
    db.expire_all()

    file = appointment_file.open_file(db, clinic.desk, appointment.ref)

    assert file.request == "This cannot be read: its key is missing."


# --- Another key ------------------------------------------------------------------------------------------------------


def notes(db: Session) -> list[tuple[str, ...]]:
    rows = db.exec(select(Appointment).order_by(col(Appointment.id))).all()
    return [(row.reason, row.request, row.cancel_reason, row.overbooked_reason or "") for row in rows]


def test_after_the_rotation_the_old_key_opens_nothing_and_is_needed_for_nothing(
    committed: str, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keys, "ONCE", 2)
    configured(MEDCAL_DATA_KEY=OLD)
    in_transaction(_fill)
    before = in_transaction(notes)
    configured(MEDCAL_DATA_KEY=NEW, MEDCAL_DATA_KEYS_BEFORE=OLD)

    assert prompt.main(["rotate"]) == 0

    assert capsys.readouterr().out == "10 sealed with the new key.\n"
    assert prompt.main(["rotate"]) == 0
    assert capsys.readouterr().out == "0 sealed with the new key.\n"
    configured(MEDCAL_DATA_KEY=NEW, MEDCAL_DATA_KEYS_BEFORE="")
    assert in_transaction(notes) == before
    assert in_transaction(_remembered) == "acute pain"
    assert key_id(OLD.encode()) not in in_transaction(dump)


def _fill(db: Session) -> None:
    clinic = make_clinic(db)
    for hour in range(5):
        make_appointment(db, clinic, NOW + timedelta(days=1, hours=hour), request=f"Marked-Request {hour}")
    # One that was overbooked and moved away: the reason lies in what would take it back.
    over = make_appointment(
        db,
        clinic,
        NOW + timedelta(days=2),
        overbooked_by_id=clinic.sam.id,
        overbooked_reason="acute pain",
        cancel_reason="Marked-Cancelled",
        request="Marked-Request of hers",
    )
    later = over.starts_at + timedelta(hours=1)
    changes.move_at_desk(
        db, over, clinic.okafor, later, version=1, overbook_reason="so that she can come", by=clinic.desk, now=NOW
    )


def _remembered(db: Session) -> str:
    row = fetch(db, "SELECT undo->>'overbooked_reason' AS kept FROM appointment WHERE undo IS NOT NULL")[0]
    return open_note(row.kept, "appointment.overbooked_reason")


def test_a_note_that_is_changed_during_the_rotation_keeps_its_change(
    committed: str, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(MEDCAL_DATA_KEY=OLD)
    ref = in_transaction(_one)
    configured(MEDCAL_DATA_KEY=NEW, MEDCAL_DATA_KEYS_BEFORE=OLD)
    replace = keys._replace

    def replace_after_somebody_else(db: Session, place: keys.Place, id_: int, old: str, text: str) -> bool:
        writer = threading.Thread(target=in_transaction, args=(_change, ref))
        writer.start()
        writer.join()
        return replace(db, place, id_, old, text)

    monkeypatch.setattr(keys, "_replace", replace_after_somebody_else)

    assert keys.reseal_everything() == keys.Resealed(0, 0)

    assert in_transaction(notes)[0][1] == "changed meanwhile"


def _one(db: Session) -> object:
    return make_appointment(db, make_clinic(db), TUESDAY, request="Marked-Request").ref


def _change(db: Session, ref: object) -> None:
    row = db.exec(select(Appointment).where(Appointment.ref == ref)).one()
    row.request = "changed meanwhile"


def test_what_no_key_opens_is_counted_and_left(
    committed: str, configured: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configured(MEDCAL_DATA_KEY=OLD)
    in_transaction(_one)
    before = in_transaction(dump)
    configured(MEDCAL_DATA_KEY=NEW)

    assert prompt.main(["rotate"]) == 1

    assert "1 could not be opened" in capsys.readouterr().err
    assert in_transaction(dump) == before


def test_the_rotation_knows_every_sealed_column() -> None:
    sealed = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Sealed)
    }

    assert {place.about for place in keys.sealed_places()} == sealed
    assert len(sealed) == 6


def test_what_was_in_plain_words_before_is_sealed_and_comes_back(committed: str) -> None:
    in_transaction(_one)
    run_alembic(committed, "downgrade", "0004")
    with psycopg.connect(committed) as connection:
        assert connection.execute("SELECT request FROM appointment").fetchall() == [("Marked-Request",)]

    run_alembic(committed, "upgrade", "head")

    assert "Marked-Request" not in in_transaction(dump)
    assert in_transaction(notes)[0][1] == "Marked-Request"
