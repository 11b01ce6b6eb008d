"""What a browser may say on the websocket: each frame is read, checked and written anew before Reflex sees it.

Reflex and python-socketio trust more than they should. A client may send any Socket.IO event, also "connect" with an
environment of its own making (and with it forged headers); binary packets wait in memory for parts that never come;
what is not understood is logged in full. So only the packets that Reflex' own front end sends get through, rebuilt from
their parts.
"""

import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

NAMESPACE = "/_event"
# Longer than any address or report of our pages. Payloads are checked against the handlers' signatures, later.
LONG = 2_000


class BadFrame(Exception):
    """Nothing that our pages would send: whoever did is no page of ours."""


class UnknownEvent(Exception):
    """A well-formed event that no handler answers: perhaps a page from before an update."""


@dataclass
class Conversation:
    """One websocket's talk: what was said so far decides what may come next."""

    known: Collection[str]
    is_connected: bool = False

    def read(self, frame: str) -> str:
        """The frame as Reflex shall see it. Raises BadFrame or UnknownEvent."""
        # Engine.IO: 1 closes, 3 answers a ping, 4 carries a Socket.IO packet. A client has no use for the others.
        if frame in ("1", "3"):
            return frame
        if not frame.startswith("4") or frame[2 : 2 + len(NAMESPACE)] != NAMESPACE:
            raise BadFrame
        packet, rest = frame[1], frame[2 + len(NAMESPACE) :].removeprefix(",")
        if packet == "0" and not self.is_connected:
            self.is_connected = True
            return _packet("0", _greeting(_json(rest) if rest else {}, self.known))
        if packet == "1" and not rest:
            self.is_connected = False
            return f"41{NAMESPACE},"
        if packet == "2" and self.is_connected:
            return _packet("2", _said(_json(rest), self.known))
        raise BadFrame


def _packet(kind: str, content: object) -> str:
    try:
        return f"4{kind}{NAMESPACE},{json.dumps(content)}"
    except RecursionError as error:
        raise BadFrame from error


def _json(text: str) -> Any:
    def refuse(_: str) -> None:
        raise BadFrame

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadFrame from error


def _greeting(auth: object, known: Collection[str]) -> dict[str, Any]:
    """The CONNECT packet's content: the first event (hydrate) and the fingerprint of the page's version."""
    if not isinstance(auth, dict):
        raise BadFrame
    greeting = {}
    if auth.get("event") is not None:
        # A page from before an update may connect with an event that is gone: Reflex then tells it to reload.
        with suppress(UnknownEvent):
            greeting["event"] = _event(auth["event"], known)
    if isinstance(auth.get("state_schema"), str):
        greeting["state_schema"] = auth["state_schema"][:100]
    return greeting


def _said(content: object, known: Collection[str]) -> list[Any]:
    match content:
        case ["event", event]:
            return ["event", _event(event, known)]
        case ["client_error", dict(report)]:
            return ["client_error", _texts(report, most=5)]
        case ["ping"] | ["ping", _]:
            return ["ping"]
    raise BadFrame


def _event(event: object, known: Collection[str]) -> dict[str, Any]:
    if not isinstance(event, dict) or not isinstance(event.get("name"), str):
        raise BadFrame
    payload, place = event.get("payload") or {}, event.get("router_data") or {}
    if not isinstance(payload, dict) or not isinstance(place, dict):
        raise BadFrame
    if event["name"] not in known:
        raise UnknownEvent
    return {"name": event["name"], "payload": payload, "router_data": _place(place)}


def _place(router_data: Mapping[str, Any]) -> dict[str, Any]:
    """Where the page says it is. Headers, address and token are the server's to say; the query is texts."""
    paths = {key: router_data.get(key) for key in ("pathname", "asPath")}
    # With anything but one slash in front, the path would become a part of the host.
    place: dict[str, Any] = {key: path for key, path in _texts(paths, most=2).items() if re.match(r"/(?!/)", path)}
    if isinstance(router_data.get("query"), dict):
        place["query"] = _texts(router_data["query"], most=20)
    return place


def _texts(values: Mapping[str, Any], most: int) -> dict[str, str]:
    """The entries that are texts of bearable length, without those that no database stores (NUL, half surrogates)."""
    kept = {key: value for key, value in values.items() if _is_text(key) and _is_text(value)}
    return dict(list(kept.items())[:most])


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > LONG or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
