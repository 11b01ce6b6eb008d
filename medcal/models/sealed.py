"""What people say in their own words lies sealed in the database: reasons, requests and notes."""

import hashlib
import hmac
import logging
from functools import cache

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from medcal.config import settings
from medcal.i18n import t
from medcal.security import seal, unseal

log = logging.getLogger(__name__)

# All the reasons of a list, sealed, are of one length, and a request gives away little of its own.
BLOCK = 128


class Sealed(TypeDecorator[str]):
    """A text that is sealed on its way into the database and opened on its way out; `about` is its table and column.

    Statements written by hand use `seal_note` and `open_note` instead. Nothing can be searched for in such a column.
    """

    impl = Text
    cache_ok = True

    def __init__(self, about: str) -> None:
        super().__init__()
        self.about = about

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (SQLAlchemy gives it)
        return None if value is None else seal_note(value, self.about)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 (SQLAlchemy gives it)
        return None if value is None else open_note(value, self.about)


def seal_note(text: str, about: str) -> str:
    """The text as the database keeps it: which key, and what only that key opens, in this column alone. Nothing stays nothing."""
    if not text:
        return ""
    padded = text + "\0" * (-len(text.encode()) % BLOCK)
    key = settings().data_keys[0]
    return f"{key_id(key)}:{seal(key, padded, about)}"


def open_note(kept: str, about: str) -> str:
    """What was sealed. Where its key is missing a sentence says so, since the day must go on without a note."""
    if not kept:
        return ""
    text = try_to_open(kept, about)
    if text is None:
        log.error("%s holds what none of the keys opens", about)
        return t("This cannot be read: its key is missing.")
    return text


def try_to_open(kept: str, about: str) -> str | None:
    """What was sealed; None when none of the keys fits."""
    name, _, sealed = kept.partition(":")
    fitting = (key for key in settings().data_keys if key_id(key) == name)
    texts = (unseal(key, sealed, about) for key in fitting)
    return next((text.rstrip("\0") for text in texts if text is not None), None)


@cache
def key_id(key: bytes) -> str:
    """The name under which a key stands before what it sealed; nothing follows from it about the key."""
    return hmac.new(key, b"key id", hashlib.sha256).hexdigest()[:8]
