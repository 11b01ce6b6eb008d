"""A plain HTML form that really POSTs: rx.form and rx.el.form always call preventDefault and send an event instead."""

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML

from medcal.i18n import current_language


class NativeForm(BaseHTML):
    """<form> as browsers know it.

    Signing in and out must be one: a cookie is set by an answer to HTTP, never by an event.
    """

    tag = "form"

    action: rx.Var[str]
    method: rx.Var[str]
    auto_complete: rx.Var[str]


def native_form(*children: rx.Component | str, action: str, **props: object) -> rx.Component:
    """A form that sends its fields to `action` by POST and shows the page that comes back, in the language of this one."""
    spoken = rx.el.input(type="hidden", name="language", value=current_language())
    return NativeForm.create(spoken, *children, action=action, method="post", **props)
