"""The history: what happened, when, and who did it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from medcal.models.base import instant, key, reference


class Event(SQLModel, table=True):
    """Something that happened. Only ever added: triggers see to it (audit.py).

    `detail` holds old and new values; what names a patient or is in somebody's own words stands there sealed with her key. `address`
    is where a member of the staff sat. `patient_id` is no foreign key: she may be erased, and what happened stays as it is.
    """

    __table_args__ = (
        Index("ix_event_appointment", "appointment_id", "id"),
        Index("ix_event_freed_time", "freed_time_id", "id"),
        Index("ix_event_at", "at"),
        Index("ix_event_patient", "patient_id", postgresql_where=text("patient_id IS NOT NULL")),
        Index("ix_event_entry", "entry_id", "at", postgresql_where=text("entry_id IS NOT NULL")),
    )

    id: int | None = key()
    at: datetime = instant()
    kind: str = Field(max_length=40)
    actor: str = Field(max_length=20)
    staff_user_id: int | None = reference("staff_user.id", nullable=True)
    appointment_id: int | None = reference("appointment.id", nullable=True)
    doctor_id: int | None = reference("doctor.id", nullable=True)
    freed_time_id: int | None = reference("freed_time.id", nullable=True)
    offer_id: int | None = reference("offer.id", nullable=True)
    entry_id: int | None = reference("waitlist_entry.id", nullable=True)
    patient_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    address: str | None = Field(default=None, max_length=60)
    detail: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
