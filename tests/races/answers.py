"""Many offers ready to be answered, and people who answer them at the same instant."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch, in_transaction
from medcal.errors import MedcalError
from medcal.models import Appointment
from medcal.security import PATIENT
from medcal.services import answers, booking, changes, offers, waitlist
from medcal.services.patients import Person
from tests.support.factories import NOW, Clinic
from tests.support.times import at

CHARLIE = Person("Charlie Czerny", date(1990, 1, 1), "charlie@example.com", None)
HALF_HOUR = timedelta(minutes=30)
# On each of these days sixteen times are on offer, from eight to four.
MONDAY, A_DAY = at("2026-03-09 08:00"), 16
ANSWER_UNTIL = NOW + timedelta(hours=2)
IN_THE_LAST_MOMENT = ANSWER_UNTIL - timedelta(microseconds=1)
# Those who answer do not all begin within the same microsecond.
HESITATION_SECONDS = 0.004

Work = Callable[[Session], object]


@dataclass(frozen=True)
class Round:
    """A time that is offered to several people at once, of whom the last has no appointment; or to one, who has a later one."""

    freed_id: int
    starts_at: datetime
    offers: tuple[int, ...]
    entries: tuple[int, ...]
    own: tuple[int | None, ...]


# Nothing here is raced, so all of it is made at once.
PEOPLE = """
WITH person AS (
    INSERT INTO patient (ref, name, email, language, created_at)
    SELECT gen_random_uuid(), 'Patient ' || n, 'p' || n || '@example.com', 'en', %(now)s FROM generate_series(0, %(people)s - 1) AS n
    RETURNING id, substr(name, 9)::int AS n),
slots AS (
    INSERT INTO slot (doctor_id, starts) SELECT %(doctor)s, time '00:00' + n * interval '30 minutes' FROM generate_series(0, 47) AS n
    ON CONFLICT DO NOTHING RETURNING id, starts),
own AS (
    INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                             busy_until, status, reason, request, cancel_reason, is_late_cancellation, version, created_at, booked_at)
    SELECT gen_random_uuid(), 'own' || p.n, %(doctor)s, s.id, t.local::date, %(location)s, %(visit_type)s, p.id, t.at,
           t.at + interval '30 minutes', t.at + interval '30 minutes', 'booked', '', '', '', false, 1, %(now)s, %(now)s
      FROM person p,
           LATERAL (SELECT %(later)s + p.n * interval '30 minutes' AS at,
                           (%(later)s + p.n * interval '30 minutes') AT TIME ZONE 'Europe/Vienna' AS local) AS t
      JOIN (SELECT id, starts FROM slots UNION SELECT id, starts FROM slot WHERE doctor_id = %(doctor)s) s ON s.starts = t.local::time
     WHERE %(group)s = 1 OR p.n %% %(group)s < %(group)s - 1
    RETURNING id, patient_id, starts_at)
INSERT INTO waitlist_entry (ref, patient_id, appointment_id, own_starts_at, visit_type_id, location_id, weekdays, opens, closes,
                            notice_hours, urgency, status, created_at)
SELECT gen_random_uuid(), p.id, o.id, o.starts_at, %(visit_type)s, %(location)s, '{0,1,2,3,4,5,6}', '00:00', '23:59', 0, 0, 'waiting',
       %(now)s - interval '30 days' + p.n * interval '1 minute'
  FROM person p LEFT JOIN own o ON o.patient_id = p.id ORDER BY p.n
"""
OFFERS = """
WITH hold AS (
    INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, starts_at, ends_at, busy_until,
                             status, held_until, reason, request, cancel_reason, is_late_cancellation, version, created_at)
    SELECT gen_random_uuid(), 'offer' || t.n, s.doctor_id, s.id, (t.at AT TIME ZONE 'Europe/Vienna')::date, %(location)s, %(visit_type)s,
           t.at, t.at + interval '30 minutes', t.at + interval '30 minutes', 'held', %(until)s, '', '', '', false, 1, %(now)s
      FROM unnest(%(times)s::timestamptz[]) WITH ORDINALITY AS t(at, n)
      JOIN slot s ON s.doctor_id = %(doctor)s AND s.starts = (t.at AT TIME ZONE 'Europe/Vienna')::time
    RETURNING id, doctor_id, location_id, appointment_date, starts_at, ends_at, visit_type_id),
freed AS (
    INSERT INTO freed_time (ref, doctor_id, location_id, day, starts_at, ends_at, cause, visit_type_id, hold_id, status, look_at, created_at)
    SELECT gen_random_uuid(), doctor_id, location_id, appointment_date, starts_at, ends_at, 'cancelled', visit_type_id, id, 'offered',
           %(now)s, %(now)s FROM hold RETURNING id, hold_id, starts_at),
made AS (
    INSERT INTO offer (ref, freed_time_id, entry_id, patient_id, hold_id, place_in_group, status, answer_until, created_at)
    SELECT gen_random_uuid(), f.id, e.id, e.patient_id, f.hold_id, 1 + e.n %% %(group)s, 'open', %(until)s, %(now)s
      FROM (SELECT *, row_number() OVER (ORDER BY starts_at) - 1 AS n FROM freed) f
      JOIN (SELECT *, row_number() OVER (ORDER BY created_at) - 1 AS n FROM waitlist_entry) e ON e.n / %(group)s = f.n
    RETURNING id, freed_time_id, entry_id, place_in_group)
