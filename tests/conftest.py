"""What all tests share: a real PostgreSQL, either rolled back after each test or a database of its own."""

import os
import threading
from collections.abc import Callable, Iterator

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
from sqlalchemy import Engine, create_engine  # noqa: E402
from sqlmodel import Session  # noqa: E402

import medcal.db  # noqa: E402
from medcal.config import settings  # noqa: E402
from tests.support import databases  # noqa: E402
from tests.support.sink import Sink  # noqa: E402

# Files that take long come first: run side by side, one that begins last is waited for by all others.
LONG = {
    "test_every_handler",
    "test_offer_machine",
    "test_thirty_days",
    "test_answers_at_once",
    "test_listing_is_booking",
    "test_simulation",
    "test_hostile_socket",
    "test_storm",
    "test_postgres",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)


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


@pytest.fixture(scope="session")
def shared_engine() -> Iterator[Engine]:
    """The database that tests of one run share, since none of them leaves anything in it."""
    name = databases.new_name()
    url = databases.copy_template(name)
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
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
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()


@pytest.fixture
def committed(configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of the test's own, for what must commit for real: threads, processes, races. Yields its address."""
    name = databases.new_name()
    url = databases.copy_template(name)
    configured(DATABASE_URL=url)
    medcal.db.open_engine.cache_clear()
    # Made before threads ask for it at the same instant and get one each, of which only the last is disposed of.
    engine = medcal.db.engine()
    hints = _Hints(url)
    monkeypatch.setattr(medcal.db, "_hints", lambda: hints)
    yield url
    engine.dispose()
    medcal.db.open_engine.cache_clear()
    hints.close()
    databases.drop(name)


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
