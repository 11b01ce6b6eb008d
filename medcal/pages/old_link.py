"""A link that is too old: why, and the way on."""

import reflex as rx

from medcal import routes
from medcal.components.notices import notice_page
from medcal.components.ui import link_button
from medcal.i18n import t
from medcal.pages.frame import framed


def page() -> rx.Component:
    return framed(
        notice_page(
            "link",
            t("This link no longer works"),
            rx.el.p(t("It is too old, or it has been replaced by a newer message. Your appointment is not affected.")),
            rx.el.p(t("Let us send a code to the address that you booked with: it shows all your appointments.")),
            link_button(t("Find my appointment"), href=routes.to(routes.FIND_APPOINTMENT), icon="key-round"),
        ),
        narrow=True,
    )
