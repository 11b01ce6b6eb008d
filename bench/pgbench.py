"""The very statements of a booking, as a script for pgbench: what the database does with nothing of ours around it.

One booking is done and listened to; then what differs from booking to booking is put in as pgbench's variables, the rest stays as
it was sent.
"""

import re
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from medcal.postgres_home import find_binaries
from psycopg import sql

from bench.clients import SLOTS, Clients
from bench.scratch import DOCTORS, NOW, environment

# Which booking, by whom, for when; counted so that no two clients ever want the same.
VARIABLES = f"""
\\set i :i + 1
\\set n :first + :client_id + :clients * :i
\\set doctor 1 + mod(:n, {DOCTORS})
\\set turn :n / {DOCTORS}
\\set starts {int(NOW.timestamp()) + 3600} + 86400 * (:turn / {SLOTS}) + 900 * mod(:turn, {SLOTS})
"""
PATIENT, BROWSER = "('Patient ' || :n::text)", "md5(:n::text)"


class Listener:
    """What psycopg sends while it listens: statements with their parameters, and the ends of transactions."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Mapping[str, Any]]] = []

    @contextmanager
    def listen(self) -> Iterator[None]:
        execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

        def heard_execute(cursor: Any, query: Any, parameters: Any = None, **how: Any) -> Any:
            text = query.decode() if isinstance(query, bytes) else str(query)
            # Hints are given by a thread of their own, for many bookings at once.
            if not text.startswith("notify"):
                self.heard.append((text, parameters or {}))
            return execute(cursor, query, parameters, **how)

        def heard_commit(connection: Any) -> None:
            self.heard.append(("COMMIT", {}))
            commit(connection)

        psycopg.Cursor.execute, psycopg.Connection.commit = heard_execute, heard_commit  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            psycopg.Cursor.execute, psycopg.Connection.commit = execute, commit  # type: ignore[method-assign]


def script_of_a_booking(clients: Clients, number: int) -> str:
    """Do booking `number` and write down what was sent, for any other number."""
    listener = Listener()
    with listener.listen():
        clients.book(number)
    lines, begins = [VARIABLES.strip()], True
    for query, parameters in listener.heard:
        if begins:
            lines.append("BEGIN;")
        begins = query == "COMMIT"
        lines.append(_line(query, parameters))
    return "\n".join(lines) + "\n"


def _line(query: str, parameters: Mapping[str, Any]) -> str:
    text = re.sub(r"%\((\w+)\)s", lambda found: _rendered(parameters[found[1]]), query).replace("%%", "%").strip()
    # What a later statement needs comes back under the name of this one.
    if "INTO appointment" in text:
        return f"{text} \\gset held_"
    return f"{text} \\gset patient_" if "INSERT INTO patient " in text else f"{text};"


def _rendered(value: Any) -> str:
    """The value as SQL: a variable where it differs from booking to booking, else as it was."""
    if isinstance(value, datetime) and NOW < value and value.minute % 15 == 0 and (value - NOW).seconds >= 3600:
        return "to_timestamp(:starts)"
    if isinstance(value, int) and value > 70_000_000:
        return ":patient_id::bigint"
    if isinstance(value, int) and value > 50_000_000:
        return ":held_id::bigint"
    if isinstance(value, uuid.UUID):
        return ":held_ref::uuid" if value.version == 4 and value in _held_refs else "gen_random_uuid()"
    if isinstance(value, str):
        return _rendered_text(value)
    if isinstance(value, list) and value and isinstance(value[0], str) and len(value[0]) == 64:
        return "ARRAY[" + ", ".join(f"md5(:n::text || '{place}')" for place in range(len(value))) + "]"
    return _literal(value)


_held_refs: set[uuid.UUID] = set()


def _rendered_text(value: str) -> str:
    if re.fullmatch(r"[0-9a-f]{64}", value):
        return BROWSER
    if re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}", value):
        return "('#' || :n::text)"
    if re.fullmatch(r"Patient \d+", value):
        return PATIENT
    if re.fullmatch(r"p\d+@example.com", value):
        return "('p' || :n::text || '@example.com')"
    if found := re.fullmatch(r"(.*:)(5\d{7})(:.*)", value):
        return f"({_literal(found[1])} || :held_id::text || {_literal(found[3])})"
    return _literal(value)


def _literal(value: Any) -> str:
    """A constant; a colon would be read as the beginning of a variable."""
    text = sql.Literal(value).as_string()
    if ":" not in text or not isinstance(value, str):
        return text.replace(":", "\\x3a") if text.startswith("E'") else _without_colons(text)
    return _without_colons(text)
