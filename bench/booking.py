"""Bookings per second through services.booking, beside pgbench running the same statements in the same run."""

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from bench import pgbench, report, scratch
from bench.clients import SLOTS

AIM = 0.5
ROUNDS, SECONDS = 3, 8
# Connections, and the ways to spread them: a process of Python uses one processor, whatever its number of threads.
CASES = [(1, 1), (8, 1), (8, 2), (32, 1), (32, 2)]
DAYS = 120
# With doctor 137 on the last day: farther than the clients get, and a number that nothing else has.
SAMPLE = 136 + scratch.DOCTORS * SLOTS * (DAYS - 1)


@dataclass
class Case:
    """One number of connections, and what came of it in each round."""

    connections: int
    processes: int
    services: list[float]
    pgbench: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(ours / theirs for ours, theirs in zip(self.services, self.pgbench, strict=True))


def measure() -> None:
    with scratch.database() as url, tempfile.TemporaryDirectory() as folder:
        scratch.make_clinic(url)
        scratch.fill(url, scratch.OPENINGS, days=DAYS)
        script = Path(folder) / "booking.sql"
        statements = _write_script(url, script)
        with psycopg.connect(url) as connection:
            fsync = connection.execute("SHOW fsync").fetchone()
        print(
            f"\nA booking is {statements} statements in two transactions; fsync {fsync and fsync[0]}; {report.load()}."
        )
        _report(_rounds(url, script), statements)


def _write_script(url: str, path: Path) -> int:
    """In a process of its own, since settings are read once."""
    work = f"from pathlib import Path; from bench import clients, pgbench; print(pgbench.write_script(clients.Clients(), {SAMPLE}, Path({str(path)!r})))"
    done = subprocess.run(
        [sys.executable, "-c", work], env=scratch.environment(url), capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def _rounds(url: str, script: Path) -> list[Case]:
    cases = [Case(connections, processes, [], []) for connections, processes in CASES]
    first = 0
    for _ in range(ROUNDS):
        for case in cases:
            rate, first = _run_services(url, case, first)
            case.services.append(rate)
            rate, done = pgbench.run(url, script, connections=case.connections, seconds=SECONDS, first=first)
            case.pgbench.append(rate)
            # Its clients count for themselves, some faster than others.
            first += 2 * done + 1_000
    return cases


def _run_services(url: str, case: Case, first: int) -> tuple[float, int]:
    """Bookings per second of all processes together, and the next number that nobody has used."""
    threads = case.connections // case.processes
    start = time.time() + 3 + case.processes
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.clients",
                *map(str, (first + place, case.processes, threads, SECONDS, start)),
            ],
            env=scratch.environment(url),
            stdout=subprocess.PIPE,
            text=True,
        )
        for place in range(case.processes)
    ]
    answers = [process.communicate()[0].split() for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError("a client failed; its error is above")
    return sum(int(done) for done, _ in answers) / SECONDS, max(int(used) for _, used in answers) + case.connections


def _report(cases: list[Case], statements: int) -> None:
    report.table(
        "Bookings per second (hold and confirm, with message, links and history), median of "
        f"{ROUNDS} rounds of {SECONDS} s",
        ["connections", "processes", "services", "pgbench", "ratio", f"aim {AIM}"],
        [
            [
                case.connections,
                case.processes,
                f"{statistics.median(case.services):.0f}",
                f"{statistics.median(case.pgbench):.0f}",
                f"{case.ratio:.2f}",
                "" if case.connections != 8 else "met" if case.ratio >= AIM else "missed",
            ]
            for case in cases
        ],
    )
    report.keep(
        "booking", {"statements": statements, "cases": [asdict(case) | {"ratio": case.ratio} for case in cases]}
    )
