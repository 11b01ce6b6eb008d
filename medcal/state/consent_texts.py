"""The texts that patients agree to, as an admin changes them."""

from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import Invalid, MedcalError
from medcal.i18n import current_language, t
from medcal.security import Actor
from medcal.services import consent_texts
from medcal.services.consent_texts import Standing
from medcal.services.consents import Purpose
from medcal.services.outbox import clinic_zone
from medcal.state.desk_answers import done, refused
from medcal.state.forms import text
from medcal.state.session import actor_of
from medcal.viewmodels.consent_texts import ConsentSheet


class ConsentTextsState(rx.State):
    """The text that is open. `edition` changes with each reading, so that the form begins anew."""

    purpose: str = str(Purpose.booking)
    language: str = ""
    words: str = ""
    sheet: ConsentSheet = ConsentSheet()
    edition: int = 0
    problems: dict[str, str] = {}
    is_loaded: bool = False
    _seen: int = 0

    @open_to("admin")
    async def load(self) -> None:
        self.language = self.language or current_language()
        await self._read(self.purpose, self.language)

    @open_to("admin")
    async def choose_purpose(self, value: str) -> None:
        await self._read(value, self.language)

    @open_to("admin")
    async def choose_language(self, language: str) -> None:
        await self._read(self.purpose, language)

    @open_to("admin")
    async def save(self, form: dict[str, Any]) -> Any:
        """What does not fit is said beside the field, and nothing is stored."""
        return await self._do(consent_texts.write_text, text(form, "words"))

    @open_to("admin")
    async def reset_words(self) -> Any:
        return await self._do(consent_texts.use_ours)

    async def _do(self, verb: Any, *words: str) -> Any:
        self.problems = {}
        try:
            await run(verb, actor_of(self), self.purpose, self.language, *words, seen=self._seen, now=clock.now())
        except Invalid as refusal:
            self.problems = {refusal.field: str(refusal)}
            return rx.set_focus(refusal.field)
        except MedcalError as refusal:
            return refused(refusal)
        await self._read(self.purpose, self.language)
        return done(t("Saved. From now on patients agree to this text."))

    async def _read(self, purpose: str, language: str) -> None:
        found, self.sheet = await run(_sheet, actor_of(self), purpose, language)
        self.purpose, self.language = purpose, language
        self.words, self._seen, self.problems = found.words, found.in_force, {}
        self.edition += 1
        self.is_loaded = True


def _sheet(db: Session, actor: Actor, purpose: str, language: str) -> tuple[Standing, ConsentSheet]:
    found = consent_texts.read_text(db, actor, purpose, language)
    return found, ConsentSheet.of(found, clinic_zone(db))
