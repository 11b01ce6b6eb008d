"""Databases for tests: one template, migrated by Alembic once per state of the migrations, and copies of it."""

import hashlib
import os
import secrets
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

PROJECT = Path(__file__).resolve().parent.parent.parent
ADMIN_URL = os.environ.get("TEST_DATABASE_ADMIN_URL", "postgresql://postgres@127.0.0.1:55432/postgres")
# Two test runs at once make the template only once.
LOCK = 0x7465737473


def new_name() -> str:
    """A name for a copy, of which this run alone knows."""
    return f"medcal_test_{os.getpid()}_{secrets.token_hex(3)}"


def url_of(name: str) -> str:
    return urlunsplit(urlsplit(ADMIN_URL)._replace(path=f"/{name}"))


def copy_template(name: str) -> str:
    """A new database with all tables and no rows; returns its address."""
    return copy(url_of(_template()), name)


def copy(url: str, name: str) -> str:
    """A new database with everything that another one holds, to which nobody may be connected."""
    source = urlsplit(url).path[1:]
    with _admin() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source)))
    return url_of(name)


def drop(name: str) -> None:
    """Remove a copy, also from under connections that a killed process has left."""
    with _admin() as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _admin() -> psycopg.Connection:
    return psycopg.connect(ADMIN_URL, autocommit=True)


@cache
def _template() -> str:
    name = f"medcal_template_{_fingerprint()}"
    with _admin() as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [name]).fetchone():
            # Left half-made by a run that was killed.
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            _migrate(url_of(name))
            finish = "ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false"
            admin.execute(sql.SQL(finish).format(sql.Identifier(name)))
    return name


def _fingerprint() -> str:
    """Migrations may use what the models say, so both count."""
    files = sorted([*PROJECT.glob("alembic/**/*.py"), *PROJECT.glob("medcal/models/*.py")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _migrate(url: str) -> None:
    from medcal.migrate import migrate

    migrate(url)
