"""How long a patient's page waits for free times, with a million appointments in the table."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import quantiles

import psycopg
from sqlmodel import Session

from bench.scratch import database, open_doors
from medcal import clock
from medcal.db import transaction
from medcal.models import VisitType
from medcal.services import availability

DOCTORS, DAYS = 200, 84
APPOINTMENTS = 1_000_000
ASKED = 300


def measure() -> dict[str, object]:
    """Milliseconds at the median and the 95th percentile, in one open transaction each, after a warm-up."""
    with database() as url:
        open_doors(url, doctors=DOCTORS, days=DAYS)
        stored = _fill(url)
        return {"appointments": stored, **_ask(url)}


def _fill(url: str) -> int:
    """Seven tenths of the coming weeks are taken; the rest of the million are the visits of years past."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement, {"appointments": APPOINTMENTS, "per_doctor": APPOINTMENTS // DOCTORS})
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT count(*) FROM appointment").fetchone()
        assert row is not None
        return int(row[0])


_COLUMNS = """(ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at, busy_until, status,
               reason, request, cancel_reason, is_late_cancellation, version, created_at, booked_at)"""
_VALUES = """gen_random_uuid(), upper(substr(md5(random()::text || {n}), 1, 9)), {doctor}, {slot}, {day}, l.id, v.id, p.id, {start},
             {start} + interval '20 minutes', {start} + interval '20 minutes', '{status}', '', '', '', false, 1, now(), now()"""

FILL = [
    """INSERT INTO patient (ref, name, born_on, email, language, created_at)
       SELECT gen_random_uuid(), 'Patient ' || n, '1980-01-01', 'patient' || n || '@patients.test', 'en', now()
         FROM generate_series(1, 20000) n""",
    # The codes of a million rows drawn at random would collide; nothing here looks at them.
    "ALTER TABLE appointment DROP CONSTRAINT uq_appointment_code",
    f"""INSERT INTO appointment {_COLUMNS}
        SELECT {_VALUES.format(n="o.slot_id", doctor="o.doctor_id", slot="o.slot_id", day="o.day", start="o.starts_at", status="booked")}
          FROM opening o, location l, visit_type v, LATERAL (SELECT 900001 + (random() * 19999)::int AS id) p
         WHERE random() < 0.7""",
    # What is past has no openings: the trigger would only look for them.
    "ALTER TABLE appointment DISABLE TRIGGER count_claims",
    f"""INSERT INTO appointment {_COLUMNS}
        SELECT {_VALUES.format(n="s.id", doctor="s.doctor_id", slot="s.id", day="day::date",
                               start="((day + s.starts) AT TIME ZONE 'Europe/Vienna')", status="fulfilled")}
          FROM slot s, location l, visit_type v, LATERAL (SELECT 900001 + (random() * 19999)::int AS id) p,
               generate_series(current_date - (%(per_doctor)s::int / 24 - 55), current_date - 1, interval '1 day') AS day
         LIMIT %(appointments)s - (SELECT count(*) FROM appointment)""",
    "ALTER TABLE appointment ENABLE TRIGGER count_claims",
]


def _ask(url: str) -> dict[str, object]:
    now, chance = clock.now(), random.Random(1)
    first_day = now.date() + timedelta(days=1)
    with psycopg.connect(url) as connection:
        doctors = [row[0] for row in connection.execute("SELECT id FROM doctor")]

    def fortnight(db: Session, visit_type: VisitType) -> object:
        return availability.list_free(db, chance.choice(doctors), visit_type, first_day, 14, now=now)

    def with_anyone(db: Session, visit_type: VisitType) -> object:
        return availability.first_free(db, visit_type.specialty_id, visit_type, now=now)

    def next_of_each(db: Session, visit_type: VisitType) -> object:
        return availability.next_free_by_doctor(db, chance.sample(doctors, 12), visit_type, now=now)

    return {
        "one doctor, 14 days": _timed(fortnight),
        f"first available with any of {DOCTORS}": _timed(with_anyone),
        "next three times of 12 doctors": _timed(next_of_each),
    }


def _timed(ask: Callable[[Session, VisitType], object]) -> dict[str, float]:
    with transaction() as db:
        visit_type = db.get_one(VisitType, 1)
        for _ in range(20):
            ask(db, visit_type)
        spent = []
        for _ in range(ASKED):
            began = time.perf_counter()
            ask(db, visit_type)
            spent.append((time.perf_counter() - began) * 1000)
    cuts = quantiles(spent, n=20)
    return {"p50_ms": round(cuts[9], 2), "p95_ms": round(cuts[18], 2)}
