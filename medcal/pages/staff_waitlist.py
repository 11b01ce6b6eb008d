"""Who waits for something earlier, in which order, and who is urgent or paused."""

import reflex as rx

from medcal import routes
from medcal.components.desk import nothing_found, person_fields
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import select_field, text_field, tick
from medcal.components.patient_data import data_part
from medcal.components.ui import badge, button, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import for_reception, staff_framed
from medcal.state.add_waiting import AddWaitingState
from medcal.state.patient_data import WaitingPatientState
from medcal.state.session import SessionState
from medcal.state.staff_waitlist import StaffWaitlistState
from medcal.viewmodels.dates import weekday_name
from medcal.viewmodels.staff_lists import WaitingRow


def page() -> rx.Component:
    return staff_framed(
        rx.el.div(
            rx.el.h1(t("Waitlist")),
            button(t("Add somebody"), small=True, icon="user-plus", on_click=AddWaitingState.open),
            class_name="row-apart page-head",
        ),
        for_reception(
            rx.cond(
                StaffWaitlistState.is_loaded,
                _waiting(),
                skeleton_rows(6),
            ),
        ),
        _add_dialog(),
        _data_dialog(),
        path=routes.STAFF_WAITLIST,
    )


# --- Who waits --------------------------------------------------------------------------------------------------------


def _waiting() -> rx.Component:
    headings = (
        t("Turn"),
        t("Patient"),
        t("Looks for"),
        t("Has"),
        t("Urgent"),
        rx.el.span(t("Action"), class_name="visually-hidden"),
    )
    return rx.el.section(
        rx.el.h2(t("Who is waiting"), id="waiting", class_name="visually-hidden"),
        rx.el.p(
            t(
                "Freed time is offered to the first who fits: urgent ones first, then who has waited longest. Nobody is asked twice for the same time."
            ),
            class_name="small soft",
        ),
        rx.cond(
            StaffWaitlistState.waiting.length() > 0,
            rx.el.div(
                rx.el.table(
                    rx.el.thead(rx.el.tr(*[rx.el.th(heading, scope="col") for heading in headings])),
                    rx.el.tbody(rx.foreach(StaffWaitlistState.waiting, _waiting_row)),
                    class_name="table",
                ),
                class_name="table-wrap",
            ),
            nothing_found(t("Nobody is waiting for something earlier.")),
        ),
        aria_labelledby="waiting",
        class_name="stack",
    )


def _waiting_row(row: rx.Var[WaitingRow]) -> rx.Component:
    state = StaffWaitlistState
    return rx.el.tr(
        rx.el.td(
            rx.el.div(
                rx.el.span(rx.cond(row.is_paused, "– ", row.place + ". "), row.specialty),
                rx.el.span(row.why, class_name="small soft"),
                rx.cond(row.is_paused, badge(t("Paused"), tone="held", icon="pause")),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Turn")},
        ),
        rx.el.td(
            rx.el.div(
                rx.el.strong(row.patient),
                rx.el.span(row.contact, class_name="small soft"),
                rx.cond(row.is_called, badge(t("By phone"), icon="phone")),
                rx.cond(row.has_offer, badge(t("Has an offer"), tone="offer", icon="gift")),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Patient")},
        ),
        rx.el.td(row.wish, custom_attrs={"data-label": t("Looks for")}),
        rx.el.td(
            rx.cond(row.own != "", row.own, rx.el.span(t("no appointment yet"), class_name="soft")),
            custom_attrs={"data-label": t("Has")},
        ),
        rx.el.td(
            rx.el.button(
                t("Urgent"),
                rx.el.span(" ", row.patient, class_name="visually-hidden"),
                type="button",
                aria_pressed=rx.cond(row.is_urgent, "true", "false"),
                on_click=state.set_urgent(row.ref, ~row.is_urgent),
                class_name="toggle",
            ),
            custom_attrs={"data-label": t("Urgent")},
        ),
        rx.el.td(
            rx.cond(
                row.is_paused,
                _step(t("Ask again"), row.patient, state.resume(row.ref)),
                _step(t("Pause"), row.patient, state.pause(row.ref)),
            ),
            _step(t("Remove"), row.patient, state.remove(row.ref)),
            _step(t("Data"), row.patient, WaitingPatientState.open(row.ref)),
        ),
    )


def _step(label: str, patient: rx.Var[str], on_click: rx.event.EventSpec) -> rx.Component:
    whose = rx.el.span(" ", patient, class_name="visually-hidden")
    return button(label, whose, kind="quiet", small=True, on_click=on_click)


def _data_dialog() -> rx.Component:
    """What she may ask for by law, also without an appointment."""
    state = WaitingPatientState
    return dialog(
        rx.el.p(t("The patient's data"), class_name="soft"),
        data_part(state, can_erase=SessionState.role == "admin", is_asking=state.asks),
        is_open=state.is_open,
        on_close=state.set_open(False),
        title=state.name,
    )


# --- Adding somebody --------------------------------------------------------------------------------------------------


def _add_dialog() -> rx.Component:
    state = AddWaitingState
    return dialog(
        rx.el.form(
            rx.el.div(
                person_fields(state.problems),
                select_field(
                    "specialty",
                    t("Specialty"),
                    state.specialties,
                    problems=state.problems,
                    value=state.specialty,
                    on_change=state.choose_specialty,
                ),
                select_field("visit_type", t("Visit"), state.visits, problems=state.problems),
                select_field(
                    "doctor", t("Doctor"), state.doctors, empty=t("Anyone"), problems=state.problems, class_name="wide"
                ),
                text_field(
                    "opens", t("Earliest time of day"), problems=state.problems, type="time", default_value="00:00"
                ),
                text_field(
                    "closes", t("Latest time of day"), problems=state.problems, type="time", default_value="23:59"
                ),
                class_name="fields pairs",
            ),
            rx.el.fieldset(
                rx.el.legend(t("On these days"), class_name="legend-text"),
                rx.el.div(
                    *[tick(f"weekday_{day}", weekday_name(day), default_checked=True) for day in range(7)],
                    class_name="ticks",
                ),
                rx.el.span(state.problems["weekday_0"], class_name="problem", role="alert"),
            ),
            text_field(
                "notice_hours",
                t("Hours of notice needed"),
                problems=state.problems,
                type="number",
                min="0",
                max="336",
                default_value="24",
            ),
            actions(
                button(t("Close"), kind="secondary", on_click=state.set_open(False)),
                button(t("Put on the list"), type="submit"),
            ),
            on_submit=state.add,
            class_name="stack",
        ),
        is_open=state.is_open,
        on_close=state.set_open(False),
        title=t("Put somebody on the waitlist"),
    )
