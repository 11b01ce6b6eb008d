"""What manage.py says: one short line per step, and a reason with advice when it stops."""

import re
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class Stop(Exception):
    """A reason to stop, in words that tell the reader what to do."""


class Step:
    """One line: `Installing Python packages … 38 s`; on a terminal the seconds count up while it lasts."""

    def __init__(self, label: str) -> None:
        self._label = label

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._write(f"{self._label} …")
        return self

    def tick(self) -> None:
        if sys.stdout.isatty() and self.seconds() >= 1:
            self._write(f"\r{self._label} … {self.seconds():.0f} s ")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        begin = f"\r{self._label} …" if sys.stdout.isatty() else ""
        self._write(f"{begin} {'failed' if kind else f'{self.seconds():.1f} s'}  \n")

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def _write(self, text: str) -> None:
        print(text, end="", flush=True)


# What Python says while it shuts down: it comes after the reason, often dozens of times, and is none.
PARTING_WORDS = re.compile(r"^Exception ignored in: .*\nTraceback .*\n(?: .*\n)*\S.*\n?", re.MULTILINE)


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, indented, with its place."""
    try:
        text = PARTING_WORDS.sub("", log.read_text(errors="replace"))
    except OSError:
        text = ""
    lines = [line for line in text.splitlines() if line.strip()]
    return "\n".join([f"The end of {shown(log)}:", *(f"    {line}" for line in lines[-count:] or ["(nothing)"])])


def shown(path: Path) -> str:
    """A path as the reader would type it: relative where that is shorter."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
