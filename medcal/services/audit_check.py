"""Whether the chains are whole: nothing changed, nothing missing, nothing that was never sealed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.models.audit import KEPT_TABLES
from medcal.services.audit_chain import FIRST, SOURCES, End, chain_keys, columns_of, mark_of, seal_of

# The scheduler seals every few seconds; what is older than this it has not seen, or was not let see.
LONGEST_UNSEALED = timedelta(minutes=1)
AT_ONCE = 2_000
# One row that was changed is told; of thousands the first say enough.
MOST_FAULTS = 20


@dataclass
class Verdict:
    """What was found of one source. `end` is to be written down elsewhere: only so a chain that was cut off at its end shows."""

    source: str
    checked: int = 0
    end: End = field(default_factory=lambda: End(0, FIRST))
    removed_until: datetime | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.faults

    def blame(self, fault: str) -> None:
        if len(self.faults) == MOST_FAULTS:
            self.faults.append("… and more")
        elif len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)


def verify(db: Session, now: datetime, noted: dict[str, End] | None = None) -> list[Verdict]:
    """Walk every chain from its first seal, or checkpoint, to its last; `noted` are ends that were written down before."""
    return [_verify_source(db, source, now, (noted or {}).get(source)) for source in SOURCES]


def _verify_source(db: Session, source: str, now: datetime, noted: End | None) -> Verdict:
    verdict = Verdict(source)
    _begin(db, verdict)
    start, seen = verdict.end.number, noted is None
    if noted and noted == verdict.end:
        seen = True
    for row in _sealed_rows(db, source, start):
        _check(verdict, row)
        seen = seen or (noted is not None and (row.number, row.digest) == (noted.number, noted.digest))
    if not seen and noted and noted.number >= start:
        verdict.blame(
            f"what was noted as number {noted.number} is not there any more: the end was cut off or written anew"
        )
    _look_for_unsealed(db, verdict, now)
    return verdict


def _begin(db: Session, verdict: Verdict) -> None:
    """Where the chain begins: at its first row, or where the lapsed ones end."""
    row = fetch_one(
        db,
        "SELECT * FROM audit_checkpoint WHERE source = %(source)s ORDER BY number DESC LIMIT 1",
        source=verdict.source,
    )
    if row is None:
        return
    key = chain_keys().get(row.sealed_with)
    if key is None or mark_of(key, verdict.source, row.number, row.digest) != row.mark:
        verdict.blame(f"the checkpoint at number {row.number} was not made by this clinic's server")
    verdict.end, verdict.removed_until = End(row.number, row.digest), row.last_at


def _sealed_rows(db: Session, source: str, after: int) -> Iterator[Any]:
    """The seals in their order, each with its row, or with nothing where that is gone."""
    while True:
        rows = fetch(
            db,
            f"""SELECT s.number, s.row_id AS sealed_id, s.digest, s.sealed_with, r.*
                  FROM (SELECT * FROM audit_seal WHERE source = %(source)s AND number > %(after)s ORDER BY number LIMIT {AT_ONCE}) s
                  LEFT JOIN LATERAL (SELECT {columns_of(source)} FROM {source} WHERE id = s.row_id) r ON true
                 ORDER BY s.number""",
            source=source,
            after=after,
        )
        yield from rows
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].number


def _check(verdict: Verdict, row: Any) -> None:
    """One seal. After a fault the chain goes on from what is written, so that the next fault is found as well."""
    source, expected = verdict.source, verdict.end.number + 1
    if row.number != expected:
        missing = f"{expected}" if row.number == expected + 1 else f"{expected} to {row.number - 1}"
        verdict.blame(f"seal {missing} is missing")
    elif row.row_id is None:
        verdict.blame(f"row {row.sealed_id} (number {row.number}) was deleted")
    elif (key := chain_keys().get(row.sealed_with)) is None:
        verdict.blame(f"number {row.number} was sealed with a key ({row.sealed_with}) that is not here")
    elif seal_of(key, source, row.number, verdict.end.digest, row) != row.digest:
        verdict.blame(f"row {row.sealed_id} (number {row.number}) is not as it was sealed")
    verdict.checked += 1
    verdict.end = End(row.number, row.digest)


def _look_for_unsealed(db: Session, verdict: Verdict, now: datetime) -> None:
    row = fetch_one(
        db,
        f"""SELECT count(*) AS count, min(r.id) AS first FROM {verdict.source} r
             WHERE r.at < %(before)s AND NOT EXISTS (SELECT FROM audit_seal s WHERE s.source = %(source)s AND s.row_id = r.id)""",
        source=verdict.source,
        before=now - LONGEST_UNSEALED,
    )
    if row and row.count:
        verdict.blame(f"{row.count} rows are not sealed, the first of them is row {row.first}: does a scheduler run?")


# --- The guards -------------------------------------------------------------------------------------------------------


def weak_guards(db: Session) -> list[str]:
    """Which of the database's own guards are missing or switched off. None of them may be."""
    rows = fetch(
        db,
        """SELECT c.relname || '.' || w.name AS name FROM unnest(%(tables)s::text[]) AS k(name) JOIN pg_class c ON c.oid = to_regclass(k.name)
             CROSS JOIN (VALUES ('keep_rows'), ('keep_table')) AS w(name)
            WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = w.name AND t.tgenabled = 'A')
            ORDER BY 1""",
        tables=list(KEPT_TABLES),
    )
    return [row.name for row in rows]


def could_switch_off(db: Session) -> str:
    """The role that this process works under, if it has rights that the application should not have; else nothing."""
    row = fetch_one(
        db,
        """SELECT current_user AS role FROM unnest(%(tables)s::text[]) AS k(name) JOIN pg_class c ON c.oid = to_regclass(k.name)
            WHERE pg_has_role(current_user, c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE') LIMIT 1""",
        tables=list(KEPT_TABLES),
    )
    return str(row.role) if row else ""