SELECT f.id, f.starts_at, array_agg(m.id ORDER BY m.place_in_group) AS offers, array_agg(e.id ORDER BY m.place_in_group) AS entries,
       array_agg(e.appointment_id ORDER BY m.place_in_group) AS own
  FROM made m JOIN freed f ON f.id = m.freed_time_id JOIN waitlist_entry e ON e.id = m.entry_id GROUP BY f.id, f.starts_at ORDER BY f.id
"""


def offer_many(db: Session, clinic: Clinic, number: int, group: int) -> list[Round]:
    """So many times on offer, each to people of its own."""
    days = [MONDAY + timedelta(days=day) for day in range(2 * number) if (MONDAY + timedelta(days=day)).weekday() < 5]
    values = {
        "doctor": clinic.okafor.id,
        "location": clinic.location.id,
        "visit_type": clinic.visit_type.id,
        "group": group,
        "now": NOW,
    }
    fetch(db, PEOPLE, **values, people=number * group, later=MONDAY + timedelta(days=60))
    times = [days[n // A_DAY] + n % A_DAY * HALF_HOUR for n in range(number)]
    rows = fetch(db, OFFERS, **values, times=times, until=ANSWER_UNTIL)
    return [Round(row.id, row.starts_at, tuple(row.offers), tuple(row.entries), tuple(row.own)) for row in rows]


# --- What people do ---------------------------------------------------------------------------------------------------


def accept(scene: Round, which: int = 0) -> Work:
    return lambda db: answers.accept(db, scene.offers[which], by=PATIENT, now=IN_THE_LAST_MOMENT)


def decline(scene: Round, which: int = 0) -> Work:
    return lambda db: answers.decline(db, scene.offers[which], by=PATIENT, now=IN_THE_LAST_MOMENT)


def expire(scene: Round) -> Work:
    return lambda db: answers.expire(db, scene.freed_id, ANSWER_UNTIL)


def book_at_desk(clinic: Clinic, scene: Round) -> Work:
    return lambda db: booking.book_at_desk(
        db, clinic.okafor, clinic.visit_type, scene.starts_at, CHARLIE, by=clinic.desk, now=NOW
    )


def cancel_own(scene: Round, which: int = 0) -> Work:
    return lambda db: changes.cancel(db, db.get_one(Appointment, scene.own[which]), by=PATIENT, now=NOW)


def leave(scene: Round, which: int = 0) -> Work:
    return lambda db: waitlist.withdraw(db, scene.entries[which], by=PATIENT, now=NOW)


def sweep(db: Session) -> object:
    return offers.offer_next(db, NOW)


class Crowd:
    """Threads and connections that stay open over many rounds."""

    def __init__(self, size: int) -> None:
        self._pool = ThreadPoolExecutor(size)
        self._chance = random.Random(5)

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def at_once(self, *works: Work) -> list[object]:
        """What each gave, or the refusal it met; anything else fails the test."""
        barrier = threading.Barrier(len(works))
        pauses = [self._chance.uniform(0, HESITATION_SECONDS) for _ in works]

        def begin(work: Work, pause: float) -> object:
            barrier.wait(30)
            time.sleep(pause)
            try:
                return in_transaction(work)
            except MedcalError as refusal:
                return refusal

        return list(self._pool.map(begin, works, pauses))


# --- What must be true afterwards -------------------------------------------------------------------------------------

# How each of the times ended, and who has it.
ENDS = """
SELECT f.status || CASE WHEN f.status = 'filled' THEN '' WHEN b.id IS NOT NULL THEN ', booked' ELSE '' END AS how, count(*)
  FROM freed_time f
  LEFT JOIN appointment b ON b.doctor_id = f.doctor_id AND b.starts_at = f.starts_at AND b.status = 'booked'
 WHERE f.id = ANY (%(ids)s) GROUP BY 1
"""
# People who have lost their appointment or have two: whoever had one has one, unless she cancelled it herself.
WITHOUT_OR_WITH_TWO = """
SELECT e.id FROM waitlist_entry e LEFT JOIN appointment own ON own.id = e.appointment_id
  LEFT JOIN offer o ON o.entry_id = e.id AND o.status = 'accepted'
 WHERE (SELECT count(*) FROM appointment a WHERE a.patient_id = e.patient_id AND a.status = 'booked')
    <> CASE WHEN e.appointment_id IS NULL THEN (o.id IS NOT NULL)::int ELSE (own.status = 'booked')::int END
"""
# An accepted time is hers who accepted.
ACCEPTED_IN_VAIN = """
SELECT o.id FROM offer o JOIN freed_time f ON f.id = o.freed_time_id WHERE o.status = 'accepted' AND NOT EXISTS (
    SELECT FROM appointment a WHERE a.patient_id = o.patient_id AND a.starts_at = f.starts_at AND a.status IN ('booked', 'cancelled'))
   AND NOT EXISTS (SELECT FROM appointment a JOIN waitlist_entry e ON e.appointment_id = a.id
                    WHERE e.id = o.entry_id AND a.status = 'cancelled')
"""


def ends(scenes: Sequence[Round]) -> dict[str, int]:
    """How many of the times ended in which way."""
    rows = in_transaction(fetch, ENDS, ids=[scene.freed_id for scene in scenes])
    return {row.how: row.count for row in rows}


def people_without_or_with_two() -> Iterator[int]:
    for query in (WITHOUT_OR_WITH_TWO, ACCEPTED_IN_VAIN):
        yield from (row.id for row in in_transaction(fetch, query))
