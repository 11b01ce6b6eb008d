"""Ask groups by policy, pause who does not answer, and say how each freed time ended"""

import sqlalchemy as sa
from alembic import op

from medcal.models.policies import DEFAULT_STEPS

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_policies()
    _let_freed_time_say_how_it_ended()
    _let_offers_share_a_hold()
    _let_wishes_pause()
    _let_wishes_know_their_appointments()
    op.execute(DEFAULT_POLICIES)
    for hours, minutes, size in DEFAULT_STEPS:
        op.execute(
            f"""INSERT INTO offer_step (policy_id, from_lead_hours, answer_minutes, group_size)
                SELECT p.id, {hours}, {minutes or "l.answer_minutes"}, {size}
                  FROM offer_policy p JOIN location l ON l.id = p.location_id"""
        )


DEFAULT_POLICIES = """
INSERT INTO offer_policy (location_id, least_lead_minutes, offers_per_week, unanswered_before_pause) SELECT id, 120, 3, 3 FROM location
"""


def _add_policies() -> None:
    op.create_table(
        "offer_policy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("visit_type_id", sa.BigInteger(), nullable=True),
        sa.Column("least_lead_minutes", sa.Integer(), nullable=False),
        sa.Column("offers_per_week", sa.Integer(), nullable=False),
        sa.Column("unanswered_before_pause", sa.Integer(), nullable=False),
        sa.CheckConstraint("least_lead_minutes BETWEEN 0 AND 10080", name=op.f("ck_offer_policy_least_lead_minutes")),
        sa.CheckConstraint("offers_per_week BETWEEN 1 AND 50", name=op.f("ck_offer_policy_offers_per_week")),
        sa.CheckConstraint(
            "unanswered_before_pause BETWEEN 1 AND 20", name=op.f("ck_offer_policy_unanswered_before_pause")
        ),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_offer_policy_location_id")),
        sa.ForeignKeyConstraint(["visit_type_id"], ["visit_type.id"], name=op.f("fk_offer_policy_visit_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_policy")),
        sa.UniqueConstraint(
            "location_id",
            "visit_type_id",
            name="uq_offer_policy_location_visit_type",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "offer_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("policy_id", sa.BigInteger(), nullable=False),
        sa.Column("from_lead_hours", sa.Integer(), nullable=False),
        sa.Column("answer_minutes", sa.Integer(), nullable=False),
        sa.Column("group_size", sa.Integer(), nullable=False),
        sa.CheckConstraint("from_lead_hours BETWEEN 0 AND 2016", name=op.f("ck_offer_step_from_lead_hours")),
        sa.CheckConstraint("answer_minutes BETWEEN 15 AND 10080", name=op.f("ck_offer_step_answer_minutes")),
        sa.CheckConstraint("group_size BETWEEN 1 AND 10", name=op.f("ck_offer_step_group_size")),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["offer_policy.id"], name=op.f("fk_offer_step_policy_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_step")),
        sa.UniqueConstraint("policy_id", "from_lead_hours", name="uq_offer_step_policy_lead"),
    )


# Who took a time that is gone was not written down before; what stands there now tells it well enough.
HOW_IT_ENDED = """
UPDATE freed_time f
   SET ended_at = coalesce(f.ended_at, f.look_at),
       ended_by = CASE
         WHEN f.status = 'filled' THEN 'offer'
         WHEN f.ended_at >= f.starts_at THEN 'past'
         WHEN EXISTS (SELECT FROM appointment a WHERE a.doctor_id = f.doctor_id AND a.starts_at < f.ends_at
                         AND a.busy_until > f.starts_at AND a.status IN ('booked', 'arrived', 'fulfilled', 'no_show')) THEN 'public'
         WHEN f.ended_at >= f.starts_at - interval '3 hours' THEN 'late'
         ELSE 'closed' END
 WHERE f.status IN ('filled', 'gone')
"""


