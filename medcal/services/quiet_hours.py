"""Quiet hours: nobody is written to, and no answer time runs."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from medcal import clock
from medcal.models import Location


def answer_deadline(now: datetime, location: Location) -> datetime:
    """When an offer made now ends: the clinic's answer time, with the clock standing still in quiet hours."""
    left, at = timedelta(minutes=location.answer_minutes), end_of_quiet(now, location) or now
    while True:
        night = _next_quiet(at, location)
        if night is None or at + left <= night:
            return at + left
        left -= night - at
        at = end_of_quiet(night, location) or night


def end_of_quiet(now: datetime, location: Location) -> datetime | None:
    """When the quiet hours that `now` falls into end, or None by day. Nobody is written to in quiet hours."""
    if location.quiet_from == location.quiet_until:
        return None
    zone = location.zone_info
    local = clock.local(now, zone)
    wall, day = local.time(), local.date()
    if location.quiet_from < location.quiet_until:
        return clock.instant_or_later(day, location.quiet_until, zone) if location.quiet_from <= wall < location.quiet_until else None
    if wall >= location.quiet_from:
        return clock.instant_or_later(day + timedelta(days=1), location.quiet_until, zone)
    return clock.instant_or_later(day, location.quiet_until, zone) if wall < location.quiet_until else None


def _next_quiet(at: datetime, location: Location) -> datetime | None:
    """When the next quiet hours begin, for an instant outside of them."""
    if location.quiet_from == location.quiet_until:
        return None
    zone: ZoneInfo = location.zone_info
    day = clock.local_day(at, zone)
    tonight = clock.instant_or_later(day, location.quiet_from, zone)
    return tonight if tonight > at else clock.instant_or_later(day + timedelta(days=1), location.quiet_from, zone)
