"""Which parts of the booking form are open."""

import reflex as rx

from medcal.edge.guard import open_to


class BookFormState(rx.State):
    """Ticks that show more of the form."""

    for_other: bool = False
    earlier: bool = False

    @open_to("anyone")
    def set_for_other(self, is_on: bool) -> None:
        self.for_other = is_on

    @open_to("anyone")
    def set_earlier(self, is_on: bool) -> None:
        self.earlier = is_on
