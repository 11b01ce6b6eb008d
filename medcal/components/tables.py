"""Long lists of the staff's pages: a table that turns into cards on a phone, and the way from page to page."""

from collections.abc import Callable, Sequence
from typing import Any

import reflex as rx

from medcal.components.ui import button
from medcal.i18n import t


def table(
    headings: Sequence[str], rows: rx.Var[list[Any]], row: Callable[[Any], rx.Component], kind: str
) -> rx.Component:
    """A line per row under these headings; `kind` is the class that sets the widths."""
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*[rx.el.th(heading, scope="col") for heading in headings])),
            rx.el.tbody(rx.foreach(rows, row)),
            class_name=f"table {kind}",
        ),
        class_name="table-wrap",
    )


def pager(number: rx.Var[int], has_more: rx.Var[bool], *, back: tuple[str, Any], on: tuple[str, Any]) -> rx.Component:
    """Two buttons around the number of the page, which counts from 0; each with its word and its event. Unseen while there is one page."""
    return rx.cond(
        (number > 0) | has_more,
        rx.el.nav(
            _turn(*back, icon="chevron-left", disabled=number == 0),
            rx.el.span(t("Page {number}", number=number + 1), class_name="small soft", aria_live="polite"),
            _turn(*on, icon="chevron-right", disabled=~has_more),
            aria_label=t("Pages"),
            class_name="row pager no-print",
        ),
    )


def _turn(word: str, event: Any, **looks: Any) -> rx.Component:
    return button(word, kind="secondary", small=True, on_click=event, **looks)
