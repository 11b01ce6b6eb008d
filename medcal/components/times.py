"""Free times to press: single ones, a doctor's next few, and a fortnight day by day."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from medcal.components.notices import picture
from medcal.components.ui import button
from medcal.i18n import t
from medcal.viewmodels.patient import DayOfTimes, HourButton, TimeButton

Press = Callable[[Any], Any]
# An hour is pressed together with the day that says whose it is.
PressHour = Callable[[Any, Any], Any]


def hour_button(day: rx.Var[DayOfTimes], hour: rx.Var[HourButton], on_press: PressHour) -> rx.Component:
    """Only the hour is seen; doctor, day and place are said."""
    label = hour["label"]
    return rx.el.button(
        label,
        aria_label=day.before + label + day.after,
        type="button",
        class_name="time",
        on_click=on_press(day, hour),
    )


def day_time_button(time: rx.Var[TimeButton], on_press: Press) -> rx.Component:
    """With its day, where times of several days stand together."""
    return rx.el.button(
        rx.el.span(time.day, class_name="day"),
        " ",
        time.label,
        aria_label=time.spoken,
        type="button",
        class_name="time",
        on_click=on_press(time),
    )


def doctor_time_button(time: rx.Var[TimeButton], on_press: Press) -> rx.Component:
    """With its doctor: the first free time with anyone."""
    return rx.el.button(
        rx.el.img(src=time.portrait, alt="", class_name="portrait portrait-small"),
        rx.el.span(rx.el.span(time.day, ", ", time.label), " ", rx.el.span(time.doctor_name, class_name="day")),
        aria_label=time.spoken,
        type="button",
        class_name="time time-with",
        on_click=on_press(time),
    )


def day_list(days: rx.Var[list[DayOfTimes]], on_press: PressHour) -> rx.Component:
    """A fortnight, one row a day; days on end without a free time share a line."""
    return rx.el.div(rx.foreach(days, lambda day: _day(day, on_press)))


def _day(day: rx.Var[DayOfTimes], on_press: PressHour) -> rx.Component:
    return rx.cond(
        day.count > 0,
        rx.el.section(
            rx.el.h3(rx.el.span(day.name)),
            rx.el.div(
                _half(t("Morning"), day, day.morning, on_press),
                _half(t("Afternoon"), day, day.afternoon, on_press),
                class_name="halves",
            ),
            class_name="day-row",
            aria_label=day.name,
        ),
        rx.el.div(rx.el.span(day.name), rx.el.span(t("No free time"), class_name="small"), class_name="day-row none"),
    )


def _half(label: str, day: rx.Var[DayOfTimes], hours: rx.Var[list[HourButton]], on_press: PressHour) -> rx.Component:
    return rx.cond(
        hours.length() > 0,
        rx.el.div(
            rx.el.span(label, class_name="hint"),
            rx.el.div(rx.foreach(hours, lambda hour: hour_button(day, hour, on_press)), class_name="times"),
            class_name="half",
        ),
    )


def nothing_free(first_free: rx.Var[str], on_show: Any, *, top: str) -> rx.Component:
    """In place of a fortnight without a free time: the way to the first one that the doctor has. `top` as in `pager`."""
    return rx.el.div(
        picture("empty"),
        rx.el.p(t("No time is free in these two weeks.")),
        rx.cond(
            first_free != "",
            button(t("First free time:"), " ", first_free, kind="secondary", on_click=[on_show, rx.set_focus(top)]),
            rx.el.p(t("Later ones are not open for booking yet. Look at the other doctors, or call us.")),
        ),
        class_name="message",
    )


def pager(
    *, has_earlier: rx.Var[bool], has_later: rx.Var[bool], on_earlier: Any, on_later: Any, top: str
) -> rx.Component:
    """Fortnight back, fortnight on. Below a long list, so whoever turns is brought to the element `top`, above it."""
    return rx.el.div(
        _turn(t("Earlier days"), "chevron-left", [on_earlier, rx.set_focus(top)], disabled=~has_earlier),
        _turn(t("Later days"), "chevron-right", [on_later, rx.set_focus(top)], disabled=~has_later),
        class_name="row-apart turns",
    )


def _turn(words: str, icon: str, events: list[Any], disabled: rx.Var[bool]) -> rx.Component:
    return button(words, kind="secondary", icon=icon, on_click=events, disabled=disabled)
