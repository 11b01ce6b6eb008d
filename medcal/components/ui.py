"""The small parts: buttons, badges, callouts, skeletons, facts, and the countdown."""

from typing import Any

import reflex as rx
from reflex_components_core.el.elements.inline import A

from medcal.i18n import t

Text = str | rx.Var[str]


def button(*content: Any, kind: str = "primary", icon: str = "", small: bool = False, **props: Any) -> rx.Component:
    """A button of the page: kind is primary, secondary, quiet or danger. It submits nothing unless type="submit" says so."""
    props.setdefault("type", "button")
    return rx.el.button(*_with_icon(icon, content), class_name=_button_class(kind, small), **props)


def link_button(
    *content: Any, href: Text, kind: str = "primary", icon: str = "", small: bool = False, **props: Any
) -> rx.Component:
    """A link that looks like a button."""
    return link(*_with_icon(icon, content), href=href, class_name=_button_class(kind, small), **props)


def link(*content: Any, href: Text, **props: Any) -> rx.Component:
    """A link to a page of the app, followed without loading the document anew."""
    return RouterLink.create(*content, to=href, **props)


def plain_link(*content: Any, href: Text, **props: Any) -> rx.Component:
    """A link that the browser follows by itself: to a file, or to a place on the same page. rx.el.a would ask the router."""
    return A.create(*content, href=href, **props)


def _button_class(kind: str, small: bool) -> str:
    return f"button button-{kind}{' button-small' if small else ''}"


def _with_icon(icon: str, content: tuple[Any, ...]) -> tuple[Any, ...]:
    """The sign before the words; what leads on points away from them."""
    if not icon:
        return content
    sign = rx.icon(icon, aria_hidden="true")
    return (*content, sign) if icon == "chevron-right" else (sign, *content)


def icon_button(icon: str, label: Text, **props: Any) -> rx.Component:
    """A button that shows a sign; its name is said to those who do not see it."""
    return rx.el.button(
        rx.icon(icon, aria_hidden="true"),
        aria_label=label,
        title=label,
        class_name="icon-button",
        **{"type": "button", **props},
    )


def badge(*content: Any, tone: Text = "", icon: str = "") -> rx.Component:
    """A short fact in a pill. The tone colours it; what it means stands in words."""
    name = (
        rx.Var.create("badge badge-") + tone if isinstance(tone, rx.Var) else f"badge badge-{tone}" if tone else "badge"
    )
    return rx.el.span(*_with_icon(icon, content), class_name=name)


_CALLOUT_ICONS = {"": "info", "warning": "clock-alert", "danger": "circle-alert", "good": "circle-check"}


def callout(*content: Any, tone: str = "", **props: Any) -> rx.Component:
    """A notice that stands out: "" informs, warning, danger, good."""
    return rx.el.div(
        rx.icon(_CALLOUT_ICONS[tone], aria_hidden="true"),
        rx.el.div(*content, class_name="stack-tight"),
        class_name=f"callout callout-{tone}" if tone else "callout",
        **props,
    )


def skeleton(*, height: str = "1.2rem", width: str = "100%") -> rx.Component:
    return rx.el.div(class_name="skeleton", style={"height": height, "width": width}, aria_hidden="true")


def skeleton_cards(count: int) -> rx.Component:
    """What stands where cards will be, so that nothing jumps when they come."""
    return rx.el.div(
        *[rx.el.div(class_name="skeleton skeleton-card", aria_hidden="true") for _ in range(count)],
        rx.el.span(t("Loading …"), class_name="visually-hidden", role="status"),
        class_name="grid",
    )


def skeleton_rows(count: int) -> rx.Component:
    return rx.el.div(
        *[skeleton(height="3.2rem") for _ in range(count)],
        rx.el.span(t("Loading …"), class_name="visually-hidden", role="status"),
        class_name="stack",
    )


def fact(icon: str, name: str, *content: Any) -> rx.Component:
    """One line of a summary: a sign, its name for screen readers, and what is so."""
    term = rx.el.dt(rx.icon(icon, aria_hidden="true"), rx.el.span(name, class_name="visually-hidden"))
    return rx.el.div(term, rx.el.dd(*content))


def facts(*lines: rx.Component) -> rx.Component:
    return rx.el.dl(*lines, class_name="facts")


class RouterLink(rx.Component):
    """React Router's own link: a real <a>, so it can be opened in a new tab, and a change of page without a reload."""

    library = "react-router"
    tag = "Link"
    to: rx.Var[str]


class Countdown(rx.NoSSRComponent):
    """Time that runs out, see countdown.jsx."""

    library = rx.asset("components/countdown.jsx").importable_path
    tag = "Countdown"
    until: rx.Var[str]
    before: rx.Var[str]
    after: rx.Var[str]
    five_minutes: rx.Var[str]
    one_minute: rx.Var[str]
    over: rx.Var[str]
    on_expire: rx.EventHandler[rx.event.no_args_event_spec]


def countdown(until: rx.Var[str], *, before: Text, after: Text = "", over: str, **events: Any) -> rx.Component:
    """A clock that counts down to an ISO instant; `before` and `after` stand around the time, `over` in its place at the end."""
    return Countdown.create(
        until=until,
        before=before,
        after=after,
        five_minutes=t("Five minutes left."),
        one_minute=t("One minute left."),
        over=over,
        **events,
    )
