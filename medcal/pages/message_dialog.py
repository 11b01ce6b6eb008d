"""The dialog of one message: its words, why it has not arrived, every try; sending it again asks inside of it."""

from typing import Any

import reflex as rx

from medcal import routes
from medcal.components.desk import phone_link
from medcal.components.dialogs import actions, dialog
from medcal.components.ui import badge, button, callout, link_button
from medcal.i18n import t
from medcal.state.open_message import OpenMessageState
from medcal.viewmodels.staff_messages import AttemptRow, FactLine


def message_dialog() -> rx.Component:
    """What a message says, what became of it, and what can be done about it."""
    state = OpenMessageState
    return dialog(
        rx.cond(state.asks, _question(), _sheet()),
        is_open=state.is_open,
        on_close=state.set_open(False),
        title=state.message.row.subject,
        wide=True,
    )


def _sheet() -> rx.Component:
    row = OpenMessageState.message.row
    return rx.el.div(
        rx.el.div(
            badge(row.status_word, tone="message-" + row.status),
            rx.el.span(row.kind, " · ", row.channel_word, class_name="small soft"),
            class_name="row",
        ),
        _why(),
        _call(),
        _words(),
        rx.el.dl(rx.foreach(OpenMessageState.message.facts, _fact), class_name="details"),
        _attempts(),
        _steps(),
        class_name="stack",
    )


def _why() -> rx.Component:
    """Why it has not arrived, and the far end's own words."""
    message = OpenMessageState.message
    lines = (
        rx.el.p(message.why),
        rx.cond(message.said != "", rx.el.p(t("What was answered:"), " ", rx.el.q(message.said), class_name="small")),
    )
    is_bad = (message.row.status == "dead") | (message.row.status == "bounced")
    return rx.cond(
        message.why != "",
        rx.cond(is_bad, callout(*lines, tone="danger"), callout(*lines)),
    )


def _call() -> rx.Component:
    """Somebody must say it on the phone: at which number, and that it is done."""
    state, row = OpenMessageState, OpenMessageState.message.row
    return rx.cond(
        row.must_call | row.is_on_board,
        rx.el.div(
            rx.cond(
                row.phone != "",
                rx.el.span(rx.icon("phone", aria_hidden="true"), phone_link(row.phone), class_name="call-number"),
                rx.el.span(t("No phone number is known."), class_name="soft"),
            ),
            rx.cond(
                row.must_call,
                button(t("I have called"), icon="check", small=True, on_click=state.mark_called),
                link_button(t("To the call list"), href=routes.to(routes.STAFF_OFFERS), small=True, icon="phone"),
            ),
            class_name="row-apart",
        ),
    )


def _words() -> rx.Component:
    state, message = OpenMessageState, OpenMessageState.message
    as_text = rx.el.pre(message.text, lang=message.row.language, class_name="mail-text", tab_index=0)
    return rx.el.div(
        rx.cond(
            message.html != "",
            rx.fragment(
                rx.el.div(
                    _form(t("As a mail"), ~state.shows_text, state.show_text(False)),
                    _form(t("As text"), state.shows_text, state.show_text(True)),
                    role="group",
                    aria_label=t("Form"),
                    class_name="segments",
                ),
                rx.cond(state.shows_text, as_text, _mail()),
            ),
            as_text,
        ),
        rx.cond(
            ~message.shows_links,
            rx.el.p(
                t("Links and codes are left out: whoever has them sees the patient's page."), class_name="small soft"
            ),
        ),
        class_name="stack-tight",
    )


def _form(label: str, is_chosen: rx.Var[bool], on_choose: Any) -> rx.Component:
    return rx.el.button(
        label,
        type="button",
        aria_pressed=rx.cond(is_chosen, "true", "false"),
        on_click=on_choose,
        class_name="segment",
    )


def _mail() -> rx.Component:
    """In a frame without scripts: what a mail is made of stays apart from the page, and links that lead nowhere do nothing."""
    message = OpenMessageState.message
    return rx.el.iframe(
        src_doc=message.html,
        sandbox=rx.cond(message.shows_links, "allow-popups allow-popups-to-escape-sandbox", ""),
        title=t("The message as it is read"),
        class_name="mail",
    )


def _fact(line: rx.Var[FactLine]) -> rx.Component:
    return rx.el.div(rx.el.dt(line.name), rx.el.dd(line.value, class_name="numbers"))


def _attempts() -> rx.Component:
    attempts = OpenMessageState.message.attempts
    return rx.cond(
        attempts.length() > 0,
        rx.el.section(
            rx.el.h3(t("Tries to hand it over")),
            rx.el.ol(rx.foreach(attempts, _attempt), class_name="history"),
            class_name="stack-tight",
        ),
    )


def _attempt(attempt: rx.Var[AttemptRow]) -> rx.Component:
    return rx.el.li(
        rx.el.span(attempt.at, class_name="small soft numbers"),
        rx.el.span(attempt.what, ": ", attempt.outcome, " ", rx.el.span(attempt.target, class_name="small soft")),
    )


def _steps() -> rx.Component:
    state = OpenMessageState
    return rx.cond(
        state.message.again != "",
        rx.el.div(
            button(t("Send again"), kind="quiet", icon="send", on_click=state.ask(True)), class_name="row changes"
        ),
    )


def _question() -> rx.Component:
    state, message = OpenMessageState, OpenMessageState.message
    return rx.el.div(
        rx.el.p(t("Send it again to {address}?", address=message.row.address), class_name="large"),
        rx.el.p(message.again, class_name="soft"),
        actions(
            button(t("Back"), kind="secondary", on_click=state.ask(False)),
            button(t("Send again"), icon="send", on_click=state.resend),
        ),
        class_name="stack",
    )
