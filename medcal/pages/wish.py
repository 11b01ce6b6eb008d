"""Something earlier: where she stands on the list, staying on it, leaving it. Opening the page changes nothing; buttons do."""

import reflex as rx

from medcal import routes
from medcal.components.dialogs import confirm_dialog
from medcal.components.notices import notice_page
from medcal.components.ui import button, fact, facts, link_button, skeleton_rows
from medcal.components.wish import open_offer, place_in_line
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.wish import EarlierState
from medcal.viewmodels.wish import WishCard


def page() -> rx.Component:
    return framed(
        rx.cond(
            EarlierState.is_loaded,
            rx.el.div(
                rx.match(
                    EarlierState.current.status,
                    ("waiting", _waiting()),
                    ("paused", _paused()),
                    ("fulfilled", _fulfilled()),
                    ("withdrawn", _left()),
                    _unknown(),
                ),
                rx.cond(EarlierState.others.length() > 0, _others()),
                class_name="stack section-gap",
            ),
            rx.el.div(rx.el.h1(t("Something earlier")), skeleton_rows(3), class_name="stack"),
        ),
        _leave_dialog(),
        narrow=True,
    )


def _waiting() -> rx.Component:
    wish = EarlierState.current
    return rx.el.div(
        rx.el.h1(t("You are on the list for something earlier")),
        open_offer(wish),
        _card(wish, button(t("Take me off the list"), kind="danger", on_click=EarlierState.ask_to_leave(wish.ref))),
        _how_it_goes(),
        class_name="stack",
    )


def _paused() -> rx.Component:
    wish = EarlierState.current
    return rx.el.div(
        rx.el.h1(t("Do you still want an earlier time?")),
        _card(
            wish,
            button(t("Keep me on the list"), icon="check", on_click=EarlierState.keep(wish.ref)),
            button(t("Take me off the list"), kind="secondary", on_click=EarlierState.ask_to_leave(wish.ref)),
        ),
        rx.el.p(t("If you do nothing, nothing changes: we simply do not ask you."), class_name="soft"),
        class_name="stack",
    )


def _card(wish: rx.Var[WishCard], *buttons: rx.Component) -> rx.Component:
    return rx.el.article(
        place_in_line(wish),
        facts(
            fact("clipboard-list", t("What"), wish.visit),
            fact("hourglass", t("You asked for:"), wish.limits),
            rx.cond(
                wish.instead_of != "",
                fact("calendar-sync", t("Instead of"), t("Instead of"), " ", wish.instead_of),
                fact("calendar-sync", t("Instead of"), t("You have no appointment yet")),
            ),
        ),
        rx.el.div(*buttons, class_name="row"),
        class_name="card stack",
    )


def _how_it_goes() -> rx.Component:
    return rx.el.p(
        t(
            "When a time opens that fits, we hold it and ask, in this order: those whom the clinic has marked as urgent, then who has waited longest. If you decline, you keep your place."
        ),
        class_name="soft",
    )


def _fulfilled() -> rx.Component:
    return notice_page(
        "done",
        t("You have your earlier time"),
        rx.el.p(t("You took a time that we offered you, so you are no longer on the list.")),
        link_button(t("To my appointment"), href=routes.to(routes.APPOINTMENT)),
    )


def _left() -> rx.Component:
    return notice_page(
        "empty",
        t("You are no longer on the list"),
        rx.el.p(t("We will not offer you earlier times any more.")),
        rx.el.p(
            t("If you have an appointment, it stays as it is; there you can ask for something earlier again."),
            class_name="soft",
        ),
        rx.el.div(
            link_button(t("To my appointment"), href=routes.to(routes.APPOINTMENT)),
            link_button(t("Find a new time"), href=routes.to(routes.HOME), kind="secondary"),
            class_name="row",
        ),
    )


def _unknown() -> rx.Component:
    return notice_page(
        "link",
        t("There is no wish to show"),
        rx.el.p(t("Open the link in our message again, or ask for a code.")),
        link_button(t("Find my appointment"), href=routes.to(routes.FIND_APPOINTMENT)),
    )


def _others() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("What else you wait for")), rx.foreach(EarlierState.others, _other), class_name="stack"
    )


def _other(wish: rx.Var[WishCard]) -> rx.Component:
    is_paused = wish.status == "paused"
    return rx.el.article(
        rx.el.h3(wish.visit),
        place_in_line(wish),
        open_offer(wish),
        rx.el.p(wish.limits, class_name="small soft"),
        rx.el.div(
            rx.cond(is_paused, button(t("Keep me on the list"), small=True, on_click=EarlierState.keep(wish.ref))),
            button(t("Take me off the list"), kind="quiet", small=True, on_click=EarlierState.ask_to_leave(wish.ref)),
            class_name="row",
        ),
        class_name="card-flat stack-tight",
    )


def _leave_dialog() -> rx.Component:
    return confirm_dialog(
        rx.el.p(t("We will not ask you any more, and your place on the list is given up. Your appointment stays.")),
        is_open=EarlierState.asks_to_leave,
        on_close=EarlierState.stay,
        title=t("Leave the list?"),
        confirm=t("Take me off the list"),
        on_confirm=EarlierState.leave,
        keep=t("Stay on the list"),
    )
