"""Reminders: which visits are to be remembered now, by the rules of their place, and when it is of use and not at night."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from medcal.db import changed, fetch
from medcal.failures import outline
from medcal.i18n import n_
from medcal.models import Location, ReminderRule
from medcal.services.grace import WAITS
from medcal.services.notifications import write_about
from medcal.services.quiet_hours import end_of_quiet
from medcal.services.told import APPOINTMENTS

log = logging.getLogger(__name__)

# What a clinic begins with, in hours before a visit: 4.4 % missed, with either alone 5.8 % and 5.3 % (https://pubmed.ncbi.nlm.nih.gov/30130032/).
USUAL = (72, 24)
# The last reminder is of use while she can still set out, or tell us that she will not.
LEAST = timedelta(hours=2)
# Between two reminders of one batch, so that a long outage is caught up in a stream and not in a burst.
PACE = timedelta(milliseconds=250)
# What waited for the end of the quiet hours leaves within this time after it.
MORNING = timedelta(minutes=20)

TOO_NEAR = n_("When its turn came, the visit or the next reminder was too near.")

# Hours before a visit, by location and kind of visit; None stands for all kinds that have no rules of their own.
Rules = Mapping[tuple[int, int | None], Sequence[int]]


# --- The rules --------------------------------------------------------------------------------------------------------


def rules_of(db: Session) -> dict[tuple[int, int | None], list[int]]:
    """All rules, those far from the visit first."""
    found: dict[tuple[int, int | None], list[int]] = {}
    for rule in db.exec(select(ReminderRule).order_by(col(ReminderRule.before_hours).desc())):
        found.setdefault((rule.location_id, rule.visit_type_id), []).append(rule.before_hours)
    return found


def hours_for(rules: Rules, location_id: int, visit_type_id: int | None) -> Sequence[int]:
    """The reminders of a kind of visit at a location: its own, else the location's."""
    return rules.get((location_id, visit_type_id)) or rules.get((location_id, None)) or ()


def least_lead(hours: int, others: Iterable[int]) -> timedelta:
    """How near to the visit a late reminder is still of use: not so near that the next one says the same a few hours later, and never
    in the last two hours."""
    before, nearer = timedelta(hours=hours), max((each for each in others if each < hours), default=0)
    if not nearer:
        return min(LEAST, before / 2)
    following = timedelta(hours=nearer)
    return following + min(following / 4, (before - following) / 2)


def write_rules(
    db: Session, location_id: int, visit_type_id: int | None, hours: Iterable[int], *, now: datetime
) -> None:
    """Replace the reminders of a location, or of one kind of visit there; without any, that kind follows the location's.

    One that is new reminds of visits whose moment is still to come.
    """
    fetch(
        db,
        """DELETE FROM reminder_rule WHERE location_id = %(location_id)s AND visit_type_id IS NOT DISTINCT FROM %(visit_type_id)s
              AND before_hours <> ALL (%(hours)s)""",
        location_id=location_id,
        visit_type_id=visit_type_id,
        hours=list(hours),
    )
    fetch(
        db,
        """INSERT INTO reminder_rule (location_id, visit_type_id, before_hours, holds_from)
           SELECT %(location_id)s, %(visit_type_id)s, hours, %(now)s FROM unnest(%(hours)s::int[]) AS hours
           ON CONFLICT DO NOTHING""",
        location_id=location_id,
        visit_type_id=visit_type_id,
        hours=list(hours),
        now=now,
    )
    changed(db)


def write_usual_rules(db: Session, location: Location, *, now: datetime) -> None:
    """The reminders that a new location begins with."""
    assert location.id is not None
    write_rules(db, location.id, None, USUAL, now=now)


# --- Planning ---------------------------------------------------------------------------------------------------------

# Booked, with a rule that holds for it, and what she was last told about this very time is older than the moment of the reminder: a
# reminder right after the confirmation would only repeat it. While a change waits to be told, or to be taken back, nothing is said. A
# visit that went away and came back unsaid had its reminders. The day bounds are there for the index.
_UNREMINDED = f"""{APPOINTMENTS}
 WHERE a.status = 'booked' AND a.appointment_date BETWEEN %(now)s::date - 1 AND (%(now)s + %(before)s)::date + 1
   AND a.starts_at > %(now)s AND a.starts_at <= %(now)s + %(before)s
   AND a.booked_at <= a.starts_at - %(before)s
   AND EXISTS (SELECT FROM reminder_rule r
                WHERE r.location_id = a.location_id AND r.before_hours = %(hours)s AND r.holds_from <= a.starts_at - %(before)s
                  AND r.visit_type_id IS NOT DISTINCT FROM (
                      SELECT own.visit_type_id FROM reminder_rule own
                       WHERE own.location_id = a.location_id AND own.visit_type_id = a.visit_type_id LIMIT 1))
   AND NOT EXISTS (SELECT FROM message m WHERE m.appointment_id = a.id AND m.due_at > %(now)s AND {WAITS})
   AND NOT EXISTS (SELECT FROM message m
                    WHERE m.appointment_id = a.id AND m.created_at > a.starts_at - %(before)s AND m.status <> 'dropped'
                      AND m.kind IN ('appointment.booked', 'appointment.moved'))
   AND NOT EXISTS (SELECT FROM message m
                    WHERE m.appointment_id = a.id AND m.kind = 'reminder' AND m.status <> 'dropped'
                      AND (m.visit_starts_at, m.visit_doctor_id) = (a.starts_at, a.doctor_id)
                      AND split_part(m.reason, ':', 4) = %(hours)s::text)
   AND NOT EXISTS (SELECT FROM message m WHERE m.reason = 'reminder:' || a.id || ':v' || a.version || ':' || %(hours)s)
 ORDER BY a.starts_at, a.id LIMIT %(batch)s
"""


def plan_reminders(db: Session, now: datetime, batch: int = 200) -> int:
    """Write the reminders whose moment has come, each once per rule and appointment version.

    Returns how many, at most `batch` of a rule. Nobody is written to in quiet hours: those wait for the morning. One
    whose moment passed unseen (no scheduler ran) is sent late as long as it helps, else written down as missed. Whoever
    booked after the moment gets none.
    """
    rules = rules_of(db)
    wanted = sorted({hours for each in rules.values() for hours in each}, reverse=True)
    return sum(_plan(db, rules, hours, now, batch) for hours in wanted)


def _plan(db: Session, rules: Rules, hours: int, now: datetime, batch: int) -> int:
    before = timedelta(hours=hours)
    rows: Sequence[Any] = fetch(db, _UNREMINDED, hours=hours, before=before, now=now, batch=batch)
    for place, row in enumerate(rows):
        least = least_lead(hours, hours_for(rules, row.location_id, row.visit_type_id))
        try:
            with db.begin_nested():
                _remind(db, row, hours, row.starts_at - least, now + place * PACE, now)
        except Exception as error:
            # One patient's broken data must not cost all the others their reminder.
            log.error("the reminder of appointment %d could not be written: %s", row.id, outline(error))
    return len(rows)


def _remind(db: Session, row: Any, hours: int, useless_at: datetime, due_at: datetime, now: datetime) -> None:
    morning = end_of_quiet(due_at, db.get_one(Location, row.location_id))
    if morning is not None:
        due_at = morning + timedelta(seconds=row.id % MORNING.total_seconds())
    write_about(
        db,
        "reminder",
        row,
        reason=f"reminder:{row.id}:v{row.version}:{hours}",
        due_at=due_at,
        useless_at=useless_at,
        missed="" if due_at < useless_at else TOO_NEAR,
        now=now,
    )
