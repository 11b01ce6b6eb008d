"""My appointment: confirm, move, cancel, ask for something earlier."""

import reflex as rx

from medcal import routes
from medcal.components.appointment import appointment_card, status_badge
from medcal.components.consent import consent_words
from medcal.components.dialogs import actions, confirm_dialog, dialog
from medcal.components.fields import area_field
from medcal.components.native_form import native_form
from medcal.components.notices import notice_page
from medcal.components.times import day_list, nothing_free, pager
from medcal.components.ui import button, callout, link_button, skeleton_rows
from medcal.components.wish import open_offer, place_in_line, wish_fields
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.appointment import AppointmentState, CancelState, MoveState, WishState
from medcal.state.consent import ConsentState
from medcal.viewmodels.patient import AppointmentCard
from medcal.viewmodels.wish import WishCard


def page() -> rx.Component:
    return framed(
        rx.cond(
            AppointmentState.is_loaded,
            rx.cond(
                AppointmentState.has_any,
                _appointments(),
                rx.cond(AppointmentState.wishes.length() > 0, _wishes_alone(), _nothing()),
            ),
            rx.el.div(rx.el.h1(t("My appointment")), skeleton_rows(4), class_name="stack"),
        ),
        _move_dialog(),
        _cancel_dialog(),
        _wish_dialog(),
        narrow=True,
    )


def _nothing() -> rx.Component:
    return notice_page(
        "lost",
        t("We do not know this browser yet"),
        rx.el.p(
            t(
                "Open the link in your confirmation or reminder. Or let us send a code to the address that you booked with."
            )
        ),
        link_button(t("Send me a code"), href=routes.to(routes.FIND_APPOINTMENT), icon="key-round"),
    )


def _appointments() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("My appointment")),
        appointment_card(AppointmentState.current, _what_can_be_done(AppointmentState.current)),
        rx.cond(AppointmentState.wishes.length() > 0, _wishes()),
        rx.cond(AppointmentState.others.length() > 0, _others()),
        _about_the_browser(),
        class_name="stack section-gap",
    )


def _about_the_browser() -> rx.Component:
    return rx.el.div(
        link_button(t("Your data"), href=routes.to(routes.YOUR_DATA), kind="quiet", icon="file-text"),
        native_form(
            button(t("Forget me on this device"), kind="quiet", icon="log-out", type="submit"),
            action="/api/appointment/leave",
        ),
        class_name="row",
    )


def _wishes_alone() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("You have no appointment yet")), _wishes(), _about_the_browser(), class_name="stack section-gap"
    )


def _what_can_be_done(card: rx.Var[AppointmentCard]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            card.can_confirm,
            button(t("I will come"), icon="check", on_click=AppointmentState.confirm_coming(card.ref)),
        ),
        rx.cond(card.can_change, _changes(card), _too_late(card)),
        class_name="stack",
    )


def _changes(card: rx.Var[AppointmentCard]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            button(t("Move"), kind="secondary", icon="calendar-sync", on_click=MoveState.open(card.ref)),
            rx.cond(
                card.wish.is_listed,
                button(
                    t("Change my wish for something earlier"),
                    kind="secondary",
                    icon="hourglass",
                    on_click=WishState.open(card.ref),
                ),
                button(
                    t("Ask for something earlier"),
                    kind="secondary",
                    icon="hourglass",
                    on_click=WishState.open(card.ref),
                ),
            ),
            button(t("Cancel it"), kind="danger", icon="calendar-x", on_click=CancelState.open(card.ref)),
            class_name="row",
        ),
        rx.cond(card.wish.is_listed, _waiting(card)),
        rx.el.p(t("You can change this appointment here until"), " ", card.deadline, ".", class_name="small soft"),
        class_name="stack",
    )


