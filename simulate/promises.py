"""What must never be, asked of the whole database: each line that comes back is a broken promise."""

from sqlmodel import Session

from medcal.db import fetch
from medcal.models.appointments import LIVE

NEVER = {
    "two live claims on one doctor's time": f"""
        SELECT a.id FROM appointment a JOIN appointment b ON a.id < b.id AND a.doctor_id = b.doctor_id
           AND tstzrange(a.starts_at, a.busy_until) && tstzrange(b.starts_at, b.busy_until) WHERE a.{LIVE} AND b.{LIVE}""",
    "an open offer without its hold": """
        SELECT o.id FROM offer o JOIN freed_time f ON f.id = o.freed_time_id JOIN appointment h ON h.id = o.hold_id
         WHERE o.status = 'open' AND (h.status, f.status, f.hold_id, h.held_until) IS DISTINCT FROM ('held', 'offered', h.id, o.answer_until)""",
    "a hold without its offer": """
        SELECT h.id FROM appointment h WHERE h.status = 'held' AND h.held_by IS NULL
           AND NOT EXISTS (SELECT FROM offer o WHERE o.hold_id = h.id AND o.status = 'open')""",
    "two offers accepted for one time": """
        SELECT freed_time_id FROM offer WHERE status = 'accepted' GROUP BY freed_time_id HAVING count(*) > 1""",
    "a time filled without an accepted offer, or the other way round": """
        SELECT f.id FROM freed_time f WHERE (f.status = 'filled')
               <> EXISTS (SELECT FROM offer o WHERE o.freed_time_id = f.id AND o.status = 'accepted')""",
    "an offer that ran out before its minute": """
        SELECT id FROM offer WHERE status = 'expired' AND decided_at < answer_until""",
    "an answer time under a quarter of an hour": """
        SELECT id FROM offer WHERE answer_until < created_at + interval '15 minutes'""",
    "somebody asked twice for one time": """
        SELECT freed_time_id FROM offer GROUP BY freed_time_id, patient_id HAVING count(*) > 1""",
    "a letter written twice": "SELECT kind FROM message WHERE offer_id IS NOT NULL GROUP BY kind, offer_id HAVING count(*) > 1",
}


def broken_promises(db: Session) -> list[str]:
    """What is wrong, in words; empty when every promise holds."""
    return [f"{what} ({len(rows)})" for what, question in NEVER.items() if (rows := fetch(db, question))]
