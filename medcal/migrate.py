"""Bring the tables up to date: `python -m medcal.migrate`. Any number of processes may do so at once."""

import re
import sys
import time
from pathlib import Path

import psycopg

from medcal import grants
from medcal.config import BadSetting, settings

PROJECT = Path(__file__).resolve().parent.parent
# Any number of ours; it names the right to migrate among all processes on one database.
LOCK = 0x6D656463616C


def migrate(database_url: str, *, patience_seconds: float = 15) -> str:
    """Upgrade to the newest revision and say what was done; a server that is just starting is waited for."""
    with _connect(database_url, patience_seconds) as connection:
        if _revisions(connection) == _newest():
            return "The tables are up to date."
    return _upgrade(database_url)


def _connect(database_url: str, patience_seconds: float) -> psycopg.Connection:
    give_up_at = time.monotonic() + patience_seconds
    while True:
        try:
            return psycopg.connect(database_url, connect_timeout=5)
        except psycopg.OperationalError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)


def _revisions(connection: psycopg.Connection) -> set[str]:
    """Where the database is; read by hand, since importing Alembic takes longer than most starts have to last."""
    has_been_migrated = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
    if not has_been_migrated or not has_been_migrated[0]:
        return set()
    return {str(row[0]) for row in connection.execute("select version_num from alembic_version")}


def _newest() -> set[str]:
    """The revisions that no other one builds on; a file that cannot be read this way sends us to Alembic."""
    texts = [path.read_text() for path in (PROJECT / "alembic" / "versions").glob("*.py")]
    names = {name for text in texts for name in re.findall(r'^revision\b.*= "(\w+)"', text, re.MULTILINE)}
    if len(names) != len(texts):
        return {"unknown"}
    return names - {name for text in texts for name in re.findall(r'^down_revision\b.*= "(\w+)"', text, re.MULTILINE)}


def _upgrade(database_url: str) -> str:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    with engine.connect() as connection:
        # A lock of the session: one of the transaction would end with the first migration's commit.
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": LOCK})
        # Changing a table must not wait behind a long reader, with everybody else queueing behind it.
        connection.execute(text("set lock_timeout = '5s'"))
        connection.commit()
        alembic = Config(PROJECT / "alembic.ini")
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")
        connection.commit()
    return "The tables were brought up to date."


def settle(database_url: str) -> None:
    """What follows from the settings: how long the history is kept, and what the running clinic's own role may do."""
    with _connect(database_url, 5) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        grants.settle(connection)


def main() -> None:
    owner = settings().owner_database_url or settings().database_url
    print(migrate(owner))
    settle(owner)


if __name__ == "__main__":
    try:
        main()
    except psycopg.OperationalError as error:
        sys.exit(f"The database does not answer: {error}")
    except BadSetting as error:
        sys.exit(str(error))