def _let_freed_time_say_how_it_ended() -> None:
    op.add_column("freed_time", sa.Column("visit_type_id", sa.BigInteger(), nullable=True))
    op.add_column("freed_time", sa.Column("hold_id", sa.BigInteger(), nullable=True))
    ends = sa.Enum("offer", "public", "desk", "closed", "late", "past", name="freed_end", native_enum=False, length=20)
    op.add_column("freed_time", sa.Column("ended_by", ends, nullable=True))
    op.create_foreign_key(op.f("fk_freed_time_visit_type_id"), "freed_time", "visit_type", ["visit_type_id"], ["id"])
    op.create_foreign_key(op.f("fk_freed_time_hold_id"), "freed_time", "appointment", ["hold_id"], ["id"])
    op.execute("UPDATE freed_time f SET visit_type_id = a.visit_type_id FROM appointment a WHERE a.id = f.freed_by_id")
    op.execute(
        "UPDATE freed_time f SET hold_id = o.hold_id FROM offer o WHERE o.freed_time_id = f.id AND o.status = 'open'"
    )
    op.execute(HOW_IT_ENDED)
    op.create_check_constraint(
        op.f("ck_freed_time_freed_end"),
        "freed_time",
        "ended_by IN ('offer', 'public', 'desk', 'closed', 'late', 'past')",
    )
    op.create_check_constraint(op.f("ck_freed_time_hold"), "freed_time", "(status = 'offered') = (hold_id IS NOT NULL)")
    op.create_check_constraint(
        op.f("ck_freed_time_ended_by"), "freed_time", "(status IN ('filled', 'gone')) = (ended_by IS NOT NULL)"
    )
    op.create_check_constraint(op.f("ck_freed_time_ended_at"), "freed_time", "(ended_by IS NULL) = (ended_at IS NULL)")
    op.create_index(
        "uq_freed_time_hold", "freed_time", ["hold_id"], unique=True, postgresql_where=sa.text("hold_id IS NOT NULL")
    )


