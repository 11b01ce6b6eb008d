"""Follow each message to its end, and keep rules for reminders, words of one's own, and calendars to subscribe to"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FATES = ("due", "taken", "handed_over", "delivered", "bounced", "missed", "dropped", "dead")


def upgrade() -> None:
    _let_messages_have_fates()
    _let_the_desk_take_back()
    _add_settings_of_places()
    _add_reminder_rules()
    _call_reminders_by_one_name()
    _add_words()
    _add_feeds()


# What a webhook took was called delivered; whether it arrived nobody said.
HANDED_OVER = """
UPDATE message m SET status = 'handed_over', handed_over_at = m.delivered_at, delivered_at = NULL
 WHERE m.status = 'delivered' AND EXISTS (SELECT FROM delivery d WHERE d.message_id = m.id AND d.error = '')
"""


def _let_messages_have_fates() -> None:
    instant = sqlmodel.sql.sqltypes.UTCDateTime()
    for column in (
        sa.Column("visit_starts_at", instant, nullable=True),
        sa.Column("visit_doctor_id", sa.BigInteger(), nullable=True),
        sa.Column("handover", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("renewals", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("why", sqlmodel.sql.sqltypes.AutoString(length=200), server_default="", nullable=False),
        sa.Column("handed_over_at", instant, nullable=True),
        sa.Column("answer_by", instant, nullable=True),
        sa.Column("far_id", sqlmodel.sql.sqltypes.AutoString(length=300), server_default="", nullable=False),
    ):
        op.add_column("message", column)
    op.create_foreign_key(op.f("fk_message_visit_doctor_id"), "message", "doctor", ["visit_doctor_id"], ["id"])
    _fates(*FATES)
    op.execute(HANDED_OVER)
    op.drop_index("ix_message_due", table_name="message")
    op.create_index(
        "ix_message_due",
        "message",
        ["next_try_at", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('due', 'taken')"),
    )
    op.create_index(
        "ix_message_answer",
        "message",
        ["answer_by"],
        unique=False,
        postgresql_where=sa.text("status = 'handed_over' AND answer_by IS NOT NULL"),
    )
    op.create_index(
        "ix_message_fate",
        "message",
        ["status", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('handed_over', 'bounced', 'missed', 'dropped', 'dead')"),
    )
    op.create_index(
        "ix_message_call",
        "message",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status = 'due' AND channel = 'call'"),
    )
    op.add_column("delivery", sa.Column("handover", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.drop_index("ix_delivery_message", table_name="delivery")
    op.create_index("ix_delivery_message", "delivery", ["message_id", "id"], unique=False)


def _fates(*fates: str) -> None:
    """Change what a fate may be; SQLAlchemy's own words, so that the models say the same."""
    constraint = op.f("ck_message_message_status")
    op.drop_constraint(constraint, "message", type_="check")
    allowed = ", ".join(f"'{fate}'" for fate in fates)
    op.create_check_constraint(constraint, "message", f"status IN ({allowed})")


ENDS = ("offer", "public", "desk", "closed", "late", "past")


