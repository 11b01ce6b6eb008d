"""One's own account: password, second step, and where one is signed in."""

import reflex as rx

from medcal import routes
from medcal.components.accounts import code_field, new_password_field, password_field, qr
from medcal.components.desk import problem_callout
from medcal.components.dialogs import actions, dialog
from medcal.components.native_form import native_form
from medcal.components.ui import badge, button, callout, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import staff_framed
from medcal.state.account import AccountState
from medcal.viewmodels.accounts import SessionRow


def page() -> rx.Component:
    state = AccountState
    return staff_framed(
        rx.el.h1(t("Your account"), class_name="page-head"),
        rx.cond(
            state.is_loaded,
            rx.el.div(
                rx.cond(state.said != "", callout(rx.el.p(state.said), tone="good", role="status")),
                rx.cond(state.sheet.is_owed, _owed()),
                rx.cond(
                    state.sheet.warning != "", callout(rx.el.p(state.sheet.warning), tone="warning", role="status")
                ),
                rx.el.p(rx.el.strong(state.sheet.name), " · ", state.sheet.email),
                rx.cond(state.sheet.is_local, rx.el.div(_second_step(), _password(), class_name="halves")),
                _sessions(),
                class_name="stack account",
            ),
            skeleton_rows(6),
        ),
        _set_up_dialog(),
        _scan_dialog(),
        _codes_dialog(),
        _code_dialog("renew", t("New recovery codes"), t("The old ones end."), t("Make new codes"), AccountState.renew),
        _code_dialog(
            "turn-off",
            t("Turn off the second step"),
            t("From then on your password alone lets you in."),
            t("Turn it off"),
            AccountState.turn_off,
        ),
        path=routes.STAFF_ACCOUNT,
    )


def _owed() -> rx.Component:
    return callout(
        rx.el.p(t("Your clinic asks for a second step. Set it up here; then everything else opens.")),
        tone="warning",
        role="alert",
    )


# --- Password and second step -----------------------------------------------------------------------------------------


def _second_step() -> rx.Component:
    state = AccountState
    return rx.el.section(
        rx.el.div(
            rx.el.h2(t("Second step"), id="second-step"),
            rx.cond(state.sheet.has_second_step, badge(t("On"), tone="good", icon="shield-check"), badge(t("Off"))),
            class_name="row-apart",
        ),
        rx.el.p(
            t(
                "After the password you type a code that an app on your phone shows: who has learnt your password still stays outside."
            )
        ),
        rx.cond(
            state.sheet.has_second_step,
            rx.fragment(
                rx.el.p(state.sheet.codes_left, class_name=rx.cond(state.sheet.are_codes_few, "", "soft")),
                rx.el.div(
                    button(t("New recovery codes"), kind="secondary", small=True, on_click=state.begin("renew")),
                    rx.cond(
                        state.sheet.must_have_second_step,
                        rx.fragment(),
                        button(t("Turn off"), kind="quiet", small=True, on_click=state.begin("turn-off")),
                    ),
                    class_name="row",
                ),
            ),
            rx.el.div(button(t("Set it up"), icon="shield-check", on_click=state.begin("set-up"))),
        ),
        aria_labelledby="second-step",
        class_name="card stack",
    )


def _password() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Password"), id="own-password"),
        problem_callout(AccountState.problem),
        native_form(
            password_field("current", t("Present password")),
            new_password_field(),
            rx.el.div(button(t("Change the password"), type="submit", kind="secondary")),
            action="/api/account/password",
            class_name="stack",
        ),
        aria_labelledby="own-password",
        class_name="card stack",
    )


def _set_up_dialog() -> rx.Component:
    state = AccountState
    return dialog(
        rx.el.form(
            rx.el.p(t("You need an app for codes on your phone: any that reads such pictures will do.")),
            problem_callout(state.step_problem),
            password_field("password_again", t("Your password, once more")),
            actions(
                button(t("Close"), kind="secondary", on_click=state.close),
                button(t("Continue"), type="submit"),
            ),
            on_submit=state.set_up,
            class_name="stack",
        ),
        is_open=state.step == "set-up",
        on_close=state.close,
        title=t("Set up the second step"),
    )


def _scan_dialog() -> rx.Component:
    state = AccountState
    return dialog(
        rx.el.form(
            rx.el.p(t("Scan this picture with the app, or type the key.")),
            qr(state.picture, t("Picture with the key for the app")),
            rx.el.p(rx.el.code(state.key_to_type), class_name="key"),
            problem_callout(state.step_problem),
            code_field(t("The six digits that the app shows now")),
            actions(
                button(t("Close"), kind="secondary", on_click=state.close),
                button(t("Turn it on"), type="submit"),
            ),
            on_submit=state.confirm,
            class_name="stack",
        ),
        is_open=state.step == "scan",
        on_close=state.close,
        title=t("Connect the app"),
    )


def _codes_dialog() -> rx.Component:
    state = AccountState
    return dialog(
        rx.el.p(
            t(
                "Print these codes or write them down. Each lets you in once, should the phone be lost. They are not shown again."
            )
        ),
        rx.el.ul(rx.foreach(state.codes, lambda code: rx.el.li(rx.el.code(code))), class_name="recovery"),
        actions(button(t("I have kept them"), on_click=state.close)),
        is_open=state.step == "codes",
        on_close=state.close,
        title=t("Your recovery codes"),
    )


def _code_dialog(step: str, title: str, sentence: str, confirm: str, on_submit: rx.EventHandler) -> rx.Component:
    state = AccountState
    return dialog(
        rx.el.form(
            rx.el.p(sentence),
            problem_callout(state.step_problem),
            code_field(t("Code of the app, or a recovery code")),
            actions(
                button(t("Close"), kind="secondary", on_click=state.close),
                button(confirm, type="submit"),
            ),
            on_submit=on_submit,
            class_name="stack",
        ),
        is_open=state.step == step,
        on_close=state.close,
        title=title,
    )


# --- Where one is signed in -------------------------------------------------------------------------------------------


def _sessions() -> rx.Component:
    state = AccountState
    return rx.el.section(
        rx.el.div(
            rx.el.h2(t("Where you are signed in"), id="sessions"),
            rx.cond(
                state.sheet.has_others,
                button(t("Sign out everywhere else"), kind="secondary", small=True, on_click=state.sign_out_elsewhere),
            ),
            class_name="row-apart",
        ),
        rx.el.ul(rx.foreach(state.sheet.sessions, _session), class_name="sessions"),
        aria_labelledby="sessions",
        class_name="card stack",
    )


def _session(row: rx.Var[SessionRow]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.strong(row.browser),
            rx.el.span(row.where, class_name="small soft"),
            class_name="agenda-who",
        ),
        rx.cond(
            row.is_here,
            badge(t("This browser"), tone="good"),
            button(
                t("Sign out there"),
                rx.el.span(" ", row.browser, class_name="visually-hidden"),
                kind="quiet",
                small=True,
                on_click=AccountState.sign_out_there(row.ref),
            ),
        ),
        key=row.ref,
    )
