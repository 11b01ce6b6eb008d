"""The outermost layer of the web server: `edge(app)` stands between the network and everything else."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from reflex.utils.prerequisites import get_web_dir
from reflex_base import constants
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medcal.config import settings
from medcal.edge import cookies
from medcal.edge.headers import Pairs, cache_control, page_policy, policy_of_file, security_headers
from medcal.edge.limits import Limits
from medcal.edge.pages import Known, Pages
from medcal.edge.sockets import SocketDoor
from medcal.routes import is_staff_page

# Reflex' own addresses that nobody may use: uploads, long polling, lists of routes.
_CLOSED = ("/_upload", "/_event", "/_all_routes", "/auth-codespace")


def edge(app: ASGIApp, known: Known | None = None, limits: Limits | None = None, folder: Path | None = None) -> ASGIApp:
    """Wrap the whole application; the last of rx.App's api_transformer, hence the outermost.

    `known` answers for dynamic addresses whether they exist, e.g. known("/cardiology"). Unknown ones get the designed
    page with status 404.
    """
    limits = limits or Limits()
    sockets = SocketDoor(app, limits)
    pages = Pages(folder or get_web_dir() / constants.Dirs.STATIC, known)

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await sockets.serve(scope, receive, send)
        elif scope["type"] == "http":
            await _serve(app, scope, receive, Answer(scope, send, pages), limits.body_bytes)
        else:
            await app(scope, receive, send)

    return asgi


async def _serve(app: ASGIApp, scope: Scope, receive: Receive, answer: "Answer", most: int) -> None:
    if scope["path"].startswith(_CLOSED):
        return await answer.refuse(404, b"Not found.")
    if not _is_reading(scope):
        body = await _read_body(scope, receive, most)
        if body is None:
            return await answer.refuse(413, b"That is more than we can take.")
        receive = _replay(body, receive)
    return await app(_to_page(scope, answer.pages), receive, answer.send)


class Answer:
    """The `send` of one HTTP request: adds the headers, and tells pages that exist from those that do not."""

    def __init__(self, scope: Scope, send: Send, pages: Pages):
        self.scope, self.path, self._send, self.pages = scope, scope["path"], send, pages

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = await self._complete(message)
        await self._send(message)

    async def refuse(self, status: int, sentence: bytes) -> None:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(sentence)).encode())]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": sentence})

    async def _complete(self, message: Message) -> Message:
        given, status = list(message["headers"]), message["status"]
        is_page = self._is_page(given, status)
        if is_page and status == 200 and not await self.pages.exists(self.path):
            # Reflex answers every address that could be a dynamic page with 200.
            status = 404
        headers = [*given, *_missing(given, self._own(is_page, is_found=status in (200, 206, 304)))]
        if is_page and not self._is_file() and self.scope["method"] == "GET":
            headers += cookies.new_visit(self.scope["headers"])
        return {**message, "status": status, "headers": headers}

    def _is_page(self, headers: Pairs, status: int) -> bool:
        if self.path.startswith(("/api", "/l/")):
            return False
        # "Not modified" has no content type, and its headers replace those that the browser has kept.
        return _value(headers, b"content-type").startswith(b"text/html") or (
            status == 304 and (not self._is_file() or self.path.endswith(".html"))
        )

    def _is_file(self) -> bool:
        """Whether the address is that of a script, an image and so on: these have a dot, pages have none."""
        return "." in self.path.rsplit("/", 1)[-1]

    def _own(self, is_page: bool, is_found: bool) -> Pairs:
        is_https = settings().is_https
        policy = (
            page_policy(self.pages.scripts(self.path), _socket_url(), is_https)
            if is_page
            else policy_of_file(self.path)
        )
        return [
            *security_headers(is_https, settings().hsts_subdomains),
            (b"content-security-policy", policy),
            (b"cache-control", cache_control(self.path, is_page, is_found)),
            # Not in a robots.txt, which would list them for everybody.
            *([(b"x-robots-tag", b"noindex")] if is_page and is_staff_page(self.path.rstrip("/")) else []),
        ]


def _is_reading(scope: Scope) -> bool:
    return scope["method"] in ("GET", "HEAD", "OPTIONS")


def _to_page(scope: Scope, pages: Pages) -> Scope:
    """Prerendered pages are folders for the file server, which would send the browser to /sign-in/ by a redirect."""
    path = scope["path"]
    if path.endswith("/") or not pages.is_folder(path):
        return scope
    return {**scope, "path": path + "/", "raw_path": scope.get("raw_path", path.encode()) + b"/"}


async def _read_body(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The whole body, or None if it is longer than `most` bytes or breaks off."""
    length = _value(scope["headers"], b"content-length")
    if length.isdigit() and int(length) > most:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most or message["type"] == "http.disconnect":
            return None
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    parts = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def again() -> Message:
        return next(parts, None) or await receive()

    return again


def _missing(given: Pairs, wanted: Pairs) -> Iterable[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in given}
    return [(name, value) for name, value in wanted if name not in names]


def _value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    return next((value for key, value in headers if key.lower() == name), b"")


def _socket_url() -> str:
    parts = urlsplit(settings().url)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"
