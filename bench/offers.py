"""Earlier offers with ten thousand who wait: who is asked for a freed time, and five hundred times freed at once.

Beside the services stand their own statements, sent by psycopg alone to a copy of the same database.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlmodel import Session, select

from bench import report, scratch
from bench.pgbench import Statement, listening
from bench.scratch import DOCTORS, NOW
from medcal.db import in_transaction
from medcal.models import FreedTime, Location
from medcal.scheduler import JOBS
from medcal.services import freed_time, jobs, offers
from medcal.services.candidates import next_candidates
from medcal.services.policy import default_policy

AIM_MS = 10
WAITING, FREED, WARM = 10_000, 500, 20
# Days ahead on which a time becomes free; none of them is a Sunday.
DAYS_AHEAD = (2, 3, 4, 5, 7, 8)

# Four of five have an appointment, from ten days ahead on; half want one doctor and no other; all have limits. Nobody comes on a Sunday.
WAIT = """
INSERT INTO patient (ref, name, email, language, created_at)
SELECT gen_random_uuid(), 'Patient ' || n, 'p' || n || '@example.com', 'en', now() FROM generate_series(0, %(waiting)s - 1) AS n ORDER BY n;
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, reason, request, cancel_reason, is_late_cancellation, version, created_at, booked_at)
SELECT gen_random_uuid(), '#' || n, s.doctor_id, s.id, w.day, 1, 1, 70000001 + n, w.starts_at, w.starts_at + interval '15 minutes',
       w.starts_at + interval '15 minutes', 'booked', '', '', '', false, 1, now(), now()
  FROM generate_series(0, %(waiting)s - 1) AS n
  JOIN slot s ON s.id = 30 * (n %% %(doctors)s) + 1 + n / %(doctors)s %% 30,
       LATERAL (SELECT date '2026-03-12' + n / %(doctors)s AS day,
                       ((date '2026-03-12' + n / %(doctors)s) AT TIME ZONE 'UTC') + s.starts AS starts_at) AS w
 WHERE n %% 5 > 0;
INSERT INTO waitlist_entry (ref, patient_id, appointment_id, own_starts_at, visit_type_id, location_id, doctor_id, weekdays, opens, closes, notice_hours,
                            urgency, status, created_at)
SELECT gen_random_uuid(), p.id, a.id, a.starts_at, coalesce(a.visit_type_id, 1 + (p.id %% 2)), 1,
       CASE p.id %% 4 WHEN 0 THEN coalesce(a.doctor_id, 1 + p.id %% %(doctors)s) WHEN 1 THEN 1 + p.id * 7 %% %(doctors)s END,
       CASE p.id %% 3 WHEN 0 THEN '{0,1,2,3,4,5}'::smallint[] WHEN 1 THEN '{0,2,4}' ELSE '{1,3,5}' END,
       CASE WHEN p.id %% 7 < 3 THEN time '12:00' ELSE time '00:00' END, CASE WHEN p.id %% 7 = 4 THEN time '12:00' ELSE time '23:59' END,
       24, CASE WHEN p.id %% 50 = 0 THEN 1 ELSE 0 END, 'waiting', timestamptz '2026-01-05 08:00Z' + (p.id * 7919 %% 80000) * interval '1 minute'
  FROM patient p LEFT JOIN appointment a ON a.patient_id = p.id;
ANALYZE
"""
# What differs from an everyday match, one after the other, and undone in the end.
ON_DAY = """
UPDATE freed_time SET starts_at = starts_at + (date '{day}' - starts_at::date) * interval '1 day',
                      ends_at = ends_at + (date '{day}' - starts_at::date) * interval '1 day';
"""
ON_A_SUNDAY = ON_DAY.format(day="2026-03-08")
AFTER_ALL_APPOINTMENTS = f"""{ON_DAY.format(day="2026-05-20")}
UPDATE waitlist_entry SET status = 'withdrawn' WHERE appointment_id IS NULL
"""
# The first three thousand have had their three offers of this week.
AFTER_A_BUSY_WEEK = """
INSERT INTO freed_time (ref, doctor_id, location_id, day, starts_at, ends_at, cause, status, look_at, created_at, ended_at, ended_by)
SELECT gen_random_uuid(), n, 1, '2026-03-01', '2026-03-01 10:00Z', '2026-03-01 10:15Z', 'cancelled', 'gone', now(), now(), now(), 'public'
  FROM generate_series(1, 3) AS n;
