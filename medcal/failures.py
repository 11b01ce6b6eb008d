"""What of an error may be written down: never its text, which can hold names and addresses."""

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
