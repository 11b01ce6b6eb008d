"""A doctor's week as an admin sets it."""

from datetime import date, time, timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.errors import ChangedMeanwhile, Invalid, InvalidForm, NotAllowed, NotFound
from medcal.models import Doctor, Event, Opening, WorkingHours
from medcal.security import PATIENT, Actor, Role
from medcal.services import absences, schedules, weekly_hours
from medcal.services.desk import WallTime
from medcal.services.weekly_hours import GivenHours, Hours, Week
from tests.support.factories import NOW, Clinic, actor, add_hours, make_appointment, make_doctor, make_user
from tests.support.times import VIENNA, at

# NOW is Monday, 2 March.
TODAY, TUESDAY, NEXT_MONDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 9)
MORNINGS = tuple(Hours(weekday, time(8), time(12)) for weekday in range(5))


@pytest.fixture
def admin(db: Session) -> Actor:
    return actor(make_user(db, "Robin Roth", Role.admin))


def set_week(db: Session, clinic: Clinic, admin: Actor, week: Week, doctor: Doctor | None = None) -> int:
    ref = (doctor or clinic.okafor).ref
    seen = weekly_hours.week_of(db, admin, ref, NOW).seen
    return weekly_hours.set_week(db, admin, ref, week, seen=seen, now=NOW)


def rules(db: Session, clinic: Clinic, weekday: int) -> list[tuple[time, time, date, date | None]]:
    chosen = select(WorkingHours).where(WorkingHours.doctor_id == clinic.okafor.id, WorkingHours.weekday == weekday)
    found = db.exec(chosen.order_by(col(WorkingHours.valid_from), col(WorkingHours.opens)))
    return [(rule.opens, rule.closes, rule.valid_from, rule.valid_until) for rule in found]


def starts(db: Session, clinic: Clinic, day: date) -> list[str]:
    rows = db.exec(select(Opening).where(Opening.doctor_id == clinic.okafor.id, Opening.day == day)).all()
    return sorted(f"{row.starts_at.astimezone(VIENNA):%H:%M}" for row in rows)


# --- The form ---------------------------------------------------------------------------------------------------------


def given(*hours: tuple[int, str, str]) -> list[GivenHours]:
    return [GivenHours(str(key), *each) for key, each in enumerate(hours)]


def test_a_form_becomes_a_week_in_order() -> None:
    week = weekly_hours.check_week(given((1, "13:00", "17:00"), (1, "08:00", "12:00")), "20", "2026-03-02")

    assert week == Week((Hours(1, time(8), time(12)), Hours(1, time(13), time(17))), 20, TODAY)


def test_hours_that_touch_are_no_overlap() -> None:
    assert (
        len(weekly_hours.check_week(given((0, "08:00", "12:00"), (0, "12:00", "16:00")), "20", "2026-03-02").hours) == 2
    )


@pytest.mark.parametrize(
    ("hours", "raster", "since", "fields"),
    [
        ([(0, "12:00", "08:00")], "20", "2026-03-02", {"closes_0"}),
        ([(0, "08:00", "08:00")], "20", "2026-03-02", {"closes_0"}),
        ([(0, "", "08:00")], "20", "2026-03-02", {"opens_0"}),
        ([(0, "08:00", "24:30")], "20", "2026-03-02", {"closes_0"}),
        ([(0, "08:00", "12:00"), (0, "11:59", "16:00")], "20", "2026-03-02", {"opens_1"}),
        ([(0, "08:00", "12:00"), (0, "08:00", "12:00")], "20", "2026-03-02", {"opens_1"}),
        ([], "4", "2026-03-02", {"raster_minutes"}),
        ([], "", "", {"raster_minutes", "valid_from"}),
        ([], "20", "1999-01-01", {"valid_from"}),
        ([(0, f"{hour:02}:00", f"{hour:02}:30") for hour in range(22)], "20", "2026-03-02", {"hours"}),
    ],
)
def test_a_week_that_makes_no_sense_is_refused(
    hours: list[tuple[int, str, str]], raster: str, since: str, fields: set[str]
) -> None:
    with pytest.raises(InvalidForm) as refusal:
        weekly_hours.check_week(given(*hours), raster, since)

    assert set(refusal.value.problems) == fields


# --- Setting ----------------------------------------------------------------------------------------------------------


