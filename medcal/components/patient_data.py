"""What a patient may ask for by law, at the desk: reception hands it over, admins erase."""

from typing import Any

import reflex as rx

from medcal.components.dialogs import actions
from medcal.components.ui import button
from medcal.i18n import t


def data_part(state: Any, *, can_erase: rx.Var[bool], is_asking: rx.Var[bool]) -> rx.Component:
    """The buttons, and the question before somebody is erased. `state` has the handlers, and knows whom they are about."""
    return rx.el.div(
        rx.el.div(
            button(t("To read or print"), kind="quiet", icon="file-text", on_click=state.to_read),
            button(t("For a machine (JSON)"), kind="quiet", icon="braces", on_click=state.to_process),
            rx.cond(can_erase, button(t("Erase this patient"), kind="quiet", icon="user-x", on_click=state.ask)),
            class_name="row changes",
        ),
        rx.cond(is_asking, _erase_question(state)),
    )


def _erase_question(state: Any) -> rx.Component:
    return rx.el.div(
        rx.el.p(
            t(
                "Name, contact, notes and messages are deleted for good, in all appointments of this patient. This cannot be undone."
            ),
            role="alert",
        ),
        actions(
            button(t("Keep the patient"), kind="secondary", on_click=state.keep),
            button(t("Erase for good"), kind="danger", on_click=state.erase),
        ),
        class_name="stack",
    )
