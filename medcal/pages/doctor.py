"""A doctor: who she is, and a fortnight of times that can really be booked."""

import reflex as rx

from medcal import routes
from medcal.components.layout import back_link
from medcal.components.people import doctor_head
from medcal.components.times import day_list, doctor_time_button, nothing_free, pager
from medcal.components.ui import skeleton, skeleton_rows
from medcal.i18n import t
from medcal.pages.frame import framed, nothing_here
from medcal.pages.taken import taken_dialog
from medcal.state.booking import BookingState
from medcal.state.browse import DoctorState
from medcal.state.clinic import ClinicState
from medcal.viewmodels.patient import DayOfTimes, HourButton, TimeButton, VisitChoice


def choose(time: rx.Var[TimeButton]) -> rx.event.EventSpec:
    return BookingState.choose(time.doctor, time.starts_at, DoctorState.visit_type)


def choose_hour(day: rx.Var[DayOfTimes], hour: rx.Var[HourButton]) -> rx.event.EventSpec:
    return BookingState.choose(day.doctor, hour["starts_at"], DoctorState.visit_type)


def page() -> rx.Component:
    return framed(
        rx.cond(
            DoctorState.is_missing,
            nothing_here(routes.to(routes.HOME)),
            rx.cond(DoctorState.is_loaded, _doctor(), _skeleton()),
        ),
        taken_dialog(DoctorState.reload),
    )


def _skeleton() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("Free times"), class_name="visually-hidden"),
        skeleton(height="2rem", width="12rem"),
        skeleton(height="9rem"),
        skeleton_rows(6),
        class_name="stack",
    )


def _doctor() -> rx.Component:
    return rx.el.div(
        back_link(DoctorState.doctor.specialty_name, DoctorState.doctor.specialty_href),
        doctor_head(DoctorState.doctor),
        rx.el.div(_times(), _anyone(), class_name="two"),
        class_name="stack section-gap",
    )


def _times() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Choose a time"), id="times", tab_index=-1),
        rx.cond(DoctorState.visit_types.length() > 1, _visit_types()),
        rx.el.p(
            rx.icon("map-pin", aria_hidden="true", class_name="inline"),
            ClinicState.place.name,
            " · ",
            ClinicState.place.zone,
            class_name="small soft",
        ),
        rx.cond(
            DoctorState.has_times,
            day_list(DoctorState.days, choose_hour),
            nothing_free(DoctorState.first_free, DoctorState.show_first, top="times"),
        ),
        pager(
            has_earlier=DoctorState.has_earlier,
            has_later=DoctorState.has_later,
            on_earlier=DoctorState.show_earlier,
            on_later=DoctorState.show_later,
            top="times",
        ),
        aria_labelledby="times",
        class_name="stack",
    )


def _visit_types() -> rx.Component:
    return rx.el.div(
        rx.foreach(DoctorState.visit_types, _visit_type),
        role="group",
        aria_label=t("What kind of visit?"),
        class_name="segments",
    )


def _visit_type(choice: rx.Var[VisitChoice]) -> rx.Component:
    return rx.el.button(
        choice.name,
        rx.el.span(" · ", choice.minutes, class_name="small"),
        type="button",
        aria_pressed=rx.cond(DoctorState.visit_type == choice.ref, "true", "false"),
        on_click=DoctorState.choose_visit_type(choice.ref),
        class_name="segment",
    )


def _anyone() -> rx.Component:
    return rx.cond(
        DoctorState.first.length() > 0,
        rx.el.aside(
            rx.el.h2(t("First available with anyone")),
            rx.el.p(t("The earliest times in this specialty, with any of our doctors."), class_name="small soft"),
            rx.el.div(
                rx.foreach(DoctorState.first, lambda time: doctor_time_button(time, choose)), class_name="stack-tight"
            ),
            class_name="card-flat stack",
        ),
    )
