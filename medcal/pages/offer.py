"""An earlier time that is held for somebody, and every way in which that ends. Opening the page changes nothing; a button does."""

from typing import Any

import reflex as rx

from medcal import routes
from medcal.components.notices import notice_page
from medcal.components.ui import button, callout, countdown, fact, facts, link_button, skeleton_rows
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.offer import OfferState


def page() -> rx.Component:
    return framed(
        # Always there, so that a screen reader says what came of the button even when the page becomes another.
        rx.el.p(OfferState.problem, role="alert", class_name="visually-hidden"),
        rx.cond(
            OfferState.is_loaded,
            rx.cond(OfferState.has_offer, rx.match(OfferState.offer.kind, *_endings(), _open()), _unknown()),
            rx.el.div(rx.el.h1(t("An earlier time for you")), skeleton_rows(3), class_name="stack"),
        ),
        narrow=True,
    )


# --- Held -------------------------------------------------------------------------------------------------------------


def _open() -> rx.Component:
    offer = OfferState.offer
    return rx.el.div(
        rx.el.h1(t("An earlier time for you")),
        countdown(
            offer.answer_until, before=offer.held_for, over=t("The answer time is over."), on_expire=OfferState.expire
        ),
        rx.cond(OfferState.problem != "", callout(OfferState.problem, tone="danger")),
        rx.el.article(
            rx.el.div(
                rx.el.img(src=offer.portrait, alt="", class_name="portrait", width="72", height="72"),
                rx.el.div(rx.el.h2(offer.when), rx.el.p(offer.doctor)),
                class_name="doctor-who",
            ),
            _facts(),
            rx.cond(
                offer.is_shared,
                callout(
                    rx.el.strong(t("Others are asked as well: the first answer has it.")),
                    rx.el.p(t("If somebody else is faster, you keep your place on the list.")),
                ),
            ),
            rx.el.div(
                button(t("Take this time"), icon="check", on_click=OfferState.accept),
                button(t("No, thank you"), kind="secondary", on_click=OfferState.decline),
                class_name="row",
            ),
            class_name="card stack",
        ),
        rx.el.p(_what_follows(), class_name="soft"),
        class_name="stack",
    )


def _facts() -> rx.Component:
    offer = OfferState.offer
    until = (t("Held for you until"), " ", offer.answer_until_label, " (", offer.place.zone, ")")
    return facts(
        fact("map-pin", t("Where"), offer.place.name, ", ", offer.place.street, ", ", offer.place.city),
        rx.cond(
            offer.instead_of != "",
            fact("calendar-sync", t("Instead of"), t("Instead of"), " ", offer.instead_of),
        ),
        fact("clock", t("Held until"), *until),
    )


def _what_follows() -> rx.Component:
    return rx.cond(
        OfferState.offer.instead_of != "",
        t(
            "If you take it, your present time is given to somebody else. If you decline or do not answer, nothing changes for you."
        ),
        t("If you take it, it is your appointment. If you decline or do not answer, you keep your place on the list."),
    )


# --- Ended ------------------------------------------------------------------------------------------------------------


def _endings() -> list[tuple[str, rx.Component]]:
    """A page for each kind of end, see viewmodels/offer.py."""
    return [
        ("accepted", _accepted()),
        ("changed", _changed()),
        (
            "declined",
            _ended("done", t("You have declined this time"), t("We ask again when something else opens.")),
        ),
        (
            "expired",
            _ended("expired", t("The answer time is over"), t("The time goes on to somebody else who waits.")),
        ),
        (
            "taken",
            _ended(
                "faster",
                t("Somebody else was faster"),
                t("A few people were asked at once, and somebody else answered first."),
            ),
        ),
        (
            "withdrawn",
            _ended("expired", t("This time is no longer free"), t("The clinic had to take it back. We are sorry.")),
        ),
        (
            "moved",
            _ended(
                "expired",
                t("This offer has ended"),
                t("You have moved your appointment since we asked, so the time goes on to somebody else."),
            ),
        ),
        (
            "left",
            _ended(
                "expired",
                t("This offer has ended"),
                t("You have left the list since we asked, so the time goes on to somebody else."),
            ),
        ),
        ("cancelled", _cancelled()),
    ]


def _accepted() -> rx.Component:
    return notice_page(
        "done",
        t("The earlier time is yours"),
        rx.el.p(rx.el.strong(OfferState.offer.when), rx.el.br(), OfferState.offer.doctor),
        _to_appointment(),
    )


def _changed() -> rx.Component:
    return notice_page(
        "done",
        t("You have answered already"),
        rx.el.p(t("You took this time, and your appointment has changed since.")),
        _to_appointment(),
    )


def _cancelled() -> rx.Component:
    return notice_page(
        "expired",
        t("This offer has ended"),
        rx.el.p(
            t(
                "The appointment that this time was meant to replace has been cancelled, so the time goes on to somebody else."
            )
        ),
        link_button(t("Find a new time"), href=routes.to(routes.HOME)),
    )


def _ended(picture: str, heading: str, sentence: str) -> rx.Component:
    """What became of the time, what stays as it was, and where she stands now."""
    offer = OfferState.offer
    return notice_page(
        picture,
        heading,
        rx.el.p(sentence),
        rx.cond(offer.kept != "", rx.el.p(rx.el.strong(offer.kept))),
        rx.cond(offer.line != "", rx.el.p(offer.line)),
        rx.el.div(
            rx.cond(
                offer.is_paused,
                link_button(t("Keep me on the list"), href=routes.to(routes.WISH)),
                rx.cond(offer.is_listed, link_button(t("See my wish"), href=routes.to(routes.WISH))),
            ),
            rx.cond(offer.instead_of != "", _to_appointment(kind="secondary")),
            class_name="row",
        ),
    )


def _to_appointment(**props: Any) -> rx.Component:
    """Her appointment, which the link to an offer does not show by itself."""
    return rx.cond(
        OfferState.offer.sees_appointment,
        link_button(t("To my appointment"), href=routes.to(routes.APPOINTMENT), **props),
        link_button(t("Find my appointment"), href=routes.to(routes.FIND_APPOINTMENT), **props),
    )


def _unknown() -> rx.Component:
    return notice_page(
        "link",
        t("There is no offer to show"),
        rx.el.p(t("Open the link in our message again, or ask for a code.")),
        link_button(t("Find my appointment"), href=routes.to(routes.FIND_APPOINTMENT)),
    )
