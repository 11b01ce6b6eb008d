"""The messages page's view of what has gone out and what has not: reception's outbox, and its call list."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from medcal.config import settings
from medcal.errors import NotAllowed, NotFound
from medcal.i18n import t
from medcal.models import Delivery, Location, Message, MessageStatus
from medcal.security import Actor, Role
from medcal.services import delivery
from medcal.services.notifications import Words, words_of

_LINK = re.compile(r"\{link:\w+\}")


@dataclass(frozen=True)
class Filter:
    """What is asked of the list; empty means all."""

    status: MessageStatus | None = None
    channel: str = ""
    search: str = ""


def list_messages(db: Session, actor: Actor, wanted: Filter, limit: int) -> Sequence[Message]:
    """The newest messages, at most `limit`. Raises NotAllowed: messages cross doctors, so they are reception's and the admins'."""
    _check(actor)
    return delivery.recent(db, status=wanted.status, channel=wanted.channel, search=wanted.search, limit=limit)


@dataclass(frozen=True)
class OpenedMessage:
    """A message with its words and the tries to hand it over."""

    message: Message
    words: Words
    shows_links: bool
    deliveries: tuple[Delivery, ...]
    zone: ZoneInfo


def open_message(db: Session, actor: Actor, ref: uuid.UUID) -> OpenedMessage:
    """One message as its reader gets it.

    Where it has really gone out, links and one-time codes are left out: they open a patient's page to whoever has them. With nothing
    configured this is where messages arrive, so they are all there.
    """
    _check(actor)
    message = db.exec(select(Message).where(Message.ref == ref)).one_or_none()
    if message is None:
        raise NotFound
    shows_links = not settings().n8n_webhook_url
    found = select(Delivery).where(Delivery.message_id == message.id).order_by(col(Delivery.id))
    words = words_of(message) if shows_links else _without_secrets(message)
    return OpenedMessage(message, words, shows_links, tuple(db.exec(found)), clinic_zone(db))


def _without_secrets(message: Message) -> Words:
    if message.kind == "code":
        return Words(message.subject, t("A one-time code is for its recipient alone."), "")
    return Words(message.subject, _LINK.sub(t("(link)"), message.text), "")


def clinic_zone(db: Session) -> ZoneInfo:
    """The clock that lists across doctors are read on."""
    location = db.exec(select(Location).order_by(col(Location.id)).limit(1)).first()
    return location.zone_info if location else ZoneInfo("UTC")


def _check(actor: Actor) -> None:
    if not actor.is_staff or actor.role not in (Role.reception, Role.admin):
        raise NotAllowed
