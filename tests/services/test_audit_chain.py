"""The chain over the history: whatever is changed, removed or left out shows."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlmodel import Session

import medcal.db
from medcal.db import fetch, in_transaction
from medcal.security import SYSTEM
from medcal.services import audit_chain, audit_check, events, looks
from medcal.services.audit_chain import EVENTS, RECORDS, End
from medcal.services.looks import Seen
from tests.support.factories import Clinic, make_clinic

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def write(db: Session, count: int = 10) -> None:
    for place in range(count):
        events.record(db, "clinic.changed", by=SYSTEM, now=NOW, old={"name": "Älter"}, new={"name": f"{place} · neu"})


def look(db: Session, clinic: Clinic) -> None:
    for doctor in (None, clinic.okafor.id):
        looks.note(db, clinic.desk, Seen.calendar, doctor_id=doctor, first_day=NOW.date(), last_day=NOW.date())


def seal_all(now: datetime = NOW) -> None:
    while in_transaction(audit_chain.seal_new, now):
        pass


def verdict(source: str = EVENTS, **noted: End) -> audit_check.Verdict:
    found = in_transaction(audit_check.verify, LATER, {source: noted["noted"]} if noted else None)
    return next(each for each in found if each.source == source)


@pytest.fixture
def sealed(committed: str) -> str:
    """Ten events and two looks, sealed. What a test does to them it does as somebody who has the whole database."""
    in_transaction(lambda db: look(db, make_clinic(db)))
    in_transaction(write)
    seal_all()
    return committed


def as_intruder(url: str, *statements: str) -> None:
    """With the triggers taken away first: who owns the tables can do that, and must not get away with it."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("event", "access_record", "audit_seal", "audit_checkpoint"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
        for statement in statements:
            connection.execute(statement.encode())
        for table in ("event", "access_record", "audit_seal", "audit_checkpoint"):
            connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER keep_rows".encode())


def test_what_nobody_has_touched_is_whole(sealed: str) -> None:
    found = in_transaction(audit_check.verify, LATER)

    assert [(each.source, each.is_whole, each.checked) for each in found] == [(EVENTS, True, 10), (RECORDS, True, 2)]
    assert all(len(each.end.digest) == 64 for each in found)


def test_sealing_again_adds_nothing(sealed: str) -> None:
    before = in_transaction(fetch, "SELECT * FROM audit_seal ORDER BY source, number")

    seal_all(LATER)
    in_transaction(audit_chain.seal_late, LATER)

    assert in_transaction(fetch, "SELECT * FROM audit_seal ORDER BY source, number") == before


@pytest.mark.parametrize(
    ("did", "fault"),
    [
        ("UPDATE event SET detail = '{}' WHERE id = 4", "row 4 (number 4) is not as it was sealed"),
        ("UPDATE event SET at = at + interval '1 second' WHERE id = 1", "row 1 (number 1) is not as it was sealed"),
        ("UPDATE event SET actor = 'staff' WHERE id = 10", "row 10 (number 10) is not as it was sealed"),
        ("DELETE FROM event WHERE id = 5", "row 5 (number 5) was deleted"),
        ("DELETE FROM event WHERE id = 10", "row 10 (number 10) was deleted"),
        ("DELETE FROM audit_seal WHERE source = 'event' AND number = 6", "seal 6 is missing"),
        ("DELETE FROM audit_seal WHERE source = 'event' AND number = 1", "seal 1 is missing"),
        (
            "UPDATE audit_seal SET row_id = CASE row_id WHEN 2 THEN -3 ELSE 2 END WHERE source = 'event' AND row_id IN (2, 3)",
            "(number 2) was deleted",
        ),
    ],
)
def test_what_somebody_with_the_whole_database_does_shows(sealed: str, did: str, fault: str) -> None:
    as_intruder(sealed, did)

    found = verdict()

    assert not found.is_whole
    assert any(fault in each for each in found.faults), found.faults
    assert verdict(RECORDS).is_whole


def test_a_row_and_its_seal_in_the_middle_leave_a_gap(sealed: str) -> None:
    as_intruder(
        sealed, "DELETE FROM event WHERE id = 5", "DELETE FROM audit_seal WHERE source = 'event' AND number = 5"
    )

    assert "seal 5 is missing" in verdict().faults


