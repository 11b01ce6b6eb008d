"""What somebody agrees to by sending a form, beside its button."""

import reflex as rx

from medcal import routes
from medcal.components.ui import link
from medcal.i18n import t


def consent_words(paragraphs: rx.Var[list[str]]) -> rx.Component:
    """The text, and the way to all that there is to know about it."""
    return rx.el.div(
        rx.foreach(paragraphs, lambda paragraph: rx.el.p(paragraph)),
        rx.el.p(link(t("What we keep, and why"), href=routes.to(routes.PRIVACY))),
        class_name="stack-tight small soft",
    )
