"""Your data: a copy to read and as a file, and their erasure; for whom a one-time code has opened it."""

import reflex as rx

from medcal import routes
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import text_field
from medcal.components.native_form import native_form
from medcal.components.notices import notice_page
from medcal.components.ui import button, callout, link, link_button, skeleton_rows
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.your_data import YourDataState
from medcal.viewmodels.own_people import PersonLine


def page() -> rx.Component:
    return framed(
        rx.cond(
            YourDataState.is_loaded,
            rx.cond(YourDataState.people.length() > 0, _people(), _needs_code()),
            rx.el.div(rx.el.h1(t("Your data")), skeleton_rows(3), class_name="stack"),
        ),
        _question(),
        narrow=True,
    )


def _needs_code() -> rx.Component:
    """Also where a link has opened a visit: it may have been forwarded."""
    return notice_page(
        "link",
        t("Your data"),
        _failure(),
        rx.el.p(
            t(
                "To see all that we keep about you, or to have it erased, ask for a code first. We send it to the address that you booked with, so that nobody else gets your data."
            )
        ),
        link_button(t("Send me a code"), href=routes.to(routes.FIND_APPOINTMENT), icon="key-round"),
        _more(),
    )


def _failure() -> rx.Component:
    state = YourDataState
    return rx.cond(state.failure != "", callout(rx.el.p(state.failure), tone="warning", role="alert"))


def _more() -> rx.Component:
    return rx.el.p(link(t("What we keep, and why"), href=routes.to(routes.PRIVACY)), class_name="small")


def _people() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("Your data")),
        _failure(),
        rx.el.p(t("All that we keep under your address: about you, and about those for whom you book with it.")),
        rx.foreach(YourDataState.people, _person),
        rx.el.p(
            t("On a device that is not yours: please let us forget you there when you are done."),
            class_name="small soft",
        ),
        native_form(
            button(t("Forget me on this device"), kind="quiet", icon="log-out", type="submit"),
            action="/api/appointment/leave",
        ),
        _more(),
        class_name="stack section-gap",
    )


def _person(person: rx.Var[PersonLine]) -> rx.Component:
    return rx.el.article(
        rx.el.div(rx.el.h2(person.name), rx.el.p(person.born, class_name="small soft")),
        rx.el.div(
            _copy(person, "html", t("To read or print"), "file-text"),
            _copy(person, "json", t("For a machine (JSON)"), "braces"),
            button(t("Erase …"), kind="danger", icon="user-x", on_click=YourDataState.ask(person.ref)),
            class_name="row",
        ),
        class_name="card stack",
    )


def _copy(person: rx.Var[PersonLine], form: str, label: str, icon: str) -> rx.Component:
    """By POST: whose data it is stands in no address."""
    return native_form(
        rx.el.input(type="hidden", name="person", value=person.ref),
        rx.el.input(type="hidden", name="form", value=form),
        button(
            label,
            rx.el.span(" ", person.name, class_name="visually-hidden"),
            kind="secondary",
            icon=icon,
            type="submit",
        ),
        action="/api/appointment/data",
    )


def _question() -> rx.Component:
    state = YourDataState
    return dialog(
        rx.el.form(
            rx.el.p(
                t(
                    "Name, contact, notes and messages are deleted for good, in all visits of {name}. A wish for something earlier ends. Nobody can take this back.",
                    name=state.asks_about.name,
                )
            ),
            rx.cond(
                state.asks_about.asks_birth,
                text_field(
                    "born_on",
                    t("To be sure: date of birth"),
                    problems=state.problems,
                    type="date",
                    auto_complete="off",
                    required=True,
                ),
            ),
            actions(
                button(t("Do not erase"), kind="secondary", on_click=state.keep),
                button(t("Erase for good"), kind="danger", type="submit"),
            ),
            on_submit=state.erase,
            class_name="stack",
            no_validate=True,
        ),
        is_open=state.asks_about.ref != "",
        on_close=state.keep,
        title=t("Erase these data?"),
    )
