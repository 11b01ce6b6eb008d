"""Figures: a few large ones, and tables with small bars. The numbers stand in words too; a bar only shows them to the eye."""

from typing import Any

import reflex as rx

from medcal.components.ui import Text


def figure(name: str, value: Text, *explained: Any) -> rx.Component:
    """One large figure with its name, and what it means."""
    return rx.el.div(
        rx.el.dt(name),
        rx.el.dd(rx.el.strong(value), *explained),
        class_name="figure",
    )


def figures(*content: rx.Component) -> rx.Component:
    return rx.el.dl(*content, class_name="figures")


def bar(*widths: rx.Var[str]) -> rx.Component:
    """A bar of one or two parts; `widths` are percentages with their sign."""
    parts = [
        rx.el.span(class_name=f"share-{place}", style={"inline_size": width}) for place, width in enumerate(widths, 1)
    ]
    return rx.el.span(*parts, class_name="share", aria_hidden="true")


def figures_table(title: Text, columns: list[str], rows: rx.Component) -> rx.Component:
    """A table of figures with its title; the first column names the row."""
    heads = [rx.el.th(column, scope="col") for column in columns]
    return rx.el.div(
        rx.el.table(
            rx.el.caption(title),
            rx.el.thead(rx.el.tr(*heads)),
            rx.el.tbody(rows),
            class_name="table table-figures",
        ),
        class_name="table-wrap",
    )


def figures_row(name: rx.Var[str], cells: list[tuple[str, Any]]) -> rx.Component:
    """A row: what it is about, then (column, content) for each figure; a phone shows the column beside it."""
    return rx.el.tr(
        rx.el.th(name, scope="row"),
        *[rx.el.td(content, custom_attrs={"data-label": column}) for column, content in cells],
    )
