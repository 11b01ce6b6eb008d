"""The calendar as a component: `calendar.jsx` around @event-calendar/core (MIT), without its own toolbar.

Times go both ways as text on the location's wall clock, without an offset (2026-11-23T09:00:00): right in any browser's zone.
"""

import reflex as rx

from medcal.i18n import current_language, t

LIBRARY = "@event-calendar/core@5.15.0"
# Twenty-four hours, and the day before the month, in English too.
LOCALES = {"en": "en-GB", "de": "de-AT"}


def _ref(ref: rx.Var[str]):  # type: ignore[no-untyped-def]  # a return type would make Reflex compare it with the handler's UUID
    return [ref]


def _move(ref: rx.Var[str], start: rx.Var[str], doctor: rx.Var[str], version: rx.Var[int]):  # type: ignore[no-untyped-def]
    return [ref, start, doctor, version]


def _pick(start: rx.Var[str], end: rx.Var[str], doctor: rx.Var[str]):  # type: ignore[no-untyped-def]
    return [start, end, doctor]


def _day(day: rx.Var[str]):  # type: ignore[no-untyped-def]
    return [day]


def _fit(is_narrow: rx.Var[bool]):  # type: ignore[no-untyped-def]
    return [is_narrow]


class DayBookCalendar(rx.NoSSRComponent):
    """Blocks in the columns of doctors, on a week or in a month."""

    library = rx.asset("components/calendar.jsx").importable_path
    tag = "DayBookCalendar"
    lib_dependencies: list[str] = [LIBRARY]

    view: rx.Var[str]
    day: rx.Var[str]
    columns: rx.Var[list]
    blocks: rx.Var[list]
    shades: rx.Var[list]
    opens: rx.Var[str]
    closes: rx.Var[str]
    zone: rx.Var[str]
    locale: rx.Var[str]
    editable: rx.Var[bool]
    # Grows with every answer to a move, so that a refused block goes back although the list is the same as before.
    answered: rx.Var[int]
    words: rx.Var[dict]

    on_open: rx.EventHandler[_ref]
    on_move: rx.EventHandler[_move]
    on_pick: rx.EventHandler[_pick]
    on_day: rx.EventHandler[_day]


class NarrowWindow(rx.NoSSRComponent):
    """Tells a handler whether the window is as narrow as a phone's."""

    library = rx.asset("components/calendar.jsx").importable_path
    tag = "NarrowWindow"
    lib_dependencies: list[str] = [LIBRARY]

    on_fit: rx.EventHandler[_fit]


def calendar(**props: object) -> rx.Component:
    """The calendar in the current language; `props` are those of DayBookCalendar."""
    words = {"label": t("Calendar"), "more": t("{count} more", count="{count}"), "close": t("Close")}
    return DayBookCalendar.create(locale=LOCALES.get(current_language(), "en-GB"), words=words, **props)


def on_narrow_window(handler: rx.EventHandler) -> rx.Component:
    """Invisible; calls `handler(is_narrow)` at the start and whenever the window becomes narrow or wide."""
    return NarrowWindow.create(on_fit=handler)
