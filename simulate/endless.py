"""What a policy could do with an endless queue: the product's own rounds and deadlines, without a database. The upper bound of every policy.

Nobody is short of candidates here, so a time that stays free was free too late, or its answer times were too few; what the simulation of
the whole clinic falls short of this is the queue's doing: limits, wishes, and how often one person may be asked.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice

from medcal import clock
from medcal.models import Location
from medcal.services.policy import AfterQuiet, Round, default_policy, next_round
from simulate.chances import HOUR, Answer, People, after_waking, cancelled_at
from simulate.clinic import BEGINS_AT, HOURS, RASTER, ZONE
from simulate.figures import CLASSES, SUMS, Count
from simulate.rules import Rules

TIMES, NEAR_TIMES = 2000, 1000
# Counts by the names of figures.CLASSES and SUMS.
Bound = dict[str, Count]


def freed_times(chance: random.Random) -> Iterator[tuple[datetime, datetime]]:
    """Cancellations as in the simulated clinic, without end: freed at, starts at."""
    first = clock.local_day(BEGINS_AT, ZONE)
    weekdays = [first + timedelta(days=n) for n in range(28) if (first + timedelta(days=n)).weekday() < 5]
    starts = [
        time(hour, minute)
        for opens, closes in HOURS
        for hour in range(opens.hour, closes.hour)
        for minute in (0, RASTER)
    ]
    while True:
        starts_at = clock.instant_or_later(chance.choice(weekdays), chance.choice(starts), ZONE)
        yield cancelled_at(chance, starts_at, ZONE), starts_at


@dataclass(frozen=True)
class Outcome:
    """One freed time: when it was filled (None: never), and how many were asked."""

    lead: timedelta
    filled_at: datetime | None
    offers: int


def offer_to_endless_queue(
    rules: Rules, people: People, freed: Iterable[tuple[datetime, datetime]], seed: int
) -> list[Outcome]:
    """Play times (freed at, starts at), each by itself."""
    location = Location(
        slug="bound", name="Bound", zone=ZONE.key, quiet_from=rules.quiet[0], quiet_until=rules.quiet[1]
    )
    chance = random.Random(f"endless {seed}")
    return [_play(rules, location, people, freed_at, starts_at, chance) for freed_at, starts_at in freed]


def _play(
    rules: Rules, location: Location, people: People, freed_at: datetime, starts_at: datetime, chance: random.Random
) -> Outcome:
    policy = rules.policy or default_policy(location)
    now, offers = freed_at, 0
    while (plan := next_round(policy, location, starts_at, now)) is not None:
        if isinstance(plan, AfterQuiet):
            now = plan.at
            continue
        offers += plan.group_size
        ended_at, is_filled = _ask(plan, people, now, chance)
        if is_filled:
            return Outcome(starts_at - freed_at, ended_at, offers)
        now = ended_at
    return Outcome(starts_at - freed_at, None, offers)


def _ask(plan: Round, people: People, now: datetime, chance: random.Random) -> tuple[datetime, bool]:
    """One round: when it ends, and whether by an accept. All declining ends it early."""
    last_no = now
    accepted: list[datetime] = []
    for _ in range(plan.group_size):
        answer, delay = people.answer(chance)
        if answer is Answer.silent or (at := after_waking(now, delay, ZONE)) >= plan.answer_until:
            last_no = plan.answer_until
        elif answer is Answer.decline:
            last_no = max(last_no, at)
        else:
            accepted.append(at)
    return (min(accepted), True) if accepted else (last_no, False)


def bound_of(rules: Rules, people: People) -> Bound:
    """What a policy could do with cancellations as in the clinic, if there were always somebody to ask."""
    times = islice(freed_times(random.Random("times")), TIMES)
    played = offer_to_endless_queue(rules, people, times, seed=1)
    classes = (*CLASSES, *SUMS)
    return {name: _count([one for one in played if since <= one.lead < until]) for name, since, until in classes}


def near_bound(rules: Rules, people: People, times: int = NEAR_TIMES) -> Count:
    """The same for what is freed 4 to 24 hours ahead."""
    freed = freed_times(random.Random("near times"))
    near = (one for one in freed if 4 * HOUR <= one[1] - one[0] < 24 * HOUR)
    return _count(offer_to_endless_queue(rules, people, islice(near, times), seed=1))


def _count(played: list[Outcome]) -> Count:
    filled = sum(one.filled_at is not None for one in played)
    return Count(len(played), filled, len(played) - filled, 0, sum(one.offers for one in played))
