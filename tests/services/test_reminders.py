"""Reminders: twice before a visit, once each, at a decent hour, and never when they no longer help."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from medcal.models import AppointmentStatus, MessageStatus
from medcal.services import notifications, reminders
from medcal.services.reminders import plan_reminders
from tests.support.factories import NOW, Clinic, make_appointment, make_clinic, make_hold
from tests.support.inbox import inbox

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def clinic(db: Session) -> Clinic:
    return make_clinic(db)


# A visit on Friday at ten; the clocks do not change that week.
FRIDAY = datetime(2026, 3, 6, 9, tzinfo=UTC)


def kinds(db: Session) -> list[tuple[str, MessageStatus]]:
    return [(mail.kind, mail.row.status) for mail in inbox(db) if mail.kind.startswith("reminder.")]


def test_a_visit_is_remembered_three_days_and_one_day_before(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)

    plan_reminders(db, FRIDAY - 3 * DAY - timedelta(seconds=1))
    assert kinds(db) == []
    plan_reminders(db, FRIDAY - 3 * DAY)
    assert kinds(db) == [("reminder.three_days", MessageStatus.due)]
    plan_reminders(db, FRIDAY - DAY - timedelta(seconds=1))
    assert len(kinds(db)) == 1
    plan_reminders(db, FRIDAY - DAY)
    assert kinds(db)[1:] == [("reminder.one_day", MessageStatus.due)]


def test_a_reminder_is_written_once_however_often_one_looks(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY)

    assert plan_reminders(db, FRIDAY - 3 * DAY) == 1
    assert [plan_reminders(db, FRIDAY - 3 * DAY + minutes * timedelta(minutes=1)) for minutes in range(5)] == [0] * 5


def test_whoever_booked_after_the_moment_of_a_reminder_gets_none(db: Session, clinic: Clinic) -> None:
    make_appointment(db, clinic, FRIDAY, booked_at=FRIDAY - 2 * DAY)

    plan_reminders(db, FRIDAY - 2 * DAY + HOUR)
    assert kinds(db) == []
    plan_reminders(db, FRIDAY - DAY)
    assert kinds(db) == [("reminder.one_day", MessageStatus.due)]


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

    assert [kind for kind, _ in kinds(db)] == ["reminder.three_days", "reminder.three_days"]


def test_a_move_to_tomorrow_is_reminder_enough(db: Session, clinic: Clinic) -> None:
    appointment = make_appointment(db, clinic, FRIDAY, version=2)

    notifications.write(db, "appointment.moved", appointment_id=appointment.id, now=FRIDAY - 20 * HOUR)
    plan_reminders(db, FRIDAY - 19 * HOUR)

    assert kinds(db) == []


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

    [mail] = inbox(db, kind="reminder.one_day")
    morning = datetime(2026, 3, 6, 7, tzinfo=UTC)
    assert mail.row.status is MessageStatus.due
    assert morning <= mail.row.due_at < morning + timedelta(minutes=20)
    assert mail.row.next_try_at == mail.row.due_at


def test_a_reminder_that_would_come_too_late_in_the_morning_is_missed(db: Session, clinic: Clinic) -> None:
    early = datetime(2026, 3, 6, 7, 30, tzinfo=UTC)
    make_appointment(db, clinic, early)

    plan_reminders(db, early - 10 * HOUR)

    assert ("reminder.one_day", MessageStatus.missed) in kinds(db)


def test_after_an_outage_what_still_helps_is_sent_and_the_rest_is_written_down_as_missed(
    db: Session, clinic: Clinic
) -> None:
    now = datetime(2026, 3, 5, 9, tzinfo=UTC)
    for hours in (1, 3, 40):
        make_appointment(db, clinic, now + hours * HOUR)

    plan_reminders(db, now)

    fates = {(round((mail.row.useless_at - now) / HOUR), mail.kind): mail.row.status for mail in inbox(db)}
    assert fates == {
        (1 - 30, "reminder.three_days"): MessageStatus.missed,
        (1 - 2, "reminder.one_day"): MessageStatus.missed,
        (3 - 30, "reminder.three_days"): MessageStatus.missed,
        (3 - 2, "reminder.one_day"): MessageStatus.due,
        (40 - 30, "reminder.three_days"): MessageStatus.due,
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

    def fail_for_alice(kind: str, occasion: object) -> object:
        if "Alice" in repr(occasion):
            raise ValueError("Alice Adler, alice@example.com")
        return write(kind, occasion)  # type: ignore[arg-type]

    monkeypatch.setattr(notifications, "write_letter", fail_for_alice)
    plan_reminders(db, FRIDAY - 2 * DAY)

    assert [mail.to for mail in inbox(db)] == ["bob@example.com"]
    assert f"appointment {broken.id}" in caplog.text
    assert "Alice" not in caplog.text
