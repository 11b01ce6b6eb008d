"""The weekly hours on a doctor's sheet: rows that come and go, and what they would come to."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, InvalidForm, MedcalError
from medcal.i18n import t, tn
from medcal.security import Actor
from medcal.services import weekly_hours
from medcal.services.checks import check_day
from medcal.services.weekly_hours import MOST_STRETCHES, Foreseen, GivenHours, Week, WeekSettings
from medcal.state.desk_answers import done, focus_first_problem, problems_of, ref_in, refused
from medcal.state.forms import Form, text
from medcal.state.session import actor_of
from medcal.state.setup import SetupState
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.settings import (
    HoursRow,
    PreviewRow,
    WeekdayRows,
    changes_of,
    empty_week,
    preview_rows,
    warnings,
)

# What somebody without hours is offered to begin with: weekday mornings and afternoons.
USUAL = tuple((weekday, span) for weekday in range(5) for span in (("08:00", "12:00"), ("13:00", "17:00")))
USUAL_RASTER = "20"
LAST_WEEKDAY = 4


class HoursState(rx.State):
    """The hours of the doctor whose sheet is open; `_draft` is what stands in the fields, by their names."""

    days: list[WeekdayRows] = []
    raster_minutes: str = USUAL_RASTER
    valid_from: str = ""
    today: str = ""
    changes: list[Choice] = []
    is_suggested: bool = False
    has_mixed_steps: bool = False
    preview: list[PreviewRow] = []
    warnings: list[str] = []
    problems: dict[str, str] = {}
    # Changes with each reading, so that fields begin anew with what was read.
    edition: int = 0
    # Numbers the rows.
    _rows: int = 0
    _doctor: str = ""
    _seen: str = ""
    _zone: str = "UTC"
    _draft: dict[str, str] = {}

    @open_to("admin")
    async def write(self, field: str, value: str) -> None:
        """Something was typed: what the hours would come to changes with it."""
        if field in self._draft:
            self._draft[field] = value
            await self._foresee()

    @open_to("admin")
    async def begin(self, day: str) -> Any:
        """Hours that begin on another day are shown instead."""
        try:
            await self._read(check_day(day, "valid_from"))
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
        except MedcalError as refusal:
            return refused(refusal)
        return None

    @open_to("admin")
    async def add_stretch(self, weekday: int) -> None:
        if 0 <= weekday < len(self.days) and self._has_room(self._count() + 1):
            self._put(weekday, [*self._spans(weekday), ("", "")])
            await self._foresee()

    @open_to("admin")
    async def remove_stretch(self, key: str) -> None:
        for day in self.days:
            if any(row.key == key for row in day.rows):
                self._put(day.weekday, [self._span(row) for row in day.rows if row.key != key])
        await self._foresee()

    @open_to("admin")
    async def copy_to_weekdays(self) -> None:
        """Monday's hours on every day until Friday."""
        others = range(1, LAST_WEEKDAY + 1)
        if self.days and self._has_room(self._count() - self._count(others) + len(others) * len(self.days[0].rows)):
            for weekday in others:
                self._put(weekday, self._spans(0))
            await self._foresee()

    @open_to("admin")
    async def save(self, form: dict[str, Any]) -> Any:
        """Send the form. What does not fit is said beside its field."""
        self.problems = {}
        try:
            week = self._week(form)
            misfits = await run(_set, actor_of(self), self._doctor, week, self._seen, clock.now())
        except (Invalid, InvalidForm) as refusal:
            self.problems = problems_of(refusal)
            return focus_first_problem()
        except MedcalError as refusal:
            await self._read(None)
            return refused(refusal)
        await self._read(week.valid_from)
        return [done(_said(misfits)), SetupState.look()]

    # --- What is on the screen ----------------------------------------------------------------------------------------

    async def _open(self, doctor: str) -> None:
        self._doctor = doctor
        await self._read(None)

    async def _read(self, on: date | None) -> None:
        self._show(await run(_week, actor_of(self), self._doctor, on, clock.now()))
        await self._foresee()

    def _show(self, week: WeekSettings) -> None:
        is_new = not week.hours and not week.changes
        spans = USUAL if is_new else [(e.weekday, (f"{e.opens:%H:%M}", f"{e.closes:%H:%M}")) for e in week.hours]
        self.days, self._draft, self.problems = empty_week(), {}, {}
        for weekday in range(len(self.days)):
            self._put(weekday, [span for at, span in spans if at == weekday])
        self.is_suggested, self.has_mixed_steps = is_new, bool(week.hours) and week.raster_minutes is None
        self.raster_minutes = str(week.raster_minutes or ("" if self.has_mixed_steps else USUAL_RASTER))
        today = clock.local_day(clock.now(), week.zone)
        self.valid_from, self.today = week.on.isoformat(), today.isoformat()
        self.changes = changes_of(week, today)
        self._seen, self._zone = week.seen, week.zone.key
        self._draft |= {"raster_minutes": self.raster_minutes, "valid_from": self.valid_from}
        self.edition += 1

    def _put(self, weekday: int, spans: list[tuple[str, str]]) -> None:
        """New rows for a weekday, with keys that no row has had, so that fields begin anew with what they are given."""
        self._draft = {
            name: value
            for name, value in self._draft.items()
            if name not in {f"{edge}_{row.key}" for row in self.days[weekday].rows for edge in ("opens", "closes")}
        }
        rows = [HoursRow(str(self._rows + place), *span) for place, span in enumerate(spans, 1)]
        self._rows += len(rows)
        for row in rows:
            self._draft |= {f"opens_{row.key}": row.opens, f"closes_{row.key}": row.closes}
        self.days = [WeekdayRows(day.weekday, day.name, rows) if day.weekday == weekday else day for day in self.days]

    def _span(self, row: HoursRow) -> tuple[str, str]:
        return self._draft.get(f"opens_{row.key}", ""), self._draft.get(f"closes_{row.key}", "")

    def _spans(self, weekday: int) -> list[tuple[str, str]]:
        return [self._span(row) for row in self.days[weekday].rows]

    def _count(self, weekdays: range = range(7)) -> int:
        return sum(len(day.rows) for day in self.days if day.weekday in weekdays)

    def _has_room(self, stretches: int) -> bool:
        """Whether a form can carry so many; if not, it says so."""
        if stretches > MOST_STRETCHES:
            self.problems = {"hours": t("Please give no more than {count} stretches of work.", count=MOST_STRETCHES)}
        return stretches <= MOST_STRETCHES

    def _week(self, form: Form) -> Week:
        given = [
            GivenHours(row.key, day.weekday, text(form, f"opens_{row.key}"), text(form, f"closes_{row.key}"))
            for day in self.days
            for row in day.rows
        ]
        return weekly_hours.check_week(given, text(form, "raster_minutes"), text(form, "valid_from"))

    async def _foresee(self) -> None:
        zone = ZoneInfo(self._zone)
        try:
            found = await run(_foreseen, actor_of(self), self._doctor, self._week(self._draft), clock.now())
        except MedcalError:
            # Half typed; said when it is sent.
            self.preview, self.warnings = [], []
            return
        self.preview, self.warnings = preview_rows(found.days, zone), warnings(found, zone)


def _week(db: Session, actor: Actor, doctor: str, on: date | None, now: datetime) -> WeekSettings:
    return weekly_hours.week_of(db, actor, ref_in(doctor), now, on)


def _foreseen(db: Session, actor: Actor, doctor: str, week: Week, now: datetime) -> Foreseen:
    return weekly_hours.foresee(db, actor, ref_in(doctor), week, now)


def _set(db: Session, actor: Actor, doctor: str, week: Week, seen: str, now: datetime) -> int:
    return weekly_hours.set_week(db, actor, ref_in(doctor), week, seen=seen, now=now)


def _said(misfits: int) -> str:
    if not misfits:
        return t("The hours are saved; the free times follow at once.")
    return tn(
        "The hours are saved. {count} appointment lies outside of them and stays as it is.",
        "The hours are saved. {count} appointments lie outside of them and stay as they are.",
        misfits,
    )
