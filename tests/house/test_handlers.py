"""Rules for every handler and every variable of the application, however new."""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import reflex.app
from pydantic import BaseModel
from reflex.istate.storage import ClientStorageBase
from reflex.state import BaseState
from reflex_base.event import EventHandler, EventSpec
from reflex_base.registry import RegistrationContext
from reflex_components_core.core.upload import Upload
from sqlmodel import SQLModel
from typing_extensions import is_typeddict

import medcal.state
from medcal import routes
from medcal.edge import payloads
from medcal.edge.guard import Guard, rule_of
from medcal.edge.waiting import BoundedProcessor
from medcal.medcal import app

for module in pkgutil.walk_packages(medcal.state.__path__, "medcal.state."):
    importlib.import_module(module.name)

CONTEXT = RegistrationContext.get()
STATES = [state for state in CONTEXT.base_states.values() if state.__module__.startswith("medcal.")]
HANDLERS = {
    name: found.handler.fn
    for name, found in CONTEXT.event_handlers.items()
    if found.handler.fn.__module__.startswith("medcal.")
}
# What lies in a variable of such a name would be one in the browser, too.
SECRETIVE = re.compile(
    r"token|secret|password|passwd|hash|digest|cookie|session_id|api_?key|credential|salt", re.IGNORECASE
)


def _short(name: str) -> str:
    return name.rpartition("____")[2]


def test_there_are_handlers_to_look_at():
    assert len(HANDLERS) > 40
    assert len(STATES) > 10


@pytest.mark.parametrize("name", HANDLERS, ids=_short)
def test_every_handler_says_who_may_call_it(name):
    assert rule_of(HANDLERS[name]), f"{name}: decorate it with @open_to, or let its name begin with an underscore"


@pytest.mark.parametrize("name", HANDLERS, ids=_short)
def test_every_handler_says_what_it_takes(name):
    payloads.adapter(HANDLERS[name])


def test_only_the_framework_and_we_answer_events():
    """What a library registers is refused by the guard, but nobody should rely on it unnoticed."""
    modules = {found.handler.fn.__module__ for found in CONTEXT.event_handlers.values()}

    assert not [module for module in modules if not module.startswith(("medcal.", "reflex.", "tests."))]


def test_pages_for_staff_load_what_only_staff_may_load():
    staff_pages = [route for route in app._load_events if routes.plain(f"/{route}").startswith("/staff")]

    assert staff_pages
    for route in staff_pages:
        rules = [rule_of(_handler(event).fn) for event in app._load_events[route]]
        assert any(rule and rule.is_for_staff for rule in rules), f"{route} shows itself to everybody"


def _handler(event: Any) -> EventHandler:
    if isinstance(event, EventSpec):
        return event.handler
    assert isinstance(event, EventHandler)
    return event


# --- Variables --------------------------------------------------------------------------------------------------------


def public_vars(state: type[BaseState]) -> Iterator[tuple[str, Any]]:
    """Every variable of a state that travels to the browser, with its type."""
    computed = {name: var for name, var in state.computed_vars.items() if not var._backend}
    for name, var in {**state.base_vars, **computed}.items():
        yield name, var._var_type


def parts(hint: Any, seen: frozenset[Any] = frozenset()) -> Iterator[tuple[str, Any]]:
    """The type itself and all that it is made of: items, fields, fields of fields, each with the field's name."""
    yield "", hint
    kind = get_origin(hint) or hint
    for inner in get_args(hint):
        yield from parts(inner, seen)
    if not isinstance(kind, type) or kind in seen:
        return
    if dataclasses.is_dataclass(kind) or is_typeddict(kind) or issubclass(kind, BaseModel):
        for name, inner in get_type_hints(kind).items():
            for deeper, part in parts(inner, seen | {kind}):
                yield deeper or name, part


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_row_of_a_table_travels_to_the_browser(state):
    """Every column would: view models are shown instead."""
    kinds = [(name, part) for name, hint in public_vars(state) for _, part in parts(hint) if isinstance(part, type)]

    assert [name for name, kind in kinds if issubclass(kind, SQLModel)] == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_what_travels_to_the_browser_is_known(state):
    assert [name for name, hint in public_vars(state) for _, part in parts(hint) if part in (Any, object)] == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_secret_travels_to_the_browser(state):
    """What begins with an underscore stays on the server."""
    names = [each for name, hint in public_vars(state) for each in (name, *(field for field, _ in parts(hint)))]

    assert [name for name in names if SECRETIVE.search(name)] == []


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_nothing_is_kept_in_the_browsers_storage(state):
    kept = [name for name, each in state.get_fields().items() if isinstance(each.default, ClientStorageBase)]

    assert not kept, "the guard drops what comes back from there: anybody can write it"


# --- The doors --------------------------------------------------------------------------------------------------------


def test_the_guard_stands_before_every_event():
    assert [type(each) for each in app._middlewares].count(Guard) == 1


def test_the_queue_has_an_end():
    assert reflex.app.BaseStateEventProcessor is BoundedProcessor  # type: ignore[attr-defined]


def test_nothing_is_uploaded():
    assert not Upload.is_used


def test_these_tests_can_fail():
    """A row inside of a view model inside of a list is found, and so is a digest."""

    class Row(SQLModel, table=False):
        name: str

    @dataclasses.dataclass(frozen=True)
    class Card:
        row: Row
        token_digest: str

    found = list(parts(list[Card | None]))

    assert any(part is Row for _, part in found)
    assert any(SECRETIVE.search(name) for name, _ in found)
    assert rule_of(_short) is None
