"""The fortnight of a doctor's free times that a patient looks at, told by how many days from today it begins."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal import clock
from medcal.models import Doctor, Location, VisitType
from medcal.services import availability
from medcal.services.schedules import HORIZON_DAYS
from medcal.viewmodels.dates import short_moment
from medcal.viewmodels.patient import FORTNIGHT, DayOfTimes, days_of_times


def later(offset: int) -> int:
    """The fortnight after this one; the last one that can be booked stays."""
    return min(offset + FORTNIGHT, HORIZON_DAYS - FORTNIGHT)


def earlier(offset: int) -> int:
    """The fortnight before this one; the one from today stays."""
    return max(offset - FORTNIGHT, 0)


def has_later(offset: int) -> bool:
    return later(offset) != offset


@dataclass(frozen=True)
class Fortnight:
    """What one fortnight has to offer; where that is nothing, `first_free` says the doctor's first time and `leads_to` where it is shown."""

    days: list[DayOfTimes]
    has_times: bool = True
    first_free: str = ""
    leads_to: int = 0


def read(
    db: Session, doctor: Doctor, location: Location, visit_type: VisitType, offset: int, now: datetime
) -> Fortnight:
    today = clock.local_day(now, location.zone_info)
    first_day = today + timedelta(days=offset)
    free = availability.list_free(db, doctor.id or 0, visit_type, first_day, FORTNIGHT, now=now)
    if free:
        return Fortnight(days_of_times(free, doctor, location, first_day, FORTNIGHT))
    found = availability.next_free_by_doctor(db, [doctor.id or 0], visit_type, now=now, limit=1)
    if not found:
        return Fortnight([], has_times=False)
    first = found[doctor.id or 0][0]
    ahead = (first.day - today).days // FORTNIGHT * FORTNIGHT
    return Fortnight([], False, short_moment(first.starts_at, location.zone_info), min(ahead, HORIZON_DAYS - FORTNIGHT))
