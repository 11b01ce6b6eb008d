"""What a monitor asks: is the database there and up to date, does the scheduler run, do messages wait?"""

from functools import cache
from http import HTTPStatus

import psycopg
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from medcal import clock
from medcal.config import PROJECT
from medcal.db import fetch_one, transaction

router = APIRouter()


class Health(BaseModel):
    """Ages in whole seconds; None where there is nothing to be old."""

    database: bool
    migrated: bool = False
    heartbeat_seconds: int | None = None
    oldest_due_message_seconds: int | None = None


@router.get("/api/health")
def health() -> JSONResponse:
    """200 while pages can be served, 503 otherwise.

    A late scheduler shows in the ages alone: it is no reason to take the pages away.
    """
    try:
        with transaction() as db:
            found = look(db)
    except (SQLAlchemyError, psycopg.Error):
        found = Health(database=False)
    status = HTTPStatus.OK if found.database and found.migrated else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(found.model_dump(), status, headers={"Cache-Control": "no-store"})


def look(db: Session) -> Health:
    """The state of things, as the database has it."""
    has_tables = fetch_one(db, "SELECT to_regclass('alembic_version') IS NOT NULL AS answer")
    if not has_tables or not has_tables.answer:
        return Health(database=True)
    versions = fetch_one(db, "SELECT array_agg(version_num) AS here FROM alembic_version")
    if not versions or set(versions.here or ()) != _newest_versions():
        return Health(database=True)
    ages = fetch_one(
        db,
        """SELECT (SELECT extract(epoch FROM clock_timestamp() - started_at)::float8 FROM periodic_run
                    WHERE name = 'heartbeat' AND isfinite(started_at)) AS heartbeat,
                  (SELECT extract(epoch FROM %(now)s - min(next_try_at))::float8 FROM message
                    WHERE status = 'due' AND channel <> 'call' AND next_try_at <= %(now)s) AS message""",
        now=clock.now(),
    )
    assert ages is not None
    return Health(
        database=True,
        migrated=True,
        heartbeat_seconds=_whole(ages.heartbeat),
        oldest_due_message_seconds=_whole(ages.message),
    )


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else max(0, int(seconds))


@cache
def _newest_versions() -> frozenset[str]:
    # Asked for here, since a worker starts sooner without; and once, since the files do not change while the process runs.
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    return frozenset(ScriptDirectory.from_config(Config(PROJECT / "alembic.ini")).get_heads())
