"""The demo's last days with earlier offers, played through the services by a clock of its own: the board, the trails and the figures have
something to show, and what is on offer now is on offer indeed."""

import heapq
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any

from sqlmodel import Session, col, select

from medcal import clock
from medcal.db import fetch
from medcal.errors import MedcalError
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    FreedStatus,
    FreedTime,
    Location,
    Offer,
    OfferStatus,
    Specialty,
    VisitType,
    WaitlistEntry,
)
from medcal.security import PATIENT, Actor
from medcal.services import answers, changes, offers, waitlist
from medcal.services.patients import Person

WAITING, WITHOUT_APPOINTMENT, CANCELLED = 44, 4, 24
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JOINED_WITHIN = 6 * DAY
# Their calendars are full for weeks, so people wait for what becomes free.
BOOKED_UP = ("cardiology", "dermatology")
# Of those who are asked; the rest says nothing.
ACCEPT, DECLINE = 0.25, 0.3
OFFICE_HOURS = range(8, 18)


class Story:
    """What happens, one thing after the other, each at its own moment; what comes of it is put in its place among the rest."""

    def __init__(self, db: Session, chance: random.Random, desk: Actor, until: datetime) -> None:
        self.db, self.chance, self.desk, self.until = db, chance, desk, until
        self._moments: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._order = count()
        self._answered: set[int] = set()

    def at(self, moment: datetime, step: Callable[[datetime], None]) -> None:
        heapq.heappush(self._moments, (moment, next(self._order), step))

    def play(self) -> None:
        while self._moments and self._moments[0][0] <= self.until:
            moment, _, step = heapq.heappop(self._moments)
            # What the clinic refuses, somebody was too late for.
            with suppress(MedcalError), self.db.begin_nested():
                step(moment)
            self._offer(moment)

    def cancel(self, appointment: Appointment, now: datetime) -> None:
        by = self.desk if self.chance.random() < 0.4 else PATIENT
        changes.cancel(self.db, appointment, by=by, now=now)

    def _offer(self, now: datetime) -> None:
        while offers.offer_next(self.db, now):
            pass
        for offer in self.db.exec(select(Offer).where(Offer.status == OfferStatus.open)).all():
            if offer.id is not None and offer.id not in self._answered:
                self._answered.add(offer.id)
                self._answer(offer.id, offer.answer_until, now)
        # After the night, or after the desk's grace; where nobody could be asked, the next thing that happens is soon enough.
        later = (col(FreedTime.look_at) > now + HOUR) | (col(FreedTime.not_before) > now)
        for freed in self.db.exec(select(FreedTime).where(FreedTime.status == FreedStatus.open, later)):
            self.at(freed.look_at, lambda _: None)

    def _answer(self, offer_id: int, answer_until: datetime, now: datetime) -> None:
        says, after = self.chance.random(), timedelta(minutes=self.chance.randint(4, 110))
        if says < ACCEPT:
            self.at(now + after, lambda at: _ignore(answers.accept(self.db, offer_id, by=PATIENT, now=at)))
        elif says < ACCEPT + DECLINE:
            self.at(now + after, lambda at: answers.decline(self.db, offer_id, by=PATIENT, now=at))
        self.at(answer_until, self._expire)

    def _expire(self, now: datetime) -> None:
        while answers.expire_next(self.db, now):
            pass


def _ignore(_: Any) -> None:
    pass


def tell(db: Session, chance: random.Random, location: Location, desk: Actor, since: datetime, now: datetime) -> None:
    """People ask for something earlier, others cancel, and the freed time is offered, from `since` until now."""
    booked = _booked(db, since)
    story = Story(db, chance, desk, now)
    later = [one for one in booked if one.starts_at > now + 5 * DAY]
    for place, own in enumerate(chance.sample(later, min(WAITING, len(later)))):
        moment = _in_office_hours(location, since + place * JOINED_WITHIN / WAITING)
        story.at(moment, lambda at, own=own: waitlist.join(db, own, _wish(chance), by=PATIENT, now=at))
    _wait_without_appointment(db, chance, location, desk, since)
    sooner = [one for one in booked if one.starts_at < now + 8 * DAY]
    for one in chance.sample(sooner, min(CANCELLED, len(sooner))):
        moment = _in_office_hours(location, one.starts_at - chance.choice((5, 9, 20, 30, 50, 80, 120)) * HOUR)
        if since + 9 * HOUR < moment:
            story.at(moment, lambda at, one=one: story.cancel(one, at))
    story.play()
    db.flush()
    # With nothing configured this is where they arrive.
    fetch(
        db,
        "UPDATE message SET status = 'delivered', delivered_at = due_at WHERE status = 'due' AND due_at <= %(now)s",
        now=now,
    )


def _booked(db: Session, since: datetime) -> Sequence[Appointment]:
    return db.exec(
        select(Appointment)
        .join(Doctor, Doctor.id == Appointment.doctor_id)  # type: ignore[arg-type]
        .join(Specialty, Specialty.id == Doctor.specialty_id)  # type: ignore[arg-type]
        .where(
            Appointment.status == AppointmentStatus.booked,
            Appointment.starts_at > since + DAY,
            col(Specialty.slug).in_(BOOKED_UP),
        )
        .order_by(col(Appointment.starts_at), col(Appointment.id))
    ).all()


def _wish(chance: random.Random) -> waitlist.Wish:
    mornings = chance.random() < 0.25
    return waitlist.Wish(
        any_doctor=chance.random() < 0.7,
        weekdays=waitlist.EVERY_DAY if chance.random() < 0.7 else tuple(sorted(chance.sample(range(5), 3))),
        **({"closes": time(12)} if mornings else {}),
        notice_hours=chance.choice((2, 4, 24, 24, 48)),
    )


def _wait_without_appointment(
    db: Session, chance: random.Random, location: Location, desk: Actor, since: datetime
) -> None:
    kinds = db.exec(
        select(VisitType)
        .join(Specialty)
        .where(col(Specialty.slug).in_(BOOKED_UP), VisitType.position == 0)
        .order_by(col(VisitType.id))
    ).all()
    for number in range(WITHOUT_APPOINTMENT):
        person = Person(
            ("Magda Lindner", "Tobias Kern", "Aylin Demir", "Ruth Sommer")[number],
            clock.local_day(since, location.zone_info) - timedelta(days=365 * (31 + 9 * number)),
            f"waiting{number + 1}@patients.test",
            None,
        )
        entry_id = waitlist.wait_without_appointment(
            db, person, kinds[number % len(kinds)], location, _wish(chance), by=desk, now=since + number * DAY
        )
        if number == 0:
            db.get_one(WaitlistEntry, entry_id).urgency = 1


def _in_office_hours(location: Location, moment: datetime) -> datetime:
    local = clock.local(moment, location.zone_info)
    if local.hour in OFFICE_HOURS:
        return moment
    return clock.instant_or_later(local.date(), time(9 + local.hour % 8, local.minute), location.zone_info)
