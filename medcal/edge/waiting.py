"""The queue of events with an end: one browser cannot pile up work for a worker, nor fill its memory with nonsense."""

import logging
from collections import Counter
from functools import cached_property

from reflex_base.event import Event
from reflex_base.event.context import EventContext
from reflex_base.event.processor import BaseStateEventProcessor, EventFuture
from reflex_base.registry import RegistrationContext

from medcal.edge.logs import Sparing

log = Sparing(logging.getLogger(__name__))

MOST_WAITING = 64


class BoundedProcessor(BaseStateEventProcessor):
    """Reflex' processor, but what one client sends beyond MOST_WAITING unfinished events is dropped.

    Only what a browser sends is counted. Events that handlers chain wait behind their sender's in the same queue.
    """

    @cached_property
    def _waiting(self) -> Counter[str]:
        """How many events of each client are not finished."""
        return Counter()

    async def enqueue(self, token: str, event: Event, ev_ctx: EventContext | None = None) -> EventFuture:
        if ev_ctx is not None or EventContext.get().txid:
            return await super().enqueue(token, event, ev_ctx)
        if event.name not in RegistrationContext.get().event_handlers:
            # Reflex would log it with everything it carries, and remember it for ever.
            return _dropped("nobody answers it")
        if self._waiting[token] >= MOST_WAITING:
            return _dropped("too many of one client are waiting")
        self._waiting[token] += 1
        future = await super().enqueue(token, event)
        future.add_done_callback(lambda _: self._leave(token))
        return future

    def _leave(self, token: str) -> None:
        self._waiting[token] -= 1
        if not self._waiting[token]:
            del self._waiting[token]


def _dropped(why: str) -> EventFuture:
    log.warning("dropped an event: %s", why)
    future = EventFuture(txid="")
    future.cancel()
    return future
