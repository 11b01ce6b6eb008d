"""The websocket's door: who may open one, what reaches Reflex from it, and how much."""

import asyncio
import hashlib
import logging
import re
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from reflex_base.config import get_config
from reflex_base.registry import RegistrationContext
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medcal.config import settings
from medcal.edge import cookies, frames
from medcal.edge.guard import sorry_frame
from medcal.edge.limits import Bucket, Crowd, Limits, client_address
from medcal.edge.logs import Sparing
from medcal.edge.origin import allowed_origins, is_ours

log = Sparing(logging.getLogger(__name__))

# What Reflex needs, or may show to the browser that sent it. Everything else a handshake carries (cookies, a proxy's
# secrets, an Authorization of the browser's own making) ends here.
_KEPT = frozenset({
    b"host", b"origin", b"user-agent", b"accept-language", b"upgrade", b"connection",
    b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions", b"sec-websocket-protocol",
})  # fmt: skip

GOING_AWAY, POLICY, TRY_LATER = 1001, 1008, 1013


@dataclass
class SocketDoor:
    """Serves the websockets of one worker."""

    app: ASGIApp
    limits: Limits
    crowd: Crowd = field(init=False)

    def __post_init__(self) -> None:
        self.crowd = Crowd(self.limits)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = peer(scope)
        if (code := self._refusal(scope, address)) is not None:
            await receive()
            await send({"type": "websocket.close", "code": code})
            return
        try:
            speak = Speaker(send, self.limits.seconds_to_take_in)
            listen = Listener(receive, speak, self.limits, RegistrationContext.get().event_handlers)
            await self.app(introduce(scope, address), listen, speak)
        finally:
            self.crowd.leave(address)

    def _refusal(self, scope: Scope, address: str) -> int | None:
        """Why not: a close code. None has entered the crowd."""
        if scope["path"].rstrip("/") != frames.NAMESPACE or _token(scope) is None:
            return POLICY
        origin = _header(scope, b"origin")
        if origin is not None and not is_ours(origin, None, own_origins()):
            log.warning("refused a websocket from a foreign page")
            return POLICY
        if not self.crowd.enter(address, time.monotonic()):
            log.warning("refused a websocket: too many from one address")
            return TRY_LATER
        return None


@dataclass
class Speaker:
    """The `send` that Reflex is given: a browser that takes nothing in is given up, or its answers would fill the memory."""

    send: Send
    seconds: float
    has_given_up: bool = False

    async def __call__(self, message: Message) -> None:
        try:
            async with asyncio.timeout(0 if self.has_given_up else self.seconds):
                await self.send(message)
        except TimeoutError:
            self.has_given_up = True
            raise


@dataclass
class Listener:
    """The `receive` that Reflex is given: only what `frames` lets through, no faster than the limits allow."""

    receive: Receive
    send: Speaker
    limits: Limits
    known: Collection[str]

    def __post_init__(self) -> None:
        self.talk = frames.Conversation(self.known)
        self.bucket = Bucket(self.limits.messages_per_second, self.limits.messages_at_once)
        self.opened = time.monotonic()

    async def __call__(self) -> Message:
        while True:
            message = await self._next()
            if message["type"] != "websocket.receive":
                return message
            if self.send.has_given_up:
                return {"type": "websocket.disconnect", "code": GOING_AWAY}
            text = message.get("text")
            if text is None or not self._has_time_for(text):
                return await self._hang_up(POLICY)
            if (frame := await self._read(text)) == "":
                continue
            if frame is None:
                return await self._hang_up(POLICY)
            return {"type": "websocket.receive", "text": frame}

    async def _next(self) -> Message:
        if self.talk.is_connected:
            return await self.receive()
        # A socket that never says hello would only hold its place.
        wait = self.opened + self.limits.seconds_to_connect - time.monotonic()
        try:
            return await asyncio.wait_for(self.receive(), max(wait, 0.1))
        except TimeoutError:
            return await self._hang_up(GOING_AWAY)

    def _has_time_for(self, text: str) -> bool:
        # Somebody pastes a book into a field once, and is told. Who does it again and again means harm.
        cost = self.limits.messages_at_once / 4 if len(text) > self.limits.frame_characters else 1 + len(text) // 16_384
        return self.bucket.take(time.monotonic(), cost)

    async def _read(self, text: str) -> str | None:
        """The frame for Reflex; "" when it was answered here; None when this is no page of ours."""
        if len(text) > self.limits.frame_characters:
            await self._apologize()
            return ""
        try:
            return self.talk.read(text)
        except frames.UnknownEvent:
            log.warning("refused an event that no handler answers")
            await self._apologize()
            return ""
        except frames.BadFrame:
            log.warning("closed a websocket that does not talk like our pages")
            return None

    async def _apologize(self) -> None:
        if self.talk.is_connected:
            await self.send({"type": "websocket.send", "text": sorry_frame()})

    async def _hang_up(self, code: int) -> Message:
        await self.send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}


def introduce(scope: Scope, address: str) -> Scope:
    """The handshake as Reflex shall see it: identity as references, and a key to the state that only this browser has.

    The token is what the page chose (with Math.random, kept in sessionStorage); alone it would open the state of
    whoever used it before: after a sign-out, or stolen. So the state's key is made of the token and both cookies:
    another person, another state. A handshake without an Origin gets no identity, so no foreign page can borrow one.
    """
    identity = cookies.authorization(scope["headers"]) if _header(scope, b"origin") else b"Medcal "
    key = hashlib.sha256(f"{_token(scope)} {identity.decode()}".encode()).digest()
    kept = [(name, value[:500]) for name, value in scope["headers"] if name in _KEPT]
    return {
        **scope,
        "headers": [*kept, (b"authorization", identity)],
        "query_string": f"EIO=4&transport=websocket&token={uuid.UUID(bytes=key[:16])}".encode(),
        "client": (address, (scope.get("client") or ("", 0))[1]),
    }


def peer(scope: Scope) -> str:
    """The browser's address; a header says it only where TRUSTED_PROXY_HOPS proxies are known to stand before us."""
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address((scope.get("client") or ("", 0))[0], forwarded, settings().trusted_proxy_hops)


def own_origins() -> Collection[str]:
    """The origins of our pages: those that Reflex was told in rxconfig.py (in development a second port)."""
    told = [origin.lower() for origin in get_config().cors_allowed_origins]
    return allowed_origins(settings().url) if "*" in told else told


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _token(scope: Scope) -> str | None:
    tokens = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("token", [])
    return tokens[0] if len(tokens) == 1 and _UUID.fullmatch(tokens[0]) else None


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
