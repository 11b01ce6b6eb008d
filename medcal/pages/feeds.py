"""A doctor's calendar in her own calendar program. For doctors, and for admins on their behalf."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field
from medcal.components.fields import tick
from medcal.components.layout import back_link
from medcal.components.ui import button, callout, plain_link, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import staff_framed
from medcal.state.feeds import FeedsState
from medcal.state.session import SessionState
from medcal.viewmodels.feeds import FeedRow


def page() -> rx.Component:
    return staff_framed(
        back_link(t("Calendar"), routes.to(routes.STAFF_CALENDAR)),
        rx.el.h1(t("In your calendar program"), class_name="page-head"),
        rx.cond(
            SessionState.role == "reception",
            callout(rx.el.p(t("This page is for doctors and admins."))),
            rx.cond(FeedsState.is_loaded, _content(), skeleton_rows(4)),
        ),
        path=routes.STAFF_FEEDS,
    )


def _content() -> rx.Component:
    state = FeedsState
    return rx.el.div(
        rx.el.p(
            t(
                "Your program reads the appointments by itself at an address that nobody else knows: four weeks back and a year ahead. It changes nothing here."
            )
        ),
        rx.cond(
            state.doctors.length() > 1,
            rx.el.div(filter_field(t("Whose calendar"), _doctors()), class_name="filters"),
        ),
        rx.cond(state.address != "", _new_address()),
        rx.cond(
            state.rows.length() > 0,
            rx.el.ul(rx.foreach(state.rows, _feed), class_name="feeds", aria_label=t("Addresses that work")),
            rx.el.p(t("There is no address yet."), class_name="soft"),
        ),
        rx.el.div(button(t("Make an address"), icon="plus", on_click=state.make)),
        rx.cond(state.can_show_names, _names()),
        class_name="stack narrow-form",
    )


def _doctors() -> rx.Component:
    state = FeedsState
    return rx.el.select(
        rx.foreach(state.doctors, lambda choice: rx.el.option(choice.label, value=choice.value)),
        value=state.doctor,
        on_change=state.choose,
        class_name="input input-compact",
    )


def _new_address() -> rx.Component:
    address = FeedsState.address
    # The scheme that calendar programs have made their own; behind it lies the same address.
    webcal = rx.Var.create("webcal://") + address.split("://")[1]
    return callout(
        rx.el.p(
            rx.el.strong(t("This address is shown only now.")),
            " ",
            t("Whoever has it reads the calendar: keep it as you would a password."),
        ),
        rx.el.label(t("Address"), html_for="feed-address"),
        rx.el.input(
            id="feed-address",
            value=address,
            read_only=True,
            on_focus=rx.call_script("document.activeElement.select()"),
            class_name="input",
        ),
        rx.el.div(
            button(t("Copy"), kind="secondary", small=True, icon="copy", on_click=rx.set_clipboard(address)),
            plain_link(t("Open in this computer's calendar"), href=webcal),
            class_name="row",
        ),
        rx.el.ul(
            rx.el.li(t("Google: Other calendars, From URL.")),
            rx.el.li(t("Outlook: Add calendar, Subscribe from web.")),
            rx.el.li(t("Apple: File, New Calendar Subscription.")),
            class_name="small soft",
        ),
        tone="good",
        role="status",
    )


def _feed(row: rx.Var[FeedRow]) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.span(row.made), rx.el.span(row.read, class_name="small soft"), class_name="agenda-who"),
        button(t("Remove"), kind="secondary", small=True, icon="trash-2", on_click=FeedsState.revoke(row.ref)),
        class_name="row-apart",
        key=row.ref,
    )


def _names() -> rx.Component:
    state = FeedsState
    return rx.el.div(
        tick(
            "feed-names",
            t("Patients' names may stand in these calendars"),
            checked=state.shows_names,
            on_change=state.show_names,
        ),
        rx.el.p(
            t(
                "For all doctors of this location. Calendar programs often keep what they read on servers of their makers; without names it says the booking code."
            ),
            class_name="hint",
        ),
        class_name="stack-tight",
    )
