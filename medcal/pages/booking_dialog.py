"""The dialog that books for a patient at the desk."""

import reflex as rx

from medcal.components.desk import overbook_fields, person_fields, problem_callout
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import select_field, text_field
from medcal.components.ui import button, icon_button
from medcal.i18n import t
from medcal.state.book_at_desk import BookAtDeskState
from medcal.viewmodels.staff_appointment import PatientChoice


def booking_dialog() -> rx.Component:
    """Book for a patient: where and when, what, and for whom."""
    state = BookAtDeskState
    return dialog(
        rx.el.form(
            problem_callout(state.problem),
            rx.el.div(
                # A controlled list: another doctor brings other kinds of visit.
                select_field(
                    "doctor",
                    t("Doctor"),
                    state.doctors,
                    problems=state.problems,
                    value=state.place.doctor_ref,
                    on_change=state.choose_doctor,
                    class_name="wide",
                ),
                text_field(
                    "day", t("Day"), problems=state.problems, type="date", default_value=state.place.day, required=True
                ),
                text_field(
                    "time",
                    t("Time"),
                    problems=state.problems,
                    type="time",
                    step="300",
                    default_value=state.place.time,
                    required=True,
                ),
                select_field("visit_type", t("Visit"), state.place.visits, problems=state.problems, class_name="wide"),
                class_name="fields pairs",
            ),
            _patient(),
            text_field("request", t("Request or note"), problems=state.problems, max_length=1000),
            rx.cond(state.needs_reason, overbook_fields(state.problems)),
            actions(
                button(t("Block this time instead"), kind="quiet", icon="ban", on_click=state.block_instead),
                button(t("Book"), type="submit", disabled=(state.patient.ref == "") & ~state.is_new),
            ),
            on_submit=state.book,
            class_name="stack",
        ),
        is_open=state.is_open,
        on_close=state.set_open(False),
        title=t("New appointment"),
    )


def _patient() -> rx.Component:
    """Somebody known, found by name, phone or e-mail; or somebody new."""
    state = BookAtDeskState
    return rx.el.fieldset(
        rx.el.legend(t("Patient"), class_name="legend-text"),
        rx.cond(
            state.patient.ref != "",
            _chosen_patient(),
            rx.cond(state.is_new, _new_patient(), _search()),
        ),
        class_name="stack-tight",
    )


def _chosen_patient() -> rx.Component:
    state = BookAtDeskState
    return rx.el.div(
        rx.el.div(
            rx.el.strong(state.patient.name),
            rx.el.span(state.patient.detail, class_name="small soft"),
            class_name="agenda-who",
        ),
        icon_button("x", t("Choose somebody else"), on_click=state.choose_again),
        class_name="chosen",
    )


def _search() -> rx.Component:
    state = BookAtDeskState
    return rx.el.div(
        rx.el.input(
            id="patient_search",
            name="patient_search",
            type="search",
            placeholder=t("Name, phone or e-mail"),
            aria_label=t("Find a patient by name, phone or e-mail"),
            on_change=state.search.debounce(200),
            auto_complete="off",
            class_name="input",
        ),
        rx.cond(state.found.length() > 0, rx.el.ul(rx.foreach(state.found, _found), class_name="found")),
        rx.cond(
            state.searched & (state.found.length() == 0),
            rx.el.p(t("Nobody found."), class_name="small soft", role="status"),
        ),
        button(t("Somebody new"), kind="secondary", small=True, icon="user-plus", on_click=state.add_new),
        class_name="stack-tight",
    )


def _found(patient: rx.Var[PatientChoice]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.strong(patient.name),
            rx.el.span(patient.detail, class_name="small soft"),
            type="button",
            on_click=BookAtDeskState.choose_patient(patient.ref),
        )
    )


def _new_patient() -> rx.Component:
    state = BookAtDeskState
    return rx.el.div(
        rx.el.div(person_fields(state.problems), class_name="fields pairs"),
        button(t("Look for somebody known"), kind="quiet", small=True, icon="search", on_click=state.choose_again),
        class_name="stack-tight",
    )