def _waiting(card: rx.Var[AppointmentCard]) -> rx.Component:
    is_paused = card.wish.status == "paused"
    return rx.el.div(
        open_offer(card.wish),
        callout(
            rx.el.strong(
                rx.cond(
                    is_paused, t("Do you still want an earlier time?"), t("You are on the list for something earlier")
                )
            ),
            place_in_line(card.wish),
            rx.el.p(t("You asked for:"), " ", card.wish.limits, class_name="small soft"),
            rx.el.div(
                rx.cond(
                    is_paused,
                    button(t("Keep me on the list"), small=True, on_click=AppointmentState.keep_wish(card.ref)),
                ),
                button(
                    t("Stop asking me"), kind="quiet", small=True, on_click=AppointmentState.leave_waitlist(card.ref)
                ),
                class_name="row",
            ),
        ),
        class_name="stack-tight",
    )


def _too_late(card: rx.Var[AppointmentCard]) -> rx.Component:
    return rx.cond(
        (card.status == "booked") & ~card.is_over,
        callout(
            rx.el.p(
                t("It is too late to change this appointment here. Please call us:"),
                " ",
                rx.el.strong(card.place.phone),
            ),
            tone="warning",
        ),
    )


def _others() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Your other appointments")),
        rx.el.div(rx.foreach(AppointmentState.others, _other), class_name="stack-tight"),
        class_name="stack",
    )


def _wishes() -> rx.Component:
    """What she waits for without an appointment."""
    return rx.el.section(
        rx.el.h2(t("You are on the list for something earlier")),
        rx.foreach(AppointmentState.wishes, _wish),
        class_name="stack",
    )


def _wish(wish: rx.Var[WishCard]) -> rx.Component:
    return rx.el.div(
        rx.el.div(rx.el.strong(wish.visit), place_in_line(wish)),
        link_button(t("See my wish"), href=routes.to(routes.WISH), kind="quiet", small=True),
        class_name="card-flat row-apart",
    )


def _other(card: rx.Var[AppointmentCard]) -> rx.Component:
    return rx.el.div(
        rx.el.div(rx.el.strong(card.when), rx.el.p(card.doctor, " · ", card.patient, class_name="small soft")),
        rx.el.div(
            status_badge(card),
            button(t("Show"), kind="quiet", small=True, on_click=AppointmentState.choose(card.ref)),
            class_name="row",
        ),
        class_name="card-flat row-apart",
    )


def _move_dialog() -> rx.Component:
    return dialog(
        rx.el.p(t("You keep your present time until you have chosen a new one."), id="move-times", tab_index=-1),
        rx.cond(MoveState.problem != "", callout(MoveState.problem, tone="danger", role="alert")),
        rx.cond(
            MoveState.has_times,
            day_list(MoveState.days, lambda day, hour: MoveState.move(day.doctor, hour["starts_at"])),
            rx.cond(
                MoveState.problem == "",
                nothing_free(MoveState.first_free, MoveState.show_first, top="move-times"),
            ),
        ),
        pager(
            has_earlier=MoveState.has_earlier,
            has_later=MoveState.has_later,
            on_earlier=MoveState.show_earlier,
            on_later=MoveState.show_later,
            top="move-times",
        ),
        is_open=MoveState.is_open,
        on_close=MoveState.close,
        title=t("Move to another time"),
        wide=True,
    )


def _cancel_dialog() -> rx.Component:
    return confirm_dialog(
        rx.el.p(t("The time is given to somebody else at once. This cannot be undone.")),
        area_field(
            "cancel_reason",
            t("Would you like to tell us why? (optional)"),
            problems=CancelState.problems,
            max_length=300,
            on_blur=CancelState.set_reason,
        ),
        is_open=CancelState.is_open,
        on_close=CancelState.close,
        title=t("Cancel this appointment?"),
        confirm=t("Cancel the appointment"),
        on_confirm=CancelState.confirm,
        keep=t("Keep it"),
    )


def _wish_dialog() -> rx.Component:
    return dialog(
        rx.el.p(
            t("When somebody cancels, we hold the time for you and ask. You keep your appointment until you say yes.")
        ),
        rx.el.form(
            wish_fields(WishState.problems),
            consent_words(ConsentState.waitlist),
            actions(
                button(t("Close"), kind="secondary", on_click=WishState.close),
                button(t("Put me on the list"), type="submit"),
            ),
            on_submit=WishState.join,
            class_name="stack",
        ),
        is_open=WishState.is_open,
        on_close=WishState.close,
        title=t("Something earlier"),
    )
