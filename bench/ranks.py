"""Whether two sets of times can be told apart: the rank test of Mann and Whitney, which does not mind what else the machine did."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Apart:
    """`longer`: how often one of these takes longer than one of those, 50 % where time tells nothing. `p`: how often chance alone does as much."""

    longer: float
    p: float

    def __str__(self) -> str:
        return f"{self.longer:.1%}, p = {self.p:.2f}"


def apart(these: Sequence[float], those: Sequence[float]) -> Apart:
    """The rank test by its normal approximation with ties, two-sided; good from some twenty samples on."""
    n, m = len(these), len(those)
    ranks = _ranks([*these, *those])
    wins = sum(ranks[:n]) - n * (n + 1) / 2
    ties = sum(count**3 - count for count in Counter([*these, *those]).values())
    spread = math.sqrt(n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1))))
    z = (wins - n * m / 2) / spread if spread else 0.0
    return Apart(wins / (n * m), math.erfc(abs(z) / math.sqrt(2)))


def _ranks(values: Sequence[float]) -> list[float]:
    """The place of each among all, from 1 on; equal ones share theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, start = [0.0] * len(values), 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2 + 1
        start = end + 1
    return ranks


def cells(these: Sequence[float], those: Sequence[float]) -> list[str]:
    """Median, quartiles and how far these are apart from those, for a table."""
    low, middle, high = statistics.quantiles(these, n=4)
    return [f"{middle:.2f}", f"{low:.2f} to {high:.2f}", str(apart(these, those))]


HEADER = ["median", "quartiles", "longer than the first"]
