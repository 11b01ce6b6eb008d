"""The dialog of one appointment: what is known, what may be done; moving and cancelling ask inside of it."""

import reflex as rx

from medcal.components.desk import (
    detail,
    detail_if,
    mail_link,
    overbook_fields,
    phone_link,
    problem_callout,
    status_badge,
)
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import select_field, text_field
from medcal.components.patient_data import data_part
from medcal.components.ui import badge, button
from medcal.i18n import t
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.patient_data import PatientDataState
from medcal.state.session import SessionState
from medcal.state.staff_messages import StaffMessagesState
from medcal.viewmodels.staff_appointment import HistoryLine

NO_PROBLEMS = rx.Var.create({}).to(dict[str, str])


def appointment_dialog() -> rx.Component:
    """What is known about an appointment and what may be done; moving and cancelling ask inside the same dialog."""
    return dialog(
        rx.match(
            OpenAppointmentState.part,
            ("move", _move_form()),
            ("cancel", _cancel_form()),
            _sheet(),
        ),
        is_open=OpenAppointmentState.is_open,
        on_close=OpenAppointmentState.set_open(False),
        title=OpenAppointmentState.sheet.title,
    )


def _sheet() -> rx.Component:
    sheet = OpenAppointmentState.sheet
    return rx.el.div(
        rx.el.div(
            status_badge(sheet.kind, sheet.status),
            rx.cond(sheet.waits, badge(t("Waits for something earlier"), icon="hourglass")),
            rx.el.span(sheet.code, class_name="small soft numbers"),
            class_name="row",
        ),
        rx.el.p(sheet.when, class_name="large"),
        rx.el.dl(
            detail(t("With"), sheet.doctor),
            detail(t("Visit"), sheet.visit),
            detail_if(sheet.born, t("Born")),
            rx.cond(sheet.phone != "", detail(t("Phone"), phone_link(sheet.phone))),
            rx.cond(sheet.email != "", detail(t("E-mail"), mail_link(sheet.email))),
            detail_if(sheet.booker, t("Booked by")),
            detail_if(sheet.reason, t("Reason")),
            detail_if(sheet.request, t("Request")),
            detail_if(sheet.overbooked, t("Overbooked")),
            detail_if(sheet.confirmed, t("Confirmed")),
            detail_if(sheet.cancelled, t("Cancelled")),
            rx.cond(sheet.consent != "", detail(t("Agreed to"), _consent())),
            class_name="details",
        ),
        _undo(),
        _steps(),
        _changes(),
        _messages(),
        _data(),
        rx.el.details(
            rx.el.summary(t("History")),
            rx.el.ol(rx.foreach(sheet.history, _history_line), class_name="history"),
        ),
        class_name="stack",
    )


def _consent() -> rx.Component:
    """Which text was agreed to, and its words, also where they have changed since."""
    sheet = OpenAppointmentState.sheet
    return rx.el.details(rx.el.summary(sheet.consent), rx.el.p(sheet.consent_words, class_name="small as-typed"))


def _steps() -> rx.Component:
    """What happens to the visit on its day."""
    sheet, state = OpenAppointmentState.sheet, OpenAppointmentState
    has_any = sheet.can_check_in | sheet.can_finish | sheet.can_mark_no_show | sheet.can_undo_no_show
    return rx.cond(
        has_any,
        rx.el.div(
            rx.cond(sheet.can_check_in, button(t("Check in"), icon="door-open", on_click=state.check_in)),
            rx.cond(sheet.can_finish, button(t("Finish"), icon="check-check", on_click=state.finish)),
            rx.cond(
                sheet.can_mark_no_show,
                button(t("No-show"), kind="secondary", icon="user-x", on_click=state.mark_no_show),
            ),
            rx.cond(
                sheet.can_undo_no_show,
                button(t("Came after all"), kind="secondary", icon="undo-2", on_click=state.undo_no_show),
            ),
            class_name="row",
        ),
    )


def _undo() -> rx.Component:
    """What the desk did last, as long as the patient has not been told."""
    sheet, state = OpenAppointmentState.sheet, OpenAppointmentState
    was_cancelled = sheet.kind == "cancelled"
    return rx.cond(
        sheet.can_undo,
        rx.el.div(
            button(
                rx.cond(was_cancelled, t("Undo the cancellation"), t("Undo the move")),
                kind="secondary",
                icon="undo-2",
                on_click=state.take_back,
            ),
            class_name="row",
        ),
    )


