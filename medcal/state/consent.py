"""What a patient agrees to with a form: the texts as this tab shows them, kept with what she sends."""

import reflex as rx
from sqlmodel import Session

from medcal.db import run
from medcal.edge.guard import open_to
from medcal.i18n import current_language
from medcal.services.consents import Purpose, Shown, text_to_show


class ConsentState(rx.State):
    """The texts of the page, by paragraphs. What the server keeps of them cannot be changed by the browser."""

    booking: list[str] = []
    waitlist: list[str] = []
    _shown: dict[str, Shown] = {}

    @open_to("anyone")
    async def load(self) -> None:
        self._shown = await run(_texts, current_language())
        self.booking, self.waitlist = (_paragraphs(self._shown[purpose]) for purpose in Purpose)


def _texts(db: Session, language: str) -> dict[str, Shown]:
    return {str(purpose): text_to_show(db, purpose, language) for purpose in Purpose}


def _paragraphs(shown: Shown) -> list[str]:
    return [part.strip() for part in shown.words.split("\n\n") if part.strip()]


async def shown_in(state: rx.State, purpose: Purpose) -> Shown | None:
    """The text that this tab shows; None for who sends a form without having opened its page."""
    return (await state.get_state(ConsentState))._shown.get(purpose)
