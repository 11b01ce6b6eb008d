"""What n8n calls: Medcal's callback, and an SMS provider."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from medcal.services import webhooks

# Path, headers in lower case, body → status and body of the answer.
Answering = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]


@dataclass(frozen=True)
class Report:
    """A callback that was signed as agreed."""

    id: str
    status: str
    message_id: str
    error: str


class FarEnd:
    """Keeps reports and SMS. `answering` takes the place of our own answer, `away` makes it unreachable for a while."""

    def __init__(self, callback_secret: str, port: int) -> None:
        self.reports: list[Report] = []
        self.unsigned: list[bytes] = []
        self.sms: list[dict[str, Any]] = []
        self.turned_away = 0
        self.away = False
        self.answering: Answering | None = None
        self._secret = callback_secret.encode()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._server.daemon_threads = True
        self._server.far_end = self  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def of(self, message_id: str) -> list[Report]:
        return [report for report in self.reports if report.id == message_id]

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        if path == "/sms":
            self.sms.append(json.loads(body))
            return 201, json.dumps(
                {"id": f"sms-{len(self.sms)}", "authorization": headers.get("authorization")}
            ).encode()
        if self.away:
            self.turned_away += 1
            return 503, b""
        self._note(headers, body)
        return self.answering(path, headers, body) if self.answering else (202, b"{}")

    def _note(self, headers: Mapping[str, str], body: bytes) -> None:
        try:
            signed = webhooks.verify(self._secret, headers, body, datetime.now(UTC))
        except webhooks.BadSignature:
            self.unsigned.append(body)
            return
        content = json.loads(body)
        assert signed == content["id"]
        report = Report(content["id"], content["status"], content.get("message_id", ""), content.get("error", ""))
        self.reports.append(report)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        far_end: FarEnd = self.server.far_end  # type: ignore[attr-defined]
        status, answer = far_end.take(self.path, headers, body)
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.send_header("content-type", "application/json")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name it has in the base class)
        pass
