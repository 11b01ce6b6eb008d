"""The words of letters, as files: a folder per kind in templates/letters, and in it a file per language.

A file begins with `Subject:` and, where a text message says more than its subject, `SMS:`. Paragraphs follow, divided by
empty lines. {day} and the like are fields; letter_fields.py says what they mean.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "templates" / "letters"
FIELD = re.compile(r"{([a-z]+)}")
_FILE = re.compile(r"Subject: (?P<subject>.+)\n(?:SMS: (?P<brief>.+)\n)?\n(?P<body>(?s:.+))")


@dataclass(frozen=True)
class Wording:
    """The words of a kind of letter in one language, with fields in them. `brief` is what an SMS says beside the subject."""

    subject: str
    brief: str
    body: str


@cache
def our_wording(kind: str, language: str) -> Wording:
    """The words that we ship."""
    source = FOLDER / kind / f"{language}.txt"
    found = _FILE.fullmatch(source.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{source} does not begin with Subject: and an empty line")
    return Wording(found["subject"], found["brief"] or "", found["body"].strip())


def fill(text: str, value: Callable[[str], str]) -> str:
    """The text with its fields filled in. What is filled in is not looked at again: a name in curly brackets stays a name."""
    return FIELD.sub(lambda found: value(found[1]), text)


@lru_cache(maxsize=256)
def paragraphs(body: str) -> tuple[str, ...]:
    """The paragraphs of a body. A single line break is only how it was typed; a space that must not break stays one."""
    found = (re.sub(r"[ \t\n]+", " ", part).strip() for part in re.split(r"\n[ \t]*\n", body))
    return tuple(part for part in found if part)
