"""The words of letters, as an admin changes them: which letter, the form, and what it would look like."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import reflex as rx
from sqlmodel import Session

from medcal import clock
from medcal.db import run
from medcal.edge.guard import open_to
from medcal.errors import InvalidForm, MedcalError
from medcal.i18n import LANGUAGES, current_language, t
from medcal.security import Actor
from medcal.services import letter_text
from medcal.services.letter_kinds import LETTERS
from medcal.services.letter_preview import Case
from medcal.services.letter_text import KeptWording
from medcal.services.outbox import clinic_zone
from medcal.services.wording import Wording
from medcal.state.desk_answers import done, refused
from medcal.state.forms import text
from medcal.state.session import actor_of
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.words import KindSheet, LetterPreview, kind_choices, kind_sheet

# More than words may have, so that what is too long can be said and not only refused.
LONGEST_TEXT = 10_000
FIELDS = ("subject", "brief", "body")


@dataclass(frozen=True)
class Draft:
    """Words as they stand in the form, and when those were changed that they began with."""

    wording: Wording
    seen_at: datetime | None


class WordsState(rx.State):
    """The letter that is open. What is typed and not saved stays while other letters are looked at."""

    kinds: list[Choice] = []
    kind: str = ""
    language: str = ""
    case: str = str(Case.usual)
    sheet: KindSheet = KindSheet()
    # What the fields begin with; `edition` changes with each reading, so that they begin anew.
    subject: str = ""
    brief: str = ""
    body: str = ""
    edition: int = 0
    problems: dict[str, str] = {}
    preview: LetterPreview = LetterPreview()
    trouble: str = ""
    is_unsaved: bool = False
    is_loaded: bool = False
    _kept: Wording = Wording("", "", "")
    _draft: Draft = Draft(Wording("", "", ""), None)
    _drafts: dict[tuple[str, str], Draft] = {}

    @open_to("admin")
    async def load(self) -> None:
        if not self.kind:
            self.kind, self.language = next(iter(LETTERS)), current_language()
        await self._read()
        self.is_loaded = True

    @open_to("admin")
    async def choose_kind(self, kind: str) -> None:
        if kind in LETTERS:
            self.kind, self.case = kind, str(Case.usual)
            await self._read()

    @open_to("admin")
    async def choose_language(self, language: str) -> None:
        if language in LANGUAGES:
            self.language = language
            await self._read()

    @open_to("admin")
    async def choose_case(self, case: str) -> None:
        if case in list(Case):
            self.case = case
            await self._show()

    # One handler for each field: the browser waits for a pause in the typing by the handler's name.

    @open_to("admin", text_limit=LONGEST_TEXT)
    async def write_subject(self, edition: int, typed: str) -> None:
        await self._write(edition, subject=typed)

    @open_to("admin", text_limit=LONGEST_TEXT)
    async def write_brief(self, edition: int, typed: str) -> None:
        await self._write(edition, brief=typed)

    @open_to("admin", text_limit=LONGEST_TEXT)
    async def write_body(self, edition: int, typed: str) -> None:
        await self._write(edition, body=typed)

    @open_to("admin", text_limit=LONGEST_TEXT)
    async def save(self, form: dict[str, Any]) -> Any:
        """Send the form. What does not fit is said beside its field."""
        self.problems, wording = {}, Wording(*(text(form, name) for name in FIELDS))
        self._keep_draft(wording)
        try:
            await run(_set, actor_of(self), self.kind, self.language, self._draft, clock.now())
        except InvalidForm as refusal:
            self.problems = refusal.problems
            return rx.set_focus(next(name for name in FIELDS if name in self.problems))
        except MedcalError as refusal:
            return refused(refusal)
        await self._read_anew()
        return done(t("Saved: new messages have these words. Those already written keep theirs."))

    @open_to("admin")
    async def reset_words(self) -> Any:
        """Back to the words that Medcal comes with."""
        try:
            await run(_reset, actor_of(self), self.kind, self.language, self._draft.seen_at, clock.now())
        except MedcalError as refusal:
            return refused(refusal)
        await self._read_anew()
        return done(t("New messages have the words again that Medcal comes with."))

    async def _write(self, edition: int, **typed: str) -> None:
        # What was typed into the fields of another letter comes late.
        if edition == self.edition:
            self._keep_draft(replace(self._draft.wording, **typed))
            await self._show()

    def _keep_draft(self, wording: Wording) -> None:
        self._draft = replace(self._draft, wording=wording)
        self.is_unsaved = wording != self._kept
        if self.is_unsaved:
            self._drafts[self.kind, self.language] = self._draft
        else:
            self._drafts.pop((self.kind, self.language), None)

    async def _read_anew(self) -> None:
        self._drafts.pop((self.kind, self.language), None)
        await self._read()

    async def _read(self) -> None:
        read = await run(_read, actor_of(self), self.kind, self.language)
        self.kinds, self.sheet, self._kept, self.problems = read.kinds, read.sheet, read.kept.wording, {}
        begun = Draft(read.kept.wording, read.kept.changed_at)
        self._draft = self._drafts.get((self.kind, self.language), begun)
        self.subject, self.brief, self.body = (getattr(self._draft.wording, name) for name in FIELDS)
        self.is_unsaved = self._draft.wording != self._kept
        self.edition += 1
        await self._show()

    async def _show(self) -> None:
        """Half-written words cannot be shown; those before them stay, and what is missing is said."""
        try:
            self.preview = await run(
                _preview, actor_of(self), self.kind, self.language, self._draft.wording, self.case, clock.now()
            )
            self.trouble = ""
        except InvalidForm as refusal:
            self.trouble = next(iter(refusal.problems.values()))


@dataclass(frozen=True)
class ReadWords:
    kinds: list[Choice]
    sheet: KindSheet
    kept: KeptWording


def _read(db: Session, actor: Actor, kind: str, language: str) -> ReadWords:
    kept = letter_text.read_wording(db, actor, kind, language)
    kinds = kind_choices(letter_text.find_changed(db, actor), language)
    return ReadWords(kinds, kind_sheet(kind, kept, clinic_zone(db)), kept)


def _set(db: Session, actor: Actor, kind: str, language: str, draft: Draft, now: datetime) -> None:
    letter_text.set_wording(db, actor, kind, language, draft.wording, seen_at=draft.seen_at, now=now)


def _reset(db: Session, actor: Actor, kind: str, language: str, seen_at: datetime | None, now: datetime) -> None:
    letter_text.reset_wording(db, actor, kind, language, seen_at=seen_at, now=now)


def _preview(
    db: Session, actor: Actor, kind: str, language: str, wording: Wording, case: str, now: datetime
) -> LetterPreview:
    return LetterPreview.of(letter_text.try_wording(db, actor, kind, language, wording, Case(case), now=now))
