"""What the desk sees of days: the calendar, its words for the states of an appointment, and lists to choose from."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from medcal.clock import local
from medcal.i18n import n_, t
from medcal.models import AppointmentStatus
from medcal.security import Actor, Role
from medcal.services.day_book import Absence, Claim, DayBook, DeskDoctor, Shift
from medcal.viewmodels.dates import clock_time
from medcal.viewmodels.patient import Choice

# Where nobody works and nothing stands, the sheet is still a day.
USUAL_HOURS = (8, 17)

STATUS_WORDS = {
    "held": n_("Being booked"),
    "offer": n_("Offered"),
    "booked": n_("Booked"),
    "confirmed": n_("Confirmed"),
    "arrived": n_("Arrived"),
    "fulfilled": n_("Done"),
    "no_show": n_("No-show"),
    "cancelled": n_("Cancelled"),
    "released": n_("Released"),
}


def status_kind(status: AppointmentStatus, *, is_confirmed: bool, is_offer: bool = False) -> str:
    """A key of STATUS_WORDS: what the patient said, and whom a hold is for, count as states of their own on the screen."""
    if status is AppointmentStatus.booked and is_confirmed:
        return "confirmed"
    return "offer" if is_offer else str(status)


@dataclass(frozen=True)
class ChoiceGroup:
    label: str
    choices: list[Choice] = field(default_factory=list)


def doctor_filter(doctors: Sequence[DeskDoctor]) -> list[ChoiceGroup]:
    """What the calendar can be narrowed to: a location, a specialty, a doctor. Whoever has one calendar has no choice."""
    if len(doctors) < 2:
        return []
    places = {doctor.location_ref: t("All doctors, {place}", place=doctor.location) for doctor in doctors}
    groups = [ChoiceGroup(t("Everybody"), [Choice(str(ref), label) for ref, label in places.items()])]
    for specialty, members in groupby(doctors, key=lambda doctor: (doctor.specialty_ref, doctor.specialty)):
        everyone = Choice(str(specialty[0]), t("All of {specialty}", specialty=t(specialty[1])))
        groups.append(ChoiceGroup(t(specialty[1]), [everyone, *(Choice(str(each.ref), each.name) for each in members)]))
    return groups


def doctor_choices(doctors: Iterable[DeskDoctor], specialty_ref: uuid.UUID | None = None) -> list[Choice]:
    return [Choice(str(each.ref), each.name) for each in doctors if specialty_ref in (None, each.specialty_ref)]


# --- The calendar -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A doctor of the calendar."""

    ref: str
    name: str
    specialty: str


@dataclass(frozen=True)
class Block:
    """Something in a doctor's day. `start` and `end` are on the location's wall clock, without an offset.

    `kind` is a key of STATUS_WORDS, `status` its word; `spoken` is the whole for a screen reader.
    """

    ref: str
    doctor: str
    start: str
    end: str
    time: str
    kind: str
    title: str
    note: str
    status: str
    spoken: str
    version: int = 0
    can_move: bool = False
    is_overbooked: bool = False
    waits: bool = False
    doctor_name: str = ""


@dataclass(frozen=True)
class Shade:
    """What lies behind the blocks: closed hours, time off, the buffer after a visit."""

    doctor: str
    start: str
    end: str
    kind: str
    label: str = ""


@dataclass(frozen=True)
class CalendarSheet:
    """Some days of some doctors, ready to be drawn. `opens` and `closes` bound the hours that are worth showing."""

    columns: list[Column] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    shades: list[Shade] = field(default_factory=list)
    opens: str = "08:00:00"
    closes: str = "17:00:00"


def calendar_sheet(book: DayBook, actor: Actor, *, with_shades: bool = True) -> CalendarSheet:
    """The calendar of these days; a month has no room for shades."""
    refs = {doctor.id: str(doctor.ref) for doctor in book.doctors}
    names = {doctor.id: doctor.name for doctor in book.doctors}
    opens, closes = _worth_showing(book)
    return CalendarSheet(
        [Column(str(doctor.ref), doctor.name, t(doctor.specialty)) for doctor in book.doctors],
        [_block(claim, refs[claim.doctor_id], names[claim.doctor_id], book.zone, actor) for claim in book.claims],
        _shades(book, refs) if with_shades else [],
        f"{opens:02d}:00:00",
        f"{closes:02d}:00:00",
    )


def _worth_showing(book: DayBook) -> tuple[int, int]:
    """The full hours around all shifts and claims of these days."""
    instants = [(shift.starts_at, shift.ends_at) for shift in book.shifts]
    instants += [(claim.starts_at, claim.ends_at) for claim in book.claims]
    spans = [(local(starts_at, book.zone), local(ends_at, book.zone)) for starts_at, ends_at in instants]
    if not spans:
        return USUAL_HOURS
    return min(starts.hour for starts, _ in spans), max(_full_hour_after(starts, ends) for starts, ends in spans)


