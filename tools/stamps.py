"""Knowing that a step need not be done again: fingerprints of what it depends on, kept beside what it made."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint(paths: Iterable[Path], root: Path) -> str:
    """Changes with the name or content of any of the files, and with nothing else; folders stand for all within.

    Left out is what Python and Reflex write by themselves.
    """
    digest = hashlib.sha256()
    for path in sorted(file for source in paths for file in _files(source)):
        name, content = path.relative_to(root).as_posix().encode(), path.read_bytes()
        # Lengths between the parts, so that no two different sets of files read the same.
        digest.update(b"%d %d " % (len(name), len(content)) + name + content)
    return digest.hexdigest()[:16]


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return (file for file in path.rglob("*") if file.is_file() and not _is_generated(file.relative_to(path)))


def _is_generated(path: Path) -> bool:
    return path.suffix == ".pyc" or path.parts[0] == "external"


def is_stamped(stamp: Path, value: str) -> bool:
    """True if the step behind this stamp was finished for this very value."""
    return stamp.exists() and stamp.read_text() == value
