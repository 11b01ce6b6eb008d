"""The database refuses to change what is only ever added to: to the owner by trigger, to the clinic's role by privilege."""

import os
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import errors, sql
from sqlmodel import Session, SQLModel, select

import medcal.db
from medcal import audit, grants
from medcal.db import fetch, in_transaction
from medcal.models import Location, Patient, VisitType
from medcal.models.audit import KEPT_TABLES
from medcal.security import SYSTEM, Role
from medcal.services import (
    audit_chain,
    audit_check,
    audit_lapse,
    booking,
    erasure,
    events,
    housekeeping,
    keys,
    looks,
    schedules,
    specialties,
    waitlist,
)
from medcal.services.audit_chain import EVENTS
from medcal.services.looks import Seen
from medcal.services.patients import Person
from tests.support.databases import ADMIN_URL
from tests.support.factories import NOW, actor, make_clinic, make_user

EMBEDDED_APP_URL = os.environ.get("TEST_DATABASE_APP_URL")
CHANGES = ("UPDATE {} SET at = at", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE")
YEARS_AGO = datetime(2015, 1, 1, tzinfo=UTC)


def fill(db: Session, at: datetime = NOW, count: int = 5) -> None:
    for _ in range(count):
        events.record(db, "clinic.changed", by=SYSTEM, now=at)


@pytest.fixture
def filled(committed: str) -> str:
    """A clinic with a history, looked at, sealed, and with a checkpoint."""

    def begin(db: Session) -> None:
        clinic = make_clinic(db)
        schedules.extend_openings(db, NOW)
        fill(db)
        looks.note(db, clinic.desk, Seen.waitlist)
        audit_chain.seal_new(db, NOW)
        fetch(db, "INSERT INTO audit_checkpoint SELECT 'event', 900, now(), now(), 'd', 'k', 'm'")

    in_transaction(begin)
    return committed


@pytest.fixture
def app_url(filled: str, app_login: str, configured: Callable[..., None]) -> Iterator[str]:
    """The clinic's own role on this database, as `migrate` leaves it; everything that the test does it does as this one."""
    parts = urlsplit(filled)
    url = urlunsplit(parts._replace(netloc=f"{app_login}@{parts.netloc.rpartition('@')[2]}"))
    configured(DATABASE_URL=url, OWNER_DATABASE_URL=filled)
    with psycopg.connect(filled) as owner:
        grants.settle(owner)
    medcal.db.engine().dispose()
    medcal.db.open_engine.cache_clear()
    yield url
    medcal.db.engine().dispose()
    medcal.db.open_engine.cache_clear()
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(app_login.partition(":")[0])))


@pytest.fixture
def app_login() -> Iterator[str]:
    """Name and password: the role that the embedded server comes with, on another server one of the test's own."""
    if EMBEDDED_APP_URL:
        yield urlsplit(EMBEDDED_APP_URL).netloc.rpartition("@")[0]
        return
    name, password = f"medcal_test_app_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    with psycopg.connect(ADMIN_URL, autocommit=True) as admin:
        begin = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        admin.execute(begin.format(sql.Identifier(name), sql.Literal(password)))
        yield f"{name}:{password}"
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def refusal(url: str, statement: str) -> str:
    with psycopg.connect(url) as connection, pytest.raises(errors.InsufficientPrivilege) as refused:
        connection.execute(statement.encode())
    return str(refused.value)


# --- Whoever asks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", KEPT_TABLES)
def test_not_even_the_owner_changes_or_removes_a_row(filled: str, table: str) -> None:
    for change in CHANGES:
        assert "is only ever added to" in refusal(filled, change.format(table))


def test_neither_does_who_tells_triggers_to_rest(filled: str) -> None:
    # Who is no superuser may not even tell them.
    assert refusal(filled, "SET session_replication_role = replica; DELETE FROM event")


def test_a_guard_that_was_switched_off_is_told(filled: str) -> None:
    assert in_transaction(audit_check.weak_guards) == []
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER keep_rows")
        connection.execute("DROP TRIGGER keep_table ON audit_seal")

    assert in_transaction(audit_check.weak_guards) == ["audit_seal.keep_table", "event.keep_rows"]


