"""What the pages of accounts are made of: fields for passwords and codes, the picture that a phone reads."""

import reflex as rx

from medcal.components.ui import Text
from medcal.i18n import t
from medcal.viewmodels.accounts import Picture


def password_field(name: str, label: str, *, auto_complete: str = "current-password") -> rx.Component:
    """The password that somebody has."""
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.input(
            name=name,
            id=name,
            type="password",
            required=True,
            max_length=200,
            auto_complete=auto_complete,
            class_name="input",
        ),
        class_name="field",
    )


def new_password_field() -> rx.Component:
    """One that somebody chooses; the browser may remember it or make one."""
    return rx.el.div(
        rx.el.label(t("New password"), html_for="password"),
        rx.el.span(
            t("12 characters or more, of whatever you like. Four or five words that do not belong together are good."),
            id="password-hint",
            class_name="hint",
        ),
        rx.el.input(
            name="password",
            id="password",
            type="password",
            required=True,
            min_length=12,
            max_length=200,
            auto_complete="new-password",
            aria_describedby="password-hint",
            class_name="input",
        ),
        class_name="field",
    )


def code_field(label: str) -> rx.Component:
    """A code of the app, or a recovery code."""
    return rx.el.div(
        rx.el.label(label, html_for="code"),
        rx.el.input(
            name="code",
            id="code",
            required=True,
            max_length=20,
            auto_complete="one-time-code",
            class_name="input code",
        ),
        class_name="field",
    )


def qr(picture: rx.Var[Picture], label: Text) -> rx.Component:
    """A QR code, dark on white in every colour scheme, since not every phone reads it the other way round."""
    side = picture.size.to_string()
    return rx.el.svg(
        rx.el.path(d=picture.path, fill="#000"),
        view_box=rx.Var.create("0 0 ") + side + " " + side,
        role="img",
        aria_label=label,
        class_name="qr",
    )
