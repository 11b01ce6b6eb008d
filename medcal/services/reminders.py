"""Reminders: which visits are to be remembered now, and when it is of use and not at night."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from medcal.db import fetch
from medcal.failures import outline
from medcal.models import Location
from medcal.services.notifications import APPOINTMENTS, write_about
from medcal.services.quiet_hours import end_of_quiet

log = logging.getLogger(__name__)


class Reminder(NamedTuple):
    """A kind of reminder: due so long before the visit, and worth sending late while at least `least` is left."""

    kind: str
    before: timedelta
    least: timedelta


REMINDERS = (
    # Nearer than this, the second one says the same a few hours later.
    Reminder("reminder.three_days", timedelta(days=3), timedelta(days=1, hours=6)),
    Reminder("reminder.one_day", timedelta(days=1), timedelta(hours=2)),
)
# Between two reminders of one batch, so that a long outage is caught up in a stream and not in a burst.
PACE = timedelta(milliseconds=250)
# What waited for the end of the quiet hours leaves within this time after it.
MORNING = timedelta(minutes=20)

# Booked, and what she was last told about this very time is older than the moment of the reminder: a reminder right
# after the confirmation would only repeat it. The day bounds are there for the index.
_UNREMINDED = f"""{APPOINTMENTS}
 WHERE a.status = 'booked' AND a.appointment_date BETWEEN %(now)s::date - 1 AND (%(now)s + %(before)s)::date + 1
   AND a.starts_at > %(now)s AND a.starts_at <= %(now)s + %(before)s
   AND a.booked_at <= a.starts_at - %(before)s
   AND NOT EXISTS (SELECT FROM message m WHERE m.appointment_id = a.id AND m.created_at > a.starts_at - %(before)s
                      AND m.kind IN ('appointment.booked', 'appointment.moved'))
   AND NOT EXISTS (SELECT FROM message m WHERE m.reason = %(kind)s || ':' || a.id || ':v' || a.version)
 ORDER BY a.starts_at, a.id LIMIT %(batch)s
"""


def plan_reminders(db: Session, now: datetime, batch: int = 200) -> int:
    """Write the reminders whose moment has come, each once per appointment version.

    Returns how many, at most `batch` of a kind. Nobody is written to in quiet hours: those wait for the morning. One
    whose moment passed unseen (no scheduler ran) is sent late as long as it helps, else written down as missed. Whoever
    booked after the moment gets none.
    """
    return sum(_plan(db, reminder, now, batch) for reminder in REMINDERS)


def _plan(db: Session, reminder: Reminder, now: datetime, batch: int) -> int:
    rows: Sequence[Any] = fetch(db, _UNREMINDED, kind=reminder.kind, before=reminder.before, now=now, batch=batch)
    for place, row in enumerate(rows):
        try:
            with db.begin_nested():
                _remind(db, reminder, row, now + place * PACE, now)
        except Exception as error:
            # One patient's broken data must not cost all the others their reminder.
            log.error("%s of appointment %d could not be written: %s", reminder.kind, row.id, outline(error))
    return len(rows)


def _remind(db: Session, reminder: Reminder, row: Any, due_at: datetime, now: datetime) -> None:
    useless_at = row.starts_at - reminder.least
    morning = end_of_quiet(due_at, db.get_one(Location, row.location_id))
    if morning is not None:
        due_at = morning + timedelta(seconds=row.id % MORNING.total_seconds())
    status = "due" if due_at < useless_at else "missed"
    write_about(db, reminder.kind, row, due_at=due_at, useless_at=useless_at, status=status, now=now)
