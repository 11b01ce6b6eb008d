"""Hostile browsers against a running worker: they call every handler there is, and nothing happens or leaks."""

import inspect
import itertools
import json
import statistics
import types
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from time import perf_counter
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import psycopg
import pytest
from psycopg import sql
from reflex_base.registry import RegistrationContext
from sqlalchemy import create_engine
from sqlmodel import Session

from medcal import clock
from medcal.edge.cookies import STAFF, VISIT
from medcal.edge.guard import UNFINISHED, rule_of
from medcal.edge.waiting import MOST_WAITING
from medcal.i18n import language, language_of, t
from medcal.models import Appointment
from medcal.security import digest, new_secret
from medcal.services import access, accounts
from tests.support import databases, factories
from tests.support.raw_socket import HYDRATE, ROOT, RawSocket, Worker, is_refused, running_worker

TAG = "<reflex.Var>x</reflex.Var>"
SORRY = "That did not work."
# Alice's, and nobody else's business.
SECRETS = ("Alice Adler", "alice@example.com", "1984-02-29", "palpitations of Alice", "Sam Stern", "sam@", "argon2")


@dataclass
class Scene:
    """A clinic with Alice, who has an appointment, Bob, who has another, and Sam at the desk; each with a browser."""

    database_url: str
    worker: Worker
    alice: str
    bob: str
    sam: str
    appointment: Appointment
    doctor: str

    def socket(self, cookies: str = "", **options: Any) -> RawSocket:
        return RawSocket(self.worker.url, cookies, **options)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    name = databases.new_name()
    url = databases.copy_template(name)
    prepared = people_of(url)
    with running_worker(url, tmp_path_factory.mktemp("worker")) as worker:
        yield Scene(database_url=url, worker=worker, **prepared)
    databases.drop(name)


def people_of(url: str) -> dict[str, Any]:
    now = clock.now()
    day = next(day for day in (now + timedelta(days=ahead) for ahead in itertools.count(7)) if day.weekday() == 0)
    at = day.replace(hour=9, minute=0, second=0, microsecond=0)
    visits = {"alice": new_secret(), "bob": new_secret()}
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with Session(engine, expire_on_commit=False) as db:
        clinic = factories.make_clinic(db)
        own = factories.make_appointment(
            db, clinic, at, reason="palpitations of Alice", request="palpitations of Alice"
        )
        other = factories.make_appointment(db, clinic, at + timedelta(hours=1), patient=clinic.bob)
        factories.make_entry(db, clinic, own)
        access.grant_after_booking(db, own, digest(visits["alice"]), now)
        access.grant_after_booking(db, other, digest(visits["bob"]), now)
        _, session = accounts.sign_in(db, clinic.sam.email, factories.PASSWORD, now=now)
        db.commit()
    engine.dispose()
    cookies = {who: f"{VISIT}={value}" for who, value in visits.items()} | {"sam": f"{STAFF}={session}"}
    return {**cookies, "appointment": own, "doctor": clinic.okafor.slug}


@pytest.fixture(autouse=True)
def unharmed(scene: Scene) -> Iterator[None]:
    """Whatever a test does: no row changes, and the worker answers."""
    before = _rows(scene.database_url)
    yield
    assert scene.worker.ping()
    assert _rows(scene.database_url) == before


