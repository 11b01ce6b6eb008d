"""What is said to whoever was slower: why, and what is free instead."""

from typing import Any

import reflex as rx

from medcal.components.dialogs import actions, dialog
from medcal.components.notices import picture
from medcal.components.ui import button
from medcal.i18n import t
from medcal.state.booking import BookingState


def taken_dialog(reload: Any) -> rx.Component:
    """Opens when the chosen time was taken in the same moment; behind it the list is read again."""
    return dialog(
        picture("faster"),
        rx.el.p(
            t(
                "Somebody took this time while you were choosing. Nothing has been booked for you; the list behind this message is up to date."
            )
        ),
        actions(button(t("Choose another time"), on_click=[BookingState.close_notice, reload])),
        is_open=BookingState.is_taken,
        on_close=[BookingState.close_notice, reload],
        title=t("Somebody was faster"),
    )
