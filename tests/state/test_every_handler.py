"""Every handler, called by everybody, about everything of everybody: the table of rights says what must come of it.

Nobody lists the handlers: a new one is called as soon as it exists, and fails until it has a row.
"""

import contextlib
import logging
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import reflex as rx
from reflex.state import BaseState, StateUpdate
from reflex_base.event import Event
from sqlmodel import Session

from medcal import clock
from medcal.errors import MedcalError
from medcal.security import Role
from medcal.services import schedules
from medcal.state.offer_rules import OfferRulesState
from medcal.state.open_appointment import OpenAppointmentState
from tests.support.calls import about, malformed, our_handlers, takes_reference
from tests.support.everybody import AN_ID, UUID, Caller, Everybody, invite_everybody, wrongly_changed
from tests.support.factories import NOW
from tests.support.rights import PATIENTS, may_call, opens_to_patients, right_for

NAMES = ("nobody", "stranger", "alice", "bob", "okafor", "ivanov", "sam", "robin")
HANDLERS = our_handlers()
STATES = sorted({name.partition(".")[0] for name in HANDLERS})
# Sent last, since they end what the others act upon.
CLOSING = re.compile(r"\.(close|set_open|stay|go_back|leave$|let_go|sign_out)")
NAMED_IN_LOGS = re.compile(r"Alice|Adler|Bob |Berger|Sam Stern|Robin Roth|@example\.com|@clinic\.example|664[12]{4}")


class Spy(rx.Middleware):
    """Stands behind the Guard and notes what gets past it."""

    def __init__(self) -> None:
        self.admitted: list[str] = []

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        self.admitted.append(event.name)
        return None


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(schedules, "HORIZON_DAYS", 28)


@pytest.fixture
def spy(app: rx.App) -> Iterator[Spy]:
    spy = Spy()
    app._middlewares.append(spy)
    yield spy
    app._middlewares.remove(spy)


@pytest.fixture
def here(db: Session) -> Everybody:
    return invite_everybody(db)


@dataclass
class Calls:
    """Calls handlers as one person, and keeps what the door and the pages said."""

    caller: Caller
    tab: Any
    spy: Spy

    def is_admitted(self, name: str, payload: dict[str, Any]) -> bool:
        event = HANDLERS[name][0]
        self.spy.admitted.clear()
        # A refusal that leaves a handler becomes a toast; `apologize`, which does that, is not part of this pipeline.
        with contextlib.suppress(MedcalError):
            self.tab.send(event, **payload)
        return event in self.spy.admitted

    @property
    def heard(self) -> str:
        return "\n".join([*self.tab.frames, *map(str, self.tab.redirects)])


@pytest.fixture
def calls_of(here: Everybody, new_tab: Callable[..., Any], spy: Spy) -> Callable[[str], Calls]:
    def open_one(name: str) -> Calls:
        caller = here.callers[name]
        tab = new_tab(staff=caller.staff, visit=caller.visit)
        tab.open("/staff" if caller.role else "/appointment")
        return Calls(caller, tab, spy)

    return open_one


def allowed(caller: Caller, name: str) -> bool:
    return may_call(name, caller.role, has_visit=bool(caller.visit))


# --- The rows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HANDLERS)
def test_every_handler_has_a_row(name: str) -> None:
    assert (right_for(name) is None) is not (opens_to_patients(name) is None), f"{name}: one row, in one table"


def test_every_row_is_about_a_handler() -> None:
    assert set(PATIENTS) <= {*HANDLERS, *STATES}


# --- The door -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", NAMES)
def test_the_door_opens_to_whom_the_tables_say_and_to_nobody_else(
    here: Everybody, calls_of: Callable[[str], Calls], who: str
) -> None:
    calls, wrong = calls_of(who), []
    before = here.rows()
    for name, (_, fn) in HANDLERS.items():
        if allowed(calls.caller, name):
            with here.undone():
                if not calls.is_admitted(name, about(fn, uuid.uuid4(), here)):
                    wrong.append(f"{name} refused")
        elif calls.is_admitted(name, about(fn, here.alice.refs["visit"], here)):
            wrong.append(f"{name} let in")

    assert wrong == []
    assert here.rows() == before
    assert calls.caller.finds_hidden(calls.heard) == []


@pytest.mark.parametrize("who", NAMES)
def test_nothing_malformed_gets_past_the_door(here: Everybody, calls_of: Callable[[str], Calls], who: str) -> None:
    calls = calls_of(who)
    before = here.rows()

    let_in = [name for name, (_, fn) in HANDLERS.items() for bad in malformed(fn) if calls.is_admitted(name, bad)]

    assert let_in == []
    assert here.rows() == before