# --- The clinic's own role --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [*KEPT_TABLES, "audit_rule"])
def test_the_clinic_has_no_right_to_change_or_remove(app_url: str, table: str) -> None:
    for change in CHANGES if table in KEPT_TABLES else CHANGES[1:]:
        assert "permission denied" in refusal(app_url, change.format(table))
    assert "must be owner" in refusal(app_url, f"ALTER TABLE {table} DISABLE TRIGGER ALL")


def test_nor_to_say_that_something_has_lapsed(app_url: str) -> None:
    lapsed = "INSERT INTO audit_checkpoint SELECT 'event', 5, now(), now(), 'd', 'k', 'm'"

    assert "permission denied" in refusal(app_url, lapsed)
    assert "permission denied" in refusal(app_url, "UPDATE audit_rule SET keep_days = 1")
    assert "time is not over" in refusal(app_url, "SELECT forget_audit('event', 5, 'k', 'm')")
    assert "must be owner" in refusal(app_url, "DROP TABLE audit_seal CASCADE")


def test_the_clinic_goes_on_with_its_work(app_url: str) -> None:
    """It writes history, seals it, verifies it, and does to all other tables what it has to."""
    in_transaction(fill)
    in_transaction(audit_chain.seal_new, NOW)
    in_transaction(schedules.extend_openings, NOW)
    in_transaction(booking.release_lapsed_holds, NOW)
    in_transaction(housekeeping.tidy, NOW)
    in_transaction(settle_in)
    keys.reseal_everything()

    assert in_transaction(audit_check.could_switch_off) == ""
    rights = in_transaction(
        fetch,
        """SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
             AND NOT has_table_privilege(c.oid, 'SELECT') OR c.relname = ANY(%(tables)s) AND NOT has_table_privilege(c.oid, 'INSERT')""",
        tables=[table.name for table in SQLModel.metadata.sorted_tables if table.name not in grants.READ_ONLY],
    )
    assert rights == []


def test_a_role_that_could_switch_them_off_is_told(filled: str) -> None:
    assert in_transaction(audit_check.could_switch_off) == urlsplit(filled).username


def settle_in(db: Session) -> None:
    """What takes more rights than most: tables that are locked, and a patient with her key who comes and is erased."""
    olga = actor(make_user(db, "Olga Ohm", Role.admin))
    [ready, *_] = specialties.ready_made(db, olga)
    assert specialties.add_ready_made(db, olga, [ready.slug], now=NOW) == 1
    location, visit_type = db.exec(select(Location)).one(), db.exec(select(VisitType).limit(1)).one()
    person = Person("Wilhelmine Quitte", None, "w.quitte@example.org", None)
    waitlist.wait_without_appointment(db, person, visit_type, location, waitlist.Wish(), by=olga, now=NOW)
    ref = db.exec(select(Patient.ref).where(Patient.name == person.name)).one()
    erasure.erase(db, olga, ref, now=NOW)
    assert fetch(db, "SELECT * FROM patient_key") == []


