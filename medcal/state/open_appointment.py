"""The dialog of one appointment: what is known about it, and what may be done about it."""

import uuid
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError, NotFound
from medcal.security import Actor
from medcal.services import appointment_file, day_book, desk
from medcal.services.desk import Step, Undoable
from medcal.state import live
from medcal.state.desk_answers import done, ref_in, refused, sentence_of, wall_in
from medcal.state.forms import Form, is_ticked, text
from medcal.state.session import actor_of
from medcal.state.undo import UndoState, said_of_cancelling, said_of_moving, said_of_undoing, say_or_offer, take_back
from medcal.viewmodels.staff_appointment import AppointmentSheet, appointment_sheet


class OpenAppointmentState(rx.State):
    """The open appointment. `part` is what the dialog shows: the sheet, or the form to move or to cancel it."""

    is_open: bool = False
    part: str = "sheet"
    sheet: AppointmentSheet = AppointmentSheet()
    problem: str = ""
    needs_reason: bool = False
    _ref: uuid.UUID | None = None
    # The version that the form to move was filled in for; whatever happens meanwhile makes it stale.
    _version: int = 0

    @open_to("staff")
    async def open(self, ref: str) -> Any:
        self._ref, self.part, self.problem, self.needs_reason = ref_in(ref), "sheet", "", False
        try:
            self.sheet = await run(_read, actor_of(self), self._ref, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        self.is_open = True
        live.subscribe("appointments", self)
        return None

    @open_to("staff")
    def set_open(self, is_open: bool) -> None:
        if not is_open:
            self._close()

    def _close(self) -> None:
        self.is_open, self._ref, self.sheet = False, None, AppointmentSheet()

    @open_to("staff")
    async def check_in(self) -> Any:
        return await self._take(Step.arrived)

    @open_to("staff")
    async def finish(self) -> Any:
        return await self._take(Step.finished)

    @open_to("staff")
    async def mark_no_show(self) -> Any:
        return await self._take(Step.no_show)

    @open_to("staff")
    async def undo_no_show(self) -> Any:
        return await self._take(Step.came_after_all)

    async def _take(self, step: Step) -> Any:
        return await self._do(desk.take_step, step)

    @open_to("reception", "admin")
    async def wait_for_earlier(self) -> Any:
        return await self._do(desk.wait_for_earlier)

    @open_to("reception", "admin")
    async def stop_waiting(self) -> Any:
        return await self._do(desk.stop_waiting)

    @open_to("reception", "admin")
    def start_moving(self) -> None:
        self.part, self.problem, self.needs_reason, self._version = "move", "", False, self.sheet.version

    @open_to("reception", "admin")
    def start_cancelling(self) -> None:
        self.part, self.problem = "cancel", ""

    @open_to("staff")
    def go_back(self) -> None:
        self.part, self.problem, self.needs_reason = "sheet", "", False

    @open_to("reception", "admin")
    async def move(self, form: dict[str, Any]) -> Any:
        """The form's date, time and doctor. After a refusal it offers to book over the time, with a reason."""
        now = clock.now()
        try:
            did = await run(_move, actor_of(self), self._ref, self._version, form, now)
        except MedcalError as refusal:
            return await self._stay(refusal)
        self.part = "sheet"
        await self._refresh(now)
        return await say_or_offer(self, did, said_of_moving(), now)

    @open_to("reception", "admin")
    async def cancel(self, form: dict[str, Any]) -> Any:
        """Confirmed in the dialog, with a reason where there is one."""
        now = clock.now()
        try:
            did = await run(_cancel, actor_of(self), self._given(), text(form, "reason"), now)
        except MedcalError as refusal:
            return await self._stay(refusal)
        self.part = "sheet"
        await self._refresh(now)
        return await say_or_offer(self, did, said_of_cancelling(), now)

    @open_to("reception", "admin")
    async def take_back(self) -> Any:
        """What the desk did last is undone, as long as that is possible."""
        now = clock.now()
        try:
            undone = await run(take_back, actor_of(self), self._given(), self.sheet.version, now)
        except MedcalError as refusal:
            await self._refresh(now)
            return refused(refusal)
        (await self.get_state(UndoState))._forget()
        await self._refresh(now)
        return done(said_of_undoing(undone))

    def _given(self) -> uuid.UUID:
        if self._ref is None:
            raise NotFound
        return self._ref

    async def _do(self, verb: Any, *args: Any) -> Any:
        """One thing to the open appointment, then what is so now, whether it worked or somebody else was faster."""
        try:
            await run(verb, actor_of(self), self._given(), *args, now=clock.now())
        except MedcalError as refusal:
            await self._refresh(clock.now())
            return refused(refusal)
        await self._refresh(clock.now())
        return None

    async def _stay(self, refusal: MedcalError) -> Any:
        """The form stays with its sentence; what changed meanwhile shows, and the next try is for that."""
        self.problem = sentence_of(refusal)
        self.needs_reason = self.part == "move" and desk.may_be_overbooked(refusal)
        await self._refresh(clock.now())
        self._version = self.sheet.version
        return rx.set_focus(refusal.field) if isinstance(refusal, Invalid) and refusal.field else None

    async def _refresh(self, now: datetime) -> None:
        if self._ref is None:
            return
        try:
            sheet = await run(_read, actor_of(self), self._ref, now)
        except NotFound:
            self._close()
        else:
            if sheet != self.sheet:
                self.sheet = sheet


def _read(db: Session, actor: Actor, ref: uuid.UUID, now: datetime) -> AppointmentSheet:
    return appointment_sheet(appointment_file.open_file(db, actor, ref), day_book.doctors_for(db, actor), actor, now)


def _cancel(db: Session, actor: Actor, ref: uuid.UUID, reason: str, now: datetime) -> Undoable:
    return desk.undoable(db, desk.cancel(db, actor, ref, reason=reason, now=now))


def _move(db: Session, actor: Actor, ref: uuid.UUID | None, version: int, form: Form, now: datetime) -> Undoable:
    if ref is None:
        raise NotFound
    reason = text(form, "overbook_reason") if is_ticked(form, "overbook") else None
    doctor = ref_in(text(form, "doctor"))
    at = wall_in(form, "day", "time")
    return desk.undoable(db, desk.move(db, actor, ref, doctor, at, version=version, overbook_reason=reason, now=now))
