"""The notice with which the desk takes back what it has just done."""

import reflex as rx

from medcal.components.offers import silent_countdown
from medcal.components.ui import button, icon_button
from medcal.i18n import t
from medcal.state.undo import UndoState


def undo_notice() -> rx.Component:
    """At the bottom of the page, as long as the patient has not been told. The region is there before its words, else nobody would
    be told of them."""
    state = UndoState
    return rx.el.div(
        rx.cond(
            state.sentence != "",
            rx.el.div(
                rx.el.p(state.sentence),
                silent_countdown(state.until, over=t("Time is up"), on_expire=state.leave),
                button(t("Undo"), kind="secondary", small=True, icon="undo-2", on_click=state.undo),
                icon_button("x", t("Close"), on_click=state.leave),
                class_name="undo",
            ),
        ),
        role="status",
        class_name="no-print",
    )
