"""The rules of messages: reminders, how long the desk can take something back, quiet hours, and which ways are open. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, plain_select
from medcal.components.fields import WHOLE_NUMBER, text_field
from medcal.components.settings import settings_nav
from medcal.components.ui import button, callout, icon_button, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.message_rules import MessageRulesState
from medcal.viewmodels.message_rules import ReminderRow


def page() -> rx.Component:
    state = MessageRulesState
    return staff_framed(
        settings_nav(routes.STAFF_MESSAGE_RULES),
        rx.el.h1(t("Rules of messages"), class_name="page-head"),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.el.div(
                    rx.el.div(_place(), _reminders(), _habits(), _ways(), class_name="stack"),
                    rx.el.aside(_preview()),
                    class_name="two rules",
                ),
                skeleton_rows(6),
            )
        ),
        path=routes.STAFF_MESSAGE_RULES,
    )


def _place() -> rx.Component:
    state = MessageRulesState
    return rx.cond(
        state.places.length() > 1,
        rx.el.div(
            filter_field(t("Location"), plain_select(state.places, state.place, state.choose_place)),
            class_name="filters",
        ),
    )


def _reminders() -> rx.Component:
    state = MessageRulesState
    return rx.el.section(
        rx.el.h2(t("Reminders"), id="reminders"),
        rx.el.div(
            filter_field(
                t("Kind of visit"), plain_select(state.visits, state.visit, state.choose_visit, empty=t("All visits"))
            ),
            class_name="filters",
        ),
        rx.cond(
            state.visit != "",
            rx.cond(
                state.has_own_rules,
                callout(
                    rx.el.p(t("This visit has reminders of its own.")),
                    button(t("Use the location's reminders"), kind="secondary", small=True, on_click=state.forget),
                ),
                callout(rx.el.p(t("The location's reminders hold for this visit. Saving gives it its own."))),
            ),
        ),
        rx.el.form(
            rx.el.ol(rx.foreach(state.rows, _row), class_name="reminder-rows"),
            rx.el.span(state.problems["reminders"], class_name="problem", role="alert"),
            button(t("Add a reminder"), kind="secondary", small=True, icon="plus", on_click=state.add),
            rx.el.div(button(t("Save the reminders"), type="submit")),
            on_submit=state.save_reminders,
            no_validate=True,
            # Other rules: other fields, or what had been typed into these would stay.
            key=state.edition.to_string(),
            class_name="stack",
        ),
        aria_labelledby="reminders",
        class_name="card stack",
    )


def _row(row: rx.Var[ReminderRow]) -> rx.Component:
    state, name = MessageRulesState, rx.Var.create("hours_") + row.key
    problem = rx.Var.create("problem-hours_") + row.key
    return rx.el.li(
        rx.el.div(
            rx.el.label(t("Hours before the visit"), html_for=name),
            rx.el.input(
                id=name,
                name=name,
                default_value=row.hours,
                on_change=lambda typed: state.write(row.key, typed),
                aria_invalid=rx.cond(state.problems.contains(name), "true", "false"),
                aria_describedby=problem,
                class_name="input",
                **WHOLE_NUMBER,
            ),
            rx.el.span(state.problems[name], id=problem, class_name="problem", role="alert"),
            class_name="field",
        ),
        icon_button("trash-2", t("Remove this reminder"), on_click=state.remove(row.key)),
        key=row.key,
    )


def _habits() -> rx.Component:
    state = MessageRulesState
    return rx.el.section(
        rx.el.h2(t("All messages"), id="habits"),
        rx.el.form(
            rx.el.div(
                text_field(
                    "grace_seconds",
                    t("Seconds to undo"),
                    problems=state.problems,
                    hint=t("So long after the desk has moved or cancelled something, the patient is told. 0: at once."),
                    default_value=state.habits["grace_seconds"],
                    **WHOLE_NUMBER,
                ),
                text_field(
                    "quiet_from",
                    t("Quiet from"),
                    problems=state.problems,
                    hint=t("Nobody is reminded or asked then, and no answer time runs."),
                    type="time",
                    default_value=state.habits["quiet_from"],
                ),
                text_field(
                    "quiet_until",
                    t("Quiet until"),
                    problems=state.problems,
                    hint=t("The same time twice: never quiet."),
                    type="time",
                    default_value=state.habits["quiet_until"],
                ),
                class_name="rule-limits",
            ),
            rx.el.div(button(t("Save"), type="submit")),
            on_submit=state.save_habits,
            no_validate=True,
            key=state.edition.to_string(),
            class_name="stack",
        ),
        aria_labelledby="habits",
        class_name="card stack",
    )


def _ways() -> rx.Component:
    """What the environment opens: to be read here, and changed there."""
    ways = MessageRulesState.ways
    return rx.el.section(
        rx.el.h2(t("Ways"), id="ways"),
        rx.el.ul(rx.foreach(ways.open, rx.el.li), rx.foreach(ways.closed, rx.el.li), class_name="preview"),
        rx.foreach(ways.wrong, lambda sentence: callout(rx.el.p(sentence), tone="warning")),
        rx.el.p(t("Ways are opened by environment variables, where the clinic is started."), class_name="small soft"),
        aria_labelledby="ways",
        class_name="card stack-tight",
    )


def _preview() -> rx.Component:
    state = MessageRulesState
    return rx.el.section(
        rx.el.h2(t("What it means"), id="meaning"),
        rx.cond(
            state.preview.length() > 0,
            rx.el.ul(rx.foreach(state.preview, rx.el.li), class_name="preview"),
            rx.el.p(t("Fill in every field to see it."), class_name="soft"),
        ),
        rx.el.p(
            t("What falls into quiet hours waits for their end. Whoever books later than that gets no reminder."),
            class_name="small soft",
        ),
        aria_labelledby="meaning",
        aria_live="polite",
        class_name="card-flat stack-tight",
    )
