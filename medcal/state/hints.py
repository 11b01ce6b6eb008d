"""Notices that something has changed in the database: by its hints, and by a look at the history."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
from sqlmodel import Session

from medcal import db
from medcal.config import settings

log = logging.getLogger(__name__)

BURST_SECONDS = 0.02


@dataclass
class Bell:
    """Wakes the listener: because of news, or because a page is owed something from before."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)
    has_news: bool = False

    def ring(self, *, news: bool) -> None:
        self.has_news = self.has_news or news
        self.rung.set()

    async def wait(self, seconds: float) -> bool:
        """Whether there are news, as soon as it rings, or after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.rung.wait(), seconds)
        if self.has_news:
            # What follows in the same breath is shown together.
            await asyncio.sleep(BURST_SECONDS)
        had_news, self.has_news = self.has_news, False
        self.rung.clear()
        return had_news


async def hear(bell: Bell) -> None:
    """Pass the database's hints on. After an interruption there is always one: something may have been missed."""
    while True:
        try:
            url = settings().database_url
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=10) as connection:
                await connection.execute(f"listen {db.CHANNEL}")
                bell.ring(news=True)
                while True:
                    async for _ in connection.notifies(timeout=30):
                        bell.ring(news=True)
                    # A connection that died without a word shows here.
                    await connection.execute("select 1")
        except psycopg.Error as error:
            log.warning("hints are interrupted: %s", type(error).__name__)
            await asyncio.sleep(1)


class History:
    """Notices that the table of events has grown. Numbers commit out of order, so it also looks a little way back."""

    BACK = 200

    def __init__(self) -> None:
        self._known: frozenset[int] | None = None

    def has_grown(self, session: Session) -> bool:
        """Whether there are events that were not there when it was asked before."""
        rows = db.fetch(session, "SELECT id FROM event ORDER BY id DESC LIMIT %(back)s", back=self.BACK)
        before, self._known = self._known, frozenset(row.id for row in rows)
        return before is not None and not self._known <= before
