"""The list of all appointments: search, filters, pages, and a day to be printed."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.models import AppointmentStatus
from medcal.security import Actor
from medcal.services import day_book, desk_search
from medcal.services.desk_search import Wanted
from medcal.services.outbox import clinic_zone
from medcal.state import live
from medcal.state.desk_answers import day_in, ref_in
from medcal.state.session import actor_of
from medcal.viewmodels.staff import ChoiceGroup, doctor_filter
from medcal.viewmodels.staff_lists import ListedAppointment, listed_appointments

# "confirmed" is no status of its own; everything else in the filter is.
STATUSES = ("booked", "arrived", "fulfilled", "no_show", "cancelled")


class StaffAppointmentsState(rx.State):
    """What is asked for, and the page of it that is on the screen. `is_whole` is a list without pages, to be printed."""

    words: str = ""
    status: str = ""
    first_day: str = ""
    last_day: str = ""
    chosen: str = ""
    filters: list[ChoiceGroup] = []
    rows: list[ListedAppointment] = []
    page: int = 0
    has_more: bool = False
    is_whole: bool = False
    is_loaded: bool = False

    @open_to("staff")
    async def load(self) -> None:
        live.subscribe("appointments", self)
        if not self.first_day:
            self.first_day, self.filters = await run(_start, actor_of(self), clock.now())
        await self._refresh(clock.now())

    @open_to("staff", text_limit=200)
    async def search(self, words: str) -> None:
        self.words = words
        await self._from_the_start()

    @open_to("staff")
    async def choose_status(self, status: str) -> None:
        self.status = status if status in STATUSES else ""
        await self._from_the_start()

    @open_to("staff")
    async def choose_first_day(self, day: str) -> None:
        self.first_day = day if day_in(day) else ""
        await self._from_the_start()

    @open_to("staff")
    async def choose_last_day(self, day: str) -> None:
        self.last_day = day if day_in(day) else ""
        await self._from_the_start()

    @open_to("staff")
    async def choose(self, ref: str) -> None:
        """Narrow the list to a doctor, a specialty or a location; empty is everybody."""
        self.chosen = ref
        await self._from_the_start()

    @open_to("staff")
    async def turn(self, by: Literal[-1, 1]) -> None:
        self.page = max(self.page + by, 0)
        await self._refresh(clock.now())

    @open_to("staff")
    async def print_day(self) -> Any:
        """The whole list of the first day, then the browser's dialog for printing."""
        self.last_day, self.page, self.is_whole = self.first_day, 0, True
        await self._refresh(clock.now())
        # The rows must be on the page before it goes to paper.
        return rx.call_script("setTimeout(() => window.print(), 400)")

    async def _from_the_start(self) -> None:
        self.page, self.is_whole = 0, False
        await self._refresh(clock.now())

    async def _refresh(self, _now: datetime) -> None:
        found = await live.shared(_find, actor_of(self), self._wanted(), self.page, self.is_whole)
        self.rows, self.has_more, self.is_loaded = listed_appointments(found.rows), found.has_more, True

    def _wanted(self) -> Wanted:
        wanted = Wanted(text=self.words, first_day=day_in(self.first_day), last_day=day_in(self.last_day))
        if self.status:
            wanted = replace(wanted, statuses=(AppointmentStatus(self.status),))
        return replace(wanted, of=ref_in(self.chosen)) if self.chosen else wanted


def _start(db: Session, actor: Actor, now: datetime) -> tuple[str, list[ChoiceGroup]]:
    return clock.local_day(now, clinic_zone(db)).isoformat(), doctor_filter(day_book.doctors_for(db, actor))


def _find(db: Session, actor: Actor, wanted: Wanted, page: int, is_whole: bool) -> desk_search.Page:
    if is_whole:
        return desk_search.day_list(db, actor, wanted)
    return desk_search.find_appointments(db, actor, wanted, page)
