"""Who looked at what, and what shows that neither this nor the history was changed afterwards."""

from datetime import date, datetime

from sqlalchemy import (
    ARRAY,
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    SmallInteger,
    UniqueConstraint,
    event,
    text,
)
from sqlmodel import Field, SQLModel

from medcal.models.base import instant, key, note, reference

_SOURCE = "source IN ('event', 'access_record')"


class AccessRecord(SQLModel, table=True):
    """A member of the staff was shown something about patients. Only ever added.

    Neither patient nor session is a foreign key: both go one day, and what was written down stays as it is.
    """

    __tablename__ = "access_record"
    __table_args__ = (
        Index("ix_access_record_session", "session_id", "at"),
        Index("ix_access_record_at", "at"),
        Index("ix_access_record_patients", "patient_ids", postgresql_using="gin"),
    )

    id: int | None = key()
    at: datetime = instant()
    what: str = Field(max_length=20)
    staff_user_id: int | None = reference("staff_user.id", nullable=True)
    session_id: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    address: str | None = Field(default=None, max_length=60)
    patient_ids: list[int] = Field(
        default_factory=list, sa_column=Column(ARRAY(BigInteger), nullable=False, server_default=text("'{}'::bigint[]"))
    )
    appointment_id: int | None = reference("appointment.id", nullable=True)
    doctor_id: int | None = reference("doctor.id", nullable=True)
    first_day: date | None = None
    last_day: date | None = None


class AuditSeal(SQLModel, table=True):
    """The `number`-th row of its source, sealed together with all before it. `sealed_with` names the key."""

    __tablename__ = "audit_seal"
    __table_args__ = (
        UniqueConstraint("source", "row_id"),
        CheckConstraint(_SOURCE, name="source"),
        CheckConstraint("number > 0", name="number"),
    )

    source: str = Field(primary_key=True, max_length=20)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    row_id: int = Field(sa_type=BigInteger)
    at: datetime = instant()
    sealed_with: str = Field(max_length=8)
    digest: str = Field(max_length=64)


class AuditCheckpoint(SQLModel, table=True):
    """Rows up to the `number`-th were removed when their time was over; `digest` is the one from which the chain goes on.

    `mark` is made with the server's key, so that nobody who has the database alone can write such a row.
    """

    __tablename__ = "audit_checkpoint"
    __table_args__ = (CheckConstraint(_SOURCE, name="source"),)

    source: str = Field(primary_key=True, max_length=20)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = instant()
    last_at: datetime = instant()
    digest: str = Field(max_length=64)
    sealed_with: str = Field(max_length=8)
    mark: str = Field(max_length=64)


class AuditRule(SQLModel, table=True):
    """For how many days rows of a source are kept at least; 0 is for ever. The owner of the tables writes it from the settings."""

    __tablename__ = "audit_rule"
    __table_args__ = (CheckConstraint(_SOURCE, name="source"), CheckConstraint("keep_days >= 0", name="keep_days"))

    source: str = Field(primary_key=True, max_length=20)
    keep_days: int = Field(sa_type=SmallInteger)


class PatientKey(SQLModel, table=True):
    """The key to what the history says about one patient in words. Without it, and it goes when she is erased, nobody reads them."""

    __tablename__ = "patient_key"

    id: int | None = key()
    patient_id: int = reference("patient.id", unique=True)
    secret: str = note("patient_key.secret")


# --- What the database itself sees to ---------------------------------------------------------------------------------

# Rows may go in the transaction that leaves a checkpoint in their place, and in no other way.
KEEP_ROW = """
CREATE FUNCTION keep_audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_over boolean := false;
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_seal' THEN
        is_over := EXISTS (SELECT FROM audit_checkpoint c WHERE c.source = OLD.source AND c.number >= OLD.number AND c.at = now());
    ELSIF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('event', 'access_record') THEN
        is_over := EXISTS (SELECT FROM audit_seal s JOIN audit_checkpoint c ON c.source = s.source AND c.number >= s.number
                            WHERE s.source = TG_TABLE_NAME AND s.row_id = OLD.id AND c.at = now());
    END IF;
    IF NOT is_over THEN
        RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$
"""
KEEP_TABLE = """
CREATE FUNCTION keep_audit_table() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""
# With the rights of its owner, since the application has none to remove anything. What is young it refuses, whoever asks.
FORGET = """
CREATE FUNCTION forget_audit(of_source text, up_to bigint, with_key text, its_mark text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept_days integer := (SELECT keep_days FROM audit_rule WHERE source = of_source);
    newest timestamptz;
    removed bigint;
BEGIN
    IF coalesce(kept_days, 0) = 0 THEN
        RAISE EXCEPTION '% is kept for ever', of_source USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF of_source = 'event' THEN
        SELECT max(e.at) INTO newest FROM audit_seal s JOIN event e ON e.id = s.row_id
         WHERE s.source = of_source AND s.number <= up_to;
    ELSE
        SELECT max(r.at) INTO newest FROM audit_seal s JOIN access_record r ON r.id = s.row_id
         WHERE s.source = of_source AND s.number <= up_to;
    END IF;
    IF newest IS NULL OR newest > now() - make_interval(days => kept_days) THEN
        RAISE EXCEPTION '% has rows whose time is not over', of_source USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO audit_checkpoint (source, number, at, last_at, digest, sealed_with, mark)
    SELECT source, number, now(), newest, digest, with_key, its_mark FROM audit_seal WHERE source = of_source AND number = up_to;
    IF of_source = 'event' THEN
        DELETE FROM event e USING audit_seal s WHERE s.source = of_source AND s.number <= up_to AND e.id = s.row_id;
    ELSE
        DELETE FROM access_record r USING audit_seal s WHERE s.source = of_source AND s.number <= up_to AND r.id = s.row_id;
    END IF;
    DELETE FROM audit_seal WHERE source = of_source AND number <= up_to;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$
"""
CLOSED_TO_OTHERS = "REVOKE ALL ON FUNCTION forget_audit(text, bigint, text, text) FROM PUBLIC"
KEPT_TABLES = ("event", "access_record", "audit_seal", "audit_checkpoint")


def keeping(table: str) -> list[str]:
    """The statements that make a table one that is only added to, also where triggers are told to rest."""
    return [
        f"CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION keep_audit_row()",
        f"CREATE TRIGGER keep_table BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_table()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER keep_rows",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER keep_table",
    ]


GUARDS = [
    KEEP_ROW,
    KEEP_TABLE,
    FORGET,
    CLOSED_TO_OTHERS,
    *(statement for table in KEPT_TABLES for statement in keeping(table)),
]
for guard in GUARDS:
    event.listen(SQLModel.metadata, "after_create", DDL(guard.replace("%", "%%")))  # type: ignore[no-untyped-call]
