"""How many messages are handed over per second, beside bare posts of the same bytes; and bookings while the receiver hangs."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg

from bench import report, scratch

AIM = 0.6
WAITING = 100_000
WORKERS = (1, 2, 4)
ROUNDS, COUNT = 3, 1_000
BOOKINGS = 300
DAYS, BOOKED_DAYS = 60, 17

PATIENT = """
INSERT INTO patient (ref, name, email, language, created_at)
VALUES (gen_random_uuid(), 'Alice Adler', 'alice@example.com', 'en', now())
"""
# Full days, 6,000 visits each.
APPOINTMENTS = """
ALTER TABLE appointment DISABLE TRIGGER count_claims;
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, reason, request, cancel_reason, is_late_cancellation, version, created_at, booked_at)
SELECT gen_random_uuid(), '#' || s.id * 100 + w.n, s.doctor_id, s.id, w.day, 1, 1, 70000001, w.midnight + s.starts,
       w.midnight + s.starts + interval '15 minutes', w.midnight + s.starts + interval '15 minutes', 'booked', '', '', '', false, 1,
       now(), now()
  FROM slot s, generate_series(1, %(days)s) AS d(n),
       LATERAL (SELECT d.n, date '2026-03-02' + d.n AS day, (date '2026-03-02' + d.n) AT TIME ZONE 'UTC' AS midnight) AS w;
ALTER TABLE appointment ENABLE TRIGGER count_claims
"""
# The first one was written by the product; the others say the same to whom it concerns.
MESSAGES = """
INSERT INTO message (ref, reason, kind, patient_id, appointment_id, channel, recipient, recipient_name, language, subject, text, html,
                     calendar, status, due_at, useless_at, next_try_at, tries, last_error, created_at)
SELECT gen_random_uuid(), m.kind || ':' || a.id || ':v1', m.kind, m.patient_id, a.id, m.channel, m.recipient, m.recipient_name, m.language,
       m.subject, m.text, m.html, m.calendar, 'due', m.due_at, a.starts_at, m.due_at, 0, '', m.created_at
  FROM message m, (SELECT id, starts_at FROM appointment ORDER BY id OFFSET 1 LIMIT %(waiting)s) AS a
"""
FIRST_MESSAGE = """
from bench.scratch import NOW
from medcal.db import fetch_one, in_transaction
from medcal.services import notifications
def write(db):
    first = fetch_one(db, "SELECT min(id) AS id FROM appointment")
    notifications.write(db, "appointment.booked", appointment_id=first.id, now=NOW)
in_transaction(write)
"""
# From a day on that is free, by one desk.
BOOK = """
import json, time
from bench.clients import SLOTS, Clients
from bench.scratch import DOCTORS
clients, samples = Clients(), []
for number in range({first}, {first} + 20 + {bookings}):
    began = time.perf_counter()
    clients.book(number)
    samples.append((time.perf_counter() - began) * 1000)
print(json.dumps(samples[20:]))
"""


def measure() -> None:
    with scratch.database() as url:
        scratch.make_clinic(url)
        scratch.fill(url, PATIENT)
        scratch.fill(url, APPOINTMENTS, days=BOOKED_DAYS)
        scratch.fill(url, scratch.OPENINGS, days=DAYS)
        _run(["-c", FIRST_MESSAGE], scratch.environment(url))
        scratch.fill(url, MESSAGES, waiting=WAITING)
        # On its own: VACUUM wants no company.
        scratch.fill(url, "VACUUM ANALYZE")
        print(f"\n{WAITING:,} messages wait; {report.load()}.", flush=True)
        rates = _rates(url)
        bookings = _bookings(url)
    report.keep("messages", {"waiting": WAITING, "per second": rates, "bookings, p50 and p95 in ms": bookings})


def _rates(url: str) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    with _receiver("answer") as port:
        env = _environment(url, port)
        for workers in WORKERS:
            ours, bare = [], []
            for _ in range(ROUNDS):
                before = _handed_over(url)
                ours.append(COUNT / float(_run(["-m", "bench.couriers", "deliver", str(workers), str(COUNT)], env)))
                if _handed_over(url) - before < COUNT:
                    raise RuntimeError("fewer messages were handed over than were counted")
                bare.append(COUNT / float(_run(["-m", "bench.couriers", "post", str(workers), str(COUNT)], env)))
            ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
            found[workers] = {"ours": statistics.median(ours), "bare": statistics.median(bare), "ratio": ratio}
    report.table(
        f"Messages per second, {COUNT:,} of {WAITING:,} that wait, median of {ROUNDS} rounds",
        ["workers", "handed over", "bare posts", "ratio", f"aim {AIM}"],
        [
            [
                workers,
                f"{row['ours']:.0f}",
                f"{row['bare']:.0f}",
                f"{row['ratio']:.2f}",
                "met" if row["ratio"] >= AIM else "missed",
            ]
            for workers, row in found.items()
        ],
    )
    return found


def _handed_over(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM message WHERE status = 'handed_over'").fetchone()
    return int(row[0]) if row else 0


def _bookings(url: str) -> dict[str, tuple[float, float]]:
    """By one desk: with nobody delivering, then with four workers of whom each hangs at the receiver."""
    first = scratch.DOCTORS * 30 * (BOOKED_DAYS + 3)
    found = {"nobody delivers": _book(url, first)}
    with _receiver("hang") as port:
        couriers = subprocess.Popen(
            [sys.executable, "-m", "bench.couriers", "deliver", "4", "1000"], env=_environment(url, port)
        )
        try:
            found["four workers hang at the receiver"] = _book(url, first + 2 * BOOKINGS)
        finally:
            couriers.kill()
            couriers.wait()
    report.table(
        f"A booking, of {BOOKINGS} by one desk (ms)",
        ["while", "p50", "p95"],
        [[name, f"{middle:.1f}", f"{high:.1f}"] for name, (middle, high) in found.items()],
    )
    return found


def _book(url: str, first: int) -> tuple[float, float]:
    samples = json.loads(_run(["-c", BOOK.format(first=first, bookings=BOOKINGS)], scratch.environment(url)))
    return report.percentiles(samples)


@contextmanager
def _receiver(manner: str) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-m", "bench.receiver", manner], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def _environment(url: str, port: int) -> Mapping[str, str]:
    """Of a clinic whose n8n is the receiver."""
    return {
        **scratch.environment(url),
        "N8N_WEBHOOK_URL": f"http://127.0.0.1:{port}/webhook",
        "N8N_WEBHOOK_SECRET": "a secret for measurements alone",
        "WEBHOOK_ALLOW_PRIVATE": "1",
    }


def _run(arguments: list[str], env: Mapping[str, str]) -> str:
    done = subprocess.run([sys.executable, *arguments], env=env, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()
