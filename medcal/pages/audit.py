"""The history, for admins: who changed and who looked at what. Nothing here can change it."""

from collections.abc import Mapping

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, nothing_found, segments
from medcal.components.settings import settings_nav
from medcal.components.tables import pager, table
from medcal.components.ui import badge, button, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.audit import AuditState
from medcal.viewmodels.audit import ChangeLine, HistoryLine, choices_of
from medcal.viewmodels.audit_words import CHANGE_WORDS, LOOK_WORDS
from medcal.viewmodels.staff_appointment import PatientChoice


def page() -> rx.Component:
    state = AuditState
    return staff_framed(
        settings_nav(routes.STAFF_AUDIT),
        rx.el.div(
            rx.el.h1(t("History")),
            rx.cond(
                state.is_loaded,
                button(t("Take away as a file"), kind="secondary", small=True, icon="download", on_click=state.export),
            ),
            class_name="row-apart page-head",
        ),
        for_admins(
            rx.el.div(
                rx.el.p(
                    t(
                        "Who changed what, and who was shown what about patients. Nobody can change what stands here; looking at it is written down as well."
                    ),
                    class_name="small soft",
                ),
                _filters(),
                class_name="stack",
            ),
            rx.cond(
                state.is_loaded,
                rx.cond(state.page.lines.length() > 0, _table(), nothing_found(t("Nothing fits."))),
                skeleton_rows(8),
            ),
            _pager(),
        ),
        path=routes.STAFF_AUDIT,
    )


# --- What is asked for ------------------------------------------------------------------------------------------------


def _filters() -> rx.Component:
    state = AuditState
    parts = [("all", t("Everything")), ("changes", t("Changes")), ("looks", t("Looks"))]
    return rx.el.div(
        segments(t("What is shown"), parts, state.part, state.choose_part),
        rx.el.div(
            filter_field(t("Who"), _people()),
            filter_field(t("What"), _kinds()),
            filter_field(t("From"), _day(state.first_day, state.choose_first_day)),
            filter_field(t("Until"), _day(state.last_day, state.choose_last_day)),
            _patient(),
            class_name="filters",
            role="search",
        ),
        _found(),
        class_name="stack-tight no-print",
    )


def _people() -> rx.Component:
    state = AuditState
    return rx.el.select(
        rx.el.option(t("Everybody"), value=""),
        rx.foreach(state.page.people, lambda choice: rx.el.option(choice.label, value=choice.value)),
        value=state.who,
        on_change=state.choose_who,
        class_name="input input-compact",
    )


def _kinds() -> rx.Component:
    state = AuditState
    return rx.el.select(
        rx.el.option(t("All"), value=""),
        rx.cond(state.part != "looks", _kinds_of(t("Changes"), CHANGE_WORDS)),
        rx.cond(state.part != "changes", _kinds_of(t("Looks"), {str(seen): word for seen, word in LOOK_WORDS.items()})),
        value=state.what,
        on_change=state.choose_what,
        class_name="input input-compact",
    )


def _kinds_of(label: str, words: Mapping[str, str]) -> rx.Component:
    return rx.el.optgroup(*[rx.el.option(word, value=value) for value, word in choices_of(words)], label=label)


def _day(value: rx.Var[str], on_change: rx.EventHandler) -> rx.Component:
    return rx.el.input(type="date", value=value, on_change=on_change, class_name="input input-compact")


def _patient() -> rx.Component:
    """Whose history: looked for by name, then shown with a way back to everybody's."""
    state = AuditState
    search = rx.el.input(
        type="search",
        placeholder=t("Name, phone or e-mail"),
        on_change=state.search.debounce(250),
        auto_complete="off",
        class_name="input input-compact",
    )
    chosen = rx.el.div(
        rx.el.span(t("Patient"), class_name="hint"),
        button(state.patient.name, kind="secondary", small=True, icon="x", on_click=state.choose_everybody),
        class_name="filter",
    )
    return rx.cond(state.patient.ref != "", chosen, filter_field(t("Patient"), search))


def _found() -> rx.Component:
    state = AuditState
    return rx.fragment(
        rx.cond(state.found.length() > 0, rx.el.ul(rx.foreach(state.found, _found_patient), class_name="found")),
        rx.cond(
            state.searched & (state.found.length() == 0),
            rx.el.p(t("Nobody found."), class_name="small soft", role="status"),
        ),
    )


def _found_patient(patient: rx.Var[PatientChoice]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.strong(patient.name),
            rx.el.span(patient.detail, class_name="small soft"),
            type="button",
            on_click=AuditState.choose_patient(patient.ref),
        )
    )


# --- What there is ----------------------------------------------------------------------------------------------------


def _table() -> rx.Component:
    headings = (t("When"), t("Who"), t("What"), t("About"), t("Before and after"))
    return table(headings, AuditState.page.lines, _line, "table-history")


def _line(line: rx.Var[HistoryLine]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(line.at, class_name="numbers", custom_attrs={"data-label": t("When")}),
        rx.el.td(
            rx.el.div(
                rx.el.span(line.who),
                rx.cond(line.address != "", rx.el.span(line.address, class_name="small soft numbers")),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Who")},
        ),
        rx.el.td(
            rx.el.div(
                rx.el.span(line.what),
                rx.cond(line.is_look, badge(t("looked"), icon="eye")),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("What")},
        ),
        rx.el.td(line.about, custom_attrs={"data-label": t("About")}),
        rx.el.td(
            rx.cond(
                line.changes.length() > 0,
                rx.el.dl(rx.foreach(line.changes, _change), class_name="history-changes"),
            ),
            custom_attrs={"data-label": t("Before and after")},
        ),
    )


def _change(change: rx.Var[ChangeLine]) -> rx.Component:
    return rx.el.div(
        rx.el.dt(change.name, class_name="small soft"),
        rx.el.dd(
            rx.cond(
                change.old != "",
                rx.fragment(rx.el.del_(change.old), rx.el.span(" → ", aria_hidden="true"), rx.el.ins(change.new)),
                rx.el.span(change.new),
            )
        ),
    )


def _pager() -> rx.Component:
    state = AuditState
    return pager(state.number, state.page.has_more, back=(t("Newer"), state.turn(-1)), on=(t("Older"), state.turn(1)))
