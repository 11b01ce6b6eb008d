"""What the desk sees of one appointment, and what its dialogs offer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from medcal.clock import local, local_day
from medcal.i18n import LANGUAGES, n_, t, tn
from medcal.models import AppointmentStatus, VisitType
from medcal.security import Actor
from medcal.services.absences import ComingAbsence
from medcal.services.appointment_file import AppointmentFile, Happened
from medcal.services.day_book import DeskDoctor
from medcal.services.desk import Place
from medcal.services.desk_search import KnownPatient
from medcal.viewmodels.dates import clock_time, long_date, moment, short_moment, stamp, zone_name
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.staff import STATUS_WORDS, doctor_choices, may_book, status_kind


@dataclass(frozen=True)
class HistoryLine:
    at: str
    text: str


@dataclass(frozen=True)
class AppointmentSheet:
    """One appointment with what the reader may do about it."""

    ref: str = ""
    code: str = ""
    kind: str = ""
    status: str = ""
    title: str = ""
    when: str = ""
    visit: str = ""
    doctor: str = ""
    doctor_ref: str = ""
    patient_ref: str = ""
    born: str = ""
    email: str = ""
    phone: str = ""
    booker: str = ""
    reason: str = ""
    request: str = ""
    overbooked: str = ""
    cancelled: str = ""
    confirmed: str = ""
    consent: str = ""
    consent_words: str = ""
    waits: bool = False
    day: str = ""
    time: str = ""
    version: int = 0
    can_check_in: bool = False
    can_finish: bool = False
    can_mark_no_show: bool = False
    can_undo_no_show: bool = False
    can_move: bool = False
    can_cancel: bool = False
    can_wait: bool = False
    can_undo: bool = False
    doctors: list[Choice] = field(default_factory=list)
    history: list[HistoryLine] = field(default_factory=list)


def appointment_sheet(
    file: AppointmentFile, doctors: Sequence[DeskDoctor], actor: Actor, now: datetime
) -> AppointmentSheet:
    """The card of one appointment, for this reader at this moment."""
    zone, status = file.zone, file.status
    kind = status_kind(status, is_confirmed=file.confirmed_at is not None, is_offer=file.answer_until is not None)
    is_booked, starts = status is AppointmentStatus.booked, local(file.starts_at, file.zone)
    return AppointmentSheet(
        ref=str(file.ref),
        code=file.code,
        kind=kind,
        status=t(STATUS_WORDS[kind]),
        title=file.patient or t("Somebody is booking"),
        when=t("{moment} to {time}", moment=moment(file.starts_at, zone), time=clock_time(file.ends_at, zone)),
        visit=t(file.visit_type),
        doctor=t("{doctor}, {specialty}", doctor=file.doctor, specialty=t(file.specialty)),
        doctor_ref=str(file.doctor_ref),
        patient_ref=str(file.patient_ref or ""),
        born=born(file.born_on, local_day(now, zone)),
        email=file.email or "",
        phone=file.phone or "",
        booker=" · ".join(part for part in (file.booker, file.booker_email, file.booker_phone) if part),
        reason=t(file.reason) if file.reason else "",
        request=file.request,
        overbooked=_overbooked(file),
        cancelled=_cancelled(file),
        confirmed=stamp(file.confirmed_at, zone) if file.confirmed_at else "",
        consent=_consent(file),
        consent_words=file.consent or "",
        waits=file.waits,
        day=starts.date().isoformat(),
        time=f"{starts:%H:%M}",
        version=file.version,
        # Nobody arrives days before the visit.
        can_check_in=is_booked and starts.date() <= local_day(now, zone),
        can_finish=status is AppointmentStatus.arrived,
        can_mark_no_show=is_booked and file.starts_at <= now,
        can_undo_no_show=status is AppointmentStatus.no_show,
        can_move=is_booked and may_book(actor),
        can_cancel=is_booked and may_book(actor),
        can_wait=is_booked and may_book(actor) and file.starts_at > now + timedelta(days=1),
        can_undo=file.undo_until is not None and now < file.undo_until and may_book(actor),
        doctors=doctor_choices(doctors, file.specialty_ref),
        history=[HistoryLine(stamp(happened.at, zone), in_words(happened, zone)) for happened in file.history],
    )


def born(born_on: date | None, today: date) -> str:
    """12 March 1984 (42 years)."""
    if born_on is None:
        return ""
    age = today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
    return t("{date} ({age})", date=long_date(born_on), age=tn("{count} year", "{count} years", age))


def _overbooked(file: AppointmentFile) -> str:
    if not file.overbooked_reason:
        return ""
    return t("{name} allowed it: {reason}", name=file.overbooked_by or "?", reason=file.overbooked_reason)


def _cancelled(file: AppointmentFile) -> str:
    if file.status is not AppointmentStatus.cancelled:
        return ""
    who = t("By the patient") if file.cancelled_by == "patient" else t("By the clinic")
    late = t("late") if file.is_late_cancellation else ""
    return ", ".join(part for part in (who, late, file.cancel_reason) if part)


def _consent(file: AppointmentFile) -> str:
    """Which text stood beside the form; nothing where the desk has booked."""
    if file.consent_version is None or file.consent_since is None:
        return ""
    return t(
        "Version {version} ({language}), first used {date}",
        version=file.consent_version,
        language=LANGUAGES.get(file.consent_language or "", ""),
        date=long_date(local_day(file.consent_since, file.zone)),
    )


_HISTORY = {
    "appointment.held": n_("The time was held while a form was filled in"),
    "appointment.released": n_("The form was not sent in time"),
    "appointment.booked": n_("Booked by {who}"),
    "appointment.confirmed": n_("Confirmed by {who}"),
    "appointment.cancelled": n_("Cancelled by {who}"),
    "appointment.restored": n_("Cancellation taken back by {who}"),
    "appointment.arrived": n_("Checked in by {who}"),
    "appointment.fulfilled": n_("Finished by {who}"),
    "appointment.no_show": n_("Marked as a no-show by {who}"),
    "appointment.no_show_undone": n_("No-show taken back by {who}"),
    "waitlist.joined": n_("Asked for something earlier ({who})"),
    "waitlist.left": n_("No longer waits for something earlier ({who})"),
    "waitlist.put_back": n_("Waits for something earlier again ({who})"),
    "offer.made": n_("Held for an offer to somebody who waits"),
    "offer.accepted": n_("The offer was accepted by {who}"),
    "offer.declined": n_("The offer was declined by {who}"),
    "offer.expired": n_("The offer ended without an answer"),
    "offer.withdrawn": n_("The offer was withdrawn by {who}"),
    "message.replayed": n_("A message was sent again by {who}"),
    "message.resent": n_("A message was sent again by {who}"),
    "message.called": n_("Told on the phone by {who}"),
}


def in_words(happened: Happened, zone: ZoneInfo) -> str:
    """An event of the history as a sentence. An unknown kind shows as it is, rather than not at all."""
    who = happened.staff or (t("the patient") if happened.actor == "patient" else t("Medcal"))
    if happened.kind == "appointment.moved" and happened.old_starts_at and happened.new_starts_at:
        old, new = short_moment(happened.old_starts_at, zone), short_moment(happened.new_starts_at, zone)
        if happened.old_doctor != happened.new_doctor:
            old = t("{moment} ({doctor})", moment=old, doctor=happened.old_doctor or "?")
            new = t("{moment} ({doctor})", moment=new, doctor=happened.new_doctor or "?")
        return t("Moved by {who} from {old} to {new}", who=who, old=old, new=new)
    return t(_HISTORY[happened.kind], who=who) if happened.kind in _HISTORY else happened.kind


# --- Dialogs ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BookingPlace:
    """Where a new appointment would go: the doctor's day and what can be booked there."""

    doctor_ref: str = ""
    doctor: str = ""
    day: str = ""
    time: str = ""
    zone: str = ""
    visits: list[Choice] = field(default_factory=list)

    @classmethod
    def of(cls, place: Place) -> "BookingPlace":
        starts = local(place.starts_at, place.zone)
        return cls(
            doctor_ref=str(place.doctor.ref),
            doctor=place.doctor.name,
            day=starts.date().isoformat(),
            time=f"{starts:%H:%M}",
            zone=zone_name(place.starts_at, place.zone),
            visits=[_visit_choice(visit_type) for visit_type in place.visit_types],
        )


def _visit_choice(visit_type: VisitType) -> Choice:
    return Choice(
        str(visit_type.ref), t("{name}, {count} min", name=t(visit_type.name), count=visit_type.length_minutes)
    )


@dataclass(frozen=True)
class PatientChoice:
    """A known patient among the search's results."""

    ref: str = ""
    name: str = ""
    detail: str = ""

    @classmethod
    def of(cls, patient: KnownPatient) -> "PatientChoice":
        parts = (long_date(patient.born_on) if patient.born_on else "", patient.email, patient.phone)
        return cls(str(patient.ref), patient.name, " · ".join(part for part in parts if part))


@dataclass(frozen=True)
class BlockedTime:
    """Time off of a doctor that can be given back."""

    ref: str
    when: str
    reason: str

    @classmethod
    def of(cls, absence: ComingAbsence, zone: ZoneInfo) -> "BlockedTime":
        starts, ends = short_moment(absence.starts_at, zone), short_moment(absence.ends_at, zone)
        is_one_day = local_day(absence.starts_at, zone) == local_day(absence.ends_at, zone)
        return cls(
            str(absence.ref),
            t("{begin} to {end}", begin=starts, end=clock_time(absence.ends_at, zone) if is_one_day else ends),
            absence.reason,
        )
