"""When doctors work: weekly hours, time off, slots, and the openings of the coming weeks kept ready to read."""

import uuid
from datetime import date, datetime, time

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from medcal.models.base import instant, key, note, public_ref, reference


class WorkingHours(SQLModel, table=True):
    """A weekly stretch on the wall clock of the doctor's location. Weekdays count from 0, Monday.

    `valid_until` is the last day; None means for good. Every `raster_minutes` from `opens` a visit may start.
    """

    __tablename__ = "working_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens < closes", name="opens_before_closes"),
        CheckConstraint("raster_minutes BETWEEN 5 AND 240", name="raster_minutes"),
        CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name="validity"),
        Index("ix_working_hours_doctor_weekday", "doctor_id", "weekday"),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    doctor_id: int = reference("doctor.id")
    weekday: int
    opens: time
    closes: time
    raster_minutes: int = 20
    valid_from: date
    valid_until: date | None = None


class TimeOff(SQLModel, table=True):
    """A doctor's absence, or the closure of a whole location. Half-open, in UTC."""

    __tablename__ = "time_off"
    __table_args__ = (
        CheckConstraint("(doctor_id IS NULL) <> (location_id IS NULL)", name="doctor_or_location"),
        CheckConstraint("starts_at < ends_at", name="starts_before_ends"),
        Index("ix_time_off_doctor_ends", "doctor_id", "ends_at"),
        Index("ix_time_off_location_ends", "location_id", "ends_at"),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    doctor_id: int | None = reference("doctor.id", nullable=True)
    location_id: int | None = reference("location.id", nullable=True)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason: str = note("time_off.reason")


class Slot(SQLModel, table=True):
    """A start time in a doctor's day, such as Dr. Okafor 09:30. It has no date: the same slot exists on every day."""

    __table_args__ = (
        UniqueConstraint("doctor_id", "starts", name="uq_slot_doctor_starts"),
        # The target of composite keys: a slot can only be used with its own doctor.
        UniqueConstraint("id", "doctor_id", name="uq_slot_id_doctor"),
    )

    id: int | None = key()
    doctor_id: int = reference("doctor.id")
    starts: time


class Opening(SQLModel, table=True):
    """A slot on a day inside the working hours: what the public may book while nobody claims it.

    Written from the rules by services/schedules.py. `closes_at` ends the unbroken stretch of work it belongs to; `claims` counts the live
    appointments over [starts_at, ends_at) and is kept by the trigger below, in the transaction that takes or frees the time.
    """

    __table_args__ = (
        ForeignKeyConstraint(["slot_id", "doctor_id"], ["slot.id", "slot.doctor_id"], name="fk_opening_slot"),
        CheckConstraint("starts_at < ends_at AND ends_at <= closes_at", name="times"),
        Index("ix_opening_doctor_starts", "doctor_id", "starts_at"),
        Index("ix_opening_free", "specialty_id", "starts_at", postgresql_where=text("claims = 0")),
    )

    doctor_id: int = reference("doctor.id", primary_key=True)
    slot_id: int = Field(primary_key=True, sa_type=BigInteger)
    day: date = Field(primary_key=True)
    specialty_id: int = reference("specialty.id")
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    closes_at: datetime = instant()
    claims: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
