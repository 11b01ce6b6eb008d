"""The page of unknown addresses."""

import reflex as rx

from medcal import routes
from medcal.pages.frame import framed, nothing_here


def page() -> rx.Component:
    return framed(nothing_here(routes.to(routes.HOME)), narrow=True)
