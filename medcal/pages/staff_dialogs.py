"""The dialogs of the desk: one appointment, a new one, blocked time."""

from typing import Any

import reflex as rx

from medcal.components.desk import detail, detail_if, mail_link, phone_link, status_badge
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import select_field, text_field, tick
from medcal.components.ui import badge, button, callout, icon_button
from medcal.i18n import t
from medcal.state.block_time import BlockTimeState
from medcal.state.book_at_desk import BookAtDeskState
from medcal.state.open_appointment import OpenAppointmentState
from medcal.viewmodels.staff_appointment import BlockedTime, HistoryLine, PatientChoice

NO_PROBLEMS = rx.Var.create({}).to(dict[str, str])


def overbook_fields(problems: Any) -> rx.Component:
    """Offered after a refusal only: nobody overbooks by accident."""
    return rx.el.div(
        tick("overbook", t("Book it all the same")),
        text_field(
            "overbook_reason",
            t("Why?"),
            problems=problems,
            hint=t("Kept with the appointment under your name, and shown in the calendar."),
            max_length=200,
        ),
        class_name="stack-tight overbook",
    )


# --- One appointment --------------------------------------------------------------------------------------------------


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
            class_name="details",
        ),
        _steps(),
        _changes(),
        rx.el.details(
            rx.el.summary(t("History")),
            rx.el.ol(rx.foreach(sheet.history, _history_line), class_name="history"),
        ),
        class_name="stack",
    )


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
                sheet.can_mark_no_show, button(t("No-show"), kind="secondary", icon="user-x", on_click=state.mark_no_show)
            ),
            rx.cond(
                sheet.can_undo_no_show,
                button(t("Came after all"), kind="secondary", icon="undo-2", on_click=state.undo_no_show),
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
            rx.cond(sheet.can_move, button(t("Move"), kind="quiet", icon="calendar-clock", on_click=state.start_moving)),
            rx.cond(sheet.can_wait, earlier),
            rx.cond(sheet.can_cancel, button(t("Cancel it"), kind="quiet", icon="calendar-x", on_click=state.start_cancelling)),
            class_name="row changes",
        ),
    )


def _history_line(line: rx.Var[HistoryLine]) -> rx.Component:
    return rx.el.li(rx.el.span(line.at, class_name="small soft numbers"), rx.el.span(line.text))


def _move_form() -> rx.Component:
    sheet, state = OpenAppointmentState.sheet, OpenAppointmentState
    return rx.el.form(
        rx.el.p(t("Now: {when}", when=sheet.when)),
        _problem(state.problem),
        rx.el.div(
            select_field("doctor", t("Doctor"), sheet.doctors, problems=NO_PROBLEMS, default_value=sheet.doctor_ref, class_name="wide"),
            text_field("day", t("Day"), problems=NO_PROBLEMS, type="date", default_value=sheet.day, required=True),
            text_field("time", t("Time"), problems=NO_PROBLEMS, type="time", step="300", default_value=sheet.time, required=True),
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
        rx.el.p(t("The patient is told. The time is free at once, and offered to those who wait for something earlier."), class_name="soft"),
        _problem(state.problem),
        text_field("reason", t("Reason (optional)"), problems=NO_PROBLEMS, hint=t("Stays here; the patient does not see it."), max_length=300),
        actions(
            button(t("Keep it"), kind="secondary", on_click=state.go_back),
            button(t("Cancel the appointment"), kind="danger", type="submit"),
        ),
        on_submit=state.cancel,
        class_name="stack",
    )


def _problem(sentence: rx.Var[str]) -> rx.Component:
    return rx.cond(sentence != "", callout(rx.el.p(sentence), tone="danger", role="alert"))


# --- A new appointment ------------------------------------------------------------------------------------------------


def booking_dialog() -> rx.Component:
    """Book for a patient: where and when, what, and for whom."""
    state = BookAtDeskState
    return dialog(
        rx.el.form(
            _problem(state.problem),
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
                text_field("day", t("Day"), problems=state.problems, type="date", default_value=state.place.day, required=True),
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
        rx.el.div(rx.el.strong(state.patient.name), rx.el.span(state.patient.detail, class_name="small soft"), class_name="agenda-who"),
        icon_button("x", t("Choose somebody else"), on_click=state.choose_again),
        class_name="chosen",
    )


def _search() -> rx.Component:
    state = BookAtDeskState
    return rx.el.div(
        rx.el.input(
            type="search",
            placeholder=t("Name, phone or e-mail"),
            aria_label=t("Find a patient by name, phone or e-mail"),
            on_change=state.search.debounce(200),
            auto_complete="off",
            auto_focus=True,
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


def person_fields(problems: Any) -> rx.Component:
    """Who somebody new is and how to reach her."""
    return rx.fragment(
        text_field("name", t("Name"), problems=problems, auto_complete="off", required=True, max_length=120),
        text_field("born_on", t("Date of birth"), problems=problems, type="date", required=True),
        text_field("phone", t("Phone"), problems=problems, type="tel", auto_complete="off", max_length=40),
        text_field("email", t("E-mail"), problems=problems, type="email", auto_complete="off", max_length=200),
    )


# --- Blocked time -----------------------------------------------------------------------------------------------------


def block_dialog() -> rx.Component:
    """Take time out of what can be booked, and see what is taken out already."""
    state = BlockTimeState
    return dialog(
        rx.el.form(
            rx.el.div(
                select_field(
                    "doctor",
                    t("Doctor"),
                    state.doctors,
                    problems=state.problems,
                    value=state.doctor,
                    on_change=state.choose_doctor,
                    class_name="wide",
                ),
                text_field("from_day", t("From"), problems=state.problems, type="date", default_value=state.from_day, required=True),
                text_field("from_time", t("Time"), problems=state.problems, type="time", step="300", default_value=state.from_time, required=True),
                text_field("until_day", t("Until"), problems=state.problems, type="date", default_value=state.until_day, required=True),
                text_field("until_time", t("Time"), problems=state.problems, type="time", step="300", default_value=state.until_time, required=True),
                class_name="fields pairs",
            ),
            rx.el.span(state.problems["ends"], class_name="problem", role="alert"),
            text_field("reason", t("What for?"), problems=state.problems, hint=t("Shown to the staff only."), max_length=120),
            actions(
                button(t("Close"), kind="secondary", on_click=state.set_open(False)),
                button(t("Block the time"), type="submit", icon="ban"),
            ),
            on_submit=state.block,
            class_name="stack",
        ),
        rx.cond(
            state.blocked.length() > 0,
            rx.el.section(
                rx.el.h3(t("Blocked already")),
                rx.el.ul(rx.foreach(state.blocked, _blocked), class_name="stack-tight"),
                class_name="stack-tight",
            ),
        ),
        is_open=state.is_open,
        on_close=state.set_open(False),
        title=t("Block time"),
    )


def _blocked(time: rx.Var[BlockedTime]) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.span(time.when), rx.el.span(time.reason, class_name="small soft"), class_name="agenda-who"),
        button(t("Give back"), kind="quiet", small=True, on_click=BlockTimeState.give_back(time.ref)),
        class_name="chosen",
    )
