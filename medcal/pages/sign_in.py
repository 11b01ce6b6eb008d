"""Where the staff sign in."""

import reflex as rx

from medcal.components.native_form import native_form
from medcal.components.ui import button, callout
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.sign_in import SignInState


def page() -> rx.Component:
    return framed(
        rx.el.section(
            rx.el.h1(t("Sign in")),
            rx.el.p(t("For the staff of the clinic. Patients need no account."), class_name="soft"),
            rx.cond(SignInState.problem != "", callout(rx.el.p(SignInState.problem), tone="danger", role="alert")),
            native_form(
                _field("email", t("E-mail"), type="email", auto_complete="username"),
                _field("password", t("Password"), type="password", auto_complete="current-password"),
                rx.el.input(type="hidden", name="next", value=SignInState.next_page, read_only=True),
                button(t("Sign in"), type="submit", icon="log-in"),
                action="/api/sign-in",
                class_name="stack",
            ),
            class_name="card stack sign-in",
        ),
        narrow=True,
    )


def _field(name: str, label: str, **props: str) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.input(name=name, id=name, required=True, class_name="input", **props),
        class_name="field",
    )
