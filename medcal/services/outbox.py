"""The messages page's view of what has gone out and what has not: reception's outbox, and its call list."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import literal_column
from sqlmodel import Session, col, or_, select

from medcal.config import settings
from medcal.db import fetch_one
from medcal.errors import NotFound
from medcal.i18n import n_, t
from medcal.models import Delivery, Location, Message, MessageStatus, Patient
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services.notifications import Words, words_of

_LINK = re.compile(r"\{link:\w+\}")

WAITS_FOR_ITS_TIME = n_("Its time has not come yet.")
WAITS_FOR_ANOTHER = n_("An earlier message about the same appointment has to leave first.")
WAITS_FOR_NEXT_TRY = n_("It was not taken, and is tried again.")
WAITS_FOR_CALL = n_("Neither an e-mail address nor a phone number for text messages is known, so somebody must call.")
WAITS_FOR_SCHEDULER = n_("It is due, and leaves as soon as the scheduler takes it.")


@dataclass(frozen=True)
class Filter:
    """What is asked of the list; empty means all. `search` looks in the recipient's name and address."""

    status: MessageStatus | None = None
    channel: str = ""
    search: str = ""
    kind: str = ""
    patient: uuid.UUID | None = None


def list_messages(
    db: Session, actor: Actor, wanted: Filter, limit: int, *, before: Message | None = None
) -> Sequence[Message]:
    """Messages, newest first, at most `limit`; `before` goes on where a page ended.

    Raises NotAllowed: messages cross doctors, so they are reception's and the admins'.
    """
    check_reader(actor)
    statement = matching(wanted, wanted.status).order_by(col(Message.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(col(Message.id) < before.id)
    found: Sequence[Message] = db.exec(statement).all()
    return found


def matching(wanted: Filter, status: MessageStatus | None) -> Any:
    """The messages that fit a filter, as a statement to go on with."""
    statement: Any = select(Message)
    if status is not None:
        # Written out: the indexes of single fates are of no use to a plan that does not know which it is.
        statement = statement.where(col(Message.status) == literal_column(f"'{status.value}'"))
    if wanted.kind:
        statement = statement.where(Message.kind == wanted.kind)
    if wanted.channel:
        statement = statement.where(Message.channel == wanted.channel)
    if wanted.patient:
        patient = select(Patient.id).where(Patient.ref == wanted.patient).scalar_subquery()
        statement = statement.where(Message.patient_id == patient)
    if text := wanted.search.strip():
        fields = (Message.recipient, Message.recipient_name)
        statement = statement.where(or_(*(col(field).icontains(text, autoescape=True) for field in fields)))
    return statement


@dataclass(frozen=True)
class OpenedMessage:
    """A message with its words and the tries to hand it over; `why` says why it has not arrived, where it has not."""

    message: Message
    words: Words
    shows_links: bool
    deliveries: tuple[Delivery, ...]
    zone: ZoneInfo
    why: str = ""


def open_message(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> OpenedMessage:
    """One message as its reader gets it.

    Where it has really gone out, links and one-time codes are left out: they open a patient's page to whoever has them. With nothing
    configured this is where messages arrive, so they are all there.
    """
    check_reader(actor)
    message = db.exec(select(Message).where(Message.ref == ref)).one_or_none()
    if message is None:
        raise NotFound
    shows_links = settings().keeps_messages
    found = select(Delivery).where(Delivery.message_id == message.id).order_by(col(Delivery.id))
    words = words_of(message) if shows_links else _without_secrets(message)
    why = explain(db, message, now)
    return OpenedMessage(message, words, shows_links, tuple(db.exec(found)), clinic_zone(db), t(why) if why else "")


def explain(db: Session, message: Message, now: datetime) -> str:
    """Why a message has not been sent, in English for the catalogue; empty for one of which there is nothing to explain."""
    if message.why or message.status is not MessageStatus.due:
        return message.why
    if message.channel == "call":
        return WAITS_FOR_CALL
    if message.tries:
        return WAITS_FOR_NEXT_TRY
    if message.next_try_at > now:
        return WAITS_FOR_ITS_TIME
    return WAITS_FOR_ANOTHER if _is_behind_another(db, message, now) else WAITS_FOR_SCHEDULER


def _is_behind_another(db: Session, message: Message, now: datetime) -> bool:
    row = fetch_one(
        db,
        """SELECT id FROM message WHERE appointment_id = %(appointment_id)s AND id < %(id)s AND status IN ('due', 'taken')
              AND channel <> 'call' AND (tries > 0 OR next_try_at <= %(now)s) LIMIT 1""",
        appointment_id=message.appointment_id,
        id=message.id,
        now=now,
    )
    return row is not None


def _without_secrets(message: Message) -> Words:
    if message.kind == "code":
        return Words(message.subject, t("A one-time code is for its recipient alone."), "")
    return Words(message.subject, _LINK.sub(t("(link)"), message.text), "")


def clinic_zone(db: Session) -> ZoneInfo:
    """The clock that lists across doctors are read on."""
    location = db.exec(select(Location).order_by(col(Location.id)).limit(1)).first()
    return location.zone_info if location else ZoneInfo("UTC")


def check_reader(actor: Actor) -> None:
    """Raises NotAllowed for anybody but reception and admins."""
    check(actor, Can.read_messages)
