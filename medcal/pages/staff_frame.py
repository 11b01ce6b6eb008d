"""The frame of the staff's pages, with who is signed in."""

from typing import Any

import reflex as rx

from medcal import routes
from medcal.components.layout import staff_page
from medcal.components.ui import callout
from medcal.i18n import LANGUAGES, current_language, t
from medcal.state.heartbeat import HeartbeatState
from medcal.state.session import SessionState


def staff_framed(*content: Any, path: str) -> rx.Component:
    """A page of the staff at `path`."""
    other = next(code for code in LANGUAGES if code != current_language())
    return rx.el.div(
        staff_page(
            *content,
            active=path,
            name=SessionState.name,
            switch_to=routes.to(path, other),
            notice=_scheduler_notice(),
        ),
        # What is not for her is not offered to her either, see calendar.css.
        class_name=rx.Var.create("for-") + SessionState.role,
    )


def _scheduler_notice() -> rx.Component:
    """Nothing as long as all is well. The region is there before its words, else nobody would be told of them."""
    warning = HeartbeatState.notice.warning
    return rx.el.div(rx.cond(warning != "", callout(rx.el.p(warning), tone="warning")), role="status")


def for_reception(*content: Any) -> rx.Component:
    """What crosses doctors is shown to reception and admins; the handlers behind it answer nobody else anyway."""
    return rx.cond(
        SessionState.role == "doctor",
        callout(
            rx.el.p(t("This page is for reception. Your own calendar and appointments are on the first two pages."))
        ),
        rx.fragment(*content),
    )


def for_admins(*content: Any) -> rx.Component:
    """What is about the clinic as a whole is shown to admins; the handlers behind it answer nobody else anyway."""
    return rx.cond(SessionState.role == "admin", rx.fragment(*content), callout(rx.el.p(t("This page is for admins."))))
