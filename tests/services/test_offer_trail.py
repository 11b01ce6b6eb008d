"""Why it went as it went: the trail of a freed time for the desk, and her place in line for the patient."""

from datetime import datetime, time, timedelta

import pytest
from sqlmodel import Session, select

from medcal.errors import NotAllowed, NotFound
from medcal.models import EntryStatus, FreedTime, Offer, OfferStatus, Patient, WaitlistEntry
from medcal.security import PATIENT, Role
from medcal.services import answers, changes, offer_trail
from medcal.services.candidates import REASONS
from medcal.services.place_in_line import PlaceInLine, place_in_line
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    actor,
    make_appointment,
    make_doctor,
    make_entry,
    make_location,
    make_offer,
    make_patient,
    make_specialty,
    make_user,
    make_visit_type,
    set_rules,
)
from tests.support.times import at

SOON, LATER = at("2026-03-05 09:00"), at("2026-03-20 09:00")
DAY = timedelta(days=1)


def free_up(db: Session, clinic: Clinic, starts_at: datetime = SOON) -> FreedTime:
    booked = make_appointment(db, clinic, starts_at, make_patient(db))
    changes.cancel(db, booked, by=clinic.desk, now=NOW)
    settle(db, NOW)
    return db.exec(select(FreedTime).where(FreedTime.freed_by_id == booked.id)).one()


def settle(db: Session, now: datetime) -> None:
    run_due(now)
    db.expire_all()


def open_offer(db: Session) -> Offer:
    return db.exec(select(Offer).where(Offer.status == OfferStatus.open)).one()


def person(db: Session, name: str) -> Patient:
    return make_patient(db, name, f"{name.lower()}@example.com")


# --- The trail --------------------------------------------------------------------------------------------------------


def test_the_trail_says_who_was_asked_when_and_what_came_of_it(db: Session, clinic: Clinic) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, LATER), created_at=NOW - 9 * DAY)
    make_entry(db, clinic, make_appointment(db, clinic, LATER + DAY / 24, clinic.bob), created_at=NOW - 8 * DAY)
    freed = free_up(db, clinic)
    answers.decline(db, open_offer(db).id or 0, by=clinic.desk, now=NOW + DAY / 48)
    settle(db, NOW + DAY / 48)
    answers.accept(db, open_offer(db).id or 0, by=PATIENT, now=NOW + DAY / 24)

    trail = offer_trail.trail_of(db, clinic.desk, freed.ref, NOW + DAY)

    assert [(step.kind, step.patient, step.actor) for step in trail.steps] == [
        ("time.freed", None, "staff"),
        ("offer.made", "Alice Adler", "system"),
        ("offer.declined", "Alice Adler", "staff"),
        ("offer.made", "Bob Berger", "system"),
        ("offer.accepted", "Bob Berger", "patient"),
        ("time.filled", None, "patient"),
    ]
    assert (trail.status, trail.ended_by, trail.cause, trail.doctor) == (
        "filled",
        "offer",
        "cancelled",
        "Dr. Ada Okafor",
    )
    assert trail.steps[1].answer_until == NOW + timedelta(hours=2)
    assert trail.steps[2].by_whom == "Sam Stern"
    assert trail.passed_over == ()


def test_the_trail_says_how_many_were_asked_at_once(db: Session, clinic: Clinic) -> None:
    set_rules(db, clinic, group_size=2)
    make_entry(db, clinic, make_appointment(db, clinic, LATER))
    make_entry(db, clinic, patient=clinic.bob)
    freed = free_up(db, clinic)

    trail = offer_trail.trail_of(db, clinic.desk, freed.ref, NOW)

    assert [step.asked_at_once for step in trail.steps if step.kind == "offer.made"] == [2, 2]


def waiting(db: Session, clinic: Clinic, reason: str) -> None:
    """Somebody named for the reason why she is not asked."""
    patient, limits = person(db, reason), {}
    own = make_appointment(db, clinic, LATER + DAY * (1 + len(db.exec(select(Patient)).all())), patient)
    match reason:
        case "paused":
            limits = {"status": EntryStatus.paused}
        case "other_doctor":
            limits = {"doctor_id": make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst").id}
        case "other_weekday":
            limits = {"weekdays": [0]}
        case "other_hours":
            limits = {"opens": time(10)}
        case "too_short_notice":
            limits = {"notice_hours": 100}
        case "too_long":
            limits = {"visit_type_id": make_visit_type(db, clinic.specialty, name="Long", length_minutes=60).id}
        case "no_gain":
            own.starts_at, own.ends_at, own.busy_until = (
                moment + (SOON + DAY / 2 - own.starts_at) for moment in (own.starts_at, own.ends_at, own.busy_until)
            )
        case "has_offer":
            make_offer(db, clinic, make_entry(db, clinic, patient=patient, status="withdrawn"), at("2026-03-09 09:00"))
        case "asked_enough":
            for hour in (10, 11, 12):
                asked = make_offer(
                    db, clinic, make_entry(db, clinic, patient=patient, status="withdrawn"), at(f"2026-03-09 {hour}:00")
                )
                asked.status, asked.decided_at = OfferStatus.declined, NOW
                db.flush()
        case "busy_then":
            other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Otto Ott")
            make_appointment(db, clinic, SOON + timedelta(minutes=15), patient, doctor=other)
    db.flush()
    make_entry(db, clinic, own, patient, **limits)


@pytest.mark.parametrize("reason", sorted(set(REASONS) - {"asked_before"}))
def test_everybody_who_is_not_asked_has_the_reason_that_keeps_her_from_it(
    db: Session, clinic: Clinic, reason: str
) -> None:
    waiting(db, clinic, reason)
    freed = free_up(db, clinic)

    trail = offer_trail.trail_of(db, clinic.desk, freed.ref, NOW)

    assert [(each.patient, each.reason) for each in trail.passed_over] == [(reason, reason)]
    assert [step.kind for step in trail.steps] == ["time.freed"]


def test_who_would_be_asked_next_has_no_reason(db: Session, clinic: Clinic) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, LATER), created_at=NOW - 9 * DAY)
    make_entry(db, clinic, make_appointment(db, clinic, LATER + DAY, clinic.bob), created_at=NOW - 8 * DAY)
    freed = free_up(db, clinic)

    trail = offer_trail.trail_of(db, clinic.desk, freed.ref, NOW)

    assert [(each.patient, each.reason) for each in trail.passed_over] == [("Bob Berger", None)]


