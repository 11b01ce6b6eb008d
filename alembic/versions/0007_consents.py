"""Keep which text a patient has agreed to"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AGREED = ("appointment", "waitlist_entry")


def upgrade() -> None:
    op.create_table(
        "consent_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=5), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("is_in_force", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("written_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("written_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("version > 0", name=op.f("ck_consent_text_version")),
        sa.ForeignKeyConstraint(["written_by_id"], ["staff_user.id"], name=op.f("fk_consent_text_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_text")),
        sa.UniqueConstraint("purpose", "language", "digest", name="uq_consent_text_digest"),
        sa.UniqueConstraint("purpose", "language", "version", name="uq_consent_text_version"),
    )
    op.create_index(
        "uq_consent_text_in_force",
        "consent_text",
        ["purpose", "language"],
        unique=True,
        postgresql_where=sa.text("is_in_force"),
    )
    for table in AGREED:
        op.add_column(table, sa.Column("consent_id", sa.BigInteger(), nullable=True))
        op.create_foreign_key(op.f(f"fk_{table}_consent_id"), table, "consent_text", ["consent_id"], ["id"])


def downgrade() -> None:
    for table in reversed(AGREED):
        op.drop_constraint(op.f(f"fk_{table}_consent_id"), table, type_="foreignkey")
        op.drop_column(table, "consent_id")
    op.drop_table("consent_text")
