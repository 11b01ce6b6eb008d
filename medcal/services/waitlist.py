"""The wish for something earlier: who waits, for what, and within which limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlmodel import Session, col, select

from medcal.db import changed, fetch, fetch_one
from medcal.errors import NotPossibleNow
from medcal.i18n import t
from medcal.models import Appointment, AppointmentStatus, Doctor, EntryStatus, Location, VisitType, WaitlistEntry
from medcal.models.waitlist import ON_THE_LIST
from medcal.security import PATIENT, SYSTEM, Actor, digest
from medcal.services import events, patients, withdrawals
from medcal.services.candidates import LEAST_GAIN
from medcal.services.consents import Shown, keep_version
from medcal.services.offer_states import ENTRY, after
from medcal.services.patients import Person

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Wish:
    """The limits of somebody who wants an earlier time; `opens` and `closes` bound the start, on the location's clock.

    `consent` is the text that stood beside the form; nothing where the desk asks for her.
    """

    any_doctor: bool = True
    weekdays: tuple[int, ...] = EVERY_DAY
    opens: time = time(0)
    closes: time = time(23, 59)
    notice_hours: int = 24
    consent: Shown | None = None


def can_gain(appointment: Appointment, now: datetime) -> bool:
    """Whether there is still enough time before the appointment for an earlier one to be worth it."""
    return appointment.starts_at > now + LEAST_GAIN


# Who asks again is on the list already, or comes back to it, and keeps her place.
JOIN = """
INSERT INTO waitlist_entry (ref, patient_id, appointment_id, own_starts_at, visit_type_id, location_id, doctor_id, weekdays, opens, closes,
                            notice_hours, urgency, status, created_at, consent_id)
VALUES (gen_random_uuid(), %(patient_id)s, %(appointment_id)s, %(own_starts_at)s, %(visit_type_id)s, %(location_id)s, %(doctor_id)s,
        %(weekdays)s::smallint[], %(opens)s, %(closes)s, %(notice_hours)s, 0, %(status)s, %(now)s, %(consent_id)s)
ON CONFLICT ({unique}) WHERE {predicate}
DO UPDATE SET doctor_id = excluded.doctor_id, weekdays = excluded.weekdays, opens = excluded.opens, closes = excluded.closes,
              notice_hours = excluded.notice_hours, own_starts_at = excluded.own_starts_at, status = excluded.status, unanswered_in_row = 0,
              consent_id = coalesce(excluded.consent_id, waitlist_entry.consent_id)
RETURNING id
"""


def _limits(wish: Wish) -> dict[str, Any]:
    return {
        "weekdays": sorted(set(wish.weekdays)),
        "opens": wish.opens,
        "closes": wish.closes,
        "notice_hours": wish.notice_hours,
    }


def _consent_id(db: Session, wish: Wish, now: datetime) -> int | None:
    return keep_version(db, wish.consent, now=now) if wish.consent else None


def join(db: Session, appointment: Appointment, wish: Wish, *, by: Actor, now: datetime) -> None:
    """Put the holder of an appointment on the list for something earlier; asking again changes the limits and keeps the place.

    Raises NotPossibleNow for an appointment that is not booked, or so near that nothing could be gained.
    """
    # In the order of locks, and so that it can neither move nor end unnoticed meanwhile.
    _lock(db, WaitlistEntry.appointment_id == appointment.id, _is_listed())
    db.refresh(appointment, with_for_update={"key_share": True})
    if appointment.status is not AppointmentStatus.booked or not can_gain(appointment, now):
        raise NotPossibleNow(t("This appointment is too soon to look for an earlier time."))
    row = fetch_one(
        db,
        JOIN.format(unique="appointment_id", predicate=f"{ON_THE_LIST} AND appointment_id IS NOT NULL"),
        patient_id=appointment.patient_id,
        appointment_id=appointment.id,
        own_starts_at=appointment.starts_at,
        visit_type_id=appointment.visit_type_id,
        location_id=appointment.location_id,
        doctor_id=None if wish.any_doctor else appointment.doctor_id,
        consent_id=_consent_id(db, wish, now),
        **_limits(wish),
        status=str(after(ENTRY, None, "joined", by)),
        now=now,
    )
    assert row is not None
    events.record(
        db, "waitlist.joined", by=by, now=now, appointment_id=appointment.id, entry_id=row.id, new=_limits(wish)
    )


def wait_without_appointment(
    db: Session,
    person: Person,
    visit_type: VisitType,
    location: Location,
    wish: Wish,
    *,
    doctor: Doctor | None = None,
    by: Actor,
    now: datetime,
) -> int:
    """Put somebody on the list who has no appointment yet. Returns the entry's id; one who already waits keeps her place."""
    patient_id = patients.find_or_add(db, person, by=by, now=now)
    row = fetch_one(
        db,
        JOIN.format(unique="patient_id, visit_type_id", predicate=f"{ON_THE_LIST} AND appointment_id IS NULL"),
        patient_id=patient_id,
        appointment_id=None,
        own_starts_at=None,
        visit_type_id=visit_type.id,
        location_id=location.id,
        doctor_id=doctor.id if doctor else None,
        consent_id=_consent_id(db, wish, now),
        **_limits(wish),
        status=str(after(ENTRY, None, "joined", by)),
        now=now,
    )
    assert row is not None
    events.record(db, "waitlist.joined", by=by, now=now, entry_id=row.id, patient_id=patient_id, new=_limits(wish))
    return int(row.id)


def entry_of(db: Session, appointment_id: int) -> WaitlistEntry | None:
    """The wish of an appointment's holder, waiting or paused."""
    return db.exec(
        select(WaitlistEntry).where(WaitlistEntry.appointment_id == appointment_id, _is_listed())
    ).one_or_none()


