"""The scheduler: what the clock and commits make due. `python -m medcal.scheduler` runs one; there may be several."""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import psycopg
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from medcal import clock
from medcal.config import BadSetting, settings
from medcal.db import CHANNEL, engine, in_transaction
from medcal.failures import begin_log, outline
from medcal.services import (
    answers,
    audit_chain,
    audit_lapse,
    booking,
    callbacks,
    delivery,
    housekeeping,
    jobs,
    offers,
    periodic,
    posting,
    reminders,
    retention,
    schedules,
    ways,
    withdrawals,
)

log = logging.getLogger("medcal.scheduler")

Step = Callable[[], object]


def in_a_transaction(work: Callable[..., object]) -> Step:
    """work(db, now) as a step: once, now, in one transaction."""
    return lambda: in_transaction(work, clock.now())


def each_in_a_transaction(find: Callable[..., Sequence[int]], work: Callable[..., object]) -> Step:
    """work(db, id, now) as a step, for each id of find(db, now). One that fails is logged and holds up no other."""

    def step() -> None:
        now = clock.now()
        for subject_id in in_transaction(find, now):
            try:
                in_transaction(work, subject_id, now)
            except Exception as error:
                log.error("%s of %d failed: %s", work.__name__, subject_id, outline(error))

    return step


class Periodic(NamedTuple):
    """Work of the clock: begun once per `every`, by one scheduler of all.

    `again` repeats the step, a transaction each, as long as it says that there may be more. `at` is for work of the
    night, in UTC, which knows no clock changes.
    """

    name: str
    every: timedelta
    step: Step
    again: bool = False
    at: str = ""


# Of the heartbeat the row of the run is all that is wanted: it shows that a scheduler is alive.
PERIODIC = (
    Periodic(periodic.HEARTBEAT, timedelta(seconds=10), lambda: None),
    Periodic("release lapsed holds", timedelta(seconds=5), in_a_transaction(booking.release_lapsed_holds), again=True),
    Periodic("expire offers", timedelta(seconds=5), each_in_a_transaction(answers.find_overdue, answers.expire)),
    Periodic("sweep freed time", timedelta(seconds=30), lambda: offers.offer_due(clock.now()), again=True),
    Periodic(
        "withdraw offers outside hours", timedelta(minutes=1), in_a_transaction(withdrawals.withdraw_outside_hours)
    ),
    Periodic("plan reminders", timedelta(minutes=1), in_a_transaction(reminders.plan_reminders)),
    Periodic("renew silent messages", timedelta(seconds=30), in_a_transaction(callbacks.renew_silent), again=True),
    Periodic("extend openings", timedelta(hours=1), in_a_transaction(schedules.extend_openings)),
    Periodic("seal the history", timedelta(seconds=5), in_a_transaction(audit_chain.seal_new), again=True),
    Periodic("seal what came late", timedelta(hours=1), in_a_transaction(audit_chain.seal_late), again=True),
    Periodic("remove lapsed history", timedelta(hours=1), in_a_transaction(audit_lapse.remove_lapsed), again=True),
    Periodic("housekeeping", timedelta(hours=1), in_a_transaction(housekeeping.tidy)),
    Periodic("forget what is old", timedelta(hours=6), in_a_transaction(retention.forget_some), again=True),
    Periodic(
        "forget old patients",
        timedelta(hours=1),
        each_in_a_transaction(retention.find_idle, retention.forget_patient),
    ),
    Periodic("check openings", timedelta(days=1), in_a_transaction(schedules.check_openings), at="02:30"),
)

# What a job does: handler(db, subject_id, now).
JOBS: dict[str, jobs.Handler] = {
    "offer_freed_time": offers.offer_freed_time,
}

# A receiver that hangs occupies one of them; the others go on.
DELIVERERS = 4
POLL_SECONDS = 1.0
# Commits in a row give a hint each; looking ten times a second is enough for all of them.
LEAST_PAUSE_SECONDS = 0.1


