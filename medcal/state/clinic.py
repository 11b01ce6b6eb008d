"""What stands on every page: where the clinic is and how to reach it."""

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.services import directory
from medcal.viewmodels.patient import Place


class ClinicState(rx.State):
    """The location in the header and footer."""

    place: Place = Place()

    @open_to("anyone")
    async def load(self) -> None:
        self.place = await run(_place)


def _place(db: Session) -> Place:
    location = directory.main_location(db)
    return Place.of(location, clock.now()) if location else Place()
