"""Where somebody who has followed a one-time link gives herself a password."""

import reflex as rx

from medcal.components.accounts import new_password_field
from medcal.components.native_form import native_form
from medcal.components.ui import button, callout
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.sign_in import SignInState


def page() -> rx.Component:
    return framed(
        rx.el.section(
            rx.el.h1(t("Choose your password")),
            rx.cond(SignInState.problem != "", callout(rx.el.p(SignInState.problem), tone="danger", role="alert")),
            native_form(
                new_password_field(),
                button(t("Set the password"), type="submit", icon="key-round"),
                action="/api/staff-password",
                class_name="stack",
            ),
            class_name="card stack sign-in",
        ),
        narrow=True,
    )