def _full_hour_after(starts: datetime, ends: datetime) -> int:
    return 24 if ends.date() > starts.date() else ends.hour + (ends.minute > 0)


def _block(claim: Claim, doctor_ref: str, doctor: str, zone: ZoneInfo, actor: Actor) -> Block:
    kind = status_kind(claim.status, is_confirmed=claim.is_confirmed, is_offer=claim.is_offer)
    status = t(STATUS_WORDS[kind])
    title, note = claim.patient or t("Somebody is booking"), _note(claim, zone)
    time = t(
        "{from_time}–{to_time}", from_time=clock_time(claim.starts_at, zone), to_time=clock_time(claim.ends_at, zone)
    )
    overbooked = t("overbooked: {reason}", reason=claim.overbooked_reason) if claim.overbooked_reason else ""
    waits = t("waits for something earlier") if claim.waits else ""
    start, end = _wall_span(claim.starts_at, claim.ends_at, zone)
    return Block(
        ref=str(claim.ref),
        doctor=doctor_ref,
        start=start,
        end=end,
        time=time,
        kind=kind,
        title=title,
        note=note,
        status=status,
        spoken=", ".join(part for part in (time, title, note, doctor, status, overbooked, waits) if part),
        version=claim.version,
        can_move=claim.status is AppointmentStatus.booked and may_book(actor),
        is_overbooked=claim.overbooked_reason is not None,
        waits=claim.waits,
        doctor_name=doctor,
    )


def _note(claim: Claim, zone: ZoneInfo) -> str:
    if claim.answer_until:
        return t("{visit}, answer until {time}", visit=t(claim.visit_type), time=clock_time(claim.answer_until, zone))
    if claim.held_until:
        return t("{visit}, held until {time}", visit=t(claim.visit_type), time=clock_time(claim.held_until, zone))
    return t(claim.visit_type)


def may_book(actor: Actor) -> bool:
    """Reception and admins book, move and cancel; doctors see their day and say what became of a visit."""
    return actor.role in (Role.reception, Role.admin)


def wall(at: datetime, zone: ZoneInfo) -> str:
    """An instant on the wall clock, as the calendar speaks: 2026-11-23T09:00:00."""
    return local(at, zone).replace(tzinfo=None).isoformat(timespec="seconds")


def _wall_span(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> tuple[str, str]:
    start, end = (local(at, zone).replace(tzinfo=None) for at in (starts_at, ends_at))
    # In the hour that autumn repeats, a visit can end "before" it starts; it is drawn as long as it takes.
    if end <= start:
        end = start + (ends_at - starts_at)
    return start.isoformat(timespec="seconds"), end.isoformat(timespec="seconds")


def _shades(book: DayBook, refs: dict[int, str]) -> list[Shade]:
    closed = [shade for doctor in book.doctors for day in book.listed_days for shade in _closed(book, doctor, day)]
    off = [_time_off(absence, refs[absence.doctor_id], book.zone) for absence in book.absences]
    buffers = [
        Shade(refs[claim.doctor_id], *_wall_span(claim.ends_at, claim.busy_until, book.zone), "buffer")
        for claim in book.claims
        if claim.busy_until > claim.ends_at and claim.status is not AppointmentStatus.no_show
    ]
    return closed + off + buffers


def _closed(book: DayBook, doctor: DeskDoctor, day: date) -> list[Shade]:
    """The parts of a day outside the doctor's shifts, on the wall clock."""
    shifts = sorted(_shifts_on(book.shifts, doctor.id, day), key=lambda shift: shift.starts_at)
    edges = [f"{day}T00:00:00"]
    for shift in shifts:
        edges += [wall(shift.starts_at, book.zone), wall(shift.ends_at, book.zone)]
    edges.append(f"{day + timedelta(days=1)}T00:00:00")
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return [Shade(str(doctor.ref), start, end, "closed") for start, end in gaps if start < end]


def _shifts_on(shifts: Iterable[Shift], doctor_id: int, day: date) -> list[Shift]:
    return [shift for shift in shifts if shift.doctor_id == doctor_id and shift.day == day]


def _time_off(absence: Absence, doctor_ref: str, zone: ZoneInfo) -> Shade:
    label = absence.reason or (t("Closed") if absence.is_closure else t("Time off"))
    return Shade(
        doctor_ref,
        *_wall_span(absence.starts_at, absence.ends_at, zone),
        "closure" if absence.is_closure else "off",
        label,
    )
