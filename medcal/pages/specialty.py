"""One specialty: the first free time with anyone, and its doctors."""

import reflex as rx

from medcal import routes
from medcal.components.layout import back_link
from medcal.components.people import doctor_card, specialty_icon
from medcal.components.times import doctor_time_button
from medcal.components.ui import skeleton, skeleton_rows
from medcal.i18n import t
from medcal.pages.frame import framed, nothing_here
from medcal.pages.taken import taken_dialog
from medcal.state.booking import BookingState
from medcal.state.browse import SpecialtyState
from medcal.viewmodels.patient import TimeButton


def choose(time: rx.Var[TimeButton]) -> rx.event.EventSpec:
    return BookingState.choose(time.doctor, time.starts_at, SpecialtyState.visit_type)


def page() -> rx.Component:
    return framed(
        rx.cond(SpecialtyState.is_missing, nothing_here(routes.to(routes.HOME)), _specialty()),
        taken_dialog(SpecialtyState.reload),
    )


def _specialty() -> rx.Component:
    return rx.el.div(
        back_link(t("All specialties"), routes.to(routes.HOME)),
        rx.el.div(
            specialty_icon(SpecialtyState.icon),
            rx.el.div(
                rx.el.h1(rx.cond(SpecialtyState.is_loaded, SpecialtyState.name, t("Doctors"))),
                rx.el.p(SpecialtyState.summary, class_name="soft"),
                class_name="stack-tight",
            ),
            class_name="doctor-who",
        ),
        rx.cond(
            SpecialtyState.is_loaded,
            _times_and_doctors(),
            rx.el.div(skeleton(height="5rem"), skeleton_rows(3), class_name="stack"),
        ),
        class_name="stack",
    )


def _times_and_doctors() -> rx.Component:
    return rx.el.div(
        rx.cond(
            SpecialtyState.first.length() > 0,
            rx.el.section(
                rx.el.h2(t("First available with anyone")),
                rx.el.div(
                    rx.foreach(SpecialtyState.first, lambda time: doctor_time_button(time, choose)), class_name="times"
                ),
                class_name="stack card-flat",
            ),
        ),
        rx.el.section(
            rx.el.h2(t("Choose your doctor")),
            rx.cond(
                SpecialtyState.doctors.length() > 0,
                rx.el.div(
                    rx.foreach(SpecialtyState.doctors, lambda doctor: doctor_card(doctor, choose)), class_name="stack"
                ),
                rx.el.p(t("No doctor of this specialty can be booked online at the moment. Please call us.")),
            ),
            class_name="stack",
        ),
        class_name="stack section-gap",
    )
