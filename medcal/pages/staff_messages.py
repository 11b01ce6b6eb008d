"""What people were told, what is still to go out, and whom somebody must call."""

import reflex as rx

from medcal import routes
from medcal.components.desk import filter_field, nothing_found, segments
from medcal.components.dialogs import dialog
from medcal.components.ui import badge, button, callout, link_button, skeleton_rows
from medcal.i18n import t
from medcal.models import MessageStatus
from medcal.pages.staff_frame import for_reception, staff_framed
from medcal.state.staff_messages import CHANNELS, StaffMessagesState
from medcal.viewmodels.staff_messages import CHANNEL_WORDS, MESSAGE_WORDS, AttemptRow, MessageRow


def page() -> rx.Component:
    state = StaffMessagesState
    return staff_framed(
        rx.el.h1(t("Messages")),
        for_reception(
            _filters(),
            rx.cond(
                state.is_loaded,
                rx.cond(state.rows.length() > 0, _table(), nothing_found(t("No message fits."))),
                skeleton_rows(8),
            ),
            rx.cond(state.has_more, button(t("Show more"), kind="secondary", small=True, on_click=state.show_more)),
        ),
        _message_dialog(),
        path=routes.STAFF_MESSAGES,
    )


def _filters() -> rx.Component:
    state = StaffMessagesState
    statuses = [("", t("All")), *((str(status), t(MESSAGE_WORDS[status])) for status in MessageStatus)]
    channels = [rx.el.option(t(CHANNEL_WORDS[channel]), value=channel) for channel in CHANNELS]
    return rx.el.div(
        segments(t("Status"), statuses, state.status, state.choose_status),
        filter_field(
            t("Channel"),
            rx.el.select(
                rx.el.option(t("All"), value=""),
                *channels,
                value=state.channel,
                on_change=state.choose_channel,
                class_name="input input-compact",
            ),
        ),
        filter_field(
            t("Recipient"),
            rx.el.input(
                type="search",
                default_value=state.words,
                on_change=state.search.debounce(250),
                auto_complete="off",
                class_name="input input-compact",
            ),
        ),
        class_name="filters no-print",
        role="search",
    )


def _table() -> rx.Component:
    headings = (t("When"), t("Recipient"), t("Message"), t("Status"))
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*[rx.el.th(heading, scope="col") for heading in headings])),
            rx.el.tbody(rx.foreach(StaffMessagesState.rows, _row)),
            class_name="table",
        ),
        class_name="table-wrap",
    )


def _row(row: rx.Var[MessageRow]) -> rx.Component:
    state = StaffMessagesState
    return rx.el.tr(
        rx.el.td(row.at, class_name="small numbers", custom_attrs={"data-label": t("When")}),
        rx.el.td(
            rx.el.div(
                rx.el.span(row.recipient),
                rx.el.span(row.channel_word, " · ", row.address, class_name="small soft"),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Recipient")},
        ),
        rx.el.td(
            rx.el.div(
                rx.el.button(
                    row.subject, type="button", lang=row.language, on_click=state.open(row.ref), class_name="row-button"
                ),
                rx.el.span(row.kind, class_name="small soft"),
                class_name="agenda-who",
            ),
            custom_attrs={"data-label": t("Message")},
        ),
        rx.el.td(
            rx.el.div(
                badge(row.status_word, tone="message-" + row.status),
                rx.cond(row.tries != "", rx.el.span(row.tries, class_name="small soft")),
                rx.cond(
                    row.can_replay,
                    button(t("Send again"), kind="secondary", small=True, on_click=state.replay(row.ref)),
                ),
                rx.cond(
                    row.can_mark_called,
                    button(t("I have called"), small=True, icon="phone", on_click=state.mark_called(row.ref)),
                ),
                rx.cond(
                    row.is_on_call_list,
                    link_button(t("To the call list"), href=routes.to(routes.STAFF_OFFERS), small=True, icon="phone"),
                ),
                class_name="row",
            ),
            custom_attrs={"data-label": t("Status")},
        ),
    )


def _message_dialog() -> rx.Component:
    state, message = StaffMessagesState, StaffMessagesState.message
    return dialog(
        rx.el.p(
            message.row.kind,
            " · ",
            message.row.channel_word,
            " · ",
            message.row.address,
            " · ",
            message.row.at,
            class_name="small soft",
        ),
        rx.cond(message.row.error != "", callout(rx.el.p(message.row.error), tone="danger")),
        rx.cond(
            message.html != "",
            # A frame without scripts: what a mail is made of stays apart from the page.
            rx.el.iframe(
                src_doc=message.html,
                sandbox="allow-popups allow-popups-to-escape-sandbox",
                title=t("The message as it is read"),
                class_name="mail",
            ),
            rx.el.pre(message.text, lang=message.row.language, class_name="mail-text", tab_index=0),
        ),
        rx.cond(
            ~message.shows_links,
            rx.el.p(
                t("Links and codes are left out: whoever has them sees the patient's page."), class_name="small soft"
            ),
        ),
        rx.cond(
            message.attempts.length() > 0,
            rx.el.section(
                rx.el.h3(t("Tries to hand it over")),
                rx.el.ol(rx.foreach(message.attempts, _attempt), class_name="history"),
                class_name="stack-tight",
            ),
        ),
        is_open=state.is_open,
        on_close=state.set_open(False),
        title=message.row.subject,
        wide=True,
    )


def _attempt(attempt: rx.Var[AttemptRow]) -> rx.Component:
    return rx.el.li(
        rx.el.span(attempt.at, class_name="small soft numbers"),
        rx.el.span(attempt.outcome, " ", rx.el.span(attempt.target, class_name="small soft")),
    )
