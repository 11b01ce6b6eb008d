"""`python3 manage.py bench [booking] [availability] [browser]`: measures, and prints one table; without a name, all three."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench import availability, booking, browser

RESULTS = Path(__file__).parent / "results"
MEASURES = {"booking": booking.measure, "availability": availability.measure, "browser": browser.measure}
AIMS = {
    "booking": "at 8 connections at least 0.5 of pgbench",
    "availability": "p95 under 10 ms",
    "browser": "click p95 under 30 ms, second browser p95 under 300 ms",
}


def main() -> None:
    wanted = sys.argv[1:] or list(MEASURES)
    if unknown := [name for name in wanted if name not in MEASURES]:
        sys.exit(f"No such measure: {', '.join(unknown)}. There are {', '.join(MEASURES)}.")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start\n", flush=True)
    found = {name: _measure(name) for name in wanted}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json").write_text(json.dumps(found, indent=2))


def _measure(name: str) -> dict[str, object]:
    figures = MEASURES[name]()
    print(f"{name} (aim: {AIMS[name]})")
    for what, values in figures.items():
        said = ", ".join(f"{key} {value}" for key, value in values.items()) if isinstance(values, dict) else values
        print(f"  {what:42} {said}")
    print(flush=True)
    return figures


if __name__ == "__main__":
    main()