def _changes() -> rx.Component:
    """What changes the appointment itself; the patient is told."""
    sheet, state = OpenAppointmentState.sheet, OpenAppointmentState
    earlier = rx.cond(
        sheet.waits,
        button(t("Stop looking for something earlier"), kind="quiet", icon="hourglass", on_click=state.stop_waiting),
        button(t("Look for something earlier"), kind="quiet", icon="hourglass", on_click=state.wait_for_earlier),
    )
    return rx.cond(
        sheet.can_move | sheet.can_cancel,
        rx.el.div(
            rx.cond(
                sheet.can_move, button(t("Move"), kind="quiet", icon="calendar-clock", on_click=state.start_moving)
            ),
            rx.cond(sheet.can_wait, earlier),
            rx.cond(
                sheet.can_cancel,
                button(t("Cancel it"), kind="quiet", icon="calendar-x", on_click=state.start_cancelling),
            ),
            class_name="row changes",
        ),
    )


def _messages() -> rx.Component:
    """The way to all that this patient was told; it is reception's."""
    sheet = OpenAppointmentState.sheet
    show = [OpenAppointmentState.set_open(False), StaffMessagesState.show_patient(sheet.patient_ref)]
    return rx.cond(
        (sheet.patient_ref != "") & (SessionState.role != "doctor"),
        rx.el.div(
            button(t("Messages of this patient"), kind="quiet", icon="mail", on_click=show), class_name="row changes"
        ),
    )


def _data() -> rx.Component:
    """What the patient may ask for by law: reception hands it over, admins erase."""
    state, sheet = PatientDataState, OpenAppointmentState.sheet
    return rx.cond(
        (sheet.patient_ref != "") & (SessionState.role != "doctor"),
        rx.el.details(
            rx.el.summary(t("The patient's data")),
            data_part(state, can_erase=SessionState.role == "admin", is_asking=state.asks_about == sheet.patient_ref),
        ),
    )


def _history_line(line: rx.Var[HistoryLine]) -> rx.Component:
    return rx.el.li(rx.el.span(line.at, class_name="small soft numbers"), rx.el.span(line.text))


def _move_form() -> rx.Component:
    sheet, state = OpenAppointmentState.sheet, OpenAppointmentState
    return rx.el.form(
        rx.el.p(t("Now: {when}", when=sheet.when)),
        problem_callout(state.problem),
        rx.el.div(
            select_field(
                "doctor",
                t("Doctor"),
                sheet.doctors,
                problems=NO_PROBLEMS,
                default_value=sheet.doctor_ref,
                class_name="wide",
            ),
            text_field("day", t("Day"), problems=NO_PROBLEMS, type="date", default_value=sheet.day, required=True),
            text_field(
                "time",
                t("Time"),
                problems=NO_PROBLEMS,
                type="time",
                step="300",
                default_value=sheet.time,
                required=True,
            ),
            class_name="fields pairs",
        ),
        rx.cond(state.needs_reason, overbook_fields(NO_PROBLEMS)),
        actions(
            button(t("Back"), kind="secondary", on_click=state.go_back),
            button(t("Move it"), type="submit"),
        ),
        on_submit=state.move,
        class_name="stack",
    )


def _cancel_form() -> rx.Component:
    sheet, state = OpenAppointmentState.sheet, OpenAppointmentState
    return rx.el.form(
        rx.el.p(t("Cancel the appointment on {when}?", when=sheet.when), class_name="large"),
        rx.el.p(
            t("The patient is told. The time is free at once, and offered to those who wait for something earlier."),
            class_name="soft",
        ),
        problem_callout(state.problem),
        text_field(
            "reason",
            t("Reason (optional)"),
            problems=NO_PROBLEMS,
            hint=t("Stays here; the patient does not see it."),
            max_length=300,
        ),
        actions(
            button(t("Keep it"), kind="secondary", on_click=state.go_back),
            button(t("Cancel the appointment"), kind="danger", type="submit"),
        ),
        on_submit=state.cancel,
        class_name="stack",
    )
