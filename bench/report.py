"""Tables for the reader, and the same figures as JSON for whoever wants to compare."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

# Places in the first line of /proc/stat.
IDLE, WAITING, STEAL = 3, 4, 7
RESULTS = Path(__file__).parent / "results"


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: the first column to the left, figures to the right."""
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    print(f"\n{title}")
    for number, line in enumerate(lines):
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        print("  " + "   ".join(cells))
        if number == 0:
            print("  " + "   ".join("-" * width for width in widths))


def keep(name: str, figures: object) -> None:
    """Write the figures beside the machine they were taken on, and say how much of it was there."""
    RESULTS.mkdir(exist_ok=True)
    away = stolen(_BEGAN, _ticks())
    if away is not None:
        print(f"\nOther machines had {away:.0%} of the time that was asked of the processors.")
    about = {
        "taken_at": datetime.now(UTC).isoformat(),
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "stolen": away,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(about | {"figures": figures}, indent=2) + "\n")


def percentiles(samples: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    cuts = statistics.quantiles(samples, n=20)
    return statistics.median(samples), cuts[18]


def stolen(before: Sequence[int], after: Sequence[int]) -> float | None:
    """The share of the busy time that the host of this machine gave to others; None where it does not say."""
    if not before or not after:
        return None
    passed = [now - then for then, now in zip(before, after, strict=True)]
    wanted = sum(passed) - passed[IDLE] - passed[WAITING]
    return passed[STEAL] / wanted if wanted else None


def _ticks() -> list[int]:
    """The times of all processors as Linux counts them (proc_stat(5)): user to steal; nothing elsewhere."""
    try:
        return [int(field) for field in Path("/proc/stat").read_text().split()[1:9]]
    except OSError:
        return []


# Since when this process measures.
_BEGAN = _ticks()


def load() -> str:
    """How busy the machine is; figures from a busy one are not worth much."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs" if hasattr(os, "getloadavg") else "load unknown"
