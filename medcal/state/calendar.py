"""The live calendar: which days of which doctors are on the screen. Everything in it comes from the day book."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, cast

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError
from medcal.security import Actor, Role
from medcal.services import day_book, desk, first_steps
from medcal.services.desk import Undoable, WallTime
from medcal.state import live
from medcal.state.block_time import BlockTimeState
from medcal.state.book_at_desk import BookAtDeskState
from medcal.state.desk_answers import day_in, ref_in, refused, wall_of
from medcal.state.open_appointment import OpenAppointmentState
from medcal.state.session import actor_of
from medcal.state.undo import said_of_moving, say_or_offer
from medcal.viewmodels.calendar_days import View, days_of, other_day, title_of
from medcal.viewmodels.dates import zone_name
from medcal.viewmodels.staff import (
    Block,
    CalendarSheet,
    ChoiceGroup,
    Column,
    Shade,
    calendar_sheet,
    doctor_filter,
    may_book,
)


class CalendarState(rx.State):
    """The days and doctors on the screen; `chosen` is what the calendar is narrowed to."""

    view: str = "day"
    day: str = ""
    chosen: str = ""
    title: str = ""
    is_today: bool = True
    filters: list[ChoiceGroup] = []
    columns: list[Column] = []
    blocks: list[Block] = []
    shades: list[Shade] = []
    opens: str = "08:00:00"
    closes: str = "17:00:00"
    zone: str = "UTC"
    zone_name: str = ""
    can_book: bool = False
    # Counts the answers to moves: a refused block goes back although the list is the same as before.
    answered: int = 0
    # Whoever can, or cannot, go on setting up a clinic that is not open yet: "admin" or "staff".
    first_steps: str = ""
    is_loaded: bool = False
    _is_narrow: bool = False

    @open_to("staff")
    async def load(self) -> Any:
        live.subscribe("calendar", self)
        await self._refresh(clock.now())
        if self.columns:
            return None
        return await self._begin()

    async def _begin(self) -> Any:
        """Nobody works here yet: an admin of an empty clinic is led to its first steps, others are told."""
        found, is_admin = await run(first_steps.look), actor_of(self).role is Role.admin
        self.first_steps = "" if found.is_open else "admin" if is_admin else "staff"
        return rx.redirect(routes.to(routes.STAFF_SETUP)) if is_admin and not found.has_clinic else None

    @open_to("staff")
    async def fit(self, is_narrow: bool) -> None:
        """A phone gets the list of one doctor's day; a wide window the columns."""
        if is_narrow == self._is_narrow:
            return
        self._is_narrow = is_narrow
        if self.view in ("day", "list"):
            self.view = "list" if is_narrow else "day"
        await self._refresh(clock.now())

    @open_to("staff")
    async def show_view(self, view: View) -> None:
        self.view = view
        await self._refresh(clock.now())

    @open_to("staff")
    async def choose(self, ref: str) -> Any:
        """Narrow the calendar to a doctor, a specialty or a location."""
        try:
            self.chosen = str(ref_in(ref))
        except MedcalError as refusal:
            return refused(refusal)
        return await self._refresh(clock.now())

    @open_to("staff")
    async def turn(self, by: Literal[-1, 1]) -> None:
        """To the page before or after: a day, a week, or a month."""
        if day := day_in(self.day):
            await self.go_to(other_day(day, cast(View, self.view), by).isoformat())

    @open_to("staff")
    async def go_to(self, day: str) -> None:
        if day_in(day):
            self.day = day
            await self._refresh(clock.now())

    @open_to("staff")
    async def go_to_today(self) -> None:
        self.day = ""
        await self._refresh(clock.now())

    @open_to("staff")
    async def open_day(self, day: str) -> None:
        """A day of the month was chosen: show it alone."""
        self.view = "list" if self._is_narrow else "day"
        await self.go_to(day)

    @open_to("staff")
    def open_visit(self, ref: uuid.UUID) -> Any:
        return OpenAppointmentState.open(str(ref))

    @open_to("staff")
    def pick(self, start: datetime, end: datetime | Literal[""], doctor: uuid.UUID) -> Any:
        """A free time was chosen: reception books there, doctors block it."""
        until = end.isoformat() if isinstance(end, datetime) else ""
        dialog = BookAtDeskState if self.can_book else BlockTimeState
        return dialog.open_at(start.isoformat(), until, str(doctor))

    @open_to("staff")
    def add(self) -> Any:
        """The same without a mouse: the dialog has the time to be chosen."""
        if not self.columns:
            return None
        return self.pick(datetime.fromisoformat(f"{self.day}T{self.opens}"), "", uuid.UUID(self.columns[0].ref))

    @open_to("reception", "admin")
    async def move(self, ref: uuid.UUID, start: datetime, doctor: uuid.UUID, version: int) -> Any:
        """A block was dropped somewhere else. A refusal is told, and the block goes back."""
        try:
            now = clock.now()
            did = await run(_move, actor_of(self), ref, doctor, wall_of(start), version, now)
            answer = await say_or_offer(self, did, said_of_moving(), now)
        except MedcalError as refusal:
            answer = refused(refusal)
        self.answered += 1
        await self._refresh(clock.now())
        return answer

    async def _refresh(self, now: datetime) -> None:
        day, chosen = day_in(self.day), ref_in(self.chosen) if self.chosen else None
        self._show(await live.shared(_read, actor_of(self), cast(View, self.view), day, chosen, self._is_narrow, now))

    def _show(self, page: "CalendarPage") -> None:
        self.day, self.chosen, self.title, self.is_today = page.day, page.chosen, page.title, page.is_today
        self.zone, self.zone_name, self.can_book = page.zone, page.zone_name, page.can_book
        self.opens, self.closes, self.is_loaded = page.sheet.opens, page.sheet.closes, True
        # What has not changed is not sent again: a push to every open calendar is as small as what happened.
        if self.filters != page.filters:
            self.filters = page.filters
        if self.columns != page.sheet.columns:
            self.columns = page.sheet.columns
        if self.columns:
            self.first_steps = ""
        if self.shades != page.sheet.shades:
            self.shades = page.sheet.shades
        if self.blocks != page.sheet.blocks:
            self.blocks = page.sheet.blocks


