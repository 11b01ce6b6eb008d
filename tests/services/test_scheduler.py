"""The scheduler as it runs: in a thread where that suffices, as a process where it is about signals and settings."""

import datetime
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from sqlmodel import Session, col, func, select

from medcal import clock, scheduler
from medcal.db import in_transaction
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Job,
    JobStatus,
    Message,
    MessageStatus,
    Offer,
    OfferStatus,
    PeriodicRun,
)
from medcal.scheduler import PERIODIC, Periodic, run
from medcal.security import PATIENT, SYSTEM
from medcal.services import answers, changes, jobs, notifications, schedules
from medcal.services.availability import list_free
from tests.support.databases import ADMIN_URL
from tests.support.factories import (
    Clinic,
    make_appointment,
    make_clinic,
    make_entry,
    make_hold,
    make_patient,
    set_rules,
)
from tests.support.sink import Answer, Sink, hang, slowly
from tests.support.waiting import eventually

DAY = timedelta(days=1)


@contextmanager
def a_scheduler() -> Iterator[None]:
    """One at work in this process, stopped and waited for at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def start_process() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """start_process(DATABASE_URL="…"): `python -m medcal.scheduler` with this environment."""
    started = []

    def start(**env: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", "-m", "medcal.scheduler"]
        root = Path(__file__).parent.parent.parent
        process = subprocess.Popen(command, cwd=root, env=os.environ | env, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def book(db: Session, clinic: Clinic | None = None, days: int = 20) -> None:
    """An appointment and its confirmation, due now."""
    clinic = clinic or make_clinic(db)
    appointment = make_appointment(db, clinic, clock.now().replace(microsecond=0) + days * DAY)
    notifications.write(db, "appointment.booked", appointment_id=appointment.id, now=clock.now())


def statuses(db: Session) -> list[MessageStatus]:
    return list(db.exec(select(Message.status).order_by(col(Message.id))))


def is_gone() -> bool:
    return in_transaction(statuses) in ([MessageStatus.handed_over], [MessageStatus.delivered])


# --- The tables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("work", PERIODIC, ids=lambda work: work.name)
def test_each_piece_of_periodic_work_can_be_done_in_a_clinic(db: Session, work: Periodic) -> None:
    make_clinic(db)

    work.step()


def test_each_piece_of_periodic_work_has_a_name_of_its_own() -> None:
    assert len({work.name for work in PERIODIC}) == len(PERIODIC)


@pytest.mark.usefixtures("db")
def test_a_step_that_may_leave_more_is_repeated_until_nothing_is_left() -> None:
    answers = iter([3, 1, 0, 7])

    scheduler._run_periodic(Periodic("count", DAY, lambda: next(answers), again=True), threading.Event())

    assert list(answers) == [7]


@pytest.mark.usefixtures("db")
def test_periodic_work_that_another_scheduler_has_just_done_is_left_alone() -> None:
    done = []
    work = Periodic("count", DAY, lambda: done.append(1))

    for _ in range(2):
        scheduler._run_periodic(work, threading.Event())

    assert done == [1]


@pytest.mark.usefixtures("db")
def test_work_that_fails_is_logged_without_names(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> object:
        raise ValueError("Alice Adler, alice@example.com")

    scheduler._run_periodic(Periodic("remember", DAY, fail), threading.Event())

    assert "remember failed: ValueError" in caplog.text
    assert "lice" not in caplog.text


# --- At work ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
def test_a_message_leaves_within_a_moment_of_the_commit(webhook: Sink) -> None:
    with a_scheduler():
        eventually(lambda: in_transaction(lambda db: db.get(PeriodicRun, "heartbeat")), "the first heartbeat")
        in_transaction(book)
        began = time.monotonic()
        eventually(is_gone, "the message is delivered")

        assert time.monotonic() - began < 3
    assert len(webhook.accepted) == 1


@pytest.mark.usefixtures("committed")
def test_lapsed_holds_are_released_jobs_are_done_and_reminders_written() -> None:
    def prepare(db: Session) -> None:
        clinic = make_clinic(db)
        now = clock.now().replace(microsecond=0)
        make_hold(db, clinic, now + 5 * DAY, held_until=now - timedelta(minutes=1), held_by="a browser")
        make_appointment(db, clinic, now + DAY - timedelta(hours=1))
        jobs.add(db, "unheard of", 1, now=now)

    def is_done(db: Session) -> bool:
        released = db.exec(select(func.count()).where(Appointment.status == AppointmentStatus.released)).one()
        of_the_day_before = col(Message.reason).like("reminder:%:24")
        reminders = db.exec(select(func.count()).where(of_the_day_before)).one()
        put_off = db.exec(select(func.count()).where(Job.status == JobStatus.due, Job.last_error != "")).one()
        return (released, reminders, put_off) == (1, 1, 1)

    in_transaction(prepare)
    with a_scheduler():
        eventually(lambda: in_transaction(is_done), "hold released, reminder written, unknown job put off")


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("lost", ["nothing", "the job", "the job and all hints"])
def test_time_that_becomes_free_is_offered_within_five_seconds(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    """And after a decline to the next."""
    if lost == "the job and all hints":
        monkeypatch.setattr("medcal.db._hints", lambda: SimpleNamespace(give=lambda: None))
    if lost != "nothing":
        monkeypatch.setattr(jobs, "add", lambda *_, **__: None)
    freed = in_transaction(_two_wait)

    with a_scheduler():
        eventually(lambda: in_transaction(lambda db: db.get(PeriodicRun, "heartbeat")), "the first heartbeat")
        in_transaction(lambda db: changes.cancel(db, db.get_one(Appointment, freed), by=SYSTEM, now=clock.now()))
        first = eventually(lambda: in_transaction(_open_offer), "the time is offered", seconds=5)
        in_transaction(answers.decline, first.id, by=PATIENT, now=clock.now())
        second = eventually(lambda: in_transaction(_open_offer), "it is offered to the next", seconds=5)

    assert second.patient_id != first.patient_id


def _two_wait(db: Session) -> int:
    """In a clinic where it is never night, whatever the hour of the test; returns the appointment that will be cancelled."""
    clinic = make_clinic(db)
    clinic.location.quiet_from = clinic.location.quiet_until = datetime.time(0)
    set_rules(db, clinic)
    now = clock.now()
    schedules.extend_openings(db, now)
    today = clock.local_day(now, clinic.location.zone_info)
    times = list_free(db, clinic.okafor.id or 0, clinic.visit_type, today + 4 * DAY, 30, now=now)
    for place, patient in enumerate((clinic.alice, clinic.bob), 1):
        make_entry(db, clinic, make_appointment(db, clinic, times[-place].starts_at, patient))
    return make_appointment(db, clinic, times[0].starts_at, make_patient(db)).id or 0


def _open_offer(db: Session) -> Offer | None:
    return db.exec(select(Offer).where(Offer.status == OfferStatus.open)).one_or_none()


@pytest.mark.usefixtures("committed")
def test_two_schedulers_send_each_message_once(webhook: Sink) -> None:
    def book_many(db: Session) -> None:
        clinic = make_clinic(db)
        for place in range(30):
            book(db, clinic, days=10 + place)

    with a_scheduler(), a_scheduler():
        in_transaction(book_many)
        eventually(lambda: len(webhook.accepted) == 30, "all are delivered")
        eventually(lambda: set(in_transaction(statuses)) == {MessageStatus.handed_over}, "all are noted as handed over")

    assert len(webhook.calls) == 30


@pytest.mark.usefixtures("committed")
def test_a_receiver_that_hangs_stops_nobody(webhook: Sink) -> None:
    def book_four(db: Session) -> None:
        clinic = make_clinic(db)
        for place in range(4):
            book(db, clinic, days=10 + place)

    webhook.answer(*[Answer(spoil=hang)] * (scheduler.DELIVERERS - 1))
    with a_scheduler():
        in_transaction(book_four)
        eventually(lambda: webhook.accepted, "one gets through past three that hang")
        webhook.let_go.set()


def test_connections_that_the_database_cuts_are_made_anew(committed: str) -> None:
    with a_scheduler():
        eventually(lambda: in_transaction(lambda db: db.get(PeriodicRun, "heartbeat")), "the first heartbeat")
        _cut_all_connections(committed)
        eventually(_book_in_spite_of_cuts, "a booking after the cut")
        eventually(is_gone, "the message is delivered")


def _cut_all_connections(url: str) -> None:
    """But those that send the hints, which belong to the tests."""
    with psycopg.connect(ADMIN_URL, autocommit=True) as admin:
        admin.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = %s AND query NOT LIKE 'NOTIFY%%' AND query <> ''""",
            [url.rsplit("/", 1)[1].partition("?")[0]],
        )


