"""The wish for something earlier, time that became free, and the offers that bring both together."""

import uuid
from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import DDL, CheckConstraint, Column, Index, SmallInteger, UniqueConstraint, event, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from medcal.models.base import choice, instant, key, maybe, public_ref, reference, small


class EntryStatus(StrEnum):
    """`waiting` may be asked; `paused` keeps its place but is not asked; the rest are ends."""

    waiting = "waiting"
    paused = "paused"
    fulfilled = "fulfilled"
    withdrawn = "withdrawn"


# One literal predicate everywhere: ON CONFLICT finds a partial index only by the same words.
ON_THE_LIST = "status IN ('waiting', 'paused')"


class WaitlistEntry(SQLModel, table=True):
    """A patient's wish for an earlier time, with her limits. Without `appointment_id` she waits for a first time.

    `doctor_id` None means any doctor of the specialty; `weekdays` count from 0, Monday; `opens` and `closes` bound the start on the
    location's clock.
    """

    __tablename__ = "waitlist_entry"
    __table_args__ = (
        CheckConstraint("opens < closes", name="opens_before_closes"),
        CheckConstraint("cardinality(weekdays) > 0", name="weekdays"),
        Index(
            "uq_waitlist_entry_appointment_listed",
            "appointment_id",
            unique=True,
            postgresql_where=text(f"{ON_THE_LIST} AND appointment_id IS NOT NULL"),
        ),
        Index(
            "uq_waitlist_entry_patient_visit_type_listed",
            "patient_id",
            "visit_type_id",
            unique=True,
            postgresql_where=text(f"{ON_THE_LIST} AND appointment_id IS NULL"),
        ),
        CheckConstraint("(appointment_id IS NULL) = (own_starts_at IS NULL)", name="own_starts_at"),
        # The order in which people are asked: whoever looks for the next one walks along it and stops early. Behind the order stands what
        # the wish itself excludes, in the words of services/candidates.py, so that whoever does not fit is passed over within the index.
        Index(
            "ix_waitlist_entry_turn",
            "location_id",
            literal_column("urgency DESC"),
            "created_at",
            "id",
            literal_column("coalesce(own_starts_at, 'infinity'::timestamptz)"),
            literal_column("coalesce(doctor_id, 0)"),
            "visit_type_id",
            "opens",
            "closes",
            "notice_hours",
            *(literal_column(f"({weekday}::smallint = ANY (weekdays))") for weekday in range(7)),
            postgresql_where=text("status = 'waiting'"),
        ),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    patient_id: int = reference("patient.id", index=True)
    appointment_id: int | None = reference("appointment.id", nullable=True)
    # The start of that appointment, for as long as the wish is on the list: who does not gain a day is found without looking there.
    own_starts_at: datetime | None = instant(nullable=True)
    visit_type_id: int = reference("visit_type.id")
    location_id: int = reference("location.id")
    doctor_id: int | None = reference("doctor.id", nullable=True)
    weekdays: list[int] = Field(sa_column=Column(ARRAY(SmallInteger), nullable=False))
    opens: time = time(0)
    closes: time = time(23, 59)
    notice_hours: int = 24
    urgency: int = 0
    # Offers in a row that ended without an answer; any answer sets it back.
    unanswered_in_row: int = small(0)
    status: EntryStatus = choice(EntryStatus, EntryStatus.waiting)
    created_at: datetime = instant()
    # What was read and agreed to when she last asked for it; nothing where the desk has.
    consent_id: int | None = reference("consent_text.id", nullable=True)


# Keeps own_starts_at true, whatever statement moves the appointment.
FOLLOW_APPOINTMENT = """
CREATE FUNCTION follow_appointment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE waitlist_entry SET own_starts_at = NEW.starts_at WHERE appointment_id = NEW.id AND status IN ('waiting', 'paused');
  RETURN NULL;
END $$
"""
FOLLOW_APPOINTMENT_TRIGGER = """
CREATE TRIGGER follow_appointment AFTER UPDATE OF starts_at ON appointment
FOR EACH ROW WHEN (OLD.starts_at IS DISTINCT FROM NEW.starts_at) EXECUTE FUNCTION follow_appointment()
"""
event.listen(SQLModel.metadata, "after_create", DDL(FOLLOW_APPOINTMENT))  # type: ignore[no-untyped-call]
event.listen(SQLModel.metadata, "after_create", DDL(FOLLOW_APPOINTMENT_TRIGGER))  # type: ignore[no-untyped-call]


class FreedStatus(StrEnum):
    """`open`: look for somebody; `offered`: held for somebody; the rest are ends."""

    open = "open"
    offered = "offered"
    filled = "filled"
    gone = "gone"


class FreedEnd(StrEnum):
    """How a freed time ended: an offer was accepted; somebody booked it; the doctor no longer works then; too near or over; or what
    had freed it was taken back."""

    offer = "offer"
    public = "public"
    desk = "desk"
    closed = "closed"
    late = "late"
    past = "past"
    undone = "undone"


class FreedTime(SQLModel, table=True):
    """Time of a doctor that became free: the durable work list of offers.

    While it is offered, `hold_id` is the row that holds it for everybody who is asked. It ends filled (by an offer) or gone.
    """

    __tablename__ = "freed_time"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="starts_before_ends"),
        # No offer without its hold, no hold without its offer.
        CheckConstraint("(status = 'offered') = (hold_id IS NOT NULL)", name="hold"),
        CheckConstraint("(status IN ('filled', 'gone')) = (ended_by IS NOT NULL)", name="ended_by"),
        CheckConstraint("(ended_by IS NULL) = (ended_at IS NULL)", name="ended_at"),
        Index("uq_freed_time_hold", "hold_id", unique=True, postgresql_where=text("hold_id IS NOT NULL")),
        Index(
            "uq_freed_time_doctor_starts_live",
            "doctor_id",
            "starts_at",
            unique=True,
            postgresql_where=text("status IN ('open', 'offered')"),
        ),
        Index("ix_freed_time_look", "look_at", postgresql_where=text("status = 'open'")),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    doctor_id: int = reference("doctor.id")
    location_id: int = reference("location.id")
    day: date
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    cause: str = Field(max_length=20)
    freed_by_id: int | None = reference("appointment.id", nullable=True)
    # What the time was used for before, where it was used: its rules are those of this visit type.
    visit_type_id: int | None = reference("visit_type.id", nullable=True)
    hold_id: int | None = reference("appointment.id", nullable=True)
    status: FreedStatus = choice(FreedStatus, FreedStatus.open)
    look_at: datetime = instant()
    # Until then the desk can take back what freed it, so nobody is asked.
    not_before: datetime | None = instant(nullable=True)
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)
    ended_by: FreedEnd | None = maybe(FreedEnd)


