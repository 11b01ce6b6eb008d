"""One catalogue for every text that people read: English is the msgid, other languages live in locale/."""

import gettext
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "de": "Deutsch"}
DEFAULT = "en"
LOCALE = Path(__file__).parent / "locale"

_current: ContextVar[str] = ContextVar("language", default=DEFAULT)


def current_language() -> str:
    return _current.get()


@contextmanager
def language(code: str) -> Iterator[None]:
    """Within the block every text is in this language; an unknown code means English."""
    token = _current.set(code if code in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _current.reset(token)


def speak(code: str) -> None:
    """From here on, to the end of the task of this event or request, every text is in this language."""
    _current.set(code if code in LANGUAGES else DEFAULT)


def t(text: str, /, **values: object) -> str:
    """The text in the current language, with {names} filled in."""
    # gettext keeps the head of the catalogue under the empty text.
    translated = _catalogue(_current.get()).gettext(text) if text else ""
    return translated.format(**values) if values else translated


def tn(one: str, many: str, count: int, /, **values: object) -> str:
    """Like `t`, with the plural form that fits `count` (also available as {count})."""
    return _catalogue(_current.get()).ngettext(one, many, count).format(count=count, **values)


def n_(text: str) -> str:
    """Mark a text for the catalogue where it is written; it is translated with `t` where it is shown."""
    return text


def language_of(path: str) -> str:
    """The language that an address speaks: /de/… is German, everything else English."""
    first = path.strip("/").split("/", 1)[0]
    return first if first in LANGUAGES else DEFAULT


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    source = LOCALE / code / "LC_MESSAGES" / "messages.po"
    if not source.exists():
        return gettext.NullTranslations()
    # Compiled in memory: a translator edits one text file and starts again, and no binary can be stale.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
