"""Play the clinic and see what a policy of offering is worth.

    python -m simulate offers               three policies, several seeds, on the server that DATABASE_URL names
    python -m simulate offers --quick       a small clinic, in seconds

`manage.py simulate offers` starts a server for it. Nothing of a clinic's own data is touched: each run makes a database and drops it.
The same seed gives the same figures. What is assumed, and from where, is in docs/simulation.md.
"""

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from simulate import tables
from simulate.asked import Asked, read
from simulate.figures import Figures
from simulate.one import simulate


def main(arguments: Sequence[str]) -> int:
    """Run, print, draw; 1 when a promise was broken."""
    asked = read(arguments)
    began = time.monotonic()
    results = run(asked)
    bound = tables.show(results, asked.plan.people)
    if asked.is_quick:
        print("\nA quick run shows that it works; its figures say little.")
    elif "ours" in results:
        tables.show_aims(results["ours"])
    if asked.picture:
        # matplotlib takes seconds to load.
        from simulate import picture

        picture.draw(asked.picture, results, bound, asked.plan.people)
        print(f"\n{asked.picture} is drawn.")
    print(f"\n{time.monotonic() - began:.0f} s in all.")
    return int(any(figures.broken for several in results.values() for figures in several))


def run(asked: Asked) -> dict[str, list[Figures]]:
    """Everything that was asked for, as many at once as the machine has processors; by policy, in the order of the seeds."""
    seeds = range(1, asked.seeds + 1)
    plans = [replace(asked.plan, rules=rules, seed=seed) for rules in asked.compared for seed in seeds]
    results: dict[str, list[Figures]] = {}
    # Settings are read once in a process, and name the database: each run has a process of its own.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for plan, figures in zip(plans, pool.map(simulate, plans), strict=True):
            results.setdefault(plan.rules.name, []).append(figures)
            print(f"{plan.rules.name}, seed {plan.seed}: done", flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