def test_an_end_that_was_cut_off_shows_to_who_has_noted_it(sealed: str) -> None:
    noted = verdict().end
    cut = "audit_seal WHERE source = 'event' AND number > 7"
    as_intruder(sealed, "DELETE FROM event WHERE id > 7", f"DELETE FROM {cut}")

    assert verdict().is_whole
    assert [fault for fault in verdict(noted=noted).faults if "number 10 is not there any more" in fault]


def test_what_was_noted_is_still_there_when_the_history_has_grown(sealed: str) -> None:
    noted = verdict().end
    in_transaction(write)
    seal_all()

    assert verdict(noted=noted).is_whole
    assert verdict().end.number == 20


def test_a_chain_that_was_written_anew_without_the_key_shows(sealed: str) -> None:
    as_intruder(sealed, "UPDATE event SET kind = 'doctor.changed' WHERE id = 3")
    with psycopg.connect(sealed, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit_seal DISABLE TRIGGER USER")
        connection.execute("DELETE FROM audit_seal")
        connection.execute(
            """INSERT INTO audit_seal (source, number, row_id, at, sealed_with, digest)
               SELECT 'event', id, id, at, 'deadbeef', encode(sha256(detail::text::bytea), 'hex') FROM event"""
        )

    assert "number 1 was sealed with a key (deadbeef) that is not here" in verdict().faults


def test_what_was_never_sealed_shows_after_a_minute(sealed: str) -> None:
    in_transaction(write, 3)

    soon = in_transaction(audit_check.verify, NOW + timedelta(seconds=50))

    assert soon[0].is_whole
    assert verdict().faults == ["3 rows are not sealed, the first of them is row 11: does a scheduler run?"]


def test_who_commits_late_is_sealed_behind_those_who_came_after(committed: str) -> None:
    with psycopg.connect(committed) as slow:
        slow.execute("INSERT INTO event (at, kind, actor) VALUES (now(), 'clinic.changed', 'system')")
        in_transaction(write, 3)
        seal_all()
        slow.commit()

    seal_all()

    rows = in_transaction(fetch, "SELECT row_id FROM audit_seal WHERE source = 'event' ORDER BY number")
    assert [row.row_id for row in rows] == [2, 3, 4, 1]
    assert verdict().is_whole


def test_who_commits_very_late_is_found_by_the_look_at_everything(
    committed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_chain, "LATE_BY", 0)
    with psycopg.connect(committed) as slow:
        slow.execute("INSERT INTO event (at, kind, actor) VALUES (now(), 'clinic.changed', 'system')")
        in_transaction(write, 3)
        seal_all()
        slow.commit()

    in_transaction(audit_chain.seal_late, NOW)

    assert verdict().checked == 4
    assert verdict().is_whole


def test_many_who_seal_at_once_make_one_chain(committed: str) -> None:
    in_transaction(write, 1_200)
    threads = [threading.Thread(target=seal_all) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = verdict()
    assert (found.is_whole, found.checked, found.end.number) == (True, 1_200, 1_200)


def test_who_is_killed_in_the_middle_leaves_a_whole_chain(committed: str) -> None:
    in_transaction(write, 40)
    # Held, or the child would close it: it works on a connection of its own, since its parent goes on with this one.
    engine = medcal.db.engine()
    child = os.fork()
    if not child:
        medcal.db.open_engine.cache_clear()
        # Everything is written, nothing committed.
        in_transaction(lambda db: (audit_chain.seal_new(db, NOW), os.kill(os.getpid(), signal.SIGKILL)))
    os.waitpid(child, 0)
    assert medcal.db.engine() is engine
    assert in_transaction(fetch, "SELECT row_id FROM audit_seal") == []

    seal_all()

    assert (verdict().is_whole, verdict().checked) == (True, 40)


def test_a_chain_is_the_same_on_every_clock(sealed: str) -> None:
    def on_another_clock(db: Session) -> list[audit_check.Verdict]:
        fetch(db, "SET LOCAL timezone = 'Pacific/Kiritimati'")
        return audit_check.verify(db, LATER)

    assert all(each.is_whole for each in in_transaction(on_another_clock))
