"""What the desk sees in lists: appointments, and who waits."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from medcal.clock import local_day
from medcal.i18n import t, tn
from medcal.services.desk_search import Listed
from medcal.services.reach import channel_to
from medcal.services.waitlist_book import Waiting, Wishable
from medcal.services.ways import Way, way_for
from medcal.viewmodels.dates import clock_time, long_day, short_moment, stamp, weekday_name
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


# --- The waitlist -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WaitingRow:
    """Somebody on the list. `place` and `why` explain the order; one who is paused has no turn."""

    ref: str
    place: str
    why: str
    patient: str
    contact: str
    specialty: str
    wish: str
    own: str
    is_urgent: bool
    is_paused: bool
    has_offer: bool
    is_called: bool

    @classmethod
    def of(cls, waiting: Waiting) -> "WaitingRow":
        return cls(
            ref=str(waiting.ref),
            place="" if waiting.is_paused else str(waiting.place),
            why=_why(waiting),
            patient=waiting.patient,
            contact=" · ".join(part for part in (waiting.phone, waiting.email) if part),
            specialty=t(waiting.specialty),
            wish=_wish(waiting),
            own=_own(waiting),
            is_urgent=waiting.urgency > 0,
            is_paused=waiting.is_paused,
            has_offer=waiting.has_offer,
            is_called=way_for("offer.made", channel_to(waiting.email, waiting.phone)) is Way.call,
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
