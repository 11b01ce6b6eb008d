"""What patients see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import TypedDict
from zoneinfo import ZoneInfo

from medcal import routes
from medcal.clock import local
from medcal.i18n import current_language, n_, t, tn
from medcal.models import (
    Appointment,
    AppointmentStatus,
    Doctor,
    Location,
    Specialty,
    VisitType,
)
from medcal.services.availability import FreeTime
from medcal.services.directory import Offered
from medcal.viewmodels.dates import (
    clock_time,
    iso,
    long_day,
    moment,
    moment_of,
    short_day,
    short_moment,
    zone_name,
)
from medcal.viewmodels.portraits import portrait_of
from medcal.viewmodels.wish import WishCard

# How many days of free times are shown at once.
FORTNIGHT = 14


@dataclass(frozen=True)
class SpecialtyCard:
    href: str
    name: str
    practitioner: str
    summary: str
    icon: str
    doctors: str
    first: str

    @classmethod
    def of(cls, offered: Offered, zone: ZoneInfo) -> "SpecialtyCard":
        specialty = offered.specialty
        return cls(
            href=routes.to_specialty(specialty.slug),
            name=t(specialty.name),
            practitioner=t(specialty.practitioner),
            summary=t(specialty.summary),
            icon=specialty.icon,
            doctors=tn("{count} doctor", "{count} doctors", offered.doctors),
            first=short_moment(offered.first.starts_at, zone) if offered.first else "",
        )


class HourButton(TypedDict):
    """A free time to press, below its day. `label` is seen; `starts_at` goes to the handler.

    A page has hundreds of them, hence no more than they need, and a dict: to turn anything else into one takes twice as long.
    All pages share the same ones, so nobody changes them.
    """

    starts_at: str
    label: str


# Every doctor works on the same few hours, and a fortnight of them takes milliseconds to write.
@lru_cache(maxsize=8192)
def _hour(starts_at: datetime, zone: ZoneInfo, _language: str) -> tuple[bool, HourButton]:
    """The button of an instant, and whether it is in the morning."""
    at = local(starts_at, zone)
    return at.hour < 12, {"starts_at": iso(starts_at), "label": clock_time(at, zone)}


@dataclass(frozen=True)
class TimeButton:
    """A free time to press that says its day and doctor by itself.

    `spoken` is what a screen reader says. It has the words that are seen, in their order: people also speak them to press the button.
    """

    doctor: str
    starts_at: str
    label: str
    spoken: str
    day: str
    doctor_name: str
    portrait: str

    @classmethod
    def of(cls, free: FreeTime, doctor: Doctor, location: Location) -> "TimeButton":
        zone = location.zone_info
        time, when = clock_time(free.starts_at, zone), short_moment(free.starts_at, zone)
        return cls(
            doctor=doctor.slug,
            starts_at=iso(free.starts_at),
            label=time,
            spoken=t("{moment}, {doctor}, {place}", moment=when, doctor=doctor.name, place=location.name),
            day=when.removesuffix(f", {time}"),
            doctor_name=doctor.name,
            portrait=portrait_of(doctor.slug, doctor.name),
        )


def _spoken(when: str, doctor: Doctor, location: Location) -> str:
    return t("{doctor}, {moment}, {place}", doctor=doctor.name, moment=when, place=location.name)


@dataclass(frozen=True)
class DayOfTimes:
    """One row in the list of free times: a day, in two halves so that the eye finds its way, or days on end without any.

    `doctor` is whose times they are; `before` and `after` are what a screen reader says around each hour.
    """

    doctor: str
    name: str
    before: str = ""
    after: str = ""
    morning: list[HourButton] = field(default_factory=list)
    afternoon: list[HourButton] = field(default_factory=list)
    count: int = 0


def days_of_times(
    free: Sequence[FreeTime], doctor: Doctor, location: Location, first_day: date, days: int
) -> list[DayOfTimes]:
    """The free times of each of `days` days; days on end that have none share a row."""
    by_day = {day: list(times) for day, times in groupby(free, key=lambda time: time.day)}
    listed = (first_day + timedelta(days=offset) for offset in range(days))
    rows: list[DayOfTimes] = []
    for has_times, on_end in groupby(listed, key=by_day.__contains__):
        if has_times:
            rows += [_day(day, by_day[day], doctor, location) for day in on_end]
        else:
            rows.append(_without_times([*on_end], doctor))
    return rows


def _without_times(days: Sequence[date], doctor: Doctor) -> DayOfTimes:
    first, last = short_day(days[0]), short_day(days[-1])
    name = long_day(days[0]) if len(days) == 1 else t("{first} to {last}", first=first, last=last)
    return DayOfTimes(doctor.slug, name)


def _day(day: date, free: Sequence[FreeTime], doctor: Doctor, location: Location) -> DayOfTimes:
    zone, spoken = location.zone_info, current_language()
    halves: dict[bool, list[HourButton]] = {True: [], False: []}
    for time in free:
        is_morning, hour = _hour(time.starts_at, zone, spoken)
        halves[is_morning].append(hour)
    # No text of the clinic has a NUL: it stands where the hour is said.
    before, _, after = _spoken(moment_of(day, "\0"), doctor, location).partition("\0")
    return DayOfTimes(doctor.slug, long_day(day), before, after, halves[True], halves[False], len(free))


@dataclass(frozen=True)
class DoctorCard:
    slug: str = ""
    href: str = ""
    name: str = ""
    portrait: str = ""
    specialty: str = ""
    specialty_href: str = ""
    specialty_name: str = ""
    qualification: str = ""
    languages: str = ""
    about: str = ""
    experience: str = ""
    next_times: list[TimeButton] = field(default_factory=list)

    @classmethod
    def of(cls, doctor: Doctor, specialty: Specialty, times: Iterable[TimeButton], today: date) -> "DoctorCard":
        years = today.year - doctor.practising_since if doctor.practising_since else 0
        return cls(
            slug=doctor.slug,
            href=routes.to_doctor(doctor.slug),
            name=doctor.name,
            portrait=portrait_of(doctor.slug, doctor.name),
            specialty=t(specialty.practitioner),
            specialty_href=routes.to_specialty(specialty.slug),
            specialty_name=t(specialty.name),
            qualification=doctor.qualification,
            languages=t(doctor.languages) if doctor.languages else "",
            about=t(doctor.about) if doctor.about else "",
            experience=tn("{count} year in practice", "{count} years in practice", years) if years else "",
            next_times=list(times),
        )


@dataclass(frozen=True)
class VisitChoice:
    ref: str
    name: str
    minutes: str

    @classmethod
    def of(cls, visit_type: VisitType) -> "VisitChoice":
        return cls(str(visit_type.ref), t(visit_type.name), t("{count} min", count=visit_type.length_minutes))


@dataclass(frozen=True)
class Place:
    """Where to go, and how to reach the desk."""

    name: str = ""
    street: str = ""
    city: str = ""
    phone: str = ""
    zone: str = ""
    email: str = ""

    @classmethod
    def of(cls, location: Location, at: datetime) -> "Place":
        zone = zone_name(at, location.zone_info)
        return cls(location.name, location.street, location.city, location.phone, zone, location.email)


@dataclass(frozen=True)
class Choice:
    """An entry of a list to choose from: what is kept, and what is read."""

    value: str
    label: str


@dataclass(frozen=True)
class HoldCard:
    """The time that is held while the form is filled in."""

    doctor: str = ""
    doctor_slug: str = ""
    doctor_href: str = ""
    portrait: str = ""
    specialty: str = ""
    visit: str = ""
    visit_type: str = ""
    when: str = ""
    starts_at: str = ""
    place: Place = Place()
    held_until: str = ""
    reasons: list[Choice] = field(default_factory=list)

    @classmethod
    def of(
        cls, hold: Appointment, doctor: Doctor, specialty: Specialty, visit_type: VisitType, location: Location
    ) -> "HoldCard":
        assert hold.held_until is not None
        return cls(
            doctor=doctor.name,
            doctor_slug=doctor.slug,
            doctor_href=routes.to_doctor(doctor.slug),
            portrait=portrait_of(doctor.slug, doctor.name),
            specialty=t(specialty.practitioner),
            visit=t("{name}, {count} min", name=t(visit_type.name), count=visit_type.length_minutes),
            visit_type=str(visit_type.ref),
            when=moment(hold.starts_at, location.zone_info),
            starts_at=iso(hold.starts_at),
            place=Place.of(location, hold.starts_at),
            held_until=iso(hold.held_until),
            reasons=[Choice(reason, t(reason)) for reason in specialty.reasons],
        )


_STATUS_WORDS = {
    AppointmentStatus.held: n_("Held"),
    AppointmentStatus.booked: n_("Booked"),
    AppointmentStatus.arrived: n_("You are here"),
    AppointmentStatus.fulfilled: n_("Done"),
    AppointmentStatus.released: n_("Released"),
    AppointmentStatus.cancelled: n_("Cancelled"),
    AppointmentStatus.no_show: n_("Missed"),
}


@dataclass(frozen=True)
class AppointmentCard:
    """One appointment as its patient sees it; `ref` is how the page names it to the server, never part of an address."""

    ref: str = ""
    code: str = ""
    patient: str = ""
    doctor: str = ""
    doctor_slug: str = ""
    portrait: str = ""
    specialty: str = ""
    visit: str = ""
    when: str = ""
    place: Place = Place()
    status: str = ""
    status_label: str = ""
    is_confirmed: bool = False
    is_over: bool = False
    can_change: bool = False
    can_confirm: bool = False
    deadline: str = ""
    wish: WishCard = field(default_factory=WishCard)

    @classmethod
    def of(
        cls,
        appointment: Appointment,
        patient_name: str,
        doctor: Doctor,
        specialty: Specialty,
        visit_type: VisitType,
        location: Location,
        wish: WishCard,
        now: datetime,
    ) -> "AppointmentCard":
        zone = location.zone_info
        deadline = appointment.starts_at - timedelta(hours=location.change_deadline_hours)
        is_booked = appointment.status is AppointmentStatus.booked
        return cls(
            ref=str(appointment.ref),
            code=appointment.code,
            patient=patient_name,
            doctor=doctor.name,
            doctor_slug=doctor.slug,
            portrait=portrait_of(doctor.slug, doctor.name),
            specialty=t(specialty.practitioner),
            visit=t("{name}, {count} min", name=t(visit_type.name), count=visit_type.length_minutes),
            when=moment(appointment.starts_at, zone),
            place=Place.of(location, appointment.starts_at),
            status=str(appointment.status),
            status_label=t(_STATUS_WORDS[appointment.status]),
            is_confirmed=appointment.confirmed_at is not None,
            is_over=appointment.ends_at <= now,
            can_change=appointment.can_change_online(now, location.change_deadline_hours),
            can_confirm=is_booked and appointment.confirmed_at is None and appointment.starts_at > now,
            deadline=moment(deadline, zone),
            wish=wish,
        )