def _rows(url: str) -> dict[str, str]:
    """A fingerprint of every table, but for those that count tries, runs and looks, and for when somebody was seen last."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        row = sql.SQL("(to_jsonb(x) - 'seen_at')::text")
        query = sql.SQL("SELECT md5(coalesce(string_agg({row}, '|' ORDER BY {row}), '')) FROM {table} x")
        fingerprints = {}
        for name in sorted(set(names) - {"throttle", "periodic_run", "access_record"}):
            found = connection.execute(query.format(row=row, table=sql.Identifier(name))).fetchone()
            assert found
            fingerprints[name] = found[0]
        return fingerprints


# --- What they send ---------------------------------------------------------------------------------------------------


def our_handlers() -> dict[str, Callable[..., Any]]:
    import medcal.medcal  # noqa: F401  (registers all states)

    found = RegistrationContext.get().event_handlers
    ours = {name: each.handler.fn for name, each in found.items() if each.handler.fn.__module__.startswith("medcal.")}
    assert len(ours) > 20
    return ours


def payloads(fn: Callable[..., Any], scene: Scene) -> Iterator[dict[str, Any]]:
    """What fits the signature, with Alice's references in it, and what does not."""
    hints = {name: hint for name, hint in get_type_hints(fn).items() if name != "return"}
    names = list(inspect.signature(fn).parameters)[1:]
    fitting = {name: _fitting(name, hints.get(name), scene) for name in names}
    yield fitting
    yield {name: _with_text(value, TAG) for name, value in fitting.items()}
    yield {**fitting, "more": 1}
    if names:
        yield {}
        for wrong in ({"a": 1}, None, "x" * 2_001, "a\0b", "\ud800", 10**30, -1, [[]], True):
            yield dict.fromkeys(names, wrong)


def _fitting(name: str, hint: Any, scene: Scene) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _fitting(name, parts[0], scene)
    if origin is Literal:
        return parts[0]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint)).value
    if (origin or hint) is list:
        return [_fitting(name, parts[0], scene)]
    if (origin or hint) is dict:
        return {
            "name": "Mallory Moser",
            "born_on": "1990-01-01",
            "email": "mallory@example.com",
            "ref": str(scene.appointment.ref),
        }
    at = scene.appointment.starts_at.isoformat()
    simple = {int: 1, float: 1.0, bool: True, date: "2026-03-02", time: "09:30", datetime: at}
    texts = {"doctor": scene.doctor, "slug": scene.doctor, "day": "2026-03-02", "role": "admin"}
    if hint in simple:
        return simple[hint]
    return texts.get(name, str(scene.appointment.ref)) if hint is str else str(scene.appointment.ref)


def _with_text(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, text)
    return [text] if isinstance(value, list) else text if isinstance(value, str) else value


def attack(scene: Scene, cookies: str, path: str, events: Iterator[tuple[str, Any]]) -> list[str]:
    """Send all of it, no more at a time than may wait, and return every frame that came back."""
    heard = []
    for some in batches(list(events), MOST_WAITING - 4):
        with scene.socket(cookies, path=path) as hostile:
            for name, payload in some:
                hostile.send(name, payload)
            hostile.settle()
            heard += hostile.heard
        assert scene.worker.ping()
    return heard


def batches(events: list[tuple[str, Any]], size: int) -> Iterator[list[tuple[str, Any]]]:
    return (events[start : start + size] for start in range(0, len(events), size))


def leaked(frames: list[str], scene: Scene) -> list[str]:
    everything = "".join(frames)
    own = [digest(cookies.partition("=")[2]) for cookies in (scene.alice, scene.bob, scene.sam)]
    return [secret for secret in (*SECRETS, scene.appointment.code, *own) if secret in everything]


# --- Strangers --------------------------------------------------------------------------------------------------------


def test_the_right_people_do_see_something(scene):
    """Otherwise nothing of what follows would prove anything."""
    with scene.socket(scene.alice, path="/appointment") as alice, scene.socket(scene.sam, path="/staff") as sam:
        assert "Alice Adler" in "".join(alice.heard)
        assert "Sam Stern" in "".join(sam.heard)


@pytest.mark.parametrize(
    ("who", "path"),
    [("nobody", "/staff"), ("a stranger", "/de/appointment"), ("bob", "/appointment"), ("bob", "/staff")],
)
def test_every_handler_called_by_everybody_does_and_tells_nothing(scene, who, path):
    cookies = {"nobody": "", "a stranger": f"{VISIT}={new_secret()}", "bob": scene.bob}[who]
    events = ((name, payload) for name, fn in our_handlers().items() for payload in payloads(fn, scene))

    heard = attack(scene, cookies, path, events)

    assert leaked(heard, scene) == []
    with language(language_of(path)):
        assert any(t(SORRY) in frame for frame in heard)


