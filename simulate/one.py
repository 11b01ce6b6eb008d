"""One simulation, whole: a database of its own, a clinic in it, weeks played, figures read."""

import os
from dataclasses import dataclass, field
from datetime import timedelta

import medcal.db
from medcal.config import settings
from medcal.db import fetch, in_transaction
from simulate.chances import DAY, People
from simulate.clinic import Size, found
from simulate.figures import Figures, measure
from simulate.play import play
from simulate.promises import broken_promises
from simulate.rules import OURS, Rules


@dataclass(frozen=True)
class Plan:
    """What to simulate. Time that becomes free in the first `days` counts; it is then followed for `follow` more."""

    rules: Rules = OURS
    seed: int = 1
    size: Size = field(default_factory=Size)
    people: People = field(default_factory=People)
    days: int = 7
    follow: int = 3

    @property
    def length(self) -> timedelta:
        return (self.days + self.follow) * DAY


def simulate(plan: Plan) -> Figures:
    """Simulate in a process of its own: its settings then name a scratch database."""
    # Once imported it keeps to the server that DATABASE_URL names at that moment.
    from bench import scratch

    with scratch.database() as url:
        os.environ.update(scratch.environment(url))
        settings.cache_clear()
        medcal.db.open_engine.cache_clear()
        try:
            return simulate_here(plan)
        finally:
            medcal.db.engine().dispose()


def simulate_here(plan: Plan) -> Figures:
    """Simulate in the empty database that the settings name."""
    world = in_transaction(found, plan.size, plan.seed, plan.length)
    # Nothing else tells the planner how large the tables are: a scratch server has no autovacuum.
    in_transaction(lambda db: fetch(db, "ANALYZE"))
    seen = play(world, plan.rules, plan.people, plan.seed, plan.length)
    broken = [*seen.broken, *in_transaction(broken_promises)]
    return in_transaction(measure, seen, window=plan.days * DAY, broken=broken)
