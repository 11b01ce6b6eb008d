"""A websocket client that says whatever it likes, and a worker to say it to."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from simple_websocket import Client, ConnectionClosed

ROOT = "reflex___state____state"
HYDRATE = f"{ROOT}.hydrate_and_load"
APPLICATION = "medcal.medcal:app"
PROJECT = Path(__file__).resolve().parents[2]


class RawSocket:
    """One websocket: a hostile page's, or with cookies a patient's or Sam's. Remembers every frame it hears."""

    def __init__(self, url: str, cookies: str = "", token: str = "", path: str = "/", is_hydrated: bool = True):
        self.token, self.path = token or str(uuid.uuid4()), path
        self.heard: list[str] = []
        address = f"{url.replace('http', 'ws')}/_event/?EIO=4&transport=websocket&token={self.token}"
        self._socket = Client(address, headers={"Origin": url, "Cookie": cookies, "X-Api-Key": "k"})
        # The server's first frame may lie unread in the client's buffer until the next one comes, so it is not waited for.
        greeting = {"event": self._event(HYDRATE, {})} if is_hydrated else {}
        self.say(f"40/_event,{json.dumps(greeting)}")
        self.hear("40/_event,")
        if is_hydrated:
            self.hear('"is_hydrated_rx_state_":true')

    def say(self, frame: str | bytes) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            self._socket.send(frame)

    def send(self, event: str, payload: object) -> None:
        self.say("42/_event," + json.dumps(["event", self._event(event, payload)]))

    def hear(self, what: str, seconds: float = 5) -> str:
        """The next frame that contains this text; those before it are remembered."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            frame = self._socket.receive(left)
            if frame is None:
                break
            if frame == "2":
                self._socket.send("3")
                continue
            self.heard.append(str(frame))
            if what in str(frame):
                return str(frame)
        raise AssertionError(f"never heard {what!r}")

    def settle(self) -> None:
        """Wait until all that was sent before is done: events of one page are handled one after the other."""
        self.send(HYDRATE, {})
        self.hear('"is_hydrated_rx_state_":false')
        self.hear('"is_hydrated_rx_state_":true')

    def is_closed_by_server(self, seconds: float = 5) -> bool:
        try:
            while (frame := self._socket.receive(seconds)) is not None:
                self.heard.append(str(frame))
        except (ConnectionClosed, OSError):
            return True
        return False

    def close(self) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            self._socket.close()

    def __enter__(self) -> "RawSocket":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _event(self, name: str, payload: object) -> dict[str, Any]:
        return {"name": name, "payload": payload, "router_data": {"pathname": self.path, "asPath": self.path}}


def is_refused(url: str, **headers: str) -> bool:
    """Whether a handshake with these headers is turned down."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    connection.request("GET", f"/_event/?EIO=4&transport=websocket&token={uuid.uuid4()}", headers=upgrade | headers)
    with connection.getresponse() as answer:
        connection.close()
        return answer.status != 101


class Worker:
    """A web worker of the real application, without the built pages."""

    def __init__(self, database_url: str, folder: Path, application: str = APPLICATION):
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self._log = folder / "worker.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        environment |= {
            "DATABASE_URL": database_url,
            "MEDCAL_PORT": str(self.port),
            "MEDCAL_URL": self.url,
            "MEDCAL_HOME": str(folder),
            "REFLEX_ENV_MODE": "prod",
            "REFLEX_WEB_WORKDIR": str(folder / "web"),
            "REFLEX_TELEMETRY_ENABLED": "false",
            "__REFLEX_SKIP_COMPILE": "true",
        }
        _as_after_a_build(folder / "web")
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", application]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"],
                cwd=PROJECT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def memory(self) -> int:
        """What it and its children hold, in bytes."""
        leader = psutil.Process(self._process.pid)
        return sum(process.memory_info().rss for process in (leader, *leader.children(recursive=True)))

    def ping(self, seconds: float = 2) -> bool:
        """Whether it answers at once."""
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=seconds) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait(self) -> None:
        until = time.monotonic() + 60
        while not self.ping(1):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.03)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            # On a machine that is very busy. Nothing of it is left behind, which a later test would be blamed for.
            for process in (*psutil.Process(self._process.pid).children(recursive=True), self._process):
                process.kill()
            self._process.wait()


def _as_after_a_build(web: Path) -> None:
    """No page makes a state of its own; not told so, Reflex would put all of them together to know."""
    (web / "backend").mkdir(parents=True)
    (web / "backend" / "stateful_pages.json").write_text("[]")


@contextlib.contextmanager
def running_worker(database_url: str, folder: Path) -> Iterator[Worker]:
    worker = Worker(database_url, folder)
    try:
        worker.wait()
        yield worker
    finally:
        worker.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