def _let_offers_share_a_hold() -> None:
    op.add_column("offer", sa.Column("place_in_group", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.create_check_constraint(op.f("ck_offer_place_in_group"), "offer", "place_in_group BETWEEN 1 AND 10")
    _choices("offer", "offer_status", "open", "accepted", "declined", "expired", "taken", "withdrawn")
    op.drop_index("uq_offer_hold", table_name="offer")
    op.create_index("ix_offer_hold", "offer", ["hold_id"], unique=False)
    op.create_index("ix_offer_created", "offer", ["created_at", "patient_id"], unique=False)
    op.drop_index("uq_offer_open_per_time", table_name="offer")
    op.create_index(
        "uq_offer_open_per_time",
        "offer",
        ["freed_time_id", "place_in_group"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )


ON_THE_LIST = "status IN ('waiting', 'paused')"


def _let_wishes_pause() -> None:
    op.add_column(
        "waitlist_entry", sa.Column("unanswered_in_row", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    _choices("waitlist_entry", "entry_status", "waiting", "paused", "fulfilled", "withdrawn")
    op.drop_index("ix_waitlist_entry_waiting", table_name="waitlist_entry")
    op.drop_index("uq_waitlist_entry_appointment_waiting", table_name="waitlist_entry")
    op.drop_index("uq_waitlist_entry_patient_visit_type_waiting", table_name="waitlist_entry")
    op.create_index(
        "uq_waitlist_entry_appointment_listed",
        "waitlist_entry",
        ["appointment_id"],
        unique=True,
        postgresql_where=sa.text(f"{ON_THE_LIST} AND appointment_id IS NOT NULL"),
    )
    op.create_index(
        "uq_waitlist_entry_patient_visit_type_listed",
        "waitlist_entry",
        ["patient_id", "visit_type_id"],
        unique=True,
        postgresql_where=sa.text(f"{ON_THE_LIST} AND appointment_id IS NULL"),
    )


def _let_wishes_know_their_appointments() -> None:
    op.add_column("waitlist_entry", sa.Column("own_starts_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE waitlist_entry e SET own_starts_at = a.starts_at FROM appointment a WHERE a.id = e.appointment_id"
    )
    op.create_check_constraint(
        op.f("ck_waitlist_entry_own_starts_at"), "waitlist_entry", "(appointment_id IS NULL) = (own_starts_at IS NULL)"
    )
    op.execute(FOLLOW_APPOINTMENT)
    op.execute(FOLLOW_APPOINTMENT_TRIGGER)
    op.create_index(
        "ix_waitlist_entry_turn",
        "waitlist_entry",
        [
            "location_id",
            sa.literal_column("urgency DESC"),
            "created_at",
            "id",
            sa.literal_column("coalesce(own_starts_at, 'infinity'::timestamptz)"),
            sa.literal_column("coalesce(doctor_id, 0)"),
            "visit_type_id",
            "opens",
            "closes",
            "notice_hours",
            *(sa.literal_column(f"({weekday}::smallint = ANY (weekdays))") for weekday in range(7)),
        ],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )


FOLLOW_APPOINTMENT = """
CREATE FUNCTION follow_appointment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE waitlist_entry SET own_starts_at = NEW.starts_at WHERE appointment_id = NEW.id AND status IN ('waiting', 'paused');
  RETURN NULL;
END $$
"""
FOLLOW_APPOINTMENT_TRIGGER = """
CREATE TRIGGER follow_appointment AFTER UPDATE OF starts_at ON appointment
FOR EACH ROW WHEN (OLD.starts_at IS DISTINCT FROM NEW.starts_at) EXECUTE FUNCTION follow_appointment()
"""


def _choices(table: str, name: str, *values: str) -> None:
    """Change what a column of choices may hold; SQLAlchemy's own words, so that the models say the same."""
    constraint = op.f(f"ck_{table}_{name}")
    op.drop_constraint(constraint, table, type_="check")
    allowed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(constraint, table, f"status IN ({allowed})")


def downgrade() -> None:
    """Back to one offer per hold. Where a group was ever asked the old unique index refuses, and nothing is changed."""
    op.drop_index("uq_waitlist_entry_patient_visit_type_listed", table_name="waitlist_entry")
    op.drop_index("uq_waitlist_entry_appointment_listed", table_name="waitlist_entry")
    op.execute("UPDATE waitlist_entry SET status = 'waiting' WHERE status = 'paused'")
    _choices("waitlist_entry", "entry_status", "waiting", "fulfilled", "withdrawn")
    op.create_index(
        "uq_waitlist_entry_appointment_waiting",
        "waitlist_entry",
        ["appointment_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting' AND appointment_id IS NOT NULL"),
    )
    op.create_index(
        "uq_waitlist_entry_patient_visit_type_waiting",
        "waitlist_entry",
        ["patient_id", "visit_type_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting' AND appointment_id IS NULL"),
    )
    op.drop_index("ix_waitlist_entry_turn", table_name="waitlist_entry")
    op.create_index(
        "ix_waitlist_entry_waiting",
        "waitlist_entry",
        ["visit_type_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.execute("DROP TRIGGER follow_appointment ON appointment")
    op.execute("DROP FUNCTION follow_appointment()")
    op.drop_constraint(op.f("ck_waitlist_entry_own_starts_at"), "waitlist_entry", type_="check")
    for column in ("own_starts_at", "unanswered_in_row"):
        op.drop_column("waitlist_entry", column)
    op.drop_index("uq_offer_open_per_time", table_name="offer")
    op.create_index(
        "uq_offer_open_per_time", "offer", ["freed_time_id"], unique=True, postgresql_where=sa.text("status = 'open'")
    )
    op.drop_index("ix_offer_created", table_name="offer")
    op.drop_index("ix_offer_hold", table_name="offer")
    op.create_index("uq_offer_hold", "offer", ["hold_id"], unique=True)
    op.execute("UPDATE offer SET status = 'withdrawn' WHERE status = 'taken'")
    _choices("offer", "offer_status", "open", "accepted", "declined", "expired", "withdrawn")
    op.drop_column("offer", "place_in_group")
    op.drop_index("uq_freed_time_hold", table_name="freed_time")
    for name in ("ended_at", "ended_by", "hold", "freed_end"):
        op.drop_constraint(op.f(f"ck_freed_time_{name}"), "freed_time", type_="check")
    for column in ("ended_by", "hold_id", "visit_type_id"):
        op.drop_column("freed_time", column)
    op.drop_table("offer_step")
    op.drop_table("offer_policy")
