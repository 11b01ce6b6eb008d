"""Where and by whom people are seen: locations, specialties, doctors, visit types."""

import uuid
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Column, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from medcal.models.base import instant, key, public_ref, reference


class Location(SQLModel, table=True):
    """A place with its own clock and house rules. All its times are shown and meant in `zone`."""

    __table_args__ = (
        CheckConstraint("answer_minutes BETWEEN 15 AND 10080", name="answer_minutes"),
        CheckConstraint("change_deadline_hours BETWEEN 0 AND 336", name="change_deadline_hours"),
        CheckConstraint("hold_minutes BETWEEN 1 AND 120", name="hold_minutes"),
        CheckConstraint("grace_seconds BETWEEN 0 AND 3600", name="grace_seconds"),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    slug: str = Field(max_length=60, unique=True)
    name: str = Field(max_length=120)
    zone: str = Field(max_length=60)
    street: str = Field(default="", max_length=200)
    city: str = Field(default="", max_length=120)
    phone: str = Field(default="", max_length=40)
    email: str = Field(default="", max_length=200)
    hold_minutes: int = 10
    answer_minutes: int = 120
    quiet_from: time = time(20)
    quiet_until: time = time(8)
    change_deadline_hours: int = 24
    # So long staff can take back a move or a cancellation before the patient hears of it.
    grace_seconds: int = Field(default=120, sa_column_kwargs={"server_default": text("120")})
    # Whether patients' names may stand in the calendars that doctors subscribe to.
    feed_names: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


class Specialty(SQLModel, table=True):
    """A field of medicine. Names and texts are written in English and shown through the catalogue."""

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    slug: str = Field(max_length=60, unique=True)
    name: str = Field(max_length=80)
    practitioner: str = Field(max_length=80)
    summary: str = Field(default="", max_length=300)
    icon: str = Field(default="stethoscope", max_length=40)
    reasons: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(String(120)), nullable=False, server_default="{}")
    )
    position: int = 0


class Doctor(SQLModel, table=True):
    """FHIR: Practitioner. Seen at one location, in one specialty."""

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    slug: str = Field(max_length=80, unique=True)
    name: str = Field(max_length=120)
    specialty_id: int = reference("specialty.id", index=True)
    location_id: int = reference("location.id", index=True)
    qualification: str = Field(default="", max_length=200)
    languages: str = Field(default="", max_length=200)
    about: str = Field(default="", max_length=1000)
    practising_since: int | None = None
    is_active: bool = True


class VisitType(SQLModel, table=True):
    """What a visit is for in a specialty: how long it takes, and how long the doctor needs after it."""

    __tablename__ = "visit_type"
    __table_args__ = (
        CheckConstraint("length_minutes BETWEEN 5 AND 480", name="length_minutes"),
        CheckConstraint("buffer_minutes BETWEEN 0 AND 120", name="buffer_minutes"),
        CheckConstraint("notice_minutes BETWEEN 0 AND 43200", name="notice_minutes"),
    )

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    specialty_id: int = reference("specialty.id", index=True)
    name: str = Field(max_length=80)
    length_minutes: int
    buffer_minutes: int = 0
    notice_minutes: int = 120
    is_active: bool = True
    position: int = 0


class ReminderRule(SQLModel, table=True):
    """A reminder so many hours before a visit, for one kind of visit or (without `visit_type_id`) for all that have none of their own."""

    __tablename__ = "reminder_rule"
    __table_args__ = (
        UniqueConstraint(
            "location_id",
            "visit_type_id",
            "before_hours",
            name="uq_reminder_rule_location_visit_type_hours",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("before_hours BETWEEN 1 AND 720", name="before_hours"),
    )

    id: int | None = key()
    location_id: int = reference("location.id")
    visit_type_id: int | None = reference("visit_type.id", nullable=True)
    before_hours: int
    # Visits whose moment came before this are none of its: a new rule reminds nobody of what is long past.
    holds_from: datetime = instant()


class CalendarFeed(SQLModel, table=True):
    """An address at which a doctor's own calendar program reads the appointments; whoever has the token reads them."""

    __tablename__ = "calendar_feed"

    id: int | None = key()
    ref: uuid.UUID = public_ref()
    doctor_id: int = reference("doctor.id", index=True)
    token_digest: str = Field(max_length=64, unique=True)
    created_at: datetime = instant()
    created_by_id: int | None = reference("staff_user.id", nullable=True)
    read_at: datetime | None = instant(nullable=True)
    revoked_at: datetime | None = instant(nullable=True)
