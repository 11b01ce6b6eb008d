"""The tables as Alembic makes them are the tables that the models describe, to the last index."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.exc import StatementError
from sqlalchemy.pool import NullPool
from sqlmodel import Session, SQLModel, col, select

from medcal import db as database
from medcal.db import in_transaction
from medcal.demo import story
from medcal.migrate import PROJECT, migrate
from medcal.models import Appointment, Delivery, Doctor, Message, MessageStatus, ReminderRule
from medcal.services import notifications
from tests.support import databases
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic

# What `alembic check` does not see is here: exclusion constraints, the text of CHECKs, predicates of indexes, triggers, functions.
CATALOGUE = """
SELECT 'column', c.relname, a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint', r.relname, conname, pg_get_constraintdef(k.oid) || ' ' || k.convalidated
  FROM pg_constraint k JOIN pg_class r ON r.oid = conrelid WHERE r.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger', c.relname, tgname, pg_get_triggerdef(t.oid)
  FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function', '', p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e')
"""


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of a database in which nothing is."""
    name = databases.new_name()
    with psycopg.connect(databases.ADMIN_URL, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    yield databases.url_of(name)
    databases.drop(name)


def catalogue(url: str) -> set[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        return {row for row in connection.execute(CATALOGUE) if "alembic_version" not in row}


def run_alembic(url: str, work: str, *arguments: str) -> None:
    with create_engine(
        url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool
    ).connect() as connection:
        config = Config(Path(PROJECT) / "alembic.ini")
        config.attributes["connection"] = connection
        getattr(command, work)(config, *arguments)
        connection.commit()


def test_an_empty_database_is_brought_up_to_date_once(empty: str) -> None:
    assert migrate(empty) == "The tables were brought up to date."
    assert migrate(empty) == "The tables are up to date."


def test_any_number_of_processes_may_start_on_an_empty_database(empty: str) -> None:
    environment = {"DATABASE_URL": empty, "MEDCAL_SECRET_KEY": "k" * 32, "PATH": ""}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "medcal.migrate"],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]

    said = [process.communicate(timeout=60) for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], said
    assert len(catalogue(empty)) > 300


def test_a_full_database_keeps_everything(committed: str) -> None:
    in_transaction(story.load, NOW)
    before = _rows()

    said = migrate(committed)
    run_alembic(committed, "check")

    assert said == "The tables are up to date."
    assert _rows() == before
    assert before[Appointment] > 50


def _rows() -> dict[type[SQLModel], int]:
    with database.transaction() as db:
        return {table: len(db.exec(select(table)).all()) for table in (Doctor, Appointment, Message)}


def test_alembic_finds_no_difference_between_models_and_tables(committed: str) -> None:
    run_alembic(committed, "check")


def test_migrations_and_models_make_the_same_catalogue(committed: str, empty: str) -> None:
    with create_engine(
        empty.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool
    ).begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION btree_gist")
        SQLModel.metadata.create_all(connection)

    migrated, described = catalogue(committed), catalogue(empty)

    assert sorted(migrated - described) == []
    assert sorted(described - migrated) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE appointment DROP CONSTRAINT ex_appointment_doctor_time_live",
        "ALTER TABLE offer DROP CONSTRAINT ck_offer_decided_at",
        """ALTER TABLE visit_type DROP CONSTRAINT ck_visit_type_buffer_minutes,
               ADD CONSTRAINT ck_visit_type_buffer_minutes CHECK (buffer_minutes BETWEEN 0 AND 999)""",
        "DROP INDEX uq_offer_open_per_patient; CREATE UNIQUE INDEX uq_offer_open_per_patient ON offer (patient_id)",
        "DROP TRIGGER count_claims ON appointment",
        "ALTER TABLE patient ADD COLUMN hair text",
    ],
)
def test_the_comparison_sees_what_could_silently_differ(committed: str, change: str) -> None:
    before = catalogue(committed)
    with psycopg.connect(committed, autocommit=True) as connection:
        connection.execute(change)  # type: ignore[arg-type]

    assert catalogue(committed) != before


def test_what_was_told_before_fates_were_known_keeps_its_place(committed: str) -> None:
    in_transaction(_tell_four)
    run_alembic(committed, "downgrade", "0002")
    with psycopg.connect(committed, autocommit=True) as connection:
        before = connection.execute("SELECT status, delivered_at FROM message ORDER BY id").fetchall()

    run_alembic(committed, "upgrade", "head")

    # Back to fewer words and forth again: what a webhook took, and what lay in the outbox, are told apart by their tries.
    assert [status for status, _ in before] == ["delivered", "delivered", "dead", "due"]
    assert all(delivered_at for status, delivered_at in before if status == "delivered")
    with database.transaction() as db:
        rows = db.exec(select(Message).order_by(col(Message.id))).all()
        assert [str(row.status) for row in rows] == ["handed_over", "delivered", "dead", "due"]
        assert [row.handed_over_at for row in rows] == [NOW, None, None, None]
        rules = db.exec(select(ReminderRule.before_hours).order_by(col(ReminderRule.before_hours))).all()
    assert list(rules) == [24, 72]


def _tell_four(db: Session) -> None:
    """One that a webhook took, one in the outbox, one that bounced, and one that somebody is just handing over."""
    clinic = make_clinic(db)
    for place, change in enumerate(
        [
            {"status": MessageStatus.handed_over, "handed_over_at": NOW},
            {"status": MessageStatus.delivered, "delivered_at": NOW},
            {"status": MessageStatus.bounced},
            {"status": MessageStatus.taken},
        ]
    ):
        appointment = make_appointment(db, clinic, NOW + timedelta(days=place + 1))
        notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)
        message = db.exec(select(Message).where(Message.appointment_id == appointment.id)).one()
        message.sqlmodel_update(change)
    first = db.exec(select(Message).order_by(col(Message.id)).limit(1)).one()
    db.add(
        Delivery(message_id=first.id or 0, attempt=1, target="https://n8n.example:443", started_at=NOW, finished_at=NOW)
    )
    db.flush()


def test_going_back_leaves_nothing(committed: str) -> None:
    run_alembic(committed, "downgrade", "base")

    assert catalogue(committed) == set()
    assert migrate(committed) == "The tables were brought up to date."


def test_every_constraint_has_a_name_of_ours(committed: str) -> None:
    # NOT NULL has been a constraint since PostgreSQL 18; it needs no name to be found.
    with psycopg.connect(committed) as connection:
        rows = connection.execute(
            """SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
               AND conrelid <> 'alembic_version'::regclass"""
        ).fetchall()

    names = [row[0] for row in rows]
    assert len(names) > 100
    assert [name for name in names if not name.startswith(("pk_", "uq_", "fk_", "ck_", "ex_"))] == []
    assert [name for name in names if len(name) >= 63] == []


def test_every_refusal_of_the_database_that_has_words_exists(committed: str) -> None:
    known = {name for _, _, name, _ in catalogue(committed)}

    assert set(database.REFUSALS) <= known


def test_an_instant_without_a_zone_is_refused(db: Session, clinic: Clinic) -> None:
    with pytest.raises(StatementError, match="timezone"):
        make_appointment(db, clinic, NOW, created_at=datetime(2026, 3, 2, 9))
