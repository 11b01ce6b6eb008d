"""The texts that patients agree to, as an admin reads and replaces them, by purpose and language."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import ChangedMeanwhile, Invalid, NotFound
from medcal.i18n import LANGUAGES, t
from medcal.models import ConsentText
from medcal.security import Actor
from medcal.services import events
from medcal.services.admin_desk import check_admin, one_by_one
from medcal.services.consents import Purpose, Shown, keep_version, our_words, text_to_show
from medcal.services.patients import check_free_text
from medcal.services.wording import paragraphs

LONGEST, SHORTEST = 4_000, 40


@dataclass(frozen=True)
class Version:
    """A text that was in use; `by` is who wrote it, None for one that Medcal came with."""

    version: int
    since: datetime
    by: str | None
    words: str


@dataclass(frozen=True)
class Standing:
    """What patients agree to at present. `in_force` is the version of the clinic's own text, 0 for ours; older versions newest first."""

    words: str
    in_force: int
    versions: tuple[Version, ...]


def read_text(db: Session, actor: Actor, purpose: str, language: str) -> Standing:
    """The text for a purpose in a language, and all that were. Raises NotAllowed, NotFound for what there is not."""
    wanted = _check(actor, purpose, language)
    rows = fetch(
        db,
        """SELECT ct.version, ct.written_at, u.name, ct.words FROM consent_text ct LEFT JOIN staff_user u ON u.id = ct.written_by_id
            WHERE ct.purpose = %(purpose)s AND ct.language = %(language)s ORDER BY ct.version DESC LIMIT 100""",
        purpose=purpose,
        language=language,
    )
    shown = text_to_show(db, wanted, language)
    return Standing(shown.words, _in_force(db, purpose, language), tuple(Version(*row) for row in rows))


def write_text(db: Session, actor: Actor, purpose: str, language: str, words: str, *, seen: int, now: datetime) -> None:
    """From now on patients agree to these words. What others have agreed to stays as it is; our own words are no change at all.

    `seen` is the version in force that the page showed. Raises NotAllowed, NotFound, Invalid, and ChangedMeanwhile when somebody else
    was faster.
    """
    wanted = _check(actor, purpose, language)
    tidy = _check_words(words)
    _check_unchanged(db, purpose, language, seen)
    version = None
    if tidy != our_words(wanted, language):
        version = keep_version(db, Shown(wanted, language, tidy), now=now, by=actor.id)
    _put_in_force(db, purpose, language, version)
    new = _in_force(db, purpose, language)
    if new != seen:
        events.record(db, "consent.changed", by=actor, now=now, purpose=purpose, language=language, old=seen, new=new)


def use_ours(db: Session, actor: Actor, purpose: str, language: str, *, seen: int, now: datetime) -> None:
    """From now on patients agree to the text that Medcal comes with. Raises like `write_text`."""
    wanted = _check(actor, purpose, language)
    write_text(db, actor, purpose, language, our_words(wanted, language), seen=seen, now=now)


def _check(actor: Actor, purpose: str, language: str) -> Purpose:
    check_admin(actor)
    if purpose not in list(Purpose) or language not in LANGUAGES:
        raise NotFound
    return Purpose(purpose)


def _check_words(words: str) -> str:
    """Paragraphs, divided by one empty line each."""
    tidy = "\n\n".join(paragraphs(check_free_text(words, "words", LONGEST)))
    if len(tidy) < SHORTEST:
        raise Invalid(t("Please say what patients agree to, in a sentence at least."), "words")
    return tidy


def _check_unchanged(db: Session, purpose: str, language: str, seen: int) -> None:
    one_by_one(db, ConsentText)
    if _in_force(db, purpose, language) != seen:
        raise ChangedMeanwhile


def _in_force(db: Session, purpose: str, language: str) -> int:
    row = fetch_one(
        db,
        "SELECT version FROM consent_text WHERE purpose = %(purpose)s AND language = %(language)s AND is_in_force",
        purpose=purpose,
        language=language,
    )
    return int(row.version) if row else 0


def _put_in_force(db: Session, purpose: str, language: str, version_id: int | None) -> None:
    # One after the other: a unique index looks at each row as it is written.
    fetch(
        db,
        "UPDATE consent_text SET is_in_force = false WHERE purpose = %(purpose)s AND language = %(language)s AND is_in_force",
        purpose=purpose,
        language=language,
    )
    fetch(db, "UPDATE consent_text SET is_in_force = true WHERE id = %(id)s", id=version_id)
