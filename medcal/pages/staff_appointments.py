"""All appointments: search, filters, and a day to print."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, group_select, nothing_found, status_badge
from medcal.components.tables import pager
from medcal.components.ui import button, skeleton_rows
from medcal.i18n import t
from medcal.pages.appointment_dialog import appointment_dialog
from medcal.pages.staff_frame import staff_framed
from medcal.pages.undo_notice import undo_notice
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.staff_appointments import STATUSES, StaffAppointmentsState
from medcal.viewmodels.staff import STATUS_WORDS
from medcal.viewmodels.staff_lists import ListedAppointment


def page() -> rx.Component:
    state = StaffAppointmentsState
    return staff_framed(
        rx.el.div(
            rx.el.h1(t("Appointments")),
            button(t("Print the day"), kind="secondary", small=True, icon="printer", on_click=state.print_day),
            class_name="row-apart",
        ),
        _filters(),
        rx.cond(
            state.is_loaded,
            rx.cond(
                state.rows.length() > 0,
                _table(),
                nothing_found(t("No appointment fits. Try fewer words, or other days.")),
            ),
            skeleton_rows(8),
        ),
        _pager(),
        appointment_dialog(),
        undo_notice(),
        path=routes.STAFF_APPOINTMENTS,
    )


def _filters() -> rx.Component:
    state = StaffAppointmentsState
    statuses = [rx.el.option(t(STATUS_WORDS[status]), value=status) for status in STATUSES]
    return rx.el.div(
        filter_field(
            t("Patient, phone or code"),
            rx.el.input(
                type="search",
                default_value=state.words,
                on_change=state.search.debounce(250),
                auto_complete="off",
                class_name="input input-compact",
            ),
        ),
        filter_field(t("From"), _day(state.first_day, state.choose_first_day)),
        filter_field(t("Until"), _day(state.last_day, state.choose_last_day)),
        filter_field(
            t("Status"),
            rx.el.select(
                rx.el.option(t("All"), value=""),
                *statuses,
                value=state.status,
                on_change=state.choose_status,
                class_name="input input-compact",
            ),
        ),
        rx.cond(
            state.filters.length() > 0,
            filter_field(
                t("Doctor"), group_select(t("Doctor"), state.filters, state.chosen, state.choose, empty=t("Everybody"))
            ),
        ),
        class_name="filters no-print",
        role="search",
    )


def _day(value: rx.Var[str], on_change: rx.EventHandler) -> rx.Component:
    return rx.el.input(type="date", value=value, on_change=on_change, class_name="input input-compact")


def _table() -> rx.Component:
    headings = (t("Time"), t("Patient"), t("Doctor"), t("Visit"), t("Status"), t("Code"))
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*[rx.el.th(heading, scope="col") for heading in headings])),
            rx.el.tbody(rx.foreach(StaffAppointmentsState.rows, _row)),
            class_name="table",
        ),
        class_name="table-wrap",
    )


def _row(row: rx.Var[ListedAppointment]) -> rx.Component:
    return rx.fragment(
        rx.cond(
            row.heading != "",
            rx.el.tr(rx.el.th(row.heading, col_span=6, scope="rowgroup"), class_name="table-day"),
        ),
        rx.el.tr(
            rx.el.td(row.time, class_name="numbers", custom_attrs={"data-label": t("Time")}),
            rx.el.td(
                rx.el.div(
                    rx.el.button(
                        row.patient, type="button", on_click=OpenAppointmentState.open(row.ref), class_name="row-button"
                    ),
                    rx.el.span(row.contact, class_name="small soft numbers"),
                    class_name="agenda-who",
                ),
                custom_attrs={"data-label": t("Patient")},
            ),
            rx.el.td(row.doctor, custom_attrs={"data-label": t("Doctor")}),
            rx.el.td(
                row.visit,
                rx.cond(row.is_overbooked, rx.el.span("2×", class_name="visit-over", title=t("Overbooked"))),
                custom_attrs={"data-label": t("Visit")},
            ),
            rx.el.td(status_badge(row.kind, row.status), custom_attrs={"data-label": t("Status")}),
            rx.el.td(row.code, class_name="small soft numbers", custom_attrs={"data-label": t("Code")}),
        ),
    )


def _pager() -> rx.Component:
    state = StaffAppointmentsState
    return pager(state.page, state.has_more, back=(t("Earlier"), state.turn(-1)), on=(t("Later"), state.turn(1)))
