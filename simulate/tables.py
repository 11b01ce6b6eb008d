"""The figures as tables, over all seeds; and whether the aims are met."""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from bench.report import table
from simulate.chances import People
from simulate.endless import Bound, bound_of
from simulate.figures import CLASSES, SUMS, Figures, total_of
from simulate.rules import COMPARED

LEADS = [name for name, *_ in (*CLASSES, *SUMS)]
PUBLISHED = 0.30
MOST_OFFERS = 12
ROWS: tuple[tuple[str, Callable[[Figures], float], str], ...] = (
    ("time to fill, median, hours", lambda one: one.hours_to_fill, ".1f"),
    ("days gained, median", lambda one: one.days_gained, ".1f"),
    ("offers per time filled", lambda one: one.counts["all"].offers_per_fill, ".1f"),
    ("letters about offers per time filled", lambda one: one.messages_per_fill, ".1f"),
    ("offers going to the first third of the queue, %", lambda one: 100 * one.front_third, ".0f"),
    ("longest wait between two offers to one patient, days", lambda one: one.longest_gap, ".1f"),
    ("willing, but too late for the answer time", lambda one: one.too_late, ".0f"),
    ("still waiting at the end", lambda one: one.waiting, ".0f"),
    ("paused at the end", lambda one: one.paused, ".0f"),
    ("people asked at night", lambda one: one.asked_at_night, ".0f"),
    ("promises broken", lambda one: len(one.broken), ".0f"),
)


def show(compared: Mapping[str, Sequence[Figures]], people: People) -> dict[str, Bound]:
    """Print all tables; returns what each policy could do with an endless queue."""
    bound = {rules.name: bound_of(rules, people) for rules in COMPARED if rules.name in compared}
    names = list(compared)

    def shares(name: str, lead: str) -> str:
        endless = f"({100 * bound[name][lead].share:.0f})"
        return f"{_mean([100 * one.counts[lead].share for one in compared[name]])} {endless}"

    def prices(name: str, lead: str) -> str:
        return _mean([one.counts[lead].offers_per_fill for one in compared[name]], ".1f")

    title = "Freed time that offers filled, % by lead time (in brackets: with an endless queue)"
    table(title, ["lead", *names], [[lead, *(shares(name, lead) for name in names)] for lead in LEADS])
    title = "Offers per time filled"
    table(title, ["lead", *names], [[lead, *(prices(name, lead) for name in names)] for lead in LEADS])
    table(
        "And otherwise",
        ["", *names],
        [
            [label, *(_mean([read(one) for one in compared[name]], form) for name in names)]
            for label, read, form in ROWS
        ],
    )
    table(
        "What became of freed time (all seeds together)",
        ["policy", "freed", "filled", "gone", "left", "ended", "over four weeks ahead, of which filled"],
        [[name, *_sum(several)] for name, several in compared.items()],
    )
    for words in sorted({words for several in compared.values() for words in _broken(several)}):
        print(f"BROKEN: {words}")
    return bound


def _broken(several: Sequence[Figures]) -> list[str]:
    return [words for one in several for words in one.broken]


def _mean(values: Sequence[float], form: str = ".0f") -> str:
    """Mean ± standard deviation over the seeds."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "–"
    spread = f" ± {format(statistics.stdev(known), form)}" if len(known) > 1 else ""
    return f"{format(statistics.mean(known), form)}{spread}"


def _sum(several: Sequence[Figures]) -> list[str]:
    near, beyond = total_of(one.counts["all"] for one in several), total_of(one.beyond for one in several)
    ends = sum((Counter(one.ended_by) for one in several), Counter[str]())
    return [
        *(str(number) for number in (near.freed, near.filled, near.gone, near.left)),
        ", ".join(f"{end} {number}" for end, number in sorted(ends.items())),
        f"{beyond.freed}, {beyond.filled}",
    ]


def show_aims(several: Sequence[Figures]) -> None:
    """Ours beside what it should reach, all seeds together."""

    total = {lead: total_of(one.counts[lead] for one in several) for lead in LEADS}
    everything, asleep, broken = total["all"], sum(one.asked_at_night for one in several), _broken(several)
    times = everything.share / PUBLISHED
    aims = [
        (
            "filled of what is freed 24 hours ahead or more",
            f"{total['≥ 24 h'].share:.0%}",
            "90 %",
            total["≥ 24 h"].share >= 0.9,
        ),
        (
            "filled of what is freed 4 to 24 hours ahead",
            f"{total['4–24 h'].share:.0%}",
            "60 %",
            total["4–24 h"].share >= 0.6,
        ),
        ("filled of all, beside the published 30 %", f"{times:.1f} times", "2 times", times >= 2),
        (
            "offers per time filled",
            f"{everything.offers_per_fill:.1f}",
            f"at most {MOST_OFFERS}",
            everything.offers_per_fill <= MOST_OFFERS,
        ),
        ("people asked at night", str(asleep), "0", not asleep),
        ("promises broken", str(len(broken)), "0", not broken),
    ]
    table(
        "Ours, beside the aims",
        ["", "reached", "aim", ""],
        [[what, is_so, aim, "met" if met else "missed"] for what, is_so, aim, met in aims],
    )
