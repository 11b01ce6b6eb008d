"""The engine and the transaction: the only place that commits, retries, and turns constraints into refusals."""

import asyncio
import contextvars
import functools
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from medcal import errors
from medcal.config import settings

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

CHANNEL = "medcal"
TRIES = 5

# What the database refuses, in the words of the clinic.
REFUSALS: dict[str, type[errors.MedcalError]] = {
    "uq_appointment_doctor_slot_date_live": errors.SlotTaken,
    "ex_appointment_doctor_time_live": errors.SlotTaken,
    "uq_offer_open_per_time": errors.SlotTaken,
    "uq_offer_open_per_patient": errors.ChangedMeanwhile,
    # Somebody is erased at the same instant as something is done for her.
    "fk_appointment_patient_id": errors.ChangedMeanwhile,
    "fk_waitlist_entry_patient_id": errors.ChangedMeanwhile,
    "fk_offer_patient_id": errors.ChangedMeanwhile,
    "fk_message_patient_id": errors.ChangedMeanwhile,
}
# Deadlock and serialization failure: the database has rolled back, so trying again is safe.
TRY_AGAIN = {"40001", "40P01"}


_engine_lock = threading.Lock()


def engine() -> Engine:
    """One pool per process, opened at first use (never at import: the web server forks its workers)."""
    # A cache alone lets two threads that come first at the same instant open a pool each.
    with _engine_lock:
        return open_engine()


@functools.cache
def open_engine() -> Engine:
    url = settings().database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(
        url,
        pool_size=12,
        max_overflow=8,
        pool_timeout=10,
        connect_args={"connect_timeout": 10},
        # An error's text goes into logs, and parameters are patients.
        hide_parameters=True,
    )


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction: committed at the end of the block, rolled back by any exception.

    Constraint violations leave as the refusals of REFUSALS. After the commit other processes get a hint to look.
    """
    with Session(engine(), expire_on_commit=False) as db:
        try:
            yield db
            db.flush()
        except (DBAPIError, psycopg.Error) as error:
            db.rollback()
            raise _refusal(error) or error from error
        if db.info.get("looked") and not db.info.get("changed"):
            fetch(db, "SET LOCAL synchronous_commit = off")
        db.commit()
        if db.info.get("changed"):
            _hints().give()


def in_transaction(work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work(db, …) in one transaction; deadlocks and connections lost before the commit are tried again."""
    for tries_left in reversed(range(TRIES)):
        is_written = False
        try:
            with transaction() as db:
                result = work(db, *args, **kwargs)
                db.flush()
                is_written = True
                return result
        except (DBAPIError, psycopg.Error) as error:
            # Once only the commit is left, a lost connection means that nobody knows whether it was saved.
            if is_written or not tries_left or not _may_try_again(error):
                raise
            time.sleep(random.uniform(0.005, 0.05) * (TRIES - tries_left))
    raise AssertionError("unreachable")


_threads = ThreadPoolExecutor(max_workers=12, thread_name_prefix="medcal-db")


async def run(work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`in_transaction` off the event loop: a query on the loop makes every other user of the worker wait."""
    # The copy keeps the language of the page.
    work_here = functools.partial(in_transaction, work, *args, **kwargs)
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_threads, lambda: context.run(work_here))


def changed(db: Session) -> None:
    """Something that others show or wait for has changed: after the commit they get a hint."""
    db.info["changed"] = True


def looked(db: Session) -> None:
    """That somebody looked is all that is written here: nobody waits for the disk, and losing power may cost its last half second."""
    db.info["looked"] = True


def fetch(db: Session, sql: str, **values: object) -> Sequence[Any]:
    """Rows of a hand-written statement as named tuples, in the session's transaction but without the ORM's cost.

    Ten times cheaper than the same through ORM objects, hence for the hot paths (see docs/adr).
    """
    db.flush()
    cursor = _cursor(db)
    cursor.execute(sql.encode(), values)
    # Not `description`: it makes an object for each column.
    has_rows = cursor.pgresult is not None and cursor.pgresult.nfields > 0
    return cursor.fetchall() if has_rows else []


def repeat(db: Session, sql: str, rows: Sequence[Mapping[str, object]]) -> None:
    """The same hand-written statement for many rows, in one round trip; what it returns is not read."""
    db.flush()
    if rows:
        _cursor(db).executemany(sql.encode(), rows)


def _cursor(db: Session) -> psycopg.Cursor[Any]:
    """One for the whole transaction: to find the connection and to make a cursor costs half as much as a statement."""
    kept: tuple[Any, psycopg.Cursor[Any]] | None = db.info.get("cursor")
    if kept is None or kept[0] is not db.get_transaction():
        connection = db.connection().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        kept = db.get_transaction(), connection.cursor(row_factory=namedtuple_row)
        db.info["cursor"] = kept
    return kept[1]


def fetch_one(db: Session, sql: str, **values: object) -> Any | None:
    """The first row of `fetch`, or None."""
    rows = fetch(db, sql, **values)
    return rows[0] if rows else None


class Violation(NamedTuple):
    sqlstate: str
    constraint: str


def violation(error: BaseException) -> Violation:
    """SQLSTATE and constraint name of a database error; empty strings where it has none."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(original, psycopg.Error):
        return Violation("", "")
    return Violation(original.sqlstate or "", original.diag.constraint_name or "")


def _refusal(error: BaseException) -> errors.MedcalError | None:
    refused = REFUSALS.get(violation(error).constraint)
    return refused() if refused else None


def _may_try_again(error: BaseException) -> bool:
    if violation(error).sqlstate in TRY_AGAIN:
        return True
    if isinstance(error, DBAPIError):
        return bool(error.connection_invalidated) or isinstance(error.orig, psycopg.OperationalError)
    return isinstance(error, psycopg.OperationalError)


class _Hints:
    """Sends NOTIFY after commits, at most one per 10 ms, from a thread of its own.

    Inside the transaction all commits would queue on one lock (0.2 to 0.4 of the throughput). A lost hint costs a second:
    listeners also look by themselves.
    """

    def __init__(self) -> None:
        self._wanted = threading.Event()
        threading.Thread(target=self._send_for_ever, name="medcal-hints", daemon=True).start()

    def give(self) -> None:
        self._wanted.set()

    def _send_for_ever(self) -> None:
        while True:
            try:
                with psycopg.connect(settings().database_url, autocommit=True) as connection:
                    while True:
                        self._wanted.wait()
                        self._wanted.clear()
                        connection.execute(f"notify {CHANNEL}")
                        time.sleep(0.01)
            except psycopg.Error as error:
                log.warning("hints are interrupted: %s", type(error).__name__)
                time.sleep(1)


_hints_lock = threading.Lock()


def _hints() -> _Hints:
    with _hints_lock:
        return _start_hints()


@functools.cache
def _start_hints() -> _Hints:
    return _Hints()
