"""What proof of work costs: a patient's browser some milliseconds while she fills in the form, and a robot a thousand times that and more.

In Chromium as pages do it, in a worker; and on the page itself with the processor slowed down, as on an older phone.
"""

import hashlib
import os
import shutil
import threading
import time
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ.setdefault("MEDCAL_URL", "http://localhost:8000")
os.environ.setdefault("MEDCAL_SECRET_KEY", "a key for measurements alone, of no use")

from playwright.sync_api import Page, sync_playwright

from bench import report
from medcal.services.fair_share import HOLDS_OF_ADDRESS, MOST_DOUBLINGS, PACES
from medcal.services.proof_of_work import FLOOR_BITS, PARTS, new_challenge
from tests.e2e.conftest import FLAGS

ASSETS = Path(__file__).parent.parent / "assets"
# So many rounds of each difficulty: the dear ones vary little and take long.
ROUNDS = {FLOOR_BITS: 60, FLOOR_BITS + 2: 30, FLOOR_BITS + 4: 10, FLOOR_BITS + MOST_DOUBLINGS: 5}
SLOWED = (1, 4, 6)
UNTIL = datetime(2100, 1, 1, tzinfo=UTC)
BOOKINGS = 1_000

IN_WORKER = """
(challenge) => new Promise((solved) => {
  const began = performance.now(), worker = new Worker('/proof.js');
  worker.onmessage = () => { worker.terminate(); solved(performance.now() - began); };
  worker.postMessage(challenge);
})
"""
ON_PAGE = """
(challenge) => new Promise((solved) => {
  const began = performance.now();
  window.medcalProof(challenge, () => solved(performance.now() - began));
})
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def measure() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(ASSETS)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=_browser(), args=FLAGS)
            page = chromium.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/offline.html")
            page.add_script_tag(url="/proof.js")
            worker = {bits: _times(page, IN_WORKER, bits, rounds) for bits, rounds in ROUNDS.items()}
            slowed = _slowed(page)
            chromium.close()
    finally:
        server.shutdown()
    _report(worker, slowed)


def _browser() -> str | None:
    return os.environ.get("TEST_CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")


def _times(page: Page, script: str, bits: int, rounds: int) -> list[float]:
    """Milliseconds from the challenge to its solution; the first, for which the script is compiled, is left out."""
    challenges = [new_challenge("book", str(number), bits=bits, until=UNTIL) for number in range(rounds + 1)]
    return [float(page.evaluate(script, challenge)) for challenge in challenges][1:]


def _slowed(page: Page) -> dict[int, list[float]]:
    """The floor on the page itself, with a processor that is so many times slower."""
    tools, found = page.context.new_cdp_session(page), {}
    for times in SLOWED:
        tools.send("Emulation.setCPUThrottlingRate", {"rate": times})
        found[times] = _times(page, ON_PAGE, FLOOR_BITS, 20)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    return found


# --- The robot --------------------------------------------------------------------------------------------------------


def hashes(bits: int) -> int:
    """In the mean."""
    return PARTS * 2**bits


def work_of_robot(bookings: int, addresses: int, networks: int, hours: float) -> int:
    """Hashes for so many bookings in even steps, with all that grows dearer by then; as fair_share counts."""
    paces, total = PACES["hold"], 0
    for number in range(bookings):
        hour = int(hours * number / bookings)
        # This hour and the one before.
        lately = number - int(max(0, hour - 1) * bookings / hours) if hours > 1 else number
        doublings = (
            paces.address.doublings(lately // addresses)
            + paces.network.doublings(lately // networks)
            + paces.clinic.doublings(lately)
        )
        total += hashes(FLOOR_BITS + min(doublings, MOST_DOUBLINGS))
    return total


def _hashlib_rate() -> float:
    """Hashes a second of one core in C, called from Python one by one: what a robot has without any effort."""
    seed, began, count = bytes(36), time.perf_counter(), 0
    while time.perf_counter() - began < 1:
        for number in range(10_000):
            hashlib.sha256(seed + number.to_bytes(4)).digest()
        count += 10_000
    return count / (time.perf_counter() - began)


# --- What is said -----------------------------------------------------------------------------------------------------


def _report(worker: dict[int, list[float]], slowed: dict[int, list[float]]) -> None:
    rows = [[f"{hashes(bits):,}", *_cells(samples)] for bits, samples in worker.items()]
    report.table(f"In a worker of Chromium, ms ({report.load()})", ["hashes in the mean", "p50", "p95"], rows)
    rows = [[f"1/{times}", *_cells(samples)] for times, samples in slowed.items()]
    report.table("The least work on the page itself, ms", ["processor at", "p50", "p95"], rows)
    hardest = FLOOR_BITS + MOST_DOUBLINGS
    browser = hashes(hardest) / (report.percentiles(worker[hardest])[0] / 1000)
    rates = {"Chromium": browser, "hashlib": _hashlib_rate()}
    slowest = BOOKINGS / HOLDS_OF_ADDRESS
    robots = {
        "one address, as fast as its limit allows": (1, 1, slowest),
        "100 addresses of one network, in a day": (100, 1, 24.0),
        "100 addresses elsewhere, in an hour": (100, 100, 1.0),
        "1,000 addresses elsewhere, in an hour": (1_000, 1_000, 1.0),
    }
    work = {name: work_of_robot(BOOKINGS, *about) for name, about in robots.items()}
    rows = [
        [
            name,
            f"{robots[name][2]:.0f} h",
            f"{count / 1e6:,.0f}",
            *(f"{count / rate / 60:,.1f}" for rate in rates.values()),
        ]
        for name, count in work.items()
    ]
    speeds = ", ".join(f"{name} {rate / 1e6:.1f}" for name, rate in rates.items())
    report.table(
        f"{BOOKINGS:,} bookings of a robot, in minutes of one core (million hashes a second: {speeds})",
        ["", "lasts", "million hashes", *rates],
        rows,
    )
    report.keep("proof", {"worker ms": worker, "slowed ms": slowed, "hashes a second": rates, "robot": work})


def _cells(samples: list[float]) -> list[str]:
    return [f"{value:,.0f}" for value in report.percentiles(samples)]
