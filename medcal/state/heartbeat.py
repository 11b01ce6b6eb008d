"""What every page of the staff says when the scheduler does not run."""

from datetime import datetime

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.edge.guard import open_to
from medcal.services import outbox, periodic
from medcal.state import live
from medcal.viewmodels.heartbeat import SchedulerNotice


class HeartbeatState(rx.State):
    """The notice, which comes and goes by itself: live.py looks how the scheduler is."""

    notice: SchedulerNotice = SchedulerNotice()

    @open_to("staff")
    async def load(self) -> None:
        live.subscribe("scheduler", self)
        await self._refresh(clock.now())

    async def _refresh(self, now: datetime) -> None:
        found = await live.shared(_read, now)
        # It tells the second, which only the messages page shows: the others are not sent it every time.
        if found.warning != self.notice.warning or live.shows_messages(self):
            self.notice = found


def _read(db: Session, now: datetime) -> SchedulerNotice:
    return SchedulerNotice.of(periodic.heartbeat(db), outbox.clinic_zone(db), now)
