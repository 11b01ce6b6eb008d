"""What follows from what happens. The table below is the page to read to know the product."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from medcal.db import changed, fetch
from medcal.security import Actor
from medcal.services import account_letters, notifications

# One for all: json.dumps would make an encoder for each event.
_as_json = json.JSONEncoder(default=str).encode


@dataclass(frozen=True)
class Follows:
    """`tells`: the message a patient gets; `tells_owner`: that of an account gets a mail. Every event also goes into the history and into open
    calendars."""

    tells: str | None = None
    tells_owner: bool = False


EVENTS: dict[str, Follows] = {
    # A form or the desk
    "appointment.held": Follows(),
    "appointment.released": Follows(),
    "appointment.booked": Follows(tells="appointment.booked"),
    "appointment.confirmed": Follows(),
    "appointment.moved": Follows(tells="appointment.moved"),
    "appointment.cancelled": Follows(tells="appointment.cancelled"),
    "appointment.restored": Follows(tells="appointment.booked"),
    "appointment.arrived": Follows(),
    "appointment.fulfilled": Follows(),
    "appointment.no_show": Follows(),
    "appointment.no_show_undone": Follows(),
    # Something earlier
    "waitlist.joined": Follows(),
    "waitlist.left": Follows(),
    "waitlist.put_back": Follows(),
    "waitlist.paused": Follows(tells="waitlist.paused"),
    "waitlist.resumed": Follows(),
    "waitlist.urgency": Follows(),
    "time.freed": Follows(),
    "time.filled": Follows(),
    "time.gone": Follows(),
    "offer.made": Follows(tells="offer.made"),
    "offer.accepted": Follows(),
    "offer.declined": Follows(),
    "offer.expired": Follows(),
    "offer.taken": Follows(tells="offer.taken"),
    "offer.withdrawn": Follows(tells="offer.withdrawn"),
    "policy.changed": Follows(),
    "reminders.changed": Follows(),
    "habits.changed": Follows(),
    # Messages
    "message.replayed": Follows(),
    "message.resent": Follows(),
    "messages.replayed": Follows(),
    "message.called": Follows(),
    # Words and calendars; of a text that patients agree to the versions, 0 for ours
    "words.changed": Follows(),
    "words.reset": Follows(),
    "consent.changed": Follows(),
    "feed.made": Follows(),
    "feed.revoked": Follows(),
    "feed.names": Follows(),
    # Accounts; `account` in the detail says whose
    "account.invited": Follows(),
    "account.link_made": Follows(),
    "account.password_set": Follows(tells_owner=True),
    "account.linked": Follows(tells_owner=True),
    "account.unlinked": Follows(tells_owner=True),
    "account.role_changed": Follows(),
    "account.signed_in": Follows(),
    "account.refused": Follows(),
    "account.disabled": Follows(),
    "account.enabled": Follows(),
    "account.signed_out": Follows(),
    "account.second_step_on": Follows(tells_owner=True),
    "account.second_step_off": Follows(tells_owner=True),
    "account.recovery_codes_renewed": Follows(tells_owner=True),
    "account.recovery_code_used": Follows(tells_owner=True),
    "account.new_browser": Follows(tells_owner=True),
    "account.closed_for_a_while": Follows(),
    # A patient's record; no word of who she was stays with the last
    "patient.added": Follows(),
    "patient.data_given": Follows(),
    "patient.erased": Follows(),
    # The history itself
    "audit.lapsed": Follows(),
    # The schedule
    "schedule.changed": Follows(),
    # Settings of the clinic, with old and new values
    "clinic.changed": Follows(),
    "specialty.changed": Follows(),
    "visit_type.changed": Follows(),
    "doctor.changed": Follows(),
}


def record(
    db: Session,
    kind: str,
    *,
    by: Actor,
    now: datetime,
    appointment_id: int | None = None,
    doctor_id: int | None = None,
    freed_time_id: int | None = None,
    offer_id: int | None = None,
    entry_id: int | None = None,
    patient_id: int | None = None,
    quietly: bool = False,
    tell_at: datetime | None = None,
    **detail: Any,
) -> None:
    """Write an event into the history, in the transaction it tells about, with all that follows from it.

    `detail` is kept as JSON: times, codes and references; a name or somebody's own words only sealed (patient_words.py). `quietly` leaves the message out,
    `tell_at` puts it off, so that what the desk did can be taken back before it is told (grace.py).
    """
    follows = EVENTS[kind]
    fetch(
        db,
        """INSERT INTO event (at, kind, actor, staff_user_id, appointment_id, doctor_id, freed_time_id, offer_id, entry_id, patient_id,
                             address, detail)
           VALUES (%(now)s, %(kind)s, %(actor)s, %(staff_user_id)s, %(appointment_id)s, %(doctor_id)s, %(freed_time_id)s,
                   %(offer_id)s, %(entry_id)s, %(patient_id)s, %(address)s, %(detail)s::jsonb)""",
        now=now,
        kind=kind,
        actor=str(by.kind),
        staff_user_id=by.id if by.is_staff else None,
        appointment_id=appointment_id,
        doctor_id=doctor_id,
        freed_time_id=freed_time_id,
        offer_id=offer_id,
        entry_id=entry_id,
        patient_id=patient_id,
        address=by.address or None,
        detail=_as_json(detail),
    )
    if follows.tells and not quietly:
        notifications.write(
            db, follows.tells, appointment_id=appointment_id, offer_id=offer_id, tell_at=tell_at, now=now
        )
    if follows.tells_owner:
        account_letters.write(db, kind, detail["account"], detail, now)
    changed(db)