class OfferStatus(StrEnum):
    """`taken`: somebody else of those who were asked at once answered first."""

    open = "open"
    accepted = "accepted"
    declined = "declined"
    expired = "expired"
    taken = "taken"
    withdrawn = "withdrawn"


class Offer(SQLModel, table=True):
    """Freed time held until `answer_until` for a waiting patient, or for the few who are asked at once: they share the hold.

    The hold is a row in the appointments' own constraint.
    """

    __table_args__ = (
        # Nobody is asked twice for the same freed time, for whichever of her wishes.
        UniqueConstraint("freed_time_id", "patient_id", name="uq_offer_freed_time_patient"),
        # A group of one is one live offer per time; a larger one is as large as it may be and no larger.
        Index(
            "uq_offer_open_per_time",
            "freed_time_id",
            "place_in_group",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("uq_offer_open_per_patient", "patient_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("ix_offer_hold", "hold_id"),
        Index("ix_offer_created", "created_at", "patient_id"),
        Index("ix_offer_answer_until", "answer_until", postgresql_where=text("status = 'open'")),
        CheckConstraint("(status = 'open') = (decided_at IS NULL)", name="decided_at"),
        CheckConstraint("place_in_group BETWEEN 1 AND 10", name="place_in_group"),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    freed_time_id: int = reference("freed_time.id")
    entry_id: int = reference("waitlist_entry.id", index=True)
    patient_id: int = reference("patient.id")
    hold_id: int = reference("appointment.id")
    place_in_group: int = small(1)
    status: OfferStatus = choice(OfferStatus, OfferStatus.open)
    answer_until: datetime = instant()
    created_at: datetime = instant()
    decided_at: datetime | None = instant(nullable=True)
    decided_by: str | None = Field(default=None, max_length=20)