def _book_in_spite_of_cuts() -> bool:
    in_transaction(book)
    return True


# --- The process ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
def test_told_to_stop_it_finishes_what_it_does_and_ends_well(
    webhook: Sink, start_process: Callable[..., subprocess.Popen[str]]
) -> None:
    webhook.answer(Answer(spoil=slowly))
    in_transaction(book)
    process = start_process()
    eventually(lambda: webhook.calls, "the scheduler is in the middle of a delivery")

    process.send_signal(signal.SIGTERM)

    errors = process.communicate(timeout=20)[1]
    assert process.returncode == 0, errors
    assert in_transaction(statuses) == [MessageStatus.handed_over]
    assert "alice" not in errors.lower()


def test_with_the_database_away_it_keeps_trying(start_process: Callable[..., subprocess.Popen[str]]) -> None:
    process = start_process(DATABASE_URL="postgresql://nobody@127.0.0.1:1/away")
    assert process.stderr

    complaints = 0
    while complaints < 2 and (line := process.stderr.readline()):
        complaints += "the database does not answer" in line
    process.send_signal(signal.SIGINT)

    errors = process.communicate(timeout=20)[1]
    assert complaints == 2
    assert process.returncode == 0, errors


def test_a_setting_that_makes_no_sense_is_named_before_anything_begins(
    start_process: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start_process(N8N_WEBHOOK_URL="https://n8n.example/webhook/medcal")

    errors = process.communicate(timeout=20)[1]

    assert process.returncode == 1
    assert errors.strip() == "N8N_WEBHOOK_SECRET must be set with N8N_WEBHOOK_URL and have 24 characters or more."
