"""What the desk sees of messages: the list, and one of them as its reader gets it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from medcal.i18n import n_, t, tn
from medcal.models import Delivery, Message, MessageStatus
from medcal.services.outbox import OpenedMessage
from medcal.viewmodels.dates import stamp

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
    "reminder.three_days": n_("Reminder, three days"),
    "reminder.one_day": n_("Reminder, one day"),
    "offer.made": n_("Offer"),
    "offer.withdrawn": n_("Offer withdrawn"),
    "offer.taken": n_("Offer taken by somebody else"),
    "waitlist.paused": n_("Wish paused"),
    "code": n_("One-time code"),
}
CHANNEL_WORDS = {"email": n_("E-mail"), "sms": n_("Text message"), "call": n_("Phone call")}


@dataclass(frozen=True)
class MessageRow:
    """A line of the list of messages."""

    ref: str = ""
    kind: str = ""
    channel: str = ""
    channel_word: str = ""
    recipient: str = ""
    address: str = ""
    subject: str = ""
    # Subject and text are written in the patient's language, whatever that of the page.
    language: str = ""
    status: str = ""
    status_word: str = ""
    at: str = ""
    tries: str = ""
    error: str = ""
    can_replay: bool = False
    can_mark_called: bool = False
    # An offer is answered on the board: there the call has its countdown and its three answers.
    is_on_call_list: bool = False

    @classmethod
    def of(cls, message: Message, zone: ZoneInfo, now: datetime) -> "MessageRow":
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
            subject=message.subject,
            language=message.language,
            status=str(message.status),
            status_word=_waiting_word(message, now) if is_waiting else t(MESSAGE_WORDS[message.status]),
            at=stamp(
                message.due_at if is_waiting else message.delivered_at or message.handed_over_at or message.created_at,
                zone,
            ),
            tries=tn("{count} try", "{count} tries", message.tries) if message.tries else "",
            error=message.last_error,
            can_replay=message.status is MessageStatus.dead and not is_useless,
            can_mark_called=must_call and message.kind != "offer.made",
            is_on_call_list=must_call and message.kind == "offer.made",
        )


def _waiting_word(message: Message, now: datetime) -> str:
    if message.channel == "call":
        return t("To be called")
    if message.tries:
        return t("Tried, will be tried again")
    return t("Planned") if message.due_at > now else t("On its way")


@dataclass(frozen=True)
class AttemptRow:
    """One try to hand a message over."""

    number: str
    at: str
    target: str
    outcome: str

    @classmethod
    def of(cls, delivery: Delivery, zone: ZoneInfo) -> "AttemptRow":
        if delivery.target == "callback":
            return cls("", stamp(delivery.started_at, zone), "", delivery.error or t("sent"))
        answer = str(delivery.status_code) if delivery.status_code else ""
        return cls(
            str(delivery.attempt),
            stamp(delivery.started_at, zone),
            delivery.target,
            " · ".join(part for part in (answer, delivery.error) if part) or t("accepted"),
        )


@dataclass(frozen=True)
class OpenMessage:
    """A message as its reader gets it, with the tries to hand it over."""

    row: MessageRow = MessageRow()
    text: str = ""
    html: str = ""
    shows_links: bool = False
    attempts: list[AttemptRow] = field(default_factory=list)

    @classmethod
    def of(cls, opened: OpenedMessage, now: datetime) -> "OpenMessage":
        return cls(
            MessageRow.of(opened.message, opened.zone, now),
            opened.words.text,
            # Inside its frame a link would open in the frame.
            opened.words.html.replace("<head>", '<head><base target="_blank">', 1),
            opened.shows_links,
            [AttemptRow.of(delivery, opened.zone) for delivery in opened.deliveries],
        )


def message_rows(messages: Iterable[Message], zone: ZoneInfo, now: datetime) -> list[MessageRow]:
    return [MessageRow.of(message, zone, now) for message in messages]
