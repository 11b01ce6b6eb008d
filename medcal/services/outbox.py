"""The messages page's view of what has gone out and what has not: reception's outbox, and its call list."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, and_, any_, literal, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, col, or_, select

from medcal.config import settings
from medcal.db import fetch, fetch_one
from medcal.errors import NotFound
from medcal.i18n import n_, t
from medcal.models import Delivery, Location, Message, MessageStatus, Patient
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import looks
from medcal.services.looks import Seen
from medcal.services.message_words import Words, words_of, words_without_links

# What asks for attention is counted so far; a clinic with more needs no figure but help.
MOST_COUNTED = 1_000
# Of so many messages, the newest, the addresses are searched as well.
LATELY = 20_000

WAITS_FOR_ITS_TIME = n_("Its time has not come yet.")
WAITS_FOR_ANOTHER = n_("An earlier message about the same appointment has to leave first.")
WAITS_FOR_NEXT_TRY = n_("It was not taken, and is tried again.")
WAITS_FOR_CALL = n_("Neither an e-mail address nor a phone number for text messages is known, so somebody must call.")
WAITS_FOR_SCHEDULER = n_("It is due, and leaves as soon as the scheduler takes it.")
UNDER_WAY = n_("It is being handed over at this moment.")
WAITS_FOR_REPORT = n_("It was handed over. Whether it left is not reported yet.")
NOBODY_REPORTS = n_("It was handed over. Whether it left nobody reports to us.")


@dataclass(frozen=True)
class Filter:
    """What is asked of the list; empty means all. `search` looks for patients and for who books for them, by name, address or number."""

    status: MessageStatus | None = None
    channel: str = ""
    search: str = ""
    kind: str = ""
    patient: uuid.UUID | None = None


# --- The list ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A page of the list, newest first. `phones` are the numbers to call, by message; `patient` is whose messages are asked for."""

    messages: tuple[Message, ...]
    has_more: bool
    phones: Mapping[int, str]
    zone: ZoneInfo
    patient: str = ""


def read_page(db: Session, actor: Actor, wanted: Filter, limit: int, before: uuid.UUID | None = None) -> Page:
    """The first page of what fits, or the one that goes on after `before`. Raises NotAllowed."""
    found = list_messages(db, actor, wanted, limit + 1, before=before)
    messages = tuple(found[:limit])
    patient = select(Patient.name).where(Patient.ref == wanted.patient)
    _note(db, actor, wanted, messages)
    return Page(
        messages=messages,
        has_more=len(found) > limit,
        phones=_phones(db, messages),
        zone=clinic_zone(db),
        patient=(db.exec(patient).one_or_none() or "") if wanted.patient else "",
    )


def _note(db: Session, actor: Actor, wanted: Filter, messages: Sequence[Message]) -> None:
    """Whose messages were asked for, or found; of the list as it comes only that it was looked at."""
    is_about_somebody = wanted.patient or wanted.search.strip()
    found = [message.patient_id for message in messages] if is_about_somebody else []
    looks.note(db, actor, Seen.search if wanted.search.strip() else Seen.messages, patients=found)


def list_messages(
    db: Session, actor: Actor, wanted: Filter, limit: int, *, before: uuid.UUID | None = None
) -> Sequence[Message]:
    """Messages, newest first, at most `limit`; `before` goes on after the last one of a page.

    Raises NotAllowed: messages cross doctors, so they are reception's and the admins'.
    """
    check_reader(actor)
    statement = matching(db, wanted, wanted.status).order_by(col(Message.id).desc()).limit(limit)
    if before is not None:
        last = select(Message.id).where(Message.ref == before).scalar_subquery()
        statement = statement.where(col(Message.id) < last)
    found: Sequence[Message] = db.exec(statement).all()
    return found


def matching(db: Session, wanted: Filter, status: MessageStatus | None) -> Any:
    """The messages to patients that fit a filter, as a statement to go on with."""
    statement: Any = select(Message).where(col(Message.patient_id).is_not(None))
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
    return statement.where(_is_about(db, words)) if (words := wanted.search.strip()) else statement


# Whoever is meant: few, and their messages have an index. The list grows for ever and is not read through.
_MEANT = """
SELECT ARRAY(SELECT id FROM patient WHERE strpos(lower(concat_ws(' ', name, email, phone)), lower(%(words)s)) > 0
              ORDER BY id DESC LIMIT %(most)s) AS patients,
       ARRAY(SELECT a.id FROM booker b JOIN appointment a ON a.booker_id = b.id
              WHERE strpos(lower(concat_ws(' ', b.name, b.email, b.phone)), lower(%(words)s)) > 0
              ORDER BY a.id DESC LIMIT %(most)s) AS appointments,
       (SELECT max(id) FROM message) - %(lately)s AS since
"""