def _move(
    db: Session, actor: Actor, ref: uuid.UUID, doctor: uuid.UUID, at: WallTime, version: int, now: datetime
) -> Undoable:
    return desk.undoable(db, desk.move(db, actor, ref, doctor, at, version=version, now=now))


@dataclass(frozen=True)
class CalendarPage:
    """A page of the calendar, read for one actor at one moment."""

    day: str = ""
    chosen: str = ""
    title: str = ""
    is_today: bool = False
    zone: str = "UTC"
    zone_name: str = ""
    can_book: bool = False
    filters: list[ChoiceGroup] = field(default_factory=list)
    sheet: CalendarSheet = field(default_factory=CalendarSheet)


# A clinic without doctors has no calendar yet.
EMPTY = CalendarPage()


def _read(
    db: Session, actor: Actor, view: View, day: date | None, chosen: uuid.UUID | None, is_narrow: bool, now: datetime
) -> CalendarPage:
    """The page that was asked for. Weeks, months and phones show one doctor; a filter that means nobody any more means everybody."""
    doctors = day_book.doctors_for(db, actor)
    shown = day_book.choose_doctors(doctors, chosen) or day_book.choose_doctors(doctors, None)
    if not shown:
        return EMPTY
    if view in ("week", "month") or is_narrow:
        shown = shown[:1]
    today = clock.local_day(now, shown[0].zone_info)
    first, days = days_of(view, day or today)
    title = title_of(view, day or today)
    return CalendarPage(
        day=(day or today).isoformat(),
        chosen=str(day_book.filter_of(shown, chosen)),
        title=title,
        is_today=title == title_of(view, today),
        zone=shown[0].zone,
        zone_name=zone_name(now, shown[0].zone_info),
        can_book=may_book(actor),
        filters=doctor_filter(doctors),
        sheet=calendar_sheet(
            day_book.read_days(db, actor, shown, first, days), actor, with_shades=view in ("day", "week")
        ),
    )
