"""Booked: what was booked, what happens next, and a file for the calendar."""

import reflex as rx

from medcal import routes
from medcal.components.appointment import appointment_card
from medcal.components.notices import notice_page, picture
from medcal.components.ui import button, link_button, plain_link, skeleton_rows
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.appointment import AppointmentState


def page() -> rx.Component:
    return framed(
        rx.cond(
            AppointmentState.is_loaded,
            rx.cond(AppointmentState.has_any, _booked(), _nothing()),
            rx.el.div(rx.el.h1(t("Your appointment")), skeleton_rows(3), class_name="stack"),
        ),
        narrow=True,
    )


def _booked() -> rx.Component:
    return rx.el.div(
        rx.el.div(picture("done"), class_name="no-print"),
        rx.el.h1(t("Your appointment is booked")),
        appointment_card(AppointmentState.current),
        rx.el.div(
            plain_link(
                rx.icon("calendar-plus", aria_hidden="true"),
                t("Add to my calendar"),
                href="/api/appointment.ics",
                download=True,
                class_name="button button-primary",
            ),
            button(t("Print"), kind="secondary", icon="printer", on_click=rx.call_script("window.print()")),
            link_button(t("Change or cancel"), href=routes.to(routes.APPOINTMENT), kind="quiet"),
            class_name="row no-print",
        ),
        rx.el.section(
            rx.el.h2(t("What happens next")),
            rx.el.ol(
                rx.el.li(t("You get a confirmation with a link to this appointment, in a minute or two.")),
                rx.el.li(
                    t(
                        "We remind you three days and one day before. Please tell us if you cannot come: somebody else will be glad of the time."
                    )
                ),
                rx.el.li(t("Come five minutes early and say your name at the desk. Please bring your insurance card.")),
                class_name="steps",
            ),
            class_name="stack",
        ),
        class_name="stack section-gap",
    )


def _nothing() -> rx.Component:
    return notice_page(
        "empty",
        t("There is no booking to show"),
        rx.el.p(t("Open the link in your confirmation, or ask for a code.")),
        link_button(t("Find my appointment"), href=routes.to(routes.FIND_APPOINTMENT)),
    )
