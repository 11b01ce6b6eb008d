"""Finding a time: specialties, the doctors of one, and a doctor's fortnight."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import NotFound
from medcal.i18n import t
from medcal.models import Specialty
from medcal.services import availability, booking, directory
from medcal.state import fortnights, live
from medcal.state.fortnights import Fortnight
from medcal.viewmodels.patient import (
    DayOfTimes,
    DoctorCard,
    SpecialtyCard,
    TimeButton,
    VisitChoice,
)


class HomeState(rx.State):
    """The specialties of the clinic."""

    specialties: list[SpecialtyCard] = []
    is_opening: bool = False
    is_loaded: bool = False

    @open_to("anyone")
    async def load(self) -> None:
        self.specialties = await run(_specialties, clock.now())
        self.is_opening = not self.specialties and await run(directory.is_opening)
        self.is_loaded = True


def _specialties(db: Session, now: datetime) -> list[SpecialtyCard]:
    location = directory.main_location(db)
    if location is None:
        return []
    return [SpecialtyCard.of(offered, location.zone_info) for offered in directory.list_specialties(db, now)]


class SpecialtyState(rx.State):
    """One specialty: its doctors with their next free times, and the first times with anyone."""

    name: str = ""
    practitioner: str = ""
    summary: str = ""
    icon: str = "stethoscope"
    visit_type: str = ""
    doctors: list[DoctorCard] = []
    first: list[TimeButton] = []
    is_loaded: bool = False
    is_missing: bool = False

    @open_to("anyone")
    async def load(self) -> None:
        self.is_loaded = self.is_missing = False
        await self._refresh(clock.now())
        live.subscribe("openings", self)

    @open_to("anyone")
    async def reload(self) -> None:
        await self._refresh(clock.now())

    async def _refresh(self, now: datetime) -> None:
        slug = routes.plain(self.router.url.path).strip("/")
        try:
            found = await live.shared(_specialty, slug, now)
        except NotFound:
            self.is_missing = True
        else:
            self._show(found)
        self.is_loaded = True

    def _show(self, found: "_SpecialtyPage") -> None:
        self.name, self.practitioner, self.summary, self.icon = found.card
        self.visit_type, self.doctors, self.first = found.visit_type, found.doctors, found.first


@dataclass(frozen=True)
class _SpecialtyPage:
    card: tuple[str, str, str, str]
    visit_type: str
    doctors: list[DoctorCard]
    first: list[TimeButton]


def _specialty(db: Session, slug: str, now: datetime) -> _SpecialtyPage:
    specialty = directory.get_specialty(db, slug)
    booking.release_lapsed_holds(db, now)
    card = (t(specialty.name), t(specialty.practitioner), t(specialty.summary), specialty.icon)
    doctors = _doctor_cards(db, specialty, now)
    return _SpecialtyPage(card, _usual_visit(db, specialty), doctors, first_times(db, specialty, "", now))


def _usual_visit(db: Session, specialty: Specialty) -> str:
    visit_types = directory.visit_types_of(db, specialty.id or 0)
    return str(visit_types[0].ref) if visit_types else ""


def _doctor_cards(db: Session, specialty: Specialty, now: datetime) -> list[DoctorCard]:
    """The doctors of a specialty, those with the earliest free time first."""
    doctors = directory.doctors_of(db, specialty.id or 0)
    visit_types = directory.visit_types_of(db, specialty.id or 0)
    if not visit_types:
        return []
    free = availability.next_free_by_doctor(db, [doctor.id or 0 for doctor in doctors], visit_types[0], now=now)
    order = list(free)
    cards = []
    for doctor in sorted(doctors, key=lambda doctor: order.index(doctor.id) if doctor.id in free else len(order)):
        location = directory.location_of(db, doctor)
        times = [TimeButton.of(time, doctor, location) for time in free.get(doctor.id or 0, [])]
        cards.append(DoctorCard.of(doctor, specialty, times, clock.local_day(now, location.zone_info)))
    return cards


def first_times(
    db: Session, specialty: Specialty, visit_type_ref: str, now: datetime, limit: int = 6
) -> list[TimeButton]:
    """The first free times with anyone in the specialty."""
    visit_types = directory.visit_types_of(db, specialty.id or 0)
    if not visit_types:
        return []
    visit_type = directory.choose_visit_type(visit_types, visit_type_ref)
    doctors = {doctor.id: doctor for doctor in directory.doctors_of(db, specialty.id or 0)}
    found = availability.first_free(db, specialty.id or 0, visit_type, now=now, limit=limit)
    return [
        TimeButton.of(time, doctor, directory.location_of(db, doctor))
        for time in found
        if (doctor := doctors.get(time.doctor_id))
    ]


class DoctorState(rx.State):
    """A doctor's profile with a fortnight of free times for the chosen kind of visit."""

    doctor: DoctorCard = DoctorCard()
    visit_types: list[VisitChoice] = []
    visit_type: str = ""
    days: list[DayOfTimes] = []
    first: list[TimeButton] = []
    has_times: bool = False
    first_free: str = ""
    has_earlier: bool = False
    has_later: bool = True
    is_loaded: bool = False
    is_missing: bool = False
    _offset: int = 0
    _leads_to: int = 0

    @open_to("anyone")
    async def load(self) -> None:
        self.is_loaded = self.is_missing = False
        self.visit_type, self._offset = "", 0
        await self._refresh(clock.now())
        live.subscribe("openings", self)

    @open_to("anyone")
    async def choose_visit_type(self, ref: str) -> None:
        self.visit_type = ref
        await self._refresh(clock.now())

    @open_to("anyone")
    async def show_later(self) -> None:
        self._offset = fortnights.later(self._offset)
        await self._turn(clock.now())

    @open_to("anyone")
    async def show_earlier(self) -> None:
        self._offset = fortnights.earlier(self._offset)
        await self._turn(clock.now())

    @open_to("anyone")
    async def show_first(self) -> None:
        """From a fortnight without a free time to the one that has the first."""
        self._offset = self._leads_to
        await self._turn(clock.now())

    @open_to("anyone")
    async def reload(self) -> None:
        await self._refresh(clock.now())

    async def _refresh(self, now: datetime) -> None:
        """Read the page again: something was chosen here, or somebody took or freed a time."""
        await self._read(_doctor_page, now)
        if not self.is_missing:
            self.first = await live.shared(_first_with_anyone, self._slug(), self.visit_type, now)
        self.is_loaded = True

    async def _turn(self, now: datetime) -> None:
        """Read the fortnight alone; who turns to other days waits for nothing else."""
        await self._read(_fortnight, now)

    async def _read(self, work: "Callable[[Session, str, str, int, datetime], _DoctorPage]", now: datetime) -> None:
        try:
            found = await live.shared(work, self._slug(), self.visit_type, self._offset, now)
        except NotFound:
            self.is_missing = True
        else:
            self._show(found)

    def _slug(self) -> str:
        return routes.plain(self.router.url.path).removeprefix("/doctors/")

    def _show(self, found: "_DoctorPage") -> None:
        # What is assigned is sent: who turns to other days gets the days alone.
        shown, now_so = (
            (self.doctor, self.visit_types, self.visit_type),
            (found.doctor, found.visit_types, found.visit_type),
        )
        if shown != now_so:
            self.doctor, self.visit_types, self.visit_type = now_so
        fortnight = found.fortnight
        self.days, self.has_times = fortnight.days, fortnight.has_times
        self.first_free, self._leads_to = fortnight.first_free, fortnight.leads_to
        self.has_earlier, self.has_later = self._offset > 0, fortnights.has_later(self._offset)