def test_new_hours_hold_from_their_day_on(db: Session, clinic: Clinic, admin: Actor) -> None:
    set_week(db, clinic, admin, Week(MORNINGS, 60, NEXT_MONDAY))

    assert rules(db, clinic, 0) == [
        (time(8), time(16), date(2020, 1, 1), date(2026, 3, 8)),
        (time(8), time(12), NEXT_MONDAY, None),
    ]
    assert len(starts(db, clinic, TUESDAY)) == 16
    assert starts(db, clinic, NEXT_MONDAY) == ["08:00", "09:00", "10:00", "11:00"]
    assert schedules.check_openings(db, NOW) == 0


def test_hours_from_today_on_replace_what_was_planned(db: Session, clinic: Clinic, admin: Actor) -> None:
    set_week(db, clinic, admin, Week(MORNINGS, 60, NEXT_MONDAY))
    assert weekly_hours.week_of(db, admin, clinic.okafor.ref, NOW).changes == (NEXT_MONDAY,)

    afternoons = tuple(Hours(weekday, time(13), time(17)) for weekday in range(5))
    assert weekly_hours.foresee(db, admin, clinic.okafor.ref, Week(afternoons, 30, TODAY), NOW).replaced == (
        NEXT_MONDAY,
    )
    set_week(db, clinic, admin, Week(afternoons, 30, TODAY))

    assert rules(db, clinic, 0) == [
        (time(8), time(16), date(2020, 1, 1), date(2026, 3, 1)),
        (time(13), time(17), TODAY, None),
    ]
    assert weekly_hours.week_of(db, admin, clinic.okafor.ref, NOW).changes == ()


def test_the_hours_of_a_later_day_are_shown_as_they_will_be(db: Session, clinic: Clinic, admin: Actor) -> None:
    set_week(db, clinic, admin, Week(MORNINGS, 60, NEXT_MONDAY))

    today = weekly_hours.week_of(db, admin, clinic.okafor.ref, NOW)
    later = weekly_hours.week_of(db, admin, clinic.okafor.ref, NOW, on=NEXT_MONDAY)

    assert (today.hours[0], today.raster_minutes) == (Hours(0, time(8), time(16)), 30)
    assert (later.hours, later.raster_minutes) == (MORNINGS, 60)
    assert today.seen == later.seen


def test_hours_of_different_steps_have_none_in_common(db: Session, clinic: Clinic, admin: Actor) -> None:
    add_hours(db, clinic.okafor, 5, raster_minutes=45)

    assert weekly_hours.week_of(db, admin, clinic.okafor.ref, NOW).raster_minutes is None


def test_the_second_of_two_admins_is_told(db: Session, clinic: Clinic, admin: Actor) -> None:
    seen = weekly_hours.week_of(db, admin, clinic.okafor.ref, NOW).seen
    weekly_hours.set_week(db, admin, clinic.okafor.ref, Week(MORNINGS, 60, TODAY), seen=seen, now=NOW)

    with pytest.raises(ChangedMeanwhile):
        weekly_hours.set_week(db, admin, clinic.okafor.ref, Week((), 60, TODAY), seen=seen, now=NOW)

    assert len(starts(db, clinic, TUESDAY)) == 4


def test_a_week_saved_twice_is_in_the_history_once(db: Session, clinic: Clinic, admin: Actor) -> None:
    for _ in range(2):
        set_week(db, clinic, admin, Week(MORNINGS, 60, TODAY))

    [event] = db.exec(select(Event).where(Event.kind == "schedule.changed")).all()
    assert (event.doctor_id, event.staff_user_id) == (clinic.okafor.id, admin.id)
    assert (event.detail["old"]["hours"][0], event.detail["new"]["hours"][0]) == ("0 08:00-16:00", "0 08:00-12:00")


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2028, 6, 1)], ids=["yesterday", "far away"])
def test_hours_change_neither_in_the_past_nor_in_another_age(
    db: Session, clinic: Clinic, admin: Actor, day: date
) -> None:
    with pytest.raises(Invalid) as refusal:
        set_week(db, clinic, admin, Week(MORNINGS, 60, day))

    assert refusal.value.field == "valid_from"


# --- What it comes to -------------------------------------------------------------------------------------------------


def test_the_fortnight_is_what_becomes_of_it(db: Session, clinic: Clinic, admin: Actor) -> None:
    absences.block_time(db, admin, clinic.okafor.ref, WallTime(TUESDAY, time(9)), WallTime(TUESDAY, time(10)), now=NOW)
    week = Week((*MORNINGS, Hours(1, time(13), time(15))), 60, TODAY)

    days = weekly_hours.foresee(db, admin, clinic.okafor.ref, week, NOW).days
    set_week(db, clinic, admin, week)

    assert len(days) == 14
    assert [day.starts for day in days] == [len(starts(db, clinic, day.day)) for day in days]
    # The hour that is blocked parts the morning.
    assert [(opens, closes) for opens, closes in days[1].stretches] == [
        (at("2026-03-03 08:00"), at("2026-03-03 09:00")),
        (at("2026-03-03 10:00"), at("2026-03-03 12:00")),
        (at("2026-03-03 13:00"), at("2026-03-03 15:00")),
    ]
    assert days[5].stretches == ()


