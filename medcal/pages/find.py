"""Find my appointment: a one-time code instead of a password. The answer is the same whether we know the address or not."""

import reflex as rx

from medcal.components.native_form import native_form
from medcal.components.proof import proof
from medcal.components.ui import button, callout
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.find import FindState


def page() -> rx.Component:
    return framed(
        rx.el.div(
            rx.el.h1(t("Find my appointment")),
            rx.cond(FindState.failure != "", callout(rx.el.p(FindState.failure), tone="warning", role="alert")),
            rx.cond(FindState.is_code_sent, _enter_code(), _ask_for_code()),
            class_name="stack section-gap",
        ),
        narrow=True,
    )


def _ask_for_code() -> rx.Component:
    return native_form(
        rx.el.p(
            t(
                "Enter the e-mail address or the phone number that you booked with. We will send you a code; you need no password."
            )
        ),
        rx.el.div(
            rx.el.label(t("E-mail or phone"), html_for="contact"),
            rx.el.input(
                name="contact", id="contact", class_name="input", auto_complete="email", required=True, max_length=200
            ),
            class_name="field",
        ),
        rx.el.div(
            button(t("Send me a code"), type="submit", icon="key-round"),
            # Asked for anew a little before the server takes it no more.
            proof(FindState.challenge, once=True, lasts_seconds=25 * 60, on_stale=FindState.renew),
            class_name="row",
        ),
        action="/api/appointment/code",
        class_name="card stack",
    )


def _enter_code() -> rx.Component:
    return rx.el.div(
        native_form(
            rx.el.p(t("If we know the address, a code of six digits is on its way. It is good for ten minutes.")),
            rx.el.div(
                rx.el.label(t("Code"), html_for="code"),
                rx.el.input(
                    name="code",
                    id="code",
                    class_name="input code",
                    input_mode="numeric",
                    auto_complete="one-time-code",
                    required=True,
                    max_length=12,
                    auto_focus=True,
                ),
                class_name="field",
            ),
            rx.el.div(button(t("Show my appointments"), type="submit")),
            action="/api/appointment/open",
            class_name="card stack",
        ),
        button(t("No code came? Ask again"), kind="quiet", on_click=FindState.ask_again),
        class_name="stack",
    )
