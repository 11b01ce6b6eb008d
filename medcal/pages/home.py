"""The first page: what the clinic offers, and how booking goes."""

import reflex as rx

from medcal.components.notices import picture
from medcal.components.people import specialty_card
from medcal.components.ui import skeleton_cards
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.browse import HomeState


def page() -> rx.Component:
    return framed(
        rx.cond(
            HomeState.is_opening,
            _hero(
                t("We open soon"),
                t("Our calendar is just being set up. Please look in again soon, and book your time here."),
            ),
            _hero(
                t("Find the doctor you need"),
                t("Choose what it is about, take a free time, and you are done in a minute. You need no account."),
            ),
        ),
        rx.el.section(
            rx.el.h2(t("What is it about?"), id="specialties", class_name="visually-hidden"),
            rx.cond(
                HomeState.is_loaded,
                rx.cond(
                    HomeState.specialties.length() > 0,
                    rx.el.div(rx.foreach(HomeState.specialties, specialty_card), class_name="grid"),
                    rx.cond(HomeState.is_opening, rx.fragment(), _empty()),
                ),
                skeleton_cards(6),
            ),
            aria_labelledby="specialties",
        ),
        _how_it_works(),
    )


def _hero(title: str, text: str) -> rx.Component:
    return rx.el.div(rx.el.h1(title), rx.el.p(text, class_name="large soft"), class_name="hero")


def _empty() -> rx.Component:
    return rx.el.div(
        picture("empty"),
        rx.el.p(t("No specialty can be booked online at the moment. Please call us.")),
        class_name="message",
    )


def _how_it_works() -> rx.Component:
    steps = [
        (t("Take a time"), t("Every time you see is really free. The one you choose is held for you for ten minutes.")),
        (t("Say who is coming"), t("Name, date of birth, and how we reach you. You can also book for somebody else.")),
        (
            t("We remind you"),
            t("Three days and one day before. Confirm, move or cancel with one click, without a password."),
        ),
        (
            t("Sooner, if you like"),
            t("When somebody cancels, we hold the time for you and ask. You have two hours to answer."),
        ),
    ]
    return rx.el.section(
        rx.el.h2(t("How it works")),
        rx.el.ol(
            *[rx.el.li(rx.el.h3(title), rx.el.p(text, class_name="soft")) for title, text in steps], class_name="steps"
        ),
        class_name="stack section",
    )
