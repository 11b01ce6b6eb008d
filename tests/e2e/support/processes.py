"""The clinic's own processes: a web worker that serves the built pages, and a scheduler that looks every second."""

import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """A process with its log."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def web_worker(site: Path, port: int, environment: dict[str, str], folder: Path) -> Iterator[Running]:
    """Serves `site` (a folder with build/client) until the end of the block."""
    command = ["-m", "granian", "--interface", "asgi", "--factory", "medcal.medcal:app", "--host", "127.0.0.1"]
    more = {
        "REFLEX_WEB_WORKDIR": str(site),
        "REFLEX_ENV_MODE": "prod",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
        "__REFLEX_SKIP_COMPILE": "true",
    }
    with _running([*command, "--port", str(port), "--workers", "1"], environment | more, folder / "web.log") as web:
        # Behind a proxy the public address says nothing about our own port.
        scheme = "https" if "GRANIAN_SSL_CERTIFICATE" in environment else "http"
        _wait_until_open(web, f"{scheme}://127.0.0.1:{port}/ping")
        yield web


@contextmanager
def redirect(port: int, url: str, folder: Path) -> Iterator[Running]:
    """Plain http beside a clinic on https."""
    command = ["-m", "granian", "--interface", "asgi", "medcal.edge.redirect:app", "--no-ws", "--host", "127.0.0.1"]
    with _running([*command, "--port", str(port)], {"MEDCAL_URL": url}, folder / "redirect.log") as running:
        _wait_until_open(running, f"http://127.0.0.1:{port}/")
        yield running


@contextmanager
def scheduler(environment: dict[str, str], folder: Path) -> Iterator[Running]:
    with _running(["-m", "tests.e2e.support.quick_scheduler"], environment, folder / "scheduler.log") as running:
        yield running


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[Running]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=PROJECT, env=inherited | environment, stdout=file, stderr=subprocess.STDOUT
        )
    running = Running(process, log)
    try:
        yield running
    finally:
        running.stop()


def _wait_until_open(web: Running, url: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not _answers(url):
        assert web.process.poll() is None, web.log.read_text()
        assert time.monotonic() < give_up_at, web.log.read_text()
        time.sleep(0.1)


def _answers(url: str) -> bool:
    unchecked = ssl._create_unverified_context()
    connection = urllib.request.build_opener(urllib.request.HTTPSHandler(context=unchecked), _NoFollowing())
    try:
        with connection.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as answer:
        return answer.code == 308
    except OSError:
        return False


class _NoFollowing(urllib.request.HTTPRedirectHandler):
    """What answers on plain http leads to a certificate that nobody vouches for."""

    def redirect_request(self, *_: object) -> None:
        return None


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
