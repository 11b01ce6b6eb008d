"""How a clinic offers freed time: how many are asked at once and how long they have, by the time that is left."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import SQLModel

from medcal.models.base import key, reference


class OfferPolicy(SQLModel, table=True):
    """The rules of one location, for one kind of visit or (without `visit_type_id`) for all that have none of their own.

    Nearer to the start than `least_lead_minutes` nobody is asked, and no answer time runs.
    """

    __tablename__ = "offer_policy"
    __table_args__ = (
        UniqueConstraint(
            "location_id",
            "visit_type_id",
            name="uq_offer_policy_location_visit_type",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("least_lead_minutes BETWEEN 0 AND 10080", name="least_lead_minutes"),
        CheckConstraint("offers_per_week BETWEEN 1 AND 50", name="offers_per_week"),
        CheckConstraint("unanswered_before_pause BETWEEN 1 AND 20", name="unanswered_before_pause"),
    )

    id: int | None = key()
    location_id: int = reference("location.id")
    visit_type_id: int | None = reference("visit_type.id", nullable=True)
    least_lead_minutes: int = 120
    offers_per_week: int = 3
    unanswered_before_pause: int = 3


class OfferStep(SQLModel, table=True):
    """From `from_lead_hours` before the start on: so many are asked at once, and have so long to answer."""

    __tablename__ = "offer_step"
    __table_args__ = (
        UniqueConstraint("policy_id", "from_lead_hours", name="uq_offer_step_policy_lead"),
        CheckConstraint("from_lead_hours BETWEEN 0 AND 2016", name="from_lead_hours"),
        CheckConstraint("answer_minutes BETWEEN 15 AND 10080", name="answer_minutes"),
        CheckConstraint("group_size BETWEEN 1 AND 10", name="group_size"),
    )

    id: int | None = key()
    policy_id: int = reference("offer_policy.id", ondelete="CASCADE")
    from_lead_hours: int
    answer_minutes: int = 120
    group_size: int = 1


# What a clinic begins with: (from_lead_hours, answer_minutes, group_size). None stands for the location's own answer time. Chosen by
# simulation: docs/simulation.md.
DEFAULT_STEPS: tuple[tuple[int, int | None, int], ...] = (
    (48, None, 1),
    (24, None, 3),
    (0, 60, 5),
)
