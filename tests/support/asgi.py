"""Speaks to an ASGI application in memory: HTTP by httpx, websockets by hand."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.types import ASGIApp, Message


class Closed(Exception):
    """The application has closed the websocket, or never accepted it."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


class Browser:
    """Keeps its cookies, follows no redirects."""

    def __init__(self, app: ASGIApp, url: str):
        self.app, self.url, self.cookies = app, url, httpx.Cookies()

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self.url, cookies=self.cookies) as client:
                answer = await client.request(method, path, **options)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def socket(self, address: str, **headers: str) -> "Socket":
        return Socket(self.app, address, {"host": urlsplit(self.url).netloc} | headers)


class Socket:
    """One websocket, from the handshake to the end of the `with` block."""

    def __init__(self, app: ASGIApp, address: str, headers: dict[str, str]):
        path, _, query = address.partition("?")
        self._app = app
        self._scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.1", 1234),
        }

    def __enter__(self) -> "Socket":
        self._runner = asyncio.Runner()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._say({"type": "websocket.connect"})
        self._task = self._runner.run(self._start())
        if (answer := self._hear())["type"] != "websocket.accept":
            self.__exit__()
            raise Closed(answer.get("code", 1000))
        return self

    def __exit__(self, *error: object) -> None:
        self._task.cancel()
        self._runner.run(asyncio.wait([self._task]))
        self._runner.close()

    def send(self, frame: str | bytes) -> None:
        self._say({"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame})

    def receive(self) -> str:
        """The next frame; raises Closed when there is none any more."""
        message = self._hear()
        if message["type"] == "websocket.close":
            raise Closed(message.get("code", 1000))
        return str(message["text"])

    async def _start(self) -> "asyncio.Task[None]":
        return asyncio.ensure_future(self._app(self._scope, self._said.get, self._heard.put))  # type: ignore[arg-type]

    def _say(self, message: Message) -> None:
        self._said.put_nowait(message)

    def _hear(self) -> Message:
        return self._runner.run(asyncio.wait_for(self._heard.get(), 5))
