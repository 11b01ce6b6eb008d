"""The frame of the patients' pages with what the clinic's state puts into it."""

from typing import Any

import reflex as rx

from medcal.components.layout import patient_page
from medcal.components.notices import notice_page
from medcal.components.ui import link_button
from medcal.i18n import t
from medcal.state.clinic import ClinicState


def framed(*content: Any, narrow: bool = False) -> rx.Component:
    return patient_page(*content, place=ClinicState.place, switch_to=ClinicState.switch_to, narrow=narrow)


def nothing_here(home: str) -> rx.Component:
    """What an unknown address shows, inside a page or as one."""
    return notice_page(
        "lost",
        t("There is nothing here"),
        rx.el.p(t("The address may be mistyped, or the page has moved. All our specialties are on the first page.")),
        link_button(t("To the first page"), href=home, icon="house"),
    )
