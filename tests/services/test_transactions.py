"""One transaction: what is tried again, and what must not be."""

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from medcal import db as database
from medcal.db import fetch_one, in_transaction, transaction
from medcal.errors import SlotTaken
from medcal.models import Appointment, Event
from medcal.security import SYSTEM
from medcal.services import events
from tests.support.factories import NOW, Clinic, make_appointment
from tests.support.times import at


def failing_first(error: Exception, times: int = 1) -> tuple[list[int], object]:
    """Work that fails so many times and then succeeds, and a list that grows with every try."""
    tries: list[int] = []

    def work(db: Session) -> str:
        tries.append(1)
        if len(tries) <= times:
            raise error
        return "done"

    return tries, work


@pytest.mark.parametrize(
    "error", [pg.DeadlockDetected(), pg.SerializationFailure(), pg.AdminShutdown()], ids=lambda e: type(e).__name__
)
def test_what_the_database_rolled_back_is_tried_again(committed: str, error: Exception) -> None:
    # psycopg fills in the state of errors that come from a server.
    error.sqlstate = type(error).sqlstate  # type: ignore[attr-defined]
    tries, work = failing_first(error)

    assert in_transaction(work) == "done"  # type: ignore[arg-type]
    assert len(tries) == 2


def test_it_is_not_tried_for_ever(committed: str) -> None:
    tries, work = failing_first(pg.DeadlockDetected(), times=99)

    with pytest.raises(pg.DeadlockDetected):
        in_transaction(work)  # type: ignore[arg-type]

    assert len(tries) == database.TRIES


def test_a_mistake_of_ours_is_not_tried_again(committed: str) -> None:
    tries, work = failing_first(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        in_transaction(work)  # type: ignore[arg-type]

    assert len(tries) == 1


def test_a_connection_lost_in_the_commit_is_not_tried_again(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody knows whether it was saved: a second try could book twice.
    tries: list[int] = []

    def commit(session: Session) -> None:
        raise OperationalError("COMMIT", {}, psycopg.OperationalError("server closed the connection"))

    monkeypatch.setattr(Session, "commit", commit)

    with pytest.raises(OperationalError):
        in_transaction(lambda db: tries.append(1))

    assert len(tries) == 1


def test_connections_that_the_server_has_closed_are_not_noticed(committed: str) -> None:
    sessions = [Session(database.engine()) for _ in range(8)]
    for session in sessions:
        session.connection()
    for session in sessions:
        session.close()
    with psycopg.connect(committed, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    for _ in range(8):
        row = in_transaction(fetch_one, "SELECT 1 AS one")
        assert row is not None
    assert in_transaction(lambda db: db.execute(text("SELECT 1")).scalar_one()) == 1


def test_the_refusal_of_a_constraint_becomes_a_sentence(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, at("2026-03-03 09:00"))

    with pytest.raises(SlotTaken), transaction() as own:
        make_appointment(own, clinic, at("2026-03-03 09:10"))

    assert len(db.exec(select(Appointment)).all()) == 1


def test_what_fails_leaves_nothing_behind(db: Session, clinic: Clinic) -> None:
    def record_and_fail() -> None:
        with transaction() as own:
            events.record(own, "schedule.changed", by=SYSTEM, now=NOW, doctor_id=clinic.okafor.id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record_and_fail()

    assert db.exec(select(Event)).all() == []


def test_after_a_rollback_a_session_does_not_speak_on_a_connection_that_others_have(committed: str) -> None:
    with Session(database.engine()) as first, Session(database.engine()) as second:
        fetch_one(first, WHO)
        first.rollback()

        assert fetch_one(second, WHO) != fetch_one(first, WHO)


WHO = "SELECT pg_backend_pid()"
