"""`python -m bench.clients FIRST STEP THREADS SECONDS START` books as fast as it can and prints how often it succeeded.

One process, as many threads as it is to have connections. Booking number n is for a patient, a browser and a time of its own.
"""

import itertools
import sys
import threading
import time
from datetime import date, datetime, timedelta

from sqlalchemy import create_engine
from sqlmodel import select

import medcal.db
from bench.scratch import DOCTORS, NOW
from medcal.db import in_transaction
from medcal.models import Doctor, VisitType
from medcal.security import digest
from medcal.services import booking
from medcal.services.booking import Details, Held
from medcal.services.patients import Person

SLOTS = 30


class Clients:
    """What all bookings need, read once as a page would have it in hand."""

    def __init__(self) -> None:
        self.doctors = in_transaction(lambda db: {doctor.id: doctor for doctor in db.exec(select(Doctor))})
        self.visit_type = in_transaction(lambda db: db.get_one(VisitType, 1))

    def book(self, number: int) -> Held:
        """One patient's booking: the time is held, the form is sent."""
        turn, doctor = divmod(number, DOCTORS)
        visit = digest(f"browser {number}")
        person = Person(f"Patient {number}", date(1984, 2, 29), f"p{number}@example.com", None)
        held = in_transaction(
            booking.hold, self.doctors[doctor + 1], self.visit_type, time_of(turn), visit=visit, now=NOW
        )
        in_transaction(booking.confirm, held.ref, Details(person), visit=visit, now=NOW)
        return held


def time_of(turn: int) -> datetime:
    """The times of a doctor one after the other, each booked once."""
    day, slot = divmod(turn, SLOTS)
    return NOW + timedelta(days=day, hours=1, minutes=15 * slot)


def main(first: int, step: int, threads: int, seconds: float, start: float) -> None:
    engine = create_engine(medcal.db.engine().url, pool_size=threads, max_overflow=0)
    medcal.db.engine = lambda: engine
    clients, numbers, done = Clients(), itertools.count(first, step), [0] * threads
    # Connections, prepared statements, templates: what a worker has after its first minute.
    for _ in range(8):
        clients.book(next(numbers))
    time.sleep(max(start - time.time(), 0))
    end = time.perf_counter() + seconds

    def book_until_the_end(place: int) -> None:
        while time.perf_counter() < end:
            clients.book(next(numbers))
            done[place] += 1

    crowd = [threading.Thread(target=book_until_the_end, args=(place,)) for place in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    print(sum(done), next(numbers))


if __name__ == "__main__":
    first, step, threads, seconds, start = sys.argv[1:]
    main(int(first), int(step), int(threads), float(seconds), float(start))
