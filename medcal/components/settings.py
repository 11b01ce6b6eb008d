"""What the pages of settings are made of: the way between them, rows with their buttons, and the sign of a specialty to choose."""

from typing import Any

import reflex as rx

from medcal import routes
from medcal.components.fields import Problems
from medcal.components.people import specialty_icon
from medcal.components.ui import Text, button, icon_button, link
from medcal.i18n import n_, t
from medcal.theme import SPECIALTY_ICONS

SETTINGS_LINKS = [
    (routes.STAFF_CLINIC, n_("Clinic")),
    (routes.STAFF_SPECIALTIES, n_("Specialties")),
    (routes.STAFF_DOCTORS, n_("Doctors")),
    (routes.STAFF_PEOPLE, n_("People")),
    (routes.STAFF_OFFER_RULES, n_("Offers")),
    (routes.STAFF_MESSAGE_RULES, n_("Messages")),
    (routes.STAFF_WORDS, n_("Words")),
    (routes.STAFF_CONSENT, n_("Consent")),
    (routes.STAFF_AUDIT, n_("History")),
]

ICON_NAMES = {
    "stethoscope": n_("Stethoscope"),
    "heart-pulse": n_("Heart"),
    "smile": n_("Smile"),
    "scan-face": n_("Face"),
    "baby": n_("Baby"),
    "eye": n_("Eye"),
    "bone": n_("Bone"),
    "brain": n_("Brain"),
    "ear": n_("Ear"),
    "activity": n_("Pulse"),
}


def settings_nav(active: str) -> rx.Component:
    """From one page of settings to the others."""
    return rx.el.nav(
        *[_link(path, label, path == active) for path, label in SETTINGS_LINKS],
        aria_label=t("Settings"),
        class_name="settings-nav no-print",
    )


def _link(path: str, label: str, is_active: bool) -> rx.Component:
    current = {"aria_current": "page"} if is_active else {}
    return link(t(label), href=routes.to(path), class_name="top-link", **current)


def order_buttons(name: Text, on_move: Any) -> rx.Component:
    """One place up or down; `on_move` takes -1 or 1."""
    return rx.fragment(
        _small_icon("arrow-up", t("Up"), name, on_move(-1)),
        _small_icon("arrow-down", t("Down"), name, on_move(1)),
    )


def _small_icon(icon: str, label: str, name: Text, on_click: Any) -> rx.Component:
    return icon_button(icon, rx.Var.create(f"{label}: ") + name, on_click=on_click)


def row_button(label: Text, name: Text, on_click: Any, kind: str = "quiet", **look: Any) -> rx.Component:
    """A small button of a row, which says for screen readers whose it is."""
    whose = rx.el.span(" ", name, class_name="visually-hidden")
    return button(label, whose, kind=kind, small=True, on_click=on_click, **look)


def icon_choice(chosen: rx.Var[str], problems: Problems) -> rx.Component:
    """The signs a specialty may have, one of them chosen."""
    return rx.el.fieldset(
        rx.el.legend(t("Sign"), class_name="legend-text"),
        rx.el.div(*[_icon(name, chosen) for name in SPECIALTY_ICONS], class_name="signs"),
        rx.el.span(problems["icon"], class_name="problem", role="alert"),
    )


def _icon(name: str, chosen: rx.Var[str]) -> rx.Component:
    return rx.el.label(
        rx.el.input(type="radio", name="icon", value=name, default_checked=chosen == name),
        specialty_icon(rx.Var.create(name)),
        rx.el.span(t(ICON_NAMES[name]), class_name="visually-hidden"),
        title=t(ICON_NAMES[name]),
        class_name="sign",
    )