def test_staff_handlers_are_refused_to_an_invented_and_to_an_ended_session(scene):
    staff = {name: fn for name, fn in our_handlers().items() if (rule := rule_of(fn)) and rule.is_for_staff}
    events = [(name, next(payloads(fn, scene))) for name, fn in staff.items()]

    heard = attack(scene, f"{STAFF}={new_secret()}", "/staff", iter(events))

    assert leaked(heard, scene) == []
    assert sum('"_redirect"' in frame for frame in heard) >= len(events)


# Of the same person in another browser.
SECOND_SESSION = """
INSERT INTO session (ref, cookie_digest, staff_user_id, created_at, seen_at, expires_at, idle_seconds, address, browser, needs_second_step)
SELECT gen_random_uuid(), %s, staff_user_id, created_at, seen_at, expires_at, idle_seconds, '', '', %s FROM session LIMIT 1
"""


def test_a_session_that_ends_elsewhere_is_worth_nothing_on_its_open_socket_from_that_moment(scene):
    staff = {name: fn for name, fn in our_handlers().items() if (rule := rule_of(fn)) and rule.is_for_staff}
    calls = [(name, next(payloads(fn, scene))) for name, fn in staff.items()]

    # So many at once that no socket is closed for talking too much.
    heard = [frame for some in batches(calls, 60) for frame in _heard_after_the_end(scene, some)]

    assert leaked(heard, scene) == []
    assert sum('"_redirect"' in frame for frame in heard) >= len(staff)


def _heard_after_the_end(scene, calls):
    """What a socket is told that goes on after its session has ended."""
    value = new_secret()
    with psycopg.connect(scene.database_url, autocommit=True) as connection:
        connection.execute(SECOND_SESSION, [digest(value), False])
        with scene.socket(f"{STAFF}={value}", path="/staff") as socket:
            assert "Sam Stern" in "".join(socket.heard)
            connection.execute("DELETE FROM session WHERE cookie_digest = %s", [digest(value)])
            socket.heard.clear()
            for some in batches(calls, MOST_WAITING - 4):
                for name, payload in some:
                    socket.send(name, payload)
                socket.settle()
            return list(socket.heard)


def test_who_owes_a_second_step_is_told_nothing_but_where_to_set_it_up(scene):
    elsewhere = {
        name: fn
        for name, fn in our_handlers().items()
        if (rule := rule_of(fn)) and rule.is_for_staff and UNFINISHED not in rule.who
    }
    value = new_secret()
    with psycopg.connect(scene.database_url, autocommit=True) as connection:
        connection.execute(SECOND_SESSION, [digest(value), True])
        try:
            events = ((name, payload) for name, fn in elsewhere.items() for payload in payloads(fn, scene))
            heard = attack(scene, f"{STAFF}={value}", "/staff", events)
        finally:
            connection.execute("DELETE FROM session WHERE cookie_digest = %s", [digest(value)])

    assert [secret for secret in leaked(heard, scene) if secret != "Sam Stern"] == []
    assert sum("/staff/account" in frame for frame in heard) >= len(elsewhere)


