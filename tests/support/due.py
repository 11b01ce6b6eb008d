"""Lets time pass: the scheduler's real work with a later `now`."""

from datetime import datetime

from medcal.db import in_transaction
from medcal.scheduler import JOBS
from medcal.services import answers, booking, delivery, jobs, offers, reminders


def run_due(now: datetime) -> None:
    """Do all that is due at `now`, as the scheduler would: holds, offers, jobs, reminders, deliveries."""
    while in_transaction(booking.release_lapsed_holds, now):
        pass
    while in_transaction(answers.expire_next, now):
        pass
    while jobs.take_next(JOBS, now):
        pass
    while in_transaction(offers.offer_next, now):
        pass
    in_transaction(reminders.plan_reminders, now)
    while delivery.deliver_next(now):
        pass
