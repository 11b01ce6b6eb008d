"""Bookings per second through the services, beside pgbench that sends the very same SQL in the same run.

One booking is `hold` and `confirm` with everything that belongs to them: two transactions, the history, the confirmation message with its link, the
patient's record. What the services send is recorded once and handed to pgbench as a script; only the values that must differ between two bookings
(doctor, time, patient, codes) become expressions.
"""

import multiprocessing
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from bench.scratch import database, open_doors, use
from medcal import clock
from medcal.db import fetch, in_transaction
from medcal.errors import SlotTaken
from medcal.models import Doctor, VisitType
from medcal.postgres_home import find_binaries
from medcal.services import booking
from medcal.services.patients import Person

SECONDS = 5
ROUNDS = 3
CONNECTIONS = (1, 8, 32)
DOCTORS, DAYS = 400, 80


@dataclass(frozen=True)
class Turn:
    """One free time that nobody else in the run books."""

    number: int
    doctor_id: int
    starts_at: datetime


def measure() -> dict[str, object]:
    """Figures for each number of connections: bookings per second and their ratio to pgbench, as medians over rounds."""
    with database() as url:
        open_doors(url, doctors=DOCTORS, days=DAYS)
        _hand_out_turns(url)
        script = _record(url)
        return {str(connections): _compare(url, script, connections) for connections in CONNECTIONS}


def _compare(url: str, script: str, connections: int) -> dict[str, float]:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_book(url, connections))
        theirs.append(_pgbench(url, script, connections))
    return {
        "services_per_second": round(statistics.median(ours), 1),
        "pgbench_per_second": round(statistics.median(theirs), 1),
        "ratio": round(statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True)), 2),
    }


# --- Free times, each used once ---------------------------------------------------------------------------------------


def _hand_out_turns(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """CREATE TABLE bench_turn AS
               SELECT row_number() OVER (ORDER BY random()) AS number, doctor_id, starts_at FROM opening"""
        )
        connection.execute("CREATE UNIQUE INDEX ON bench_turn (number)")
        connection.execute("CREATE SEQUENCE bench_next CACHE 100")
        connection.execute("VACUUM ANALYZE bench_turn")


NEXT_TURN = "SELECT number, doctor_id, starts_at FROM bench_turn WHERE number = (SELECT nextval('bench_next'))"


# --- Through the services ---------------------------------------------------------------------------------------------


