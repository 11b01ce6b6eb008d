"""What the desk sees of messages: the list, and one of them as its reader gets it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from medcal.clock import local, local_day
from medcal.i18n import n_, t, tn
from medcal.models import Delivery, Message, MessageStatus
from medcal.services.outbox import MOST_COUNTED, Attention, OpenedMessage, Page
from medcal.services.resending import MOST_AT_ONCE
from medcal.viewmodels.dates import clock_time, short_moment, stamp

MESSAGE_WORDS = {
    MessageStatus.due: n_("Waiting"),
    MessageStatus.taken: n_("On its way"),
    MessageStatus.handed_over: n_("Handed over"),
    MessageStatus.delivered: n_("Delivered"),
    MessageStatus.bounced: n_("Came back"),
    MessageStatus.dead: n_("Failed"),
    MessageStatus.missed: n_("Missed its moment"),
    MessageStatus.dropped: n_("No longer needed"),
}
KIND_WORDS = {
    "appointment.booked": n_("Confirmation"),
    "appointment.moved": n_("Moved"),
    "appointment.cancelled": n_("Cancellation"),
    "reminder": n_("Reminder"),
    "offer.made": n_("Offer"),
    "offer.withdrawn": n_("Offer withdrawn"),
    "offer.taken": n_("Offer taken by somebody else"),
    "waitlist.paused": n_("Wish paused"),
    "code": n_("One-time code"),
}
CHANNEL_WORDS = {"email": n_("E-mail"), "sms": n_("Text message"), "call": n_("Phone call")}
# What sending again means, by what became of the message so far.
AGAIN = {
    MessageStatus.due: n_("It is tried at once instead of later. Whoever has it already does not get it twice."),
    MessageStatus.handed_over: n_("It may have arrived: then the patient gets it twice."),
    MessageStatus.delivered: n_("It has arrived: the patient gets it a second time."),
    MessageStatus.bounced: n_("It goes to the same address, which did not take it."),
    MessageStatus.dead: n_("It is handed over anew, and tried for three days again."),
}


# --- The list ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MessageRow:
    """A line of the list of messages."""

    ref: str = ""
    kind: str = ""
    channel: str = ""
    channel_word: str = ""
    recipient: str = ""
    address: str = ""
    # The number to call, where somebody must.
    phone: str = ""
    subject: str = ""
    # Subject and text are written in the patient's language, whatever that of the page.
    language: str = ""
    status: str = ""
    status_word: str = ""
    written: str = ""
    # When it came to be what it is, where that is another minute.
    at: str = ""
    note: str = ""
    can_replay: bool = False
    must_call: bool = False
    # An offer is answered on the board: there the call has its countdown and its three answers.
    is_on_board: bool = False

    @classmethod
    def of(cls, message: Message, zone: ZoneInfo, now: datetime, phone: str = "") -> "MessageRow":
        is_waiting = message.status is MessageStatus.due
        is_useless = message.useless_at is not None and message.useless_at <= now
        must_call = is_waiting and message.channel == "call"
        return cls(
            ref=str(message.ref),
            kind=t(KIND_WORDS[message.kind]) if message.kind in KIND_WORDS else message.kind,
            channel=message.channel,
            channel_word=t(CHANNEL_WORDS.get(message.channel, message.channel)),
            recipient=message.recipient_name or message.recipient,
            address=message.recipient,
            phone=phone,
            subject=message.subject or t("The words are no longer kept."),
            language=message.language,
            status="call" if must_call else str(message.status),
            status_word=_waiting_word(message, now) if is_waiting else t(MESSAGE_WORDS[message.status]),
            written=stamp(message.created_at, zone),
            at=_another(_moment_of(message), message.created_at, zone),
            note=_note(message),
            can_replay=message.status is MessageStatus.dead and not is_useless,
            must_call=must_call and message.kind != "offer.made",
            is_on_board=must_call and message.kind == "offer.made",
        )


def _moment_of(message: Message) -> datetime:
    if message.status is MessageStatus.due:
        return message.created_at if message.channel == "call" else message.next_try_at
    return message.delivered_at or message.handed_over_at or message.created_at


def _another(at: datetime, written_at: datetime, zone: ZoneInfo) -> str:
    """09:30, with the day where it is another one than that of the first instant; empty where it is the same minute."""
    if stamp(at, zone) == stamp(written_at, zone):
        return ""
    return clock_time(at, zone) if local_day(at, zone) == local_day(written_at, zone) else short_moment(at, zone)


def _waiting_word(message: Message, now: datetime) -> str:
    if message.channel == "call":
        return t("To be called")
    if message.tries:
        return t("Tried, will be tried again")
    return t("Planned") if message.due_at > now else t("On its way")


def _note(message: Message) -> str:
    """Why it did not arrive, else how often it was tried: what explains most in few words."""
    if message.why:
        return t(message.why)
    return tn("{count} try", "{count} tries", message.tries) if message.tries > 1 else ""


@dataclass(frozen=True)
class MessagePage:
    """A page of the list, and what asks for attention in the whole of it; a sentence is empty where there is nothing.

    `patient` is whose messages they are, `again` how many dead ones of the list can be sent again at once.
    """

    rows: list[MessageRow] = field(default_factory=list)
    has_more: bool = False
    patient: str = ""
    to_call: str = ""
    dead: str = ""
    bounced: str = ""
    again: str = ""

    @classmethod
    def of(cls, page: Page, attention: Attention, replayable: int, now: datetime) -> "MessagePage":
        return cls(
            rows=_rows(page.messages, page.phones, page.zone, now),
            has_more=page.has_more,
            patient=page.patient,
            to_call=t("{count} to call", count=_counted(attention.to_call)) if attention.to_call else "",
            dead=t("{count} failed", count=_counted(attention.dead)) if attention.dead else "",
            bounced=t("{count} came back", count=_counted(attention.bounced)) if attention.bounced else "",
            again=_again(replayable),
        )


def _rows(messages: Sequence[Message], phones: Mapping[int, str], zone: ZoneInfo, now: datetime) -> list[MessageRow]:
    return [MessageRow.of(message, zone, now, phones.get(message.id or 0, "")) for message in messages]


def _counted(count: int) -> str:
    return f"{MOST_COUNTED}+" if count >= MOST_COUNTED else str(count)


def _again(count: int) -> str:
    if count >= MOST_AT_ONCE:
        return t("Send the {count} oldest again", count=MOST_AT_ONCE)
    return tn("Send {count} again", "Send all {count} again", count) if count else ""


# --- One message ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AttemptRow:
    """One try to hand a message over, or what was reported of it."""

    at: str
    what: str
    target: str
    outcome: str

    @classmethod
    def of(cls, delivery: Delivery, zone: ZoneInfo) -> "AttemptRow":
        at = _to_the_second(delivery.started_at, zone)
        if delivery.target == "callback":
            return cls(at, t("Report"), "", delivery.error or t("sent"))
        answer, said = str(delivery.status_code or ""), delivery.error or t("accepted")
        # A mail server's own sentence begins with the figure.
        return cls(at, _which(delivery), delivery.target, said if answer in said else f"{answer} · {said}")


def _which(delivery: Delivery) -> str:
    if delivery.handover:
        return t("Sent anew ({count}), try {number}", count=delivery.handover, number=delivery.attempt)
    return t("Try {number}", number=delivery.attempt)


def _to_the_second(at: datetime, zone: ZoneInfo) -> str:
    return f"{stamp(at, zone)}:{local(at, zone):%S}"


@dataclass(frozen=True)
class FactLine:
    """Something that is known of a message: what it is, and what is so."""

    name: str
    value: str


@dataclass(frozen=True)
class OpenMessage:
    """A message as its reader gets it, with all that is known of its way."""

    row: MessageRow = MessageRow()
    why: str = ""
    said: str = ""
    text: str = ""
    html: str = ""
    shows_links: bool = False
    again: str = ""
    facts: list[FactLine] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)

    @classmethod
    def of(cls, opened: OpenedMessage, *, can_resend: bool, now: datetime) -> "OpenMessage":
        message = opened.message
        return cls(
            row=MessageRow.of(message, opened.zone, now, opened.phone),
            why=opened.why,
            said=message.last_error,
            text=opened.words.text,
            # Inside its frame a link would open in the frame.
            html=opened.words.html.replace("<head>", '<head><base target="_blank">', 1),
            shows_links=opened.shows_links,
            again=t(AGAIN[message.status]) if can_resend else "",
            facts=_facts(opened),
            attempts=[AttemptRow.of(delivery, opened.zone) for delivery in opened.deliveries],
        )


def _facts(opened: OpenedMessage) -> list[FactLine]:
    message, zone = opened.message, opened.zone
    waits = message.status is MessageStatus.due and message.channel != "call"
    has_arrived = t("Called") if message.channel == "call" else t("Delivered")
    instants = (
        (t("Written"), message.created_at),
        (t("Next try") if message.tries else t("Leaves"), message.next_try_at if waits else None),
        (t("Handed over"), message.handed_over_at),
        (t("Report expected until"), message.answer_by),
        (has_arrived, message.delivered_at),
    )
    to = " · ".join(dict.fromkeys(part for part in (message.recipient_name, message.recipient) if part))
    lines = [FactLine(name, _to_the_second(at, zone)) for name, at in instants if at]
    named = [FactLine(t("Known there as"), message.far_id)] if message.far_id else []
    return [FactLine(t("To"), to or t("nobody's address is known")), *lines, *named]
