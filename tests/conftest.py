"""What all tests share: a real PostgreSQL, either rolled back after each test or a database of its own."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from functools import cache
from typing import Any
from urllib.parse import urlsplit

# Before the settings are read for the first time: tests know no clinic's database, key or receiver.
os.environ.update(
    DATABASE_URL="postgresql://nobody@127.0.0.1:1/no-database-without-the-db-fixture",
    MEDCAL_URL="http://clinic.test",
    MEDCAL_SECRET_KEY="a key for tests alone, known to everybody",
)
for name in [*os.environ]:
    if name.startswith(
        (
            "N8N_",
            "SMTP_",
            "WEBHOOK_",
            "REDIS_URL",
            "TRUSTED_PROXY_HOPS",
            "OIDC_",
            "SECOND_STEP",
            "HSTS_",
            "SESSION_",
            "MEDCAL_DATA_KEY",
            "KEEP_",
            "AUDIT_",
            "OWNER_DATABASE_URL",
        )
    ):
        del os.environ[name]

import psycopg  # noqa: E402
import pytest  # noqa: E402
from pwdlib import PasswordHash  # noqa: E402
from pwdlib.hashers.argon2 import Argon2Hasher  # noqa: E402
from sqlalchemy import Connection, Engine, create_engine  # noqa: E402
from sqlmodel import Session  # noqa: E402

import medcal.db  # noqa: E402
from medcal import security  # noqa: E402
from medcal.config import settings  # noqa: E402
from tests.support import databases  # noqa: E402
from tests.support.mortals import Mortals  # noqa: E402
from tests.support.savepoints import spare_round_trips  # noqa: E402
from tests.support.sink import Sink  # noqa: E402

# Argon2 is slow on purpose, and hundreds of tests sign somebody in; `dear_hashes` has it as the clinic does.
DEAR = security._hasher
security._hasher = cache(lambda: PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)))

# Files that take long come first, the longest before all others: run side by side, one that begins last is waited for.
LONGEST_FIRST = [
    "test_every_handler",
    "test_answers_at_once",
    "test_hostile_socket",
    "test_offer_machine",
    "test_migrations",
    "test_thirty_days",
    "test_undo_and_delivery",
    "test_listing_is_booking",
    "test_every_page",
    "test_every_route",
    "test_storm",
    "test_scheduler",
    "test_hostile_colleague",
    "test_other_origins",
    "test_offers",
    "test_one_slot",
    "test_oidc",
    "test_audit_guards",
    "test_postgres",
    "test_simulation",
    "test_delivery_killed",
    "test_demo",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """configured(N8N_WEBHOOK_URL="…"): settings from the environment, for this test."""

    def configure(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield configure
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def dear_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as in a clinic."""
    monkeypatch.setattr(security, "_hasher", DEAR)


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[Engine]:
    """The database that tests of one run share, since none of them leaves anything in it."""
    name = databases.new_name()
    url = databases.copy_template(name)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    spare_round_trips(engine)
    yield engine
    engine.dispose()
    databases.drop(name)


@pytest.fixture
def db(shared_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session whose work is rolled back after the test, whatever it commits.

    Also `medcal.db.transaction` and all that is built on it work inside of the same outer transaction, so doors can be
    tested without committing for real. One connection: for tests with threads there is `committed`.
    """
    with shared_engine.connect() as connection:
        outer = connection.begin()
        # Sessions on a connection that has a savepoint keep to savepoints of their own.
        connection.begin_nested()
        monkeypatch.setattr(medcal.db, "engine", lambda: connection)
        monkeypatch.setattr(medcal.db, "_hints", lambda: _NoHints())
        monkeypatch.setattr(medcal.db, "_threads", _AtOnce())
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()
        _sweep(connection)


# What was rolled back stays in its table until a vacuum comes, and every statement of every later test reads past it.
GROWN = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 400000"


def _sweep(connection: Connection) -> None:
    """Empty the tables that have grown; the server's own vacuum is off, since it would keep databases from being dropped."""
    if grown := connection.exec_driver_sql(GROWN).scalars().all():
        connection.rollback()
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(f"VACUUM {', '.join(grown)}")


@pytest.fixture
def commit_to(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """commit_to(url): from here on the test works in this database, which is its own, and is removed after it."""
    closings = ExitStack()

    def open_one(url: str) -> None:
        closings.callback(databases.drop, urlsplit(url).path[1:])
        configured(DATABASE_URL=url)
        medcal.db.open_engine.cache_clear()
        closings.callback(medcal.db.open_engine.cache_clear)
        # Made before threads ask for it at the same instant and get one each, of which only the last is disposed of.
        closings.callback(medcal.db.engine().dispose)
        hints = _Hints(url)
        closings.callback(hints.close)
        monkeypatch.setattr(medcal.db, "_hints", lambda: hints)

    with closings:
        yield open_one


@pytest.fixture
def committed(commit_to: Callable[[str], None]) -> str:
    """A database of the test's own, for what must commit for real: threads, processes, races. Its address."""
    url = databases.copy_template(databases.new_name())
    commit_to(url)
    return url


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver of webhooks on this machine."""
    with Sink() as running:
        yield running


@pytest.fixture
def webhook(sink: Sink, configured: Callable[..., None]) -> Sink:
    """The sink, configured as the clinic's webhook."""
    configured(N8N_WEBHOOK_URL=sink.url, N8N_WEBHOOK_SECRET=sink.secret.decode(), WEBHOOK_ALLOW_PRIVATE="1")
    return sink


@pytest.fixture(scope="session")
def mortals() -> Iterator[Mortals]:
    """Schedulers to be killed; each lives in the environment of the test that sends it out."""
    started = Mortals()
    yield started
    started.end()


class _AtOnce(Executor):
    """Does the work where it is asked for: on one connection threads would only hand it to each other."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = Future[Any]()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class _NoHints:
    """Nothing is committed, so nobody is told."""

    def give(self) -> None:
        pass


class _Hints:
    """Hints at once, on a connection that ends with the test; the product's own thread would outlive the database."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._lock = threading.Lock()

    def give(self) -> None:
        with self._lock:
            self._connection.execute(f"NOTIFY {medcal.db.CHANNEL}")

    def close(self) -> None:
        self._connection.close()
