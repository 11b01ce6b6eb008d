"""Live pages: what changes anywhere shows in every open page of this worker, without a reload.

Pushes do not pass the Guard, so the database is asked before each round who is still signed in.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Hashable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import reflex as rx
from reflex.state import BaseState, State, StateUpdate
from reflex_base.event import Event
from sqlmodel import Session

from medcal import clock, db, routes
from medcal.edge.cookies import staff_ref
from medcal.errors import SignedOut
from medcal.failures import outline
from medcal.i18n import current_language, language, language_of
from medcal.security import Actor
from medcal.services import periodic, sessions
from medcal.state.hints import Bell, History, hear
from medcal.state.session import start_afresh, take_note

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# How long a topic rests between two pushes, in seconds; messages leave by the hundred. Only staff may subscribe to a topic that is not public.
STAFF_TOPICS = {
    **dict.fromkeys(("calendar", "appointments", "waitlist"), 0.05),
    "messages": 0.3,
    **dict.fromkeys(("people", "account", "settings"), 0.5),
    "scheduler": 5.0,
}
PUBLIC_TOPICS = {"openings": 1.0, "visit": 0.5}
REST = STAFF_TOPICS | PUBLIC_TOPICS

LOOK_SECONDS = 1.0
# Who is still signed in, and whether a scheduler works, is looked at so often also when nothing happens.
SIGNED_IN_SECONDS = 15.0
PATIENCE_SECONDS = 5.0
AT_ONCE = 50


class Live(Protocol):
    """A state that can bring itself up to date.

    Underscored, since every public method of a state is open to the world.
    """

    async def _refresh(self, now: datetime) -> None: ...


@dataclass
class Watcher:
    """One state of one open page that wants to hear of changes."""

    token: str
    state: type[rx.State]
    topic: str
    page: str
    staff: str | None
    is_owed: bool = False
    is_running: bool = False


_watchers: dict[tuple[str, str], Watcher] = {}
_pushed_at: dict[str, float] = {}
_tasks: set[asyncio.Task[None]] = set()
_news_at = float("-inf")
_bell = Bell()
_is_silent = False


def subscribe(topic: str, state: rx.State) -> None:
    """Have state._refresh called whenever something changes, as long as its page is open and its person is signed in.

    Call it in the page's on_load handler. That runs again after every reconnect, so nothing is lost by forgetting
    closed pages.
    """
    staff = staff_ref(state.router.headers.raw_headers)
    if topic not in PUBLIC_TOPICS and staff is None:
        raise SignedOut
    if topic not in REST or not hasattr(state, "_refresh"):
        raise ValueError(f"{type(state).__name__} cannot watch {topic}")
    # A proxy stands for the state in background events; its class does not.
    token, kind = state.router.session.client_token, state.__class__
    # What came while the page was being loaded may be missing on it.
    is_owed = time.monotonic() - _news_at < LOOK_SECONDS
    _watchers[token, kind.get_full_name()] = Watcher(token, kind, topic, _page(state), staff, is_owed)
    if is_owed:
        _bell.ring(news=False)


# --- Loading what many pages show -------------------------------------------------------------------------------------


@dataclass
class Round:
    """One round of pushes: its moment, who is signed in, and what has been loaded for it."""

    now: datetime
    actors: dict[str, Actor]
    loads: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)
    failures: set[int] = field(default_factory=set)


_round: ContextVar[Round | None] = ContextVar("round", default=None)


async def shared(work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """db.run(work, …), but in a round of pushes only once for all pages that ask for the same.

    What comes back is everybody's: frozen, or a list to be replaced as a whole. The arguments must say all that it
    depends on.
    """
    current = _round.get()
    if current is None:
        return await db.run(work, *args, **kwargs)
    key = (work, args, tuple(sorted(kwargs.items())), current_language())
    task = current.loads.get(key)
    if task is None:
        task = current.loads[key] = asyncio.create_task(db.run(work, *args, **kwargs))
    # Shielded: one page that loses patience must not take it from the others.
    found = await asyncio.shield(task)
    return cast(T, list(found)) if isinstance(found, list) else cast(T, found)


# --- Pushing ----------------------------------------------------------------------------------------------------------


async def push_changes(app: rx.App, now: datetime) -> None:
    """Something has changed: bring every page up to date that is open here, at the pace of its topic."""
    _forget_closed(app)
    for watcher in _watchers.values():
        # That the scheduler has fallen silent is no change, see below.
        watcher.is_owed = watcher.is_owed or watcher.topic != "scheduler"
    await _pay(app, now)


async def _pay(app: rx.App, now: datetime) -> None:
    """Start the pushes that are owed and whose topic has rested; the others wait for the next look."""
    at = time.monotonic()
    due = [watcher for watcher in _owed() if _rest_left(watcher.topic, at) <= 0]
    if not due:
        return
    actors = await _signed_in(due, now)
    _pushed_at.update({watcher.topic: at for watcher in due})
    this_round, limit = Round(now, actors), asyncio.Semaphore(AT_ONCE)
    for watcher in due:
        watcher.is_owed, watcher.is_running = False, True
        _start(_push(app, watcher, this_round, limit))


def _owed() -> list[Watcher]:
    return [watcher for watcher in _watchers.values() if watcher.is_owed and not watcher.is_running]


def _rest_left(topic: str, at: float) -> float:
    return REST[topic] - (at - _pushed_at.get(topic, float("-inf")))


def _start(work: Coroutine[Any, Any, None]) -> None:
    # The loop itself keeps only weak references to tasks.
    task = asyncio.create_task(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _push(app: rx.App, watcher: Watcher, this_round: Round, limit: asyncio.Semaphore) -> None:
    """Bring one page up to date. Its failures are its own, and a page that is busy is tried again."""
    _round.set(this_round)
    try:
        async with limit, asyncio.timeout(PATIENCE_SECONDS):
            await _refresh(app, watcher, this_round)
    except TimeoutError:
        watcher.is_owed = True
    except Exception as error:
        # A load that failed for a hundred pages failed once.
        if id(error) not in this_round.failures:
            this_round.failures.add(id(error))
            log.error("could not bring %s up to date: %s", watcher.state.__name__, outline(error))
    finally:
        watcher.is_running = False
        if watcher.is_owed:
            _bell.ring(news=False)


async def _refresh(app: rx.App, watcher: Watcher, this_round: Round) -> None:
    if _watchers.get(_key(watcher)) is not watcher:
        return
    actor = this_round.actors.get(watcher.staff) if watcher.staff else None
    if watcher.topic not in PUBLIC_TOPICS and actor is None:
        await _show_out(app, watcher)
        return
    async with app.modify_state(rx.BaseStateToken(ident=watcher.token, cls=watcher.state)) as root:
        if _page(root) != watcher.page:
            # The tab shows another page now, which has subscribed for itself.
            _forget(watcher)
            return
        await take_note(cast(State, root), actor)
        with language(language_of(watcher.page)):
            await cast(Live, await root.get_state(watcher.state))._refresh(this_round.now)


async def _show_out(app: rx.App, watcher: Watcher) -> None:
    """Whoever sat here has been signed out.

    Nothing of what was on the screen stays, and the page goes to the sign-in.
    """
    for each in [each for each in _watchers.values() if each.token == watcher.token]:
        _forget(each)
    async with app.modify_state(rx.BaseStateToken(ident=watcher.token, cls=watcher.state)) as root:
        await start_afresh(cast(State, root))
    with app.set_contexts():
        go = Event.from_event_type(rx.redirect(routes.to(routes.SIGN_IN, language_of(watcher.page))))
    assert app.event_namespace is not None
    await app.event_namespace.emit_update(StateUpdate(events=go), watcher.token)


async def show_out_the_signed_out(app: rx.App, now: datetime) -> None:
    """Empty the staff pages whose session has ended, also when nothing changes."""
    _forget_closed(app)
    staff = [watcher for watcher in _watchers.values() if watcher.topic not in PUBLIC_TOPICS]
    actors = await _signed_in(staff, now)
    for watcher in staff:
        if watcher.staff not in actors and not watcher.is_running:
            watcher.is_running = True
            _start(_push(app, watcher, Round(now, actors), asyncio.Semaphore(1)))


async def look_at_the_scheduler(app: rx.App, now: datetime) -> None:
    """Bring the pages up to date that say how the scheduler is: all when it has fallen silent or works again, else the messages page.

    No event tells of that.
    """
    global _is_silent
    was_silent, _is_silent = _is_silent, (await db.run(periodic.heartbeat)).is_silent
    for watcher in _watchers.values():
        if watcher.topic == "scheduler" and (was_silent != _is_silent or _is_of_messages(watcher.page)):
            watcher.is_owed = True
    await _pay(app, now)


def shows_messages(state: BaseState) -> bool:
    """Whether the tab is on the messages page, which says how all that goes out is."""
    return _is_of_messages(_page(state))


def _is_of_messages(page: str) -> bool:
    return routes.plain(page) == routes.STAFF_MESSAGES


async def _signed_in(watchers: Iterable[Watcher], now: datetime) -> dict[str, Actor]:
    refs = frozenset(watcher.staff for watcher in watchers if watcher.staff)
    return await db.run(sessions.find_actors, refs, now) if refs else {}


def _page(state: BaseState) -> str:
    return str(state.router.url.path).rstrip("/")


def _key(watcher: Watcher) -> tuple[str, str]:
    return watcher.token, watcher.state.get_full_name()


def _forget(watcher: Watcher) -> None:
    if _watchers.get(_key(watcher)) is watcher:
        del _watchers[_key(watcher)]


def _forget_closed(app: rx.App) -> None:
    # Only the sockets of this worker: with Redis the other table has everybody's.
    connected = set(app.event_namespace.sid_to_token.values()) if app.event_namespace else set()
    for watcher in [watcher for watcher in _watchers.values() if watcher.token not in connected]:
        _forget(watcher)


# --- Hearing of changes -----------------------------------------------------------------------------------------------


async def listen_for_ever(app: rx.App) -> None:
    """The lifespan task of every worker: from a change in the database to the open pages."""
    global _bell, _news_at
    # Made here, because it belongs to one loop, and each worker has its own.
    _bell = Bell()
    ear, history, looked_at = asyncio.create_task(hear(_bell)), History(), 0.0
    try:
        while True:
            if has_news := await _bell.wait(_seconds_to_next_look()):
                _news_at = time.monotonic()
            if not _watchers:
                continue
            try:
                await _look(app, history, has_news)
                if time.monotonic() - looked_at > SIGNED_IN_SECONDS:
                    looked_at = time.monotonic()
                    await show_out_the_signed_out(app, clock.now())
                    await look_at_the_scheduler(app, clock.now())
            except Exception as error:
                # A database that is away, mostly. The pages are owed what they missed.
                log.error("could not look for changes: %s", outline(error))
                await asyncio.sleep(LOOK_SECONDS)
                _bell.ring(news=True)
    finally:
        ear.cancel()
        with suppress(asyncio.CancelledError):
            await ear


async def _look(app: rx.App, history: History, has_news: bool) -> None:
    has_grown = await db.run(history.has_grown)
    if has_news or has_grown:
        await push_changes(app, clock.now())
    else:
        await _pay(app, clock.now())


def _seconds_to_next_look() -> float:
    """A second, or less while a page is owed something and its topic is about to have rested."""
    at = time.monotonic()
    rests = [_rest_left(topic, at) for topic in {watcher.topic for watcher in _owed()}]
    return max(0.01, min([LOOK_SECONDS, *rests]))
