"""Schedulers that are killed: `python -m tests.support.mortal` makes one per line of its input, and kills it where the line says.

A line is a step, the seconds of an instant, and the environment to live in; the answer is how the process ended. The processes are
forks of this one, which has imported everything and opened nothing: a round takes milliseconds, not seconds.
"""

import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import configure_mappers

from medcal import clock, scheduler
from medcal.config import settings
from medcal.db import engine, open_engine
from medcal.services import delivery, letters, posting

# Where it dies: before or after a function of the delivery is called, for the first or the second time. After `take` and after
# `note` its transaction is still open.
STEPS: dict[str, tuple[Any, str, bool, int]] = {
    "before it is taken": (delivery, "take", True, 1),
    "taken, not committed": (delivery, "take", False, 1),
    "taken": (delivery, "in_transaction", False, 1),
    "before the call": (posting, "post", True, 1),
    "called, the answer not read": (posting._Line, "getresponse", True, 1),
    "answered": (posting, "post", False, 1),
    "before it is noted": (delivery, "note", True, 1),
    "noted, not committed": (delivery, "note", False, 1),
    "noted": (delivery, "in_transaction", False, 2),
}


def _dying(work: Callable[..., Any], *, is_before: bool, time: int) -> Callable[..., Any]:
    calls = itertools.count(1)

    def call(*args: Any, **kwargs: Any) -> Any:
        is_last = next(calls) == time
        if is_last and is_before:
            _die()
        answer = work(*args, **kwargs)
        if is_last:
            _die()
        return answer

    return call


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _live_until(step: str, now: datetime) -> None:
    """A scheduler's deliverer at an instant; it dies at the step, or comes to an end by itself."""
    clock.now = lambda: now
    if step != "not at all":
        room, name, is_before, time = STEPS[step]
        setattr(room, name, _dying(getattr(room, name), is_before=is_before, time=time))
    stop, wake = threading.Event(), threading.Event()
    deliver = delivery.deliver_all

    def deliver_once(is_over: Callable[[], bool]) -> None:
        deliver(is_over)
        stop.set()
        wake.set()

    delivery.deliver_all = deliver_once
    scheduler._deliver_until(stop, wake)


def _warm_up() -> None:
    """What a process learns once, before the first round: tables, templates."""
    configure_mappers()
    letters.framed("", subject="", language="en")


def _settle_in(environment: dict[str, str]) -> None:
    """From here on everything is as in this environment; the database has told its version, and is left alone."""
    os.environ.clear()
    os.environ.update(environment)
    settings.cache_clear()
    open_engine.cache_clear()
    with engine().connect():
        pass
    engine().dispose()


def main() -> None:
    _warm_up()
    last: dict[str, str] | None = None
    for line in sys.stdin:
        step, seconds, environment = json.loads(line)
        if environment != last:
            _settle_in(environment)
            last = environment
        child = os.fork()
        if not child:
            _live_until(step, datetime.fromtimestamp(seconds, UTC))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
