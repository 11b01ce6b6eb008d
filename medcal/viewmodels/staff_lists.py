"""What the desk sees in lists: appointments, who waits, freed times with their trail."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from medcal.clock import local_day
from medcal.i18n import n_, t, tn
from medcal.services.desk_search import Listed
from medcal.services.waitlist_book import Asked, Freed, Waiting, Wishable
from medcal.viewmodels.dates import clock_time, iso, long_day, moment, short_moment, stamp, weekday_name
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.staff import STATUS_WORDS, status_kind


@dataclass(frozen=True)
class ListedAppointment:
    """A line of the list of appointments; `heading` is set on the first line of each day."""

    ref: str
    heading: str
    time: str
    patient: str
    contact: str
    doctor: str
    visit: str
    kind: str
    status: str
    code: str
    is_overbooked: bool


def listed_appointments(rows: Iterable[Listed]) -> list[ListedAppointment]:
    """The rows with a heading wherever a new day begins."""
    found, before = [], None
    for row in rows:
        day = local_day(row.starts_at, row.zone)
        found.append(_listed(row, heading=f"{long_day(day)} {day.year}" if day != before else ""))
        before = day
    return found


def _listed(row: Listed, *, heading: str) -> ListedAppointment:
    kind = status_kind(row.status, is_confirmed=row.is_confirmed)
    return ListedAppointment(
        ref=str(row.ref),
        heading=heading,
        time=t(
            "{from_time}–{to_time}",
            from_time=clock_time(row.starts_at, row.zone),
            to_time=clock_time(row.ends_at, row.zone),
        ),
        patient=row.patient,
        contact=row.phone or row.email or "",
        doctor=row.doctor,
        visit=t(row.visit_type),
        kind=kind,
        status=t(STATUS_WORDS[kind]),
        code=row.code,
        is_overbooked=row.is_overbooked,
    )


# --- Waitlist and offers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WaitingRow:
    """Somebody on the list. `place` and `why` explain the order."""

    ref: str
    place: str
    why: str
    patient: str
    contact: str
    specialty: str
    wish: str
    own: str
    is_urgent: bool
    has_offer: bool
    has_email: bool

    @classmethod
    def of(cls, waiting: Waiting) -> "WaitingRow":
        return cls(
            ref=str(waiting.ref),
            place=str(waiting.place),
            why=_why(waiting),
            patient=waiting.patient,
            contact=" · ".join(part for part in (waiting.phone, waiting.email) if part),
            specialty=t(waiting.specialty),
            wish=_wish(waiting),
            own=_own(waiting),
            is_urgent=waiting.urgency > 0,
            has_offer=waiting.has_offer,
            has_email=waiting.email is not None,
        )


def _why(waiting: Waiting) -> str:
    since = stamp(waiting.since, waiting.zone)
    if waiting.urgency:
        return t("Urgent, waiting since {since}", since=since)
    return t("Waiting since {since}", since=since)


def _wish(waiting: Waiting) -> str:
    """The limits of a wish as a sentence: "Consultation; any doctor; Monday, Friday; 08:00 to 12:00; 24 hours ahead"."""
    days = t("any day") if len(waiting.weekdays) == 7 else ", ".join(weekday_name(day) for day in waiting.weekdays)
    is_any_hour = (waiting.opens.hour, waiting.closes.hour) == (0, 23)
    hours = t("{opens} to {closes}", opens=f"{waiting.opens:%H:%M}", closes=f"{waiting.closes:%H:%M}")
    notice = tn("{count} hour ahead", "{count} hours ahead", waiting.notice_hours)
    parts = [t(waiting.visit_type), waiting.doctor or t("any doctor"), days, "" if is_any_hour else hours, notice]
    return "; ".join(part for part in parts if part)


def _own(waiting: Waiting) -> str:
    if waiting.own_starts_at is None:
        return ""
    when = short_moment(waiting.own_starts_at, waiting.zone)
    return t("{moment} ({doctor})", moment=when, doctor=waiting.own_doctor or "?")


OFFER_WORDS = {
    "open": n_("Waiting for an answer"),
    "accepted": n_("Accepted"),
    "declined": n_("Declined"),
    "expired": n_("No answer"),
    "taken": n_("Somebody else was faster"),
    "withdrawn": n_("Withdrawn"),
}
FREED_WORDS = {
    "open": n_("Looking for somebody"),
    "offered": n_("On offer"),
    "filled": n_("Filled"),
    "gone": n_("No longer free"),
}
CAUSE_WORDS = {
    "cancelled": n_("Freed by a cancellation"),
    "moved": n_("Freed by a move"),
    "new_hours": n_("Freed by new hours"),
    "rest": n_("Left over from a longer time"),
}


@dataclass(frozen=True)
class AskedRow:
    """An offer in a trail: who was asked, and what came of it when."""

    patient: str
    kind: str
    status: str
    at: str

    @classmethod
    def of(cls, asked: Asked, zone: ZoneInfo) -> "AskedRow":
        at = stamp(asked.decided_at or asked.asked_at, zone)
        return cls(asked.patient, asked.status, t(OFFER_WORDS[asked.status]), at)


@dataclass(frozen=True)
class FreedRow:
    """A freed time with the trail of who was asked."""

    ref: str
    when: str
    doctor: str
    kind: str
    status: str
    cause: str
    next_look: str
    asked: list[AskedRow] = field(default_factory=list)

    @classmethod
    def of(cls, freed: Freed) -> "FreedRow":
        looks = freed.status == "open"
        cause = t(CAUSE_WORDS[freed.cause]) if freed.cause in CAUSE_WORDS else freed.cause
        return cls(
            ref=str(freed.ref),
            when=short_moment(freed.starts_at, freed.zone),
            doctor=t("{doctor}, {specialty}", doctor=freed.doctor, specialty=t(freed.specialty)),
            kind=freed.status,
            status=t(FREED_WORDS[freed.status]),
            cause=t("{cause}, {moment}", cause=cause, moment=stamp(freed.freed_at, freed.zone)),
            next_look=t("Next look at {time}", time=clock_time(freed.look_at, freed.zone)) if looks else "",
            asked=[AskedRow.of(asked, freed.zone) for asked in freed.asked],
        )


@dataclass(frozen=True)
class OpenOffer:
    """A time that is held for somebody right now, with what is needed to call her."""

    ref: str
    when: str
    doctor: str
    patient: str
    phone: str
    email: str
    instead_of: str
    answer_until: str
    answer_until_label: str
    by_phone: bool


def open_offers(freed_times: Iterable[Freed]) -> list[OpenOffer]:
    """The offers that wait for an answer; those whom no mail reaches come first, since somebody must call."""
    found = [_open_offer(freed, offer) for freed in freed_times for offer in freed.open_offers]
    return sorted(found, key=lambda offer: (not offer.by_phone, offer.answer_until))


def _open_offer(freed: Freed, asked: Asked) -> OpenOffer:
    return OpenOffer(
        ref=str(asked.ref),
        when=moment(freed.starts_at, freed.zone),
        doctor=t("{doctor}, {specialty}", doctor=freed.doctor, specialty=t(freed.specialty)),
        patient=asked.patient,
        phone=asked.phone or "",
        email=asked.email or "",
        instead_of=short_moment(asked.instead_of, freed.zone) if asked.instead_of else "",
        answer_until=iso(asked.answer_until),
        answer_until_label=short_moment(asked.answer_until, freed.zone),
        by_phone=asked.email is None,
    )


@dataclass(frozen=True)
class WishChoice:
    """A specialty somebody may wait for, with its visits and doctors."""

    value: str
    label: str
    visits: list[Choice] = field(default_factory=list)
    doctors: list[Choice] = field(default_factory=list)

    @classmethod
    def of(cls, wishable: Wishable) -> "WishChoice":
        return cls(
            str(wishable.ref),
            t(wishable.name),
            [Choice(str(ref), t(name)) for ref, name in wishable.visit_types],
            [Choice(str(ref), name) for ref, name in wishable.doctors],
        )
