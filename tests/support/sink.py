"""A receiver of webhooks on this machine: checks signatures, drops doubles by id, answers as badly as it is told."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from medcal.services.webhooks import BadSignature, verify
from tests.support.certificates import certified


@dataclass(frozen=True)
class Answer:
    """How one call is answered; `spoil` does something else to the connection instead."""

    status: int = 202
    # Without one the call's own id is accepted.
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    spoil: "Callable[[_Handler], None] | None" = None


def accepting(message_id: str) -> bytes:
    """What a receiver says that has taken a message."""
    return json.dumps({"accepted": message_id}).encode()


@dataclass(frozen=True)
class Call:
    """A call as it came in; `is_genuine` says whether its signature fits."""

    id: str
    headers: Mapping[str, str]
    body: bytes
    is_genuine: bool

    @property
    def payload(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        return content


class Sink:
    """The receiver. `calls` are all that came, `accepted` what remains without doubles, by id and in order."""

    secret = b"a secret of the sink and of the test alone"

    def __init__(self, *, is_encrypted: bool = False) -> None:
        self.calls: list[Call] = []
        self.accepted: dict[str, dict[str, Any]] = {}
        self.let_go = threading.Event()
        self.keeps_connections = False
        self.connections = 0
        self.open_lines: list[socket.socket] = []
        self._answers: list[Answer] = []
        self._always = Answer()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.sink = self  # type: ignore[attr-defined]
        self._scheme = "https" if is_encrypted else "http"
        if is_encrypted:
            # Shaken hands in the thread of the call: one that hangs there holds up no other.
            self._server.socket = certified().wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/webhook/medcal"

    def answer(self, *answers: Answer) -> None:
        """Answer the next calls so, one after the other; then as usual again."""
        self._answers += answers

    def answer_always(self, answer: Answer) -> None:
        self._always = answer

    def take(self, handler: "_Handler") -> Answer:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            answer = self._answers.pop(0) if self._answers else self._always
            call = Call(headers.get("webhook-id", ""), headers, body, self._is_genuine(headers, body))
            self.calls.append(call)
            takes = answer.body is None or b'"accepted"' in answer.body
            if answer.spoil is None and answer.status == 202 and takes and call.is_genuine:
                self.accepted.setdefault(call.id, call.payload)
        return answer if answer.body is not None else replace(answer, body=accepting(call.id))

    def _is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Freshness is not looked at: tests live on days of their own."""
        try:
            signed_at = datetime.fromtimestamp(int(headers.get("webhook-timestamp", "0")), UTC)
            verify(self.secret, headers, body, signed_at)
        except (BadSignature, ValueError):
            return False
        return True

    def hang_up(self) -> None:
        """Close what is open and rests, as a server does after a while."""
        for line in self.open_lines:
            line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.sink.connections += 1
        self.sink.open_lines.append(self.connection)

    def do_POST(self) -> None:
        answer = self.sink.take(self)
        if answer.spoil:
            answer.spoil(self)
            self.close_connection = True
            return
        body = answer.body or b""
        self.send_response(answer.status)
        # Callers keep connections for the next call, but this receiver will be gone with its test.
        rest = {} if self.sink.keeps_connections else {"connection": "close"}
        headers = {"content-length": str(len(body))} | rest
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        # Whoever called may be dead by now.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)

    @property
    def sink(self) -> Sink:
        found: Sink = self.server.sink  # type: ignore[attr-defined]
        return found

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name it has in the base class)
        pass


# --- What can be done to a connection instead of answering ------------------------------------------------------------


def hang(handler: _Handler) -> None:
    """Say nothing, until the test is over or `sink.let_go` is set."""
    handler.sink.let_go.wait(30)


def reset(handler: _Handler) -> None:
    """Break the connection off without a goodbye (RST)."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def half_answer(handler: _Handler) -> None:
    """Promise more than comes."""
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\nhalf")
    handler.wfile.flush()


def huge_answer(handler: _Handler) -> None:
    """Send without end; the caller must hang up."""
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n")
    try:
        for _ in range(10_000):
            handler.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    except OSError:
        return


def drip(handler: _Handler) -> None:
    """A letter now and then, so that no single read ever times out."""
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\n")
    try:
        while not handler.sink.let_go.wait(0.05):
            handler.wfile.write(b".")
    except OSError:
        return


def drip_of_headers(handler: _Handler) -> None:
    """Begin an answer that never gets to its body."""
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\nx-long: ")
    try:
        while not handler.sink.let_go.wait(0.05):
            handler.wfile.write(b".")
    except OSError:
        return


def slowly(handler: _Handler) -> None:
    """Take it, and say so a moment later."""
    call = handler.sink.calls[-1]
    handler.sink.let_go.wait(0.2)
    handler.sink.accepted.setdefault(call.id, call.payload)
    body = accepting(call.id)
    handler.wfile.write(b"HTTP/1.1 202 Accepted\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
