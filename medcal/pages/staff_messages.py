"""What people were told, what is still to go out, and whom somebody must call."""

from typing import Any

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, nothing_found, phone_link
from medcal.components.dialogs import actions, dialog
from medcal.components.tables import pager, table
from medcal.components.ui import badge, button, link_button, skeleton_rows
from medcal.i18n import t
from medcal.models import MessageStatus
from medcal.pages.message_dialog import message_dialog
from medcal.pages.staff_frame import for_reception, staff_framed
from medcal.state.heartbeat import HeartbeatState
from medcal.state.open_message import OpenMessageState
from medcal.state.session import SessionState
from medcal.state.staff_messages import CHANNELS, SEARCH, StaffMessagesState
from medcal.viewmodels.staff_messages import CHANNEL_WORDS, KIND_WORDS, MESSAGE_WORDS, MessageRow


def page() -> rx.Component:
    state = StaffMessagesState
    return staff_framed(
        rx.el.div(rx.el.h1(t("Messages")), _settings(), class_name="row-apart"),
        for_reception(
            _attention(),
            _filters(),
            _whose(),
            rx.cond(
                state.is_loaded,
                rx.cond(state.page.rows.length() > 0, _table(), nothing_found(t("No message fits."))),
                skeleton_rows(8),
            ),
            _pager(),
            rx.el.p(HeartbeatState.notice.worked, class_name="small soft numbers calendar-foot"),
        ),
        message_dialog(),
        _ask_dialog(),
        path=routes.STAFF_MESSAGES,
    )


def _settings() -> rx.Component:
    """The way to what messages say and when they are sent."""
    pages = ((t("Rules"), "sliders-horizontal", routes.STAFF_MESSAGE_RULES), (t("Words"), "type", routes.STAFF_WORDS))
    return rx.cond(
        SessionState.role == "admin",
        rx.el.div(
            *[
                link_button(word, href=routes.to(path), kind="secondary", small=True, icon=icon)
                for word, icon, path in pages
            ],
            class_name="row no-print",
        ),
    )


def _attention() -> rx.Component:
    """What somebody must look at, and the way to it. Said to those who do not see it, when it changes."""
    state, page = StaffMessagesState, StaffMessagesState.page
    dead, bounced = str(MessageStatus.dead), str(MessageStatus.bounced)
    return rx.el.div(
        _toggle(page.to_call, "phone", state.channel == "call", state.show_calls),
        _toggle(page.dead, "circle-alert", state.status == dead, state.show_only(dead)),
        _toggle(page.bounced, "undo-2", state.status == bounced, state.show_only(bounced)),
        rx.cond(
            page.again != "",
            button(page.again, kind="secondary", small=True, icon="send", on_click=state.ask(True)),
        ),
        role="status",
        class_name="row attention no-print",
    )


def _toggle(sentence: rx.Var[str], icon: str, is_shown: rx.Var[bool], on_show: Any) -> rx.Component:
    """Shows what the sentence counts; pressed again, all."""
    return rx.cond(
        sentence != "",
        rx.el.button(
            rx.icon(icon, aria_hidden="true"),
            sentence,
            type="button",
            aria_pressed=rx.cond(is_shown, "true", "false"),
            on_click=on_show,
            class_name="toggle toggle-attention",
        ),
    )


def _filters() -> rx.Component:
    state = StaffMessagesState
    fates = [(str(status), t(MESSAGE_WORDS[status])) for status in MessageStatus]
    channels = [(channel, t(CHANNEL_WORDS[channel])) for channel in CHANNELS]
    kinds = [(kind, t(word)) for kind, word in KIND_WORDS.items()]
    return rx.el.div(
        filter_field(
            t("Recipient or patient"),
            rx.el.input(
                id=SEARCH,
                type="search",
                default_value=state.words,
                on_change=state.search.debounce(250),
                auto_complete="off",
                class_name="input input-compact",
            ),
        ),
        filter_field(t("Status"), _select(fates, state.status, state.choose_status)),
        filter_field(t("Channel"), _select(channels, state.channel, state.choose_channel)),
        filter_field(t("Kind"), _select(kinds, state.kind, state.choose_kind)),
        class_name="filters no-print",
        role="search",
    )