def test_no_variable_can_be_set_and_no_handler_invented(scene):
    states = [*RegistrationContext.get().base_states.values()]
    events = [
        (f"{state.get_full_name()}.setvar", {"var_name": name, "value": TAG})
        for state in states
        for name in state.base_vars
    ]
    events += [(f"{state.get_full_name()}.set_{name}", {"value": TAG}) for state in states for name in state.base_vars]
    events += [(name, {"value": True}) for name in (f"{ROOT}.set_is_hydrated", f"{ROOT}._clean", "x", "", "a.b.c", TAG)]
    internal = f"{ROOT}.reflex___state____update_vars_internal_state.update_vars_internal"
    variables = {f"{state.get_full_name()}.{name}_rx_state_": TAG for state in states for name in state.base_vars}
    events += [(internal, {"vars": variables}), (internal, {"vars": 5}), (internal, {}), (HYDRATE, {"vars": variables})]
    events += [(HYDRATE, {"hashes": hashes}) for hashes in (5, ["x"] * 501, [{}], [TAG] * 20)]

    heard = attack(scene, scene.bob, "/", iter(events))

    assert TAG not in "".join(heard)
    assert leaked(heard, scene) == []


# --- Stolen and forged identities -------------------------------------------------------------------------------------


def test_a_stolen_token_opens_nothing(scene):
    alice = scene.socket(scene.alice, path="/appointment")
    alice.close()

    for cookies in ("", scene.bob, scene.sam):
        with scene.socket(cookies, token=alice.token) as thief:
            thief.settle()
            assert not {"Alice Adler", scene.appointment.code} & set(leaked(thief.heard, scene))
    with scene.socket("", token=alice.token, is_hydrated=False) as thief:
        thief.send(f"{ROOT}.reflex___state____on_load_internal_state.on_load_internal", {})
        thief.settle()
        assert leaked(thief.heard, scene) == []


def test_identity_cannot_be_put_into_a_frame(scene):
    """Socket.IO would take a client's own "connect" for a handshake, with the headers it brings along."""
    forged = f"Medcal staff={digest(scene.sam.partition('=')[2])}"
    environment = {
        "QUERY_STRING": f"token={uuid.uuid4()}",
        "asgi.scope": {"headers": [[{"_placeholder": True, "num": 0}] * 2]},
    }

    with scene.socket() as hostile:
        hostile.say("452-/_event," + json.dumps(["connect", environment]))
        hostile.say(b"authorization")
        hostile.say(forged.encode())
        assert hostile.is_closed_by_server()
    with scene.socket(is_hydrated=False) as hostile:
        hostile.say(
            "42/_event,"
            + json.dumps(
                ["event", {"name": HYDRATE, "router_data": {"headers": {"authorization": forged}, "ip": "6.6.6.6"}}]
            )
        )
        hostile.hear('"is_hydrated_rx_state_":true')
        assert "Sam Stern" not in "".join(hostile.heard)
        assert "6.6.6.6" not in "".join(hostile.heard)


def test_identity_cannot_be_put_into_a_header(scene):
    forged = f"Medcal staff={digest(scene.sam.partition('=')[2])}"

    with RawSocket(scene.worker.url, f"{STAFF}={forged}") as hostile:
        assert leaked(hostile.heard, scene) == []


def test_pages_of_others_cannot_open_a_socket(scene):
    assert not is_refused(scene.worker.url, Origin=scene.worker.url)
    assert is_refused(scene.worker.url, Origin="http://evil.example", Cookie=scene.sam)
    assert is_refused(scene.worker.url, Origin="null", Cookie=scene.sam)


# --- Noise ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "2",
        "hello",
        "4",
        "42",
        "42/_event,",
        '42/_event,["event",{"name":"x","payload":[[[[[',
        '42/_event,["event",[]]',
        '42/_event,["disconnect"]',
        '42/other,["event",{}]',
        '43/_event,7["x"]',
        "459999999999-/_event,[]",
        "42/_event," + "[" * 60_000,
        '42/_event,["event",{"name":"x","payload":{"n":' + "9" * 60_000 + "}}]",
        b"\x00\xff" * 1_000,
    ],
)
def test_a_socket_that_talks_nonsense_is_closed_and_the_worker_lives(scene, frame):
    with scene.socket() as hostile:
        hostile.say(frame)

        assert hostile.is_closed_by_server()


