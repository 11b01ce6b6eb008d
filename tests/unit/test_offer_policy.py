"""How many are asked at once and how long they have: decided by the time left, the policy and the quiet hours alone."""

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medcal.models import Location
from medcal.services.policy import (
    LEAST_ANSWER,
    AfterQuiet,
    Policy,
    Round,
    Step,
    default_policy,
    next_round,
    step_for,
)
from medcal.services.quiet_hours import answer_deadline, end_of_quiet
from tests.support.times import at

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FAR, NEAR, NEAREST = Step(48 * HOUR, 2 * HOUR, 1), Step(8 * HOUR, 30 * MINUTE, 3), Step(0 * HOUR, 15 * MINUTE, 5)
STEPS = (NEAR, FAR, NEAREST)
POLICY = Policy(STEPS, least_lead=2 * HOUR)
VISIT = at("2026-06-10 15:00")


def clinic(quiet: tuple[int, int] = (20, 8)) -> Location:
    return Location(
        slug="c",
        name="C",
        zone="Europe/Vienna",
        quiet_from=time(quiet[0]),
        quiet_until=time(quiet[1]),
        answer_minutes=120,
    )


@pytest.mark.parametrize(
    ("lead", "step"),
    [
        (200 * HOUR, FAR),
        (48 * HOUR, FAR),
        (48 * HOUR - MINUTE, NEAR),
        (8 * HOUR, NEAR),
        (8 * HOUR - MINUTE, NEAREST),
        (0 * HOUR, NEAREST),
        (-MINUTE, None),
    ],
    ids=str,
)
def test_the_farthest_step_that_the_time_left_still_reaches_rules(lead: timedelta, step: Step | None) -> None:
    assert step_for(STEPS, lead) == step


def test_without_a_step_near_the_start_nobody_is_asked_there() -> None:
    assert step_for((FAR,), 47 * HOUR) is None
    assert step_for((), 47 * HOUR) is None


@pytest.mark.parametrize(
    ("now", "plan"),
    [
        ("2026-06-08 10:00", Round(1, at("2026-06-08 12:00"))),
        ("2026-06-09 10:00", Round(3, at("2026-06-09 10:30"))),
        ("2026-06-09 19:45", Round(3, at("2026-06-10 08:15"))),
        ("2026-06-10 08:00", Round(5, at("2026-06-10 08:15"))),
        ("2026-06-10 12:45", Round(5, at("2026-06-10 13:00"))),
        ("2026-06-10 12:46", None),
        ("2026-06-10 15:00", None),
        ("2026-06-10 15:01", None),
        ("2026-06-09 20:00", AfterQuiet(at("2026-06-10 08:00"))),
        ("2026-06-10 03:00", AfterQuiet(at("2026-06-10 08:00"))),
    ],
)
def test_what_is_done_with_a_visit_at_three_in_the_afternoon(now: str, plan: Round | AfterQuiet | None) -> None:
    assert next_round(POLICY, clinic(), VISIT, at(now)) == plan


def test_no_answer_time_passes_the_start_minus_the_least_lead() -> None:
    # The clock stands still from eight in the evening, but the visit is at nine in the morning.
    plan = next_round(POLICY, clinic(), at("2026-06-10 09:00"), at("2026-06-09 19:40"))

    assert plan == Round(3, at("2026-06-10 07:00"))


def test_a_night_that_leaves_no_room_before_the_visit_leaves_the_time_to_the_public_at_once() -> None:
    assert next_round(POLICY, clinic(), at("2026-06-10 10:00"), at("2026-06-09 21:00")) is None
    assert next_round(POLICY, clinic(), at("2026-06-10 10:15"), at("2026-06-09 21:00")) == AfterQuiet(
        at("2026-06-10 08:00")
    )


def test_a_clinic_begins_with_its_own_answer_time_far_from_the_visit() -> None:
    location = clinic()
    location.answer_minutes = 90

    policy = default_policy(location)

    farthest = step_for(policy.steps, timedelta(days=30))
    assert farthest is not None
    assert (farthest.answer, farthest.group_size) == (90 * MINUTE, 1)
    assert all(step.answer >= LEAST_ANSWER for step in policy.steps)


@settings(deadline=None)
@given(
    lead=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
    hour=st.integers(0, 24 * 365),
    quiet=st.tuples(st.integers(0, 23), st.integers(0, 23)),
    least=st.integers(0, 600),
)
def test_whoever_is_asked_is_asked_by_day_and_has_a_quarter_of_an_hour(
    lead: timedelta, hour: int, quiet: tuple[int, int], least: int
) -> None:
    location, now = clinic(quiet), at("2026-01-01 00:00") + hour * HOUR
    policy = Policy(STEPS, least_lead=least * MINUTE)

    plan = next_round(policy, location, now + lead, now)

    if isinstance(plan, Round):
        assert end_of_quiet(now, location) is None
        assert answer_deadline(now, location, LEAST_ANSWER) <= plan.answer_until <= now + lead - policy.least_lead
    elif isinstance(plan, AfterQuiet):
        assert plan.at == end_of_quiet(now, location)
        assert isinstance(next_round(policy, location, now + lead, plan.at), Round)


def test_the_answer_time_is_right_across_both_changes_of_the_clock() -> None:
    for evening, morning in (("2026-03-28 19:50", "2026-03-29 08:20"), ("2026-10-24 19:50", "2026-10-25 08:20")):
        plan = next_round(POLICY, clinic(), at(evening) + timedelta(hours=30), at(evening))

        assert plan == Round(3, at(morning))
        assert isinstance(plan, Round)
        assert isinstance(plan.answer_until, datetime)
