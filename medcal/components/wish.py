"""A wish for something earlier: its limits as part of a form, and where its patient stands."""

import reflex as rx

from medcal import routes
from medcal.components.fields import Problems, fixed_select, text_field, tick
from medcal.components.ui import callout, link_button
from medcal.i18n import t, tn
from medcal.viewmodels.dates import weekday_name
from medcal.viewmodels.wish import WishCard


def wish_fields(problems: Problems) -> rx.Component:
    """Which doctor, which days, which hours, and how much notice."""
    return rx.el.div(
        fixed_select(
            "which_doctor",
            t("With whom?"),
            {"any": t("Any doctor of this specialty"), "this": t("Only with this doctor")},
            problems=problems,
        ),
        fixed_select(
            "notice_hours",
            t("How soon may it be?"),
            {str(hours): _notice(hours) for hours in (2, 4, 12, 24, 48, 72)},
            problems=problems,
            default_value="24",
        ),
        rx.el.fieldset(
            rx.el.legend(t("On which days?")),
            rx.el.div(
                *[tick(f"weekday_{day}", weekday_name(day), default_checked=True) for day in range(7)],
                class_name="ticks",
            ),
            rx.el.span(problems["weekday_0"], class_name="problem", role="alert"),
            class_name="field wide",
        ),
        text_field("opens", t("Not before"), problems=problems, type="time", default_value="08:00"),
        text_field("closes", t("Not after"), problems=problems, type="time", default_value="18:00"),
        class_name="fields pairs",
    )


def _notice(hours: int) -> str:
    if hours < 24:
        return tn("{count} hour ahead is enough", "{count} hours ahead are enough", hours)
    return tn("At least {count} day ahead", "At least {count} days ahead", hours // 24)


def place_in_line(card: rx.Var[WishCard]) -> rx.Component:
    """Where she stands in the line, and how often she was asked. Nothing of it for a wish that has ended."""
    return rx.cond(
        card.is_listed,
        rx.el.div(rx.el.p(card.place), rx.el.p(card.asked, class_name="soft"), class_name="stack-tight"),
    )


def open_offer(card: rx.Var[WishCard]) -> rx.Component:
    """A time is held for her right now: the way to it, where this browser may answer."""
    return rx.cond(
        card.has_offer,
        callout(
            rx.el.strong(t("A time is held for you right now.")),
            rx.cond(
                card.can_answer,
                link_button(t("See the offer and answer"), href=routes.to(routes.OFFER), small=True),
                rx.el.p(t("Please open the link in our message and answer.")),
            ),
            tone="warning",
        ),
    )