def test_on_the_day_of_23_hours_the_skipped_ones_are_missing(db: Session, clinic: Clinic, admin: Actor) -> None:
    night = Week((Hours(6, time(1), time(5)),), 60, date(2026, 3, 23))

    sunday = weekly_hours.foresee(db, admin, clinic.okafor.ref, night, NOW).days[6]

    assert (sunday.day, sunday.starts) == (date(2026, 3, 29), 3)


def test_appointments_that_no_longer_fit_are_counted_and_stay(db: Session, clinic: Clinic, admin: Actor) -> None:
    fits = make_appointment(db, clinic, at("2026-03-03 09:00"))
    late = make_appointment(db, clinic, at("2026-03-03 14:00"), clinic.bob)
    # Over before the new hours, overbooked on purpose, cancelled: none of them is missed.
    make_appointment(db, clinic, at("2026-03-02 14:00"))
    make_appointment(db, clinic, at("2026-03-03 19:00"))
    make_appointment(db, clinic, at("2026-03-04 14:00"), status="released")
    week = Week(MORNINGS, 30, TUESDAY)

    assert weekly_hours.foresee(db, admin, clinic.okafor.ref, week, NOW).misfits == (late.starts_at,)
    assert set_week(db, clinic, admin, week) == 1

    for appointment in (fits, late):
        db.refresh(appointment)
        assert appointment.status == "booked"


def test_an_appointment_over_the_lunch_break_does_not_fit(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, at("2026-03-03 11:45"))
    broken = (Hours(1, time(8), time(12)), Hours(1, time(12, 30), time(16)))
    unbroken = (Hours(1, time(8), time(12)), Hours(1, time(12), time(16)))

    for hours, misfits in ((broken, 1), (unbroken, 0)):
        week = Week(hours, 30, TODAY)
        assert len(weekly_hours.foresee(db, admin, clinic.okafor.ref, week, NOW).misfits) == misfits


def test_no_hours_at_all_are_hours(db: Session, clinic: Clinic, admin: Actor) -> None:
    make_appointment(db, clinic, at("2026-03-03 09:00"))

    assert set_week(db, clinic, admin, Week((), 30, TODAY)) == 1

    assert starts(db, clinic, TUESDAY) == []


def test_a_doctor_out_of_use_may_be_given_hours_but_nobody_books_them(
    db: Session, clinic: Clinic, admin: Actor
) -> None:
    clinic.okafor.is_active = False
    db.flush()

    set_week(db, clinic, admin, Week(MORNINGS, 60, TODAY))

    assert starts(db, clinic, TUESDAY) == []


# --- Whose it is ------------------------------------------------------------------------------------------------------


def test_hours_are_set_by_admins_alone(db: Session, clinic: Clinic) -> None:
    ref, week = clinic.okafor.ref, Week(MORNINGS, 30, TODAY)
    herself = actor(make_user(db, "Ada Okafor", Role.doctor, doctor_id=clinic.okafor.id))

    for nobody in (PATIENT, clinic.desk, herself):
        for deed in (
            lambda by: weekly_hours.week_of(db, by, ref, NOW),
            lambda by: weekly_hours.foresee(db, by, ref, week, NOW),
            lambda by: weekly_hours.set_week(db, by, ref, week, seen="", now=NOW),
        ):
            with pytest.raises(NotAllowed):
                deed(nobody)


def test_nobodys_hours_are_not_found(db: Session, clinic: Clinic, admin: Actor) -> None:
    for deed in (
        lambda: weekly_hours.week_of(db, admin, clinic.specialty.ref, NOW),
        lambda: weekly_hours.set_week(db, admin, clinic.specialty.ref, Week((), 30, TODAY), seen="", now=NOW),
    ):
        with pytest.raises(NotFound):
            deed()


def test_other_doctors_hours_stay(db: Session, clinic: Clinic, admin: Actor) -> None:
    other = make_doctor(db, clinic.location, clinic.specialty, "Dr. Eva Ernst")

    set_week(db, clinic, admin, Week((), 30, TODAY + timedelta(days=1)))

    assert len(weekly_hours.week_of(db, admin, other.ref, NOW).hours) == 5
