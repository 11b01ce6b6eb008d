"""Times as people say them: at("2026-03-05 09:30") is half past nine in the clinic's Vienna."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from medcal import clock

VIENNA = ZoneInfo("Europe/Vienna")


def at(moment: str, zone: ZoneInfo = VIENNA) -> datetime:
    """The instant of a wall-clock reading, "2026-03-05 09:30"."""
    day, wall = moment.split()
    return clock.instant_or_later(date.fromisoformat(day), time.fromisoformat(wall), zone)