def _select(choices: list[tuple[str, str]], chosen: rx.Var[str], on_choose: Any) -> rx.Component:
    return rx.el.select(
        rx.el.option(t("All"), value=""),
        *[rx.el.option(word, value=value) for value, word in choices],
        value=chosen,
        on_change=on_choose,
        class_name="input input-compact",
    )


def _whose() -> rx.Component:
    """Whose messages these are, where somebody came from her appointment."""
    state = StaffMessagesState
    return rx.cond(
        state.page.patient != "",
        rx.el.div(
            rx.el.span(t("Messages of {name}", name=state.page.patient)),
            button(t("Show all"), kind="quiet", small=True, icon="x", on_click=state.show_all),
            class_name="chosen whose no-print",
        ),
    )


def _table() -> rx.Component:
    headings = (t("Written"), t("Recipient"), t("Message"), t("Status"))
    return table(headings, StaffMessagesState.page.rows, _row, "table-messages")


def _row(row: rx.Var[MessageRow]) -> rx.Component:
    return rx.el.tr(
        _cell(t("Written"), rx.el.span(row.written, class_name="small numbers")),
        _cell(
            t("Recipient"),
            rx.el.div(
                rx.el.span(row.recipient),
                rx.cond(
                    row.phone != "",
                    phone_link(row.phone),
                    rx.el.span(row.channel_word, " · ", row.address, class_name="small soft"),
                ),
                class_name="agenda-who",
            ),
        ),
        _cell(
            t("Message"),
            rx.el.div(
                rx.el.button(
                    row.subject,
                    type="button",
                    lang=row.language,
                    on_click=OpenMessageState.open(row.ref),
                    class_name="row-button",
                ),
                rx.el.span(row.kind, class_name="small soft"),
                class_name="agenda-who",
            ),
        ),
        _cell(t("Status"), _fate(row)),
    )


def _fate(row: rx.Var[MessageRow]) -> rx.Component:
    """What became of it, why, and what can be done about it."""
    state = StaffMessagesState
    whose = rx.el.span(" ", row.recipient, class_name="visually-hidden")
    return rx.el.div(
        rx.el.div(
            badge(row.status_word, tone="message-" + row.status),
            rx.cond(row.at != "", rx.el.span(row.at, class_name="small soft numbers")),
            rx.cond(
                row.can_replay,
                button(t("Send again"), whose, kind="secondary", small=True, on_click=state.replay(row.ref)),
            ),
            rx.cond(
                row.must_call,
                button(t("I have called"), whose, small=True, icon="phone", on_click=state.mark_called(row.ref)),
            ),
            rx.cond(
                row.is_on_board,
                link_button(t("To the call list"), href=routes.to(routes.STAFF_OFFERS), small=True, icon="phone"),
            ),
            class_name="row",
        ),
        rx.cond(row.note != "", rx.el.span(row.note, class_name="small soft")),
        class_name="stack-tight",
    )


def _cell(label: str, content: rx.Component) -> rx.Component:
    return rx.el.td(content, custom_attrs={"data-label": label})


def _pager() -> rx.Component:
    state = StaffMessagesState
    return pager(
        state.number, state.page.has_more, back=(t("Newer"), state.show_newer), on=(t("Older"), state.show_older)
    )


def _ask_dialog() -> rx.Component:
    """Before all that is dead is sent again: what that means."""
    state = StaffMessagesState
    return dialog(
        rx.el.p(t("What failed and fits the filters is handed over anew, the oldest first, ten a second.")),
        rx.el.p(
            t("What says something that is no longer so, or comes too late, stays where it is."), class_name="soft"
        ),
        actions(
            button(t("Back"), kind="secondary", on_click=state.ask(False)),
            button(state.page.again, icon="send", on_click=state.replay_all),
        ),
        is_open=state.asks,
        on_close=state.ask(False),
        title=t("Send again what failed?"),
    )
