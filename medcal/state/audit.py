"""The page of the history: who changed and who looked at what."""

import csv
import io
import uuid
from datetime import datetime
from typing import Any, Literal

import reflex as rx
from sqlmodel import Session

from medcal.db import run
from medcal.edge.guard import open_to
from medcal.security import Actor
from medcal.services import audit_trail, desk_search
from medcal.services.audit_trail import Asked, Part
from medcal.state import live
from medcal.state.desk_answers import day_in
from medcal.state.session import actor_of
from medcal.viewmodels.audit import CSV_COLUMNS, HistoryPage, csv_row
from medcal.viewmodels.audit_words import CHANGE_WORDS, LOOK_WORDS
from medcal.viewmodels.staff_appointment import PatientChoice


class AuditState(rx.State):
    """What is asked for, and the page of it that is on the screen."""

    part: str = "all"
    who: str = ""
    what: str = ""
    first_day: str = ""
    last_day: str = ""
    patient: PatientChoice = PatientChoice()
    found: list[PatientChoice] = []
    searched: bool = False
    page: HistoryPage = HistoryPage()
    number: int = 0
    is_loaded: bool = False

    @open_to("admin")
    async def load(self) -> None:
        live.subscribe("settings", self)
        await self._show()

    @open_to("admin")
    async def choose_part(self, part: Literal["all", "changes", "looks"]) -> None:
        self.part, self.what = part, ""
        await self._from_the_start()

    @open_to("admin")
    async def choose_who(self, who: str) -> None:
        self.who = who if who in [choice.value for choice in self.page.people] else ""
        await self._from_the_start()

    @open_to("admin")
    async def choose_what(self, what: str) -> None:
        self.what = what if what in CHANGE_WORDS or what in LOOK_WORDS else ""
        await self._from_the_start()

    @open_to("admin")
    async def choose_first_day(self, day: str) -> None:
        self.first_day = day if day_in(day) else ""
        await self._from_the_start()

    @open_to("admin")
    async def choose_last_day(self, day: str) -> None:
        self.last_day = day if day_in(day) else ""
        await self._from_the_start()

    @open_to("admin", text_limit=200)
    async def search(self, words: str) -> None:
        """Whose history it is to be."""
        self.found = await run(_found, actor_of(self), words)
        self.searched = len(words.strip()) >= 2

    @open_to("admin")
    async def choose_patient(self, ref: str) -> None:
        self.patient = next((patient for patient in self.found if patient.ref == ref), PatientChoice())
        self.found, self.searched = [], False
        await self._from_the_start()

    @open_to("admin")
    async def choose_everybody(self) -> None:
        self.patient, self.found, self.searched = PatientChoice(), [], False
        await self._from_the_start()

    @open_to("admin")
    async def turn(self, by: Literal[-1, 1]) -> None:
        self.number = max(self.number + by, 0)
        await self._show()

    @open_to("admin")
    async def export(self) -> Any:
        """What is asked for, as a file."""
        text = await run(_file, actor_of(self), self._asked())
        return rx.download(data=text.encode(), filename="history.csv")

    async def _from_the_start(self) -> None:
        self.number = 0
        await self._show()

    async def _refresh(self, _now: datetime) -> None:
        """Nothing moves under the reader's eyes; the page watches so that it is emptied as soon as its session ends."""

    async def _show(self) -> None:
        self.page = await run(_page, actor_of(self), self._asked(), self.number)
        self.is_loaded = True

    def _asked(self) -> Asked:
        return Asked(
            part=Part(self.part),
            who=uuid.UUID(self.who) if self.who else None,
            what=self.what,
            patient=uuid.UUID(self.patient.ref) if self.patient.ref else None,
            first_day=day_in(self.first_day),
            last_day=day_in(self.last_day),
        )


def _page(db: Session, actor: Actor, asked: Asked, number: int) -> HistoryPage:
    return HistoryPage.of(audit_trail.read_page(db, actor, asked, number))


def _found(db: Session, actor: Actor, words: str) -> list[PatientChoice]:
    return [PatientChoice.of(patient) for patient in desk_search.find_patients(db, actor, words)]


def _file(db: Session, actor: Actor, asked: Asked) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(csv_row(entry) for entry in audit_trail.export(db, actor, asked))
    return file.getvalue()
