"""One appointment as its patient sees it."""

import reflex as rx

from medcal.components.ui import badge, fact, facts
from medcal.i18n import t
from medcal.viewmodels.patient import AppointmentCard

STATUS_ICONS = {
    "booked": "calendar-check",
    "arrived": "door-open",
    "fulfilled": "check",
    "cancelled": "calendar-x",
    "no_show": "user-x",
}


def status_badge(card: rx.Var[AppointmentCard]) -> rx.Component:
    icons = rx.match(
        card.status,
        *[(status, rx.icon(icon, aria_hidden="true")) for status, icon in STATUS_ICONS.items()],
        rx.fragment(),
    )
    return badge(icons, card.status_label, tone=card.status)


def appointment_card(card: rx.Var[AppointmentCard], *actions: rx.Component) -> rx.Component:
    """When, with whom, where; and what can be done."""
    return rx.el.article(
        rx.el.div(
            rx.el.div(
                rx.el.img(src=card.portrait, alt="", class_name="portrait", width="72", height="72"),
                rx.el.div(rx.el.h2(card.doctor), rx.el.p(card.specialty, class_name="soft")),
                class_name="doctor-who",
            ),
            rx.el.div(
                status_badge(card),
                rx.cond(
                    card.is_confirmed & (card.status == "booked"),
                    badge(t("You have confirmed"), tone="good", icon="check"),
                ),
                class_name="row",
            ),
            class_name="row-apart",
        ),
        facts(
            fact(
                "calendar-clock",
                t("When"),
                rx.el.strong(card.when),
                rx.el.br(),
                rx.el.span(card.place.zone, class_name="small soft"),
            ),
            fact("clipboard-list", t("What"), card.visit),
            fact("user", t("For whom"), card.patient),
            fact("map-pin", t("Where"), card.place.name, ", ", card.place.street, ", ", card.place.city),
            fact(
                "hash",
                t("Booking code"),
                rx.el.span(card.code, class_name="numbers"),
                " ",
                rx.el.span(t("(for the phone)"), class_name="small soft"),
            ),
        ),
        *actions,
        class_name="card stack",
    )
