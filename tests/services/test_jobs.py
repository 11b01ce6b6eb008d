"""Jobs: done once, each in its own transaction, tried again without holding up the others."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from medcal.db import in_transaction
from medcal.models import Job, JobStatus, Location
from medcal.services import jobs
from tests.support.factories import NOW, make_location

DAY = timedelta(days=1)


def the_jobs(db: Session) -> list[tuple[str, int, JobStatus]]:
    found = db.exec(select(Job).order_by(col(Job.id)).execution_options(populate_existing=True))
    return [(job.kind, job.subject_id, job.status) for job in found]


class Done:
    """A handler that remembers what it was asked to do."""

    def __init__(self) -> None:
        self.subjects: list[int] = []

    def __call__(self, _db: Session, subject_id: int, _now: datetime) -> None:
        self.subjects.append(subject_id)


def failing(db: Session, subject_id: int, _now: datetime) -> None:
    make_location(db, slug=f"half-done-{subject_id}")
    raise RuntimeError("Alice Adler is not to be named")


def test_a_job_is_done_once(db: Session) -> None:
    done = Done()
    jobs.add(db, "greet", 7, now=NOW)

    assert jobs.take_next({"greet": done}, NOW)
    assert not jobs.take_next({"greet": done}, NOW)

    assert done.subjects == [7]
    assert the_jobs(db) == [("greet", 7, JobStatus.done)]


def test_asked_for_twice_before_it_is_done_it_is_done_once(db: Session) -> None:
    done = Done()
    for _ in range(2):
        jobs.add(db, "greet", 7, now=NOW)
    jobs.take_next({"greet": done}, NOW)
    jobs.add(db, "greet", 7, now=NOW)

    assert the_jobs(db) == [("greet", 7, JobStatus.done), ("greet", 7, JobStatus.due)]


def test_a_job_for_later_waits(db: Session) -> None:
    done = Done()
    jobs.add(db, "greet", 7, now=NOW, run_at=NOW + DAY)

    assert not jobs.take_next({"greet": done}, NOW)
    assert jobs.take_next({"greet": done}, NOW + DAY)


def test_a_failing_job_leaves_nothing_behind_and_holds_up_no_other(db: Session) -> None:
    done = Done()
    handlers: dict[str, jobs.Handler] = {"fail": failing, "greet": done}
    jobs.add(db, "fail", 1, now=NOW)
    jobs.add(db, "greet", 2, now=NOW)

    with pytest.raises(RuntimeError):
        jobs.take_next(handlers, NOW)
    assert jobs.take_next(handlers, NOW)

    assert done.subjects == [2]
    assert db.exec(select(Location)).all() == []
    job = db.exec(select(Job).where(Job.kind == "fail")).one()
    assert (job.status, job.tries, job.run_at) == (JobStatus.due, 1, NOW + timedelta(seconds=2))
    assert job.last_error.startswith("RuntimeError")
    assert "Alice" not in job.last_error


def test_a_job_that_fails_ten_times_with_growing_pauses_has_failed(db: Session) -> None:
    jobs.add(db, "fail", 1, now=NOW)
    now, pauses = NOW, []
    for _ in range(10):
        with pytest.raises(RuntimeError):
            jobs.take_next({"fail": failing}, now)
        job = db.exec(select(Job).execution_options(populate_existing=True)).one()
        pauses.append(job.run_at - now)
        now = job.run_at

    assert job.status is JobStatus.failed
    assert pauses == sorted(pauses)
    assert not jobs.take_next({"fail": failing}, now + DAY)


def test_a_kind_that_nobody_can_do_is_put_off_and_not_forgotten(db: Session) -> None:
    jobs.add(db, "unheard of", 1, now=NOW)

    with pytest.raises(KeyError):
        jobs.take_next({}, NOW)

    assert the_jobs(db) == [("unheard of", 1, JobStatus.due)]


def test_a_job_whose_process_was_killed_is_taken_again(db: Session) -> None:
    done = Done()
    jobs.add(db, "greet", 7, now=NOW)
    assert in_transaction(jobs._take, NOW)

    assert not jobs.take_next({"greet": done}, NOW + jobs.LEASE - timedelta(seconds=1))
    assert jobs.take_next({"greet": done}, NOW + jobs.LEASE)

    assert done.subjects == [7]


def test_whoever_lost_the_job_meanwhile_does_nothing(db: Session) -> None:
    done = Done()
    jobs.add(db, "greet", 7, now=NOW)
    slow = in_transaction(jobs._take, NOW)
    jobs.take_next({"greet": done}, NOW + jobs.LEASE)
    assert slow

    in_transaction(jobs._run, done, slow, NOW)

    assert done.subjects == [7]


@pytest.mark.usefixtures("committed")
def test_several_workers_share_the_jobs() -> None:
    done = Done()

    def add_many(db: Session) -> None:
        for subject_id in range(60):
            jobs.add(db, "greet", subject_id, now=NOW)

    in_transaction(add_many)
    _in_threads(4, lambda: _take_all({"greet": done}))

    assert sorted(done.subjects) == list(range(60))


def _take_all(handlers: dict[str, jobs.Handler]) -> None:
    while jobs.take_next(handlers, NOW):
        pass


def _in_threads(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
