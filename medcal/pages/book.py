"""The form: the chosen time with its countdown, and who comes."""

import reflex as rx

from medcal import routes
from medcal.components.consent import consent_words
from medcal.components.fields import area_field, select_field, text_field, tick
from medcal.components.notices import notice_page
from medcal.components.proof import proof
from medcal.components.ui import button, callout, countdown, fact, facts, link_button, skeleton_rows
from medcal.components.wish import wish_fields
from medcal.i18n import t
from medcal.pages.frame import framed
from medcal.state.book_form import BookFormState
from medcal.state.booking import BookingState
from medcal.state.consent import ConsentState


def page() -> rx.Component:
    is_ready = BookingState.is_loaded & BookingState.has_hold
    return framed(
        # There all the time, if unseen: after a restart of the server the page is read anew, and what was typed must outlive that.
        rx.el.div(_booking(), hidden=~is_ready),
        rx.cond(
            BookingState.is_loaded,
            rx.cond(BookingState.has_hold, rx.fragment(), _nothing_held()),
            rx.el.div(rx.el.h1(t("Your details")), skeleton_rows(5), class_name="stack"),
        ),
    )


def _nothing_held() -> rx.Component:
    return notice_page(
        "expired",
        t("No time is being held for you"),
        rx.el.p(
            t(
                "A time is held for ten minutes while you fill in the form. Please choose one again; it takes only a moment."
            )
        ),
        link_button(t("Choose a time"), href=routes.to(routes.HOME), icon="calendar-search"),
    )


def _booking() -> rx.Component:
    return rx.el.div(
        _steps(),
        rx.el.h1(t("Your details")),
        # What is held, and for how long, is read before the form; a wide page has it on the right.
        rx.el.div(_summary(), _form(), class_name="two aside-first"),
        class_name="stack",
    )


def _steps() -> rx.Component:
    return rx.el.ol(
        rx.el.li(t("Time chosen"), class_name="is-done"),
        rx.el.li(t("Your details"), aria_current="step"),
        rx.el.li(t("Booked")),
        class_name="stepper",
    )


def _summary() -> rx.Component:
    hold = BookingState.hold
    return rx.el.aside(
        rx.cond(
            BookingState.is_expired,
            _expired(),
            countdown(
                hold.held_until,
                before=t("Held for you for"),
                over=t("The time has run out."),
                on_expire=BookingState.expire,
            ),
        ),
        rx.el.div(
            rx.el.div(
                rx.el.img(src=hold.portrait, alt="", class_name="portrait", width="72", height="72"),
                rx.el.div(rx.el.h2(hold.doctor), rx.el.p(hold.specialty, class_name="soft")),
                class_name="doctor-who",
            ),
            facts(
                fact(
                    "calendar-clock",
                    t("When"),
                    rx.el.strong(hold.when),
                    rx.el.br(),
                    rx.el.span(hold.place.zone, class_name="small soft"),
                ),
                fact("clipboard-list", t("What"), hold.visit),
                fact(
                    "map-pin",
                    t("Where"),
                    hold.place.name,
                    rx.el.br(),
                    rx.el.span(hold.place.street, ", ", hold.place.city, class_name="soft"),
                ),
            ),
            button(t("Choose another time"), kind="quiet", icon="undo-2", on_click=BookingState.let_go),
            class_name="card summary",
        ),
        class_name="stack",
    )


def _expired() -> rx.Component:
    return callout(
        rx.el.strong(t("Your hold has run out")),
        rx.el.p(t("What you typed is still here. If the time is still free, you can take it again.")),
        button(t("Hold this time again"), small=True, on_click=BookingState.hold_again),
        tone="warning",
        role="alert",
    )


def _form() -> rx.Component:
    return rx.el.form(
        rx.cond(BookingState.problem != "", callout(BookingState.problem, tone="danger", role="alert")),
        tick(
            "for_other",
            t("I am booking for somebody else, for example my child"),
            on_change=BookFormState.set_for_other,
        ),
        rx.el.input(type="hidden", name="doctor", value=BookingState.hold.doctor_slug),
        rx.el.input(type="hidden", name="starts_at", value=BookingState.hold.starts_at),
        rx.el.div(*_who_comes(), *_how_to_reach(), _request(), class_name="fields pairs"),
        _something_earlier(),
        _send(),
        on_submit=BookingState.confirm,
        class_name="stack",
        no_validate=True,
    )


def _who_comes() -> list[rx.Component]:
    problems = BookingState.problems
    name = {"problems": problems, "max_length": 120, "class_name": "wide"}
    return [
        text_field("name", t("Full name of the patient"), auto_complete="name", required=True, **name),
        text_field(
            "born_on",
            t("Date of birth"),
            problems=problems,
            type="date",
            auto_complete="bday",
            required=True,
            min="1900-01-01",
        ),
        select_field(
            "reason",
            t("Reason for the visit"),
            BookingState.hold.reasons,
            empty=t("Please choose"),
            problems=problems,
        ),
        rx.cond(BookFormState.for_other, text_field("booker_name", t("Your own name"), **name)),
    ]


def _how_to_reach() -> list[rx.Component]:
    problems = BookingState.problems
    by_mail, one_of_two = t("For the confirmation and the reminders."), t("One of the two is enough.")
    email = {"type": "email", "auto_complete": "email", "max_length": 200}
    phone = {"type": "tel", "auto_complete": "tel", "max_length": 40}
    return [
        text_field("email", t("E-mail"), problems=problems, hint=by_mail, **email),
        text_field("phone", t("Phone"), problems=problems, hint=one_of_two, **phone),
    ]


def _request() -> rx.Component:
    return area_field(
        "request",
        t("Anything we should know? (optional)"),
        problems=BookingState.problems,
        hint=t("For example a wheelchair, or an interpreter. Only the clinic reads this."),
        max_length=1000,
        class_name="wide",
    )


def _something_earlier() -> rx.Component:
    promise = t("When somebody cancels, we hold the time for you and ask. You keep this appointment until you say yes.")
    return rx.el.div(
        tick("earlier", t("Tell me if something earlier opens"), on_change=BookFormState.set_earlier),
        rx.cond(
            BookFormState.earlier,
            rx.el.div(
                rx.el.p(promise, class_name="small soft"),
                wish_fields(BookingState.problems),
                consent_words(ConsentState.waitlist),
                class_name="stack",
            ),
        ),
        class_name="card-flat stack",
    )


def _send() -> rx.Component:
    return rx.el.div(
        consent_words(ConsentState.booking),
        rx.el.div(
            button(t("Book this appointment"), type="submit", icon="check", disabled=BookingState.is_expired),
            proof(BookingState.challenge),
            class_name="row",
        ),
        class_name="stack",
    )
