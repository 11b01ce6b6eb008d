"""The picture: what each policy fills by lead time, and what filling the last day costs."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from simulate.chances import People
from simulate.endless import Bound, near_bound
from simulate.figures import CLASSES, SUMS, Figures, total_of
from simulate.rules import MINUTE, one_step
from simulate.tables import MOST_OFFERS, PUBLISHED

# The colours of the product's light theme; told apart in grey and by colour-blind readers too.
COLOURS = {"seed": "#b8c4ce", "first come": "#d99a3d", "ours": "#0f6b6b"}
ANSWER_MINUTES = (15, 30, 60, 120)
GROUPS = (1, 2, 3, 4, 5, 6, 8, 10)
NEAR = "4–24 h"


def draw(
    file: Path,
    compared: Mapping[str, Sequence[Figures]],
    bound: Mapping[str, Bound],
    people: People,
) -> None:
    """Draw both halves into a file."""
    # The same figures give the same file.
    plt.rcParams |= {"svg.hashsalt": "medcal", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    _draw_shares(left, compared, bound)
    _draw_trade_off(right, compared, people)
    figure.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)
    plt.close(figure)


def _draw_shares(axes: Axes, compared: Mapping[str, Sequence[Figures]], bound: Mapping[str, Bound]) -> None:
    leads = [name for name, *_ in (*CLASSES, *SUMS)]
    width = 0.8 / len(compared)
    for place, (name, several) in enumerate(compared.items()):
        at = [number + (place - (len(compared) - 1) / 2) * width for number in range(len(leads))]
        shares = [
            [100 * one.counts[lead].share for one in several if one.counts[lead].freed] or [0.0] for lead in leads
        ]
        spread = [statistics.stdev(values) if len(values) > 1 else 0.0 for values in shares]
        heights = [statistics.mean(values) for values in shares]
        axes.bar(at, heights, width * 0.92, yerr=spread, color=COLOURS[name], label=name, ecolor="#555", capsize=2)
        label = "with an endless queue" if place == len(compared) - 1 else None
        axes.plot(at, [100 * bound[name][lead].share for lead in leads], "_", color="#222", markersize=9, label=label)
    axes.axhline(100 * PUBLISHED, color="#888", linestyle=":", label="published (all lead times): 30 %")
    axes.set_xticks(range(len(leads)), leads)
    axes.set(title="Freed time that offers filled", xlabel="lead time when it became free", ylabel="%", ylim=(0, 105))
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)


def _draw_trade_off(axes: Axes, compared: Mapping[str, Sequence[Figures]], people: People) -> None:
    for shade, minutes in zip(("#9fc5c5", "#6aa5a5", "#37807f", "#0c4f4f"), ANSWER_MINUTES, strict=True):
        counts = [near_bound(one_step(size, minutes * MINUTE), people) for size in GROUPS]
        line = [(count.offers_per_fill, 100 * count.share) for count in counts]
        axes.plot(
            *zip(*line, strict=True),
            "o-",
            color=shade,
            markersize=3,
            label=f"{minutes} minutes to answer, groups of 1 to 10",
        )
        for size in (1, 5, 10):
            axes.annotate(
                str(size), line[GROUPS.index(size)], textcoords="offset points", xytext=(4, -9), fontsize=7, color=shade
            )
    for name, several in compared.items():
        total = total_of(one.counts[NEAR] for one in several)
        at = (total.offers_per_fill, 100 * total.share)
        axes.plot(*at, "s", color=COLOURS[name], markersize=7)
        axes.annotate(name, at, textcoords="offset points", xytext=(6, 4), fontsize=8)
    axes.axvline(MOST_OFFERS, color="#888", linestyle=":")
    axes.set(
        title="Freed 4 to 24 hours ahead: what filling costs",
        xlabel="offers per time filled",
        ylabel="filled, %",
        ylim=(0, 105),
    )
    axes.legend(
        frameon=False,
        fontsize=8,
        loc="lower right",
        title="lines: endless queue · squares: the simulated clinic",
        title_fontsize=8,
    )
