"""Browser tabs without a browser: events go through Reflex' real pipeline (locks, guard, handlers, chains) in memory.

A test asks for `new_tab` and then speaks to what it gets:

    tab = new_tab(staff=session_cookie, visit=visit_cookie)
    tab.open("/staff")                       # hydrate, then the page's on_load handlers
    tab.send(CalendarState.move, id="…")     # keyword arguments are the payload, exactly as a browser would send it
    assert tab.value(CalendarState, "day") == "2026-03-02"
    assert tab.redirects == [] and tab.toasts == ["…"]
"""

import asyncio
import contextlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import reflex as rx
from reflex.state import BaseState, State, StateUpdate
from reflex_base import constants
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext
from reflex_base.utils.format import format_event_handler, json_dumps

import medcal.edge.hardening  # noqa: F401  (before anything else of Reflex, as in the app)
from medcal.edge.cookies import authorization, cookie_name
from medcal.edge.waiting import BoundedProcessor

_MARKER = "_rx_state_"


@dataclass
class Tab:
    """One tab of one browser, as the server sees it."""

    pipeline: "Pipeline"
    headers: dict[str, str]
    path: str = "/"
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    frames: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    _values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def open(self, path: str) -> None:
        """Load a page: everything in the state is sent, then the page's on_load handlers run."""
        self.path = path
        self.send(State.event_handlers["hydrate_and_load"])

    def send(self, handler: Any, /, **payload: Any) -> None:
        """Send one event and wait until it and everything it caused is done."""
        event = handler if isinstance(handler, str) else format_event_handler(_as_handler(handler))
        self.pipeline.deliver(self, Event(name=event, payload=payload, router_data=self._router_data()))

    def value(self, state: type[BaseState], var: str) -> Any:
        """What this tab last heard of a public var; None if nothing."""
        return self._values.get(state.get_full_name(), {}).get(var)

    @property
    def toasts(self) -> list[str]:
        """The sentences of all toasts so far."""
        scripts = [str(event.payload.get("function", "")) for event in self.events]
        found = [re.search(r"__toast'\]\??\.?(?:\[[^\]]*\])?\((\"(?:[^\"\\]|\\.)*\")", script) for script in scripts]
        return [json.loads(toast[1]) for toast in found if toast]

    @property
    def redirects(self) -> list[str]:
        return [event.payload["path"] for event in self.events if event.name == "_redirect"]

    def hear(self, update: StateUpdate) -> None:
        self.frames.append(json_dumps(update))
        self.events += update.events
        for state, values in json.loads(json_dumps(update.delta)).items():
            heard = {name.removesuffix(_MARKER): value for name, value in values.items()}
            self._values.setdefault(state, {}).update(heard)

    def _router_data(self) -> dict[str, Any]:
        route = RegistrationContext.get().app.router(self.path.split("?")[0]) or "404"
        return {
            constants.RouteVar.PATH: "/" + route.removeprefix("/"),
            constants.RouteVar.ORIGIN: self.path,
            constants.RouteVar.QUERY: {},
            constants.RouteVar.HEADERS: self.headers,
            constants.RouteVar.CLIENT_TOKEN: self.token,
            constants.RouteVar.SESSION_ID: self.token,
            constants.RouteVar.CLIENT_IP: "127.0.0.1",
        }


def _as_handler(handler: Any) -> Any:
    """State.method on the class is an EventHandler already; a plain function is not a handler and fails loudly."""
    assert isinstance(handler, rx.event.EventHandler), f"{handler!r} is no event handler"
    return handler


class Pipeline:
    """An event processor with a loop of its own; doubles as the namespace that would own the sockets."""

    def __init__(self, middleware: Any, context: RegistrationContext):
        self._runner = asyncio.Runner()
        self._tabs: dict[str, Tab] = {}
        self.errors: list[Exception] = []
        self._processor = BoundedProcessor(middleware=middleware, backend_exception_handler=self._fail)
        self._run(self._start(context))

    def deliver(self, tab: Tab, event: Event) -> None:
        self._tabs[tab.token] = tab
        self._run(self._deliver(tab.token, event))
        if self.errors:
            raise self.errors.pop()

    def close(self) -> None:
        self._run(self._processor.stop())
        self._runner.close()

    async def emit_update(self, update: StateUpdate, token: str) -> None:
        if token in self._tabs:
            self._tabs[token].hear(update)

    def _run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    async def _start(self, context: RegistrationContext) -> None:
        RegistrationContext.set(context)
        self._processor.configure(event_namespace=self)  # type: ignore[arg-type]
        await self._processor.start()

    async def _deliver(self, token: str, event: Event) -> None:
        future = await self._processor.enqueue(token, event)
        if future.cancelled():
            return
        # What fails arrives at _fail as well.
        with contextlib.suppress(Exception):
            await future.wait_all()
        # The processor hands failures over in a task of its own.
        await asyncio.sleep(0)

    def _fail(self, error: Exception) -> None:
        self.errors.append(error)


@pytest.fixture(scope="session")
def app() -> rx.App:
    """The real application."""
    from medcal.medcal import app

    return app


@pytest.fixture
def pipeline(app: rx.App) -> Iterator[Pipeline]:
    pipeline = Pipeline(app, RegistrationContext.get())
    yield pipeline
    pipeline.close()


@pytest.fixture
def new_tab(pipeline: Pipeline) -> Callable[..., Tab]:
    """new_tab(staff="…", visit="…", path="/"): a tab of a browser with these cookies (their raw values)."""

    def make(staff: str = "", visit: str = "", path: str = "/") -> Tab:
        return Tab(pipeline, {"authorization": identity(staff, visit)}, path)

    return make


def identity(staff: str = "", visit: str = "") -> str:
    """What the edge tells Reflex of a browser with these cookies."""
    pairs = [("medcal_session", staff), ("medcal_visit", visit)]
    cookies = "; ".join(f"{cookie_name(name)}={value}" for name, value in pairs if value)
    return authorization([(b"cookie", cookies.encode())]).decode()
