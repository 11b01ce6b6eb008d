"""What the staff's pages are made of: statuses, switches between views, filters, and the list of a day."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from medcal.components.fields import Problems, text_field, tick
from medcal.components.ui import Text, callout, plain_link
from medcal.i18n import t
from medcal.viewmodels.staff import STATUS_WORDS, Block, ChoiceGroup

# The icons are compiled in, so the list is closed; the calendar draws the same signs in calendar.css.
STATUS_ICONS = {
    "held": "timer",
    "offer": "gift",
    "booked": "circle",
    "confirmed": "circle-check",
    "arrived": "door-open",
    "fulfilled": "check-check",
    "no_show": "user-x",
    "cancelled": "x",
    "released": "minus",
}


def status_badge(kind: rx.Var[str], word: Text) -> rx.Component:
    """The status of an appointment: colour, sign and word."""
    icons = [(name, rx.icon(icon, aria_hidden="true")) for name, icon in STATUS_ICONS.items()]
    return rx.el.span(rx.match(kind, *icons, rx.fragment()), word, class_name=rx.Var.create("badge badge-") + kind)


def legend(kinds: Sequence[str]) -> rx.Component:
    """What the colours and signs of the calendar mean."""
    marks = [
        rx.el.li(rx.el.span(class_name=f"legend-mark visit-{kind}", aria_hidden="true"), t(STATUS_WORDS[kind]))
        for kind in kinds
    ]
    return rx.el.ul(*marks, class_name="legend", aria_label=t("What the colours mean"))


def segments(label: str, choices: Sequence[tuple[str, str]], chosen: rx.Var[str], on_choose: Any) -> rx.Component:
    """A few views of the same thing, one of them pressed."""
    return rx.el.div(
        *[
            rx.el.button(
                name,
                type="button",
                aria_pressed=rx.cond(chosen == value, "true", "false"),
                on_click=on_choose(value),
                class_name="segment",
            )
            for value, name in choices
        ],
        role="group",
        aria_label=label,
        class_name="segments",
    )


def plain_select(choices: rx.Var, chosen: rx.Var[str], on_choose: rx.EventHandler, *, empty: str = "") -> rx.Component:
    """A list to choose from; `empty` is the entry for everything."""
    first = [rx.el.option(empty, value="")] if empty else []
    return rx.el.select(
        *first,
        rx.foreach(choices, lambda choice: rx.el.option(choice.label, value=choice.value)),
        value=chosen,
        on_change=on_choose,
        class_name="input input-compact",
    )


def group_select(
    label: str, groups: rx.Var[list[ChoiceGroup]], chosen: rx.Var[str], on_choose: Any, *, empty: str = ""
) -> rx.Component:
    """A list to choose from, in groups; `empty` is the entry for everything."""
    first = [rx.el.option(empty, value="")] if empty else []
    return rx.el.select(
        *first,
        rx.foreach(groups, _group),
        value=chosen,
        on_change=on_choose,
        aria_label=label,
        class_name="input input-compact",
    )


def _group(group: rx.Var[ChoiceGroup]) -> rx.Component:
    choices = rx.foreach(group.choices, lambda choice: rx.el.option(choice.label, value=choice.value))
    return rx.el.optgroup(choices, label=group.label)


def filter_field(label: str, control: rx.Component) -> rx.Component:
    """A labelled control in a bar of filters."""
    return rx.el.label(rx.el.span(label, class_name="hint"), control, class_name="filter")


def agenda(blocks: rx.Var[list[Block]], on_open: Any) -> rx.Component:
    """A day as a list: for small screens, for screen readers, and for whoever likes lists."""
    return rx.el.ol(rx.foreach(blocks, lambda block: _agenda_line(block, on_open)), class_name="agenda")


def _agenda_line(block: rx.Var[Block], on_open: Any) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.span(block.time, class_name="agenda-time"),
            rx.el.span(
                rx.el.span(block.title, class_name="agenda-title"),
                rx.el.span(block.note, " · ", block.doctor_name, class_name="small soft"),
                class_name="agenda-who",
            ),
            rx.cond(block.is_overbooked, rx.el.span("2×", class_name="visit-over", title=t("Overbooked"))),
            status_badge(block.kind, block.status),
            type="button",
            on_click=on_open(block.ref),
            class_name=rx.Var.create("agenda-line visit-") + block.kind,
        )
    )


def detail(term: str, *content: Any) -> rx.Component:
    """A line of an appointment's sheet: what it is, and what is so."""
    return rx.el.div(rx.el.dt(term), rx.el.dd(*content))


def detail_if(value: rx.Var[str], term: str) -> rx.Component:
    return rx.cond(value != "", detail(term, value))


def phone_link(number: rx.Var[str]) -> rx.Component:
    return plain_link(number, href=rx.Var.create("tel:") + number)


def mail_link(address: rx.Var[str]) -> rx.Component:
    return plain_link(address, href=rx.Var.create("mailto:") + address)


def nothing_found(sentence: str) -> rx.Component:
    return rx.el.p(sentence, class_name="nothing soft", role="status")


# --- Parts of the desk's forms ----------------------------------------------------------------------------------------


def problem_callout(sentence: rx.Var[str]) -> rx.Component:
    """What is wrong with the whole form."""
    return rx.cond(sentence != "", callout(rx.el.p(sentence), tone="danger", role="alert"))


def overbook_fields(problems: Problems) -> rx.Component:
    """Offered after a refusal only: nobody overbooks by accident."""
    return rx.el.div(
        tick("overbook", t("Book it all the same")),
        text_field(
            "overbook_reason",
            t("Why?"),
            problems=problems,
            hint=t("Kept with the appointment under your name, and shown in the calendar."),
            max_length=200,
        ),
        class_name="stack-tight overbook",
    )


def person_fields(problems: Problems) -> rx.Component:
    """Who somebody new is and how to reach her."""
    return rx.fragment(
        text_field("name", t("Name"), problems=problems, auto_complete="off", required=True, max_length=120),
        text_field("born_on", t("Date of birth"), problems=problems, type="date", required=True),
        text_field("phone", t("Phone"), problems=problems, type="tel", auto_complete="off", max_length=40),
        text_field("email", t("E-mail"), problems=problems, type="email", auto_complete="off", max_length=200),
    )
