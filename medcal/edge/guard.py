"""The gate for every event: closed until a handler says who may call it, with a payload that fits its signature.

In Reflex every public method of every State is open to the world: from any page, with any arguments, decorated or not.
With the Guard only handlers marked @open_to run. That covers on_load handlers and events that handlers chain, too.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import reflex as rx
from pydantic import ValidationError
from reflex.state import BaseState, FrontendEventExceptionState, OnLoadInternalState, State, StateUpdate
from reflex_base.event import Event, EventSpec
from reflex_base.event.context import EventContext
from reflex_base.registry import RegistrationContext
from reflex_base.utils.format import format_event_handler, json_dumps
from typing_extensions import TypeVarTuple, Unpack

from medcal.edge import frames, payloads
from medcal.edge.cookies import staff_ref, visit_ref
from medcal.edge.limits import Bucket
from medcal.edge.logs import Sparing
from medcal.i18n import DEFAULT, language, language_of, n_, t
from medcal.routes import is_staff_page
from medcal.security import Role

if TYPE_CHECKING:
    from reflex_base.event import EventCallback

log = Sparing(logging.getLogger(__name__))

STAFF = frozenset(str(role) for role in Role)
# Signed in, but without the second step that the clinic asks for.
UNFINISHED = "unfinished"
_MARK = "__open_to__"

Identify = Callable[[State, Event], Awaitable[str | None]]
S = TypeVar("S", bound=BaseState)
P = TypeVarTuple("P")


@dataclass(frozen=True)
class Rule:
    """Who may call a handler, and how long a text it takes."""

    who: frozenset[str]
    text_limit: int

    @property
    def is_for_staff(self) -> bool:
        return self.who <= STAFF | {UNFINISHED}


def open_to(
    *who: str, background: bool = False, text_limit: int = payloads.TEXT, **options: Any
) -> "Callable[[Callable[[S, Unpack[P]], Any]], EventCallback[*P]]":
    """Make a method an event handler that these may call; `options` go to rx.event.

    "anyone": any browser. "visitor": any browser that keeps our cookie. "reception", "doctor", "admin": signed-in staff
    with that role; "staff" means all three. "unfinished", beside these: also who owes a second step. What the browser sends
    must fit the signature, see `payloads`.
    """
    rule = Rule(_spelled_out(who), text_limit)

    def mark(fn: Callable[[S, Unpack[P]], Any]) -> "EventCallback[*P]":
        setattr(fn, _MARK, rule)
        marked: EventCallback[*P] = rx.event(fn, background=background, **options)  # type: ignore[assignment]
        return marked

    return mark


def _spelled_out(who: tuple[str, ...]) -> frozenset[str]:
    roles = frozenset(who) - {"staff"} | (STAFF if "staff" in who else frozenset())
    if not roles - {UNFINISHED} or not (roles <= STAFF | {UNFINISHED} or roles in ({"anyone"}, {"visitor"})):
        raise ValueError(f"open_to{who}: say 'anyone', 'visitor', 'staff' or roles of the staff")
    return roles


def rule_of(fn: Callable[..., Any]) -> Rule | None:
    """What @open_to wrote on a handler, None if it was forgotten."""
    rule = getattr(fn, _MARK, None)
    return rule if isinstance(rule, Rule) else None


class Guard(rx.Middleware):
    """Asks for each event who sends it and what it carries, before anything else runs.

    `identify(root_state, event)` returns the role of the staff member behind the cookie (or UNFINISHED), looked up in the database
    each time: signing out works at once, on a socket that is already open. It is also asked before a page gets its whole
    state, and must `forget` what another session has filled. (Another cookie means another state: `sockets.introduce`.)
    """

    def __init__(self, identify: Identify, sign_in: str = "/sign-in", set_up: str = "/staff/account"):
        self.identify, self.sign_in, self.set_up = identify, sign_in, set_up

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:  # noqa: ARG002
        """None lets the event through; a StateUpdate answers in the handler's place."""
        root = state._get_root_state()
        assert isinstance(root, State)
        if event.name in _framework():
            return await self._admit_framework(root, event)
        registered = RegistrationContext.get().event_handlers.get(event.name)
        rule = rule_of(registered.handler.fn) if registered else None
        if not registered or not rule:
            log.warning("refused a handler that is open to nobody")
            return StateUpdate()
        try:
            _carry(event, payloads.check(registered.handler.fn, event.payload, rule.text_limit))
        except ValidationError as error:
            log.warning("refused %s: %s", event.name, _misfits(error))
            return _answer(sorry(_language(root)))
        return await self._admit(root, event, rule)

    async def _admit(self, root: State, event: Event, rule: Rule) -> StateUpdate | None:
        headers = root.router.headers.raw_headers
        if rule.who == {"anyone"} or (rule.who == {"visitor"} and visit_ref(headers)):
            return None
        if rule.who == {"visitor"}:
            return _answer(_toast(_language(root), n_("Please allow cookies for this site and reload the page.")))
        role = await self.identify(root, event) if staff_ref(headers) else None
        if role in rule.who:
            return None
        log.warning("refused %s to %s", event.name, role or "somebody not signed in")
        if role is None:
            return _answer(self._to_sign_in(root))
        if role == UNFINISHED:
            return _answer(rx.redirect(_spoken(self.set_up, _language(root))))
        return _answer(_toast(_language(root), n_("You are not allowed to do that.")))

    def _to_sign_in(self, root: State) -> EventSpec:
        code, wanted = _language(root), str(root.router.url.path).rstrip("/")
        address = _spoken(self.sign_in, code)
        # The calendar is where everybody lands who wants nothing else.
        goes_on = is_staff_page(wanted) and not wanted.endswith("/staff")
        return rx.redirect(f"{address}?next={wanted}" if goes_on else address)

    async def _admit_framework(self, root: State, event: Event) -> StateUpdate | None:
        if not _framework()[event.name](event):
            log.warning("refused a framework event")
            return StateUpdate()
        if event.name in _hydrates():
            # Everything in the state is about to be sent: `identify` empties it first if it is no longer this person's.
            await self.identify(root, event)
        return None


