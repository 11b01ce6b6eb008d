"""The three policies that are compared, as what a clinic can set: rules of offering, and quiet hours."""

from dataclasses import dataclass
from datetime import time, timedelta

from sqlmodel import Session

from medcal.models import Location
from medcal.services import policy
from medcal.services.policy import Policy, Step, default_policy

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NIGHT = (time(20), time(8))
NEVER = (time(0), time(0))


@dataclass(frozen=True)
class Rules:
    """How freed time is offered; `policy` None stands for the product's default."""

    name: str
    policy: Policy | None = None
    quiet: tuple[time, time] = NIGHT

    def apply(self, db: Session, location: Location) -> None:
        """Write them as the clinic's own."""
        assert location.id is not None
        location.quiet_from, location.quiet_until = self.quiet
        db.flush()
        policy.write_policy(db, location.id, None, self.policy or default_policy(location))


def _without_limits(step: Step) -> Policy:
    """One step for all; nobody is paused or asked too often (as far as the tables allow that)."""
    return Policy((step,), offers_per_week=50, unanswered_before_pause=20)


OURS = Rules("ours")
# One by one in order, each with two hours by the clock, day and night.
SEED = Rules("seed", _without_limits(Step(0 * HOUR, 2 * HOUR, 1)), NEVER)
# Five at once every ten minutes without any hold: the first to answer has it. Ours always hold and never for less than a quarter of an hour,
# so here it is ten for twenty minutes, as many an hour; who answers later than that is too late, which without a hold she would not be.
FIRST_COME = Rules("first come", _without_limits(Step(0 * HOUR, 20 * MINUTE, 10)))

COMPARED = (SEED, FIRST_COME, OURS)


def one_step(group_size: int, answer: timedelta) -> Rules:
    """The same group and answer time however near the visit is; for the trade-off between both."""
    return Rules(f"{group_size} for {answer // MINUTE} min", Policy((Step(0 * HOUR, answer, group_size),)))
