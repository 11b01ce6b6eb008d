"""What people do in the simulated clinic: when they cancel, what they wish, whether and when they answer. All of it drawn from a seed.

Where a number is published, its source stands beside it; where none was found, it says "assumed". docs/simulation.md gathers both.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from statistics import NormalDist
from zoneinfo import ZoneInfo

from medcal import clock
from medcal.services.waitlist import EVERY_DAY, Wish

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
USUAL_ANSWER = timedelta(hours=2)

# How long before the visit people cancel: from a day-of to four weeks. Assumed; that those of the last days are about half of all is
# reported for a neurology clinic (neurodiem.jp, "late cancellations ... half of all"). Within a class evenly on a logarithmic scale.
CANCELLED_AHEAD: tuple[tuple[timedelta, timedelta, float], ...] = (
    (HOUR, 4 * HOUR, 0.08),
    (4 * HOUR, DAY, 0.20),
    (DAY, 3 * DAY, 0.24),
    (3 * DAY, 7 * DAY, 0.20),
    (7 * DAY, 28 * DAY, 0.28),
)
# By telephone in office hours, online in the evening and at the weekend too, asleep not at all. Of self-scheduling 29.5 % happens outside of
# office hours (Mayo, PMC8077742); the weights give about that.
OFFICE = (time(8), time(18))
AWAKE = (time(7), time(22))
OUT_OF_OFFICE = 0.35

# The choices are those of the form; "24 hours" is what it proposes. Shares assumed.
NOTICE_HOURS = {2: 0.10, 4: 0.15, 12: 0.15, 24: 0.45, 48: 0.10, 72: 0.05}
HOURS = {(time(0), time(23, 59)): 0.6, (time(8), time(12)): 0.2, (time(12), time(18)): 0.2}
ONLY_SOME_DAYS = 0.4
ONLY_THIS_DOCTOR = 0.3


class Answer(StrEnum):
    accept = "accept"
    decline = "decline"
    silent = "silent"


@dataclass(frozen=True)
class People:
    """How those who wait answer.

    `acceptance` is the share of exclusive offers that are accepted within two hours. 0.12 is what published figures imply: 2.76 offers for
    each of 21,978 times filled 30 % of them (Epic's Fast Pass, https://jmir.org/2024/1/e52071), and 1 - 0.88^2.76 = 0.30; another clinic saw
    8.3 % (PMC7315363). Of all other offers `silence` draw no answer (assumed: at Mayo more than half of the waitlisted appointments never
    drew one, doi 10.1177/11786329251326461). Delays are lognormal and run while people are awake; a median of 30 minutes and this spread
    give 61 % of all answers within 45 minutes, as 60 % did to a clinic's text message (168 of 278, https://doi.org/10.1071/SH22021).
    Who was paused comes back with probability `returns`, within two days (assumed).
    """

    acceptance: float = 0.12
    silence: float = 2 / 3
    delay_median: timedelta = timedelta(minutes=30)
    delay_spread: float = 1.4
    returns: float = 0.3

    def answered_within(self, length: timedelta) -> float:
        """The share of answers that have come so long after the question."""
        return NormalDist().cdf(math.log(length / self.delay_median) / self.delay_spread)

    @property
    def would_accept(self) -> float:
        """The share who accept if they have all the time in the world: some of them think longer than two hours."""
        return self.acceptance / self.answered_within(USUAL_ANSWER)

    def answer(self, chance: random.Random) -> tuple[Answer, timedelta]:
        """What one person says to one offer, and after how much waking time."""
        luck, delay = chance.random(), self.delay_median * math.exp(chance.gauss(0, self.delay_spread))
        if luck < self.would_accept:
            return Answer.accept, delay
        silent = luck > 1 - (1 - self.would_accept) * self.silence
        return Answer.silent if silent else Answer.decline, delay


def after_waking(asked_at: datetime, delay: timedelta, zone: ZoneInfo) -> datetime:
    """The instant at which so much waking time has passed."""
    at = asked_at
    while True:
        day = clock.local_day(at, zone)
        wakes, sleeps = _awake(day, zone)
        at = max(at, wakes)
        if at + delay <= sleeps:
            return at + delay
        delay -= max(timedelta(0), sleeps - at)
        at = clock.day_start(day + DAY, zone)


@cache
def _awake(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return clock.instant_or_later(day, AWAKE[0], zone), clock.instant_or_later(day, AWAKE[1], zone)


def pick(chance: random.Random, weights: dict[object, float]) -> object:
    return chance.choices(list(weights), list(weights.values()))[0]


def cancelled_at(chance: random.Random, starts_at: datetime, zone: ZoneInfo) -> datetime:
    """When the visitor of a time that will be cancelled does so."""
    shortest, longest, _ = chance.choices(CANCELLED_AHEAD, [share for *_, share in CANCELLED_AHEAD])[0]
    for _ in range(30):
        at = starts_at - shortest * math.exp(chance.random() * math.log(longest / shortest))
        if chance.random() < _is_about(at, zone):
            break
    return at


def _is_about(at: datetime, zone: ZoneInfo) -> float:
    """How likely somebody cancels at that hour, beside an office hour."""
    local = clock.local(at, zone)
    if not AWAKE[0] <= local.time() < AWAKE[1]:
        return 0.0
    return 1.0 if local.weekday() < 5 and OFFICE[0] <= local.time() < OFFICE[1] else OUT_OF_OFFICE


def wish(chance: random.Random) -> Wish:
    """The limits that one person sets."""
    weekdays: Sequence[int] = EVERY_DAY
    if chance.random() < ONLY_SOME_DAYS:
        weekdays = sorted(chance.sample(range(5), chance.randint(2, 3)))
    (opens, closes), notice = pick(chance, HOURS), pick(chance, NOTICE_HOURS)  # type: ignore[misc, arg-type]
    return Wish(chance.random() >= ONLY_THIS_DOCTOR, tuple(weekdays), opens, closes, notice)  # type: ignore[arg-type, has-type]
