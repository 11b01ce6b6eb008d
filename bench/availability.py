"""How long it takes to see what is free: with a million appointments in the table, all constraints on."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg
from sqlmodel import Session

import medcal.db
from bench import report, scratch
from bench.scratch import DOCTORS, NOW
from medcal.db import in_transaction
from medcal.models import VisitType
from medcal.services.availability import first_free, list_free, next_free_by_doctor

AIM_MS = 10
CALLS = 400
FIRST_DAY = date(2026, 3, 2)
DAYS_BACK, DAYS = 176, 84

PATIENTS = """
INSERT INTO patient (ref, name, email, language, created_at)
SELECT gen_random_uuid(), 'Patient ' || n, 'p' || n || '@example.com', 'en', now() FROM generate_series(1, 20000) AS n
"""
# Half a year of full days behind, and ahead days that are fuller the nearer they are: the next three have nothing left. (With s.id in it,
# chance is asked for each slot, not for each day.)
APPOINTMENTS = """
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, reason, request, cancel_reason, is_late_cancellation, version, created_at, booked_at)
SELECT gen_random_uuid(), '#' || s.id * 1000 + w.n, s.doctor_id, s.id, w.day, 1, 1, 70000001 + (s.id * 7919 + w.n + 1000) %% 20000,
       w.midnight + s.starts, w.midnight + s.starts + interval '15 minutes', w.midnight + s.starts + interval '15 minutes',
       CASE WHEN w.n < 0 THEN 'fulfilled' ELSE 'booked' END, '', '', '', false, 1, now(), now()
  FROM slot s, generate_series(-%(back)s, %(days)s - 1) AS d(n),
       LATERAL (SELECT d.n, date '2026-03-02' + d.n AS day, (date '2026-03-02' + d.n) AT TIME ZONE 'UTC' AS midnight) AS w
 WHERE s.doctor_id %% 2 = %(half)s
   AND random() + 0 * s.id < CASE WHEN w.n < 0 THEN 0.95 WHEN w.n < 3 THEN 1 WHEN w.n < 14 THEN 0.85 ELSE 0.3 * (%(days)s - w.n) / %(days)s END
"""


def measure() -> None:
    with scratch.database() as url:
        began = time.perf_counter()
        scratch.make_clinic(url)
        _fill(url)
        print(f"\nThe table took {time.perf_counter() - began:.0f} s to fill; {report.load()}.", flush=True)
        # Settings are read once, so the calls have a process of their own.
        work = "from bench import availability; availability.measure_here()"
        subprocess.run([sys.executable, "-c", work], env=scratch.environment(url), check=True)


def _fill(url: str) -> None:
    """All constraints hold while the rows go in; only the claims of openings, of which there are none yet, are counted later."""
    scratch.fill(url, PATIENTS)
    scratch.fill(url, "ALTER TABLE appointment DISABLE TRIGGER count_claims")
    with ThreadPoolExecutor(2) as pool:
        halves = [pool.submit(scratch.fill, url, APPOINTMENTS, back=DAYS_BACK, days=DAYS, half=half) for half in (0, 1)]
    for half in halves:
        half.result()
    scratch.fill(url, "ALTER TABLE appointment ENABLE TRIGGER count_claims; ANALYZE")
    scratch.fill(url, scratch.OPENINGS, days=DAYS)
    scratch.fill(url, "ANALYZE")


def measure_here() -> None:
    """In a process whose DATABASE_URL is the filled database."""
    with psycopg.connect(
        medcal.db.engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        (appointments,) = connection.execute("SELECT count(*) FROM appointment").fetchone() or (0,)
        (openings,) = connection.execute("SELECT count(*) FROM opening").fetchone() or (0,)
    figures = {name: report.percentiles(_times(call)) for name, call in _calls().items()}
    report.table(
        f"Free times, with {appointments:,} appointments and {openings:,} openings of {DOCTORS} doctors ({CALLS} calls each, ms)",
        ["question", "p50", "p95", f"aim {AIM_MS}"],
        [
            [name, f"{middle:.2f}", f"{high:.2f}", "met" if high < AIM_MS else "missed"]
            for name, (middle, high) in figures.items()
        ],
    )
    report.keep("availability", {"appointments": appointments, "openings": openings, "p50 and p95 in ms": figures})


def _calls() -> dict[str, Callable[[], object]]:
    visit, long_visit = in_transaction(lambda db: [db.get_one(VisitType, kind) for kind in (1, 2)])
    chance = random.Random(1)

    def one_doctor(db: Session, kind: VisitType) -> object:
        return list_free(db, chance.randint(1, DOCTORS), kind, FIRST_DAY, 14, now=NOW)

    everybody = list(range(1, DOCTORS + 1))
    return {
        "one doctor, 14 days": lambda: in_transaction(one_doctor, visit),
        "one doctor, 14 days, a long visit": lambda: in_transaction(one_doctor, long_visit),
        "the first ten with anyone of 200 doctors": lambda: in_transaction(first_free, 1, visit, now=NOW),
        "the first ten with anyone, a long visit": lambda: in_transaction(first_free, 1, long_visit, now=NOW),
        "the next three of each of a dozen doctors": lambda: in_transaction(
            next_free_by_doctor, chance.sample(everybody, 12), visit, now=NOW
        ),
        "the next three of each of 200 doctors": lambda: in_transaction(next_free_by_doctor, everybody, visit, now=NOW),
    }


def _times(call: Callable[[], object]) -> list[float]:
    """Milliseconds of each call, transaction included, as a page would wait for it."""
    for _ in range(20):
        call()
    samples = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        samples.append((time.perf_counter() - began) * 1000)
    return samples
