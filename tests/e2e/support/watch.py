"""Looks over a browser's shoulder: what no reader would see and still must not happen."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Frame, Page, Request, Response, WebError

# A UUID, a number of a row, or a token. Addresses hold words.
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|\d{2,}|[A-Za-z0-9_]{24,}")


# Playwright's own doing: a service worker would hide requests from it.
OURS = "Service Worker registration blocked by Playwright"


@dataclass
class Watch:
    """Gathers the faults of one browser; `allow` names what a journey brings about on purpose."""

    host: str
    faults: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def allow(self, *patterns: str) -> None:
        self._allowed += patterns

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        context.on("page", self._page)

    @property
    def complaints(self) -> list[str]:
        return [fault for fault in self.faults if not any(re.search(pattern, fault) for pattern in self._allowed)]

    def _page(self, page: Page) -> None:
        page.on("framenavigated", self._navigated)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and OURS not in message.text:
            self.faults.append(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _error(self, error: WebError) -> None:
        self.faults.append(f"error in the page: {error.error}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.faults.append(f"request to another host: {request.url}")

    def _failed(self, request: Request) -> None:
        # Whoever leaves a page breaks off what it was still loading.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"request failed: {request.url}: {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"answer {response.status}: {response.url}")

    def _navigated(self, frame: Frame) -> None:
        parts = urlsplit(frame.url)
        if frame.parent_frame is None and IDS.search(f"{parts.path}?{parts.query}#{parts.fragment}"):
            self.faults.append(f"an id in the address: {frame.url}")
