"""The frame around every page: header, footer, language, light and dark, and what is said when the connection is gone."""

import json
from collections.abc import Callable
from typing import Any

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from medcal import routes
from medcal.components.native_form import native_form
from medcal.components.ui import icon_button, link, plain_link
from medcal.i18n import DEFAULT, LANGUAGES, current_language, n_, t
from medcal.viewmodels.patient import Place

STYLESHEETS = ["/tokens.css", "/medcal.css", "/calendar.css"]


def head_components() -> list[rx.Component]:
    """What every document's head holds besides title and description."""
    return [
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(
            rel="preload",
            href="/fonts/atkinson-latin.woff2",
            custom_attrs={"as": "font"},
            type="font/woff2",
            cross_origin="anonymous",
        ),
        rx.el.meta(name="viewport", content="width=device-width, initial-scale=1"),
        rx.el.meta(name="theme-color", content="#0c5658"),
        # Reflex has one language for all documents; a page under /de is a German one (WCAG 3.1.1).
        rx.el.script(
            f"const first = location.pathname.split('/')[1]; "
            f"document.documentElement.lang = {_languages()}.includes(first) ? first : '{DEFAULT}'"
        ),
        # A page of our own for the moment when there is no connection.
        rx.el.script("if ('serviceWorker' in navigator) navigator.serviceWorker.register('/sw.js').catch(() => {})"),
    ]


def _languages() -> str:
    return json.dumps([code for code in LANGUAGES if code != DEFAULT])


def app_wraps() -> dict[tuple[int, str], Callable[[bool], rx.Component | None]]:
    """Around every page, instead of Reflex' own technical notices."""
    return {(5, "Overlay"): lambda stateful: offline_notice() if stateful else None}


def offline_notice() -> rx.Component:
    """Said when the server cannot be reached; goes by itself when it can. Both languages: it may come before the page knows its own."""
    sentences = [
        rx.el.span("You are offline. We will go on as soon as the connection is back.", lang="en"),
        rx.el.span("Sie sind offline. Sobald die Verbindung steht, geht es weiter.", lang="de"),
    ]
    return rx.cond(
        has_connection_errors,
        rx.el.div(
            rx.icon("wifi-off", aria_hidden="true"),
            rx.el.div(*sentences, class_name="stack-tight"),
            class_name="offline",
            role="status",
        ),
    )


def brand(href: str) -> rx.Component:
    return link(rx.el.img(src="/favicon.svg", alt="", width="32", height="32"), "Medcal", href=href, class_name="brand")


def theme_button() -> rx.Component:
    """Light or dark, kept in the browser."""
    return rx.el.button(
        rx.icon("sun-moon", aria_hidden="true"),
        aria_label=t("Light or dark"),
        title=t("Light or dark"),
        type="button",
        class_name="top-link",
        on_click=rx.toggle_color_mode,
    )


def language_link(switch_to: rx.Var[str] | str) -> rx.Component:
    """The same page in the other language, by its own name."""
    other = next(code for code in LANGUAGES if code != current_language())
    return rx.el.a(LANGUAGES[other], href=switch_to, lang=other, hreflang=other, class_name="top-link")


def patient_page(*content: Any, place: rx.Var[Place], switch_to: rx.Var[str], narrow: bool = False) -> rx.Component:
    """A page for patients: skip link, header, main, footer."""
    return rx.el.div(
        _skip_link(),
        rx.el.header(
            rx.el.div(
                brand(routes.to(routes.HOME)),
                rx.el.nav(
                    link(
                        rx.icon("calendar-heart", aria_hidden="true"),
                        rx.el.span(t("My appointment"), class_name="label"),
                        href=routes.to(routes.APPOINTMENT),
                        class_name="top-link",
                    ),
                    language_link(switch_to),
                    theme_button(),
                    class_name="top-links",
                    aria_label=t("Main"),
                ),
                class_name="inside",
            ),
            class_name="top",
        ),
        rx.el.main(*content, id="content", tab_index=-1, class_name="inside main narrow" if narrow else "inside main"),
        _footer(place),
        class_name="page",
        lang=current_language(),
    )


