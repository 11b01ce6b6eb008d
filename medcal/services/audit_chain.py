"""The chains over the history and over who looked at what: each row is sealed together with all that came before it.

A seal is a row of its own, so what it seals never changes, and who writes history waits for nobody. Who has the database alone can
make no seal: that takes the server's key.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session

from medcal.config import settings
from medcal.db import fetch, fetch_one, repeat
from medcal.models.sealed import key_id

EVENTS, RECORDS = "event", "access_record"
SOURCES = (EVENTS, RECORDS)
# So many rows in one transaction.
BATCH = 500
# Numbers commit out of order. Whoever is later than this many others is found by the look at everything.
LATE_BY = 5_000
LOCK = 0x7365616C
FIRST = "0" * 64

# A column that is added one day is empty in old rows, and what is empty is not sealed: old seals keep fitting.
_COLUMNS = {
    EVENTS: "at, kind, actor, staff_user_id, appointment_id, doctor_id, freed_time_id, offer_id, entry_id, patient_id, address,"
    " detail::text AS detail",
    RECORDS: "at, what, staff_user_id, session_id, address, patient_ids, appointment_id, doctor_id, first_day, last_day",
}


def columns_of(source: str) -> str:
    """What is sealed of a row, to be selected from its table."""
    return f"id AS row_id, {_COLUMNS[source]}"


# --- Digests ----------------------------------------------------------------------------------------------------------


def seal_of(key: bytes, source: str, number: int, before: str, row: Any) -> str:
    """The digest of a row at its place: of another row, another place or another past it would be another."""
    text = f"{source}\n{number}\n{before}\n{canonical(row)}"
    return hmac.new(_chain_key(key), text.encode(), hashlib.sha256).hexdigest()


def mark_of(key: bytes, source: str, number: int, digest: str) -> str:
    """What shows that a chain may begin at this place, because what was before it has lapsed."""
    return hmac.new(_chain_key(key), f"checkpoint\n{source}\n{number}\n{digest}".encode(), hashlib.sha256).hexdigest()


def canonical(row: Any) -> str:
    """A row as one text, the same on every machine, in every time zone: names in order, instants in UTC, nothing that is empty."""
    kept = {name: value for name, value in row._asdict().items() if name in _NAMES and value is not None}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), default=_plain)


_NAMES = frozenset(
    name.split(" AS ")[-1].strip() for columns in _COLUMNS.values() for name in f"id AS row_id, {columns}".split(",")
)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    assert isinstance(value, date)
    return value.isoformat()


def _chain_key(key: bytes) -> bytes:
    return hmac.new(key, b"audit chain", hashlib.sha256).digest()


def chain_keys() -> dict[str, bytes]:
    """Keys by their names: the secret key, and those of before, with which older rows may have been sealed."""
    return {key_id(key): key for key in (settings().secret_key, *settings().data_keys)}


# --- Sealing ----------------------------------------------------------------------------------------------------------


def seal_new(db: Session, now: datetime) -> bool:
    """Seal what was written lately; says whether there may be more. Two at once do nothing twice: the second waits, and finds it done."""
    return _seal(
        db, now, f"id > (SELECT coalesce(max(row_id), 0) - {LATE_BY} FROM audit_seal WHERE source = %(source)s)"
    )


def seal_late(db: Session, now: datetime) -> bool:
    """The same with a look at everything: for what committed so late that `seal_new` no longer looks there."""
    return _seal(db, now, "true")


def _seal(db: Session, now: datetime, where: str) -> bool:
    lock(db)
    has_more = {source: _seal_some(db, source, where, now) for source in SOURCES}
    return any(has_more.values())


def lock(db: Session) -> None:
    """Who makes a chain longer, or shorter at its beginning, does so alone. Nobody else ever waits for this."""
    fetch(db, "SELECT pg_advisory_xact_lock(%(lock)s)", lock=LOCK)


def _seal_some(db: Session, source: str, where: str, now: datetime) -> bool:
    rows = fetch(
        db,
        f"""SELECT {columns_of(source)} FROM {source} r
             WHERE {where} AND NOT EXISTS (SELECT FROM audit_seal s WHERE s.source = %(source)s AND s.row_id = r.id)
             ORDER BY id LIMIT {BATCH}""",
        source=source,
    )
    repeat(
        db,
        """INSERT INTO audit_seal (source, number, row_id, at, sealed_with, digest)
           VALUES (%(source)s, %(number)s, %(row_id)s, %(now)s, %(sealed_with)s, %(digest)s)""",
        [{**seal, "source": source, "now": now} for seal in _seals(end_of(db, source), source, rows)],
    )
    return len(rows) == BATCH


@dataclass(frozen=True)
class End:
    """Where a chain ends: how many rows were ever sealed in it, and the digest over all of them."""

    number: int
    digest: str


def end_of(db: Session, source: str) -> End:
    """The last seal, or the checkpoint behind which nothing is left, or the beginning."""
    row = fetch_one(
        db,
        """(SELECT number, digest FROM audit_seal WHERE source = %(source)s ORDER BY number DESC LIMIT 1)
           UNION ALL
           (SELECT number, digest FROM audit_checkpoint WHERE source = %(source)s ORDER BY number DESC LIMIT 1)
           ORDER BY number DESC LIMIT 1""",
        source=source,
    )
    return End(row.number, row.digest) if row else End(0, FIRST)


def _seals(end: End, source: str, rows: Sequence[Any]) -> Iterable[dict[str, object]]:
    key, digest = settings().secret_key, end.digest
    for number, row in enumerate(rows, end.number + 1):
        digest = seal_of(key, source, number, digest, row)
        yield {"number": number, "row_id": row.row_id, "sealed_with": key_id(key), "digest": digest}
