"""The rules of offering as rows: which rule for a time, who may change them, and what cannot be."""

from datetime import timedelta

import pytest
from psycopg.errors import CheckViolation
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from medcal.errors import Invalid, NotAllowed
from medcal.models import FreedTime, OfferPolicy, OfferStep
from medcal.security import PATIENT, Role
from medcal.services import freed_time, policy
from medcal.services.policy import Policy, Step
from tests.support.due import run_due
from tests.support.factories import NOW, Clinic, actor, make_clinic, make_user, make_visit_type
from tests.support.times import at

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STRICT = Policy((Step(24 * HOUR, 2 * HOUR, 1), Step(2 * HOUR, 30 * MINUTE, 4)), 3 * HOUR, 2, 5)


@pytest.fixture
def bare(db: Session) -> Clinic:
    """A clinic that has written no rules."""
    return make_clinic(db)


def rules(db: Session, clinic: Clinic, visit_type_id: int | None = None) -> Policy:
    return policy.policy_for(db, clinic.location, visit_type_id)


def test_without_rows_the_default_rules(db: Session, bare: Clinic) -> None:
    assert rules(db, bare) == policy.default_policy(bare.location)


def test_the_default_as_rows_is_the_default(db: Session, bare: Clinic) -> None:
    policy.write_default_policy(db, bare.location)

    assert rules(db, bare) == policy.default_policy(bare.location)


def test_rules_come_back_as_they_were_written(db: Session, bare: Clinic) -> None:
    policy.write_policy(db, bare.location.id or 0, None, STRICT)

    assert rules(db, bare) == STRICT


def test_a_kind_of_visit_may_have_rules_of_its_own(db: Session, bare: Clinic) -> None:
    special = make_visit_type(db, bare.specialty, name="Stress test")
    policy.write_policy(db, bare.location.id or 0, special.id, STRICT)

    assert rules(db, bare, special.id) == STRICT
    assert rules(db, bare, bare.visit_type.id) == policy.default_policy(bare.location)


def test_writing_again_replaces_all_steps(db: Session, bare: Clinic) -> None:
    for wanted in (STRICT, Policy(STRICT.steps[:1])):
        policy.write_policy(db, bare.location.id or 0, None, wanted)

    assert rules(db, bare) == Policy(STRICT.steps[:1])
    assert len(db.exec(select(OfferPolicy)).all()) == 1
    assert len(db.exec(select(OfferStep)).all()) == 1


def test_an_admin_changes_the_rules_and_what_waits_is_looked_at_at_once(db: Session, clinic: Clinic) -> None:
    freed_time.free(
        db, clinic.okafor.id or 0, at("2026-03-05 09:00"), at("2026-03-05 09:30"), cause="cancelled", now=NOW
    )
    run_due(NOW)
    admin = actor(make_user(db, "Robin", Role.admin))

    policy.set_policy(db, clinic.location.id or 0, None, STRICT, by=admin, now=NOW + MINUTE)

    db.expire_all()
    assert rules(db, clinic) == STRICT
    assert db.exec(select(FreedTime)).one().look_at == NOW + MINUTE


def test_rules_of_a_kind_of_visit_can_be_given_up(db: Session, clinic: Clinic) -> None:
    admin = actor(make_user(db, "Robin", Role.admin))
    policy.set_policy(db, clinic.location.id or 0, clinic.visit_type.id, STRICT, by=admin, now=NOW)

    policy.forget_policy(db, clinic.location.id or 0, clinic.visit_type.id or 0, by=admin, now=NOW)

    assert rules(db, clinic, clinic.visit_type.id) == rules(db, clinic)


def test_only_admins_change_the_rules(db: Session, clinic: Clinic) -> None:
    for nobody in (PATIENT, clinic.desk):
        with pytest.raises(NotAllowed):
            policy.set_policy(db, clinic.location.id or 0, None, STRICT, by=nobody, now=NOW)
        with pytest.raises(NotAllowed):
            policy.forget_policy(db, clinic.location.id or 0, clinic.visit_type.id or 0, by=nobody, now=NOW)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Policy(()), "steps"),
        (Policy((Step(HOUR, HOUR, 1), Step(HOUR, HOUR, 2))), "steps"),
        (Policy((Step(HOUR, 14 * MINUTE, 1),)), "answer_minutes"),
        (Policy((Step(HOUR, HOUR, 0),)), "group_size"),
        (Policy((Step(HOUR, HOUR, 11),)), "group_size"),
        (Policy(STRICT.steps, least_lead=timedelta(days=8)), "least_lead_minutes"),
        (Policy(STRICT.steps, offers_per_week=0), "offers_per_week"),
        (Policy(STRICT.steps, unanswered_before_pause=0), "unanswered_before_pause"),
    ],
)
def test_rules_that_cannot_be_are_refused_by_name(db: Session, clinic: Clinic, wrong: Policy, field: str) -> None:
    admin = actor(make_user(db, "Robin", Role.admin))

    with pytest.raises(Invalid) as refused:
        policy.set_policy(db, clinic.location.id or 0, None, wrong, by=admin, now=NOW)

    assert refused.value.field == field


@pytest.mark.parametrize("step", [Step(HOUR, 14 * MINUTE, 1), Step(HOUR, HOUR, 11), Step(-HOUR, HOUR, 1)])
def test_the_tables_refuse_them_as_well(db: Session, bare: Clinic, step: Step) -> None:
    with pytest.raises((CheckViolation, DBAPIError)):
        policy.write_policy(db, bare.location.id or 0, None, Policy((step,)))
