"""Keep who looked at what, seal it and the history in chains, and let the database refuse to change either"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from medcal.models.audit import GUARDS, KEPT_TABLES

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT, INSTANT = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime
SOURCE = "source IN ('event', 'access_record')"


def upgrade() -> None:
    op.add_column("event", sa.Column("patient_id", sa.BigInteger(), nullable=True))
    op.add_column("event", sa.Column("address", TEXT(length=60), nullable=True))
    op.create_index("ix_event_at", "event", ["at"])
    op.create_index("ix_event_patient", "event", ["patient_id"], postgresql_where=sa.text("patient_id IS NOT NULL"))
    op.create_index("ix_event_entry", "event", ["entry_id", "at"], postgresql_where=sa.text("entry_id IS NOT NULL"))
    _add_records()
    _add_seals()
    _add_keys()
    for statement in GUARDS:
        op.execute(sa.text(statement.replace(":", r"\:")))


def _add_records() -> None:
    op.create_table(
        "access_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", INSTANT(), nullable=False),
        sa.Column("what", TEXT(length=20), nullable=False),
        sa.Column("staff_user_id", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("address", TEXT(length=60), nullable=True),
        sa.Column("patient_ids", sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'::bigint[]"), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=True),
        sa.Column("doctor_id", sa.BigInteger(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_access_record_appointment_id")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_access_record_doctor_id")),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name=op.f("fk_access_record_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_record")),
    )
    op.create_index("ix_access_record_session", "access_record", ["session_id", "at"])
    op.create_index("ix_access_record_at", "access_record", ["at"])
    op.create_index("ix_access_record_patients", "access_record", ["patient_ids"], postgresql_using="gin")


def _add_seals() -> None:
    op.create_table(
        "audit_seal",
        sa.Column("source", TEXT(length=20), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT(), nullable=False),
        sa.Column("sealed_with", TEXT(length=8), nullable=False),
        sa.Column("digest", TEXT(length=64), nullable=False),
        sa.CheckConstraint(SOURCE, name=op.f("ck_audit_seal_source")),
        sa.CheckConstraint("number > 0", name=op.f("ck_audit_seal_number")),
        sa.PrimaryKeyConstraint("source", "number", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("source", "row_id", name=op.f("uq_audit_seal_source_row_id")),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("source", TEXT(length=20), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT(), nullable=False),
        sa.Column("last_at", INSTANT(), nullable=False),
        sa.Column("digest", TEXT(length=64), nullable=False),
        sa.Column("sealed_with", TEXT(length=8), nullable=False),
        sa.Column("mark", TEXT(length=64), nullable=False),
        sa.CheckConstraint(SOURCE, name=op.f("ck_audit_checkpoint_source")),
        sa.PrimaryKeyConstraint("source", "number", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_rule",
        sa.Column("source", TEXT(length=20), nullable=False),
        sa.Column("keep_days", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(SOURCE, name=op.f("ck_audit_rule_source")),
        sa.CheckConstraint("keep_days >= 0", name=op.f("ck_audit_rule_keep_days")),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_audit_rule")),
    )


def _add_keys() -> None:
    op.create_table(
        "patient_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_patient_key_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_key")),
        sa.UniqueConstraint("patient_id", name=op.f("uq_patient_key_patient_id")),
    )


def downgrade() -> None:
    """Back to a history that may be changed. Who looked at what, and all seals, are lost with it."""
    for table in KEPT_TABLES:
        op.execute(f"DROP TRIGGER keep_rows ON {table}")
        op.execute(f"DROP TRIGGER keep_table ON {table}")
    op.execute("DROP FUNCTION forget_audit(text, bigint, text, text)")
    op.execute("DROP FUNCTION keep_audit_row()")
    op.execute("DROP FUNCTION keep_audit_table()")
    for table in ("patient_key", "audit_rule", "audit_checkpoint", "audit_seal", "access_record"):
        op.drop_table(table)
    for name in ("at", "patient", "entry"):
        op.drop_index(f"ix_event_{name}", "event")
    op.drop_column("event", "address")
    op.drop_column("event", "patient_id")
