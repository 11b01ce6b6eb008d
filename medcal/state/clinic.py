"""What stands on every page: where the clinic is and how to reach it."""

import reflex as rx
from sqlmodel import Session

from medcal import clock, routes
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.i18n import LANGUAGES, current_language
from medcal.services import directory
from medcal.viewmodels.patient import Place


class ClinicState(rx.State):
    """The location in the footer, and the same page in the other language."""

    place: Place = Place()
    switch_to: str = "/"

    @open_to("anyone")
    async def load(self) -> None:
        path, code = self.router.url.path, current_language()
        other = next(language for language in LANGUAGES if language != code)
        self.switch_to = routes.to(routes.plain(path), other)
        self.place = await run(_place)


def _place(db: Session) -> Place:
    location = directory.main_location(db)
    return Place.of(location, clock.now()) if location else Place()
