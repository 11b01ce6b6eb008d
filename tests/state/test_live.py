"""Live pages: changes come to whoever may see them, once, soon, and to nobody else."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import reflex as rx
from reflex_base.registry import RegistrationContext
from sqlmodel import Session

from medcal import clock
from medcal.db import changed, fetch, in_transaction, run
from medcal.edge.guard import Guard, open_to
from medcal.i18n import current_language
from medcal.security import digest
from medcal.services import accounts, sessions
from medcal.state import live
from medcal.state.heartbeat import HeartbeatState
from medcal.state.hints import History
from medcal.state.session import Languages, SessionState, actor_of, identify
from tests.support.factories import PASSWORD, make_user

loads: list[tuple[str, str]] = []


def load(session: Session, what: str) -> list[str]:
    loads.append((what, current_language()))
    return [what, str(len(loads))]


class CalendarProbe(rx.State):
    rows: list[str] = []
    by: str = ""
    _what: str = "everybody"
    _fails: bool = False

    @open_to("staff")
    async def load(self):
        live.subscribe("calendar", self)
        self.rows = await live.shared(load, self._what)

    @open_to("staff")
    def narrow(self, what: str):
        self._what = what

    @open_to("staff")
    def spoil(self):
        self._fails = True

    @open_to("staff")
    async def linger(self):
        await asyncio.sleep(0.3)

    async def _refresh(self, now: datetime) -> None:
        if self._fails:
            raise RuntimeError("spoiled")
        self.by = actor_of(self).name
        self.rows = await live.shared(load, self._what)


class OpeningsProbe(rx.State):
    free: list[str] = []

    @open_to("anyone")
    async def load(self):
        live.subscribe("openings", self)

    @open_to("anyone")
    def peep(self):
        live.subscribe("calendar", self)

    async def _refresh(self, now: datetime) -> None:
        self.free = await live.shared(load, "free")


@pytest.fixture(scope="module")
def app() -> Iterator[rx.App]:
    token = RegistrationContext.set(RegistrationContext.ensure_context().fork())
    app = rx.App()
    for prefix in ("", "/de"):
        app.add_page(lambda: rx.el.main(), route=f"{prefix}/staff", title="Staff", on_load=CalendarProbe.load)
        app.add_page(lambda: rx.el.main(), route=f"{prefix}/free", title="Free", on_load=OpeningsProbe.load)
        app.add_page(lambda: rx.el.main(), route=f"{prefix}/other", title="Other")
    app.add_middleware(Languages())
    app.add_middleware(Guard(identify))
    yield app
    RegistrationContext.reset(token)


class Sockets:
    """Stands for the websockets of this worker: all tabs of the pipeline that are not closed."""

    def __init__(self, pipeline: Any):
        self.pipeline, self.closed = pipeline, set[str]()
        self.emit_update = pipeline.emit_update

    @property
    def sid_to_token(self) -> dict[str, str]:
        return {token: token for token in self.pipeline._tabs if token not in self.closed}


@pytest.fixture
def sockets(app: rx.App, pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sockets]:
    sockets = Sockets(pipeline)
    monkeypatch.setattr(app, "_event_namespace", sockets)
    monkeypatch.setattr(app, "_state_manager", pipeline._processor._root_context.state_manager)
    monkeypatch.setitem(live.REST, "calendar", 0.0)
    loads.clear()
    yield sockets
    live._watchers.clear()
    live._pushed_at.clear()


@pytest.fixture
def push(app: rx.App, pipeline: Any, sockets: Sockets) -> Callable[..., None]:
    """Something has changed: push, and wait until all pages have it."""

    async def push_and_settle(work: Callable[..., Any], now: datetime) -> None:
        await work(app, now)
        while live._tasks:
            await asyncio.gather(*live._tasks)

    return lambda work=live.push_changes, now=None: pipeline._run(push_and_settle(work, now or clock.now()))


@pytest.fixture
def sam(committed: str) -> str:
    """The cookie of Sam, who is signed in at the desk."""
    user = in_transaction(make_user)
    return in_transaction(accounts.sign_in, user.email, PASSWORD, now=clock.now())[1]


def test_every_open_calendar_shows_a_change(new_tab, push, sam):
    tabs = [new_tab(staff=sam, path="/staff") for _ in range(3)]
    for tab in tabs:
        tab.open("/staff")

    push()

    assert {tuple(tab.value(CalendarProbe, "rows")) for tab in tabs} == {("everybody", "4")}
    assert {tab.value(CalendarProbe, "by") for tab in tabs} == {"Sam Stern"}


def test_pages_that_show_the_same_load_it_once(new_tab, push, sam):
    tabs = [new_tab(staff=sam) for _ in range(20)]
    for tab in tabs:
        tab.open("/staff")
    tabs[0].send(CalendarProbe.narrow, what="mine")
    loads.clear()

    push()

    assert sorted(loads) == [("everybody", "en"), ("mine", "en")]


def test_pages_in_two_languages_each_get_their_own(new_tab, push, sam):
    english, german = new_tab(staff=sam), new_tab(staff=sam)
    english.open("/staff")
    german.open("/de/staff")
    loads.clear()

    push()

    assert sorted(loads) == [("everybody", "de"), ("everybody", "en")]


def test_a_page_that_was_left_is_not_pushed_to(new_tab, push, sam):
    tab = new_tab(staff=sam)
    tab.open("/staff")
    tab.open("/other")
    loads.clear()

    push()

    assert loads == [] and live._watchers == {}


def test_a_closed_tab_is_forgotten(new_tab, push, sam, sockets):
    tab = new_tab(staff=sam)
    tab.open("/staff")
    sockets.closed.add(tab.token)

    push()

    assert live._watchers == {}


def test_signing_out_empties_the_open_page_at_the_next_change(new_tab, push, sam):
    tab = new_tab(staff=sam)
    tab.open("/staff")
    in_transaction(sessions.sign_out, digest(sam))
    tab.frames.clear()

    push()

    assert tab.value(CalendarProbe, "rows") == []
    assert tab.value(SessionState, "name") == ""
    assert tab.redirects == ["/sign-in"]
    assert "everybody" not in "".join(tab.frames)


def test_signing_out_empties_the_open_page_also_when_nothing_changes(new_tab, push, sam):
    tab = new_tab(staff=sam)
    tab.open("/de/staff")
    in_transaction(sessions.sign_out, digest(sam))

    push(live.show_out_the_signed_out)

    assert tab.value(CalendarProbe, "rows") == []
    assert tab.redirects == ["/de/sign-in"]


def test_an_idle_session_is_shown_out_and_pushes_do_not_keep_it_alive(new_tab, push, sam):
    tab = new_tab(staff=sam)
    tab.open("/staff")
    now = clock.now()

    push(now=now + timedelta(hours=2))
    assert tab.redirects == []
    push(now=now + timedelta(hours=4, minutes=1))

    assert tab.redirects == ["/sign-in"]


def test_a_visitor_cannot_watch_what_is_for_staff(new_tab, push, sockets):
    tab = new_tab(visit="cookie-of-a-visitor-0")
    tab.path = "/free"

    with pytest.raises(Exception, match="sign in"):
        tab.send(OpeningsProbe.peep)

    assert "calendar" not in {watcher.topic for watcher in live._watchers.values()}


def test_a_visitor_sees_free_times_change(committed, new_tab, push):
    tab = new_tab()
    tab.open("/free")

    push()

    assert tab.value(OpeningsProbe, "free") == ["free", "1"]


def test_free_times_are_pushed_at_a_gentler_pace_and_none_is_forgotten(committed, new_tab, push, monkeypatch):
    tab = new_tab()
    tab.open("/free")
    push()
    push()
    assert tab.value(OpeningsProbe, "free") == ["free", "1"]

    monkeypatch.setitem(live.REST, "openings", 0.0)
    push(live._pay)

    assert tab.value(OpeningsProbe, "free") == ["free", "2"]


def test_a_page_that_was_being_loaded_during_a_change_is_brought_up_to_date(new_tab, push, sam, monkeypatch):
    monkeypatch.setattr(live, "_news_at", time.monotonic())
    tab = new_tab(staff=sam)
    tab.open("/staff")

    push(live._pay)

    assert tab.value(CalendarProbe, "rows") == ["everybody", "2"]


def test_one_page_that_fails_does_not_hold_up_the_others(new_tab, push, sam, caplog):
    broken, sound = new_tab(staff=sam), new_tab(staff=sam)
    for tab in (broken, sound):
        tab.open("/staff")
    broken.send(CalendarProbe.spoil)

    push()

    assert sound.value(CalendarProbe, "rows") == ["everybody", "3"]
    assert "could not bring CalendarProbe up to date" in caplog.text


def test_a_page_that_is_busy_is_tried_again(new_tab, push, sam, pipeline, app, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE_SECONDS", 0.05)
    tab = new_tab(staff=sam)
    tab.open("/staff")

    async def push_while_busy() -> None:
        state = rx.BaseStateToken(ident=tab.token, cls=CalendarProbe)
        async with app.state_manager.modify_state(state):
            await live.push_changes(app, clock.now())
            await asyncio.gather(*live._tasks)

    pipeline._run(push_while_busy())
    assert [watcher.is_owed for watcher in live._watchers.values()] == [True]
    push(live._pay)

    assert tab.value(CalendarProbe, "rows") == ["everybody", "2"]


def test_the_history_is_noticed_to_grow_also_out_of_order(db):
    history = History()

    answers = [history.has_grown(db)]
    for number in (1_000_002, 1_000_001):
        fetch(
            db,
            """INSERT INTO event (id, at, kind, actor, detail) OVERRIDING SYSTEM VALUE
               VALUES (%(id)s, now(), 'schedule.changed', 'system', '{}')""",
            id=number,
        )
        answers += [history.has_grown(db), history.has_grown(db)]

    assert answers == [False, True, False, True, False]


def test_a_change_in_the_database_reaches_an_open_page(app, new_tab, pipeline, sockets, sam):
    tab = new_tab(staff=sam)
    tab.open("/staff")

    async def listen_and_change() -> None:
        listening = asyncio.create_task(live.listen_for_ever(app))
        # Reconnecting is a hint of its own, so wait for that to be over.
        await _until(lambda: len(loads) == 2)
        await run(changed)
        await _until(lambda: len(loads) == 3)
        listening.cancel()
        await asyncio.wait([listening])

    pipeline._run(listen_and_change())

    assert tab.value(CalendarProbe, "rows") == ["everybody", "3"]


def test_a_change_without_a_hint_reaches_an_open_page_within_a_second_or_so(app, new_tab, pipeline, sockets, sam):
    tab = new_tab(staff=sam)
    tab.open("/staff")

    async def listen_and_change() -> None:
        listening = asyncio.create_task(live.listen_for_ever(app))
        await _until(lambda: len(loads) == 2)
        await run(fetch, "INSERT INTO event (at, kind, actor) VALUES (now(), 'schedule.changed', 'system')")
        await _until(lambda: len(loads) == 3)
        listening.cancel()
        await asyncio.wait([listening])

    pipeline._run(listen_and_change())

    assert tab.value(CalendarProbe, "rows") == ["everybody", "3"]


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition() or live._tasks:
            await asyncio.sleep(0.01)


# --- The scheduler ----------------------------------------------------------------------------------------------------


def beat(db: Session, ago: str) -> None:
    """The scheduler last worked so long ago."""
    fetch(
        db,
        """INSERT INTO periodic_run (name, started_at) VALUES ('heartbeat', clock_timestamp() - %(ago)s::interval)
           ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at""",
        ago=ago,
    )


def warning(tab: Any) -> str:
    return (tab.value(HeartbeatState, "notice") or {}).get("warning", "")


def test_open_pages_hear_when_the_scheduler_falls_silent_and_when_it_works_again(new_tab, push, sam, monkeypatch):
    monkeypatch.setitem(live.REST, "scheduler", 0.0)
    in_transaction(beat, "5 s")
    tab = new_tab(staff=sam)
    tab.open("/staff")
    tab.send(HeartbeatState.load)
    push(live.look_at_the_scheduler)
    tab.frames.clear()

    in_transaction(beat, "55 s")
    push(live.look_at_the_scheduler)
    assert tab.frames == []
    in_transaction(beat, "61 s")
    push(live.look_at_the_scheduler)
    assert "the scheduler does not run" in warning(tab)
    in_transaction(beat, "0 s")
    push(live.look_at_the_scheduler)
    assert warning(tab) == ""