def test_what_has_lapsed_the_clinic_has_removed_without_a_right_of_its_own(app_url: str, filled: str) -> None:
    with psycopg.connect(filled, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_checkpoint DISABLE TRIGGER USER")
        owner.execute("DELETE FROM audit_checkpoint")
        owner.execute("UPDATE audit_rule SET keep_days = 1 WHERE source = 'event'")

    # Those of the fixture are of March, on a clock that has long gone on.
    assert in_transaction(audit_lapse.remove_lapsed, NOW + timedelta(days=30)) == 5

    assert in_transaction(audit_check.verify, NOW)[0].is_whole


# --- What has lapsed --------------------------------------------------------------------------------------------------


def keep(days: int) -> None:
    in_transaction(
        fetch,
        "INSERT INTO audit_rule VALUES ('event', %(days)s) ON CONFLICT (source) DO UPDATE SET keep_days = excluded.keep_days",
        days=days,
    )


@pytest.fixture
def old_and_new(committed: str) -> str:
    """Six rows of 2015 and four of now, sealed."""
    in_transaction(fill, YEARS_AGO, 6)
    in_transaction(fill, datetime.now(UTC), 4)
    in_transaction(audit_chain.seal_new, NOW)
    return committed


def test_what_has_lapsed_goes_and_the_chain_goes_on_from_there(old_and_new: str) -> None:
    keep(365)
    now = datetime.now(UTC)

    assert in_transaction(audit_lapse.remove_lapsed, now) == 6
    assert in_transaction(audit_lapse.remove_lapsed, now) == 0

    rows = in_transaction(fetch, "SELECT min(id) AS first, count(*) FROM event WHERE kind = 'clinic.changed'")
    assert (rows[0].first, rows[0].count) == (7, 4)
    in_transaction(audit_chain.seal_new, now)
    [found, _] = in_transaction(audit_check.verify, now)
    assert found.faults == []
    assert (found.checked, found.end.number) == (5, 11)
    assert found.removed_until == YEARS_AGO


def test_all_may_lapse_and_the_chain_still_goes_on(committed: str) -> None:
    in_transaction(fill, YEARS_AGO, 6)
    in_transaction(audit_chain.seal_new, NOW)
    keep(365)

    in_transaction(audit_lapse.remove_lapsed, NOW)
    in_transaction(audit_chain.seal_new, NOW)

    [found, _] = in_transaction(audit_check.verify, datetime.now(UTC))
    assert (found.faults, found.checked, found.end.number) == ([], 1, 7)


def test_what_is_kept_for_ever_stays(old_and_new: str) -> None:
    assert in_transaction(audit_lapse.remove_lapsed, NOW) == 0
    keep(0)

    assert in_transaction(audit_lapse.remove_lapsed, NOW) == 0


def test_what_is_young_stays_whoever_asks(old_and_new: str) -> None:
    """Also where the clock of who asks is wrong, or who asks is not the clinic."""
    keep(365)
    in_ten_years = datetime.now(UTC) + timedelta(days=3660)

    with pytest.raises(errors.InsufficientPrivilege, match="time is not over"):
        in_transaction(audit_lapse.remove_lapsed, in_ten_years)
    assert "time is not over" in refusal(old_and_new, "SELECT forget_audit('event', 7, 'k', 'm')")


def test_a_beginning_that_only_pretends_to_have_lapsed_shows(old_and_new: str) -> None:
    """Somebody with the whole database, but without the server's key."""
    keep(365)
    in_transaction(fetch, "SELECT forget_audit('event', 3, 'deadbeef', 'made up')")

    [found, _] = in_transaction(audit_check.verify, NOW)

    assert found.faults == ["the checkpoint at number 3 was not made by this clinic's server"]


def test_a_deleted_row_does_not_lapse_quietly(old_and_new: str) -> None:
    with psycopg.connect(old_and_new, autocommit=True) as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER USER")
        connection.execute("DELETE FROM event WHERE id = 3")
        connection.execute("ALTER TABLE event ENABLE ALWAYS TRIGGER keep_rows")
        connection.execute("ALTER TABLE event ENABLE ALWAYS TRIGGER keep_table")
    keep(365)

    assert in_transaction(audit_lapse.remove_lapsed, datetime.now(UTC)) == 2

    [found, _] = in_transaction(audit_check.verify, NOW)
    assert found.faults[0] == "row 3 (number 3) was deleted"


# --- The prompt -------------------------------------------------------------------------------------------------------


def test_the_command_says_what_is_to_be_noted_and_finds_what_was_done(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit_checkpoint DISABLE TRIGGER USER")
        connection.execute("DELETE FROM audit_checkpoint")
        connection.execute("ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER keep_rows")
        connection.execute("ALTER TABLE audit_checkpoint ENABLE ALWAYS TRIGGER keep_table")
    assert audit.main(["verify"]) == 0
    said = capsys.readouterr().out
    assert "event: whole, 5 rows checked" in said
    assert "which could switch these guards off" in said
    noted = next(line.partition("elsewhere: ")[2] for line in said.splitlines() if "elsewhere: event:" in line)

    with psycopg.connect(filled, autocommit=True) as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER USER")
        connection.execute("DELETE FROM event WHERE id = 2")

    assert audit.main(["verify", "--noted", noted]) == 1
    told = capsys.readouterr()
    assert "event: NOT WHOLE" in told.out
    assert "row 2 (number 2) was deleted" in told.err
    assert "The trigger event.keep_rows is missing or switched off." in told.err


def test_nonsense_that_was_noted_is_refused(filled: str) -> None:
    for noted in ("event:5", "patient:5:" + "a" * 64, "event:x:" + "a" * 64):
        with pytest.raises(SystemExit):
            audit.main(["verify", "--noted", noted])


def test_the_source_of_a_verdict_is_one_of_the_tables() -> None:
    assert set(audit_chain.SOURCES) < set(KEPT_TABLES)
    assert EVENTS in audit_chain.SOURCES
