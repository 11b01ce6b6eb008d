"""The line between a page and the server, which can be made to be silent for a while."""

from playwright.sync_api import Page, WebSocketRoute


class Line:
    """A page that hears nothing from the server between `fall_silent` and `speak`, but can still be heard.

    What was said meanwhile arrives then, in order. Must be there before the page is opened.
    """

    def __init__(self, page: Page) -> None:
        self._is_silent = False
        self._unheard: list[str | bytes] = []
        self._page_side: WebSocketRoute | None = None
        page.route_web_socket(lambda url: "/_event" in url, self._connect)

    def fall_silent(self) -> None:
        self._is_silent = True

    def speak(self) -> None:
        self._is_silent = False
        for message in self._unheard:
            self._hear(message)
        self._unheard.clear()

    def _connect(self, page_side: WebSocketRoute) -> None:
        self._page_side = page_side
        page_side.connect_to_server().on_message(self._hear)

    def _hear(self, message: str | bytes) -> None:
        if self._is_silent:
            self._unheard.append(message)
        elif self._page_side:
            self._page_side.send(message)
