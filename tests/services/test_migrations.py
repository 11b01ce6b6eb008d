"""The tables as Alembic makes them are the tables that the models describe, to the last index."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.pool import NullPool
from sqlmodel import Session, SQLModel, col, select

from medcal import db as database
from medcal.db import fetch, fetch_one, in_transaction
from medcal.demo import freed, story
from medcal.migrate import PROJECT, migrate
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Delivery,
    Doctor,
    FreedEnd,
    Location,
    Message,
    MessageStatus,
    ReminderRule,
    VisitType,
    WaitlistEntry,
)
from medcal.security import PATIENT, SYSTEM
from medcal.services import answers, changes, freed_time, notifications, policy, waitlist
from medcal.services.patients import Person
from tests.races.crowd import broken_promises, rows
from tests.support import databases
from tests.support.due import run_due
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


# --- From the first version on ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def original() -> Iterator[str]:
    """The address of a clinic at work, to be copied."""
    name = databases.new_name()
    url = databases.copy_template(name)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "engine", lambda: engine)
        patched.setattr(database, "_hints", lambda: SimpleNamespace(give=lambda: None))
        # Its own have groups, which the first version does not know.
        patched.setattr(freed, "tell", lambda *_: None)
        _set_to_work()
    engine.dispose()
    yield url
    databases.drop(name)


@pytest.fixture
def at_work(original: str, commit_to: Callable[[str], None]) -> str:
    url = databases.copy(original, databases.new_name())
    commit_to(url)
    return url


def _set_to_work() -> None:
    """The demo clinic in the middle of offers of ours: open, accepted, declined, without an answer; a time that is gone, and one that is free."""
    in_transaction(story.load, NOW)
    in_transaction(_offer_to_one_at_once)
    in_transaction(_let_others_wait)
    for answer in (answers.accept, answers.decline, None, None):
        in_transaction(_cancel_something)
        run_due(NOW)
        offer = in_transaction(
            lambda db: fetch_one(db, "SELECT id FROM offer WHERE status = 'open' ORDER BY id LIMIT 1")
        )
        assert offer is not None
        if answer:
            in_transaction(answer, offer.id, by=PATIENT, now=NOW)
    run_due(NOW + timedelta(hours=3))
    in_transaction(_cancel_something)
    in_transaction(_end_one_by_desk)


def _offer_to_one_at_once(db: Session) -> None:
    location = db.exec(select(Location)).one()
    step = policy.Step(timedelta(0), timedelta(hours=2), 1)
    policy.write_policy(db, location.id or 0, None, policy.Policy((step,), offers_per_week=50))


def _let_others_wait(db: Session) -> None:
    [first] = db.exec(select(WaitlistEntry)).all()
    last = db.exec(
        select(Appointment)
        .where(Appointment.visit_type_id == first.visit_type_id, Appointment.status == AppointmentStatus.booked)
        .order_by(col(Appointment.starts_at).desc())
        .limit(6)
    )
    for appointment in last:
        waitlist.join(db, appointment, waitlist.Wish(notice_hours=0), by=PATIENT, now=NOW)
    visit_type, location = db.get_one(VisitType, first.visit_type_id), db.exec(select(Location)).one()
    person = Person("Dora Dunkel", None, "dora@example.com", None)
    waitlist.wait_without_appointment(db, person, visit_type, location, waitlist.Wish(), by=PATIENT, now=NOW)


def _cancel_something(db: Session) -> None:
    """The first visit of the specialty in which people wait that is far enough ahead."""
    booked = select(Appointment).where(
        Appointment.status == AppointmentStatus.booked,
        col(Appointment.starts_at) > NOW + timedelta(days=2),
        Appointment.visit_type_id == select(WaitlistEntry.visit_type_id).limit(1).scalar_subquery(),
    )
    found = db.exec(booked.order_by(col(Appointment.starts_at)).limit(1)).one()
    changes.cancel(db, found, by=SYSTEM, now=NOW)


def _end_one_by_desk(db: Session) -> None:
    [row] = fetch(db, "SELECT id FROM freed_time WHERE status = 'open' ORDER BY id DESC LIMIT 1")
    freed_time.end(db, freed_time.lock(db, row.id), FreedEnd.desk, now=NOW)


def everything(url: str) -> dict[str, list[dict[str, object]]]:
    """The rows of offers, less what the first version cannot know."""
    forgotten = {
        "waitlist_entry": {"unanswered_in_row"},
        "freed_time": {"ended_by", "not_before"},
        "message": {"why"},
    }
    with psycopg.connect(url, row_factory=dict_row) as connection:
        found = {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()  # type: ignore[arg-type]
            for table in ("freed_time", "offer", "waitlist_entry", "appointment", "message", "job")
        }
    versions = {row["id"]: row["version"] for row in found["appointment"]}
    for table, kept in found.items():
        for row in kept:
            for column in forgotten.get(table, ()):
                row.pop(column, None)
            # Of a wish that is no longer on the list nobody asks when its appointment was.
            if table == "waitlist_entry" and row["status"] not in ("waiting", "paused"):
                row.pop("own_starts_at", None)
            # Of a letter about an earlier version nobody asks which visit it named.
            if table == "message" and f":v{versions.get(row['appointment_id'])}" not in row["reason"]:
                del row["visit_starts_at"], row["visit_doctor_id"]
    return found


def test_a_clinic_at_work_is_brought_from_the_first_version_to_this_one_and_goes_on(at_work: str) -> None:
    before = everything(at_work)
    statuses = {row["status"] for row in before["freed_time"]}, {row["status"] for row in before["offer"]}
    assert statuses == ({"open", "offered", "filled", "gone"}, {"open", "accepted", "declined", "expired"})
    run_alembic(at_work, "downgrade", "0001")
    with psycopg.connect(at_work) as connection:
        assert connection.execute("SELECT to_regclass('offer_policy')").fetchone() == (None,)
        assert connection.execute("SELECT count(*) FROM offer").fetchone() == (len(before["offer"]),)

    assert migrate(at_work) == "The tables were brought up to date."

    assert everything(at_work) == before
    run_alembic(at_work, "check")
    assert in_transaction(_rules) == in_transaction(_default_rules)
    assert broken_promises(at_work) == {}
    ends = {row[0] for row in rows(at_work, "SELECT DISTINCT ended_by FROM freed_time")}
    assert ends >= {None, "offer"}
    # Its promises are kept on: what is open runs out at its minute, and others are asked.
    run_due(NOW + timedelta(hours=6))
    assert broken_promises(at_work) == {}
    assert len(everything(at_work)["offer"]) > len(before["offer"])


def _rules(db: Session) -> policy.Policy:
    return policy.policy_for(db, db.exec(select(Location)).one(), None)


def _default_rules(db: Session) -> policy.Policy:
    return policy.default_policy(db.exec(select(Location)).one())


def test_a_clinic_that_has_asked_a_group_does_not_go_back_and_loses_nothing(at_work: str) -> None:
    """The first version knows one offer for each hold."""
    with psycopg.connect(at_work, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO offer (ref, freed_time_id, entry_id, patient_id, hold_id, place_in_group, status, answer_until, created_at)
               SELECT gen_random_uuid(), o.freed_time_id, e.id, e.patient_id, o.hold_id, 2, 'open', o.answer_until, o.created_at
                 FROM offer o, waitlist_entry e WHERE o.status = 'open' AND NOT EXISTS (
                    SELECT FROM offer x WHERE x.patient_id = e.patient_id AND (x.status = 'open' OR x.freed_time_id = o.freed_time_id))
                ORDER BY o.id, e.id LIMIT 1"""
        )
    before = everything(at_work)

    with pytest.raises(IntegrityError, match="could not create unique index"):
        run_alembic(at_work, "downgrade", "0001")

    assert everything(at_work) == before
    assert migrate(at_work) == "The tables are up to date."


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
