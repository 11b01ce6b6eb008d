"""Who the staff are at a provider of identity (OpenID Connect), and which sessions here hang on sessions there."""

from datetime import datetime

from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from medcal.models.base import instant, key, reference


class StaffIdentity(SQLModel, table=True):
    """Somebody at a provider who is one account here. A provider never gives a subject to anybody else; an e-mail address it may."""

    __tablename__ = "staff_identity"
    __table_args__ = (
        UniqueConstraint("issuer", "subject", name="uq_staff_identity_issuer_subject"),
        UniqueConstraint("staff_user_id", "issuer", name="uq_staff_identity_user_issuer"),
    )

    id: int | None = key()
    staff_user_id: int = reference("staff_user.id")
    issuer: str = Field(max_length=500)
    subject: str = Field(max_length=255)
    linked_at: datetime = instant()
    signed_in_at: datetime = instant()


class ProviderSignIn(SQLModel, table=True):
    """A browser that is on its way to the provider and back: once, and within ten minutes. What is secret about it lies in its cookie."""

    __tablename__ = "provider_sign_in"

    id: int | None = key()
    state_digest: str = Field(max_length=64, unique=True)
    browser_digest: str = Field(max_length=64)
    next_page: str = Field(default="", max_length=200)
    language: str = Field(default="en", max_length=5)
    created_at: datetime = instant()
    expires_at: datetime = instant(index=True)


class ProviderSession(SQLModel, table=True):
    """The session at the provider behind one of ours, so that either can end the other. It goes with ours."""

    __tablename__ = "provider_session"

    id: int | None = key()
    session_id: int = reference("session.id", unique=True, ondelete="CASCADE")
    identity_id: int = reference("staff_identity.id", index=True)
    sid: str = Field(default="", max_length=255)
    id_token: str = Field(default="", sa_type=Text)


class ProviderLogout(SQLModel, table=True):
    """A logout that the provider has told us of. Told again it is refused; and a sign-in that it overtook comes to nothing."""

    __tablename__ = "provider_logout"

    id: int | None = key()
    jti_digest: str = Field(max_length=64, unique=True)
    issuer: str = Field(max_length=500)
    sid: str = Field(default="", max_length=255)
    subject: str = Field(default="", max_length=255)
    issued_at: datetime = instant()
    forget_at: datetime = instant(index=True)
