"""Databases to measure in, on the server that DATABASE_URL names: made from the migrations, filled by SQL, dropped afterwards."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

# Tests and measurements make their databases the same way.
os.environ.setdefault("TEST_DATABASE_ADMIN_URL", os.environ.get("DATABASE_URL", ""))

from tests.support import databases

# A Monday, eight in the morning at the clinic. Everything is measured as if it were then.
NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
DOCTORS = 200

CLINIC = """
INSERT INTO location (ref, slug, name, zone, street, city, phone, email, hold_minutes, answer_minutes, quiet_from, quiet_until,
                      change_deadline_hours)
VALUES (gen_random_uuid(), 'vienna', 'Medcal Clinic', 'Europe/Vienna', 'Rosengasse 12', '1010 Vienna', '+4315550123',
        'desk@medcal.test', 10, 120, '20:00', '08:00', 24);
INSERT INTO specialty (ref, slug, name, practitioner, summary, icon, position)
VALUES (gen_random_uuid(), 'cardiology', 'Cardiology', 'Cardiologist', '', 'heart', 0);
INSERT INTO visit_type (ref, specialty_id, name, length_minutes, buffer_minutes, notice_minutes, is_active, position)
SELECT gen_random_uuid(), 1, name, length, buffer, 0, true, 0
  FROM (VALUES ('Visit', 15, 0), ('Long visit', 45, 10)) AS v(name, length, buffer);
INSERT INTO doctor (ref, slug, name, specialty_id, location_id, qualification, languages, about, is_active)
SELECT gen_random_uuid(), 'doctor-' || n, 'Dr. ' || n, 1, 1, '', '', '', true FROM generate_series(1, %(doctors)s) AS n;
-- Slots every quarter of an hour from 08:00, 30 of them; those of doctor d have the ids from 30 (d - 1) + 1 on.
INSERT INTO slot (doctor_id, starts)
SELECT d, time '08:00' + k * interval '15 minutes' FROM generate_series(1, %(doctors)s) AS d, generate_series(0, 29) AS k
 ORDER BY d, k;
-- High numbers, which nothing else has by chance.
ALTER TABLE appointment ALTER id RESTART WITH 50000001;
ALTER TABLE patient ALTER id RESTART WITH 70000001;
"""
OPENINGS = """
INSERT INTO opening (doctor_id, slot_id, day, specialty_id, starts_at, ends_at, closes_at, claims)
SELECT s.doctor_id, s.id, w.day, 1, w.midnight + s.starts, w.midnight + s.starts + interval '15 minutes',
       w.midnight + interval '15 hours 30 minutes', CASE WHEN a.id IS NULL THEN 0 ELSE 1 END
  FROM slot s
 CROSS JOIN (SELECT date '2026-03-02' + n AS day, (date '2026-03-02' + n) AT TIME ZONE 'UTC' AS midnight
               FROM generate_series(0, %(days)s - 1) AS n) AS w
  LEFT JOIN appointment a ON a.doctor_id = s.doctor_id AND a.slot_id = s.id AND a.appointment_date = w.day
"""


@contextmanager
def database() -> Iterator[str]:
    """A database with all tables, gone afterwards."""
    name = databases.new_name()
    url = databases.copy_template(name)
    try:
        yield url
    finally:
        databases.drop(name)


@contextmanager
def copy(url: str) -> Iterator[str]:
    """The same database once more, gone afterwards; nobody may be connected to the first one."""
    name = databases.new_name()
    try:
        yield databases.copy(url, name)
    finally:
        databases.drop(name)


def fill(url: str, script: str, **values: int) -> None:
    """Run a script of statements; values are put in as numbers."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((script % values).encode())


def make_clinic(url: str) -> None:
    fill(url, CLINIC, doctors=DOCTORS)


def environment(url: str) -> Mapping[str, str]:
    """What a process of the clinic needs to work on the database."""
    return os.environ | {
        "DATABASE_URL": url,
        "MEDCAL_URL": "http://localhost:8000",
        "MEDCAL_SECRET_KEY": "a key for measurements alone, of no use",
    }
