"""Quiet hours: nobody is written to, and no answer time runs."""

from datetime import datetime, timedelta

from medcal import clock
from medcal.models import Location


def answer_deadline(now: datetime, location: Location, answer: timedelta | None = None) -> datetime:
    """When an offer made now ends: after the answer time (the clinic's usual one), with the clock standing still in quiet hours."""
    left, at = answer or timedelta(minutes=location.answer_minutes), end_of_quiet(now, location) or now
    while True:
        night = _next_quiet(at, location)
        if night is None or at + left <= night:
            return at + left
        left -= night - at
        at = end_of_quiet(night, location) or night


def end_of_quiet(now: datetime, location: Location) -> datetime | None:
    """When the quiet hours that `now` falls into end, or None by day. Nobody is written to in quiet hours."""
    ends = now
    # Where the clock changes, one night can reach into the next.
    for night_begins, night_ends in _nights(now, location):
        if night_begins <= ends < night_ends:
            ends = night_ends
    return ends if ends > now else None


def _next_quiet(at: datetime, location: Location) -> datetime | None:
    """When the next quiet hours begin, for an instant outside of them."""
    return next((night_begins for night_begins, _ in _nights(at, location) if night_begins > at), None)


def _nights(near: datetime, location: Location) -> list[tuple[datetime, datetime]]:
    """The quiet hours of the days around an instant, in order. Instants, since a wall-clock reading may occur twice."""
    if location.quiet_from == location.quiet_until:
        return []
    zone = location.zone_info
    ends_on = timedelta(days=0 if location.quiet_from < location.quiet_until else 1)
    days = [clock.local_day(near, zone) + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    nights = [
        (
            clock.instant_or_later(day, location.quiet_from, zone),
            clock.instant_or_later(day + ends_on, location.quiet_until, zone),
        )
        for day in days
    ]
    return [night for night in nights if night[0] < night[1]]
