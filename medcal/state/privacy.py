"""What is kept about patients: the figures of the page, which the settings say."""

import reflex as rx

from medcal.config import settings
from medcal.edge.guard import open_to
from medcal.viewmodels.privacy import Times, receivers


class PrivacyState(rx.State):
    """For how long, and who receives it."""

    times: Times = Times()
    receivers: list[str] = []
    is_loaded: bool = False

    @open_to("anyone")
    def load(self) -> None:
        self.times, self.receivers, self.is_loaded = Times.of(settings()), receivers(settings()), True
