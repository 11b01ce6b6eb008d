"""What is kept about patients for its time and no longer. How long that is says the environment (config.Keeps).

Everything goes in small transactions, any number of times: whoever is stopped in the middle, or runs beside another, leaves nothing
half done. What goes leaves figures of the clinic, like an erasure.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from medcal.clock import day_start, local_day
from medcal.config import settings
from medcal.db import fetch, fetch_one
from medcal.models.waitlist import ON_THE_LIST
from medcal.security import SYSTEM
from medcal.services.directory import main_location
from medcal.services.erasure import NOBODY, add_nobody, erase_for_good

# So many rows in one transaction, and so many patients in one run: neither is waited for by anybody, nor holds up a stop.
AT_ONCE = 200


def cutoff(now: datetime, zone: ZoneInfo, *, days: int = 0, months: int = 0) -> datetime:
    """What lies before this instant has been kept for so many whole days, or months, of the location's calendar after its own day.

    A midnight there, so of one day all goes together. A month that has no such day ends with its last: never too early.
    """
    day = _months_before(local_day(now, zone), months) - timedelta(days=days)
    return day_start(day, zone)


def _months_before(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def forget_some(db: Session, now: datetime) -> int:
    """One batch of what has outlived its time, but for patients; returns how many rows, 0 when nothing is left.

    Of one kind in one transaction, so that it holds no row while it wants one that comes before it in the order of locks (offers.py).
    """
    zone, keeps = _zone(db), settings().keeps
    due: tuple[tuple[Callable[[Session, datetime], int], int, datetime], ...] = (
        (_empty_notes, keeps.notes_months, cutoff(now, zone, months=keeps.notes_months)),
        (_empty_messages, keeps.messages_days, cutoff(now, zone, days=keeps.messages_days)),
        (_forget_wishes, keeps.wishes_days, cutoff(now, zone, days=keeps.wishes_days)),
        (_forget_holds, keeps.holds_days, cutoff(now, zone, days=keeps.holds_days)),
    )
    done = (forget(db, before) for forget, kept_for, before in due if kept_for)
    return next(filter(None, done), 0)


def _zone(db: Session) -> ZoneInfo:
    location = main_location(db)
    return location.zone_info if location else ZoneInfo("UTC")


def _empty_notes(db: Session, before: datetime) -> int:
    """What was said in own words about visits that have been; that they were overbooked, and by whom, stays."""
    rows = fetch(
        db,
        """WITH old AS (
              SELECT id FROM appointment
               WHERE ends_at < %(before)s AND status <> 'held'
                 AND (reason <> '' OR request <> '' OR cancel_reason <> '' OR overbooked_reason <> '' OR undo IS NOT NULL)
               ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
           UPDATE appointment a SET reason = '', request = '', cancel_reason = '', undo = NULL,
                  overbooked_reason = CASE WHEN overbooked_reason IS NOT NULL THEN '' END
             FROM old WHERE a.id = old.id RETURNING a.id""",
        before=before,
        most=AT_ONCE,
    )
    return len(rows)


def _empty_messages(db: Session, before: datetime) -> int:
    """The words, where they went, and what each attempt met with: that and when she was told stays. Not before the visit they name."""
    rows = fetch(
        db,
        """WITH old AS (
              SELECT id FROM message
               WHERE created_at < %(before)s AND coalesce(visit_starts_at, created_at) < %(before)s
                 AND status NOT IN ('due', 'taken') AND (recipient <> '' OR text <> '' OR subject <> '')
               ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
           UPDATE message m SET recipient = '', recipient_name = '', subject = '', text = '', html = '', calendar = '',
                  last_error = '', far_id = '', answer_by = NULL
             FROM old WHERE m.id = old.id RETURNING m.id""",
        before=before,
        most=AT_ONCE,
    )
    fetch(db, "DELETE FROM delivery WHERE message_id = ANY(%(ids)s)", ids=[row.id for row in rows])
    return len(rows)


def _forget_wishes(db: Session, before: datetime) -> int:
    """Wishes that have ended, with what they asked for and whom: that somebody waited, and was asked, stays."""
    rows = fetch(
        db,
        f"""SELECT e.id, p.language FROM waitlist_entry e JOIN patient p ON p.id = e.patient_id
             WHERE NOT e.{ON_THE_LIST} AND p.name <> %(nobody)s AND e.created_at < %(before)s
               AND NOT EXISTS (SELECT FROM event v WHERE v.entry_id = e.id AND v.at >= %(before)s)
             ORDER BY e.id LIMIT %(most)s FOR UPDATE OF e SKIP LOCKED""",
        nobody=NOBODY,
        before=before,
        most=AT_ONCE,
    )
    for row in rows:
        _forget_wish(db, row.id, add_nobody(db, before, language=row.language))
    return len(rows)


def _forget_wish(db: Session, entry_id: int, nobody: int) -> None:
    fetch(
        db,
        """UPDATE waitlist_entry SET patient_id = %(nobody)s, ref = gen_random_uuid(), weekdays = '{0,1,2,3,4,5,6}', opens = '00:00',
                  closes = '23:59', notice_hours = 24, urgency = 0, doctor_id = NULL
            WHERE id = %(id)s""",
        id=entry_id,
        nobody=nobody,
    )
    fetch(
        db,
        "UPDATE offer SET patient_id = %(nobody)s, ref = gen_random_uuid() WHERE entry_id = %(id)s",
        id=entry_id,
        nobody=nobody,
    )


def _forget_holds(db: Session, before: datetime) -> int:
    """Times that were held and never became visits: by which browser, and for whom."""
    rows = fetch(
        db,
        """WITH old AS (
              SELECT id FROM appointment
               WHERE status = 'released' AND created_at < %(before)s
                 AND (held_by IS NOT NULL OR patient_id IS NOT NULL OR booker_id IS NOT NULL)
               ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
           UPDATE appointment a SET held_by = NULL, patient_id = NULL, booker_id = NULL
             FROM old WHERE a.id = old.id RETURNING a.id""",
        before=before,
        most=AT_ONCE,
    )
    return len(rows)


# --- Patients -----------------------------------------------------------------------------------------------------------

# Neither seen, nor waiting, nor booking for somebody since then. Her own future visits are later than that, too.
_IDLE = f"""
SELECT p.id FROM patient p
 WHERE p.name <> %(nobody)s AND p.created_at < %(before)s
   AND NOT EXISTS (SELECT FROM appointment a WHERE a.patient_id = p.id AND a.status <> 'released' AND a.starts_at >= %(before)s)
   AND NOT EXISTS (SELECT FROM waitlist_entry e
                    WHERE e.patient_id = p.id
                      AND (e.{ON_THE_LIST} OR e.created_at >= %(before)s
                           OR EXISTS (SELECT FROM event v WHERE v.entry_id = e.id AND v.at >= %(before)s)))
   AND NOT EXISTS (SELECT FROM booker b JOIN appointment a ON a.booker_id = b.id
                    WHERE (lower(b.email) = lower(p.email) OR b.phone = p.phone) AND lower(b.name) = lower(p.name)
                      AND a.starts_at >= %(before)s)
"""


def find_idle(db: Session, now: datetime) -> list[int]:
    """Some of the patients who have not been here for so long that their records go."""
    before = _idle_before(db, now)
    if before is None:
        return []
    rows = fetch(db, f"{_IDLE} ORDER BY p.id LIMIT %(most)s", nobody=NOBODY, before=before, most=AT_ONCE)
    return [row.id for row in rows]


def forget_patient(db: Session, patient_id: int, now: datetime) -> None:
    """Erase a patient who is still as idle as she was found. Nothing happens to one who has come back, or who is just being erased."""
    before = _idle_before(db, now)
    still = f"{_IDLE} AND p.id = %(id)s FOR UPDATE OF p SKIP LOCKED"
    if before and fetch_one(db, still, nobody=NOBODY, before=before, id=patient_id):
        erase_for_good(db, patient_id, by=SYSTEM, now=now)


def _idle_before(db: Session, now: datetime) -> datetime | None:
    months = settings().keeps.patients_months
    return cutoff(now, _zone(db), months=months) if months else None
