"""What people are told: messages, and the attempts to hand them over."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, Text, text
from sqlmodel import Field, SQLModel

from medcal.models.base import choice, instant, key, public_ref, reference


class MessageStatus(StrEnum):
    """`due` waits for its time or its next try; `delivered` means the far end took it (n8n, or the built-in outbox)."""

    due = "due"
    delivered = "delivered"
    dead = "dead"
    missed = "missed"
    dropped = "dropped"


class Message(SQLModel, table=True):
    """One thing one person is to be told. `reason` is unique: the same thing is never said twice.

    Written in the transaction it tells about, with its words already chosen; `{link:purpose}` in them becomes a link on the way out.
    """

    __table_args__ = (
        Index("ix_message_due", "next_try_at", "id", postgresql_where=text("status = 'due'")),
        Index("ix_message_appointment", "appointment_id"),
        Index("ix_message_created", "created_at"),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    reason: str = Field(max_length=120, unique=True)
    kind: str = Field(max_length=40)
    patient_id: int = reference("patient.id", index=True)
    appointment_id: int | None = reference("appointment.id", nullable=True)
    offer_id: int | None = reference("offer.id", nullable=True)
    channel: str = Field(default="email", max_length=10)
    recipient: str = Field(max_length=200)
    recipient_name: str = Field(max_length=120)
    language: str = Field(default="en", max_length=5)
    subject: str = Field(max_length=200)
    text: str = Field(sa_type=Text)
    html: str = Field(default="", sa_type=Text)
    calendar: str = Field(default="", sa_type=Text)
    status: MessageStatus = choice(MessageStatus, MessageStatus.due)
    due_at: datetime = instant()
    # Later than this it would only confuse: recorded as missed, never sent.
    useless_at: datetime | None = instant(nullable=True)
    next_try_at: datetime = instant()
    tries: int = 0
    last_error: str = Field(default="", max_length=500)
    created_at: datetime = instant()
    delivered_at: datetime | None = instant(nullable=True)


class Delivery(SQLModel, table=True):
    """One attempt to hand a message to a webhook, and what the far end answered."""

    __table_args__ = (Index("ix_delivery_message", "message_id", "attempt"),)

    id: int | None = key()
    message_id: int = reference("message.id")
    attempt: int
    target: str = Field(max_length=200)
    started_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)
    status_code: int | None = None
    error: str = Field(default="", max_length=500)
