"""The live calendar of the clinic."""

import reflex as rx

from medcal import routes
from medcal.components.calendar import calendar, on_narrow_window
from medcal.components.desk import agenda, group_select, legend, nothing_found, segments
from medcal.components.ui import button, callout, icon_button, link, link_button, skeleton
from medcal.i18n import t
from medcal.pages.appointment_dialog import appointment_dialog
from medcal.pages.block_dialog import block_dialog
from medcal.pages.booking_dialog import booking_dialog
from medcal.pages.staff_frame import staff_framed
from medcal.pages.undo_notice import undo_notice
from medcal.state.calendar import CalendarState
from medcal.state.session import SessionState

LEGEND = ("booked", "confirmed", "arrived", "fulfilled", "no_show", "held", "offer")


def page() -> rx.Component:
    return staff_framed(
        rx.el.h1(t("Calendar"), class_name="visually-hidden"),
        on_narrow_window(CalendarState.fit),
        # Without a doctor there is no day to draw either.
        rx.cond(
            CalendarState.is_loaded & (CalendarState.columns.length() == 0),
            _nobody_yet(),
            rx.fragment(_bar(), rx.cond(CalendarState.is_loaded, _sheet(), _skeleton()), _foot()),
        ),
        appointment_dialog(),
        undo_notice(),
        booking_dialog(),
        block_dialog(),
        path=routes.STAFF_CALENDAR,
    )


def _nobody_yet() -> rx.Component:
    """What a clinic says that is not open yet, and who has no calendar."""
    return rx.match(
        CalendarState.first_steps,
        (
            "admin",
            callout(
                rx.el.p(t("The clinic is not open yet: something is still missing.")),
                link_button(t("Go on setting it up"), href=routes.to(routes.STAFF_SETUP), small=True),
            ),
        ),
        ("staff", callout(rx.el.p(t("The clinic is not open yet. An admin is still setting it up.")))),
        nothing_found(t("There is no doctor's calendar to show.")),
    )


def _bar() -> rx.Component:
    state = CalendarState
    return rx.el.div(
        rx.el.div(
            button(t("Today"), kind="secondary", small=True, on_click=state.go_to_today, disabled=state.is_today),
            icon_button("chevron-left", t("Back"), on_click=state.turn(-1)),
            icon_button("chevron-right", t("Forward"), on_click=state.turn(1)),
            rx.el.input(
                type="date",
                value=state.day,
                on_change=state.go_to,
                aria_label=t("Go to a day"),
                class_name="input input-compact",
            ),
            class_name="row bar-days",
        ),
        rx.el.h2(state.title, class_name="bar-title", aria_live="polite"),
        rx.el.div(
            rx.cond(
                state.filters.length() > 0,
                group_select(t("Whose calendar"), state.filters, state.chosen, state.choose),
            ),
            segments(
                t("View"),
                [("day", t("Day")), ("week", t("Week")), ("month", t("Month")), ("list", t("List"))],
                state.view,
                state.show_view,
            ),
            _new(),
            class_name="row bar-views",
        ),
        class_name="bar no-print",
    )


def _new() -> rx.Component:
    state = CalendarState
    return rx.cond(
        state.can_book,
        button(t("New appointment"), small=True, icon="plus", on_click=state.add),
        button(t("Block time"), small=True, icon="ban", on_click=state.add),
    )


def _sheet() -> rx.Component:
    state = CalendarState
    return rx.cond(
        state.view == "list",
        rx.cond(
            state.blocks.length() > 0,
            agenda(state.blocks, state.open_visit),
            nothing_found(t("Nothing is planned on this day.")),
        ),
        calendar(
            view=state.view,
            day=state.day,
            columns=state.columns,
            blocks=state.blocks,
            shades=state.shades,
            opens=state.opens,
            closes=state.closes,
            zone=state.zone,
            editable=state.can_book,
            answered=state.answered,
            on_open=state.open_visit,
            on_move=state.move,
            on_pick=state.pick,
            on_day=state.open_day,
        ),
    )


def _skeleton() -> rx.Component:
    return rx.el.div(
        skeleton(height="2.5rem"),
        skeleton(height="60dvh"),
        rx.el.span(t("Loading …"), class_name="visually-hidden", role="status"),
        class_name="stack-tight",
    )


def _foot() -> rx.Component:
    return rx.el.div(
        legend(LEGEND),
        rx.el.div(
            rx.cond(
                SessionState.role != "reception",
                link(t("Subscribe in your calendar program"), href=routes.to(routes.STAFF_FEEDS), class_name="small"),
            ),
            rx.el.p(t("All times are in {zone}.", zone=CalendarState.zone_name), class_name="small soft"),
            class_name="row",
        ),
        class_name="row-apart calendar-foot no-print",
    )
