"""A patient's place on the list in plain numbers, without anything about the others."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from medcal.db import fetch_one
from medcal.models import EntryStatus, WaitlistEntry
from medcal.services.candidates import LEAST_GAIN


@dataclass(frozen=True)
class PlaceInLine:
    """ "You are third of five": `place` of `length` among those who could be asked for the same times (place is None while paused).

    `asked` counts the offers to this wish so far, `last_asked_at` is when the last one was made.
    """

    place: int | None
    length: int
    asked: int
    last_asked_at: datetime | None
    is_paused: bool
    has_offer: bool


# Rivals: who waits at the same place in the same specialty, for a time that both could take. Urgency set by staff comes first, then the
# time waited. Those whose own appointment is so near that they can gain nothing any more are no rivals.
LINE = """
SELECT count(*) AS length,
       count(*) FILTER (WHERE (-r.urgency, r.created_at, r.id) < (-%(urgency)s, %(created_at)s, %(id)s)) + 1 AS place
  FROM waitlist_entry r
  JOIN visit_type v ON v.id = r.visit_type_id JOIN visit_type mine ON mine.id = %(visit_type_id)s
  LEFT JOIN appointment own ON own.id = r.appointment_id
 WHERE r.status = 'waiting' AND r.location_id = %(location_id)s AND v.specialty_id = mine.specialty_id
   AND (r.doctor_id IS NULL OR %(doctor_id)s::bigint IS NULL OR r.doctor_id = %(doctor_id)s)
   AND r.weekdays && %(weekdays)s::smallint[] AND r.opens <= %(closes)s AND r.closes >= %(opens)s
   AND (r.appointment_id IS NULL OR (own.status = 'booked' AND own.starts_at > %(now)s + %(gain)s))
"""


def place_in_line(db: Session, entry: WaitlistEntry, now: datetime, *, weekday: int | None = None) -> PlaceInLine:
    """Where a wish stands in its line, by the order in which offers are made; with `weekday`, for times on that day of the week."""
    line = fetch_one(
        db,
        LINE,
        id=entry.id,
        urgency=entry.urgency,
        created_at=entry.created_at,
        visit_type_id=entry.visit_type_id,
        location_id=entry.location_id,
        doctor_id=entry.doctor_id,
        weekdays=entry.weekdays if weekday is None else [weekday],
        opens=entry.opens,
        closes=entry.closes,
        now=now,
        gain=LEAST_GAIN,
    )
    asked = fetch_one(
        db,
        """SELECT count(*) AS times, max(created_at) AS last_at, coalesce(bool_or(status = 'open'), false) AS has_offer
             FROM offer WHERE entry_id = %(id)s""",
        id=entry.id,
    )
    assert line is not None
    assert asked is not None
    is_waiting = entry.status is EntryStatus.waiting
    return PlaceInLine(
        place=line.place if is_waiting else None,
        # She may be no rival of the others any more, until the sweep finds out.
        length=max(line.length, line.place),
        asked=asked.times,
        last_asked_at=asked.last_at,
        is_paused=entry.status is EntryStatus.paused,
        has_offer=asked.has_offer,
    )
