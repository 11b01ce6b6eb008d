"""Give accounts a second step, one-time links, and sessions that say where they are and when they lapse"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT, INSTANT = sqlmodel.sql.sqltypes.AutoString, sqlmodel.sql.sqltypes.UTCDateTime


def upgrade() -> None:
    _add_to_accounts()
    _add_to_sessions()
    _add_links()
    _add_recovery_codes()
    _add_tickets()
    _add_identities()
    _add_provider_sessions()


def _add_to_accounts() -> None:
    op.add_column("staff_user", sa.Column("last_sign_in_at", INSTANT(), nullable=True))
    op.add_column("staff_user", sa.Column("tried_often_at", INSTANT(), nullable=True))
    op.add_column("staff_user", sa.Column("totp_key", TEXT(length=300), server_default="", nullable=False))
    op.add_column("staff_user", sa.Column("totp_on_at", INSTANT(), nullable=True))
    op.add_column("staff_user", sa.Column("totp_step", sa.BigInteger(), nullable=True))


def _add_to_sessions() -> None:
    # Nobody knows where they are and how long they may rest: everybody signs in anew.
    op.execute("DELETE FROM session")
    op.add_column("session", sa.Column("ref", sa.Uuid(), nullable=False))
    op.add_column("session", sa.Column("idle_seconds", sa.Integer(), nullable=False))
    op.add_column("session", sa.Column("address", TEXT(length=60), nullable=False))
    op.add_column("session", sa.Column("browser", TEXT(length=60), nullable=False))
    op.add_column("session", sa.Column("needs_second_step", sa.Boolean(), nullable=False))
    op.create_unique_constraint(op.f("uq_session_ref"), "session", ["ref"])


def _add_links() -> None:
    op.create_table(
        "staff_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("token_digest", TEXT(length=64), nullable=False),
        sa.Column("staff_user_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=20), server_default="reset", nullable=False),
        sa.Column("created_at", INSTANT(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", INSTANT(), nullable=False),
        sa.Column("used_at", INSTANT(), nullable=True),
        sa.CheckConstraint("purpose IN ('invitation', 'reset')", name=op.f("ck_staff_link_link_purpose")),
        sa.ForeignKeyConstraint(["created_by_id"], ["staff_user.id"], name=op.f("fk_staff_link_created_by_id")),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name=op.f("fk_staff_link_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_link")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_staff_link_token_digest")),
    )
    op.create_index(op.f("ix_staff_link_staff_user_id"), "staff_link", ["staff_user_id"], unique=False)


def _add_recovery_codes() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff_user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_digest", TEXT(length=64), nullable=False),
        sa.Column("used_at", INSTANT(), nullable=True),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name=op.f("fk_recovery_code_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("staff_user_id", "code_digest", name="uq_recovery_code_user_code"),
    )


def _add_tickets() -> None:
    op.create_table(
        "sign_in_ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("cookie_digest", TEXT(length=64), nullable=False),
        sa.Column("staff_user_id", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT(), nullable=False),
        sa.Column("expires_at", INSTANT(), nullable=False),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name=op.f("fk_sign_in_ticket_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_ticket")),
        sa.UniqueConstraint("cookie_digest", name=op.f("uq_sign_in_ticket_cookie_digest")),
    )
    op.create_index(op.f("ix_sign_in_ticket_staff_user_id"), "sign_in_ticket", ["staff_user_id"], unique=False)


def _add_identities() -> None:
    op.create_table(
        "staff_identity",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff_user_id", sa.BigInteger(), nullable=False),
        sa.Column("issuer", TEXT(length=500), nullable=False),
        sa.Column("subject", TEXT(length=255), nullable=False),
        sa.Column("linked_at", INSTANT(), nullable=False),
        sa.Column("signed_in_at", INSTANT(), nullable=False),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name=op.f("fk_staff_identity_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_identity")),
        sa.UniqueConstraint("issuer", "subject", name="uq_staff_identity_issuer_subject"),
        sa.UniqueConstraint("staff_user_id", "issuer", name="uq_staff_identity_user_issuer"),
    )
    op.create_table(
        "provider_sign_in",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("state_digest", TEXT(length=64), nullable=False),
        sa.Column("browser_digest", TEXT(length=64), nullable=False),
        sa.Column("next_page", TEXT(length=200), nullable=False),
        sa.Column("language", TEXT(length=5), nullable=False),
        sa.Column("created_at", INSTANT(), nullable=False),
        sa.Column("expires_at", INSTANT(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_sign_in")),
        sa.UniqueConstraint("state_digest", name=op.f("uq_provider_sign_in_state_digest")),
    )
    op.create_index(op.f("ix_provider_sign_in_expires_at"), "provider_sign_in", ["expires_at"], unique=False)


def _add_provider_sessions() -> None:
    op.create_table(
        "provider_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("sid", TEXT(length=255), nullable=False),
        sa.Column("id_token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("fk_provider_session_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["identity_id"], ["staff_identity.id"], name=op.f("fk_provider_session_identity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_session")),
        sa.UniqueConstraint("session_id", name=op.f("uq_provider_session_session_id")),
    )
    op.create_index(op.f("ix_provider_session_identity_id"), "provider_session", ["identity_id"], unique=False)
    op.create_table(
        "provider_logout",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jti_digest", TEXT(length=64), nullable=False),
        sa.Column("issuer", TEXT(length=500), nullable=False),
        sa.Column("sid", TEXT(length=255), nullable=False),
        sa.Column("subject", TEXT(length=255), nullable=False),
        sa.Column("issued_at", INSTANT(), nullable=False),
        sa.Column("forget_at", INSTANT(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_logout")),
        sa.UniqueConstraint("jti_digest", name=op.f("uq_provider_logout_jti_digest")),
    )
    op.create_index(op.f("ix_provider_logout_forget_at"), "provider_logout", ["forget_at"], unique=False)


def downgrade() -> None:
    """Back to passwords alone: second steps, links that are out and recovery codes are gone."""
    for table in ("provider_logout", "provider_session", "provider_sign_in", "staff_identity"):
        op.drop_table(table)
    for table in ("sign_in_ticket", "recovery_code", "staff_link"):
        op.drop_table(table)
    op.drop_constraint(op.f("uq_session_ref"), "session", type_="unique")
    for column in ("needs_second_step", "browser", "address", "idle_seconds", "ref"):
        op.drop_column("session", column)
    for column in ("totp_step", "totp_on_at", "totp_key", "tried_often_at", "last_sign_in_at"):
        op.drop_column("staff_user", column)