def resume(db: Session, entry_id: int, *, by: Actor, now: datetime) -> None:
    """Keep somebody on the list whose wish was paused: she is asked again, in her old place. Raises NotPossibleNow when it has ended."""
    [entry] = _lock(db, WaitlistEntry.id == entry_id)
    if entry.status is EntryStatus.waiting:
        return
    if entry.status is not EntryStatus.paused:
        raise NotPossibleNow(t("You are no longer on the list for an earlier time."))
    entry.status, entry.unanswered_in_row = after(ENTRY, entry.status, "resumed", by), 0
    events.record(db, "waitlist.resumed", by=by, now=now, appointment_id=entry.appointment_id, entry_id=entry.id)


def leave(db: Session, appointment_id: int, *, by: Actor, now: datetime) -> None:
    """The holder of an appointment no longer asks for something earlier; an open offer to her ends."""
    _withdraw(db, _lock(db, WaitlistEntry.appointment_id == appointment_id, _is_listed()), by=by, now=now)


def withdraw(db: Session, entry_id: int, *, by: Actor, now: datetime) -> None:
    """Take a wish off the list; an open offer to it ends. One that has ended already is left alone."""
    _withdraw(db, _lock(db, WaitlistEntry.id == entry_id, _is_listed()), by=by, now=now)


def leave_by_link(db: Session, token: str, now: datetime) -> bool:
    """Take the wish off the list that a letter's link is about; False for a link that is unknown, old, or about something else."""
    row = fetch_one(
        db,
        """SELECT o.entry_id FROM access_token k JOIN offer o ON o.id = k.offer_id
            WHERE k.token_digest = %(digest)s AND k.purpose IN ('offer', 'earlier') AND k.expires_at > %(now)s""",
        digest=digest(token),
        now=now,
    )
    if row is None:
        return False
    withdraw(db, row.entry_id, by=PATIENT, now=now)
    return True


def put_back(db: Session, appointment_id: int, *, left_at: datetime, by: Actor, now: datetime) -> bool:
    """What ended the wish of an appointment's holder at that instant is taken back: she is on the list again, in her old place.

    False where it ended no wish. Comes before the freed time and the appointment are locked.
    """
    row = fetch_one(
        db,
        """SELECT e.entry_id AS id, (SELECT kind FROM event before
                    WHERE before.appointment_id = e.appointment_id AND before.entry_id = e.entry_id AND before.id < e.id
                      AND before.kind IN ('waitlist.joined', 'waitlist.paused', 'waitlist.resumed')
                    ORDER BY before.id DESC LIMIT 1) AS last
             FROM event e WHERE e.appointment_id = %(id)s AND e.kind = 'waitlist.left' AND e.at = %(left_at)s""",
        id=appointment_id,
        left_at=left_at,
    )
    if row is None:
        return False
    [entry] = _lock(db, WaitlistEntry.id == row.id)
    if entry.status is not EntryStatus.withdrawn or entry_of(db, appointment_id):
        return False
    event = "put back paused" if row.last == "waitlist.paused" else "put back"
    entry.status = after(ENTRY, entry.status, event, by)
    events.record(db, "waitlist.put_back", by=by, now=now, appointment_id=appointment_id, entry_id=entry.id)
    return True


def lock_wish(db: Session, appointment: Appointment) -> int | None:
    """Keep the wish of an appointment's holder as it is: before any other row where that appointment is about to move. Returns its id."""
    found = _lock(db, WaitlistEntry.appointment_id == appointment.id, _is_listed())
    return found[0].id if found else None


def follow_move(db: Session, appointment_id: int, starts_at: datetime, *, by: Actor, now: datetime) -> None:
    """The appointment is about to move to `starts_at`: an open offer for it ends, and so does a wish that cannot gain a day any more.

    Comes before the appointment's row is locked.
    """
    entries = _lock(db, WaitlistEntry.appointment_id == appointment_id, _is_listed())
    if starts_at <= now + LEAST_GAIN:
        _withdraw(db, entries, by=by, now=now)
    else:
        withdrawals.close_offers_to(db, [entry.id for entry in entries if entry.id], by=by, now=now)


def drop_pointless(db: Session, now: datetime) -> int:
    """Wishes whose appointment is so near, or over, that nothing can be gained end; returns how many."""
    rows = fetch(
        db,
        f"""SELECT e.id FROM waitlist_entry e JOIN appointment a ON a.id = e.appointment_id
             WHERE e.{ON_THE_LIST} AND (a.status <> 'booked' OR a.starts_at <= %(until)s) ORDER BY e.id LIMIT 200""",
        until=now + LEAST_GAIN,
    )
    _withdraw(db, _lock(db, col(WaitlistEntry.id).in_([row.id for row in rows]), _is_listed()), by=SYSTEM, now=now)
    return len(rows)


def _is_listed() -> Any:
    return col(WaitlistEntry.status).in_((EntryStatus.waiting, EntryStatus.paused))


def _lock(db: Session, *which: Any) -> Sequence[WaitlistEntry]:
    """Entries come first in the order of locks (offers.py). Whoever is just asking one of these people is waited for."""
    chosen = select(WaitlistEntry).where(*which).order_by(col(WaitlistEntry.id))
    return db.exec(chosen.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


def _withdraw(db: Session, entries: Sequence[WaitlistEntry], *, by: Actor, now: datetime) -> None:
    withdrawals.close_offers_to(db, [entry.id for entry in entries if entry.id], by=by, now=now)
    for entry in entries:
        entry.status = after(ENTRY, entry.status, "left", by)
        events.record(db, "waitlist.left", by=by, now=now, appointment_id=entry.appointment_id, entry_id=entry.id)
    changed(db)
