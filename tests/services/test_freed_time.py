"""Where freed time comes from, and how it ends."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.models import FreedEnd, FreedStatus, FreedTime, Job, JobStatus, Offer, OfferStatus, TimeOff, WorkingHours
from medcal.security import PATIENT, digest
from medcal.services import answers, booking, changes, freed_time, offers, schedules
from medcal.services.booking import Details
from medcal.services.patients import Person
from tests.support.due import run_due
from tests.support.factories import (
    NOW,
    Clinic,
    make_appointment,
    make_entry,
    make_patient,
    make_visit_type,
    set_rules,
)
from tests.support.inbox import inbox
from tests.support.times import at

SOON, LATER = at("2026-03-05 09:00"), at("2026-04-09 09:00")
HALF_HOUR = timedelta(minutes=30)
CHARLIE = Person("Charlie Czerny", date(1990, 1, 1), "charlie@example.com", None)


def times(db: Session) -> list[FreedTime]:
    return list(db.exec(select(FreedTime).order_by(col(FreedTime.starts_at)).execution_options(populate_existing=True)))


def free_up(db: Session, clinic: Clinic, starts_at: datetime = SOON) -> FreedTime:
    changes.cancel(db, make_appointment(db, clinic, starts_at, make_patient(db)), by=clinic.desk, now=NOW)
    return db.exec(
        select(FreedTime).where(FreedTime.starts_at == starts_at, FreedTime.status == FreedStatus.open)
    ).one()


def settle(db: Session, now: datetime) -> None:
    run_due(now)
    db.expire_all()


def wait(db: Session, clinic: Clinic) -> None:
    make_entry(db, clinic, make_appointment(db, clinic, LATER), notice_hours=0)


# --- Where it comes from ----------------------------------------------------------------------------------------------


def test_a_cancellation_and_a_move_leave_a_job_in_the_same_transaction(db: Session, clinic: Clinic) -> None:
    cancelled, moved = make_appointment(db, clinic, SOON), make_appointment(db, clinic, SOON + HALF_HOUR, clinic.bob)

    changes.cancel(db, cancelled, by=PATIENT, now=NOW)
    changes.move_by_patient(db, moved, clinic.okafor, SOON + 4 * HALF_HOUR, now=NOW)

    assert [(freed.cause, freed.freed_by_id, freed.visit_type_id) for freed in times(db)] == [
        ("cancelled", cancelled.id, clinic.visit_type.id),
        ("moved", moved.id, clinic.visit_type.id),
    ]
    due = db.exec(select(Job.subject_id).where(Job.kind == "offer_freed_time", Job.status == JobStatus.due)).all()
    assert sorted(due) == sorted(freed.id or 0 for freed in times(db))


def test_freed_time_whose_job_was_lost_is_found_by_the_sweep(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    freed = free_up(db, clinic)
    for job in db.exec(select(Job)):
        db.delete(job)

    assert offers.offer_next(db, NOW)

    assert freed.status is FreedStatus.offered


def saturday_hours(clinic: Clinic, **columns: object) -> list[WorkingHours]:
    days = [WorkingHours(doctor_id=clinic.okafor.id, weekday=day, opens=time(8), closes=time(16), raster_minutes=30, valid_from=date(2020, 1, 1)) for day in range(5)]  # fmt: skip
    extra = {"opens": time(9), "closes": time(11), "raster_minutes": 30, "valid_from": date(2020, 1, 1)} | columns
    return [*days, WorkingHours(doctor_id=clinic.okafor.id, weekday=5, **extra)]


def test_new_hours_are_offered_to_those_who_wait_for_the_next_four_weeks(db: Session, clinic: Clinic) -> None:
    schedules.set_hours(db, clinic.okafor.id or 0, saturday_hours(clinic), by=clinic.desk, now=NOW)

    freed = times(db)
    assert {each.cause for each in freed} == {"new_hours"}
    assert sorted({str(each.day) for each in freed}) == ["2026-03-07", "2026-03-14", "2026-03-21", "2026-03-28"]
    assert len(freed) == 4 * 4


def test_hours_that_stay_are_not_freed(db: Session, clinic: Clinic) -> None:
    hours = saturday_hours(clinic)[:5]

    schedules.set_hours(db, clinic.okafor.id or 0, hours, by=clinic.desk, now=NOW)

    assert times(db) == []


def test_the_nightly_extension_of_the_openings_frees_nothing(db: Session, clinic: Clinic) -> None:
    schedules.extend_openings(db, NOW + timedelta(days=7))

    assert times(db) == []


def test_an_absence_that_ends_frees_its_time_but_what_is_booked_in_it_stays(db: Session, clinic: Clinic) -> None:
    absence = TimeOff(
        doctor_id=clinic.okafor.id, starts_at=at("2026-03-05 08:00"), ends_at=at("2026-03-05 10:00"), reason=""
    )
    schedules.add_time_off(db, absence, by=clinic.desk, now=NOW)
    make_appointment(db, clinic, SOON)

    schedules.end_time_off(db, absence, by=clinic.desk, now=NOW)

    assert [freed.starts_at for freed in times(db)] == [SOON - 2 * HALF_HOUR, SOON - HALF_HOUR, SOON + HALF_HOUR]


def test_in_new_hours_the_longest_kind_of_visit_finds_room(db: Session, clinic: Clinic) -> None:
    long = make_visit_type(db, clinic.specialty, name="Long visit", length_minutes=60)
    make_entry(db, clinic, make_appointment(db, clinic, LATER, visit_type=long), visit_type_id=long.id, notice_hours=0)

    schedules.set_hours(db, clinic.okafor.id or 0, saturday_hours(clinic), by=clinic.desk, now=NOW)
    settle(db, NOW)

    offer = db.exec(select(Offer).where(Offer.status == OfferStatus.open)).one()
    assert db.get_one(FreedTime, offer.freed_time_id).starts_at == at("2026-03-07 09:00")


# --- How it ends ------------------------------------------------------------------------------------------------------


def ends(freed: FreedTime) -> tuple[FreedStatus, FreedEnd | None]:
    return freed.status, freed.ended_by


def test_time_that_the_desk_booked_says_so(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)
    booking.book_at_desk(db, clinic.okafor, clinic.visit_type, SOON, CHARLIE, by=clinic.desk, now=NOW)

    settle(db, NOW)

    assert ends(freed) == (FreedStatus.gone, FreedEnd.desk)


def test_time_that_the_public_booked_says_so(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)
    held = booking.hold(db, clinic.okafor, clinic.visit_type, SOON, visit=digest("a browser"), now=NOW)
    booking.confirm(db, held.ref, Details(CHARLIE), visit=digest("a browser"), now=NOW)

    settle(db, NOW)

    assert ends(freed) == (FreedStatus.gone, FreedEnd.public)


def test_time_in_which_the_doctor_is_away_says_so(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)
    schedules.add_time_off(db, TimeOff(doctor_id=clinic.okafor.id, starts_at=SOON, ends_at=SOON + HALF_HOUR), now=NOW)

    settle(db, NOW)

    assert ends(freed) == (FreedStatus.gone, FreedEnd.closed)


def test_time_that_came_too_near_to_its_start_says_so(db: Session, clinic: Clinic) -> None:
    afternoon = at("2026-03-05 14:00")
    freed = free_up(db, clinic, afternoon)

    settle(db, afternoon - timedelta(hours=2, minutes=15))
    before = ends(freed)
    settle(db, afternoon - timedelta(hours=2, minutes=9))

    assert before == (FreedStatus.open, None)
    assert ends(freed) == (FreedStatus.gone, FreedEnd.late)


def test_time_that_began_while_nobody_looked_says_so(db: Session, clinic: Clinic) -> None:
    freed = free_up(db, clinic)

    settle(db, SOON)

    assert ends(freed) == (FreedStatus.gone, FreedEnd.past)


def test_a_night_that_leaves_no_room_ends_it_at_once(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    booked = make_appointment(db, clinic, SOON, make_patient(db))

    changes.cancel(db, booked, by=clinic.desk, now=at("2026-03-04 21:00"))
    settle(db, at("2026-03-04 21:00"))

    [freed] = times(db)
    assert ends(freed) == (FreedStatus.gone, FreedEnd.late)


def test_time_freed_again_before_anybody_looked_is_a_new_one(db: Session, clinic: Clinic) -> None:
    first = free_up(db, clinic)
    booked = booking.book_at_desk(db, clinic.okafor, clinic.visit_type, SOON, CHARLIE, by=clinic.desk, now=NOW)

    changes.cancel(db, booked, by=clinic.desk, now=NOW)

    assert ends(first) == (FreedStatus.gone, FreedEnd.desk)
    assert [freed.status for freed in times(db)] == [FreedStatus.gone, FreedStatus.open]


def test_an_absence_over_a_time_on_offer_withdraws_it_and_the_patient_is_told(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    freed = free_up(db, clinic)
    settle(db, NOW)
    assert freed.status is FreedStatus.offered

    absence = TimeOff(doctor_id=clinic.okafor.id, starts_at=SOON - HALF_HOUR, ends_at=SOON + HALF_HOUR)
    schedules.add_time_off(db, absence, by=clinic.desk, now=NOW)
    settle(db, NOW)

    assert [mail.kind for mail in inbox(db, to="alice@example.com")] == ["offer.made", "offer.withdrawn"]
    assert ends(freed) == (FreedStatus.gone, FreedEnd.closed)


def test_hours_that_still_cover_a_time_on_offer_leave_it(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    freed = free_up(db, clinic)
    settle(db, NOW)

    schedules.set_hours(db, clinic.okafor.id or 0, saturday_hours(clinic), by=clinic.desk, now=NOW)

    assert freed.status is FreedStatus.offered


def test_what_is_left_of_a_time_too_short_for_any_visit_is_not_offered_on(db: Session, clinic: Clinic) -> None:
    wait(db, clinic)
    freed_time.free(db, clinic.okafor.id or 0, SOON, SOON + timedelta(minutes=50), cause="cancelled", now=NOW)
    settle(db, NOW)
    offer = db.exec(select(Offer)).one()

    answers.accept(db, offer.id or 0, by=PATIENT, now=NOW)

    assert {freed.cause for freed in times(db)} == {"cancelled", "moved"}


@pytest.mark.parametrize("least_lead", [timedelta(hours=1), timedelta(hours=12)])
def test_the_least_lead_is_the_clinics_to_choose(db: Session, clinic: Clinic, least_lead: timedelta) -> None:
    set_rules(db, clinic, least_lead=least_lead)
    wait(db, clinic)
    soon = NOW + timedelta(hours=4)

    changes.cancel(db, make_appointment(db, clinic, soon, make_patient(db)), by=clinic.desk, now=NOW)
    settle(db, NOW)

    [freed] = times(db)
    assert freed.status is (FreedStatus.offered if least_lead < timedelta(hours=3) else FreedStatus.gone)
