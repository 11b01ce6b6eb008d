"""The dialog that blocks a doctor's time, and gives it back."""

import reflex as rx

from medcal.components.dialogs import actions, dialog
from medcal.components.fields import select_field, text_field
from medcal.components.ui import button
from medcal.i18n import t
from medcal.state.block_time import BlockTimeState
from medcal.viewmodels.staff_appointment import BlockedTime


def block_dialog() -> rx.Component:
    """Take time out of what can be booked, and see what is taken out already."""
    state = BlockTimeState
    return dialog(
        _form(),
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


def _form() -> rx.Component:
    state = BlockTimeState
    return rx.el.form(
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
            _day("from_day", t("From"), state.from_day),
            _wall_time("from_time", state.from_time),
            _day("until_day", t("Until"), state.until_day),
            _wall_time("until_time", state.until_time),
            class_name="fields pairs",
        ),
        rx.el.span(state.problems["ends"], class_name="problem", role="alert"),
        text_field(
            "reason", t("What for?"), problems=state.problems, hint=t("Shown to the staff only."), max_length=120
        ),
        actions(
            button(t("Close"), kind="secondary", on_click=state.set_open(False)),
            button(t("Block the time"), type="submit", icon="ban"),
        ),
        on_submit=state.block,
        class_name="stack",
    )


def _day(name: str, label: str, value: rx.Var[str] | str) -> rx.Component:
    problems = BlockTimeState.problems
    return text_field(name, label, problems=problems, type="date", default_value=value, required=True)


def _wall_time(name: str, value: rx.Var[str] | str) -> rx.Component:
    problems = BlockTimeState.problems
    return text_field(name, t("Time"), problems=problems, type="time", step="300", default_value=value, required=True)


def _blocked(time: rx.Var[BlockedTime]) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.span(time.when), rx.el.span(time.reason, class_name="small soft"), class_name="agenda-who"),
        button(t("Give back"), kind="quiet", small=True, on_click=BlockTimeState.give_back(time.ref)),
        class_name="chosen",
    )
