"""What offers achieve: the figures of a period, for admins."""

from datetime import datetime

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.security import Actor
from medcal.services import offer_statistics
from medcal.state import live
from medcal.state.session import actor_of
from medcal.viewmodels.staff_statistics import StatisticsSheet

PERIODS = (30, 90, 365)


class StaffStatisticsState(rx.State):
    """The figures of the last so many days."""

    days: str = "90"
    sheet: StatisticsSheet = StatisticsSheet()
    is_loaded: bool = False

    @open_to("admin")
    async def load(self) -> None:
        live.subscribe("settings", self)
        await self._show()

    @open_to("admin")
    async def choose(self, days: str) -> None:
        if days in map(str, PERIODS):
            self.days = days
            await self._show()

    async def _refresh(self, _now: datetime) -> None:
        """Nothing here changes by itself; the page watches so that it is emptied as soon as its session ends."""

    async def _show(self) -> None:
        self.sheet = await run(_sheet, actor_of(self), int(self.days), clock.now())
        self.is_loaded = True


def _sheet(db: Session, actor: Actor, days: int, now: datetime) -> StatisticsSheet:
    return StatisticsSheet.of(offer_statistics.statistics(db, actor, days=days, now=now))
