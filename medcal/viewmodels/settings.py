"""The settings of the clinic on the screen: as fields of forms, as rows of lists, and as sentences."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from medcal import routes
from medcal.i18n import t, tn
from medcal.models import VisitType
from medcal.services.clinic_settings import ClinicDetails, zones
from medcal.services.closures import ComingClosure
from medcal.services.doctors import DoctorSettings
from medcal.services.ready_made import ReadySpecialty
from medcal.services.specialties import SpecialtyDetails, SpecialtySettings
from medcal.services.visit_types import VisitDetails, details_of
from medcal.services.weekly_hours import Foreseen, ForeseenDay, WeekSettings
from medcal.viewmodels.dates import clock_time, long_date, moment, short_day, stamp, weekday_name
from medcal.viewmodels.offer_rules import length_words
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.portraits import portrait_of

WEEKDAYS = range(7)
MOST_NAMED = 5


def kept(given: str, before: str | None) -> str:
    """What to keep of a text: as it was where nobody touched it, or its translation would take the place of all languages."""
    return before if before is not None and given.strip() == t(before).strip() else given


# --- The clinic -------------------------------------------------------------------------------------------------------


def clinic_fields(details: ClinicDetails) -> dict[str, str]:
    """By the names of the columns."""
    texts = {name: str(value) for name, value in asdict(details).items()}
    return texts | {name: f"{getattr(details, name):%H:%M}" for name in ("quiet_from", "quiet_until")}


def zone_names() -> list[str]:
    """What the list of time zones offers."""
    return list(zones())


NEW_CLINIC = {
    **dict.fromkeys(("name", "street", "city", "phone", "email", "zone"), ""),
    "change_deadline_hours": "24",
    "quiet_from": "20:00",
    "quiet_until": "08:00",
}


@dataclass(frozen=True)
class ClosureRow:
    """Time off or closed days that have not ended."""

    ref: str
    who: str
    when: str
    reason: str

    @classmethod
    def of(cls, closure: ComingClosure) -> "ClosureRow":
        zone = ZoneInfo(closure.zone)
        who = closure.doctor or t("Everybody, {place}", place=closure.location)
        when = t("{start} to {end}", start=stamp(closure.starts_at, zone), end=stamp(closure.ends_at, zone))
        return cls(str(closure.ref), who, when, closure.reason)


# --- Specialties ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VisitRow:
    """A kind of visit in its specialty."""

    ref: str
    name: str
    lengths: str
    is_active: bool

    @classmethod
    def of(cls, visit: VisitType) -> "VisitRow":
        parts = [tn("{count} minute", "{count} minutes", visit.length_minutes)]
        if visit.buffer_minutes:
            parts.append(t("{minutes} minutes kept free after it", minutes=visit.buffer_minutes))
        parts.append(t("bookable until {lead} before", lead=length_words(timedelta(minutes=visit.notice_minutes))))
        return cls(str(visit.ref), t(visit.name), " · ".join(parts), visit.is_active)


@dataclass(frozen=True)
class SpecialtyRow:
    """A specialty with its kinds of visit. `standing` says whether patients see it."""

    ref: str
    name: str
    summary: str
    icon: str
    standing: str
    is_shown: bool
    visits: list[VisitRow] = field(default_factory=list)

    @classmethod
    def of(cls, settings: SpecialtySettings) -> "SpecialtyRow":
        is_bookable = any(visit.is_active for visit in settings.visits)
        standing = tn("{count} doctor", "{count} doctors", settings.doctors)
        if not is_bookable:
            standing = t("No kind of visit yet: nothing can be booked")
        elif not settings.doctors:
            standing = t("Nobody works in it yet: patients do not see it")
        return cls(
            str(settings.ref),
            t(settings.details.name),
            t(settings.details.summary),
            settings.details.icon,
            standing,
            bool(settings.doctors) and is_bookable,
            [VisitRow.of(visit) for visit in settings.visits],
        )


@dataclass(frozen=True)
class ReadyRow:
    """A ready-made specialty to tick."""

    slug: str
    name: str
    summary: str
    icon: str

    @classmethod
    def of(cls, ready: ReadySpecialty) -> "ReadyRow":
        return cls(ready.slug, t(ready.name), t(ready.summary), ready.icon)


NEW_SPECIALTY = {"name": "", "practitioner": "", "summary": "", "icon": "stethoscope", "reasons": ""}
NEW_VISIT = {"name": "", "length_minutes": "20", "buffer_minutes": "0", "notice_minutes": "60"}


def specialty_fields(details: SpecialtyDetails) -> dict[str, str]:
    texts = {name: t(getattr(details, name)) for name in ("name", "practitioner", "summary")}
    return texts | {"icon": details.icon, "reasons": "\n".join(map(t, details.reasons))}


def specialty_form(form: Mapping[str, str], before: SpecialtyDetails | None) -> dict[str, str]:
    """The form with every text that nobody touched as it is kept."""
    if before is None:
        return dict(form)
    texts = {name: kept(form.get(name, ""), getattr(before, name)) for name in ("name", "practitioner", "summary")}
    known = {t(reason): reason for reason in before.reasons}
    lines = [known.get(line.strip(), line) for line in form.get("reasons", "").splitlines()]
    return {**form, **texts, "reasons": "\n".join(lines)}


def visit_fields(visit: VisitType) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(details_of(visit)).items()} | {"name": t(visit.name)}


def visit_form(form: Mapping[str, str], before: VisitDetails | None) -> dict[str, str]:
    return {**form, "name": kept(form.get("name", ""), before.name if before else None)}


# --- Doctors ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DoctorRow:
    """A doctor in the list, and at the head of her own sheet."""

    ref: str = ""
    name: str = ""
    specialty: str = ""
    portrait: str = ""
    href: str = ""
    coming: str = ""
    is_active: bool = True
    has_hours: bool = False

    @classmethod
    def of(cls, doctor: DoctorSettings) -> "DoctorRow":
        return cls(
            ref=str(doctor.ref),
            name=doctor.details.name,
            specialty=t(doctor.specialty_name),
            portrait=portrait_of(doctor.slug, doctor.details.name),
            href=routes.to_doctor(doctor.slug),
            coming=tn("{count} appointment to come", "{count} appointments to come", doctor.coming),
            is_active=doctor.is_active,
            has_hours=doctor.has_hours,
        )


DOCTOR_TEXTS = ("languages", "about")
NEW_DOCTOR = dict.fromkeys(("name", "specialty", "qualification", "languages", "about", "practising_since"), "")


def doctor_fields(doctor: DoctorSettings) -> dict[str, str]:
    texts = {name: "" if value is None else str(value) for name, value in asdict(doctor.details).items()}
    return texts | {name: t(texts[name]) for name in DOCTOR_TEXTS}


def doctor_form(form: Mapping[str, str], before: DoctorSettings | None) -> dict[str, str]:
    if before is None:
        return dict(form)
    return {
        **form,
        **{name: kept(form.get(name, ""), getattr(before.details, name)) for name in DOCTOR_TEXTS},
    }


# --- Hours ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HoursRow:
    """A stretch of work as a row of the form, known by its key while it is on the screen."""

    key: str
    opens: str
    closes: str


@dataclass(frozen=True)
class WeekdayRows:
    """A weekday of the form with its stretches."""

    weekday: int
    name: str
    rows: list[HoursRow] = field(default_factory=list)


@dataclass(frozen=True)
class PreviewRow:
    """A day of the fortnight: when there is work, and how many times that makes."""

    day: str
    hours: str
    times: str


def empty_week() -> list[WeekdayRows]:
    return [WeekdayRows(weekday, weekday_name(weekday)) for weekday in WEEKDAYS]


def preview_rows(days: Iterable[ForeseenDay], zone: ZoneInfo) -> list[PreviewRow]:
    return [PreviewRow(short_day(day.day), _hours(day, zone), _times(day)) for day in days]


def _hours(day: ForeseenDay, zone: ZoneInfo) -> str:
    spans = [f"{clock_time(opens, zone)}–{clock_time(closes, zone)}" for opens, closes in day.stretches]
    return ", ".join(spans) or t("closed")


def _times(day: ForeseenDay) -> str:
    return tn("{count} time", "{count} times", day.starts) if day.starts else ""


def warnings(foreseen: Foreseen, zone: ZoneInfo) -> list[str]:
    """What an admin should know before saving: who no longer fits in, and which later changes are replaced."""
    return [*_misfits(foreseen.misfits, zone), *_replaced(foreseen.replaced)]


def _misfits(starts: Sequence[datetime], zone: ZoneInfo) -> list[str]:
    if not starts:
        return []
    counted = tn(
        "{count} appointment no longer lies in these hours. It stays as it is:",
        "{count} appointments no longer lie in these hours. They stay as they are:",
        len(starts),
    )
    named = "; ".join(moment(at, zone) for at in starts[:MOST_NAMED])
    more = tn("; and {count} more", "; and {count} more", len(starts) - MOST_NAMED) if len(starts) > MOST_NAMED else ""
    return [f"{counted} {named}{more}"]


def _replaced(days: Sequence[date]) -> list[str]:
    named = ", ".join(long_date(day) for day in days)
    return [t("Changes that were planned for {days} are replaced.", days=named)] if days else []


def changes_of(week: WeekSettings, today: date) -> list[Choice]:
    """The other days from which hours hold, to look at them instead."""
    others = [day for day in (today, *week.changes) if day != week.on]
    return [Choice(day.isoformat(), t("today") if day == today else long_date(day)) for day in others if week.changes]
