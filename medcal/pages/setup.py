"""The first steps of a new clinic, one after the other, into the calendar. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.notices import notice_page
from medcal.components.people import specialty_icon
from medcal.components.ui import button, link, link_button, skeleton_rows
from medcal.i18n import t
from medcal.pages.clinic_settings import clinic_form
from medcal.pages.doctors import doctor_sheet
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.doctors import DoctorsState
from medcal.state.setup import SetupState
from medcal.viewmodels.settings import DoctorRow, ReadyRow


def page() -> rx.Component:
    state = SetupState
    return staff_framed(
        rx.el.div(
            rx.el.h1(t("Set up your clinic")),
            rx.el.p(
                t("Three steps, and patients can book. Everything can be changed later under Settings."),
                class_name="soft",
            ),
            class_name="stack-tight page-head",
        ),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.el.div(
                    _steps(),
                    rx.match(state.step, (1, _clinic()), (2, _specialties()), (3, _doctors()), _end()),
                    class_name="stack",
                ),
                skeleton_rows(6),
            )
        ),
        path=routes.STAFF_SETUP,
    )


def _steps() -> rx.Component:
    state = SetupState
    done = (state.has_clinic, state.has_specialties, state.has_doctors)
    names = (t("The clinic"), t("Specialties and visits"), t("Doctors and hours"))
    return rx.el.ol(
        *[_step(number, name, is_done) for number, (name, is_done) in enumerate(zip(names, done, strict=True), 1)],
        class_name="stepper first-steps",
    )


def _step(number: int, name: str, is_done: rx.Var[bool]) -> rx.Component:
    state = SetupState
    return rx.el.li(
        button(
            f"{number}. {name}",
            rx.cond(is_done, rx.el.span(t(", done"), class_name="visually-hidden")),
            kind="quiet",
            small=True,
            on_click=state.go_to(number),
        ),
        aria_current=rx.cond(state.step == number, "step", "false"),
        class_name=rx.cond(is_done, "is-done", ""),
    )


def _clinic() -> rx.Component:
    return rx.el.section(rx.el.h2(t("Where is it, and how is it reached?")), clinic_form(), class_name="stack")


def _specialties() -> rx.Component:
    state = SetupState
    return rx.el.section(
        rx.el.h2(t("What do you treat?")),
        rx.el.p(t("These are ready made, with reasons and kinds of visit. Tick what fits."), class_name="soft"),
        ready_form(),
        rx.el.div(
            link(t("Something else? Write your own."), href=routes.to(routes.STAFF_SPECIALTIES)),
            rx.cond(state.has_specialties, button(t("Next"), kind="secondary", on_click=state.go_to(3))),
            class_name="row-apart",
        ),
        class_name="stack",
    )


def ready_form(*then: rx.EventHandler) -> rx.Component:
    """Ready-made specialties to tick; `then` is what happens when they are there."""
    state = SetupState
    return rx.el.form(
        rx.el.ul(rx.foreach(state.ready, _ready), class_name="grid ready"),
        rx.el.span(state.problem, class_name="problem", role="alert"),
        rx.cond(state.ready.length() > 0, rx.el.div(button(t("Take the ticked ones"), type="submit"))),
        on_submit=[state.take, *then],
        class_name="stack",
    )


def _ready(row: rx.Var[ReadyRow]) -> rx.Component:
    name = rx.Var.create("take_") + row.slug
    return rx.el.li(
        rx.el.label(
            rx.el.input(type="checkbox", name=name, id=name),
            specialty_icon(row.icon),
            rx.el.span(
                rx.el.strong(row.name), rx.el.span(row.summary, class_name="small soft"), class_name="agenda-who"
            ),
            html_for=name,
            class_name="card ready-card",
        ),
        key=row.slug,
    )


def _doctors() -> rx.Component:
    state = DoctorsState
    return rx.el.section(
        rx.el.h2(t("Who works here, and when?")),
        _doctors_there(),
        rx.cond(
            state.editing != "",
            doctor_sheet(in_setup=True),
            rx.el.div(button(t("Add a doctor"), icon="plus", on_click=state.add)),
        ),
        class_name="stack",
    )


def _doctors_there() -> rx.Component:
    state = DoctorsState
    return rx.cond(
        state.doctors.length() > 0,
        rx.el.ul(rx.foreach(state.doctors, _doctor), class_name="settings-rows card"),
    )


def _doctor(doctor: rx.Var[DoctorRow]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.strong(doctor.name),
            rx.el.span(doctor.specialty, class_name="small soft"),
            class_name="agenda-who",
        ),
        button(
            t("Edit"),
            rx.el.span(" ", doctor.name, class_name="visually-hidden"),
            kind="quiet",
            small=True,
            on_click=DoctorsState.edit(doctor.ref),
        ),
        key=doctor.ref,
    )


def _end() -> rx.Component:
    state = SetupState
    return notice_page(
        "done",
        t("Your clinic is open"),
        rx.el.p(t("Patients can book from now on. Reception and doctors get accounts of their own.")),
        rx.el.div(
            link_button(t("Open the calendar"), href=routes.to(routes.STAFF_CALENDAR), icon="calendar-days"),
            button(t("Add another doctor"), kind="secondary", on_click=[state.go_to(3), DoctorsState.add]),
            class_name="row",
        ),
        heading_level=2,
    )
