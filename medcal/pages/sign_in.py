"""Where the staff sign in."""

import reflex as rx

from medcal.components.native_form import native_form
from medcal.components.ui import button, callout, plain_link
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.sign_in import SignInState


def page() -> rx.Component:
    return framed(
        rx.el.section(
            rx.el.h1(t("Sign in")),
            rx.el.p(t("For the staff of the clinic. Patients need no account."), class_name="soft"),
            rx.cond(SignInState.said != "", callout(rx.el.p(SignInState.said), tone="good", role="status")),
            rx.cond(SignInState.problem != "", callout(rx.el.p(SignInState.problem), tone="danger", role="alert")),
            rx.cond(SignInState.sign_in_with != "", _provider()),
            rx.cond(SignInState.has_form, _form()),
            class_name="card stack sign-in",
        ),
        narrow=True,
    )


def _provider() -> rx.Component:
    """A link that the browser follows by itself: the way leads out of the app."""
    go = plain_link(
        rx.icon("shield-check", aria_hidden="true"),
        SignInState.sign_in_with,
        href=SignInState.way_there,
        class_name="button button-secondary",
    )
    return rx.fragment(go, rx.cond(SignInState.has_form, rx.el.p(t("or with a password"), class_name="divider")))


def _form() -> rx.Component:
    return native_form(
        _field("email", t("E-mail"), type="email", auto_complete="username"),
        _field("password", t("Password"), type="password", auto_complete="current-password"),
        rx.el.input(type="hidden", name="next", value=SignInState.next_page, read_only=True),
        button(t("Sign in"), type="submit", icon="log-in"),
        action="/api/sign-in",
        class_name="stack",
    )


def _field(name: str, label: str, **props: str) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.input(name=name, id=name, required=True, class_name="input", **props),
        class_name="field",
    )
