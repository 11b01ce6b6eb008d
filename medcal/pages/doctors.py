"""The doctors of the clinic: the list, and the sheet of one with her hours. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.desk import nothing_found
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import area_field, select_field, text_field
from medcal.components.settings import row_button, settings_nav
from medcal.components.ui import badge, button, callout, link_button, skeleton_rows
from medcal.i18n import t
from medcal.pages.clinic_settings import closure_list
from medcal.pages.hours import hours_sheet
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.doctors import DoctorsState
from medcal.viewmodels.settings import DoctorRow


def page() -> rx.Component:
    state = DoctorsState
    return staff_framed(
        settings_nav(routes.STAFF_DOCTORS),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.cond(state.editing != "", doctor_sheet(), _list()),
                rx.fragment(rx.el.h1(t("Doctors"), class_name="page-head"), skeleton_rows(6)),
            ),
            leave_dialog(),
        ),
        path=routes.STAFF_DOCTORS,
    )


def _list() -> rx.Component:
    state = DoctorsState
    return rx.fragment(
        rx.el.div(
            rx.el.h1(t("Doctors")),
            button(t("Add a doctor"), icon="plus", small=True, on_click=state.add),
            class_name="row-apart page-head",
        ),
        rx.el.div(
            rx.cond(
                state.doctors.length() > 0,
                rx.el.ul(rx.foreach(state.doctors, doctor_row), class_name="settings-rows card"),
                nothing_found(t("No doctor yet.")),
            ),
            rx.el.section(
                rx.el.h2(t("Time off and closed days"), id="away"),
                closure_list(),
                rx.el.p(
                    t("Time off is entered in the calendar, closed days of the whole clinic under Clinic."),
                    class_name="small soft",
                ),
                aria_labelledby="away",
                class_name="card-flat stack",
            ),
            class_name="stack section-gap",
        ),
    )


def doctor_row(doctor: rx.Var[DoctorRow]) -> rx.Component:
    state = DoctorsState
    return rx.el.li(
        rx.el.div(
            rx.el.img(src=doctor.portrait, alt="", class_name="portrait portrait-small", width="44", height="44"),
            rx.el.div(
                rx.el.button(doctor.name, type="button", on_click=state.edit(doctor.ref), class_name="row-button"),
                rx.el.span(doctor.specialty, " · ", doctor.coming, class_name="small soft"),
                class_name="agenda-who",
            ),
            class_name="row settings-who",
        ),
        rx.el.div(
            rx.cond(~doctor.has_hours, badge(t("No hours yet"), tone="held")),
            rx.cond(doctor.is_active, rx.fragment(), badge(t("Out of use"))),
            row_button(t("Edit"), doctor.name, state.edit(doctor.ref)),
            _use_button(doctor),
            class_name="row settings-buttons",
        ),
        key=doctor.ref,
    )


def _use_button(doctor: rx.Var[DoctorRow]) -> rx.Component:
    state = DoctorsState
    return rx.cond(
        doctor.is_active,
        row_button(t("Take out of use"), doctor.name, state.ask_to_leave(doctor.ref)),
        row_button(t("Use again"), doctor.name, state.bring_back(doctor.ref)),
    )


def leave_dialog() -> rx.Component:
    """What it means that a doctor goes; a refusal says what is still in the way, and where."""
    state = DoctorsState
    return dialog(
        rx.el.p(
            t(
                "Patients no longer find this doctor, the free times go, and open offers of them end. Past appointments stay."
            )
        ),
        rx.cond(
            state.refusal != "",
            callout(
                rx.el.p(state.refusal),
                link_button(
                    t("To the appointments"), href=routes.to(routes.STAFF_APPOINTMENTS), kind="secondary", small=True
                ),
                tone="warning",
                role="alert",
            ),
        ),
        actions(
            button(t("Close"), kind="secondary", on_click=state.ask_to_leave("")),
            button(t("Take out of use"), kind="danger", on_click=state.take_out),
        ),
        is_open=state.leaving != "",
        on_close=state.ask_to_leave(""),
        title=t("Take this doctor out of use?"),
    )


# --- The sheet --------------------------------------------------------------------------------------------------------


def doctor_sheet(*, in_setup: bool = False) -> rx.Component:
    """Who she is, and as soon as that is saved, when she works."""
    state = DoctorsState
    return rx.el.div(
        rx.fragment() if in_setup else _head(),
        rx.el.div(_form(), rx.cond(state.editing != "new", hours_sheet()), class_name="stack section-gap"),
        class_name="stack",
    )


def _head() -> rx.Component:
    state = DoctorsState
    return rx.el.div(
        rx.el.button(
            rx.icon("arrow-left", aria_hidden="true"),
            t("All doctors"),
            type="button",
            on_click=state.close,
            class_name="button button-quiet button-small",
        ),
        rx.cond(
            state.editing == "new",
            rx.el.h1(t("A new doctor")),
            rx.el.div(
                rx.el.img(src=state.open_doctor.portrait, alt="", class_name="portrait", width="72", height="72"),
                rx.el.div(
                    rx.el.h1(state.open_doctor.name),
                    rx.cond(
                        state.open_doctor.is_active,
                        link_button(
                            t("The page that patients see"), href=state.open_doctor.href, kind="quiet", small=True
                        ),
                        badge(t("Out of use")),
                    ),
                    class_name="stack-tight",
                ),
                class_name="doctor-who",
            ),
        ),
        class_name="stack-tight page-head settings-head",
    )


def _form() -> rx.Component:
    state = DoctorsState
    return rx.el.form(
        rx.el.h2(t("Who it is")),
        rx.el.div(
            _line(
                "name",
                t("Name, with title"),
                hint=t("It also makes the address of the page, which stays."),
                max_length=120,
            ),
            select_field(
                "specialty",
                t("Specialty"),
                state.specialties,
                empty=t("Please choose"),
                problems=state.problems,
                hint=t("Where patients find this doctor."),
                default_value=state.fields["specialty"],
            ),
            rx.cond(
                (state.editing == "new") & (state.places.length() > 1),
                select_field("place", t("Location"), state.places, problems=state.problems, class_name="wide"),
            ),
            _line("qualification", t("Qualification"), max_length=200),
            _line("languages", t("Languages"), max_length=200),
            _line("practising_since", t("Practising since, year"), input_mode="numeric", max_length=4),
            class_name="fields pairs",
        ),
        area_field(
            "about",
            t("In a few words, for patients"),
            problems=state.problems,
            default_value=state.fields["about"],
            max_length=1000,
        ),
        rx.el.div(
            button(rx.cond(state.editing == "new", t("Save, and on to the hours"), t("Save the doctor")), type="submit")
        ),
        on_submit=state.save,
        no_validate=True,
        # Another doctor, or read anew: other fields.
        key=state.edition.to_string(),
        class_name="card stack settings-form",
    )


def _line(name: str, label: str, *, hint: str = "", **props: object) -> rx.Component:
    state = DoctorsState
    return text_field(
        name,
        label,
        problems=state.problems,
        hint=hint,
        default_value=state.fields[name],
        auto_complete="off",
        **props,
    )
