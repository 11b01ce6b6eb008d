"""What nobody needs any more goes, and nothing else."""

from datetime import timedelta

from sqlmodel import Session, SQLModel, func, select

from medcal.models import (
    AccessToken,
    Job,
    JobStatus,
    Message,
    OneTimeCode,
    Opening,
    PatientAccess,
    SignInTicket,
    StaffLink,
    StaffSession,
    Throttle,
)
from medcal.services import jobs, notifications, schedules
from medcal.services.housekeeping import tidy
from tests.support.factories import NOW, add, make_appointment, make_clinic

DAY = timedelta(days=1)


def count(db: Session, table: type[SQLModel]) -> int:
    return db.exec(select(func.count()).select_from(table)).one()


def test_what_has_expired_is_removed_and_the_rest_stays(db: Session) -> None:
    clinic = make_clinic(db)
    for name, until in (("old", NOW), ("new", NOW + timedelta(hours=1))):
        times = {"created_at": NOW - DAY, "expires_at": until}
        add(db, StaffSession(cookie_digest=name, staff_user_id=clinic.sam.id, seen_at=NOW, idle_seconds=60, **times))
        add(db, SignInTicket(cookie_digest=name, staff_user_id=clinic.sam.id, **times))
        add(db, StaffLink(token_digest=name, staff_user_id=clinic.sam.id, **times))
        add(db, PatientAccess(visit_digest=name, patient_id=clinic.alice.id, purpose="code", **times))
        add(db, AccessToken(token_digest=name, patient_id=clinic.alice.id, purpose="offer", **times))
        add(db, OneTimeCode(contact_digest=name, code_digest="0", visit_digest="0", **times))
    for days in (0, 3):
        add(db, Throttle(name="sign-in", window_starts_at=NOW - days * DAY, tries=1))

    assert tidy(db, NOW) == 7

    kept = (StaffSession, SignInTicket, StaffLink, PatientAccess, AccessToken, OneTimeCode, Throttle)
    assert [count(db, table) for table in kept] == [1] * 7
    assert tidy(db, NOW) == 0


def test_openings_of_days_gone_by_are_removed(db: Session) -> None:
    make_clinic(db)
    schedules.extend_openings(db, NOW)

    tidy(db, NOW + 7 * DAY)

    left = db.exec(select(func.min(Opening.ends_at))).one()
    assert NOW + 6 * DAY <= left < NOW + 7 * DAY


def test_done_jobs_are_kept_for_a_month_and_failed_ones_until_somebody_has_looked(db: Session) -> None:
    for subject_id, status in enumerate([JobStatus.done, JobStatus.failed, JobStatus.due]):
        jobs.add(db, "greet", subject_id, now=NOW)
        job = db.exec(select(Job).where(Job.subject_id == subject_id)).one()
        job.status, job.done_at = status, NOW if status is JobStatus.done else None

    tidy(db, NOW + 29 * DAY)
    assert count(db, Job) == 3
    tidy(db, NOW + 31 * DAY)
    assert count(db, Job) == 2


def test_a_code_is_blotted_out_when_it_has_expired(db: Session) -> None:
    clinic = make_clinic(db)
    until = NOW + timedelta(minutes=10)
    code = add(db, OneTimeCode(contact_digest="0", code_digest="0", visit_digest="0", created_at=NOW, expires_at=until))
    appointment = make_appointment(db, clinic, NOW + 5 * DAY)
    assert code.id
    assert clinic.alice.id
    notifications.write_code(
        db, "042137", code_id=code.id, patient_id=clinic.alice.id, recipient="a@example.com", now=NOW
    )
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=NOW)

    tidy(db, NOW + timedelta(hours=1))

    words = [message.text + message.html for message in db.exec(select(Message).order_by(Message.kind))]
    assert [bool(one) for one in words] == [True, False]
