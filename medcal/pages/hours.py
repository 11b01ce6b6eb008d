"""The weekly hours on a doctor's sheet: a form whose rows come and go, and the fortnight that becomes of them."""

import reflex as rx

from medcal.components.fields import fixed_select, text_field
from medcal.components.ui import button, callout, icon_button
from medcal.i18n import t
from medcal.state.hours import HoursState
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.settings import HoursRow, PreviewRow, WeekdayRows

STEPS = (5, 10, 15, 20, 30, 40, 45, 60, 90, 120)


def hours_sheet() -> rx.Component:
    return rx.el.div(_form(), rx.el.aside(_preview()), class_name="two rules")


def _form() -> rx.Component:
    state = HoursState
    return rx.el.form(
        rx.el.h2(t("Weekly hours")),
        rx.cond(
            state.is_suggested,
            callout(rx.el.p(t("No hours yet. This is a suggestion: change it as you like, and save it."))),
        ),
        rx.cond(
            state.has_mixed_steps,
            callout(
                rx.el.p(t("Until now the hours differ in how often a visit may start. Saving makes it one.")),
                tone="warning",
            ),
        ),
        rx.cond(
            state.changes.length() > 0,
            rx.el.p(
                t("Hours also change on other days. Look at those from:"),
                " ",
                rx.foreach(state.changes, _change),
                class_name="small",
            ),
        ),
        rx.el.ol(rx.foreach(state.days, _day), class_name="week"),
        rx.el.span(state.problems["hours"], class_name="problem", role="alert"),
        rx.el.div(
            button(
                t("Monday's hours until Friday"), kind="quiet", small=True, icon="copy", on_click=state.copy_to_weekdays
            )
        ),
        rx.el.div(
            fixed_select(
                "raster_minutes",
                t("A visit may start every"),
                {"": t("Please choose")} | {str(step): t("{minutes} minutes", minutes=step) for step in STEPS},
                problems=state.problems,
                default_value=state.raster_minutes,
                on_change=lambda chosen: state.write("raster_minutes", chosen),
            ),
            text_field(
                "valid_from",
                t("These hours hold from"),
                problems=state.problems,
                type="date",
                default_value=state.valid_from,
                min=state.today,
                on_change=lambda typed: state.write("valid_from", typed),
            ),
            class_name="fields pairs",
        ),
        rx.el.div(button(t("Save the hours"), type="submit")),
        on_submit=state.save,
        no_validate=True,
        # Read anew: other fields, or what had been typed into these would stay.
        key=state.edition.to_string(),
        class_name="card stack settings-form",
    )


def _change(change: rx.Var[Choice]) -> rx.Component:
    return button(change.label, kind="quiet", small=True, on_click=HoursState.begin(change.value))


def _day(day: rx.Var[WeekdayRows]) -> rx.Component:
    state = HoursState
    return rx.el.li(
        rx.el.h3(day.name),
        rx.cond(
            day.rows.length() > 0,
            rx.el.ul(rx.foreach(day.rows, lambda row: _stretch(row, day)), class_name="stretches"),
            rx.el.p(t("closed"), class_name="soft"),
        ),
        icon_button("plus", rx.Var.create(t("Add hours") + ": ") + day.name, on_click=state.add_stretch(day.weekday)),
    )


def _stretch(row: rx.Var[HoursRow], day: rx.Var[WeekdayRows]) -> rx.Component:
    return rx.el.li(
        _time("opens", rx.Var.create(t("From")), row, day, row.opens),
        rx.el.span("–", aria_hidden="true", class_name="dash"),
        _time("closes", rx.Var.create(t("Until")), row, day, row.closes),
        icon_button(
            "trash-2",
            rx.Var.create(t("Remove hours") + ": ") + day.name,
            on_click=HoursState.remove_stretch(row.key),
        ),
        key=row.key,
    )


def _time(
    edge: str, label: rx.Var[str], row: rx.Var[HoursRow], day: rx.Var[WeekdayRows], value: rx.Var[str]
) -> rx.Component:
    state, name = HoursState, rx.Var.create(f"{edge}_") + row.key
    problem = rx.Var.create(f"problem-{edge}_") + row.key
    return rx.el.div(
        rx.el.input(
            id=name,
            name=name,
            type="time",
            step="300",
            default_value=value,
            on_change=lambda typed: state.write(name, typed),
            aria_label=day.name + ", " + label,
            aria_invalid=rx.cond(state.problems.contains(name), "true", "false"),
            aria_describedby=problem,
            class_name="input input-compact",
        ),
        rx.el.span(state.problems[name], id=problem, class_name="problem", role="alert"),
        class_name="field",
    )


def _preview() -> rx.Component:
    state = HoursState
    return rx.el.section(
        rx.el.h2(t("What becomes of it"), id="becomes"),
        rx.foreach(state.warnings, lambda sentence: callout(rx.el.p(sentence), tone="warning")),
        rx.cond(
            state.preview.length() > 0,
            rx.el.ul(rx.foreach(state.preview, _preview_day), class_name="preview fortnight"),
            rx.el.p(t("Fill in every field to see it."), class_name="soft"),
        ),
        rx.el.p(t("Time off is already taken out."), class_name="small soft"),
        aria_labelledby="becomes",
        aria_live="polite",
        class_name="card-flat stack-tight",
    )


def _preview_day(day: rx.Var[PreviewRow]) -> rx.Component:
    return rx.el.li(
        rx.el.strong(day.day),
        rx.el.span(day.hours),
        rx.el.span(day.times, class_name="small soft"),
    )
