"""How the staff get in beside their passwords: one-time links, recovery codes, and the moment between password and code."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from medcal.models.base import choice, instant, key, reference


class LinkPurpose(StrEnum):
    invitation = "invitation"
    reset = "reset"


class StaffLink(SQLModel, table=True):
    """A link under which somebody gives herself a password, once, until it expires. Here is its digest alone."""

    __tablename__ = "staff_link"

    id: int | None = key()
    token_digest: str = Field(max_length=64, unique=True)
    staff_user_id: int = reference("staff_user.id", index=True)
    purpose: LinkPurpose = choice(LinkPurpose, LinkPurpose.reset)
    created_at: datetime = instant()
    created_by_id: int | None = reference("staff_user.id", nullable=True)
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)


class RecoveryCode(SQLModel, table=True):
    """What lets somebody in whose phone is lost, once. Here is its keyed digest alone."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("staff_user_id", "code_digest", name="uq_recovery_code_user_code"),)

    id: int | None = key()
    staff_user_id: int = reference("staff_user.id")
    code_digest: str = Field(max_length=64)
    used_at: datetime | None = instant(nullable=True)


class SignInTicket(SQLModel, table=True):
    """A browser that has given the right password and owes the code. It opens nothing: sessions are another table."""

    __tablename__ = "sign_in_ticket"

    id: int | None = key()
    cookie_digest: str = Field(max_length=64, unique=True)
    staff_user_id: int = reference("staff_user.id", index=True)
    tries: int = 0
    created_at: datetime = instant()
    expires_at: datetime = instant()
