"""The dialog that books for a patient: where and what, and for whom of those we know, or for somebody new."""

import uuid
from datetime import datetime
from typing import Any, Literal

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError
from medcal.i18n import t
from medcal.security import Actor
from medcal.services import day_book, desk, desk_search
from medcal.services.desk import PatientForm, WallTime
from medcal.state.block_time import BlockTimeState
from medcal.state.desk_answers import done, ref_in, refused, sentence_of, wall_in, wall_of
from medcal.state.forms import Form, is_ticked, text
from medcal.state.session import actor_of
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.staff import doctor_choices
from medcal.viewmodels.staff_appointment import BookingPlace, PatientChoice


class BookAtDeskState(rx.State):
    """The time that was picked, who was found for it, and what is wrong with the form."""

    is_open: bool = False
    place: BookingPlace = BookingPlace()
    doctors: list[Choice] = []
    found: list[PatientChoice] = []
    searched: bool = False
    patient: PatientChoice = PatientChoice()
    is_new: bool = False
    problems: dict[str, str] = {}
    problem: str = ""
    needs_reason: bool = False
    _until: str = ""

    @open_to("reception", "admin")
    async def open_at(self, start: datetime, end: datetime | Literal[""], doctor: uuid.UUID) -> Any:
        """Somebody clicked on a free time, or dragged over it."""
        try:
            self.place, self.doctors = await run(_place, actor_of(self), doctor, wall_of(start))
        except MedcalError as refusal:
            return refused(refusal)
        self._until = end.isoformat() if isinstance(end, datetime) else ""
        self._forget_person()
        self.problems, self.problem, self.needs_reason, self.is_open = {}, "", False, True
        return rx.set_focus("patient_search")

    @open_to("reception", "admin")
    def set_open(self, is_open: bool) -> None:
        self.is_open = is_open
        if not is_open:
            self._forget_person()

    @open_to("reception", "admin")
    async def choose_doctor(self, ref: str) -> Any:
        """Another doctor means other kinds of visit."""
        if not self.place.day:
            return None
        try:
            start = wall_of(datetime.fromisoformat(f"{self.place.day}T{self.place.time}"))
            self.place, _ = await run(_place, actor_of(self), ref_in(ref), start)
        except MedcalError as refusal:
            return refused(refusal)

    @open_to("reception", "admin")
    async def search(self, words: str) -> None:
        self.found = await run(_found, actor_of(self), words)
        self.searched = len(words.strip()) >= 2

    @open_to("reception", "admin")
    def choose_patient(self, ref: str) -> None:
        self.patient = next((patient for patient in self.found if patient.ref == ref), PatientChoice())
        self.found, self.searched, self.is_new = [], False, False

    @open_to("reception", "admin")
    def add_new(self) -> None:
        self._forget_person()
        self.is_new = True

    @open_to("reception", "admin")
    def choose_again(self) -> None:
        self._forget_person()

    @open_to("reception", "admin")
    def block_instead(self) -> Any:
        """The time was picked to be kept free, not for a visit."""
        self.is_open = False
        return BlockTimeState.open_at(f"{self.place.day}T{self.place.time}", self._until, self.place.doctor_ref)

    @open_to("reception", "admin")
    async def book(self, form: dict[str, Any]) -> Any:
        """Send the form. What does not fit is said beside its field; a time that is taken may be booked over, with a reason."""
        self.problems, self.problem = {}, ""
        try:
            await run(_book, actor_of(self), self.place.doctor_ref, self.patient.ref, form, clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return rx.set_focus(refusal.field) if refusal.field else None
        except MedcalError as refusal:
            self.problem, self.needs_reason = sentence_of(refusal), desk.may_be_overbooked(refusal)
            return None
        self.is_open = False
        self._forget_person()
        return done(t("Booked. The patient gets a confirmation."))

    def _forget_person(self) -> None:
        self.found, self.searched, self.patient, self.is_new = [], False, PatientChoice(), False


def _place(db: Session, actor: Actor, doctor: uuid.UUID, start: WallTime) -> tuple[BookingPlace, list[Choice]]:
    return BookingPlace.of(desk.place_at(db, actor, doctor, start)), doctor_choices(day_book.doctors_for(db, actor))


def _found(db: Session, actor: Actor, words: str) -> list[PatientChoice]:
    return [PatientChoice.of(patient) for patient in desk_search.find_patients(db, actor, words)]


def _book(db: Session, actor: Actor, doctor: str, patient: str, form: Form, now: datetime) -> None:
    person = PatientForm(
        ref=ref_in(patient) if patient else None,
        name=text(form, "name"),
        born_on=text(form, "born_on"),
        email=text(form, "email"),
        phone=text(form, "phone"),
    )
    desk.book(
        db,
        actor,
        ref_in(doctor),
        ref_in(text(form, "visit_type")),
        wall_in(form, "day", "time"),
        person,
        request=text(form, "request"),
        overbook_reason=text(form, "overbook_reason") if is_ticked(form, "overbook") else None,
        now=now,
    )
