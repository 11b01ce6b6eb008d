"""Keeps cookies, tokens, addresses' queries and patients' data out of the logs, whoever writes them."""

import logging
import re
from collections.abc import Callable

from medcal.failures import Sparing as Sparing

_formatter = logging.Formatter()

# What Reflex, the database driver and others put into messages and tracebacks, and what is left of it.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Reflex: whole events, with payload and headers.
    (re.compile(r"((?:Event|deserialize event) data:|must be a dictionary, but received)\s.*", re.DOTALL), r"\1 …"),
    (re.compile(r"(Error (?:transforming event argument|processing event queue entry)).*", re.DOTALL), r"\1 …"),
    (re.compile(r"(disconnected client) '[^']*'"), r"\1 …"),
    # The database: values of rows and statements.
    (re.compile(r"^(\s*(?:DETAIL|CONTEXT):).*$", re.MULTILINE), r"\1 …"),
    (re.compile(r"\[parameters: .*?\]$", re.MULTILINE | re.DOTALL), "[parameters: …]"),
    # Headers, wherever they were printed.
    (
        re.compile(r"(cookie|authorization)(['\"]?\s*[:=]\s*|['\"]\s*,\s*)(b?['\"])?[^'\"\n]*", re.IGNORECASE),
        r"\1\2\3…",
    ),
    (re.compile(r"\b((?:staff|visit)=)[0-9a-f]{64}"), r"\1…"),
    # Addresses: the query, and the token of a mailed link or of a doctor's calendar.
    (re.compile(r"(/(?:l|feed)/(?:staff/)?)[\w-]+"), r"\1…"),
    (re.compile(r"(\b(?:https?|wss?)://[^\s?'\"]*|(?<=[\s'\"])/[^\s?'\"]*)\?[^\s'\"]+"), r"\1?…"),
    (re.compile(r"\b(token=)[^&\s'\"]+"), r"\1…"),
)


def redact(text: str) -> str:
    """The text without what identifies a person, opens a door or tells of a patient."""
    for pattern, kept in _SECRETS:
        text = pattern.sub(kept, text)
    return text


def keep_secrets_out() -> None:
    """From now on every log record of this process is redacted as it is made, before any handler sees it."""
    factory = logging.getLogRecordFactory()
    if getattr(factory, "redacts", False):
        return
    make = _redacting(factory)
    make.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(make)


def _redacting(factory: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    def make(*args: object, **kwargs: object) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        # A message that does not fit its arguments is logged as it is: the handler reports the mistake.
        try:
            record.msg, record.args = redact(record.getMessage()), None
        except (TypeError, ValueError, KeyError):
            return record
        if record.exc_info and record.exc_info[0]:
            # Handlers print the text they find here; exc_info itself still holds the values and goes.
            trace = redact(_formatter.formatException(record.exc_info))
            record.exc_info, record.exc_text = None, trace
        return record

    return make
