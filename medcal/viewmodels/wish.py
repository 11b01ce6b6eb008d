"""A wish for something earlier as its patient sees it: its limits, her place in the line, and how often she was asked."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from babel.lists import format_list

from medcal.clock import local_day
from medcal.i18n import n_, t, tn
from medcal.models import Appointment, Doctor, EntryStatus, Location, Specialty, VisitType, WaitlistEntry
from medcal.services.place_in_line import PlaceInLine
from medcal.viewmodels.dates import babel_locale, day_of_year, moment, weekday_name
from medcal.viewmodels.numbers import cardinal, place_of

# As in "third of five for Tuesdays"; from Monday on.
DAYS = (
    *(n_("Mondays"), n_("Tuesdays"), n_("Wednesdays"), n_("Thursdays")),
    *(n_("Fridays"), n_("Saturdays"), n_("Sundays")),
)


@dataclass(frozen=True)
class WishCard:
    """A wish; `place` and `asked` are whole sentences, `status` is empty where nothing is wished.

    `can_answer`: a time is held for her, and this browser may answer.
    """

    ref: str = ""
    status: str = ""
    is_listed: bool = False
    visit: str = ""
    limits: str = ""
    instead_of: str = ""
    place: str = ""
    asked: str = ""
    has_offer: bool = False
    can_answer: bool = False

    @classmethod
    def of(
        cls,
        wish: WaitlistEntry,
        line: PlaceInLine,
        *,
        visit_type: VisitType,
        specialty: Specialty,
        doctor: Doctor | None,
        own: Appointment | None,
        location: Location,
        can_answer: bool,
        now: datetime,
    ) -> "WishCard":
        zone = location.zone_info
        return cls(
            ref=str(wish.ref),
            status=str(wish.status),
            is_listed=wish.status in (EntryStatus.waiting, EntryStatus.paused),
            visit=t("{specialty}: {visit}", specialty=t(specialty.name), visit=t(visit_type.name)),
            limits=wish_in_words(wish, doctor),
            instead_of=moment(own.starts_at, zone) if own else "",
            place=place_in_words(wish, line, doctor),
            asked=asked_in_words(line, zone, now),
            has_offer=line.has_offer,
            can_answer=line.has_offer and can_answer,
        )


def wish_in_words(wish: WaitlistEntry, doctor: Doctor | None) -> str:
    """The limits of a wish as a sentence: "Any doctor; Monday, Friday; from 08:00 to 12:00"."""
    who = t("only {doctor}", doctor=doctor.name) if doctor else t("any doctor of the specialty")
    days = t("any day") if len(wish.weekdays) == 7 else ", ".join(weekday_name(day) for day in wish.weekdays)
    is_any_hour = (wish.opens, wish.closes) == (time(0), time(23, 59))
    hours = t("from {opens} to {closes}", opens=f"{wish.opens:%H:%M}", closes=f"{wish.closes:%H:%M}")
    notice = tn("at least {count} hour ahead", "at least {count} hours ahead", wish.notice_hours)
    return "; ".join((who, days, *(() if is_any_hour else (hours,)), notice))


def place_in_words(wish: WaitlistEntry, line: PlaceInLine, doctor: Doctor | None) -> str:
    """You are third of five for Tuesdays with Dr. Ada Okafor. Empty for a wish that has ended."""
    if line.is_paused:
        return t(
            "We do not ask you at the moment, since our last offers had no answer. Your place on the list is kept."
        )
    if line.place is None:
        return ""
    limits = {"times": _times(wish), "doctor": _with(doctor)}
    if line.length == 1:
        return t("You are the only one who waits {times} {doctor}.", **limits)
    place, length = place_of(line.place, line.length)
    return t("You are {place} of {length} {times} {doctor}.", place=place, length=length, **limits)


def _times(wish: WaitlistEntry) -> str:
    """For Mondays and Tuesdays, or for an earlier time."""
    if len(wish.weekdays) == 7:
        return t("for an earlier time")
    if sorted(wish.weekdays) == [0, 1, 2, 3, 4]:
        return t("for {days}", days=t("weekdays"))
    return t("for {days}", days=format_list([t(DAYS[day]) for day in sorted(wish.weekdays)], locale=babel_locale()))


def _with(doctor: Doctor | None) -> str:
    return t("with {doctor}", doctor=doctor.name) if doctor else t("with any doctor of the specialty")


def asked_in_words(line: PlaceInLine, zone: ZoneInfo, now: datetime) -> str:
    """You were asked twice, last on 3 May."""
    if line.last_asked_at is None:
        return t("You have not been asked yet.")
    day = day_of_year(local_day(line.last_asked_at, zone), local_day(now, zone))
    if line.asked == 1:
        return t("You were asked once, on {day}.", day=day)
    if line.asked == 2:
        return t("You were asked twice, last on {day}.", day=day)
    return t("You were asked {count} times, last on {day}.", count=cardinal(line.asked), day=day)
