"""Who sits at the browser: identity from the cookies of the websocket's handshake, looked up each time, never kept."""

from contextvars import ContextVar
from dataclasses import replace

import reflex as rx
from reflex.state import BaseState, State, StateUpdate
from reflex_base.event import Event

from medcal import clock, db
from medcal.edge.cookies import staff_ref, visit_ref
from medcal.edge.guard import UNFINISHED, forget
from medcal.edge.limits import household
from medcal.errors import NotAllowed, SignedOut
from medcal.i18n import DEFAULT, language_of, speak, t
from medcal.security import Actor
from medcal.services import sessions

# Set anew for each event in its own task, so it can be neither stale nor pickled; with it the tab whose event it is.
_present: ContextVar[tuple[str, Actor | None] | None] = ContextVar("present", default=None)


class SessionState(rx.State):
    """What every page may show about who is signed in.

    It shows, and proves nothing: rights are asked of the database.
    """

    name: str = ""
    role: str = ""
    language: str = DEFAULT
    # Whose data this tab holds: user, role, doctor.
    _holds_data_of: tuple[int | None, str, int | None] | None = None


async def identify(root: State, _: Event) -> str | None:
    """The role of whoever is signed in behind the tab's cookie, for the Guard; UNFINISHED for who owes a second step, None for nobody.

    One statement in the database each time, so that signing out, disabling and a new role work at once on open pages.
    When it is somebody else than before, what the tab held is emptied first: hydrate would send it.
    """
    ref = staff_ref(root.router.headers.raw_headers)
    actor = await db.run(sessions.find_actor, ref, clock.now(), unfinished=True) if ref else None
    await take_note(root, actor)
    if actor and actor.is_unfinished:
        return UNFINISHED
    return actor.role if actor else None


async def take_note(root: State, actor: Actor | None) -> None:
    """From here on this event, or push, is this actor's, and the tab shows her name."""
    session = await root.get_state(SessionState)
    now_of = (actor.id, str(actor.role), actor.doctor_id) if actor else None
    if session._holds_data_of not in (None, now_of):
        await start_afresh(root)
    if session._holds_data_of != now_of:
        session._holds_data_of = now_of
        session.name, session.role = (actor.name, str(actor.role)) if actor else ("", "")
    _present.set((_token(root), _from_here(root, actor) if actor else None))


def _from_here(root: State, actor: Actor) -> Actor:
    """Where she sits now; that may be elsewhere than when she signed in."""
    address = household(root.router.session.client_ip)
    return replace(actor, address=address[:60]) if address else actor


async def start_afresh(root: State) -> None:
    """Empty all that a tab holds, and with it what is on its screen, which stays where it is."""
    was_hydrated, session = root.is_hydrated, await root.get_state(SessionState)
    code = session.language
    await forget(root)
    root.is_hydrated, session.language = was_hydrated, code


class Languages(rx.Middleware):
    """Every handler, and every service it calls, speaks the language of the page that the event came from."""

    # Reflex calls it by these names.
    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:  # noqa: ARG002
        root = state._get_root_state()
        code = language_of(root.router.url.path)
        speak(code)
        session = await root.get_state(SessionState)
        if session.language != code:
            session.language = code
        return None


def actor_of(state: BaseState, *, unfinished: bool = False) -> Actor:
    """Who calls this handler, as the Guard has just found out.

    Raises SignedOut where it has not: in handlers open to anyone. NotAllowed for who owes a second step, except where such are
    served.
    """
    token, actor = _present.get() or ("", None)
    if actor is None or token != _token(state):
        raise SignedOut
    if actor.is_unfinished and not unfinished:
        raise NotAllowed
    return actor


def visit_of(state: BaseState) -> str:
    """The digest of the visit cookie: what holds, accesses and offers of this browser hang on."""
    ref = visit_ref(state.router.headers.raw_headers)
    if ref is None:
        raise NotAllowed(t("Please allow cookies for this site and reload the page."))
    return ref


def client_address(state: BaseState) -> str | None:
    """What stands for the client's address in limits; None where a proxy hides everybody behind one."""
    return household(state.router.session.client_ip)


def _token(state: BaseState) -> str:
    return state.router.session.client_token
