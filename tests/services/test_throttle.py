"""Limits on tries: counted in the database, and not undone by what fails afterwards."""

import threading
from datetime import timedelta

import pytest

from medcal.db import fetch_one, in_transaction
from medcal.errors import TooManyTries
from medcal.failures import Sparing
from medcal.services import throttle
from tests.support.factories import NOW

MINUTE = timedelta(minutes=1)


def try_often(db, times, name="knocking", limit=3, now=NOW):
    for _ in range(times):
        throttle.count(db, name, limit=limit, window=MINUTE, now=now)


def test_tries_up_to_the_limit_are_let_through(db):
    try_often(db, 3)


def test_the_try_after_the_limit_is_refused(db):
    try_often(db, 3)

    with pytest.raises(TooManyTries):
        try_often(db, 1)


def test_another_name_has_its_own_limit(db):
    try_often(db, 3)

    try_often(db, 3, name="ringing")


def test_the_next_window_starts_afresh(db):
    try_often(db, 3)

    try_often(db, 3, now=NOW + MINUTE)


def test_two_limits_on_one_name_do_not_mix(db):
    try_often(db, 3)

    throttle.count(db, "knocking", limit=4, window=timedelta(days=1), now=NOW)


def test_what_may_be_used_once_is_refused_the_second_time_and_in_the_next_window(db):
    throttle.use_once(db, "a proof", window=MINUTE, now=NOW)
    throttle.use_once(db, "another", window=MINUTE, now=NOW)

    for later in (NOW, NOW + MINUTE):
        with pytest.raises(TooManyTries):
            throttle.use_once(db, "a proof", window=MINUTE, now=later)


def test_what_was_counted_lately_is_that_of_this_window_and_the_one_before(db):
    try_often(db, 2)
    try_often(db, 1, name="ringing", now=NOW + MINUTE)

    assert throttle.lately(db, ["knocking", "ringing"], window=MINUTE, now=NOW + MINUTE) == 3
    assert throttle.lately(db, ["knocking", "ringing"], window=MINUTE, now=NOW + 2 * MINUTE) == 1
    assert throttle.lately(db, ["knocking"], window=MINUTE, now=NOW - MINUTE) == 0


@pytest.mark.usefixtures("db")
def test_a_try_counts_although_the_work_after_it_fails():
    def knock_and_fail():
        in_transaction(throttle.count, "knocking", limit=3, window=MINUTE, now=NOW)
        in_transaction(fail)

    def fail(_):
        raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            knock_and_fail()

    with pytest.raises(TooManyTries):
        knock_and_fail()


def test_the_limit_holds_over_all_who_count_at_the_same_instant(committed):
    """Each on a connection of its own, as workers are."""
    gate, passed, refused = threading.Barrier(12), [], []

    def knock():
        gate.wait()
        for _ in range(5):
            try:
                in_transaction(throttle.count, "knocking", limit=10, window=MINUTE, now=NOW)
                passed.append(1)
            except TooManyTries:
                refused.append(1)

    threads = [threading.Thread(target=knock) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(passed), len(refused)) == (10, 50)


def test_it_says_which_try_it_is(db):
    assert [throttle.count(db, "knocking", limit=3, window=MINUTE, now=NOW) for _ in range(3)] == [1, 2, 3]


def test_the_log_says_what_was_tried_too_often_and_not_by_whom(db, caplog, monkeypatch):
    monkeypatch.setattr(throttle, "log", Sparing(throttle.log._log))
    try_often(db, 3, "sign-in as alice@example.com")
    assert not caplog.records

    with pytest.raises(TooManyTries):
        try_often(db, 1, "sign-in as alice@example.com")
    assert [record.getMessage() for record in caplog.records] == ["a limit was reached: sign-in"]


def test_what_is_kept_names_nobody(db):
    throttle.count(db, "code to alice@example.com", limit=3, window=MINUTE, now=NOW)

    assert "alice" not in fetch_one(db, "SELECT name FROM throttle").name


def test_old_counts_are_removed_and_fresh_ones_stay(db):
    try_often(db, 1, now=NOW - timedelta(days=3))
    try_often(db, 1)

    assert throttle.forget_old(db, NOW) == 1
    assert fetch_one(db, "SELECT count(*) AS left FROM throttle").left == 1
