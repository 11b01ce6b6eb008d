"""What patients have agreed to: the texts, every version that was ever shown."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from medcal.models.base import instant, key, reference


class ConsentText(SQLModel, table=True):
    """A text that somebody has agreed to, or that an admin has written. Its words never change: other words are another version.

    `digest` is that of the words. The one that `is_in_force` is shown, in place of that which Medcal comes with.
    """

    __tablename__ = "consent_text"
    __table_args__ = (
        UniqueConstraint("purpose", "language", "digest", name="uq_consent_text_digest"),
        UniqueConstraint("purpose", "language", "version", name="uq_consent_text_version"),
        Index("uq_consent_text_in_force", "purpose", "language", unique=True, postgresql_where=text("is_in_force")),
        CheckConstraint("version > 0", name="version"),
    )

    id: int | None = key()
    purpose: str = Field(max_length=20)
    language: str = Field(max_length=5)
    version: int
    digest: str = Field(max_length=64)
    words: str = Field(sa_type=Text)
    is_in_force: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    written_at: datetime = instant()
    written_by_id: int | None = reference("staff_user.id", nullable=True)
