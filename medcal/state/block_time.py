"""The dialog that takes a doctor's time out of what can be booked, and gives it back."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Literal

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError
from medcal.i18n import t, tn
from medcal.models import Location
from medcal.security import Actor
from medcal.services import absences, day_book
from medcal.services.absences import Blocked
from medcal.state.desk_answers import done, ref_in, refused, wall_in, wall_of
from medcal.state.forms import Form, text
from medcal.state.session import actor_of
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.staff import doctor_choices
from medcal.viewmodels.staff_appointment import BlockedTime

USUAL_LENGTH = timedelta(hours=1)


class BlockTimeState(rx.State):
    """The stretch that was picked, and what is blocked already for that doctor."""

    is_open: bool = False
    doctor: str = ""
    doctors: list[Choice] = []
    from_day: str = ""
    from_time: str = ""
    until_day: str = ""
    until_time: str = ""
    blocked: list[BlockedTime] = []
    problems: dict[str, str] = {}

    @open_to("staff")
    async def open_at(self, start: datetime, end: datetime | Literal[""], doctor: uuid.UUID) -> Any:
        """A stretch of the calendar was picked; a click means an hour."""
        try:
            wall_of(start)
            await self._read(doctor)
        except MedcalError as refusal:
            return refused(refusal)
        until = end if isinstance(end, datetime) else start + USUAL_LENGTH
        self.from_day, self.from_time = start.date().isoformat(), f"{start:%H:%M}"
        self.until_day, self.until_time = until.date().isoformat(), f"{until:%H:%M}"
        self.problems, self.is_open = {}, True
        return None

    @open_to("staff")
    def set_open(self, is_open: bool) -> None:
        self.is_open = is_open

    @open_to("staff")
    async def choose_doctor(self, ref: str) -> Any:
        try:
            await self._read(ref_in(ref))
        except MedcalError as refusal:
            return refused(refusal)

    @open_to("staff")
    async def block(self, form: dict[str, Any]) -> Any:
        """Send the form; appointments in the time stay, and the answer says how many."""
        self.problems = {}
        try:
            blocked = await run(_block, actor_of(self), self.doctor, form, clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return None
        except MedcalError as refusal:
            return refused(refusal)
        self.is_open = False
        return done(_said(blocked))

    @open_to("staff")
    async def give_back(self, ref: uuid.UUID) -> Any:
        """The time can be booked again."""
        try:
            await run(absences.unblock_time, actor_of(self), ref, now=clock.now())
            await self._read(ref_in(self.doctor))
        except MedcalError as refusal:
            return refused(refusal)
        return done(t("The time can be booked again."))

    async def _read(self, doctor: uuid.UUID) -> None:
        self.doctors, self.blocked = await run(_blocked, actor_of(self), doctor, clock.now())
        self.doctor = str(doctor)


def _blocked(db: Session, actor: Actor, doctor: uuid.UUID, now: datetime) -> tuple[list[Choice], list[BlockedTime]]:
    zone = db.get_one(Location, day_book.get_doctor(db, actor, doctor).location_id).zone_info
    coming = absences.coming_absences(db, actor, doctor, now)
    return doctor_choices(day_book.doctors_for(db, actor)), [BlockedTime.of(absence, zone) for absence in coming]


def _block(db: Session, actor: Actor, doctor: str, form: Form, now: datetime) -> Blocked:
    begins, ends = wall_in(form, "from_day", "from_time"), wall_in(form, "until_day", "until_time")
    return absences.block_time(db, actor, ref_in(doctor), begins, ends, reason=text(form, "reason"), now=now)


def _said(blocked: Blocked) -> str:
    if not blocked.remaining:
        return t("The time is blocked.")
    return tn(
        "The time is blocked. {count} appointment lies in it and stays as it is.",
        "The time is blocked. {count} appointments lie in it and stay as they are.",
        blocked.remaining,
    )
