"""A database for one run, on the server of TEST_DATABASE_ADMIN_URL: made, filled, and dropped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from medcal import db
from medcal.config import settings
from tests.support import databases


@contextmanager
def database() -> Iterator[str]:
    """A migrated, empty database; meanwhile the services of this process use it."""
    name = databases.new_name()
    url = databases.copy_template(name)
    use(url)
    try:
        yield url
    finally:
        db.engine().dispose()
        databases.drop(name)


def use(url: str) -> None:
    """Point this process at a database."""
    os.environ["DATABASE_URL"] = url
    os.environ.setdefault("MEDCAL_SECRET_KEY", "a key that only measurements use, of some length")
    settings.cache_clear()
    db.open_engine.cache_clear()


def open_doors(url: str, *, doctors: int, days: int) -> None:
    """One specialty with so many doctors, each with an opening every 20 minutes from 8 to 16 on so many days from tomorrow on.

    Identity columns begin at numbers that no other value has, so that booking.py finds them again in the text of a statement.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement, {"doctors": doctors, "days": days})
        connection.execute("VACUUM ANALYZE")


FILL = [
    "ALTER TABLE doctor ALTER id RESTART WITH 700001",
    "ALTER TABLE appointment ALTER id RESTART WITH 800001",
    "ALTER TABLE patient ALTER id RESTART WITH 900001",
    """INSERT INTO location (ref, slug, name, zone, street, city, phone, email, hold_minutes, answer_minutes, quiet_from, quiet_until,
                              change_deadline_hours)
       VALUES (gen_random_uuid(), 'vienna', 'Clinic', 'Europe/Vienna', 'Street 1', 'Vienna', '+431555', 'desk@clinic.test', 10, 120,
               '20:00', '08:00', 24)""",
    """INSERT INTO specialty (ref, slug, name, practitioner, summary, icon, reasons, position)
       VALUES (gen_random_uuid(), 'cardiology', 'Cardiology', 'Cardiologist', '', 'heart', '{Check-up}', 0)""",
    """INSERT INTO visit_type (ref, specialty_id, name, length_minutes, buffer_minutes, notice_minutes, is_active, position)
       SELECT gen_random_uuid(), id, 'Visit', 20, 0, 0, true, 0 FROM specialty""",
    """INSERT INTO doctor (ref, slug, name, specialty_id, location_id, qualification, languages, about, is_active)
       SELECT gen_random_uuid(), 'doctor-' || n, 'Dr. ' || n, s.id, l.id, '', '', '', true
         FROM specialty s, location l, generate_series(1, %(doctors)s) n""",
    """INSERT INTO slot (doctor_id, starts)
       SELECT d.id, time '08:00' + n * interval '20 minutes' FROM doctor d, generate_series(0, 23) n""",
    """INSERT INTO opening (doctor_id, slot_id, day, specialty_id, starts_at, ends_at, closes_at, claims)
       SELECT s.doctor_id, s.id, day::date, d.specialty_id, (day + s.starts) AT TIME ZONE 'Europe/Vienna',
              (day + s.starts + interval '20 minutes') AT TIME ZONE 'Europe/Vienna',
              (day + time '16:00') AT TIME ZONE 'Europe/Vienna', 0
         FROM slot s JOIN doctor d ON d.id = s.doctor_id,
              generate_series(current_date + 1, current_date + %(days)s::int, interval '1 day') AS day""",
]
