"""What patients agree to: the texts that are shown, and which version of them somebody has agreed to.

Those that Medcal comes with are files, a folder per purpose and in it a file per language; an admin may put the clinic's own in their
place. Whatever was once agreed to, or written, is a row for ever: other words are another version, and the old one stays readable.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from pathlib import Path

from sqlmodel import Session

from medcal.db import fetch_one

FOLDER = Path(__file__).parent.parent / "templates" / "consent"


class Purpose(StrEnum):
    """What is agreed to: that a visit is booked, and that one is told of something earlier."""

    booking = "booking"
    waitlist = "waitlist"


@dataclass(frozen=True)
class Shown:
    """A text as somebody reads it; paragraphs are divided by empty lines."""

    purpose: Purpose
    language: str
    words: str


@dataclass(frozen=True)
class Agreed:
    """Which text was agreed to: `version` counts within a purpose and a language, `digest` is the SHA-256 of the words."""

    version: int
    language: str
    since: datetime
    digest: str
    words: str


# The columns of an Agreed, for statements that join consent_text as `ct`.
AGREED = "ct.version, ct.language AS text_language, ct.written_at AS text_since, ct.digest, ct.words"


@cache
def our_words(purpose: Purpose, language: str) -> str:
    """The text that Medcal comes with."""
    return (FOLDER / purpose / f"{language}.txt").read_text(encoding="utf-8").strip()


def text_to_show(db: Session, purpose: Purpose, language: str) -> Shown:
    """What is agreed to from now on: the clinic's own text, else ours."""
    row = fetch_one(
        db,
        "SELECT words FROM consent_text WHERE purpose = %(purpose)s AND language = %(language)s AND is_in_force",
        purpose=str(purpose),
        language=language,
    )
    return Shown(purpose, language, row.words if row else our_words(purpose, language))


# The number is taken by a constraint: of two that are new at the same instant one gets the next, and the other looks once more.
_ADD = """
INSERT INTO consent_text (purpose, language, version, digest, words, written_at, written_by_id)
SELECT %(purpose)s::text, %(language)s::text, coalesce(max(version), 0) + 1, %(digest)s, %(words)s, %(now)s::timestamptz, %(by)s::bigint
  FROM consent_text WHERE purpose = %(purpose)s AND language = %(language)s
    ON CONFLICT DO NOTHING RETURNING id
"""
_FIND = "SELECT id FROM consent_text WHERE purpose = %(purpose)s AND language = %(language)s AND digest = %(digest)s"


def keep_version(db: Session, shown: Shown, *, now: datetime, by: int | None = None) -> int:
    """The id of the version that has these words; a new version where none has. Words that were shown are never lost."""
    values = {
        "purpose": str(shown.purpose),
        "language": shown.language,
        "digest": digest_of(shown.words),
        "words": shown.words,
        "now": now,
        "by": by,
    }
    while True:
        row = fetch_one(db, _FIND, **values) or fetch_one(db, _ADD, **values)
        if row:
            return int(row.id)


def digest_of(words: str) -> str:
    """What the words are known by: whoever has them can tell that they are the same."""
    return hashlib.sha256(words.encode()).hexdigest()
