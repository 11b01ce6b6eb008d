"""What offers achieve: what became of freed time, how fast, at what cost, and who is left out. For admins."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch
from medcal.roles import Can, check
from medcal.security import Actor

# Bounds between the classes of lead time, from the moment when a time became free to its start.
LEAD_HOURS = (4, 24, 72, 168)
# Bounds between age groups, in years at the end of the period.
AGES = (18, 40, 65, 80)


@dataclass(frozen=True)
class Fills:
    """What became of some freed times. `what` says by what they are grouped: all, lead, cause, doctor or visit.

    `key` is the class of lead time (0 is the nearest), the cause, or nothing; `names` are a doctor's, or a specialty's and a
    visit's. `closed`: the doctor no longer works then, so nobody could have had it; `running`: still to be decided. Medians are over
    the times that an offer filled, the gain over those of them that moved an appointment.
    """

    what: str
    key: str
    names: tuple[str, ...]
    by_offer: int = 0
    by_public: int = 0
    by_desk: int = 0
    lost: int = 0
    closed: int = 0
    running: int = 0
    offers: int = 0
    minutes_to_fill: float | None = None
    days_gained: float | None = None

    @property
    def freed(self) -> int:
        """The times that could be filled, and of which it is known whether they were."""
        return self.by_offer + self.by_public + self.by_desk + self.lost

    @property
    def share_by_offer(self) -> float | None:
        return self.by_offer / self.freed if self.freed else None

    @property
    def share_used(self) -> float | None:
        return (self.freed - self.lost) / self.freed if self.freed else None

    @property
    def offers_per_fill(self) -> float | None:
        return self.offers / self.by_offer if self.by_offer else None


@dataclass(frozen=True)
class Reached:
    """How many people of a group waited in the period, and how far offers reached them; `what` is channel, language or age.

    `key` is the channel, the language's code, or the number of the age group; empty where the age is not known. `unanswered` of
    the `offers` ran out.
    """

    what: str
    key: str
    waited: int
    asked: int
    accepted: int
    offers: int
    unanswered: int

    @property
    def share_asked(self) -> float | None:
        return self.asked / self.waited if self.waited else None

    @property
    def share_accepted(self) -> float | None:
        return self.accepted / self.asked if self.asked else None

    @property
    def share_unanswered(self) -> float | None:
        return self.unanswered / self.offers if self.offers else None


@dataclass(frozen=True)
class Statistics:
    """The figures of a period, which goes by the moment when a time became free, and when an offer was made."""

    since: datetime
    until: datetime
    total: Fills
    fills: tuple[Fills, ...]
    reached: tuple[Reached, ...]


def statistics(db: Session, actor: Actor, *, days: int, now: datetime) -> Statistics:
    """The figures of the last so many days. Raises NotAllowed for everybody but admins and the clinic's own command."""
    check(actor, Can.read_statistics)
    since = now - timedelta(days=days)
    fills = _fills(db, since, now)
    total = next((each for each in fills if each.what == "all"), Fills("all", "", ()))
    return Statistics(since, now, total, tuple(each for each in fills if each.what != "all"), _reached(db, since, now))


# --- What became of freed time ----------------------------------------------------------------------------------------

# A time that came too near for offers, or that no offer filled, may still have been booked: what stands in it counts.
_FATES = """
SELECT f.*, coalesce(o.offers, 0) AS offers, gain.days,
       CASE WHEN f.ended_by IN ('offer', 'public', 'desk', 'closed') THEN f.ended_by
            WHEN later.by_desk THEN 'desk' WHEN NOT later.by_desk THEN 'public'
            WHEN f.starts_at > %(until)s THEN 'running' ELSE 'lost' END AS fate,
       extract(epoch FROM f.ended_at - f.created_at) / 60 AS minutes,
       width_bucket(extract(epoch FROM f.starts_at - f.created_at) / 3600, %(lead_hours)s::numeric[])::text AS lead
  FROM freed_time f
  LEFT JOIN (SELECT freed_time_id, count(*) AS offers FROM offer WHERE created_at > %(since)s GROUP BY freed_time_id) o
    ON o.freed_time_id = f.id
  LEFT JOIN LATERAL (
    SELECT coalesce((SELECT e.actor = 'staff' FROM event e WHERE e.appointment_id = a.id
                      AND e.kind IN ('appointment.booked', 'appointment.moved') ORDER BY e.id DESC LIMIT 1), false) AS by_desk
      FROM appointment a
     WHERE (f.ended_by IS NULL OR f.ended_by IN ('late', 'past'))
       AND a.doctor_id = f.doctor_id AND a.status IN ('booked', 'arrived', 'fulfilled', 'no_show')
       AND a.starts_at > f.starts_at - interval '12 hours' AND a.starts_at < f.ends_at AND a.busy_until > f.starts_at
     LIMIT 1) later ON true
  LEFT JOIN LATERAL (
    SELECT extract(epoch FROM (m.detail -> 'old' ->> 'starts_at')::timestamptz - f.starts_at) / 86400 AS days
      FROM offer a JOIN waitlist_entry w ON w.id = a.entry_id
      JOIN event m ON m.appointment_id = w.appointment_id AND m.kind = 'appointment.moved' AND m.at = a.decided_at
     WHERE f.ended_by = 'offer' AND a.freed_time_id = f.id AND a.status = 'accepted' LIMIT 1) gain ON true
 WHERE f.created_at > %(since)s AND f.created_at <= %(until)s AND f.ended_by IS DISTINCT FROM 'undone'
"""

