"""Seal what people say in their own words: reasons, requests and notes"""

from collections.abc import Callable

import sqlalchemy as sa
import sqlmodel
from alembic import op

from medcal.models.sealed import seal_note, try_to_open

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOTES = (
    ("appointment", "reason", 120, False),
    ("appointment", "request", 1000, False),
    ("appointment", "cancel_reason", 300, False),
    ("appointment", "overbooked_reason", 200, True),
    ("time_off", "reason", 120, False),
)
ONCE = 500


def upgrade() -> None:
    for table, column, length, nullable in NOTES:
        short, long = sqlmodel.sql.sqltypes.AutoString(length=length), sa.Text()
        op.alter_column(table, column, existing_type=short, type_=long, existing_nullable=nullable)
        _rewrite(table, column, seal_note)
    # What the desk's last move left, with a reason in plain words: it can be taken back for minutes alone.
    op.execute("UPDATE appointment SET undo = NULL WHERE undo->>'overbooked_reason' IS NOT NULL")


def downgrade() -> None:
    """Back to plain words. What none of the keys opens stops this, rather than being lost."""
    op.execute("UPDATE appointment SET undo = NULL WHERE undo->>'overbooked_reason' IS NOT NULL")
    for table, column, length, nullable in NOTES:
        _rewrite(table, column, _open)
        short, long = sqlmodel.sql.sqltypes.AutoString(length=length), sa.Text()
        op.alter_column(table, column, existing_type=long, type_=short, existing_nullable=nullable)


def _open(kept: str, about: str) -> str:
    text = try_to_open(kept, about)
    if text is None:
        raise RuntimeError(f"{about} holds what none of the keys opens; add its key to MEDCAL_DATA_KEYS_BEFORE.")
    return text


def _rewrite(table: str, column: str, change: Callable[[str, str], str]) -> None:
    """Row by row in the order of the key, some at once, so that a large clinic fits into memory."""
    connection, last = op.get_bind(), 0
    find = sa.text(f"SELECT id, {column} FROM {table} WHERE id > :last AND {column} <> '' ORDER BY id LIMIT {ONCE}")
    write = sa.text(f"UPDATE {table} SET {column} = :text WHERE id = :id")
    while rows := connection.execute(find, {"last": last}).all():
        about = f"{table}.{column}"
        connection.execute(write, [{"id": row[0], "text": change(row[1], about)} for row in rows])
        last = rows[-1][0]
