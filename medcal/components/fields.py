"""Form fields: a label, an optional hint, and what is wrong, tied together for eyes and screen readers alike."""

from typing import Any

import reflex as rx

from medcal.components.ui import Text
from medcal.viewmodels.patient import Choice

Problems = rx.Var[dict[str, str]]
# Not type="number": that changes under a scrolling wheel, and hands half of what was typed over as nothing.
WHOLE_NUMBER = {"type": "text", "input_mode": "numeric", "max_length": 5, "auto_complete": "off"}


class KeptSelect(rx.Component):
    """A select that keeps its choice while the entries are away, see kept_select.jsx."""

    library = rx.asset("components/kept_select.jsx").importable_path
    tag = "KeptSelect"
    choices: rx.Var[list[Choice]]
    empty: rx.Var[str]
    default_value: rx.Var[str]
    name: rx.Var[str]
    required: rx.Var[bool]


def text_field(
    name: str, label: str, *, problems: Problems, hint: str = "", class_name: str = "", **props: Any
) -> rx.Component:
    """A line of text, or a date, an address, a number: `type` says which."""
    return _field(name, label, rx.el.input(**_common(name, hint, problems), **props), hint, problems, class_name)


def area_field(
    name: str, label: str, *, problems: Problems, hint: str = "", class_name: str = "", **props: Any
) -> rx.Component:
    """Several lines of text."""
    return _field(name, label, rx.el.textarea(**_common(name, hint, problems), **props), hint, problems, class_name)


def select_field(
    name: str,
    label: str,
    choices: rx.Var[list[Choice]],
    *,
    empty: str = "",
    problems: Problems,
    hint: str = "",
    class_name: str = "",
    **props: Any,
) -> rx.Component:
    """One of several; `empty` is the entry for no choice. With `value` the state holds the choice, else the page itself."""
    common = {**_common(name, hint, problems), **props}
    if "value" not in props:
        return _field(
            name, label, KeptSelect.create(choices=choices, empty=empty, **common), hint, problems, class_name
        )
    options = [rx.el.option(empty, value="")] if empty else []
    chosen = rx.el.select(*options, rx.foreach(choices, _option), **common)
    return _field(name, label, chosen, hint, problems, class_name)


def fixed_select(
    name: str, label: str, choices: dict[str, str], *, problems: Problems, hint: str = "", **props: Any
) -> rx.Component:
    """One of several that are known when the page is built: value → text."""
    options = [rx.el.option(text, value=value) for value, text in choices.items()]
    return _field(name, label, rx.el.select(*options, **_common(name, hint, problems), **props), hint, problems, "")


def tick(name: str, label: str | rx.Component, **props: Any) -> rx.Component:
    """A box to tick."""
    return rx.el.label(
        rx.el.input(type="checkbox", name=name, id=name, **props), rx.el.span(label), class_name="tick", html_for=name
    )


def _option(choice: rx.Var[Choice]) -> rx.Component:
    return rx.el.option(choice.label, value=choice.value)


def _common(name: str, hint: str, problems: Problems) -> dict[str, Any]:
    described = f"{name}-hint {name}-problem" if hint else f"{name}-problem"
    return {
        "name": name,
        "id": name,
        "class_name": "input",
        "aria_describedby": described,
        "aria_invalid": rx.cond(problems.contains(name), "true", "false"),
    }


def _field(
    name: str, label: Text, control: rx.Component, hint: str, problems: Problems, class_name: str
) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name),
        *([rx.el.span(hint, id=f"{name}-hint", class_name="hint")] if hint else []),
        control,
        rx.el.span(problems[name], id=f"{name}-problem", class_name="problem", role="alert"),
        class_name=f"field {class_name}",
    )
