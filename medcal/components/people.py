"""Specialties and doctors as cards."""

import reflex as rx

from medcal.components.times import Press, day_time_button
from medcal.components.ui import link, link_button
from medcal.i18n import t
from medcal.theme import SPECIALTY_ICONS
from medcal.viewmodels.patient import DoctorCard, SpecialtyCard


def specialty_icon(name: rx.Var[str]) -> rx.Component:
    return rx.el.span(
        rx.match(name, *[(icon, rx.icon(icon)) for icon in SPECIALTY_ICONS], rx.icon("stethoscope")),
        class_name="emblem",
        aria_hidden="true",
    )


def specialty_card(card: rx.Var[SpecialtyCard]) -> rx.Component:
    return link(
        specialty_icon(card.icon),
        rx.el.h3(card.name),
        rx.el.p(card.summary, class_name="soft"),
        rx.cond(
            card.first != "",
            rx.el.p(
                rx.icon("clock", aria_hidden="true"),
                rx.el.span(t("First free time:"), " ", rx.el.span(card.first)),
                class_name="first",
            ),
            rx.el.p(t("No free time in the coming weeks"), class_name="small soft"),
        ),
        href=card.href,
        class_name="card specialty",
    )


def doctor_card(doctor: rx.Var[DoctorCard], on_press: Press) -> rx.Component:
    """A doctor with the next free times, each ready to press."""
    return rx.el.article(
        rx.el.div(
            rx.el.img(src=doctor.portrait, alt="", class_name="portrait", width="72", height="72"),
            rx.el.div(
                rx.el.h3(link(doctor.name, href=doctor.href)),
                rx.el.p(_profession(doctor)),
                rx.el.p(doctor.languages, class_name="small soft"),
            ),
            class_name="doctor-who",
        ),
        rx.el.div(
            rx.cond(
                doctor.next_times.length() > 0,
                rx.el.div(
                    rx.foreach(doctor.next_times, lambda time: day_time_button(time, on_press)), class_name="times"
                ),
                rx.el.p(t("No free time in the coming weeks"), class_name="soft"),
            ),
            link_button(t("All free times"), href=doctor.href, kind="quiet", small=True),
            class_name="stack-tight",
        ),
        class_name="card doctor",
    )


def _profession(doctor: rx.Var[DoctorCard]) -> rx.Component:
    return rx.fragment(
        doctor.specialty, rx.cond(doctor.qualification != "", rx.Var.create(" · ") + doctor.qualification, "")
    )


def doctor_head(doctor: rx.Var[DoctorCard]) -> rx.Component:
    """The top of a doctor's own page."""
    return rx.el.div(
        rx.el.img(src=doctor.portrait, alt="", class_name="portrait portrait-large", width="160", height="160"),
        rx.el.div(
            rx.el.h1(doctor.name),
            rx.el.p(_profession(doctor), class_name="large"),
            rx.el.p(doctor.about),
            rx.el.p(
                doctor.languages,
                rx.cond(doctor.experience != "", rx.Var.create(" · ") + doctor.experience, ""),
                class_name="small soft",
            ),
            class_name="stack-tight",
        ),
        class_name="profile",
    )
