"""What people are told: messages, and the attempts to hand them over."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from medcal.models.base import choice, instant, key, public_ref, reference, small


class MessageStatus(StrEnum):
    """The fate of a message; docs/messages.md draws it.

    `handed_over` means that the far end took it, `delivered` and `bounced` what the far end says came of it. With nothing
    configured `delivered` means that it lies in the built-in outbox, and of a call that somebody made it.
    """

    due = "due"
    taken = "taken"
    handed_over = "handed_over"
    delivered = "delivered"
    bounced = "bounced"
    missed = "missed"
    dropped = "dropped"
    dead = "dead"


class Message(SQLModel, table=True):
    """One thing one person is to be told. `reason` is unique: the same thing is never said twice.

    Written in the transaction it tells about, with its words already chosen; `{link:purpose}` in them becomes a link on the way out.
    """

    __table_args__ = (
        Index("ix_message_due", "next_try_at", "id", postgresql_where=text("status IN ('due', 'taken')")),
        Index(
            "ix_message_answer", "answer_by", postgresql_where=text("status = 'handed_over' AND answer_by IS NOT NULL")
        ),
        # The pages of one fate; those that grow with the years, or that are few, have no need of it.
        Index(
            "ix_message_fate",
            "status",
            "id",
            postgresql_where=text("status IN ('handed_over', 'bounced', 'missed', 'dropped', 'dead')"),
        ),
        # Among all that waits, whom somebody must call.
        Index("ix_message_call", "id", postgresql_where=text("status = 'due' AND channel = 'call'")),
        Index("ix_message_appointment", "appointment_id"),
        Index("ix_message_created", "created_at"),
        CheckConstraint("(patient_id IS NULL) <> (staff_user_id IS NULL)", name="for_one_reader"),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    reason: str = Field(max_length=120, unique=True)
    kind: str = Field(max_length=40)
    patient_id: int | None = reference("patient.id", nullable=True, index=True)
    # Of mails about an account; patients and their messages are all that the messages page shows.
    staff_user_id: int | None = reference("staff_user.id", nullable=True, index=True)
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
    # The visit that the words name: what the reader believes from then on.
    visit_starts_at: datetime | None = instant(nullable=True)
    visit_doctor_id: int | None = reference("doctor.id", nullable=True)
    # Later than this it would only confuse: recorded as missed, never sent.
    useless_at: datetime | None = instant(nullable=True)
    next_try_at: datetime = instant()
    # How often it was handed over anew, under a name of its own each time; `renewals` of these were by ourselves.
    handover: int = small(0)
    renewals: int = small(0)
    # Of this hand-over.
    tries: int = 0
    # In our words (English, shown through the catalogue), and in those of the far end.
    why: str = Field(default="", max_length=200, sa_column_kwargs={"server_default": ""})
    last_error: str = Field(default="", max_length=500)
    created_at: datetime = instant()
    handed_over_at: datetime | None = instant(nullable=True)
    # When the far end must have said what came of it; empty where it is not expected to.
    answer_by: datetime | None = instant(nullable=True)
    far_id: str = Field(default="", max_length=300, sa_column_kwargs={"server_default": ""})
    delivered_at: datetime | None = instant(nullable=True)


class Delivery(SQLModel, table=True):
    """One attempt to hand a message over, and what the far end answered."""

    __table_args__ = (Index("ix_delivery_message", "message_id", "id"),)

    id: int | None = key()
    message_id: int = reference("message.id")
    handover: int = small(0)
    attempt: int
    target: str = Field(max_length=200)
    started_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)
    status_code: int | None = None
    error: str = Field(default="", max_length=500)


class LetterText(SQLModel, table=True):
    """What an admin has put in place of our own words for a kind of message, in one language."""

    __tablename__ = "letter_text"
    __table_args__ = (UniqueConstraint("kind", "language", name="uq_letter_text_kind_language"),)

    id: int | None = key()
    kind: str = Field(max_length=40)
    language: str = Field(max_length=5)
    subject: str = Field(max_length=200)
    # What a text message says beside the subject.
    brief: str = Field(default="", max_length=200)
    body: str = Field(sa_type=Text)
    changed_at: datetime = instant()
    changed_by_id: int | None = reference("staff_user.id", nullable=True)