@dataclass(frozen=True)
class _DoctorPage:
    doctor: DoctorCard
    visit_types: list[VisitChoice]
    visit_type: str
    fortnight: Fortnight


def _doctor_page(db: Session, slug: str, visit_type_ref: str, offset: int, now: datetime) -> _DoctorPage:
    booking.release_lapsed_holds(db, now)
    return _fortnight(db, slug, visit_type_ref, offset, now)


def _fortnight(db: Session, slug: str, visit_type_ref: str, offset: int, now: datetime) -> _DoctorPage:
    """Reads, and lets go of nothing: what lapses while somebody looks is told to all open pages within seconds."""
    practice = directory.get_practice(db, slug)
    doctor, location = practice.doctor, practice.location
    visit_type = directory.choose_visit_type(practice.visit_types, visit_type_ref)
    return _DoctorPage(
        DoctorCard.of(doctor, practice.specialty, [], clock.local_day(now, location.zone_info)),
        [VisitChoice.of(choice) for choice in practice.visit_types],
        str(visit_type.ref),
        fortnights.read(db, doctor, location, visit_type, offset, now),
    )


def _first_with_anyone(db: Session, slug: str, visit_type_ref: str, now: datetime) -> list[TimeButton]:
    specialty = db.get_one(Specialty, directory.get_doctor(db, slug).specialty_id)
    return first_times(db, specialty, visit_type_ref, now, limit=3)