def _let_the_desk_take_back() -> None:
    op.add_column("appointment", sa.Column("undo", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("freed_time", sa.Column("not_before", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    _ends(*ENDS, "undone")


def _ends(*ends: str) -> None:
    constraint = op.f("ck_freed_time_freed_end")
    op.drop_constraint(constraint, "freed_time", type_="check")
    allowed = ", ".join(f"'{end}'" for end in ends)
    op.create_check_constraint(constraint, "freed_time", f"ended_by IN ({allowed})")


def _add_settings_of_places() -> None:
    op.add_column("location", sa.Column("grace_seconds", sa.Integer(), server_default=sa.text("120"), nullable=False))
    op.add_column("location", sa.Column("feed_names", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_check_constraint(op.f("ck_location_grace_seconds"), "location", "grace_seconds BETWEEN 0 AND 3600")


def _add_reminder_rules() -> None:
    op.create_table(
        "reminder_rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("visit_type_id", sa.BigInteger(), nullable=True),
        sa.Column("before_hours", sa.Integer(), nullable=False),
        sa.Column("holds_from", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("before_hours BETWEEN 1 AND 720", name=op.f("ck_reminder_rule_before_hours")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_reminder_rule_location_id")),
        sa.ForeignKeyConstraint(["visit_type_id"], ["visit_type.id"], name=op.f("fk_reminder_rule_visit_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_rule")),
        sa.UniqueConstraint(
            "location_id",
            "visit_type_id",
            "before_hours",
            name="uq_reminder_rule_location_visit_type_hours",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.execute(
        """INSERT INTO reminder_rule (location_id, before_hours, holds_from)
           SELECT l.id, hours, '2000-01-01' FROM location l CROSS JOIN (VALUES (72), (24)) AS usual(hours)"""
    )


# The words of the newest letter of an appointment name the visit as it is; of older ones nobody asks.
NAMED = """
UPDATE message m SET visit_starts_at = a.starts_at, visit_doctor_id = a.doctor_id
  FROM appointment a
 WHERE a.id = m.appointment_id AND m.offer_id IS NULL AND split_part(m.reason, ':', 3) = 'v' || a.version
"""
# reminder.one_day:17:v2 becomes reminder:17:v2:24.
ONE_NAME = """
UPDATE message SET kind = 'reminder', reason = 'reminder:' || split_part(reason, ':', 2) || ':' || split_part(reason, ':', 3)
                   || ':' || CASE kind WHEN 'reminder.three_days' THEN '72' ELSE '24' END
 WHERE kind IN ('reminder.three_days', 'reminder.one_day')
"""


def _call_reminders_by_one_name() -> None:
    op.execute(NAMED)
    op.execute(ONE_NAME)


def _add_words() -> None:
    op.create_table(
        "letter_text",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=5), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("brief", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("changed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("changed_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["changed_by_id"], ["staff_user.id"], name=op.f("fk_letter_text_changed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_text")),
        sa.UniqueConstraint("kind", "language", name="uq_letter_text_kind_language"),
    )


def _add_feeds() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Uuid(), nullable=False),
        sa.Column("doctor_id", sa.BigInteger(), nullable=False),
        sa.Column("token_digest", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["staff_user.id"], name=op.f("fk_calendar_feed_created_by_id")),
        sa.ForeignKeyConstraint(["doctor_id"], ["doctor.id"], name=op.f("fk_calendar_feed_doctor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("ref", name=op.f("uq_calendar_feed_ref")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_calendar_feed_token_digest")),
    )
    op.create_index(op.f("ix_calendar_feed_doctor_id"), "calendar_feed", ["doctor_id"], unique=False)


# Of rules nearer to each other than these, the second would have the same reason; it keeps its number.
TWO_NAMES = """
UPDATE message SET kind = CASE hours WHEN '72' THEN 'reminder.three_days' ELSE 'reminder.one_day' END,
                   reason = CASE hours WHEN '72' THEN 'reminder.three_days' ELSE 'reminder.one_day' END
                            || ':' || split_part(reason, ':', 2) || ':' || split_part(reason, ':', 3)
                            || CASE WHEN hours IN ('72', '24') THEN '' ELSE ':' || hours END
  FROM (SELECT id AS of, split_part(reason, ':', 4) AS hours FROM message WHERE kind = 'reminder') told
 WHERE id = told.of
"""


def downgrade() -> None:
    """Back to fewer fates: what is being handed over is due again, what bounced is dead, what was handed over is delivered.

    Reminders of other rules than the two usual ones are told as the nearer of them.
    """
    op.execute(TWO_NAMES)
    op.execute("UPDATE freed_time SET ended_by = 'desk' WHERE ended_by = 'undone'")
    _ends(*ENDS)
    op.drop_column("freed_time", "not_before")
    op.drop_column("appointment", "undo")
    for table in ("calendar_feed", "letter_text", "reminder_rule"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_location_grace_seconds"), "location", type_="check")
    for column in ("feed_names", "grace_seconds"):
        op.drop_column("location", column)
    op.drop_index("ix_delivery_message", table_name="delivery")
    op.create_index("ix_delivery_message", "delivery", ["message_id", "attempt"], unique=False)
    op.drop_column("delivery", "handover")
    for index in ("ix_message_call", "ix_message_fate", "ix_message_answer", "ix_message_due"):
        op.drop_index(index, table_name="message")
    op.execute(
        """UPDATE message
              SET delivered_at = CASE status WHEN 'handed_over' THEN handed_over_at ELSE delivered_at END,
                  status = CASE status WHEN 'handed_over' THEN 'delivered' WHEN 'taken' THEN 'due' ELSE 'dead' END
            WHERE status IN ('handed_over', 'taken', 'bounced')"""
    )
    _fates("due", "delivered", "dead", "missed", "dropped")
    op.create_index(
        "ix_message_due", "message", ["next_try_at", "id"], unique=False, postgresql_where=sa.text("status = 'due'")
    )
    op.drop_constraint(op.f("fk_message_visit_doctor_id"), "message", type_="foreignkey")
    for column in (
        "far_id",
        "answer_by",
        "handed_over_at",
        "why",
        "renewals",
        "handover",
        "visit_doctor_id",
        "visit_starts_at",
    ):
        op.drop_column("message", column)
