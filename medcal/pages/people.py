"""The staff, for admins: who may come in, in which role, and how somebody gets a new password."""

from typing import Any

import reflex as rx

from medcal import routes
from medcal.components.dialogs import actions, dialog
from medcal.components.fields import fixed_select, select_field, text_field
from medcal.components.settings import settings_nav
from medcal.components.ui import badge, button, callout, skeleton_rows
from medcal.i18n import t
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.people import PeopleState
from medcal.viewmodels.accounts import ROLE_WORDS, MemberRow


def page() -> rx.Component:
    state = PeopleState
    return staff_framed(
        settings_nav(routes.STAFF_PEOPLE),
        rx.el.div(
            rx.el.h1(t("People")),
            rx.cond(
                state.is_loaded,
                button(t("Invite somebody"), small=True, icon="user-plus", on_click=state.open_invitation),
            ),
            class_name="row-apart page-head",
        ),
        for_admins(rx.cond(state.is_loaded, _members(), skeleton_rows(6))),
        _invite_dialog(),
        _member_dialog(),
        _link_dialog(),
        path=routes.STAFF_PEOPLE,
    )


def _members() -> rx.Component:
    headings = (
        t("Name"),
        t("Role"),
        t("Second step"),
        t("Last sign-in"),
        rx.el.span(t("Action"), class_name="visually-hidden"),
    )
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*[rx.el.th(heading, scope="col") for heading in headings])),
            rx.el.tbody(rx.foreach(PeopleState.rows, _row)),
            class_name="table",
        ),
        class_name="table-wrap",
    )


def _row(row: rx.Var[MemberRow]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.div(
                rx.el.span(rx.el.strong(row.name), rx.cond(row.is_you, badge(t("You"))), class_name="row"),
                rx.el.span(row.email, class_name="small soft"),
                rx.cond(row.is_active, rx.fragment(), badge(t("Disabled"), tone="cancelled", icon="user-x")),
                rx.cond(row.is_active & (row.invited != ""), badge(row.invited, tone="held", icon="mail")),
                rx.cond(row.warning != "", badge(row.warning, tone="danger", icon="shield-alert")),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Name")},
        ),
        rx.el.td(
            rx.el.div(
                rx.el.span(row.role_word),
                rx.cond(row.doctor != "", rx.el.span(row.doctor, class_name="small soft")),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Role")},
        ),
        rx.el.td(
            rx.cond(row.has_second_step, badge(t("On"), tone="good", icon="shield-check"), t("Off")),
            custom_attrs={"data-label": t("Second step")},
        ),
        rx.el.td(
            rx.el.div(
                rx.el.span(row.last),
                rx.cond(row.is_signed_in, rx.el.span(t("signed in"), class_name="small soft")),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Last sign-in")},
        ),
        rx.el.td(
            button(
                t("Change"),
                rx.el.span(" ", row.name, class_name="visually-hidden"),
                kind="quiet",
                small=True,
                on_click=PeopleState.open_member(row.ref),
            )
        ),
        key=row.ref,
    )


# --- Dialogs ----------------------------------------------------------------------------------------------------------


def _role_fields() -> rx.Component:
    state = PeopleState
    order = ("reception", "doctor", "admin")
    words = {role: t(word) for role, word in sorted(ROLE_WORDS.items(), key=lambda each: order.index(each[0]))}
    return rx.fragment(
        fixed_select("role", t("Role"), words, problems=state.problems, value=state.role, on_change=state.choose_role),
        rx.cond(
            state.role == "doctor",
            select_field(
                "doctor_id",
                t("Whose calendar"),
                state.doctors,
                empty=t("Please choose"),
                default_value=state.member.doctor_ref,
                problems=state.problems,
                required=True,
            ),
        ),
    )


def _invite_dialog() -> rx.Component:
    state = PeopleState
    return dialog(
        rx.el.form(
            rx.el.div(
                text_field(
                    "name", t("Name"), problems=state.problems, required=True, max_length=120, auto_complete="off"
                ),
                text_field(
                    "email",
                    t("E-mail"),
                    problems=state.problems,
                    type="email",
                    required=True,
                    max_length=200,
                    auto_complete="off",
                ),
                _role_fields(),
                class_name="fields",
            ),
            actions(
                button(t("Close"), kind="secondary", on_click=state.close),
                button(t("Invite"), type="submit"),
            ),
            on_submit=state.invite,
            class_name="stack",
        ),
        is_open=state.dialog == "invite",
        on_close=state.close,
        title=t("Invite somebody"),
    )


def _member_dialog() -> rx.Component:
    state, member = PeopleState, PeopleState.member
    return dialog(
        rx.el.p(member.email, class_name="soft"),
        rx.el.form(
            rx.el.div(_role_fields(), class_name="fields"),
            rx.el.div(button(t("Save the role"), type="submit", kind="secondary", small=True)),
            on_submit=state.set_role,
            class_name="stack",
        ),
        rx.el.ul(
            rx.cond(
                member.is_active,
                _deed(
                    member.link_word,
                    t("A link that works once, for you to hand over."),
                    state.make_link,
                ),
            ),
            rx.cond(
                member.is_signed_in,
                _deed(t("Sign out everywhere"), t("Ends every session at once."), state.sign_out),
            ),
            rx.cond(
                member.has_second_step,
                _deed(
                    t("Reset the second step"),
                    t("For a lost phone: the password alone lets in, until it is set up again."),
                    state.remove_second_step,
                ),
            ),
            rx.cond(
                member.is_active,
                _deed(t("Disable"), t("Signs out at once, and lets in no more."), state.disable, kind="danger"),
                _deed(t("Enable"), t("Lets in again, with the same password."), state.enable),
            ),
            class_name="deeds",
        ),
        actions(button(t("Close"), kind="secondary", on_click=state.close)),
        is_open=state.dialog == "member",
        on_close=state.close,
        title=member.name,
    )


def _deed(label: str | rx.Var[str], sentence: str, on_click: Any, kind: str = "secondary") -> rx.Component:
    return rx.el.li(
        rx.el.span(sentence, class_name="small soft"), button(label, kind=kind, small=True, on_click=on_click)
    )


def _link_dialog() -> rx.Component:
    state = PeopleState
    return dialog(
        rx.el.p(t("Hand this link over yourself, best in person or on the phone. It is not shown again.")),
        rx.el.input(value=state.link, read_only=True, aria_label=t("Link"), class_name="input"),
        callout(rx.el.p(state.link_until)),
        actions(
            button(t("Copy"), kind="secondary", icon="copy", on_click=rx.set_clipboard(state.link)),
            button(t("Done"), on_click=state.close),
        ),
        is_open=state.dialog == "link",
        on_close=state.close,
        title=t("The link"),
    )
