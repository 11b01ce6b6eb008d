"""`python -m medcal.statistics --days 90` prints the figures of the statistics page as CSV."""

import argparse
import csv
import sys
from collections.abc import Sequence

from medcal import clock
from medcal.db import in_transaction
from medcal.security import SYSTEM
from medcal.services.offer_statistics import Fills, Reached, Statistics, statistics
from medcal.viewmodels.staff_statistics import fills_name, reached_name

FILLS = ("freed", "by_offer", "by_public", "by_desk", "lost", "closed", "running", "share_by_offer", "share_used")
PACE = ("minutes_to_fill", "days_gained", "offers", "offers_per_fill")
REACHED = ("waited", "asked", "accepted", "unanswered", "share_asked", "share_accepted", "share_unanswered")
COLUMNS = ("group", "name", *FILLS, *PACE, *REACHED)


def main() -> None:
    parser = argparse.ArgumentParser(prog="manage.py statistics", description="The figures of earlier offers as CSV.")
    parser.add_argument("--days", type=int, default=90, help="so many days back from now (default 90)")
    days = parser.parse_args().days
    if not 0 < days <= 3660:
        parser.error("--days takes 1 to 3660")
    print_csv(in_transaction(statistics, SYSTEM, days=days, now=clock.now()))


def print_csv(figures: Statistics) -> None:
    """One line per row of the page's tables, the total first; what makes no sense for a row is left empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for fills in (figures.total, *figures.fills):
        writer.writerow([fills.what, fills_name(fills), *_cells(fills)])
    for reached in figures.reached:
        writer.writerow([reached.what, reached_name(reached), *_cells(reached)])


def _cells(row: Fills | Reached) -> Sequence[str]:
    return [_cell(getattr(row, column, None)) for column in COLUMNS[2:]]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
