"""Days and times as people read them: in the current language, on the clock of the location."""

from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_name

from medcal.clock import local
from medcal.i18n import current_language, t

# Clinics of this language area write 24 hours, in English too.
_LOCALES = {"en": "en_GB", "de": "de_AT"}
# Babel's own formats have the year or a short weekday where people expect neither.
_LONG_DAY = {"en": "EEEE d MMMM", "de": "EEEE, d. MMMM"}
_SHORT_DAY = {"en": "EEE d MMM", "de": "EE d. MMM"}
_DAY_OF_YEAR = {"en": "d MMMM", "de": "d. MMMM"}


def babel_locale() -> str:
    """The locale whose words and order the current language takes."""
    return _LOCALES.get(current_language(), "en_GB")


def _in_pattern(day: date, patterns: dict[str, str]) -> str:
    return _day_in(patterns.get(current_language(), patterns["en"]), day, babel_locale())


# Babel takes a tenth of a millisecond for each, and a fortnight of free times asks for hundreds of the same few.
@lru_cache(maxsize=4096)
def _day_in(pattern: str, day: date, locale: str) -> str:
    return format_date(day, pattern, locale=locale)


@lru_cache(maxsize=4096)
def _wall_time(wall: time, locale: str) -> str:
    return format_time(wall, "HH:mm", locale=locale)


def long_day(day: date) -> str:
    """Monday, 23 November."""
    return _in_pattern(day, _LONG_DAY)


def long_date(day: date) -> str:
    """23 November 2026."""
    return _day_in("long", day, babel_locale())


def short_day(day: date) -> str:
    """Mon 23 Nov."""
    return _in_pattern(day, _SHORT_DAY)


def weekday_name(weekday: int) -> str:
    """The name of a weekday; 0 is Monday."""
    return _day_in("EEEE", date(2024, 1, 1 + weekday), babel_locale())


def clock_time(at: datetime, zone: ZoneInfo) -> str:
    """09:30."""
    return _wall_time(local(at, zone).time(), babel_locale())


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Monday, 23 November, 09:30."""
    return moment_of(local(at, zone).date(), clock_time(at, zone))


def moment_of(day: date, time: str) -> str:
    """The same of a day and what stands for the hour on it."""
    return t("{day}, {time}", day=long_day(day), time=time)


def short_moment(at: datetime, zone: ZoneInfo) -> str:
    """Mon 23 Nov, 09:30."""
    return t("{day}, {time}", day=short_day(local(at, zone).date()), time=clock_time(at, zone))


def zone_name(at: datetime, zone: ZoneInfo) -> str:
    """Central European Standard Time: which clock the times are on."""
    return get_timezone_name(local(at, zone), width="long", locale=babel_locale())


def iso(at: datetime) -> str:
    """For scripts and for handlers, never for people."""
    return at.isoformat()


def stamp(at: datetime, zone: ZoneInfo) -> str:
    """23 Nov 2026, 09:30: for lists that reach back."""
    return f"{_day_in('medium', local(at, zone).date(), babel_locale())}, {clock_time(at, zone)}"


def day_of_year(day: date, today: date) -> str:
    """3 May, and 3 May 2025 when that was in another year than today."""
    if day.year != today.year:
        return long_date(day)
    return _in_pattern(day, _DAY_OF_YEAR)
