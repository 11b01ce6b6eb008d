"""People who do things at the same instant, and what must be true afterwards."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from medcal.db import in_transaction
from medcal.errors import MedcalError
from medcal.models import Patient
from tests.support.factories import Clinic

# Longer than anybody at a screen may wait; a storm of deadlocks takes minutes.
PATIENCE_SECONDS = 10.0


@dataclass
class Town:
    """The clinic, its second doctor, and as many patients as there are connections."""

    url: str
    clinic: Clinic
    patients: list[Patient] = field(default_factory=list)

    def without(self, *constraints: str) -> None:
        """Take protection away, in this database alone."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for name in constraints:
                drop = "DROP INDEX" if name.startswith("uq_") else "ALTER TABLE appointment DROP CONSTRAINT"
                connection.execute(f"{drop} {name}")  # type: ignore[arg-type]


@dataclass
class Outcome:
    """What one of them got: a value, or the refusal that the page would show."""

    value: Any = None
    refusal: MedcalError | None = None
    seconds: float = 0.0

    @property
    def is_refused(self) -> bool:
        return self.refusal is not None


def at_once(works: Sequence[Callable[..., Any]], delays: Sequence[float] = ()) -> list[Outcome]:
    """Each work(db) in a transaction, thread and connection of its own, all let go together; `delays` holds some of them back.

    Anything but a refusal, and anybody who waits too long, fails the test.
    """
    start = threading.Barrier(len(works))
    outcomes = [Outcome() for _ in works]
    failures: list[BaseException] = []

    def run(place: int) -> None:
        try:
            # The connection is there before the start, so that only the work itself is raced.
            in_transaction(lambda db: db.connection())
            start.wait(30)
            time.sleep(delays[place] if delays else 0)
            began = time.perf_counter()
            outcomes[place] = attempt(works[place])
            outcomes[place].seconds = time.perf_counter() - began
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]
    assert max(outcome.seconds for outcome in outcomes) < PATIENCE_SECONDS
    return outcomes


def attempt(work: Callable[..., Any]) -> Outcome:
    """One transaction, as a door would run it."""
    try:
        return Outcome(in_transaction(work))
    except MedcalError as refusal:
        return Outcome(refusal=refusal)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def count(url: str, query: str) -> int:
    return int(rows(url, f"SELECT count(*) FROM ({query}) AS found")[0][0])


LIVE = "status IN ('held', 'booked', 'arrived', 'fulfilled')"

DOUBLE_CLAIMS = f"""
SELECT a.id, b.id FROM appointment a JOIN appointment b ON a.doctor_id = b.doctor_id AND a.id < b.id
 WHERE a.{LIVE} AND b.{LIVE} AND a.overbooked_by_id IS NULL AND b.overbooked_by_id IS NULL
   AND tstzrange(a.starts_at, a.busy_until) && tstzrange(b.starts_at, b.busy_until)
"""
DOUBLE_SLOTS = f"""
SELECT doctor_id, slot_id, appointment_date FROM appointment WHERE {LIVE} AND overbooked_by_id IS NULL
 GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
# Each is empty in a clinic where all is well.
INVARIANTS = {
    "a doctor is claimed twice at one instant": DOUBLE_CLAIMS,
    "a slot is taken twice on one date": DOUBLE_SLOTS,
    "an opening counts its claims wrongly": f"""
        SELECT o.* FROM opening o WHERE o.claims <> (
            SELECT count(*) FROM appointment a
             WHERE a.doctor_id = o.doctor_id AND a.{LIVE} AND a.starts_at < o.ends_at AND a.busy_until > o.starts_at)""",
    "two open offers for one place in a group": """
        SELECT freed_time_id, place_in_group FROM offer WHERE status = 'open' GROUP BY 1, 2 HAVING count(*) > 1""",
    "a group with several holds": "SELECT freed_time_id FROM offer WHERE status = 'open' GROUP BY 1 HAVING count(DISTINCT hold_id) > 1",
    "two of a group have the same time": "SELECT freed_time_id FROM offer WHERE status = 'accepted' GROUP BY 1 HAVING count(*) > 1",
    "two open offers to one patient": "SELECT patient_id FROM offer WHERE status = 'open' GROUP BY 1 HAVING count(*) > 1",
    "somebody was asked twice for the same time": "SELECT 1 FROM offer GROUP BY freed_time_id, patient_id HAVING count(*) > 1",
    "an open offer does not hold its time": """
        SELECT o.id FROM offer o JOIN appointment h ON h.id = o.hold_id
         WHERE o.status = 'open' AND (h.status <> 'held' OR h.held_until <> o.answer_until)""",
    "a time is held for an offer that has ended": """
        SELECT h.id FROM appointment h JOIN offer o ON o.hold_id = h.id WHERE h.status = 'held'
         GROUP BY h.id HAVING count(*) FILTER (WHERE o.status = 'open') = 0""",
    "a time is held for nobody": """
        SELECT h.id FROM appointment h WHERE h.status = 'held' AND h.held_by IS NULL AND NOT EXISTS (
            SELECT FROM offer o WHERE o.hold_id = h.id)""",
    "a freed time and its offers tell different stories": """
        SELECT f.id FROM freed_time f WHERE (f.status = 'offered') <> EXISTS (
            SELECT FROM offer o WHERE o.freed_time_id = f.id AND o.status = 'open')""",
    "an accepted offer did not fulfil its wish": """
        SELECT o.id FROM offer o JOIN waitlist_entry e ON e.id = o.entry_id WHERE o.status = 'accepted' AND e.status <> 'fulfilled'""",
    "somebody accepted after the answer time": "SELECT id FROM offer WHERE status = 'accepted' AND decided_at >= answer_until",
    "the same thing was said twice": "SELECT reason FROM message GROUP BY 1 HAVING count(*) > 1",
}


def broken_promises(url: str) -> dict[str, int]:
    """Which invariants do not hold, and in how many rows."""
    with psycopg.connect(url) as connection:
        found = {name: len(connection.execute(query).fetchall()) for name, query in INVARIANTS.items()}  # type: ignore[arg-type]
    return {name: number for name, number in found.items() if number}