def run(stop: threading.Event) -> None:
    """Work until `stop` is set; then what has been begun is finished first."""
    # Made before threads ask for it at the same instant and get a pool each.
    engine()
    wake = [threading.Event() for _ in range(DELIVERERS)]
    deliverers = [
        threading.Thread(target=_deliver_until, args=(stop, event), name=f"deliver-{n}", daemon=True)
        for n, event in enumerate(wake)
    ]
    clockwork = _clockwork(stop)
    clockwork.start()
    for thread in deliverers:
        thread.start()
    log.info("the scheduler is at work")
    _work_until(stop, wake)
    for event in wake:
        event.set()
    clockwork.shutdown(wait=True)
    _join(deliverers, delivery.LONGEST_TRY + timedelta(seconds=5))
    log.info("the scheduler has stopped")


# --- Periodic work ----------------------------------------------------------------------------------------------------


def _clockwork(stop: threading.Event) -> BackgroundScheduler:
    # A run that comes late is better than none (the default skips it after a second), and one at a time is enough.
    defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    clockwork = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
    for work in PERIODIC:
        at_once = {} if work.at else {"next_run_time": clock.now()}
        clockwork.add_job(_run_periodic, _trigger(work), args=(work, stop), id=work.name, **at_once)
    return clockwork


def _trigger(work: Periodic) -> BaseTrigger:
    if not work.at:
        return IntervalTrigger(seconds=int(work.every.total_seconds()), timezone="UTC")
    hour, minute = work.at.split(":")
    return CronTrigger(hour=hour, minute=minute, timezone="UTC")


def _run_periodic(work: Periodic, stop: threading.Event) -> None:
    try:
        if in_transaction(periodic.claim, work.name, work.every):
            _repeat(work.step, stop) if work.again else work.step()
    except Exception as error:
        log.error("%s failed: %s", work.name, outline(error))


def _repeat(step: Step, stop: threading.Event) -> None:
    while not stop.is_set() and step():
        pass


# --- What commits make due --------------------------------------------------------------------------------------------

# Taken one at a time until nothing is due; what fails is put off by its own service, so it cannot come back at once.
DUE: tuple[tuple[str, Step], ...] = (
    ("job", lambda: jobs.take_next(JOBS, clock.now())),
    ("freed time", lambda: offers.offer_due(clock.now())),
)


def _work_until(stop: threading.Event, wake: list[threading.Event]) -> None:
    """Look at what is due at every hint and every second; with the database away, keep trying."""
    while not stop.is_set():
        try:
            with psycopg.connect(settings().database_url, autocommit=True, connect_timeout=10) as hints:
                hints.execute(f"LISTEN {CHANNEL}")
                while not stop.is_set():
                    _do_all_due(stop)
                    for event in wake:
                        event.set()
                    stop.wait(LEAST_PAUSE_SECONDS)
                    _wait_for_hint(hints)
        except psycopg.Error as error:
            log.warning("the database does not answer: %s", outline(error))
            stop.wait(POLL_SECONDS)


def _wait_for_hint(hints: psycopg.Connection) -> None:
    for _ in hints.notifies(timeout=POLL_SECONDS, stop_after=1):
        pass


def _do_all_due(stop: threading.Event) -> None:
    for name, step in DUE:
        try:
            _repeat(step, stop)
        except Exception as error:
            log.error("%s failed: %s", name, outline(error))


def _deliver_until(stop: threading.Event, wake: threading.Event) -> None:
    while not stop.is_set():
        try:
            delivery.deliver_all(stop.is_set)
        except Exception as error:
            log.error("delivery failed: %s", outline(error))
            stop.wait(POLL_SECONDS)
        wake.wait(POLL_SECONDS)
        wake.clear()
    posting.hang_up()


# --- The process ------------------------------------------------------------------------------------------------------


def _join(threads: list[threading.Thread], patience: timedelta) -> None:
    """Wait for what is being delivered. What hangs longer is left: it is taken again after its lease, with its id."""
    give_up_at = time.monotonic() + patience.total_seconds()
    for thread in threads:
        thread.join(max(0.0, give_up_at - time.monotonic()))


def main() -> None:
    begin_log(logging.INFO)
    # It logs each run of each job.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    try:
        settings()
    except BadSetting as error:
        sys.exit(str(error))
    for name in ways.unknown_kinds():
        log.warning("%s fits no kind of message", name)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    run(stop)


if __name__ == "__main__":
    main()
