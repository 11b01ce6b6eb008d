"""The pages of a calendar: which days a view shows, what they are called, and what lies before and after. Pure."""

from datetime import date, timedelta
from typing import Literal

from babel.dates import format_interval, format_skeleton

from medcal.viewmodels.dates import babel_locale, long_day

View = Literal["day", "week", "month", "list"]


def days_of(view: View, day: date) -> tuple[date, int]:
    """The first day that a view shows and how many; a month with the days around it that fill its weeks."""
    match view:
        case "week":
            return _monday(day), 7
        case "month":
            first = _monday(day.replace(day=1))
            return first, (_monday(_next_month(day) - timedelta(days=1)) + timedelta(days=7) - first).days
        case _:
            return day, 1


def other_day(day: date, view: View, by: int) -> date:
    """A day on the page before (by=-1) or after (by=1)."""
    match view:
        case "week":
            return day + timedelta(days=7 * by)
        case "month":
            return _next_month(day) if by > 0 else (day.replace(day=1) - timedelta(days=1)).replace(day=1)
        case _:
            return day + timedelta(days=by)


def title_of(view: View, day: date) -> str:
    """Monday 23 November 2026; 23–29 November 2026; November 2026."""
    match view:
        case "week":
            first = _monday(day)
            return format_interval(first, first + timedelta(days=6), "yMMMMd", locale=babel_locale())
        case "month":
            return format_skeleton("yMMMM", day, locale=babel_locale())
        case _:
            return f"{long_day(day)} {day.year}"


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
