"""An earlier time that is held for somebody. Opening the page changes nothing; a button does."""

import reflex as rx

from medcal import routes
from medcal.components.notices import notice_page
from medcal.components.ui import button, callout, countdown, fact, facts, link_button, skeleton_rows
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.offer import OfferState


def page() -> rx.Component:
    return framed(
        rx.cond(
            OfferState.is_loaded,
            rx.cond(
                OfferState.has_offer,
                rx.match(
                    OfferState.offer.status,
                    ("open", _open()),
                    ("accepted", _accepted()),
                    (
                        "declined",
                        _ended(
                            t("You have declined this time"),
                            t(
                                "You keep your appointment and your place on the list. We ask again when something else opens."
                            ),
                        ),
                    ),
                    (
                        "withdrawn",
                        _ended(
                            t("This time is no longer free"),
                            t("The clinic needed it. You keep your appointment and your place on the list."),
                        ),
                    ),
                    _ended(
                        t("The answer time is over"),
                        t(
                            "The time has been offered to the next person. You keep your appointment and your place on the list."
                        ),
                    ),
                ),
                _unknown(),
            ),
            rx.el.div(rx.el.h1(t("An earlier time for you")), skeleton_rows(3), class_name="stack"),
        ),
        narrow=True,
    )


def _open() -> rx.Component:
    offer = OfferState.offer
    return rx.el.div(
        rx.el.h1(t("An earlier time for you")),
        countdown(
            offer.answer_until,
            before=t("Held for you for"),
            over=t("The answer time is over."),
            on_expire=OfferState.expire,
        ),
        rx.cond(OfferState.problem != "", callout(OfferState.problem, tone="danger", role="alert")),
        rx.el.article(
            rx.el.div(
                rx.el.img(src=offer.portrait, alt="", class_name="portrait", width="72", height="72"),
                rx.el.div(rx.el.h2(offer.when), rx.el.p(offer.doctor)),
                class_name="doctor-who",
            ),
            facts(
                fact("map-pin", t("Where"), offer.place.name, ", ", offer.place.street, ", ", offer.place.city),
                rx.cond(
                    offer.instead_of != "",
                    fact("calendar-sync", t("Instead of"), t("Instead of"), " ", offer.instead_of),
                ),
                fact(
                    "clock",
                    t("Held until"),
                    t("Held for you until"),
                    " ",
                    offer.answer_until_label,
                    " (",
                    offer.place.zone,
                    ")",
                ),
            ),
            rx.el.div(
                button(t("Take this time"), icon="check", on_click=OfferState.accept),
                button(t("No, thank you"), kind="secondary", on_click=OfferState.decline),
                class_name="row",
            ),
            class_name="card stack",
        ),
        rx.el.p(
            t(
                "If you take it, your present time is given to somebody else. If you decline or do not answer, nothing changes for you."
            ),
            class_name="soft",
        ),
        class_name="stack",
    )


def _accepted() -> rx.Component:
    return notice_page(
        "done",
        t("The earlier time is yours"),
        rx.el.p(OfferState.offer.when, ", ", OfferState.offer.doctor),
        link_button(t("To my appointment"), href=routes.to(routes.APPOINTMENT)),
    )


def _ended(heading: str, sentence: str) -> rx.Component:
    return notice_page(
        "expired",
        heading,
        rx.cond(OfferState.problem != "", callout(OfferState.problem, tone="warning", role="alert")),
        rx.el.p(sentence),
        link_button(t("To my appointment"), href=routes.to(routes.APPOINTMENT)),
    )


def _unknown() -> rx.Component:
    return notice_page(
        "link",
        t("There is no offer to show"),
        rx.el.p(t("Open the link in our message again, or ask for a code.")),
        link_button(t("Find my appointment"), href=routes.to(routes.FIND_APPOINTMENT)),
    )
