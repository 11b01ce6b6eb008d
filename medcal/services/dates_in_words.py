"""Days, times and zones as letters say them, in the current language."""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from medcal import clock
from medcal.i18n import current_language

# Day before month and 24 hours, also in English: the times on the page and in the letter read alike.
BABEL_LOCALES = {"en": "en_GB", "de": "de_AT"}


def day_in_words(day: date) -> str:
    """Tuesday, 3 March 2026, in the current language."""
    return _full_day(day, _locale())


def short_day_in_words(day: date) -> str:
    """Tue 3 Mar, in the current language."""
    return _short_day(day, _locale())


def time_in_words(at: datetime, zone: ZoneInfo) -> str:
    """09:30 on the wall clock of the zone."""
    return _short_time(clock.local(at, zone).time(), _locale())


def zone_in_words(zone: ZoneInfo) -> str:
    """Central European Time, in the current language."""
    return _zone_name(zone, _locale())


def _locale() -> str:
    return BABEL_LOCALES.get(current_language(), current_language())


# Babel takes up to 0.4 ms for one of these, and a clinic writes of the same few hundred days all day long.
@lru_cache(maxsize=4096)
def _full_day(day: date, locale: str) -> str:
    return format_date(day, "full", locale=locale)


@lru_cache(maxsize=4096)
def _short_day(day: date, locale: str) -> str:
    # A midnight, since Babel formats skeletons of instants only; in UTC, so that it stays on its day.
    return format_skeleton("MMMEd", datetime.combine(day, time(0), UTC), locale=locale)


@lru_cache(maxsize=4096)
def _short_time(wall: time, locale: str) -> str:
    return format_time(wall, "short", locale=locale)


@lru_cache(maxsize=256)
def _zone_name(zone: ZoneInfo, locale: str) -> str:
    return get_timezone_name(zone, zone_variant="generic", locale=locale)