def _book(url: str, connections: int) -> float:
    """Bookings per second with so many threads, spread over as many processes as there are cores: like web workers."""
    processes = min(os.cpu_count() or 1, connections)
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=use, initargs=(url,)) as pool:
        shares = [connections // processes + (place < connections % processes) for place in range(processes)]
        pool.map(_warm_up, shares)
        return sum(pool.map(_book_in_threads, shares, chunksize=1))


def _warm_up(threads: int) -> None:
    _in_threads(threads, time.monotonic() + 0.5)


def _book_in_threads(threads: int) -> float:
    began = time.monotonic()
    done = _in_threads(threads, began + SECONDS)
    return done / (time.monotonic() - began)


def _in_threads(threads: int, until: float) -> int:
    done: list[int] = []
    running = [threading.Thread(target=lambda: done.append(_book_until(until))) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(done)


def _book_until(until: float) -> int:
    done = 0
    while time.monotonic() < until:
        done += _book_once(in_transaction(_next_turn))
    return done


def _next_turn(db) -> Turn:  # type: ignore[no-untyped-def]
    return Turn(*fetch(db, NEXT_TURN)[0])


def _book_once(turn: Turn) -> int:
    visit, now = f"{turn.number:064d}", clock.now()
    person = Person(f"Person {turn.number}", date(1980, 1, 1), f"person{turn.number}@patients.test", None)
    try:
        held = in_transaction(_hold, turn, visit, now)
    except SlotTaken:
        return 0
    in_transaction(booking.confirm, held, booking.Details(person, reason="Check-up"), visit=visit, now=now)
    return 1


def _hold(db, turn: Turn, visit: str, now: datetime) -> uuid.UUID:  # type: ignore[no-untyped-def]
    doctor, visit_type = db.get_one(Doctor, turn.doctor_id), db.get_one(VisitType, 1)
    return booking.hold(db, doctor, visit_type, turn.starts_at, visit=visit, now=now).ref


# --- The same statements for pgbench ----------------------------------------------------------------------------------


def _record(url: str) -> str:
    """Book once, note what was sent, and make a pgbench script of it."""
    turn = in_transaction(_next_turn)
    sent: list[str] = []
    with _listening(sent):
        assert _book_once(turn) == 1
    return _script([text for text in sent if not text.startswith("notify")], turn, in_transaction(_booked))


@dataclass(frozen=True)
class Booked:
    """What the recorded booking left behind: values that must be others in the next one."""

    appointment: int
    patient: int
    ref: uuid.UUID
    code: str
    message: uuid.UUID
    digests: list[str]


def _booked(db) -> Booked:  # type: ignore[no-untyped-def]
    row = fetch(
        db,
        """SELECT a.id, a.patient_id, a.ref, a.code, m.ref AS message, array_agg(k.token_digest ORDER BY k.id) AS digests
             FROM appointment a JOIN message m ON m.appointment_id = a.id JOIN access_token k ON k.appointment_id = a.id
            WHERE a.status = 'booked' GROUP BY a.id, m.ref""",
    )[0]
    return Booked(*row)


class _listening:
    """Writes down every statement that psycopg sends, with its values in it."""

    def __init__(self, sent: list[str]):
        self.sent = sent

    def __enter__(self) -> None:
        self.execute = psycopg.Cursor.execute
        original, sent = self.execute, self.sent

        def execute(cursor, query, params=None, **options):  # type: ignore[no-untyped-def]
            text = psycopg.ClientCursor(cursor.connection).mogrify(query, params)
            sent.append(text if isinstance(text, str) else text.decode())
            return original(cursor, query, params, **options)

        psycopg.Cursor.execute = execute  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        psycopg.Cursor.execute = self.execute  # type: ignore[method-assign]


def _script(sent: list[str], turn: Turn, booked: Booked) -> str:
    """BEGIN and COMMIT stand where the services' transactions do: before the hold, and before the confirmation."""
    second = next(place for place, text in enumerate(sent) if place and "held_by" in text and "FOR UPDATE" in text and "SKIP LOCKED" not in text)
    lines = [NEXT_TURN.replace("number,", "number AS turn,") + r" \gset", "BEGIN;"]
    for place, text in enumerate(sent):
        if place == second:
            lines += ["COMMIT;", "BEGIN;"]
        lines.append(_statement(text, turn, booked))
    return "\n".join([*lines, "COMMIT;", ""])


def _statement(text: str, turn: Turn, booked: Booked) -> str:
    """One statement with the values of this booking replaced by variables, and its answer kept where later ones need it."""
    answer = ""
    if "WITH chosen AS" in text:
        text = text.replace("SELECT held.*,", "SELECT held.id AS appointment, held.ref AS ref,")
        answer = r" \gset"
    if "WITH known AS" in text:
        text = text.replace("SELECT id FROM known UNION", "SELECT id AS patient FROM known UNION")
        answer = r" \gset"
    for literal, variable in _variables(turn, booked):
        text = text.replace(literal, variable)
    flat = " ".join(line.split("--")[0].strip() for line in text.strip().splitlines())
    return (_without_colons(flat) + answer) if answer else _without_colons(flat) + ";"


def _variables(turn: Turn, booked: Booked) -> list[tuple[str, str]]:
    number = f"{turn.number:064d}"
    starts = sql.Literal(turn.starts_at).as_string()
    return [
        (f"'{number}'", "lpad(:turn::text, 64, '0')"),
        (f"'Person {turn.number}'", "('Person ' || :turn::text)"),
        (f"'person{turn.number}@patients.test'", "('person' || :turn::text || '@patients.test')"),
        (starts, "(SELECT starts_at FROM bench_turn WHERE number = :turn)"),
        (str(turn.doctor_id), ":doctor_id"),
        (f"'appointment.booked:{booked.appointment}:v1'", "('appointment.booked/' || :appointment::text || '/v1')"),
        (f"'{booked.message.hex}'::uuid", "gen_random_uuid()"),
        (f"'{{{','.join(booked.digests)}}}'", f"ARRAY[{', '.join(['md5(random()::text)'] * len(booked.digests))}]"),
        (str(booked.appointment), ":appointment"),
        (str(booked.patient), ":patient"),
        (f"'{booked.code}'", "upper(substr(md5(random()::text), 1, 9))"),
        (f"'{booked.ref.hex}'::uuid", "(SELECT ref FROM appointment WHERE id = :appointment)"),
    ]


def _without_colons(text: str) -> str:
    """pgbench takes every colon with a word behind it for a variable, in quotes too: inside literals it becomes an escape."""
    def escape(literal: re.Match[str]) -> str:
        body = literal[2].replace("\\", "\\\\") if not literal[1] else literal[2]
        return f"E'{body}'".replace(":", "\\x3a").replace("\n", "\\n") if ":" in body or "\\" in body else literal[0]

    return re.sub(r"(E?)'((?:[^']|'')*)'", escape, text)


def _pgbench(url: str, script: str, connections: int) -> float:
    """Transactions per second of the recorded script, with prepared statements as psycopg has them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "booking.sql"
        file.write_text(script)
        command = [Path(find_binaries()) / "pgbench", "-n", "-M", "prepared", "-f", file, "-T", SECONDS, "-c", connections, "-j", 2, url]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if not found:
        raise RuntimeError(f"pgbench: {done.stderr[:1500]}")
    return float(found[1])