INSERT INTO offer (ref, freed_time_id, entry_id, patient_id, hold_id, status, answer_until, created_at, decided_at, decided_by)
SELECT gen_random_uuid(), f.id, e.id, e.patient_id, 50000001, 'declined', '2026-02-28', '2026-02-27', '2026-02-27', 'patient'
  FROM freed_time f, (SELECT * FROM waitlist_entry ORDER BY urgency DESC, created_at, id LIMIT 3000) AS e WHERE f.status = 'gone';
ANALYZE offer
"""


def measure() -> None:
    with scratch.database() as url, tempfile.TemporaryDirectory() as folder:
        scratch.make_clinic(url)
        scratch.fill(url, scratch.OPENINGS, days=84)
        scratch.fill(url, WAIT, waiting=WAITING, doctors=DOCTORS)
        _answer(_begin(url, "free_here()"))
        print(f"\n{WAITING:,} people wait, and {FREED} times have become free; {report.load()}.", flush=True)
        with scratch.copy(url) as here:
            matching = _answer(_begin(here, "match_here()"))
        at_once = _all_at_once(url, Path(folder) / "statements")
    report.keep("offers", {"matching, p50 and p95 in ms": matching, "at once, seconds": at_once})


def _begin(url: str, call: str) -> subprocess.Popen[str]:
    """A function of this file in a process that works on the database: settings are read once in each."""
    work = f"import json; from bench import offers; print(json.dumps(offers.{call}))"
    return subprocess.Popen(
        [sys.executable, "-c", work], env=scratch.environment(url), stdout=subprocess.PIPE, text=True
    )


def _answer(started: subprocess.Popen[str]) -> object:
    said, _ = started.communicate()
    if started.returncode:
        raise RuntimeError("a process failed; its error is above")
    *shown, answer = said.strip().split("\n")
    print("\n".join(shown), end="\n" if shown else "", flush=True)
    return json.loads(answer)


def free_here() -> None:
    """Times become free as by cancellations: each leaves its row and its job."""

    def free(db: Session) -> None:
        for number in range(FREED):
            ahead, hour = DAYS_AHEAD[number % len(DAYS_AHEAD)], 2 + number // DOCTORS
            starts_at = NOW + timedelta(days=ahead, hours=hour)
            ends_at = starts_at + timedelta(minutes=15)
            freed_time.free(
                db, 1 + number % DOCTORS, starts_at, ends_at, cause=freed_time.CANCELLED, visit_type_id=1, now=NOW
            )

    in_transaction(free)


# --- Who is asked -----------------------------------------------------------------------------------------------------


def match_here() -> dict[str, Sequence[float]]:
    """In a process whose DATABASE_URL is the filled database: who is asked for each freed time, without asking."""
    figures = {"everyday": _match(), "nobody comes on that day": _match(ON_A_SUNDAY)}
    figures["nobody gains a day"] = _match(AFTER_ALL_APPOINTMENTS)
    figures["the first 3,000 have been asked enough"] = _match(AFTER_A_BUSY_WEEK)
    rows = [
        [name, asked, *(f"{figure:.2f}" for figure in (*ours, *bare)), "met" if ours[1] < AIM_MS else "missed"]
        for name, (asked, ours, bare) in figures.items()
    ]
    report.table(
        f"Who is asked, for each of {FREED} freed times (ms; services with all that the question needs, beside its one statement alone)",
        ["case", "found", "p50", "p95", "bare p50", "bare p95", f"aim {AIM_MS}"],
        rows,
    )
    return {name: [*ours, *bare] for name, (_, ours, bare) in figures.items()}


Figures = tuple[int, tuple[float, float], tuple[float, float]]


class _Undo(Exception):
    """Measured; nothing of it is kept."""


def _match(change: str = "SELECT") -> Figures:
    """How many found somebody, and how long it took: the services, and the statement alone."""
    asked: list[bool] = []
    ours: list[float] = []
    alone: list[float] = []

    def match(db: Session) -> None:
        connection = db.connection().connection.driver_connection
        assert isinstance(connection, psycopg.Connection)
        connection.execute(change.encode())
        location = db.exec(select(Location)).one()
        freed = db.exec(select(FreedTime).where(FreedTime.status == "open")).all()
        # The first calls prepare what a scheduler has prepared since its first minute.
        for each in [*freed[:WARM], *freed]:
            with listening() as heard:
                began = time.perf_counter()
                found = next_candidates(db, each, location, default_policy(location), 1, NOW)
                ours.append(_since(began))
            [(question, values)] = [said for said in heard if "ORDER BY e.urgency" in said[0]]
            began = time.perf_counter()
            connection.execute(question.encode(), values).fetchall()
            alone.append(_since(began))
            asked.append(bool(found))
        raise _Undo

    with suppress(_Undo):
        in_transaction(match)
    return sum(asked[WARM:]), report.percentiles(ours[WARM:]), report.percentiles(alone[WARM:])


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


# --- All at once ------------------------------------------------------------------------------------------------------


def _all_at_once(url: str, statements: Path) -> dict[str, float]:
    """Seconds until nothing is due any more, each on a copy of its own."""
    with scratch.copy(url) as here:
        [one] = _together(here, f"work_here({{start}}, {str(statements)!r})")
    with scratch.copy(url) as here:
        [bare] = _together(here, f"replay_here({{start}}, {str(statements)!r})")
    with scratch.copy(url) as here:
        two = max(_together(here, *["work_here({start})"] * 2))
        with psycopg.connect(here) as connection:
            (made,) = connection.execute("SELECT count(*) FROM offer WHERE status = 'open'").fetchone() or (0,)
    sent = sum(query != "COMMIT" for query, _ in _statements(statements))
    figures = {"one scheduler": one, "two schedulers": two, "its statements alone, one connection": bare}
    report.table(
        f"{FREED} times freed at once: {made} first offers with hold, letter, link and history, {sent / made:.0f} statements each",
        ["who", "seconds", "ms each", "beside the statements"],
        [[name, f"{took:.1f}", f"{took / made * 1000:.1f}", f"{took / bare:.2f}"] for name, took in figures.items()],
    )
    return figures


def _together(url: str, *calls: str) -> list[float]:
    """Seconds that each process took; all begin at the same moment, when they have connections."""
    start = time.time() + 3 + len(calls)
    running = [_begin(url, call.format(start=start)) for call in calls]
    return [float(str(_answer(process))) for process in running]


def work_here(start: float, statements: str = "") -> float:
    """What a scheduler does: due jobs one after the other, then what the sweep finds; what it sends is kept."""
    in_transaction(lambda db: db.connection())
    time.sleep(max(start - time.time(), 0))
    with listening() as heard:
        began = time.perf_counter()
        while jobs.take_next(JOBS, NOW) or in_transaction(offers.offer_next, NOW):
            pass
        took = _since(began) / 1000
    if statements:
        Path(statements).write_bytes(pickle.dumps(heard))
    return took


def replay_here(start: float, statements: str) -> float:
    """The very same statements; on an equal database they find and make the same rows."""
    heard = _statements(Path(statements))
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        time.sleep(max(start - time.time(), 0))
        began = time.perf_counter()
        for query, values in heard:
            connection.commit() if query == "COMMIT" else connection.execute(query.encode(), values or None)
        took = _since(began) / 1000
        (made,) = connection.execute("SELECT count(*) FROM offer WHERE status = 'open'").fetchone() or (0,)
    assert made == sum("INTO offer" in query for query, _ in heard)
    return took


def _statements(path: Path) -> list[Statement]:
    heard: list[Statement] = pickle.loads(path.read_bytes())  # noqa: S301  (written by work_here)
    return heard
