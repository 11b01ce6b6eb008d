"""Reminders: by the rules of the place, once each, at a decent hour, and never when they no longer help."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from medcal.models import AppointmentStatus, MessageStatus, VisitType
from medcal.services import notifications, reminders
from medcal.services.reminders import plan_reminders
from tests.support.factories import (
    LONG_AGO,
    NOW,
    Clinic,
    make_appointment,
    make_clinic,
    make_doctor,
    make_hold,
    make_location,
    make_visit_type,
)
from tests.support.inbox import Mail, inbox
from tests.support.times import at

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


# A visit on Friday at ten; the clocks do not change that week.
FRIDAY = datetime(2026, 3, 6, 9, tzinfo=UTC)


def hours_of(mail: Mail) -> int:
    """The rule by which a reminder was written: so many hours before the visit."""
    return int(mail.row.reason.split(":")[3])


def written(db: Session) -> list[tuple[int, MessageStatus]]:
    """The rule and the fate of each reminder."""
    return [(hours_of(mail), mail.row.status) for mail in inbox(db, kind="reminder")]


def test_a_visit_is_remembered_three_days_and_one_day_before(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)

    plan_reminders(db, FRIDAY - 3 * DAY - timedelta(seconds=1))
    assert written(db) == []
    plan_reminders(db, FRIDAY - 3 * DAY)
    assert written(db) == [(72, MessageStatus.due)]
    plan_reminders(db, FRIDAY - DAY - timedelta(seconds=1))
    assert len(written(db)) == 1
    plan_reminders(db, FRIDAY - DAY)
    assert written(db)[1:] == [(24, MessageStatus.due)]


def test_a_reminder_is_written_once_however_often_one_looks(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)

    assert plan_reminders(db, FRIDAY - 3 * DAY) == 1
    assert [plan_reminders(db, FRIDAY - 3 * DAY + minutes * timedelta(minutes=1)) for minutes in range(5)] == [0] * 5


def test_whoever_booked_after_the_moment_of_a_reminder_gets_none(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY, booked_at=FRIDAY - 2 * DAY)

    plan_reminders(db, FRIDAY - 2 * DAY + HOUR)
    assert written(db) == []
    plan_reminders(db, FRIDAY - DAY)
    assert written(db) == [(24, MessageStatus.due)]


def test_a_moved_appointment_gets_its_reminders_anew(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, FRIDAY)
    plan_reminders(db, FRIDAY - 3 * DAY)

    appointment.starts_at += 7 * DAY
    appointment.ends_at += 7 * DAY
    appointment.busy_until += 7 * DAY
    appointment.appointment_date += 7 * DAY
    appointment.version = 2
    notifications.write(db, "appointment.moved", appointment_id=appointment.id, now=FRIDAY - 2 * DAY)
    plan_reminders(db, FRIDAY + 4 * DAY)

    assert [hours for hours, _ in written(db)] == [72, 72]


def test_a_move_to_tomorrow_is_reminder_enough(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, FRIDAY, version=2)

    notifications.write(db, "appointment.moved", appointment_id=appointment.id, now=FRIDAY - 20 * HOUR)
    plan_reminders(db, FRIDAY - 19 * HOUR)

    assert written(db) == []


@pytest.mark.parametrize("status", [AppointmentStatus.cancelled, AppointmentStatus.arrived, AppointmentStatus.no_show])
def test_only_booked_appointments_are_remembered(db: Session, clinic: Clinic, status: AppointmentStatus) -> None:
    gone = {"cancelled_at": NOW} if status is AppointmentStatus.cancelled else {}
    make_appointment(db, clinic, FRIDAY, status=status, **gone)

    assert plan_reminders(db, FRIDAY - 2 * DAY) == 0


def test_a_hold_is_not_remembered(db: Session, clinic: Clinic) -> None:
    make_hold(db, clinic, FRIDAY, held_until=FRIDAY - 2 * DAY)

    assert plan_reminders(db, FRIDAY - 2 * DAY) == 0


def test_a_reminder_in_quiet_hours_waits_for_the_morning(db: Session, clinic: Clinic) -> None:
    evening = datetime(2026, 3, 6, 19, 30, tzinfo=UTC)
    make_appointment(db, clinic, evening)

    plan_reminders(db, evening - DAY)

    [mail] = [mail for mail in inbox(db) if hours_of(mail) == 24]
    morning = datetime(2026, 3, 6, 7, tzinfo=UTC)
    assert mail.row.status is MessageStatus.due
    assert morning <= mail.row.due_at < morning + timedelta(minutes=20)
    assert mail.row.next_try_at == mail.row.due_at


def test_a_reminder_that_would_come_too_late_in_the_morning_is_missed(db: Session, clinic: Clinic) -> None:
    early = datetime(2026, 3, 6, 7, 30, tzinfo=UTC)
    make_appointment(db, clinic, early)

    plan_reminders(db, early - 10 * HOUR)

    assert (24, MessageStatus.missed) in written(db)
    assert all(mail.row.why == reminders.TOO_NEAR for mail in inbox(db) if mail.row.status is MessageStatus.missed)


def test_after_an_outage_what_still_helps_is_sent_and_the_rest_is_written_down_as_missed(
    db: Session, clinic: Clinic
) -> None:
    now = datetime(2026, 3, 5, 9, tzinfo=UTC)
    for hours in (1, 3, 40):
        make_appointment(db, clinic, now + hours * HOUR)

    plan_reminders(db, now)

    fates = {(round((mail.row.useless_at - now) / HOUR), hours_of(mail)): mail.row.status for mail in inbox(db)}
    assert fates == {
        (1 - 30, 72): MessageStatus.missed,
        (1 - 2, 24): MessageStatus.missed,
        (3 - 30, 72): MessageStatus.missed,
        (3 - 2, 24): MessageStatus.due,
        (40 - 30, 72): MessageStatus.due,
    }


def test_a_visit_that_has_begun_is_not_remembered(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)

    assert plan_reminders(db, FRIDAY) == 0


def test_an_outage_is_caught_up_in_a_stream_and_not_in_a_burst(db: Session, clinic: Clinic) -> None:
    for place in range(12):
        make_appointment(db, clinic, FRIDAY + place * timedelta(minutes=30))
    now = FRIDAY - 2 * DAY

    assert [plan_reminders(db, now, batch=10), plan_reminders(db, now, batch=10)] == [10, 2]

    due = [mail.row.due_at for mail in inbox(db)]
    assert max(due[:10]) - min(due[:10]) == 9 * reminders.PACE


def test_one_patients_broken_data_costs_nobody_else_the_reminder(
    db: Session, clinic: Clinic, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = make_appointment(db, clinic, FRIDAY)
    make_appointment(db, clinic, FRIDAY + HOUR, clinic.bob)
    write = notifications.write_letter

    def fail_for_alice(kind: str, occasion: object, *own: object) -> object:
        if "Alice" in repr(occasion):
            raise ValueError("Alice Adler, alice@example.com")
        return write(kind, occasion, *own)  # type: ignore[arg-type]

    monkeypatch.setattr(notifications, "write_letter", fail_for_alice)
    plan_reminders(db, FRIDAY - 2 * DAY)

    assert [mail.to for mail in inbox(db)] == ["bob@example.com"]
    assert f"appointment {broken.id}" in caplog.text
    assert "Alice" not in caplog.text


# --- The rules --------------------------------------------------------------------------------------------------------


def set_hours(
    db: Session, clinic: Clinic, *hours: int, visit_type: VisitType | None = None, now: datetime = LONG_AGO
) -> None:
    reminders.write_rules(db, clinic.location.id or 0, visit_type.id if visit_type else None, hours, now=now)


def test_a_clinic_reminds_when_it_likes(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)
    set_hours(db, clinic, 48, 3)

    for hours in (72, 48, 24, 3):
        plan_reminders(db, FRIDAY - hours * HOUR)

    assert written(db) == [(48, MessageStatus.due), (3, MessageStatus.due)]


def test_a_kind_of_visit_may_have_reminders_of_its_own(db: Session, clinic: Clinic) -> None:
    surgery = make_visit_type(db, clinic.specialty, name="Surgery")
    make_appointment(db, clinic, FRIDAY)
    make_appointment(db, clinic, FRIDAY + HOUR, clinic.bob, visit_type=surgery)
    set_hours(db, clinic, 168, visit_type=surgery)

    for hours in (167, 71, 23):
        plan_reminders(db, FRIDAY - hours * HOUR)

    assert [(mail.to, hours_of(mail)) for mail in inbox(db)] == [
        ("bob@example.com", 168),
        ("alice@example.com", 72),
        ("alice@example.com", 24),
    ]


def test_a_kind_of_visit_without_reminders_of_its_own_follows_the_location_again(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)
    set_hours(db, clinic, 168, visit_type=clinic.visit_type)
    set_hours(db, clinic, visit_type=clinic.visit_type)

    plan_reminders(db, FRIDAY - 3 * DAY)

    assert written(db) == [(72, MessageStatus.due)]


def test_a_clinic_may_remind_nobody(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)
    set_hours(db, clinic)

    assert plan_reminders(db, FRIDAY - DAY) == 0


def test_a_new_rule_reminds_of_no_visit_whose_moment_is_past(db: Session, clinic: Clinic) -> None:
    """Else an admin who tries something out writes to everybody who comes this week."""
    make_appointment(db, clinic, FRIDAY)
    set_hours(db, clinic, 96, 24, now=FRIDAY - 3 * DAY)

    plan_reminders(db, FRIDAY - 3 * DAY)
    assert written(db) == []
    make_appointment(db, clinic, FRIDAY + 2 * DAY, clinic.bob)
    plan_reminders(db, FRIDAY - 2 * DAY)
    assert written(db) == [(96, MessageStatus.due)]


def test_a_rule_that_stays_goes_on_as_if_nothing_had_been_saved(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)
    set_hours(db, clinic, 72, 12, now=FRIDAY - 3 * DAY + HOUR)

    plan_reminders(db, FRIDAY - 3 * DAY + 2 * HOUR)

    assert written(db) == [(72, MessageStatus.due)]


def test_each_location_has_its_own_rules(db: Session, clinic: Clinic) -> None:
    linz = make_location(db, slug="linz", name="Medcal Clinic Linz")
    reminders.write_rules(db, linz.id or 0, None, (), now=LONG_AGO)
    eva = make_doctor(db, linz, clinic.specialty, "Dr. Eva Ernst")
    make_appointment(db, clinic, FRIDAY)
    make_appointment(db, clinic, FRIDAY, clinic.bob, doctor=eva, location_id=linz.id)

    plan_reminders(db, FRIDAY - 3 * DAY)

    assert [mail.to for mail in inbox(db)] == ["alice@example.com"]


@pytest.mark.parametrize(
    ("hours", "others", "least"),
    [
        (72, (72, 24), timedelta(hours=30)),
        (24, (72, 24), timedelta(hours=2)),
        (26, (26, 24), timedelta(hours=25)),
        (3, (3,), timedelta(hours=1, minutes=30)),
        (1, (48, 1), timedelta(minutes=30)),
        (720, (720, 719), timedelta(hours=719, minutes=30)),
    ],
)
def test_a_late_reminder_is_of_use_until_the_next_one_is_near(
    hours: int, others: tuple[int, ...], least: timedelta
) -> None:
    assert reminders.least_lead(hours, others) == least


@pytest.mark.parametrize("hours", range(1, 721, 7))
def test_every_rule_has_a_moment_when_it_is_of_use(hours: int) -> None:
    for nearer in (hours - 1, hours // 2, 1, 0):
        assert timedelta(0) < reminders.least_lead(hours, (hours, nearer)) < timedelta(hours=hours)


# --- Across the change of the clocks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"], ids=["of 23 hours", "of 25 hours"])
def test_on_a_day_of_another_length_a_day_is_still_twenty_four_hours(db: Session, clinic: Clinic, day: str) -> None:
    visit = at(f"{day} 15:00")
    make_appointment(db, clinic, visit, booked_at=visit - 30 * DAY)

    plan_reminders(db, visit - DAY - timedelta(seconds=1))
    assert [hours for hours, _ in written(db)] == [72]
    plan_reminders(db, visit - DAY)
    assert [hours for hours, _ in written(db)] == [72, 24]
