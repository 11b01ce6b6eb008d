"""Work that waits: jobs, and the claim rows of periodic work."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, Index, text
from sqlmodel import Field, SQLModel

from medcal.models.base import choice, instant, key


class JobStatus(StrEnum):
    due = "due"
    done = "done"
    failed = "failed"


class Job(SQLModel, table=True):
    """Something to be done after a commit. `subject_id` is the row it is about; one waiting job per kind and subject."""

    __table_args__ = (
        Index("uq_job_kind_subject_due", "kind", "subject_id", unique=True, postgresql_where=text("status = 'due'")),
        Index("ix_job_due", "run_at", "id", postgresql_where=text("status = 'due'")),
    )

    id: int | None = key()
    kind: str = Field(max_length=40)
    subject_id: int = Field(sa_type=BigInteger)
    status: JobStatus = choice(JobStatus, JobStatus.due)
    run_at: datetime = instant()
    tries: int = 0
    last_error: str = Field(default="", max_length=500)
    created_at: datetime = instant()
    done_at: datetime | None = instant(nullable=True)


class PeriodicRun(SQLModel, table=True):
    """When a piece of periodic work last began, on the database's clock. Whoever moves it on does the work."""

    __tablename__ = "periodic_run"

    name: str = Field(primary_key=True, max_length=60)
    started_at: datetime = Field(
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": text("'-infinity'")},
    )
    runs: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
