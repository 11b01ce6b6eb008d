"""The wish for something earlier: who waits, for what, and within which limits."""

from dataclasses import dataclass
from datetime import datetime, time

from sqlmodel import Session, select

from medcal.db import fetch, fetch_one
from medcal.errors import NotPossibleNow
from medcal.i18n import t
from medcal.models import Appointment, AppointmentStatus, Doctor, EntryStatus, Location, VisitType, WaitlistEntry
from medcal.security import Actor
from medcal.services import events, offers, patients
from medcal.services.patients import Person

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Wish:
    """The limits of somebody who wants an earlier time; `opens` and `closes` bound the start, on the location's clock."""

    any_doctor: bool = True
    weekdays: tuple[int, ...] = EVERY_DAY
    opens: time = time(0)
    closes: time = time(23, 59)
    notice_hours: int = 24


def can_gain(appointment: Appointment, now: datetime) -> bool:
    """Whether there is still enough time before the appointment for an earlier one to be worth it."""
    return appointment.starts_at > now + offers.LEAST_GAIN


def join(db: Session, appointment: Appointment, wish: Wish, *, by: Actor, now: datetime) -> None:
    """Put the holder of an appointment on the list for something earlier; asking again changes the limits and keeps the place.

    Raises NotPossibleNow for an appointment that is not booked, or so near that nothing could be gained.
    """
    if appointment.status is not AppointmentStatus.booked or not can_gain(appointment, now):
        raise NotPossibleNow(t("This appointment is too soon to look for an earlier time."))
    row = fetch_one(
        db,
        """INSERT INTO waitlist_entry (ref, patient_id, appointment_id, visit_type_id, location_id, doctor_id, weekdays, opens, closes,
                                       notice_hours, urgency, status, created_at)
           VALUES (gen_random_uuid(), %(patient_id)s, %(appointment_id)s, %(visit_type_id)s, %(location_id)s, %(doctor_id)s,
                   %(weekdays)s::smallint[], %(opens)s, %(closes)s, %(notice_hours)s, 0, 'waiting', %(now)s)
           ON CONFLICT (appointment_id) WHERE status = 'waiting' AND appointment_id IS NOT NULL
           DO UPDATE SET doctor_id = excluded.doctor_id, weekdays = excluded.weekdays, opens = excluded.opens,
                         closes = excluded.closes, notice_hours = excluded.notice_hours
           RETURNING id""",
        patient_id=appointment.patient_id,
        appointment_id=appointment.id,
        visit_type_id=appointment.visit_type_id,
        location_id=appointment.location_id,
        doctor_id=None if wish.any_doctor else appointment.doctor_id,
        weekdays=sorted(set(wish.weekdays)),
        opens=wish.opens,
        closes=wish.closes,
        notice_hours=wish.notice_hours,
        now=now,
    )
    assert row is not None
    events.record(db, "waitlist.joined", by=by, now=now, appointment_id=appointment.id, entry_id=row.id)


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
    patient_id = patients.find_or_add(db, person, now=now)
    row = fetch_one(
        db,
        """INSERT INTO waitlist_entry (ref, patient_id, visit_type_id, location_id, doctor_id, weekdays, opens, closes, notice_hours,
                                       urgency, status, created_at)
           VALUES (gen_random_uuid(), %(patient_id)s, %(visit_type_id)s, %(location_id)s, %(doctor_id)s, %(weekdays)s::smallint[],
                   %(opens)s, %(closes)s, %(notice_hours)s, 0, 'waiting', %(now)s)
           ON CONFLICT (patient_id, visit_type_id) WHERE status = 'waiting' AND appointment_id IS NULL
           DO UPDATE SET doctor_id = excluded.doctor_id, weekdays = excluded.weekdays, opens = excluded.opens,
                         closes = excluded.closes, notice_hours = excluded.notice_hours
           RETURNING id""",
        patient_id=patient_id,
        visit_type_id=visit_type.id,
        location_id=location.id,
        doctor_id=doctor.id if doctor else None,
        weekdays=sorted(set(wish.weekdays)),
        opens=wish.opens,
        closes=wish.closes,
        notice_hours=wish.notice_hours,
        now=now,
    )
    assert row is not None
    events.record(db, "waitlist.joined", by=by, now=now, entry_id=row.id)
    return int(row.id)


def entry_of(db: Session, appointment_id: int) -> WaitlistEntry | None:
    """The waiting wish of an appointment's holder."""
    return db.exec(
        select(WaitlistEntry).where(
            WaitlistEntry.appointment_id == appointment_id, WaitlistEntry.status == EntryStatus.waiting
        )
    ).one_or_none()


def leave(db: Session, appointment_id: int, *, by: Actor, now: datetime) -> None:
    """The holder of an appointment no longer asks for something earlier; an open offer to her ends."""
    offers.close_offers_to(db, appointment_id, by=by, now=now)
    rows = fetch(
        db,
        "UPDATE waitlist_entry SET status = 'withdrawn' WHERE appointment_id = %(id)s AND status = 'waiting' RETURNING id",
        id=appointment_id,
    )
    for row in rows:
        events.record(db, "waitlist.left", by=by, now=now, appointment_id=appointment_id, entry_id=row.id)
    # An offer may have been in the making while we waited for the entry's row.
    offers.close_offers_to(db, appointment_id, by=by, now=now)


def drop_if_pointless(db: Session, appointment: Appointment, *, by: Actor, now: datetime) -> None:
    """An appointment that was moved to within a day from now cannot gain a day any more."""
    if appointment.id is not None and not can_gain(appointment, now):
        leave(db, appointment.id, by=by, now=now)
