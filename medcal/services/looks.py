"""Who of the staff was shown what about patients: written in the transaction that reads it, once in ten minutes."""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

from sqlmodel import Session

from medcal.db import fetch, looked
from medcal.security import Actor

# Who turns back and forth, or leaves a live page open, is written down as often as this and no oftener.
ONCE_IN = timedelta(minutes=10)


class Seen(StrEnum):
    """What there is to be seen about patients. Of a search it is kept who was found, not what was typed."""

    appointment = "appointment"
    calendar = "calendar"
    appointments = "appointments"
    day_list = "day_list"
    search = "search"
    waitlist = "waitlist"
    offers = "offers"
    trail = "trail"
    messages = "messages"
    message = "message"
    copy = "copy"
    feed = "feed"
    history = "history"
    export = "export"


_NOTE = """
INSERT INTO access_record (at, what, staff_user_id, session_id, address, patient_ids, appointment_id, doctor_id, first_day, last_day)
SELECT clock_timestamp(), n.what, %(staff_user_id)s, n.session_id, %(address)s, n.patient_ids, n.appointment_id, n.doctor_id, n.first_day,
       n.last_day
  FROM (SELECT %(what)s::text AS what, %(session_id)s::bigint AS session_id, %(patients)s::bigint[] AS patient_ids,
               %(appointment_id)s::bigint AS appointment_id, %(doctor_id)s::bigint AS doctor_id, %(first_day)s::date AS first_day,
               %(last_day)s::date AS last_day) n
 WHERE NOT EXISTS (
    SELECT FROM access_record r
     WHERE r.session_id = n.session_id AND r.at > clock_timestamp() - %(once_in)s::interval AND r.what = n.what
       AND r.appointment_id IS NOT DISTINCT FROM n.appointment_id AND r.doctor_id IS NOT DISTINCT FROM n.doctor_id
       AND r.first_day IS NOT DISTINCT FROM n.first_day AND r.last_day IS NOT DISTINCT FROM n.last_day
       AND r.patient_ids @> n.patient_ids)
"""


def note(
    db: Session,
    actor: Actor,
    what: Seen,
    *,
    patients: Iterable[int | None] = (),
    appointment_id: int | None = None,
    doctor_id: int | None = None,
    first_day: date | None = None,
    last_day: date | None = None,
) -> None:
    """Write down that a member of the staff is shown this, unless her session was lately. By the database's clock, which no page moves.

    Nothing is written of what the system reads for itself.
    """
    if not actor.is_staff:
        return
    looked(db)
    fetch(
        db,
        _NOTE,
        what=str(what),
        staff_user_id=actor.id,
        session_id=actor.session_id,
        address=actor.address or None,
        patients=sorted({patient for patient in patients if patient is not None}),
        appointment_id=appointment_id,
        doctor_id=doctor_id,
        first_day=first_day,
        last_day=last_day,
        once_in=ONCE_IN,
    )