# --- Behind it ----------------------------------------------------------------------------------------------------------


def whole_state(calls: Calls, here: Everybody, state: str, ref: uuid.UUID) -> None:
    """All that somebody may call of one state, about one reference: what opens first, what acts upon it, what closes."""
    names = [name for name in HANDLERS if name.partition(".")[0] == state and allowed(calls.caller, name)]
    opening = [name for name in names if takes_reference(HANDLERS[name][1])]
    closing = [name for name in names if CLOSING.search(name)]
    acting = [name for name in names if name not in (*opening, *closing)]
    for name in (*opening, *acting, *opening, *closing):
        calls.is_admitted(name, about(HANDLERS[name][1], ref, here))


def references(here: Everybody, caller: Caller, state: str) -> dict[str, uuid.UUID]:
    """Everything of everybody, one reference that is nobody's; one is enough where a state takes none."""
    every = here.refs() | {"nobody's": uuid.uuid4()}
    takes_some = any(takes_reference(fn) for name, (_, fn) in HANDLERS.items() if name.partition(".")[0] == state)
    if not takes_some:
        return {"none": uuid.uuid4()}
    # To whom all patients are the same, one of them shows it, and one account of somebody else.
    same_to_all = caller.role in (Role.reception, Role.admin)
    return {
        name: ref for name, ref in every.items() if not same_to_all or name.startswith(("alice", "okafor", "nobody"))
    }


# Bob and Dr. Ivanov are to these what these are to them.
@pytest.mark.parametrize("who", [name for name in NAMES if name not in ("bob", "ivanov")])
def test_nobody_reads_or_changes_what_is_not_hers(
    here: Everybody, calls_of: Callable[[str], Calls], caplog: pytest.LogCaptureFixture, who: str
) -> None:
    caplog.set_level(logging.DEBUG, "medcal")
    wrong = defaultdict[str, list[str]](list)
    before = here.rows()
    for state in STATES:
        calls = calls_of(who)
        if not any(allowed(calls.caller, name) for name in HANDLERS if name.partition(".")[0] == state):
            continue
        for name, ref in references(here, calls.caller, state).items():
            with here.undone():
                whole_state(calls, here, state, ref)
                changed = wrongly_changed(calls.caller, before, here.rows())
            wrong[f"{state} about {name}"] += changed + calls.caller.finds_hidden(calls.heard)
            wrong[f"{state} about {name}"] += [path for path in calls.tab.redirects if UUID.search(path)]
            calls.tab.frames.clear()
            calls.tab.events.clear()

    assert {where: what for where, what in wrong.items() if what} == {}
    assert [line for line in caplog.messages if NAMED_IN_LOGS.search(line) or AN_ID.search(line)] == []


# --- These tests can fail ---------------------------------------------------------------------------------------------


def test_her_own_is_read_and_changed_by_the_same_calls(here: Everybody, calls_of: Callable[[str], Calls]) -> None:
    before = here.rows()
    for who, state, shown in (
        ("okafor", "OpenAppointmentState", "Alice Adler"),
        ("alice", "CancelState", "Alice Adler"),
    ):
        calls = calls_of(who)
        with here.undone():
            whole_state(calls, here, state, here.alice.refs["visit"])
            after = here.rows()

        assert shown in calls.heard
        assert after != before
        stranger = here.callers["ivanov" if calls.caller.role else "bob"]
        assert wrongly_changed(stranger, before, after)
        assert stranger.finds_hidden(calls.heard)


def test_an_id_a_hash_and_a_setting_would_be_noticed(here: Everybody) -> None:
    sam = here.callers["sam"]
    before = here.rows()
    key = next(key for key in before if key[0] == "location")
    history = next((key for key in before if key[0] == "event"), None)

    assert sam.finds_hidden(f'{{"id": {here.clinic.okafor.id}}}')
    assert sam.finds_hidden("$argon2id$v=19")
    assert wrongly_changed(sam, before, before | {key: before[key] | {"name": "Elsewhere"}})
    if history:
        assert wrongly_changed(here.callers["robin"], before, {k: row for k, row in before.items() if k != history})


def test_a_handler_without_a_row_is_noticed() -> None:
    with pytest.raises(KeyError):
        may_call("NewState.do_it", Role.admin, has_visit=True)


def test_a_state_of_each_kind_is_among_them() -> None:
    assert {OfferRulesState.__name__, OpenAppointmentState.__name__} <= set(STATES)
    assert len(HANDLERS) > 150
