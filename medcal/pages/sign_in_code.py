"""The second step of signing in: a code of the app on the phone, or a recovery code."""

import reflex as rx

from medcal import routes
from medcal.components.layout import back_link
from medcal.components.native_form import native_form
from medcal.components.ui import button, callout
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.sign_in import SignInState


def page() -> rx.Component:
    return framed(
        rx.el.section(
            rx.el.h1(t("One more step")),
            rx.el.p(
                t("Open the app on your phone and type the six digits that it shows for Medcal."), class_name="soft"
            ),
            rx.cond(SignInState.problem != "", callout(rx.el.p(SignInState.problem), tone="danger", role="alert")),
            native_form(
                rx.el.div(
                    rx.el.label(t("Code"), html_for="code"),
                    rx.el.span(
                        t("Is the phone lost? Use one of your recovery codes."), id="code-hint", class_name="hint"
                    ),
                    rx.el.input(
                        name="code",
                        id="code",
                        required=True,
                        max_length=20,
                        auto_complete="one-time-code",
                        auto_focus=True,
                        aria_describedby="code-hint",
                        class_name="input code",
                    ),
                    class_name="field",
                ),
                rx.el.input(type="hidden", name="next", value=SignInState.next_page, read_only=True),
                button(t("Sign in"), type="submit", icon="log-in"),
                action="/api/sign-in/code",
                class_name="stack",
            ),
            back_link(t("Start again"), routes.to(routes.SIGN_IN)),
            class_name="card stack sign-in",
        ),
        narrow=True,
    )
