"""The rules of earlier offers: how many are asked at once, for how long, and where it ends. For admins."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, plain_select
from medcal.components.fields import WHOLE_NUMBER, text_field
from medcal.components.settings import settings_nav
from medcal.components.ui import button, callout, icon_button, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.offer_rules import OfferRulesState
from medcal.viewmodels.offer_rules import StepRow


def page() -> rx.Component:
    state = OfferRulesState
    return staff_framed(
        settings_nav(routes.STAFF_OFFER_RULES),
        rx.el.h1(t("Rules of offers"), class_name="page-head"),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.el.div(
                    rx.el.div(_whose(), _form(), class_name="stack"), rx.el.aside(_preview()), class_name="two rules"
                ),
                skeleton_rows(6),
            )
        ),
        path=routes.STAFF_OFFER_RULES,
    )


def _whose() -> rx.Component:
    state = OfferRulesState
    return rx.el.div(
        rx.el.div(
            rx.cond(
                state.places.length() > 1,
                filter_field(t("Location"), plain_select(state.places, state.place, state.choose_place)),
            ),
            filter_field(
                t("Visit that freed the time"),
                plain_select(state.visits, state.visit, state.choose_visit, empty=t("All visits")),
            ),
            class_name="filters",
        ),
        rx.cond(
            state.visit != "",
            rx.cond(
                state.has_own_rules,
                callout(
                    rx.el.p(t("This visit has rules of its own.")),
                    button(t("Use the location's rules"), kind="secondary", small=True, on_click=state.forget),
                ),
                callout(rx.el.p(t("The location's rules hold for this visit. Saving gives it its own."))),
            ),
        ),
        rx.el.p(state.standing, class_name="small soft"),
        class_name="stack",
    )


def _form() -> rx.Component:
    state = OfferRulesState
    return rx.el.form(
        rx.el.fieldset(
            rx.el.legend(t("Steps"), class_name="legend-text"),
            rx.el.p(t("The farthest step that the time left still reaches is the one that holds."), class_name="hint"),
            rx.el.ol(rx.foreach(state.steps, _step), class_name="rule-steps"),
            rx.el.span(state.problems["steps"], class_name="problem", role="alert"),
            button(t("Add a step"), kind="secondary", small=True, icon="plus", on_click=state.add_step),
            class_name="stack",
        ),
        rx.el.fieldset(
            rx.el.legend(t("Limits"), class_name="legend-text"),
            rx.el.div(
                _limit("least_lead_minutes", t("Least lead, minutes"), t("Nearer to the start nobody is asked.")),
                _limit("offers_per_week", t("Offers a week"), t("At most so many to one patient.")),
                _limit("unanswered_before_pause", t("Unanswered in a row"), t("After so many a wish is paused.")),
                class_name="rule-limits",
            ),
        ),
        rx.el.div(button(t("Save the rules"), type="submit")),
        on_submit=state.save,
        no_validate=True,
        # Other rules: other fields, or what had been typed into these would stay.
        key=state.edition.to_string(),
        class_name="card stack",
    )


def _step(step: rx.Var[StepRow]) -> rx.Component:
    state = OfferRulesState
    return rx.el.li(
        _step_field(step, "from_lead_hours", t("From, hours before"), step.from_lead_hours),
        _step_field(step, "group_size", t("People at once"), step.group_size),
        _step_field(step, "answer_minutes", t("Minutes to answer"), step.answer_minutes),
        icon_button("trash-2", t("Remove this step"), on_click=state.remove_step(step.key)),
        key=step.key,
    )


def _step_field(step: rx.Var[StepRow], column: str, label: str, value: rx.Var[str]) -> rx.Component:
    state, name = OfferRulesState, rx.Var.create(f"{column}_") + step.key
    problem = rx.Var.create(f"problem-{column}_") + step.key
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.input(
            id=name,
            name=name,
            default_value=value,
            on_change=lambda typed: state.write(name, typed),
            aria_invalid=rx.cond(state.problems.contains(name), "true", "false"),
            aria_describedby=problem,
            class_name="input",
            **WHOLE_NUMBER,
        ),
        rx.el.span(state.problems[name], id=problem, class_name="problem", role="alert"),
        class_name="field",
    )


def _limit(column: str, label: str, hint: str) -> rx.Component:
    state = OfferRulesState
    return text_field(
        column,
        label,
        problems=state.problems,
        hint=hint,
        default_value=state.limits[column],
        on_change=lambda typed: state.write(column, typed),
        **WHOLE_NUMBER,
    )


def _preview() -> rx.Component:
    state = OfferRulesState
    return rx.el.section(
        rx.el.h2(t("What it means"), id="meaning"),
        rx.cond(
            state.preview.length() > 0,
            rx.el.ul(rx.foreach(state.preview, rx.el.li), class_name="preview"),
            rx.el.p(t("Fill in every field to see it."), class_name="soft"),
        ),
        rx.el.p(t("By day; quiet hours do not count."), class_name="small soft"),
        aria_labelledby="meaning",
        aria_live="polite",
        class_name="card-flat stack-tight",
    )