async def forget(root: State) -> None:
    """Empty the whole state of one browser: nothing of what it held is sent again."""
    for state_class in list(RegistrationContext.get().base_states.values()):
        # One by one: with Redis only a part of the tree is loaded, and root.reset() would reach no more than that.
        (await root.get_state(state_class)).reset()  # type: ignore[no-untyped-call]


def sorry(code: str) -> EventSpec:
    """The kind answer to a message that does not fit."""
    return _toast(code, n_("That did not work. Please reload the page and try again."))


def sorry_frame() -> str:
    """The same as a finished frame, for a message that never reaches Reflex."""
    update = StateUpdate(events=Event.from_event_type(sorry(DEFAULT)))
    return f"42{frames.NAMESPACE},{json_dumps(['event', update])}"


def _toast(code: str, sentence: str) -> EventSpec:
    with language(code):
        # One id: however often it happens, one toast is on the screen.
        toast: EventSpec = rx.toast.error(t(sentence), id="refused")
    return toast


def _answer(event: EventSpec) -> StateUpdate:
    return StateUpdate(events=Event.from_event_type(event))


def _spoken(address: str, code: str) -> str:
    return address if code == DEFAULT else f"/{code}{address}"


def _carry(event: Event, payload: dict[str, Any]) -> None:
    """Exchange what the event carries (events are frozen, their payload is not)."""
    event.payload.clear()
    event.payload.update(payload)


def _language(root: State) -> str:
    return language_of(root.router.url.path)


def _misfits(error: ValidationError) -> str:
    """Which arguments did not fit and why, without what they were."""
    return ", ".join(f"{'.'.join(map(str, problem['loc'][:1]))} {problem['type']}" for problem in error.errors()[:5])


# The framework's own events: each with a check of what it may carry. Everything else of Reflex' (setvar, the root's
# set_is_hydrated, linked states, upload) is refused like any unmarked handler.


@cache
def _framework() -> dict[str, Callable[[Event], bool]]:
    return {
        _name(State, "hydrate"): _carries_nothing,
        _name(State, "hydrate_and_load"): _carries_storage,
        _name(OnLoadInternalState, "on_load_internal"): _carries_nothing,
        # Closes the chain of on_load handlers, so it only ever comes from the server.
        _name(OnLoadInternalState, "set_is_hydrated"): _was_chained,
        _name(FrontendEventExceptionState, "handle_frontend_exception"): _carries_report,
    }


@cache
def _hydrates() -> frozenset[str]:
    return frozenset((_name(State, "hydrate"), _name(State, "hydrate_and_load")))


def _name(state: type[State], handler: str) -> str:
    return format_event_handler(state.event_handlers[handler])


def _carries_nothing(event: Event) -> bool:
    return event.payload == {}


def _was_chained(_: Event) -> bool:
    return EventContext.get().parent_txid is not None


def _carries_storage(event: Event) -> bool:
    """hydrate_and_load brings hashes of what the page knows already.

    Values from browser storage are dropped: Medcal keeps none there, and they would go into state unchecked.
    """
    hashes = event.payload.get("hashes")
    is_fit = isinstance(hashes, list) and len(hashes) <= 500 and all(isinstance(each, str) for each in hashes)
    _carry(event, {"hashes": hashes} if is_fit else {})
    return True


_reports = Bucket(rate=0.2, size=20)


def _carries_report(event: Event) -> bool:
    """A script of the page failed: worth a line in the log, but a short one and not many, since anybody can send it."""
    texts = [event.payload.get(key) for key in ("info", "component_stack")]
    if not all(isinstance(text, str) for text in texts) or not _reports.take(time.monotonic()):
        return False
    info, stack = (" ".join(str(text).split())[:500] for text in texts)
    _carry(event, {"info": info, "component_stack": stack})
    return True
