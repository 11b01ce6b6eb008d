"""What of an error may be written down: never its text, which can hold names and addresses. And how a line of the log looks."""

import logging
import time
import traceback
from pathlib import Path

from medcal.config import PROJECT
from medcal.db import violation


def outline(error: BaseException) -> str:
    """Type and place of an error, such as `IntegrityError (23505 uq_message_ref) at medcal/services/jobs.py:80`.

    A database error's own text quotes the row with its patient; SQLSTATE and constraint say as much to the person who
    mends it.
    """
    return f"{type(error).__name__}{_database_part(error)}{_place(error)}"


def _database_part(error: BaseException) -> str:
    known = " ".join(part for part in violation(error) if part)
    return f" ({known})" if known else ""


def _place(error: BaseException) -> str:
    """The innermost line of our own that was being run."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(str(PROJECT / "medcal"))
    ]
    if not ours:
        return ""
    return f" at {Path(ours[-1].filename).relative_to(PROJECT)}:{ours[-1].lineno}"


# --- The log ----------------------------------------------------------------------------------------------------------


def begin_log(level: int) -> None:
    """From now on each line of this process says when (UTC), how bad, and where from; nothing changes where somebody else keeps the log."""
    handler = logging.StreamHandler()
    handler.setFormatter(Line("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ"))
    logging.basicConfig(level=level, handlers=[handler])


class Line(logging.Formatter):
    """One message is one line, so that nobody adds lines of his own making; a traceback follows as it is."""

    converter = staticmethod(time.gmtime)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")


class Sparing:
    """Logs at most `most` refusals a minute: a hostile browser must not fill the disk, nor hide what others do."""

    def __init__(self, log: logging.Logger, most: int = 30):
        self._log, self._most = log, most
        self._minute, self._count = 0, 0

    def warning(self, message: str, *args: object) -> None:
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            if self._count > self._most:
                self._log.warning("%d more refusals were not logged", self._count - self._most)
            self._minute, self._count = minute, 0
        self._count += 1
        if self._count <= self._most:
            self._log.warning(message, *args)
