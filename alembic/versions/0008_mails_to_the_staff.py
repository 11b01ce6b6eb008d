"""Let messages go to the staff, too"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("staff_user_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_message_staff_user_id"), "message", "staff_user", ["staff_user_id"], ["id"])
    op.create_index(op.f("ix_message_staff_user_id"), "message", ["staff_user_id"])
    op.alter_column("message", "patient_id", existing_type=sa.BigInteger(), nullable=True)
    op.create_check_constraint(
        op.f("ck_message_for_one_reader"), "message", "(patient_id IS NULL) <> (staff_user_id IS NULL)"
    )


def downgrade() -> None:
    """Without the mails to the staff: there is no place for them."""
    op.drop_constraint(op.f("ck_message_for_one_reader"), "message", type_="check")
    op.execute("DELETE FROM delivery WHERE message_id IN (SELECT id FROM message WHERE staff_user_id IS NOT NULL)")
    op.execute("DELETE FROM message WHERE staff_user_id IS NOT NULL")
    op.alter_column("message", "patient_id", existing_type=sa.BigInteger(), nullable=False)
    op.drop_index(op.f("ix_message_staff_user_id"), "message")
    op.drop_column("message", "staff_user_id")
