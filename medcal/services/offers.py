"""Asking: a freed time that is due for a look is held and offered to those whose turn it is. answers.py is the other half.

The order of locks is in docs/offers.md. Who makes offers comes from the freed time to the entries, against that order, and therefore
never waits for those (SKIP LOCKED).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal import clock
from medcal.db import fetch_one, in_transaction
from medcal.models import FreedEnd, FreedStatus, FreedTime, Location
from medcal.security import SYSTEM, new_booking_code
from medcal.services import events, freed_time
from medcal.services.candidates import Candidate, next_candidates
from medcal.services.offer_states import FREED_TIME, OFFER, after
from medcal.services.policy import AfterQuiet, Policy, Round, next_round, policy_for
from medcal.services.slots import slot_for

LOOK_AGAIN = timedelta(minutes=5)
# A hold that has run out may take a moment to be released, and who lost a race shall not run it again at once.
LOOK_SOON = timedelta(seconds=10)


def offer_due(now: datetime) -> bool:
    """`offer_next` in a transaction of its own. A time that cannot be offered because of an error is put off before the error goes on, so
    that it holds up no other."""
    taken: list[int] = []
    try:
        return in_transaction(offer_next, now, taken)
    except Exception:
        if taken:
            in_transaction(freed_time.look_at, taken[-1], now + LOOK_AGAIN)
        raise


def offer_next(db: Session, now: datetime, taken: list[int] | None = None) -> bool:
    """Take one freed time that is due for a look and offer it; False when none is due. `taken` gets its id."""
    row = fetch_one(
        db,
        """SELECT id FROM freed_time WHERE status = 'open' AND look_at <= %(now)s
            ORDER BY look_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED""",
        now=now,
    )
    if row is None:
        return False
    if taken is not None:
        taken.append(row.id)
    offer_freed_time(db, row.id, now)
    return True


def offer_freed_time(db: Session, freed_time_id: int, now: datetime) -> None:
    """Offer a freed time to the first who fit, as many as its policy says; with nobody to ask it is looked at again later."""
    freed = freed_time.lock(db, freed_time_id)
    if freed.status is not FreedStatus.open:
        return
    if freed.not_before is not None and now < freed.not_before:
        # Whatever asked for the look: what freed it can still be taken back.
        freed.look_at = freed.not_before
        return
    location = db.get_one(Location, freed.location_id)
    policy = policy_for(db, location, freed.visit_type_id)
    claim = freed_time.claim_on(db, freed)
    over = freed_time.why_over(db, freed, claim, now)
    plan = next_round(policy, location, freed.starts_at, now)
    if over is not None or plan is None:
        freed_time.end(db, freed, over or FreedEnd.late, now=now)
        if claim is not None and over in (FreedEnd.public, FreedEnd.desk):
            freed_time.free_rest(db, freed, claim.busy_until, now)
    elif claim is not None:
        # Somebody fills in a form or thinks about another offer: if nothing comes of it, the time is free again.
        freed.look_at = max(claim.held_until, now + LOOK_SOON)
    elif isinstance(plan, AfterQuiet):
        freed.look_at = plan.at
    else:
        freed.look_at = _ask(db, freed, location, policy, plan, now)


def _ask(db: Session, freed: FreedTime, location: Location, policy: Policy, plan: Round, now: datetime) -> datetime:
    """Hold the time and offer it to everybody of this round; returns when to look again if nobody could be asked."""
    chosen = next_candidates(db, freed, location, policy, plan.group_size, now)
    if not chosen:
        return now + (LOOK_SOON if chosen is None else LOOK_AGAIN)
    hold_id = _hold(db, freed, location, chosen, plan.answer_until, now)
    if hold_id is None:
        return now + LOOK_SOON
    made = [
        offer for place, one in enumerate(chosen, 1) if (offer := _insert(db, freed, one, hold_id, place, plan, now))
    ]
    if not made:
        release(db, hold_id)
        return now + LOOK_SOON
    freed.status, freed.hold_id = after(FREED_TIME, freed.status, "offered", SYSTEM), hold_id
    # Told when all rows are there: the letter says whether others are asked as well.
    for offer in made:
        events.record(
            db,
            "offer.made",
            by=SYSTEM,
            now=now,
            appointment_id=hold_id,
            doctor_id=freed.doctor_id,
            freed_time_id=freed.id,
            offer_id=offer.id,
            entry_id=offer.entry_id,
            answer_until=plan.answer_until,
            asked_at_once=len(made),
        )
    return now


HOLD = """
INSERT INTO appointment (ref, code, doctor_id, slot_id, appointment_date, location_id, visit_type_id, patient_id, starts_at, ends_at,
                         busy_until, status, held_until, reason, request, cancel_reason, is_late_cancellation, version, created_at)
VALUES (gen_random_uuid(), %(code)s, %(doctor_id)s, %(slot_id)s, %(day)s, %(location_id)s, %(visit_type_id)s, %(patient_id)s, %(starts_at)s,
        %(starts_at)s + make_interval(mins => %(length)s), %(starts_at)s + make_interval(mins => %(busy)s), 'held', %(answer_until)s,
        '', '', '', false, 1, %(now)s)
ON CONFLICT DO NOTHING RETURNING id
"""


def _hold(
    db: Session,
    freed: FreedTime,
    location: Location,
    chosen: Sequence[Candidate],
    answer_until: datetime,
    now: datetime,
) -> int | None:
    """Hold the time in the appointments' own constraint, as long as the longest visit of the group; None when it is taken."""
    first = chosen[0]
    row = fetch_one(
        db,
        HOLD,
        code=new_booking_code(),
        doctor_id=freed.doctor_id,
        slot_id=slot_for(db, freed.doctor_id, clock.local(freed.starts_at, location.zone_info).time()),
        day=freed.day,
        location_id=freed.location_id,
        visit_type_id=first.visit_type_id,
        patient_id=first.patient_id if len(chosen) == 1 else None,
        starts_at=freed.starts_at,
        length=max(one.length_minutes for one in chosen),
        busy=max(one.busy_minutes for one in chosen),
        answer_until=answer_until,
        now=now,
    )
    return row.id if row else None


def _insert(
    db: Session, freed: FreedTime, candidate: Candidate, hold_id: int, place: int, plan: Round, now: datetime
) -> Any | None:
    """One offer of the round; None when the patient got another offer at this very moment."""
    return fetch_one(
        db,
        """INSERT INTO offer (ref, freed_time_id, entry_id, patient_id, hold_id, place_in_group, status, answer_until, created_at)
           VALUES (gen_random_uuid(), %(freed_time_id)s, %(entry_id)s, %(patient_id)s, %(hold_id)s, %(place)s, %(status)s,
                   %(answer_until)s, %(now)s)
           ON CONFLICT DO NOTHING RETURNING id, entry_id""",
        freed_time_id=freed.id,
        entry_id=candidate.entry_id,
        patient_id=candidate.patient_id,
        hold_id=hold_id,
        place=place,
        status=str(after(OFFER, None, "made", SYSTEM)),
        answer_until=plan.answer_until,
        now=now,
    )


def release(db: Session, hold_id: int) -> Any:
    """Let the hold of an offer go; returns the time that it claimed."""
    return fetch_one(
        db,
        """UPDATE appointment SET status = 'released', held_until = NULL WHERE id = %(id)s AND status = 'held'
           RETURNING starts_at, busy_until""",
        id=hold_id,
    )