def test_ten_megabytes_in_a_field_are_answered_kindly(scene):
    name = next(iter(our_handlers()))

    with scene.socket() as hostile:
        hostile.send(name, {"name": "x" * 10_000_000})
        hostile.hear(SORRY)
        hostile.settle()


def test_whoever_repeats_that_is_closed(scene):
    with scene.socket() as hostile:
        for _ in range(6):
            hostile.say("42/_event," + "x" * 100_000)

        assert hostile.is_closed_by_server()


def test_a_flood_closes_its_socket_and_nobody_else_notices(scene):
    with scene.socket(scene.alice, path="/appointment") as alice, scene.socket() as hostile:
        for _ in range(3_000):
            hostile.send(HYDRATE, {})
        assert scene.worker.ping()
        alice.settle()

        assert hostile.is_closed_by_server()


def test_many_sockets_that_say_nothing_do_not_stop_the_others(scene):
    silent = [scene.socket(is_hydrated=False) for _ in range(50)]
    with scene.socket(scene.alice, path="/appointment") as alice:
        alice.settle()
    for each in silent:
        each.close()


# What a worker may hold more than before: the garbage of one round that Python has not given back.
BYTES_MORE = 25 * 2**20


def test_memory_and_answer_time_stay_as_they_were(scene):
    """Round after round of all that, in the same tab: nothing of it is kept, and nobody else waits."""
    token = str(uuid.uuid4())
    with scene.socket(scene.alice, path="/appointment") as alice:
        _round(scene, token)
        before, quiet = scene.worker.memory, statistics.median(_answer_seconds(alice) for _ in range(30))
        meanwhile = [seconds for _ in range(2) for seconds in _round(scene, token, alice)]
        after, then = scene.worker.memory, statistics.median(_answer_seconds(alice) for _ in range(30))

    assert after - before < BYTES_MORE
    # No measurement (that is bench/): far beyond what a busy machine does by itself, and far below what a blocked worker would take.
    assert then < 10 * quiet + 0.5
    assert statistics.median(meanwhile) < 20 * quiet + 1


def _round(scene: Scene, token: str, watched: RawSocket | None = None) -> list[float]:
    """Everything that is no good, once; returns how long somebody else waited for her answers between it."""
    events = [
        (name, payload) for name, fn in our_handlers().items() for payload in itertools.islice(payloads(fn, scene), 2)
    ]
    waited = []
    for some in batches(events, MOST_WAITING - 4):
        with scene.socket(scene.bob, token=token) as hostile:
            for name, payload in some:
                hostile.send(name, payload)
            if watched:
                waited.append(_answer_seconds(watched))
            hostile.settle()
    for frame in ("42/_event," + "[" * 60_000, b"\x00\xff" * 30_000, "42/_event," + "x" * 100_000):
        with scene.socket(scene.bob, token=token, is_hydrated=False) as hostile:
            for _ in range(6):
                hostile.say(frame)
            assert hostile.is_closed_by_server()
    with scene.socket(scene.bob, token=token) as hostile:
        for _ in range(1_000):
            hostile.send(HYDRATE, {})
        assert hostile.is_closed_by_server(10)
    return waited


def _answer_seconds(socket: RawSocket) -> float:
    began = perf_counter()
    socket.settle()
    return perf_counter() - began


def test_nothing_of_all_this_is_in_the_log(scene):
    """Runs last: what the others did must have been logged, but without names, cookies and tokens."""
    with scene.socket(scene.sam, path="/staff") as sam:
        sam.send("x", {"name": "Alice Adler"})
        sam.settle()
    log = scene.worker.log
    values = [cookies.partition("=")[2] for cookies in (scene.alice, scene.bob, scene.sam)]

    assert "refused" in log
    assert [secret for secret in (*SECRETS, sam.token, *values, *map(digest, values), TAG) if secret in log] == []
    assert "Traceback" not in log
