"""A doctor's calendar in her own calendar program: the addresses it is read at, made and taken back."""

import uuid
from dataclasses import dataclass
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.config import settings
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import MedcalError, NotFound
from medcal.i18n import t
from medcal.security import Actor, Role
from medcal.services import day_book, feeds
from medcal.state.desk_answers import done, ref_in, refused
from medcal.state.session import actor_of
from medcal.viewmodels.feeds import FeedRow
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.staff import doctor_choices


class FeedsState(rx.State):
    """Whose calendar, and the addresses that work. `address` is the one just made: shown this once, gone with the next step."""

    doctors: list[Choice] = []
    doctor: str = ""
    rows: list[FeedRow] = []
    address: str = ""
    shows_names: bool = False
    can_show_names: bool = False
    is_loaded: bool = False

    @open_to("doctor", "admin")
    async def load(self) -> None:
        self.doctor = ""
        await self._refresh()
        self.is_loaded = True

    @open_to("doctor", "admin")
    async def choose(self, ref: str) -> Any:
        before, self.doctor = self.doctor, ref
        try:
            await self._refresh()
        except MedcalError as refusal:
            self.doctor = before
            return refused(refusal)
        return None

    @open_to("doctor", "admin")
    async def make(self) -> Any:
        try:
            token = await run(feeds.make_feed, actor_of(self), ref_in(self.doctor), clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._refresh()
        self.address = f"{settings().url}/feed/{token}.ics"
        return None

    @open_to("doctor", "admin")
    async def revoke(self, ref: uuid.UUID) -> Any:
        try:
            await run(feeds.revoke_feed, actor_of(self), ref, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._refresh()
        return done(t("Removed: nothing can be read at that address any more."))

    @open_to("admin")
    async def show_names(self, shown: bool) -> Any:
        try:
            await run(feeds.show_names, actor_of(self), ref_in(self.doctor), shown, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._refresh()
        return done(t("Names are shown from the next reading on.") if shown else t("Names are no longer shown."))

    async def _refresh(self) -> None:
        page = await run(_read, actor_of(self), self.doctor)
        self.doctors, self.doctor, self.rows, self.address = page.doctors, page.doctor, page.rows, ""
        self.shows_names, self.can_show_names = page.shows_names, page.can_show_names


@dataclass(frozen=True)
class FeedsPage:
    doctors: list[Choice]
    doctor: str
    rows: list[FeedRow]
    shows_names: bool
    can_show_names: bool


# A clinic without doctors has no calendar yet.
NOBODY = FeedsPage([], "", [], shows_names=False, can_show_names=False)


def _read(db: Session, actor: Actor, chosen: str) -> FeedsPage:
    doctors = day_book.doctors_for(db, actor)
    if not doctors:
        return NOBODY
    wanted = chosen or str(doctors[0].ref)
    doctor = next((each for each in doctors if str(each.ref) == wanted), None)
    if doctor is None:
        raise NotFound
    return FeedsPage(
        doctors=doctor_choices(doctors),
        doctor=wanted,
        rows=[FeedRow.of(feed, doctor.zone_info) for feed in feeds.list_feeds(db, actor, doctor.ref)],
        shows_names=feeds.shows_names(db, actor, doctor.ref),
        can_show_names=actor.role is Role.admin,
    )