_FILLS = f"""
SELECT by.what, by.key, by.names,
       count(*) FILTER (WHERE fate = 'offer') AS by_offer, count(*) FILTER (WHERE fate = 'public') AS by_public,
       count(*) FILTER (WHERE fate = 'desk') AS by_desk, count(*) FILTER (WHERE fate = 'lost') AS lost,
       count(*) FILTER (WHERE fate = 'closed') AS closed, count(*) FILTER (WHERE fate = 'running') AS running,
       coalesce(sum(f.offers) FILTER (WHERE fate NOT IN ('running', 'closed')), 0)::int AS offers,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY f.minutes) FILTER (WHERE fate = 'offer') AS minutes_to_fill,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY f.days) FILTER (WHERE fate = 'offer') AS days_gained
  FROM ({_FATES}) f
  JOIN doctor d ON d.id = f.doctor_id
  LEFT JOIN visit_type v ON v.id = f.visit_type_id LEFT JOIN specialty s ON s.id = v.specialty_id
 CROSS JOIN LATERAL (VALUES
       ('all', '', '', ARRAY[]::text[]),
       ('lead', f.lead, '', ARRAY[]::text[]),
       ('cause', f.cause, '', ARRAY[]::text[]),
       ('doctor', '', d.id::text, ARRAY[d.name]),
       ('visit', '', v.id::text, ARRAY[s.name, v.name])
     ) AS by(what, key, id, names)
 GROUP BY by.what, by.key, by.id, by.names ORDER BY by.what, by.key, by.names, by.id
"""


def _fills(db: Session, since: datetime, until: datetime) -> list[Fills]:
    rows = fetch(db, _FILLS, since=since, until=until, lead_hours=list(LEAD_HOURS))
    return [Fills(**{**row._asdict(), "names": tuple(name for name in row.names if name)}) for row in rows]


# --- Who is left out --------------------------------------------------------------------------------------------------

# Who was on the list at any time of the period. What reaches a patient is what her messages take: the booker's address where
# somebody booked for her.
_WAITED = """
SELECT e.patient_id, p.language, o.made, o.accepted, o.expired,
       CASE WHEN coalesce(b.email, CASE WHEN b.id IS NULL THEN p.email END) IS NOT NULL THEN 'email'
            WHEN coalesce(b.phone, CASE WHEN b.id IS NULL THEN p.phone END) IS NOT NULL THEN 'sms' ELSE 'call' END AS channel,
       coalesce(width_bucket(extract(year FROM age(%(until)s, p.born_on)), %(ages)s::numeric[])::text, '') AS age
  FROM waitlist_entry e JOIN patient p ON p.id = e.patient_id
  LEFT JOIN appointment a ON a.id = e.appointment_id LEFT JOIN booker b ON b.id = a.booker_id
  LEFT JOIN (SELECT entry_id, count(*) AS made, count(*) FILTER (WHERE status = 'accepted') AS accepted,
                    count(*) FILTER (WHERE status = 'expired') AS expired
               FROM offer WHERE created_at > %(since)s AND created_at <= %(until)s GROUP BY entry_id) o ON o.entry_id = e.id
 WHERE e.created_at <= %(until)s
   AND (e.status IN ('waiting', 'paused') OR e.id IN (
        SELECT x.entry_id FROM event x WHERE x.kind IN ('waitlist.left', 'offer.accepted') AND x.at > %(since)s))
"""

_REACHED = f"""
SELECT by.what, by.key, count(DISTINCT w.patient_id) AS waited, count(DISTINCT w.patient_id) FILTER (WHERE w.made > 0) AS asked,
       count(DISTINCT w.patient_id) FILTER (WHERE w.accepted > 0) AS accepted,
       coalesce(sum(w.made), 0)::int AS offers, coalesce(sum(w.expired), 0)::int AS unanswered
  FROM ({_WAITED}) w
 CROSS JOIN LATERAL (VALUES ('channel', w.channel), ('language', w.language), ('age', w.age)) AS by(what, key)
 GROUP BY by.what, by.key ORDER BY by.what, by.key = '', by.key
"""


def _reached(db: Session, since: datetime, until: datetime) -> tuple[Reached, ...]:
    rows = fetch(db, _REACHED, since=since, until=until, ages=list(AGES))
    return tuple(Reached(*row) for row in rows)
