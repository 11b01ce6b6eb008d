"""Patients and those who book for them; staff, their sessions, and what opens a patient's appointment."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from medcal.models.base import choice, instant, key, public_ref, reference
from medcal.security import Role


class Patient(SQLModel, table=True):
    """Somebody who is seen. One of e-mail and phone may be missing; both missing means reception calls nobody."""

    __table_args__ = (
        Index("ix_patient_email", text("lower(email)")),
        Index("ix_patient_phone", "phone"),
        Index("ix_patient_name", text("lower(name)")),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    name: str = Field(max_length=120)
    born_on: date | None = None
    email: str | None = Field(default=None, max_length=200)
    phone: str | None = Field(default=None, max_length=40)
    language: str = Field(default="en", max_length=5)
    created_at: datetime = instant()


class Booker(SQLModel, table=True):
    """Who books for a patient: a parent for a child, say. Messages go to the booker."""

    __table_args__ = (Index("ix_booker_email", text("lower(email)")), Index("ix_booker_phone", "phone"))

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    name: str = Field(max_length=120)
    email: str | None = Field(default=None, max_length=200)
    phone: str | None = Field(default=None, max_length=40)


class StaffUser(SQLModel, table=True):
    """An account. A doctor's is bound to the doctor whose calendar it may see. Without a hash it has no password (yet).

    `totp_key` is sealed; the second step is asked for once `totp_on_at` is set, and `totp_step` is the last one that was
    accepted, so that no code counts twice.
    """

    __tablename__ = "staff_user"
    __table_args__ = (CheckConstraint("(role = 'doctor') = (doctor_id IS NOT NULL)", name="doctor_has_calendar"),)

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    email: str = Field(max_length=200, unique=True)
    name: str = Field(max_length=120)
    role: Role = choice(Role, Role.reception)
    doctor_id: int | None = reference("doctor.id", nullable=True)
    password_hash: str = Field(max_length=300)
    language: str = Field(default="en", max_length=5)
    is_active: bool = True
    last_sign_in_at: datetime | None = instant(nullable=True)
    tried_often_at: datetime | None = instant(nullable=True)
    totp_key: str = Field(default="", max_length=300, sa_column_kwargs={"server_default": ""})
    totp_on_at: datetime | None = instant(nullable=True)
    totp_step: int | None = Field(default=None, sa_type=BigInteger)


class StaffSession(SQLModel, table=True):
    """A signed-in browser. The cookie's value stays in the browser; here is its digest. Deleting the row signs out at once.

    It lapses at `expires_at`, or when it has not been used for `idle_seconds`. While it `needs_second_step` it opens nothing but
    the page where that is set up.
    """

    __tablename__ = "session"

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    cookie_digest: str = Field(max_length=64, unique=True)
    staff_user_id: int = reference("staff_user.id", index=True)
    created_at: datetime = instant()
    seen_at: datetime = instant()
    expires_at: datetime = instant()
    idle_seconds: int
    address: str = Field(default="", max_length=60)
    browser: str = Field(default="", max_length=60)
    needs_second_step: bool = False


class PatientAccess(SQLModel, table=True):
    """What a patient's browser may see: one appointment (from a link or after booking), or all of a patient (one-time code)."""

    __tablename__ = "patient_access"
    __table_args__ = (Index("ix_patient_access_visit", "visit_digest", "expires_at"),)

    id: int | None = key()
    visit_digest: str = Field(max_length=64)
    patient_id: int = reference("patient.id", index=True)
    appointment_id: int | None = reference("appointment.id", nullable=True, index=True)
    offer_id: int | None = reference("offer.id", nullable=True)
    purpose: str = Field(max_length=20)
    created_at: datetime = instant()
    expires_at: datetime = instant()


class AccessToken(SQLModel, table=True):
    """A link in a message: random, kept as a digest, good for one purpose until it expires."""

    __tablename__ = "access_token"

    id: int | None = key()
    token_digest: str = Field(max_length=64, unique=True)
    purpose: str = Field(max_length=20)
    patient_id: int = reference("patient.id", index=True)
    appointment_id: int | None = reference("appointment.id", nullable=True, index=True)
    offer_id: int | None = reference("offer.id", nullable=True, index=True)
    created_at: datetime = instant()
    expires_at: datetime = instant()


class OneTimeCode(SQLModel, table=True):
    """Six digits sent to an address, to show its owner's appointments. Few tries, ten minutes, then gone."""

    __tablename__ = "one_time_code"

    id: int | None = key()
    contact_digest: str = Field(max_length=64, index=True)
    code_digest: str = Field(max_length=64)
    visit_digest: str = Field(max_length=64)
    tries: int = 0
    created_at: datetime = instant()
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)


class Throttle(SQLModel, table=True):
    """How often something was tried in a window of time; in the database, so that it holds over all workers."""

    __table_args__ = (UniqueConstraint("name", "window_starts_at", name="uq_throttle_name_window"),)

    id: int | None = key()
    name: str = Field(max_length=120)
    window_starts_at: datetime = instant(index=True)
    tries: int = 0
