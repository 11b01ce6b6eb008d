"""What came of a simulation, read from its database."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch
from simulate.chances import DAY, HOUR
from simulate.clinic import BEGINS_AT, ZONE
from simulate.play import Seen
from simulate.rules import NIGHT

# What becomes free farther ahead is left to the public, as new working hours are (schedules.OFFERED_AHEAD).
FARTHEST = 28 * DAY
# Lead time: from the moment a time becomes free to its start.
CLASSES: tuple[tuple[str, timedelta, timedelta], ...] = (
    ("< 4 h", timedelta(0), 4 * HOUR),
    ("4–24 h", 4 * HOUR, DAY),
    ("1–3 d", DAY, 3 * DAY),
    ("3–7 d", 3 * DAY, 7 * DAY),
    ("> 7 d", 7 * DAY, FARTHEST),
)
SUMS: tuple[tuple[str, timedelta, timedelta], ...] = (("≥ 24 h", DAY, FARTHEST), ("all", timedelta(0), FARTHEST))


@dataclass(frozen=True)
class Count:
    """Freed times of one class: each was filled by an offer, is gone, or is still left at the end."""

    freed: int = 0
    filled: int = 0
    gone: int = 0
    left: int = 0
    offers: int = 0

    @property
    def share(self) -> float:
        return self.filled / self.freed if self.freed else math.nan

    @property
    def offers_per_fill(self) -> float:
        return self.offers / self.filled if self.filled else math.nan


def total_of(counts: Iterable[Count]) -> Count:
    """Several clinics together."""
    several = [(one.freed, one.filled, one.gone, one.left, one.offers) for one in counts]
    return Count(*map(sum, zip(*several, strict=True)))


@dataclass(frozen=True)
class Figures:
    """One simulation in numbers. Durations are in hours, gains and gaps in days."""

    counts: dict[str, Count]
    beyond: Count
    hours_to_fill: float
    days_gained: float
    messages_per_fill: float
    longest_gap: float
    front_third: float
    asked_at_night: int
    too_late: int
    waiting: int
    paused: int
    ended_by: dict[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()


def measure(db: Session, seen: Seen, *, window: timedelta, broken: Sequence[str]) -> Figures:
    """The figures of all time that became free in the first `window`, four weeks ahead at most; what is farther is the public's."""
    freed = fetch(db, FREED, until=BEGINS_AT + window)
    near = [row for row in freed if row.lead < FARTHEST]
    offers = fetch(db, OFFERS)
    of_near = {row.id for row in near}
    asked = [offer for offer in offers if offer.freed_time_id in of_near]
    filled = [row for row in near if row.status == "filled"]
    fills = max(1, len(filled))
    return Figures(
        counts={name: _count(near, since, until) for name, since, until in (*CLASSES, *SUMS)},
        beyond=_count(freed, FARTHEST, 999 * DAY),
        hours_to_fill=_median([(row.ended_at - row.created_at) / HOUR for row in filled]),
        days_gained=_median(seen.days_gained),
        messages_per_fill=sum(row.messages for row in near) / fills,
        longest_gap=_longest_gap(offers),
        front_third=sum(seen.places[offer.id] < 1 / 3 for offer in asked) / max(1, len(asked)),
        asked_at_night=sum(_is_night(offer.created_at) for offer in offers),
        too_late=seen.too_late,
        waiting=_how_many(db, "waiting"),
        paused=_how_many(db, "paused"),
        ended_by=_tally(near),
        broken=tuple(broken),
    )


FREED = """
SELECT f.id, f.status, f.ended_by, f.cause, f.created_at, f.ended_at, f.starts_at - f.created_at AS lead,
       (SELECT count(*) FROM message m JOIN offer o ON o.id = m.offer_id WHERE o.freed_time_id = f.id) AS messages,
       (SELECT count(*) FROM offer o WHERE o.freed_time_id = f.id) AS offers
  FROM freed_time f WHERE f.created_at < %(until)s ORDER BY f.id
"""
OFFERS = "SELECT id, freed_time_id, patient_id, created_at FROM offer ORDER BY created_at, id"


def _count(rows: Sequence[Any], since: timedelta, until: timedelta) -> Count:
    chosen = [row for row in rows if since <= row.lead < until]
    status = Counter(row.status for row in chosen)
    left = status["open"] + status["offered"]
    return Count(len(chosen), status["filled"], status["gone"], left, sum(row.offers for row in chosen))


def _tally(rows: Sequence[Any]) -> dict[str, int]:
    return dict(sorted(Counter(row.ended_by or "left" for row in rows).items()))


def _median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan


def _longest_gap(offers: Sequence[Any]) -> float:
    """The longest time in days that one patient waited between two offers."""
    last: dict[int, datetime] = {}
    longest = timedelta(0)
    for offer in offers:
        if offer.patient_id in last:
            longest = max(longest, offer.created_at - last[offer.patient_id])
        last[offer.patient_id] = offer.created_at
    return longest / DAY


def _is_night(at: datetime) -> bool:
    wall = clock.local(at, ZONE).time()
    return wall >= NIGHT[0] or wall < NIGHT[1]


def _how_many(db: Session, status: str) -> int:
    return int(fetch(db, "SELECT count(*) FROM waitlist_entry WHERE status = %(status)s", status=status)[0].count)
