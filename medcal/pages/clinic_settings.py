"""The clinic itself: where it is, how it is reached, its clock and quiet hours, and its closed days. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field
from medcal.components.fields import WHOLE_NUMBER, text_field
from medcal.components.settings import row_button, settings_nav
from medcal.components.ui import button, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.clinic_settings import ClinicSettingsState, ClosuresState
from medcal.viewmodels.settings import ClosureRow, zone_names


def page() -> rx.Component:
    state = ClinicSettingsState
    return staff_framed(
        settings_nav(routes.STAFF_CLINIC),
        rx.el.h1(t("Clinic"), class_name="page-head"),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.el.div(
                    rx.el.div(_whose(), clinic_form(), class_name="stack"),
                    rx.cond(state.place != "", rx.el.aside(_closed_days())),
                    class_name="two rules",
                ),
                skeleton_rows(6),
            )
        ),
        path=routes.STAFF_CLINIC,
    )


def _whose() -> rx.Component:
    state = ClinicSettingsState
    options = rx.foreach(state.places, lambda place: rx.el.option(place.label, value=place.value))
    chosen = rx.el.select(options, value=state.place, on_change=state.choose_place, class_name="input input-compact")
    return rx.cond(state.places.length() > 1, filter_field(t("Location"), chosen))


def clinic_form() -> rx.Component:
    """All of it in one form; in a clinic that has not begun it begins with it."""
    state = ClinicSettingsState
    return rx.el.form(
        rx.el.fieldset(
            rx.el.legend(t("Where patients find you"), class_name="legend-text"),
            rx.el.div(
                _line("name", t("Name of the clinic"), class_name="wide", max_length=120),
                _line("street", t("Street and number"), max_length=200),
                _line("city", t("Postcode and town"), max_length=120),
                _line("phone", t("Phone"), hint=t("Shown where only a call helps."), type="tel", max_length=40),
                _line(
                    "email", t("E-mail (if you like)"), hint=t("In the calendar entry."), type="email", max_length=200
                ),
                class_name="fields pairs",
            ),
        ),
        rx.el.fieldset(
            rx.el.legend(t("Its clock"), class_name="legend-text"),
            _zone(),
        ),
        rx.el.fieldset(
            rx.el.legend(t("House rules"), class_name="legend-text"),
            rx.el.div(
                _line(
                    "change_deadline_hours",
                    t("Changes until, hours before"),
                    hint=t("Later patients have to call."),
                    class_name="wide",
                    **WHOLE_NUMBER,
                ),
                _line("quiet_from", t("Quiet from"), hint=t("Nobody is written to."), type="time"),
                _line("quiet_until", t("Quiet until"), hint=t("The same time twice: never quiet."), type="time"),
                class_name="fields pairs",
            ),
        ),
        rx.el.div(button(t("Save the clinic"), type="submit")),
        on_submit=state.save,
        no_validate=True,
        # Read anew: other fields, or what had been typed into these would stay.
        key=state.edition.to_string(),
        class_name="card stack settings-form",
    )


def _line(name: str, label: str, *, hint: str = "", class_name: str = "", **props: object) -> rx.Component:
    state = ClinicSettingsState
    return text_field(
        name,
        label,
        problems=state.problems,
        hint=hint,
        class_name=class_name,
        default_value=state.fields[name],
        **props,
    )


def _zone() -> rx.Component:
    """A list that is searched by typing. With appointments it stays as it is: their times would jump."""
    state = ClinicSettingsState
    return rx.el.div(
        _line(
            "zone",
            t("Time zone"),
            hint=t("Type a town, for example Vienna. All times are meant and shown on this clock."),
            list="zones",
            read_only=state.zone_is_fixed,
            auto_complete="off",
            max_length=60,
        ),
        rx.el.datalist(*[rx.el.option(value=zone) for zone in zone_names()], id="zones"),
        rx.cond(
            state.zone_is_fixed,
            rx.el.p(t("It stays as it is, since there are appointments: their times would jump."), class_name="hint"),
        ),
        class_name="stack-tight",
    )


# --- Closed days and time off -----------------------------------------------------------------------------------------


def _closed_days() -> rx.Component:
    state = ClosuresState
    return rx.el.section(
        rx.el.h2(t("Closed days"), id="closed"),
        rx.el.form(
            rx.el.div(
                _day("first", t("First day")),
                _day("last", t("Last day")),
                class_name="fields",
            ),
            text_field(
                "reason", t("What for?"), problems=state.problems, hint=t("Shown to the staff only."), max_length=120
            ),
            rx.el.div(button(t("Close the clinic"), type="submit", kind="secondary", icon="ban")),
            on_submit=state.close,
            reset_on_submit=False,
            no_validate=True,
            class_name="stack",
        ),
        closure_list(),
        aria_labelledby="closed",
        class_name="card-flat stack",
    )


def _day(name: str, label: str) -> rx.Component:
    return text_field(name, label, problems=ClosuresState.problems, type="date", required=True)


def closure_list() -> rx.Component:
    """Everybody's time off and the closed days that are to come, each with a way to end it."""
    state = ClosuresState
    return rx.cond(
        state.closures.length() > 0,
        rx.el.ul(rx.foreach(state.closures, _closure), class_name="stack-tight"),
        rx.el.p(t("Nobody is away, and no day is closed."), class_name="soft"),
    )


def _closure(closure: rx.Var[ClosureRow]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.strong(closure.who),
            rx.el.span(closure.when, class_name="small"),
            rx.el.span(closure.reason, class_name="small soft"),
            class_name="agenda-who",
        ),
        row_button(t("End it"), closure.when, ClosuresState.end(closure.ref)),
        class_name="chosen",
    )
