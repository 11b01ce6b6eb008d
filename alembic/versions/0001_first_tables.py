"""First tables"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

from medcal.models.appointments import COUNT_CLAIMS, COUNT_CLAIMS_TRIGGER

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The exclusion constraint compares doctors with = inside a GiST index.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "booker",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("phone", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booker")),
        sa.UniqueConstraint("ref", name=op.f("uq_booker_ref")),
    )
    op.create_index("ix_booker_email", "booker", [sa.literal_column("lower(email)")], unique=False)
    op.create_index("ix_booker_phone", "booker", ["phone"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("due", "done", "failed", name="job_status", native_enum=False, create_constraint=True, length=20),
            server_default="due",
            nullable=False,
        ),
        sa.Column("run_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("done_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_due", "job", ["run_at", "id"], unique=False, postgresql_where=sa.text("status = 'due'"))
    op.create_index(
        "uq_job_kind_subject_due",
        "job",
        ["kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("status = 'due'"),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("zone", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("street", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("city", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("phone", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("hold_minutes", sa.Integer(), nullable=False),
        sa.Column("answer_minutes", sa.Integer(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_until", sa.Time(), nullable=False),
        sa.Column("change_deadline_hours", sa.Integer(), nullable=False),
        sa.CheckConstraint("answer_minutes BETWEEN 15 AND 10080", name=op.f("ck_location_answer_minutes")),
        sa.CheckConstraint("change_deadline_hours BETWEEN 0 AND 336", name=op.f("ck_location_change_deadline_hours")),
        sa.CheckConstraint("hold_minutes BETWEEN 1 AND 120", name=op.f("ck_location_hold_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("ref", name=op.f("uq_location_ref")),
        sa.UniqueConstraint("slug", name=op.f("uq_location_slug")),
    )
    op.create_table(
        "one_time_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("contact_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("code_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("visit_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_code")),
    )
    op.create_index(op.f("ix_one_time_code_contact_digest"), "one_time_code", ["contact_digest"], unique=False)
    op.create_table(
        "patient",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("phone", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=5), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("ref", name=op.f("uq_patient_ref")),
    )
    op.create_index("ix_patient_email", "patient", [sa.literal_column("lower(email)")], unique=False)
    op.create_index("ix_patient_name", "patient", [sa.literal_column("lower(name)")], unique=False)
    op.create_index("ix_patient_phone", "patient", ["phone"], unique=False)
    op.create_table(
        "periodic_run",
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("'-infinity'"), nullable=False),
        sa.Column("runs", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_periodic_run")),
    )
    op.create_table(
        "specialty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("practitioner", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("summary", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("icon", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.String(length=120)), server_default="{}", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_specialty")),
        sa.UniqueConstraint("ref", name=op.f("uq_specialty_ref")),
        sa.UniqueConstraint("slug", name=op.f("uq_specialty_slug")),
    )
    op.create_table(
        "throttle",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("window_starts_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_throttle")),
        sa.UniqueConstraint("name", "window_starts_at", name="uq_throttle_name_window"),
    )
    op.create_index(op.f("ix_throttle_window_starts_at"), "throttle", ["window_starts_at"], unique=False)
    op.create_table(
        "doctor",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("slug", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("specialty_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("qualification", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("languages", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("about", sqlmodel.sql.sqltypes.AutoString(length=1000), nullable=False),
        sa.Column("practising_since", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_doctor_location_id")),
        sa.ForeignKeyConstraint(["specialty_id"], ["specialty.id"], name=op.f("fk_doctor_specialty_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doctor")),
        sa.UniqueConstraint("ref", name=op.f("uq_doctor_ref")),
        sa.UniqueConstraint("slug", name=op.f("uq_doctor_slug")),
    )
    op.create_index(op.f("ix_doctor_location_id"), "doctor", ["location_id"], unique=False)
    op.create_index(op.f("ix_doctor_specialty_id"), "doctor", ["specialty_id"], unique=False)
    op.create_table(
        "visit_type",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("specialty_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("length_minutes", sa.Integer(), nullable=False),
        sa.Column("buffer_minutes", sa.Integer(), nullable=False),
        sa.Column("notice_minutes", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("buffer_minutes BETWEEN 0 AND 120", name=op.f("ck_visit_type_buffer_minutes")),
        sa.CheckConstraint("length_minutes BETWEEN 5 AND 480", name=op.f("ck_visit_type_length_minutes")),
        sa.CheckConstraint("notice_minutes BETWEEN 0 AND 43200", name=op.f("ck_visit_type_notice_minutes")),
        sa.ForeignKeyConstraint(["specialty_id"], ["specialty.id"], name=op.f("fk_visit_type_specialty_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_type")),
        sa.UniqueConstraint("ref", name=op.f("uq_visit_type_ref")),
    )
    op.create_index(op.f("ix_visit_type_specialty_id"), "visit_type", ["specialty_id"], unique=False)
    op.create_table(
        "slot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_slot_doctor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
        sa.UniqueConstraint("doctor_id", "starts", name="uq_slot_doctor_starts"),
        sa.UniqueConstraint("id", "doctor_id", name="uq_slot_id_doctor"),
    )
    op.create_table(
        "staff_user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column(
            "role",
            sa.Enum("admin", "reception", "doctor", name="role", native_enum=False, create_constraint=True, length=20),
            server_default="reception",
            nullable=False,
        ),
        sa.Column("doctor_id", sa.BigInteger(), nullable=True),
        sa.Column("password_hash", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=5), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(role = 'doctor') = (doctor_id IS NOT NULL)", name=op.f("ck_staff_user_doctor_has_calendar")
        ),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_staff_user_doctor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_user")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_user_email")),
        sa.UniqueConstraint("ref", name=op.f("uq_staff_user_ref")),
    )
    op.create_table(
        "time_off",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.CheckConstraint("(doctor_id IS NULL) <> (location_id IS NULL)", name=op.f("ck_time_off_doctor_or_location")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_time_off_starts_before_ends")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_time_off_doctor_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_time_off_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_off")),
        sa.UniqueConstraint("ref", name=op.f("uq_time_off_ref")),
    )
    op.create_index("ix_time_off_doctor_ends", "time_off", ["doctor_id", "ends_at"], unique=False)
    op.create_index("ix_time_off_location_ends", "time_off", ["location_id", "ends_at"], unique=False)
    op.create_table(
        "working_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("raster_minutes", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint("opens < closes", name=op.f("ck_working_hours_opens_before_closes")),
        sa.CheckConstraint("raster_minutes BETWEEN 5 AND 240", name=op.f("ck_working_hours_raster_minutes")),
        sa.CheckConstraint("valid_until IS NULL OR valid_from <= valid_until", name=op.f("ck_working_hours_validity")),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_working_hours_weekday")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_working_hours_doctor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_hours")),
        sa.UniqueConstraint("ref", name=op.f("uq_working_hours_ref")),
    )
    op.create_index("ix_working_hours_doctor_weekday", "working_hours", ["doctor_id", "weekday"], unique=False)
    op.create_table(
        "appointment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(length=9), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=False),
        sa.Column("slot_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_date", sa.Date(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("visit_type_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("booker_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("busy_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "held",
                "booked",
                "arrived",
                "fulfilled",
                "released",
                "cancelled",
                "no_show",
                name="appointment_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="held",
            nullable=False,
        ),
        sa.Column("held_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("held_by", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("request", sqlmodel.sql.sqltypes.AutoString(length=1000), nullable=False),
        sa.Column("confirmed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("cancelled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("cancelled_by", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=True),
        sa.Column("cancel_reason", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("is_late_cancellation", sa.Boolean(), nullable=False),
        sa.Column("overbooked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("overbooked_reason", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("booked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.literal_column("doctor_id"), "="),
            (sa.literal_column("tstzrange(starts_at, busy_until)"), "&&"),
            where=sa.text("status IN ('held', 'booked', 'arrived', 'fulfilled') AND overbooked_by_id IS NULL"),
            using="gist",
            name="ex_appointment_doctor_time_live",
        ),
        sa.CheckConstraint(
            "(status = 'cancelled') = (cancelled_at IS NOT NULL)", name=op.f("ck_appointment_cancelled_at")
        ),
        sa.CheckConstraint("(status = 'held') = (held_until IS NOT NULL)", name=op.f("ck_appointment_held_until")),
        sa.CheckConstraint(
            "status IN ('held', 'released') OR patient_id IS NOT NULL", name=op.f("ck_appointment_patient")
        ),
        sa.CheckConstraint(
            "(overbooked_by_id IS NULL) = (overbooked_reason IS NULL)", name=op.f("ck_appointment_overbooked")
        ),
        sa.CheckConstraint("starts_at < ends_at AND ends_at <= busy_until", name=op.f("ck_appointment_times")),
        sa.ForeignKeyConstraint(["booker_id"], ["booker.id"], name=op.f("fk_appointment_booker_id")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_appointment_doctor_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_appointment_location_id")),
        sa.ForeignKeyConstraint(["overbooked_by_id"], ["staff_user.id"], name=op.f("fk_appointment_overbooked_by_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_appointment_patient_id")),
        sa.ForeignKeyConstraint(["slot_id", "doctor_id"], ["slot.id", "slot.doctor_id"], name="fk_appointment_slot"),
        sa.ForeignKeyConstraint(["visit_type_id"], ["visit_type.id"], name=op.f("fk_appointment_visit_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("code", name=op.f("uq_appointment_code")),
        sa.UniqueConstraint("ref", name=op.f("uq_appointment_ref")),
    )
    op.create_index(
        "ix_appointment_booker",
        "appointment",
        ["booker_id"],
        unique=False,
        postgresql_where=sa.text("booker_id IS NOT NULL"),
    )
    op.create_index("ix_appointment_date", "appointment", ["appointment_date"], unique=False)
    op.create_index("ix_appointment_doctor_starts", "appointment", ["doctor_id", "starts_at"], unique=False)
    op.create_index(
        "ix_appointment_held_until",
        "appointment",
        ["held_until"],
        unique=False,
        postgresql_where=sa.text("status = 'held'"),
    )
    op.create_index("ix_appointment_patient", "appointment", ["patient_id", "starts_at"], unique=False)
    op.create_index(
        "uq_appointment_doctor_slot_date_live",
        "appointment",
        ["doctor_id", "slot_id", "appointment_date"],
        unique=True,
        postgresql_where=sa.text("status IN ('held', 'booked', 'arrived', 'fulfilled') AND overbooked_by_id IS NULL"),
    )
    op.create_table(
        "opening",
        sa.Column("doctor_id", sa.BigInteger(), nullable=False),
        sa.Column("slot_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("specialty_id", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("closes_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("claims", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("starts_at < ends_at AND ends_at <= closes_at", name=op.f("ck_opening_times")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_opening_doctor_id")),
        sa.ForeignKeyConstraint(["slot_id", "doctor_id"], ["slot.id", "slot.doctor_id"], name="fk_opening_slot"),
        sa.ForeignKeyConstraint(["specialty_id"], ["specialty.id"], name=op.f("fk_opening_specialty_id")),
        sa.PrimaryKeyConstraint("doctor_id", "slot_id", "day", name=op.f("pk_opening")),
    )
    op.create_index("ix_opening_doctor_starts", "opening", ["doctor_id", "starts_at"], unique=False)
    op.create_index(
        "ix_opening_free",
        "opening",
        ["specialty_id", "starts_at"],
        unique=False,
        postgresql_where=sa.text("claims = 0"),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cookie_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("staff_user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("seen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name=op.f("fk_session_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("cookie_digest", name=op.f("uq_session_cookie_digest")),
    )
    op.create_index(op.f("ix_session_staff_user_id"), "session", ["staff_user_id"], unique=False)
    op.create_table(
        "freed_time",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("cause", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("freed_by_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "offered",
                "filled",
                "gone",
                name="freed_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="open",
            nullable=False,
        ),
        sa.Column("look_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_freed_time_starts_before_ends")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_freed_time_doctor_id")),
        sa.ForeignKeyConstraint(["freed_by_id"], ["appointment.id"], name=op.f("fk_freed_time_freed_by_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_freed_time_location_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freed_time")),
        sa.UniqueConstraint("ref", name=op.f("uq_freed_time_ref")),
    )
    op.create_index(
        "ix_freed_time_look", "freed_time", ["look_at"], unique=False, postgresql_where=sa.text("status = 'open'")
    )
    op.create_index(
        "uq_freed_time_doctor_starts_live",
        "freed_time",
        ["doctor_id", "starts_at"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'offered')"),
    )
    op.create_table(
        "waitlist_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=True),
        sa.Column("visit_type_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=True),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.Column("notice_hours", sa.Integer(), nullable=False),
        sa.Column("urgency", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "fulfilled",
                "withdrawn",
                name="entry_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("cardinality(weekdays) > 0", name=op.f("ck_waitlist_entry_weekdays")),
        sa.CheckConstraint("opens < closes", name=op.f("ck_waitlist_entry_opens_before_closes")),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_waitlist_entry_appointment_id")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_waitlist_entry_doctor_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_waitlist_entry_location_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_waitlist_entry_patient_id")),
        sa.ForeignKeyConstraint(["visit_type_id"], ["visit_type.id"], name=op.f("fk_waitlist_entry_visit_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitlist_entry")),
        sa.UniqueConstraint("ref", name=op.f("uq_waitlist_entry_ref")),
    )
    op.create_index(op.f("ix_waitlist_entry_patient_id"), "waitlist_entry", ["patient_id"], unique=False)
    op.create_index(
        "ix_waitlist_entry_waiting",
        "waitlist_entry",
        ["visit_type_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "uq_waitlist_entry_appointment_waiting",
        "waitlist_entry",
        ["appointment_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting' AND appointment_id IS NOT NULL"),
    )
    op.create_index(
        "uq_waitlist_entry_patient_visit_type_waiting",
        "waitlist_entry",
        ["patient_id", "visit_type_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting' AND appointment_id IS NULL"),
    )
    op.create_table(
        "offer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("freed_time_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "accepted",
                "declined",
                "expired",
                "withdrawn",
                name="offer_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="open",
            nullable=False,
        ),
        sa.Column("answer_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("decided_by", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=True),
        sa.CheckConstraint("(status = 'open') = (decided_at IS NULL)", name=op.f("ck_offer_decided_at")),
        sa.ForeignKeyConstraint(["entry_id"], ["waitlist_entry.id"], name=op.f("fk_offer_entry_id")),
        sa.ForeignKeyConstraint(["freed_time_id"], ["freed_time.id"], name=op.f("fk_offer_freed_time_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["appointment.id"], name=op.f("fk_offer_hold_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_offer_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("freed_time_id", "patient_id", name="uq_offer_freed_time_patient"),
        sa.UniqueConstraint("ref", name=op.f("uq_offer_ref")),
    )
    op.create_index(
        "ix_offer_answer_until", "offer", ["answer_until"], unique=False, postgresql_where=sa.text("status = 'open'")
    )
    op.create_index(op.f("ix_offer_entry_id"), "offer", ["entry_id"], unique=False)
    op.create_index("uq_offer_hold", "offer", ["hold_id"], unique=True)
    op.create_index(
        "uq_offer_open_per_patient", "offer", ["patient_id"], unique=True, postgresql_where=sa.text("status = 'open'")
    )
    op.create_index(
        "uq_offer_open_per_time", "offer", ["freed_time_id"], unique=True, postgresql_where=sa.text("status = 'open'")
    )
    op.create_table(
        "access_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("token_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=True),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_access_token_appointment_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_access_token_offer_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_access_token_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_access_token_token_digest")),
    )
    op.create_index(op.f("ix_access_token_appointment_id"), "access_token", ["appointment_id"], unique=False)
    op.create_index(op.f("ix_access_token_offer_id"), "access_token", ["offer_id"], unique=False)
    op.create_index(op.f("ix_access_token_patient_id"), "access_token", ["patient_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("actor", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("staff_user_id", sa.BigInteger(), nullable=True),
        sa.Column("appointment_id", sa.BigInteger(), nullable=True),
        sa.Column("doctor_id", sa.BigInteger(), nullable=True),
        sa.Column("freed_time_id", sa.BigInteger(), nullable=True),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_event_appointment_id")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_event_doctor_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["waitlist_entry.id"], name=op.f("fk_event_entry_id")),
        sa.ForeignKeyConstraint(["freed_time_id"], ["freed_time.id"], name=op.f("fk_event_freed_time_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_event_offer_id")),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name=op.f("fk_event_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_appointment", "event", ["appointment_id", "id"], unique=False)
    op.create_index("ix_event_freed_time", "event", ["freed_time_id", "id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=True),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False),
        sa.Column("recipient", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("recipient_name", sqlmodel.sql.sqltypes.AutoString(length=120), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=5), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "due",
                "delivered",
                "dead",
                "missed",
                "dropped",
                name="message_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="due",
            nullable=False,
        ),
        sa.Column("due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("useless_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("next_try_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("delivered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_message_appointment_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_message_offer_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_message_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("reason", name=op.f("uq_message_reason")),
        sa.UniqueConstraint("ref", name=op.f("uq_message_ref")),
    )
    op.create_index("ix_message_appointment", "message", ["appointment_id"], unique=False)
    op.create_index("ix_message_created", "message", ["created_at"], unique=False)
    op.create_index(
        "ix_message_due", "message", ["next_try_at", "id"], unique=False, postgresql_where=sa.text("status = 'due'")
    )
    op.create_index(op.f("ix_message_patient_id"), "message", ["patient_id"], unique=False)
    op.create_table(
        "patient_access",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("visit_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=True),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_patient_access_appointment_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_patient_access_offer_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_access_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_access")),
    )
    op.create_index(op.f("ix_patient_access_appointment_id"), "patient_access", ["appointment_id"], unique=False)
    op.create_index(op.f("ix_patient_access_patient_id"), "patient_access", ["patient_id"], unique=False)
    op.create_index("ix_patient_access_visit", "patient_access", ["visit_digest", "expires_at"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("target", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("finished_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_delivery_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index("ix_delivery_message", "delivery", ["message_id", "attempt"], unique=False)
    op.execute(COUNT_CLAIMS)
    op.execute(COUNT_CLAIMS_TRIGGER)


def downgrade() -> None:
    op.drop_index("ix_delivery_message", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("ix_patient_access_visit", table_name="patient_access")
    op.drop_index(op.f("ix_patient_access_patient_id"), table_name="patient_access")
    op.drop_index(op.f("ix_patient_access_appointment_id"), table_name="patient_access")
    op.drop_table("patient_access")
    op.drop_index(op.f("ix_message_patient_id"), table_name="message")
    op.drop_index("ix_message_due", table_name="message", postgresql_where=sa.text("status = 'due'"))
    op.drop_index("ix_message_created", table_name="message")
    op.drop_index("ix_message_appointment", table_name="message")
    op.drop_table("message")
    op.drop_index("ix_event_freed_time", table_name="event")
    op.drop_index("ix_event_appointment", table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_access_token_patient_id"), table_name="access_token")
    op.drop_index(op.f("ix_access_token_offer_id"), table_name="access_token")
    op.drop_index(op.f("ix_access_token_appointment_id"), table_name="access_token")
    op.drop_table("access_token")
    op.drop_index("uq_offer_open_per_time", table_name="offer", postgresql_where=sa.text("status = 'open'"))
    op.drop_index("uq_offer_open_per_patient", table_name="offer", postgresql_where=sa.text("status = 'open'"))
    op.drop_index("uq_offer_hold", table_name="offer")
    op.drop_index(op.f("ix_offer_entry_id"), table_name="offer")
    op.drop_index("ix_offer_answer_until", table_name="offer", postgresql_where=sa.text("status = 'open'"))
    op.drop_table("offer")
    op.drop_index(
        "uq_waitlist_entry_patient_visit_type_waiting",
        table_name="waitlist_entry",
        postgresql_where=sa.text("status = 'waiting' AND appointment_id IS NULL"),
    )
    op.drop_index(
        "uq_waitlist_entry_appointment_waiting",
        table_name="waitlist_entry",
        postgresql_where=sa.text("status = 'waiting' AND appointment_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_waitlist_entry_waiting", table_name="waitlist_entry", postgresql_where=sa.text("status = 'waiting'")
    )
    op.drop_index(op.f("ix_waitlist_entry_patient_id"), table_name="waitlist_entry")
    op.drop_table("waitlist_entry")
    op.drop_index(
        "uq_freed_time_doctor_starts_live",
        table_name="freed_time",
        postgresql_where=sa.text("status IN ('open', 'offered')"),
    )
    op.drop_index("ix_freed_time_look", table_name="freed_time", postgresql_where=sa.text("status = 'open'"))
    op.drop_table("freed_time")
    op.drop_index(op.f("ix_session_staff_user_id"), table_name="session")
    op.drop_table("session")
    op.drop_index("ix_opening_free", table_name="opening", postgresql_where=sa.text("claims = 0"))
    op.drop_index("ix_opening_doctor_starts", table_name="opening")
    op.drop_table("opening")
    op.drop_index(
        "uq_appointment_doctor_slot_date_live",
        table_name="appointment",
        postgresql_where=sa.text("status IN ('held', 'booked', 'arrived', 'fulfilled') AND overbooked_by_id IS NULL"),
    )
    op.drop_index("ix_appointment_patient", table_name="appointment")
    op.drop_index("ix_appointment_held_until", table_name="appointment", postgresql_where=sa.text("status = 'held'"))
    op.drop_index("ix_appointment_doctor_starts", table_name="appointment")
    op.drop_index("ix_appointment_date", table_name="appointment")
    op.drop_index("ix_appointment_booker", table_name="appointment", postgresql_where=sa.text("booker_id IS NOT NULL"))
    op.drop_table("appointment")
    op.drop_index("ix_working_hours_doctor_weekday", table_name="working_hours")
    op.drop_table("working_hours")
    op.drop_index("ix_time_off_location_ends", table_name="time_off")
    op.drop_index("ix_time_off_doctor_ends", table_name="time_off")
    op.drop_table("time_off")
    op.drop_table("staff_user")
    op.drop_table("slot")
    op.drop_index(op.f("ix_visit_type_specialty_id"), table_name="visit_type")
    op.drop_table("visit_type")
    op.drop_index(op.f("ix_doctor_specialty_id"), table_name="doctor")
    op.drop_index(op.f("ix_doctor_location_id"), table_name="doctor")
    op.drop_table("doctor")
    op.drop_index(op.f("ix_throttle_window_starts_at"), table_name="throttle")
    op.drop_table("throttle")
    op.drop_table("specialty")
    op.drop_table("periodic_run")
    op.drop_index("ix_patient_phone", table_name="patient")
    op.drop_index("ix_patient_name", table_name="patient")
    op.drop_index("ix_patient_email", table_name="patient")
    op.drop_table("patient")
    op.drop_index(op.f("ix_one_time_code_contact_digest"), table_name="one_time_code")
    op.drop_table("one_time_code")
    op.drop_table("location")
    op.drop_index("uq_job_kind_subject_due", table_name="job", postgresql_where=sa.text("status = 'due'"))
    op.drop_index("ix_job_due", table_name="job", postgresql_where=sa.text("status = 'due'"))
    op.drop_table("job")
    op.drop_index("ix_booker_phone", table_name="booker")
    op.drop_index("ix_booker_email", table_name="booker")
    op.drop_table("booker")
    op.execute("DROP FUNCTION IF EXISTS count_claims")