def _is_about(db: Session, words: str) -> Any:
    """By whom is meant; lately also by the address that was written to, which may no longer be hers."""
    row = fetch_one(db, _MEANT, words=words, most=MOST_COUNTED, lately=LATELY)
    assert row is not None
    fields = [col(field).icontains(words, autoescape=True) for field in (Message.recipient, Message.recipient_name)]
    return or_(
        col(Message.patient_id) == any_(_array(row.patients)),
        col(Message.appointment_id) == any_(_array(row.appointments)),
        and_(col(Message.id) > (row.since or 0), or_(*fields)),
    )


def _array(ids: Sequence[int]) -> Any:
    return literal(list(ids), ARRAY(BigInteger))


def _phones(db: Session, messages: Sequence[Message]) -> dict[int, str]:
    """Whom to call at which number, as it is known today: what nothing could carry may be addressed by e-mail."""
    calls = [message.id for message in messages if message.channel == "call" and message.status is MessageStatus.due]
    if not calls:
        return {}
    rows = fetch(
        db,
        """SELECT m.id, CASE WHEN b.id IS NULL THEN p.phone ELSE b.phone END AS phone
             FROM message m JOIN patient p ON p.id = m.patient_id
             LEFT JOIN appointment a ON a.id = m.appointment_id LEFT JOIN booker b ON b.id = a.booker_id
            WHERE m.id = ANY (%(calls)s)""",
        calls=calls,
    )
    return {row.id: row.phone or "" for row in rows}


@dataclass(frozen=True)
class Attention:
    """What somebody must look at: who is to be called, what came back, and what is dead. Each is counted up to MOST_COUNTED."""

    to_call: int
    bounced: int
    dead: int


def attention(db: Session, actor: Actor, now: datetime) -> Attention:
    """How much there is to do. What has become useless is not: nobody need look at last month's bounces. Raises NotAllowed."""
    check_reader(actor)
    row = fetch_one(
        db,
        """SELECT (SELECT count(*) FROM (SELECT FROM message WHERE status = 'due' AND channel = 'call' LIMIT %(most)s) c) AS to_call,
                  (SELECT count(*) FROM (SELECT FROM message WHERE status = 'bounced' AND patient_id IS NOT NULL AND useless_at > %(now)s LIMIT %(most)s) b) AS bounced,
                  (SELECT count(*) FROM (SELECT FROM message WHERE status = 'dead' AND patient_id IS NOT NULL AND useless_at > %(now)s LIMIT %(most)s) d) AS dead""",
        now=now,
        most=MOST_COUNTED,
    )
    assert row is not None
    return Attention(row.to_call, row.bounced, row.dead)


# --- One message ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenedMessage:
    """A message with its words and the tries to hand it over; `why` says why it has not arrived, where it has not.

    `phone` is the number to call where somebody must.
    """

    message: Message
    words: Words
    shows_links: bool
    deliveries: tuple[Delivery, ...]
    zone: ZoneInfo
    why: str = ""
    phone: str = ""


def open_message(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> OpenedMessage:
    """One message as its reader gets it.

    Where it has really gone out, links and one-time codes are left out: they open a patient's page to whoever has them. With nothing
    configured this is where messages arrive, so they are all there.
    """
    check_reader(actor)
    message = db.exec(select(Message).where(Message.ref == ref)).one_or_none()
    if message is None or message.id is None or message.patient_id is None:
        raise NotFound
    looks.note(db, actor, Seen.message, patients=[message.patient_id], appointment_id=message.appointment_id)
    shows_links = settings().keeps_messages
    found = select(Delivery).where(Delivery.message_id == message.id).order_by(col(Delivery.id))
    why = explain(db, message, now)
    return OpenedMessage(
        message=message,
        words=words_of(message) if shows_links else _without_secrets(message),
        shows_links=shows_links,
        deliveries=tuple(db.exec(found)),
        zone=clinic_zone(db),
        why=t(why) if why else "",
        phone=_phones(db, [message]).get(message.id, ""),
    )


def explain(db: Session, message: Message, now: datetime) -> str:
    """Why a message has not arrived, in English for the catalogue; empty for one of which there is nothing to explain."""
    if message.why:
        return message.why
    if message.status is MessageStatus.taken:
        return UNDER_WAY
    if message.status is MessageStatus.handed_over:
        return WAITS_FOR_REPORT if message.answer_by else NOBODY_REPORTS
    return _why_it_waits(db, message, now) if message.status is MessageStatus.due else ""


def _why_it_waits(db: Session, message: Message, now: datetime) -> str:
    if message.tries:
        return WAITS_FOR_NEXT_TRY
    if message.next_try_at > now:
        return WAITS_FOR_ITS_TIME
    if message.channel == "call":
        return WAITS_FOR_CALL
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
    """The words with links that lead nowhere; of a code nothing but that it was one."""
    if message.kind == "code":
        return Words(message.subject, t("A one-time code is for its recipient alone."), "")
    return words_without_links(message)


def clinic_zone(db: Session) -> ZoneInfo:
    """The clock that lists across doctors are read on."""
    location = db.exec(select(Location).order_by(col(Location.id)).limit(1)).first()
    return location.zone_info if location else ZoneInfo("UTC")


def check_reader(actor: Actor) -> None:
    """Raises NotAllowed for anybody but reception and admins."""
    check(actor, Can.read_messages)
