"""What the clinic treats: specialties, and the kinds of visit in each. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.desk import nothing_found
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import WHOLE_NUMBER, area_field, text_field
from medcal.components.people import specialty_icon
from medcal.components.settings import icon_choice, order_buttons, row_button, settings_nav
from medcal.components.ui import badge, button, skeleton_rows
from medcal.i18n import t
from medcal.pages.setup import ready_form
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.setup import SetupState
from medcal.state.specialties import SpecialtiesState, VisitTypesState
from medcal.viewmodels.settings import SpecialtyRow, VisitRow


def page() -> rx.Component:
    state = SpecialtiesState
    return staff_framed(
        settings_nav(routes.STAFF_SPECIALTIES),
        rx.el.div(
            rx.el.h1(t("Specialties")),
            button(t("Add a specialty"), icon="plus", small=True, on_click=state.add),
            class_name="row-apart page-head",
        ),
        for_admins(
            rx.cond(state.is_loaded, rx.el.div(_list(), _ready(), class_name="stack section-gap"), skeleton_rows(6)),
            specialty_dialog(),
            visit_dialog(),
        ),
        path=routes.STAFF_SPECIALTIES,
    )


def _list() -> rx.Component:
    state = SpecialtiesState
    return rx.cond(
        state.specialties.length() > 0,
        rx.el.ol(rx.foreach(state.specialties, _specialty), class_name="settings-list"),
        nothing_found(t("No specialty yet. Take some that are ready made, or add your own.")),
    )


def _specialty(row: rx.Var[SpecialtyRow]) -> rx.Component:
    state = SpecialtiesState
    return rx.el.li(
        rx.el.div(
            specialty_icon(row.icon),
            rx.el.div(
                rx.el.h2(row.name),
                rx.el.p(row.summary, class_name="small soft"),
                rx.cond(row.is_shown, badge(row.standing, tone="good"), badge(row.standing)),
                class_name="stack-tight",
            ),
            class_name="doctor-who",
        ),
        rx.el.ul(rx.foreach(row.visits, _visit), class_name="settings-rows"),
        rx.el.div(
            row_button(t("Add a kind of visit"), row.name, VisitTypesState.add(row.ref), icon="plus"),
            rx.el.div(
                row_button(t("Edit"), row.name, state.edit(row.ref), icon="pencil"),
                row_button(t("Delete"), row.name, state.remove(row.ref)),
                order_buttons(row.name, lambda by: state.move(row.ref, by)),
                class_name="row settings-buttons",
            ),
            class_name="row-apart",
        ),
        key=row.ref,
        class_name="card stack",
    )


def _visit(visit: rx.Var[VisitRow]) -> rx.Component:
    state = VisitTypesState
    return rx.el.li(
        rx.el.div(
            rx.el.span(
                visit.name,
                rx.cond(~visit.is_active, rx.fragment(" ", badge(t("Out of use")))),
                class_name="agenda-title",
            ),
            rx.el.span(visit.lengths, class_name="small soft"),
            class_name="agenda-who",
        ),
        rx.el.div(
            row_button(t("Edit"), visit.name, state.edit(visit.ref)),
            rx.cond(
                visit.is_active,
                row_button(t("Take out of use"), visit.name, state.set_in_use(visit.ref, False)),
                rx.fragment(
                    row_button(t("Use again"), visit.name, state.set_in_use(visit.ref, True)),
                    row_button(t("Delete"), visit.name, state.remove(visit.ref)),
                ),
            ),
            order_buttons(visit.name, lambda by: state.move(visit.ref, by)),
            class_name="row settings-buttons",
        ),
        key=visit.ref,
    )


def _ready() -> rx.Component:
    return rx.cond(
        SetupState.ready.length() > 0,
        rx.el.section(rx.el.h2(t("Ready made")), ready_form(SpecialtiesState.load), class_name="card-flat stack"),
    )


def specialty_dialog() -> rx.Component:
    state = SpecialtiesState
    return dialog(
        rx.el.form(
            rx.el.div(
                _line("name", t("Name of the specialty"), hint=t("Cardiology, say."), max_length=80),
                _line("practitioner", t("What its doctors are called"), hint=t("Cardiologist, say."), max_length=80),
                _line("summary", t("What it is for"), class_name="wide", max_length=300),
                class_name="fields pairs",
            ),
            area_field(
                "reasons",
                t("Why people come"),
                problems=state.problems,
                hint=t("One reason a line; patients choose from them."),
                default_value=state.fields["reasons"],
                max_length=2400,
                rows=6,
            ),
            icon_choice(state.fields["icon"], state.problems),
            actions(
                button(t("Close"), kind="secondary", on_click=state.close),
                button(t("Save the specialty"), type="submit"),
            ),
            on_submit=state.save,
            no_validate=True,
            class_name="stack",
        ),
        is_open=state.editing != "",
        on_close=state.close,
        title=rx.cond(state.editing == "new", t("A new specialty"), state.fields["name"]),
        wide=True,
    )


def _line(name: str, label: str, *, hint: str = "", class_name: str = "", **props: object) -> rx.Component:
    state = SpecialtiesState
    return text_field(
        name,
        label,
        problems=state.problems,
        hint=hint,
        class_name=class_name,
        default_value=state.fields[name],
        auto_complete="off",
        **props,
    )


def visit_dialog() -> rx.Component:
    state = VisitTypesState
    return dialog(
        rx.el.form(
            text_field(
                "name",
                t("Kind of visit"),
                problems=state.problems,
                default_value=state.fields["name"],
                auto_complete="off",
                max_length=80,
            ),
            rx.el.div(
                _minutes("length_minutes", t("Length, minutes"), t("Booked visits keep theirs.")),
                _minutes("buffer_minutes", t("Kept free after it, minutes"), t("For notes, or to air the room.")),
                _minutes("notice_minutes", t("Bookable until, minutes before"), t("1440 is a day.")),
                class_name="rule-limits",
            ),
            actions(
                button(t("Close"), kind="secondary", on_click=state.close), button(t("Save the visit"), type="submit")
            ),
            on_submit=state.save,
            no_validate=True,
            class_name="stack",
        ),
        is_open=state.editing != "",
        on_close=state.close,
        title=rx.cond(state.editing == "new", t("A new kind of visit"), state.fields["name"]),
    )


def _minutes(column: str, label: str, hint: str) -> rx.Component:
    state = VisitTypesState
    return text_field(
        column, label, problems=state.problems, hint=hint, default_value=state.fields[column], **WHOLE_NUMBER
    )
