"""What the pages of settings share."""

import reflex as rx

from medcal import routes
from medcal.components.ui import link
from medcal.i18n import n_, t

SETTINGS = [
    (routes.STAFF_OFFER_RULES, n_("Offers")),
    (routes.STAFF_MESSAGE_RULES, n_("Messages")),
    (routes.STAFF_WORDS, n_("Words")),
]


def settings_nav(active: str) -> rx.Component:
    """From one page of settings to the others."""
    return rx.el.nav(
        *[_link(path, label, path == active) for path, label in SETTINGS],
        aria_label=t("Settings"),
        class_name="settings-nav no-print",
    )


def _link(path: str, label: str, is_active: bool) -> rx.Component:
    current = {"aria_current": "page"} if is_active else {}
    return link(t(label), href=routes.to(path), class_name="top-link", **current)
