"""The built front end as the edge sees it: which addresses are pages, which exist, which scripts each may run."""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from medcal.edge.headers import script_hashes
from medcal.edge.limits import Bucket
from medcal.edge.logs import Sparing

log = Sparing(logging.getLogger(__name__))

# Answers whether a dynamic address (a specialty, a doctor) exists; may look it up in the database, off the event loop.
Known = Callable[[str], bool | Awaitable[bool]]

REMEMBERED_SECONDS = 30
MOST_REMEMBERED = 2_000


@dataclass
class Pages:
    """`folder` holds the built front end; without one (development) there are no pages to answer for."""

    folder: Path
    known: Known | None = None
    _scripts: dict[str, list[str]] = field(default_factory=dict)
    _answers: dict[str, tuple[bool, float]] = field(default_factory=dict)
    _questions: Bucket = field(default_factory=lambda: Bucket(rate=20, size=100))

    def __post_init__(self) -> None:
        for file in self.folder.glob("**/*.html"):
            address = "/" + file.relative_to(self.folder).as_posix().removesuffix("index.html").rstrip("/")
            self._scripts[address] = script_hashes(file.read_text())
        self._fallback = self._scripts.get("/404.html", [])

    def is_folder(self, path: str) -> bool:
        """Whether the address has a page of its own in the build, which lies there as a folder with an index.html."""
        return not path.endswith(".html") and _plain(path) in self._scripts

    def scripts(self, path: str) -> list[str]:
        """The hashes of the scripts in a page; an address without a file gets the page that finds out by itself."""
        return self._scripts.get(_plain(path), self._fallback)

    async def exists(self, path: str) -> bool:
        """Whether anything lives at the address, remembered for half a minute."""
        path = _plain(path)
        if self.known is None or path in self._scripts:
            return True
        now = time.monotonic()
        answer, until = self._answers.get(path, (False, 0.0))
        if now < until:
            return answer
        if not self._questions.take(now):
            # Somebody asks for one invented address after the other: their status matters less than everybody's database.
            return True
        try:
            answer = len(path) <= 200 and await self._ask(self.known, path)
        except Exception as error:
            # Without a database the page itself says so; "not found" would be remembered by robots.
            log.warning("could not find out whether a page exists: %s", type(error).__name__)
            return True
        if len(self._answers) >= MOST_REMEMBERED:
            self._answers.clear()
        self._answers[path] = answer, now + REMEMBERED_SECONDS
        return answer

    async def _ask(self, known: Known, path: str) -> bool:
        if inspect.iscoroutinefunction(known):
            return bool(await known(path))
        return bool(await asyncio.to_thread(known, path))


def _plain(path: str) -> str:
    return path.rstrip("/") or "/"
