"""The rules of earlier offers as an admin reads and changes them."""

import uuid
from datetime import time, timedelta

import pytest
from sqlalchemy import CheckConstraint
from sqlmodel import Session, SQLModel, select

from medcal.errors import NotAllowed, NotFound
from medcal.models import Event
from medcal.models.policies import OfferPolicy, OfferStep
from medcal.security import PATIENT, Actor, Role
from medcal.services import offer_rules
from medcal.services.offer_rules import BOUNDS, Foreseen
from medcal.services.policy import Policy, Step
from tests.support.factories import NOW, Clinic, actor, make_location, make_specialty, make_user, make_visit_type

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = Policy((Step(2 * DAY, 2 * HOUR, 1), Step(timedelta(0), 30 * MINUTE, 3)), least_lead=2 * HOUR)


@pytest.fixture
def admin(db: Session, clinic: Clinic) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def test_a_location_shows_what_holds_for_all_and_which_visits_have_their_own(
    db: Session, clinic: Clinic, admin: Actor
) -> None:
    make_visit_type(db, make_specialty(db, slug="skin", name="Dermatology"), name="Mole check")
    offer_rules.set_rules(db, admin, clinic.location.ref, clinic.visit_type.ref, RULES, now=NOW)

    (place,) = offer_rules.places(db, admin)

    assert (place.name, place.answer_minutes, place.quiet_from) == (clinic.location.name, 120, time(20))
    # Nobody treats skin here.
    assert [(visit.ref, visit.has_own_rules) for visit in place.visits] == [(clinic.visit_type.ref, True)]


def test_rules_of_a_visit_hold_until_they_are_forgotten(db: Session, clinic: Clinic, admin: Actor) -> None:
    place, visit = clinic.location.ref, clinic.visit_type.ref
    of_the_location = offer_rules.rules_of(db, admin, place, None)

    offer_rules.set_rules(db, admin, place, visit, RULES, now=NOW)
    assert offer_rules.rules_of(db, admin, place, visit) == RULES
    assert offer_rules.rules_of(db, admin, place, None) == of_the_location

    offer_rules.forget_rules(db, admin, place, visit, now=NOW)
    assert offer_rules.rules_of(db, admin, place, visit) == of_the_location
    assert [event.kind for event in db.exec(select(Event))] == ["policy.changed", "policy.changed"]


def test_what_rules_mean_is_asked_of_the_rules(db: Session, clinic: Clinic, admin: Actor) -> None:
    leads = [3 * DAY, 6 * HOUR, 2 * HOUR + 15 * MINUTE, HOUR]

    assert offer_rules.foresee(db, admin, clinic.location.ref, RULES, leads, NOW) == [
        Foreseen(3 * DAY, 1, 2 * HOUR),
        Foreseen(6 * HOUR, 3, 30 * MINUTE),
        # The answer time never passes the least lead.
        Foreseen(2 * HOUR + 15 * MINUTE, 3, 15 * MINUTE),
        Foreseen(HOUR, 0, timedelta(0)),
    ]


def test_what_rules_mean_does_not_depend_on_when_it_is_looked_at(db: Session, clinic: Clinic, admin: Actor) -> None:
    clinic.location.quiet_from, clinic.location.quiet_until = time(9), time(12)
    day, night = (
        offer_rules.foresee(db, admin, clinic.location.ref, RULES, [6 * HOUR], NOW + hours * HOUR) for hours in (0, 12)
    )

    assert day == night == [Foreseen(6 * HOUR, 3, 30 * MINUTE)]


def test_the_bounds_are_those_of_the_tables() -> None:
    def checks(table: type[SQLModel]) -> list[str]:
        found = table.__table__.constraints  # type: ignore[attr-defined]
        return [str(check.sqltext) for check in found if isinstance(check, CheckConstraint)]

    assert sorted(checks(OfferPolicy) + checks(OfferStep)) == sorted(
        f"{column} BETWEEN {least} AND {most}" for column, (least, most) in BOUNDS.items()
    )


def test_rules_are_for_admins_alone(db: Session, clinic: Clinic) -> None:
    place, visit = clinic.location.ref, clinic.visit_type.ref

    for nobody in (PATIENT, clinic.desk):
        for deed in (
            lambda by: offer_rules.places(db, by),
            lambda by: offer_rules.rules_of(db, by, place, None),
            lambda by: offer_rules.set_rules(db, by, place, visit, RULES, now=NOW),
            lambda by: offer_rules.forget_rules(db, by, place, visit, now=NOW),
            lambda by: offer_rules.foresee(db, by, place, RULES, [DAY], NOW),
        ):
            with pytest.raises(NotAllowed):
                deed(nobody)


def test_a_place_or_visit_that_does_not_exist_is_not_found(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_location(db, slug="graz")

    for place, visit in ((uuid.uuid4(), None), (clinic.location.ref, uuid.uuid4())):
        with pytest.raises(NotFound):
            offer_rules.rules_of(db, admin, place, visit)
