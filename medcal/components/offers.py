"""The parts of the board of freed times: whom to call, what is on offer, what looks for somebody, and the trail of one."""

from collections.abc import Callable
from typing import Any

import reflex as rx

from medcal.components.desk import mail_link, phone_link
from medcal.components.ui import Countdown, Text, badge, button, countdown
from medcal.i18n import t
from medcal.viewmodels.offer_trail import OpenTrail, TrailLine, WaitingLine
from medcal.viewmodels.staff_offers import CallRow, EndedRow, LookingRow, OfferedRow, PersonRow

OnRef = Callable[[rx.Var[str]], Any]


def counted(title: str, count: rx.Var[int], name: str) -> rx.Component:
    """The heading of a list with how many are in it."""
    return rx.el.h2(title, " ", rx.el.span(count, class_name="count"), id=name)


def silent_countdown(until: rx.Var[str], *, before: str = "", over: str, **events: Any) -> rx.Component:
    """A small clock in a list: nothing is said of its last minutes, there may be many."""
    words = {"before": before, "after": "", "five_minutes": "", "one_minute": "", "over": over}
    return rx.el.div(Countdown.create(until=until, **words, **events), class_name="countdown-plain")


# --- Calling ----------------------------------------------------------------------------------------------------------


def call_card(call: rx.Var[CallRow], *, on_accept: OnRef, on_decline: OnRef, on_not_reached: OnRef) -> rx.Component:
    """Whom to call until when, what to say, and the three things that can come of it."""
    return rx.el.article(
        rx.el.div(
            rx.el.h3(call.patient),
            rx.cond(
                call.phone != "",
                rx.el.span(rx.icon("phone", aria_hidden="true"), phone_link(call.phone), class_name="call-number"),
                rx.el.span(t("No number known"), class_name="small soft"),
            ),
            class_name="row-apart",
        ),
        rx.cond(call.for_whom != "", rx.el.p(call.for_whom)),
        rx.el.p(call.say, class_name="say"),
        countdown(
            call.answer_until,
            before=t("Held for"),
            after=t("until {moment}", moment=call.until),
            over=t("The answer time is over."),
        ),
        rx.el.div(
            _answer(t("Reached: accepted"), call.patient, on_accept(call.ref), icon="check"),
            _answer(t("Reached: declined"), call.patient, on_decline(call.ref), kind="secondary"),
            _answer(t("Not reached"), call.patient, on_not_reached(call.ref), kind="secondary", icon="phone-missed"),
            class_name="row",
        ),
        class_name="card call stack-tight",
    )


def _answer(label: str, patient: rx.Var[str], on_click: Any, **look: Any) -> rx.Component:
    whose = rx.el.span(" ", patient, class_name="visually-hidden")
    return button(label, whose, small=True, on_click=on_click, **look)


# --- On offer ---------------------------------------------------------------------------------------------------------


def offered_card(
    freed: rx.Var[OfferedRow], *, on_open: OnRef, on_accept: OnRef, on_decline: OnRef, on_withdraw: OnRef
) -> rx.Component:
    """A time on offer, with everybody who is asked for it at once."""
    return rx.el.article(
        rx.el.div(
            rx.el.h3(trail_button(freed.when, on_open(freed.ref))),
            silent_countdown(freed.answer_until, over=t("Time is up")),
            class_name="row-apart",
        ),
        rx.el.p(freed.doctor, rx.el.br(), rx.el.span(freed.cause, class_name="soft"), class_name="small"),
        rx.el.ul(
            rx.foreach(freed.people, lambda person: _person(person, on_accept, on_decline)), class_name="asked-people"
        ),
        rx.el.div(
            rx.el.span(t("Held until {moment}", moment=freed.until), class_name="small soft"),
            _answer(t("Withdraw"), freed.when, on_withdraw(freed.ref), kind="quiet"),
            class_name="row-apart",
        ),
        class_name="card stack-tight",
    )


def _person(person: rx.Var[PersonRow], on_accept: OnRef, on_decline: OnRef) -> rx.Component:
    contact = rx.cond(person.channel == "email", mail_link(person.contact), phone_link(person.contact))
    return rx.el.li(
        _channel_icon(person.channel, person.channel_word),
        rx.el.div(
            rx.el.strong(person.patient),
            rx.cond(person.contact != "", rx.el.span(contact, class_name="small")),
            class_name="agenda-who",
        ),
        rx.cond(
            person.status_word != "",
            rx.el.span(person.status_word, class_name="small soft"),
            rx.cond(
                person.channel == "call",
                badge(t("Please call"), tone="danger"),
                rx.el.div(
                    _answer(t("Accepts"), person.patient, on_accept(person.ref), kind="quiet"),
                    _answer(t("Declines"), person.patient, on_decline(person.ref), kind="quiet"),
                    class_name="row",
                ),
            ),
        ),
    )


