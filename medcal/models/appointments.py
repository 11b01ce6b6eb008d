"""Appointments: every claim on a doctor's time, from the hold of a form or an offer to the visit itself."""

import uuid
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    event,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlmodel import Field, SQLModel

from medcal.models.base import choice, instant, key, note, public_ref, reference


class AppointmentStatus(StrEnum):
    held = "held"
    booked = "booked"
    arrived = "arrived"
    fulfilled = "fulfilled"
    released = "released"
    cancelled = "cancelled"
    no_show = "no_show"


# One literal predicate everywhere: a partial index is used only where the query says the same words.
LIVE = "status IN ('held', 'booked', 'arrived', 'fulfilled')"
# What the constraints watch. An overbooked row is the exception that names who allowed it and why.
GUARDED = f"{LIVE} AND overbooked_by_id IS NULL"


class Appointment(SQLModel, table=True):
    """A claim on a doctor's time: the visit is [starts_at, ends_at), the doctor is free again at busy_until (after the buffer).

    A held row has `held_until` and may lack a patient; it becomes booked or is released. Rows are never deleted: a cancelled one
    frees its time and keeps its history.
    """

    __table_args__ = (
        ForeignKeyConstraint(["slot_id", "doctor_id"], ["slot.id", "slot.doctor_id"], name="fk_appointment_slot"),
        CheckConstraint("starts_at < ends_at AND ends_at <= busy_until", name="times"),
        CheckConstraint("(status = 'held') = (held_until IS NOT NULL)", name="held_until"),
        CheckConstraint("status IN ('held', 'released') OR patient_id IS NOT NULL", name="patient"),
        CheckConstraint("(overbooked_by_id IS NULL) = (overbooked_reason IS NULL)", name="overbooked"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled_at"),
        Index(
            "uq_appointment_doctor_slot_date_live",
            "doctor_id",
            "slot_id",
            "appointment_date",
            unique=True,
            postgresql_where=text(GUARDED),
        ),
        ExcludeConstraint(
            (literal_column("doctor_id"), "="),
            (literal_column("tstzrange(starts_at, busy_until)"), "&&"),
            using="gist",
            where=text(GUARDED),
            name="ex_appointment_doctor_time_live",
        ),
        # Whole, not only the live rows: calendars and lists also show who did not come, and what was cancelled.
        Index("ix_appointment_doctor_starts", "doctor_id", "starts_at"),
        Index("ix_appointment_date", "appointment_date"),
        Index("ix_appointment_held_until", "held_until", postgresql_where=text("status = 'held'")),
        Index("ix_appointment_patient", "patient_id", "starts_at"),
        Index("ix_appointment_booker", "booker_id", postgresql_where=text("booker_id IS NOT NULL")),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    code: str = Field(max_length=9, unique=True)
    doctor_id: int = reference("doctor.id")
    slot_id: int = Field(sa_type=BigInteger)
    appointment_date: date
    location_id: int = reference("location.id")
    visit_type_id: int = reference("visit_type.id")
    patient_id: int | None = reference("patient.id", nullable=True)
    booker_id: int | None = reference("booker.id", nullable=True)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    busy_until: datetime = instant()
    status: AppointmentStatus = choice(AppointmentStatus, AppointmentStatus.held)
    held_until: datetime | None = instant(nullable=True)
    # The digest of the browser's visit cookie: only the browser that holds a time can confirm it.
    held_by: str | None = Field(default=None, max_length=64)
    reason: str = note("appointment.reason")
    request: str = note("appointment.request")
    confirmed_at: datetime | None = instant(nullable=True)
    cancelled_at: datetime | None = instant(nullable=True)
    cancelled_by: str | None = Field(default=None, max_length=20)
    cancel_reason: str = note("appointment.cancel_reason")
    is_late_cancellation: bool = False
    overbooked_by_id: int | None = reference("staff_user.id", nullable=True)
    overbooked_reason: str | None = note("appointment.overbooked_reason", nullable=True)
    version: int = 1
    created_at: datetime = instant()
    booked_at: datetime | None = instant(nullable=True)
    # What was read and agreed to with the form; nothing where the desk has booked.
    consent_id: int | None = reference("consent_text.id", nullable=True)
    # What the desk's last move left, for as long as that can be taken back; services/changes.py writes it, undo.py reads it.
    undo: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))

    @property
    def is_live(self) -> bool:
        return self.status in (
            AppointmentStatus.held,
            AppointmentStatus.booked,
            AppointmentStatus.arrived,
            AppointmentStatus.fulfilled,
        )

    def can_change_online(self, now: datetime, deadline_hours: int) -> bool:
        """Whether the patient may still move or cancel by herself."""
        return self.status is AppointmentStatus.booked and now <= self.starts_at - timedelta(hours=deadline_hours)


# Keeps opening.claims true in the same transaction, whatever statement takes or frees the time. Plus and minus one commute, so two
# bookings of one doctor's day do not wait for each other's numbers.
COUNT_CLAIMS = """
CREATE FUNCTION count_claims() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was boolean := TG_OP <> 'INSERT' AND OLD.status IN ('held', 'booked', 'arrived', 'fulfilled');
  is_now boolean := TG_OP <> 'DELETE' AND NEW.status IN ('held', 'booked', 'arrived', 'fulfilled');
BEGIN
  IF was AND is_now AND (OLD.doctor_id, OLD.starts_at, OLD.busy_until) = (NEW.doctor_id, NEW.starts_at, NEW.busy_until) THEN
    RETURN NULL;
  END IF;
  -- A raster step is at most four hours: the lower bound lets the index find the few rows.
  IF was THEN
    UPDATE opening SET claims = claims - 1
     WHERE doctor_id = OLD.doctor_id AND starts_at < OLD.busy_until
       AND starts_at > OLD.starts_at - interval '4 hours' AND ends_at > OLD.starts_at;
  END IF;
  IF is_now THEN
    UPDATE opening SET claims = claims + 1
     WHERE doctor_id = NEW.doctor_id AND starts_at < NEW.busy_until
       AND starts_at > NEW.starts_at - interval '4 hours' AND ends_at > NEW.starts_at;
  END IF;
  RETURN NULL;
END $$
"""
COUNT_CLAIMS_TRIGGER = """
CREATE TRIGGER count_claims AFTER INSERT OR DELETE OR UPDATE OF status, doctor_id, starts_at, busy_until ON appointment
FOR EACH ROW EXECUTE FUNCTION count_claims()
"""
event.listen(SQLModel.metadata, "after_create", DDL(COUNT_CLAIMS.replace("%", "%%")))  # type: ignore[no-untyped-call]
event.listen(SQLModel.metadata, "after_create", DDL(COUNT_CLAIMS_TRIGGER))  # type: ignore[no-untyped-call]
