"""The board of freed times: whom to call, what is on offer, what looks for somebody, and what ended lately."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, group_select, nothing_found
from medcal.components.dialogs import actions, dialog
from medcal.components.offers import (
    call_card,
    counted,
    ended_table,
    looking_table,
    offered_card,
    trail_view,
)
from medcal.components.ui import button, callout, link_button, skeleton_cards
from medcal.i18n import t
from medcal.pages.staff_frame import for_reception, staff_framed
from medcal.state.session import SessionState
from medcal.state.staff_offers import StaffOffersState

# The sweep of the scheduler comes by within half a minute; looked at any sooner, the board would show the past.
SWEPT_MS = 31_000


def page() -> rx.Component:
    state = StaffOffersState
    return staff_framed(
        _head(),
        for_reception(
            rx.cond(
                state.is_loaded,
                rx.el.div(_calls(), _offered(), _looking(), _ended(), class_name="stack-wide"),
                skeleton_cards(3),
            ),
        ),
        _trail_dialog(),
        path=routes.STAFF_OFFERS,
    )


def _head() -> rx.Component:
    state = StaffOffersState
    return rx.el.div(
        rx.el.h1(t("Offers")),
        rx.el.div(
            rx.cond(
                state.filters.length() > 0,
                filter_field(
                    t("Doctor"),
                    group_select(t("Doctor"), state.filters, state.chosen, state.choose, empty=t("Everybody")),
                ),
            ),
            rx.cond(
                SessionState.role == "admin",
                link_button(
                    t("Rules"),
                    href=routes.to(routes.STAFF_OFFER_RULES),
                    kind="secondary",
                    small=True,
                    icon="sliders-horizontal",
                ),
            ),
            class_name="row board-tools",
        ),
        class_name="row-apart page-head",
    )


def _calls() -> rx.Component:
    """Only while there is somebody to call: then it comes before all else, and is said to those who do not see it."""
    state, calls = StaffOffersState, StaffOffersState.board.calls
    return rx.el.div(
        rx.el.p(
            rx.cond(calls.length() > 0, t("{count} to call", count=calls.length()), ""),
            class_name="visually-hidden",
            role="status",
        ),
        rx.cond(
            calls.length() > 0,
            rx.el.section(
                counted(t("Call list"), calls.length(), "calls"),
                rx.el.p(t("No letter reaches these people in time. Please call."), class_name="small soft"),
                rx.el.div(
                    rx.foreach(
                        calls,
                        lambda call: call_card(
                            call, on_accept=state.accept, on_decline=state.decline, on_not_reached=state.not_reached
                        ),
                    ),
                    class_name="grid calls",
                ),
                aria_labelledby="calls",
                class_name="stack",
            ),
        ),
        class_name="board-calls",
    )


def _offered() -> rx.Component:
    state, offered = StaffOffersState, StaffOffersState.board.offered
    return rx.el.section(
        counted(t("On offer"), offered.length(), "offered"),
        rx.cond(
            offered.length() > 0,
            rx.el.div(
                rx.foreach(
                    offered,
                    lambda freed: offered_card(
                        freed,
                        on_open=state.open_trail,
                        on_accept=state.accept,
                        on_decline=state.decline,
                        on_withdraw=state.withdraw,
                    ),
                ),
                class_name="grid",
            ),
            nothing_found(t("No time is on offer at the moment.")),
        ),
        rx.cond(state.board.is_cut, callout(rx.el.p(t("There is more than fits here. Choose a doctor.")))),
        aria_labelledby="offered",
        class_name="stack",
    )


def _looking() -> rx.Component:
    state, looking = StaffOffersState, StaffOffersState.board.looking
    return rx.cond(
        looking.length() > 0,
        rx.el.section(
            counted(t("Looking for somebody"), looking.length(), "looking"),
            looking_table(looking, on_open=state.open_trail, on_due=state.look.debounce(SWEPT_MS)),
            aria_labelledby="looking",
            class_name="stack",
        ),
    )


def _ended() -> rx.Component:
    state, ended = StaffOffersState, StaffOffersState.board.ended
    return rx.cond(
        ended.length() > 0,
        rx.el.section(
            counted(t("Ended lately"), ended.length(), "ended"),
            ended_table(ended, on_open=state.open_trail),
            aria_labelledby="ended",
            class_name="stack",
        ),
    )


def _trail_dialog() -> rx.Component:
    state, trail = StaffOffersState, StaffOffersState.trail
    return dialog(
        trail_view(trail),
        rx.cond(
            trail.is_offered,
            actions(button(t("Withdraw the offer"), kind="danger", on_click=state.withdraw(trail.ref))),
        ),
        is_open=state.is_open,
        on_close=state.set_open(False),
        title=trail.when,
        wide=True,
    )
