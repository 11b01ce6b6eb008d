"""The very statements of a booking, run by pgbench: what the database does with nothing of ours around it.

One booking is done and listened to. What differs from booking to booking becomes a variable of pgbench; the rest stays as it was sent.
"""

import re
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.clients import SLOTS, Clients
from bench.scratch import DOCTORS, NOW
from medcal.postgres_home import find_binaries
from medcal.services.booking import Held

# Which booking, with whom, for when; counted so that no two clients ever want the same.
VARIABLES = rf"""
\set i :i + 1
\set n :first + :client_id + :clients * :i
\set doctor 1 + mod(:n, {DOCTORS})
\set turn :n / {DOCTORS}
\set starts {int(NOW.timestamp()) + 3600} + 86400 * (:turn / {SLOTS}) + 900 * mod(:turn, {SLOTS})
"""
Statement = tuple[str, Mapping[str, Any]]


def write_script(clients: Clients, number: int, path: Path) -> int:
    """Do booking `number` and write down what was sent, for any other number; returns how many statements that were."""
    with listening() as heard:
        held = clients.book(number)
    lines = [VARIABLES.strip()]
    for place, (query, parameters) in enumerate(heard):
        # psycopg begins a transaction with its first statement.
        if place == 0 or heard[place - 1][0] == "COMMIT":
            lines.append("BEGIN;")
        lines.append(_line(query, parameters, held))
    path.write_text("\n".join(lines) + "\n")
    return len(lines) - 1


@contextmanager
def listening() -> Iterator[list[Statement]]:
    """What psycopg sends meanwhile: statements with their parameters, and the ends of transactions."""
    heard: list[Statement] = []
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

    def heard_execute(cursor: Any, query: Any, parameters: Any = None, **how: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        # Hints are given by a thread of their own, one for many bookings.
        if not text.startswith("notify"):
            heard.append((text, parameters or {}))
        return execute(cursor, query, parameters, **how)

    def heard_commit(connection: Any) -> None:
        heard.append(("COMMIT", {}))
        commit(connection)

    psycopg.Cursor.execute, psycopg.Connection.commit = heard_execute, heard_commit  # type: ignore[method-assign,assignment]
    try:
        yield heard
    finally:
        psycopg.Cursor.execute, psycopg.Connection.commit = execute, commit  # type: ignore[method-assign]


def _line(query: str, parameters: Mapping[str, Any], held: Held) -> str:
    text = re.sub(r"%\((\w+)\)s", lambda name: _rendered(parameters[name[1]], held), query).replace("%%", "%").strip()
    # What comes back is needed further down: :held_id, :held_ref, :patient_id.
    if "INTO appointment" in text:
        return rf"{text} \gset held_"
    return rf"{text} \gset patient_" if "INTO patient (" in text else f"{text};"


def _rendered(value: Any, held: Held) -> str:
    """The value as SQL: with a variable where it differs from booking to booking, else as it was."""
    match value:
        case bool() | None | date() if not isinstance(value, datetime):
            return sql.Literal(value).as_string()
        case int() if value == held.appointment_id:
            return ":held_id::bigint"
        case int() if value > 70_000_000:
            return ":patient_id::bigint"
        case int() if value > 100:
            return ":doctor::bigint"
        case uuid.UUID():
            return ":held_ref::uuid" if value == held.ref else "gen_random_uuid()"
        case datetime() if value > NOW + timedelta(hours=1):
            return f"(to_timestamp(:starts) + interval '{(value - held.starts_at).total_seconds()} seconds')"
        case list():
            return f"ARRAY[{', '.join(_rendered_item(item, held, place) for place, item in enumerate(value))}]"
        case str():
            return _rendered_text(value, held)
    return sql.Literal(value).as_string()


def _rendered_item(item: Any, held: Held, place: int) -> str:
    return _rendered_text(item, held, place) if isinstance(item, str) else _rendered(item, held)


def _rendered_text(value: str, held: Held, place: int = 0) -> str:
    if re.fullmatch(r"[0-9a-f]{64}", value):
        return f"md5(:n::text || '/{place}')"
    if re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", value):
        return "('#' || :n::text)"
    if found := re.fullmatch(r"(Patient |p)\d+((?:@example\.com)?)", value):
        return f"('{found[1]}' || :n::text || '{found[2]}')"
    if str(held.appointment_id) in value:
        before, after = value.split(str(held.appointment_id))
        return f"({_literal(before)} || :held_id::text || {_literal(after)})"
    return _literal(value)


def _literal(text: str) -> str:
    """A constant text. A colon before a letter would be taken for a variable."""
    escaped = (
        text.replace("\\", r"\\").replace("'", "''").replace(":", r"\x3a").replace("\n", r"\n").replace("\r", r"\r")
    )
    return f"E'{escaped}'"


def run(url: str, script: Path, *, connections: int, seconds: int, first: int) -> tuple[float, int]:
    """Bookings per second of pgbench, and how many were done. Raises when any of them failed."""
    counted = {"i": -1, "first": first, "clients": connections}
    result = subprocess.run(
        [
            *(find_binaries() / "pgbench", "--no-vacuum", "--protocol=prepared", f"--file={script}"),
            *(f"--client={connections}", f"--jobs={min(connections, 2)}", f"--time={seconds}"),
            *(f"--define={name}={value}" for name, value in counted.items()),
            url,
        ],
        capture_output=True,
        text=True,
    )
    done = re.search(r"transactions actually processed: (\d+)", result.stdout)
    rate = re.search(r"tps = ([\d.]+)", result.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", result.stdout)
    if result.returncode or not done or not rate or (failed and int(failed[1])):
        raise RuntimeError(f"pgbench failed:\n{result.stdout}\n{result.stderr}")
    return float(rate[1]), int(done[1])
