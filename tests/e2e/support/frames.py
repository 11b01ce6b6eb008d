"""What travels from the server to a page by its websocket, seen or not."""

from playwright.sync_api import Page, WebSocket


class Frames:
    """Every frame that a page has received since this was made."""

    def __init__(self, page: Page) -> None:
        self.heard: list[str] = []
        page.on("websocket", self._listen)

    def mention(self, words: str) -> bool:
        return any(words in frame for frame in self.heard)

    def forget(self) -> None:
        self.heard.clear()

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.heard.append(str(frame)))