def _skip_link() -> rx.Component:
    return plain_link(t("Skip to the content"), href="#content", class_name="skip")


def _footer(place: rx.Var[Place]) -> rx.Component:
    return rx.el.footer(
        rx.el.div(
            rx.cond(place.name != "", rx.el.div(rx.el.h2(place.name), rx.el.p(place.street), rx.el.p(place.city))),
            rx.cond(
                place.phone != "",
                rx.el.div(
                    rx.el.h2(t("Rather talk to us?")),
                    rx.el.a(place.phone, href=rx.Var.create("tel:") + place.phone.replace(" ", "")),
                ),
            ),
            rx.el.div(
                rx.el.h2(t("About your data")),
                link(t("What we keep, and why"), href=routes.to(routes.PRIVACY)),
                rx.el.br(),
                link(t("For the staff"), href=routes.to(routes.SIGN_IN)),
            ),
            class_name="inside",
        ),
        class_name="bottom",
    )


STAFF_LINKS = [
    (routes.STAFF_CALENDAR, "calendar-days", n_("Calendar")),
    (routes.STAFF_APPOINTMENTS, "list", n_("Appointments")),
    (routes.STAFF_OFFERS, "gift", n_("Offers")),
    (routes.STAFF_WAITLIST, "hourglass", n_("Waitlist")),
    (routes.STAFF_MESSAGES, "mail", n_("Messages")),
    (routes.STAFF_STATISTICS, "chart-no-axes-column", n_("Statistics")),
    (routes.STAFF_CLINIC, "settings", n_("Settings")),
]


def staff_page(
    *content: Any, active: str, name: rx.Var[str], switch_to: rx.Var[str] | str, notice: rx.Component | None = None
) -> rx.Component:
    """A page for the staff: one row of tabs, who is signed in, and the way out."""
    return rx.el.div(
        _skip_link(),
        rx.el.header(
            rx.el.div(
                brand(routes.to(routes.STAFF_CALENDAR)),
                rx.el.nav(
                    *[_tab(path, icon, label, _leads_to(path, active)) for path, icon, label in STAFF_LINKS],
                    class_name="tabs",
                    aria_label=t("Main"),
                ),
                rx.el.div(
                    link(
                        rx.icon("circle-user-round", aria_hidden="true"),
                        rx.el.span(t("Your account"), class_name="visually-hidden"),
                        rx.el.span(name, class_name="small label"),
                        href=routes.to(routes.STAFF_ACCOUNT),
                        class_name="top-link",
                        **({"aria_current": "page"} if active == routes.STAFF_ACCOUNT else {}),
                    ),
                    language_link(switch_to),
                    theme_button(),
                    native_form(icon_button("log-out", t("Sign out"), type="submit"), action="/api/sign-out"),
                    class_name="top-links",
                ),
                class_name="inside",
            ),
            class_name="top",
        ),
        rx.el.main(*([notice] if notice else []), *content, id="content", tab_index=-1, class_name="main"),
        class_name="staff",
        lang=current_language(),
    )


def _leads_to(path: str, active: str) -> bool:
    """Whether a tab is the page's own, or that of all settings."""
    return path == active or (path == routes.STAFF_CLINIC and active.startswith(f"{routes.STAFF_SETTINGS}/"))


def _tab(path: str, icon: str, label: str, is_active: bool) -> rx.Component:
    current = {"aria_current": "page"} if is_active else {}
    return link(
        rx.icon(icon, aria_hidden="true"),
        rx.el.span(t(label), class_name="label"),
        href=routes.to(path),
        class_name="top-link",
        **current,
    )


def back_link(label: str | rx.Var[str], href: str | rx.Var[str]) -> rx.Component:
    return link(rx.icon("arrow-left", aria_hidden="true"), label, href=href, class_name="back no-print")