def test_the_trail_is_for_the_desk_alone(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)
    doctor = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for nobody in (PATIENT, doctor):
        with pytest.raises(NotAllowed):
            offer_trail.trail_of(db, nobody, freed.ref, NOW)
    with pytest.raises(NotFound):
        offer_trail.trail_of(db, clinic.desk, clinic.alice.ref, NOW)


# --- Her place in line ------------------------------------------------------------------------------------------------


@pytest.fixture
def alice(db: Session, clinic: Clinic) -> WaitlistEntry:
    """Alice has waited for a week, for Mondays and Tuesdays with Dr. Okafor, in the morning."""
    limits = {"doctor_id": clinic.okafor.id, "weekdays": [0, 1], "opens": time(8), "closes": time(12)}
    return make_entry(db, clinic, make_appointment(db, clinic, LATER), **limits)


def rival(db: Session, clinic: Clinic, name: str, days: int, **limits: object) -> WaitlistEntry:
    return make_entry(db, clinic, patient=person(db, name), created_at=NOW - days * DAY, **limits)


def test_her_place_counts_those_who_come_before_her(db: Session, clinic: Clinic, alice: WaitlistEntry) -> None:
    rival(db, clinic, "Longer", 20)
    rival(db, clinic, "Shorter", 2)
    rival(db, clinic, "Urgent", 1, urgency=1)

    assert place_in_line(db, alice, NOW) == PlaceInLine(
        place=3, length=4, asked=0, last_asked_at=None, is_paused=False, has_offer=False
    )


def test_only_who_could_take_the_same_times_stands_in_her_line(
    db: Session, clinic: Clinic, alice: WaitlistEntry
) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")
    dentistry = make_specialty(db, slug="dentistry", name="Dentistry")
    rival(db, clinic, "Other doctor", 20, doctor_id=other.id)
    rival(db, clinic, "Other day", 20, weekdays=[3])
    rival(db, clinic, "Other hours", 20, opens=time(13))
    rival(db, clinic, "Other place", 20, location_id=make_location(db, slug="graz").id)
    rival(db, clinic, "Other specialty", 20, visit_type_id=make_visit_type(db, dentistry).id)
    rival(db, clinic, "Paused", 20, status=EntryStatus.paused)
    rival(db, clinic, "Left", 20, status=EntryStatus.withdrawn)
    soon = make_appointment(db, clinic, NOW + DAY, person(db, "Nearly seen"))
    make_entry(db, clinic, soon, created_at=NOW - 20 * DAY)

    line = place_in_line(db, alice, NOW)

    assert (line.place, line.length) == (1, 1)


def test_her_place_can_be_told_for_a_day_of_the_week(db: Session, clinic: Clinic, alice: WaitlistEntry) -> None:
    rival(db, clinic, "Mondays", 20, weekdays=[0])
    rival(db, clinic, "Tuesdays", 20, weekdays=[1])

    assert [place_in_line(db, alice, NOW, weekday=day).place for day in (0, 1)] == [2, 2]
    assert place_in_line(db, alice, NOW).place == 3


def test_she_is_told_how_often_she_was_asked(db: Session, clinic: Clinic) -> None:
    entry = make_entry(db, clinic, make_appointment(db, clinic, LATER))
    free_up(db, clinic)
    answers.decline(db, open_offer(db).id or 0, by=PATIENT, now=NOW)
    free_up(db, clinic, SOON + DAY)

    line = place_in_line(db, entry, NOW)

    assert (line.asked, line.last_asked_at, line.has_offer) == (2, NOW, True)


def test_who_is_paused_has_no_place_until_she_wants_it_back(db: Session, clinic: Clinic, alice: WaitlistEntry) -> None:
    alice.status = EntryStatus.paused
    db.flush()

    line = place_in_line(db, alice, NOW)

    assert (line.place, line.is_paused) == (None, True)