def _channel_icon(channel: rx.Var[str], word: rx.Var[str]) -> rx.Component:
    icons = {"email": "mail", "sms": "message-square-text"}
    drawn = [(name, rx.icon(icon, aria_hidden="true")) for name, icon in icons.items()]
    return rx.el.span(
        rx.match(channel, *drawn, rx.icon("phone", aria_hidden="true")),
        rx.el.span(word, class_name="visually-hidden"),
        title=word,
        class_name="channel",
    )


def trail_button(label: rx.Var[str], on_click: Any) -> rx.Component:
    """A freed time by its moment; pressed, it shows its trail."""
    return rx.el.button(label, type="button", on_click=on_click, class_name="row-button")


# --- Looking for somebody, and ended ----------------------------------------------------------------------------------


def looking_table(rows: rx.Var[list[LookingRow]], *, on_open: OnRef, on_due: Any) -> rx.Component:
    return _table(
        (t("Freed time"), t("Doctor"), t("Where it stands"), t("Asked")),
        rx.foreach(rows, lambda row: _looking(row, on_open, on_due)),
    )


def _looking(row: rx.Var[LookingRow], on_open: OnRef, on_due: Any) -> rx.Component:
    state = rx.el.div(
        rx.el.span(row.sentence, class_name=rx.Var.create("looks looks-") + row.kind),
        rx.cond(
            row.look_at != "",
            silent_countdown(
                row.look_at, before=t("looked at again in"), over=t("is being looked at"), on_expire=on_due
            ),
        ),
        class_name="agenda-who",
    )
    return rx.el.tr(
        _cell(t("Freed time"), trail_button(row.when, on_open(row.ref))),
        _cell(t("Doctor"), _two_lines(row.doctor, row.cause)),
        _cell(t("Where it stands"), state),
        _cell(t("Asked"), row.asked),
    )


def ended_table(rows: rx.Var[list[EndedRow]], *, on_open: OnRef) -> rx.Component:
    return _table(
        (t("Freed time"), t("Doctor"), t("What came of it"), t("Asked")),
        rx.foreach(rows, lambda row: _ended(row, on_open)),
    )


def _ended(row: rx.Var[EndedRow], on_open: OnRef) -> rx.Component:
    tone = rx.Var.create("freed-") + row.kind
    return rx.el.tr(
        _cell(t("Freed time"), trail_button(row.when, on_open(row.ref))),
        _cell(t("Doctor"), row.doctor),
        _cell(
            t("What came of it"),
            rx.el.div(badge(row.outcome, tone=tone), rx.el.span(row.at, class_name="small soft"), class_name="row"),
        ),
        _cell(t("Asked"), row.asked),
    )


def _table(headings: tuple[str, ...], rows: rx.Component) -> rx.Component:
    head = rx.el.thead(rx.el.tr(*[rx.el.th(heading, scope="col") for heading in headings]))
    return rx.el.div(rx.el.table(head, rx.el.tbody(rows), class_name="table"), class_name="table-wrap")


def _cell(label: str, content: Any) -> rx.Component:
    return rx.el.td(content, custom_attrs={"data-label": label})


def _two_lines(first: Text, second: Text) -> rx.Component:
    return rx.el.div(rx.el.span(first), rx.el.span(second, class_name="small soft"), class_name="agenda-who")


# --- The trail --------------------------------------------------------------------------------------------------------


def trail_view(trail: rx.Var[OpenTrail]) -> rx.Component:
    """What happened to a time, and who of those who wait would be asked next."""
    return rx.fragment(
        rx.el.p(trail.doctor, class_name="soft"),
        rx.el.ol(rx.foreach(trail.lines, _line), class_name="trail"),
        rx.cond(
            ~trail.is_over,
            rx.el.section(
                rx.el.h3(t("Who is next")),
                rx.el.p(t("As of {time}. Wishes and calendars change.", time=trail.as_of), class_name="small soft"),
                rx.cond(
                    trail.waiting.length() > 0,
                    rx.el.ol(rx.foreach(trail.waiting, _waiting), class_name="passed"),
                    rx.el.p(t("Nobody else waits for times like this.")),
                ),
                class_name="stack-tight",
            ),
        ),
    )


def _line(line: rx.Var[TrailLine]) -> rx.Component:
    return rx.el.li(
        rx.el.span(line.at, class_name="small soft numbers"),
        rx.el.span(line.sentence),
        class_name=rx.Var.create("trail-") + line.kind,
    )


def _waiting(waiting: rx.Var[WaitingLine]) -> rx.Component:
    return rx.el.li(
        rx.el.span(waiting.patient),
        rx.cond(waiting.is_next, badge(waiting.why, tone="good"), rx.el.span(waiting.why, class_name="small soft")),
    )
