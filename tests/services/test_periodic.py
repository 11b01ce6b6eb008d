"""Periodic work is done by one of any number of schedulers, on the database's clock."""

import threading
from datetime import timedelta

import pytest
from sqlmodel import Session

from medcal.db import fetch, in_transaction
from medcal.services.periodic import Heartbeat, claim, heartbeat, last_run

MINUTE = timedelta(minutes=1)


def turn_back(db: Session, name: str, by: timedelta) -> None:
    fetch(db, "UPDATE periodic_run SET started_at = started_at - %(by)s WHERE name = %(name)s", name=name, by=by)


def test_the_first_who_asks_does_it(db: Session) -> None:
    assert claim(db, "reminders", MINUTE)
    assert not claim(db, "reminders", MINUTE)


def test_it_is_done_again_when_its_time_has_passed(db: Session) -> None:
    claim(db, "reminders", MINUTE)
    turn_back(db, "reminders", MINUTE)

    assert claim(db, "reminders", MINUTE)
    assert not claim(db, "reminders", MINUTE)


def test_a_tick_that_comes_a_little_early_is_not_lost(db: Session) -> None:
    claim(db, "reminders", MINUTE)
    turn_back(db, "reminders", timedelta(seconds=57))

    assert claim(db, "reminders", MINUTE)


def test_one_kind_of_work_does_not_hold_up_another(db: Session) -> None:
    assert claim(db, "reminders", MINUTE)
    assert claim(db, "housekeeping", MINUTE)


def test_one_can_see_when_work_was_last_done(db: Session) -> None:
    assert last_run(db, "heartbeat") is None

    claim(db, "heartbeat", MINUTE)

    assert last_run(db, "heartbeat") is not None


@pytest.mark.usefixtures("committed")
def test_of_many_schedulers_at_the_same_instant_one_does_it() -> None:
    for run in range(5):
        start, won = threading.Barrier(8), []

        def ask(name: str, start: threading.Barrier, won: list[bool]) -> None:
            start.wait()
            won.append(in_transaction(claim, name, MINUTE))

        threads = [threading.Thread(target=ask, args=(f"run {run}", start, won)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(won) == [False] * 7 + [True]


@pytest.mark.parametrize(("ago", "is_silent"), [("55 s", False), ("61 s", True), ("3 days", True)])
def test_a_minute_without_a_heartbeat_is_silence(db: Session, ago: str, is_silent: bool) -> None:
    fetch(
        db,
        "INSERT INTO periodic_run (name, started_at) VALUES ('heartbeat', clock_timestamp() - %(ago)s::interval)",
        ago=ago,
    )

    found = heartbeat(db)

    assert (found.last_at, found.is_silent) == (last_run(db, "heartbeat"), is_silent)


def test_a_scheduler_that_never_worked_is_silent(db: Session) -> None:
    assert heartbeat(db) == Heartbeat(None, is_silent=True)
    fetch(db, "INSERT INTO periodic_run (name) VALUES ('heartbeat')")
    assert heartbeat(db) == Heartbeat(None, is_silent=True)
