"""Dialogs on the browser's own <dialog>."""

from typing import Any

import reflex as rx

from medcal.components.ui import button, icon_button
from medcal.i18n import t


class Dialog(rx.NoSSRComponent):
    """See dialog.jsx. Its content exists only while it is open."""

    library = rx.asset("components/dialog.jsx").importable_path
    tag = "Dialog"
    open: rx.Var[bool]
    label: rx.Var[str]
    wide: rx.Var[bool]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


def dialog(
    *content: Any, is_open: rx.Var[bool], on_close: Any, title: str | rx.Var[str], wide: bool = False
) -> rx.Component:
    """A dialog with its title and a way out."""
    return Dialog.create(
        rx.el.div(
            rx.el.h2(title),
            icon_button("x", t("Close"), on_click=on_close),
            class_name="dialog-head",
        ),
        *content,
        open=is_open,
        label=title,
        wide=wide,
        on_close=on_close,
    )


def actions(*buttons: rx.Component) -> rx.Component:
    """The buttons at the end of a dialog; the one that does it comes last."""
    return rx.el.div(*buttons, class_name="dialog-actions")


def confirm_dialog(
    *content: Any, is_open: rx.Var[bool], on_close: Any, title: str, confirm: str, on_confirm: Any, keep: str
) -> rx.Component:
    """Asks before something that others will notice."""
    return dialog(
        *content,
        actions(button(keep, kind="secondary", on_click=on_close), button(confirm, kind="danger", on_click=on_confirm)),
        is_open=is_open,
        on_close=on_close,
        title=title,
    )
