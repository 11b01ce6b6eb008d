"""The demo clinic, served as `manage.py run` serves it, on a port and a database of its own."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.scratch import database
from medcal import clock
from medcal.db import in_transaction
from medcal.demo import story
from tools.services import web_command

PATIENCE = 30


@contextmanager
def clinic() -> Iterator[str]:
    """Yields the address of a running clinic; `manage.py bench` has built its pages and set where they are."""
    with database() as url:
        in_transaction(story.load, clock.now())
        port = _free_port()
        address = f"http://localhost:{port}"
        environment = os.environ | {"DATABASE_URL": url, "MEDCAL_URL": address, "MEDCAL_PORT": str(port)}
        command = [sys.executable, *web_command("127.0.0.1", port)[1:]]
        worker = subprocess.Popen(command, env=environment)
        try:
            _wait_until_open(port)
            yield address
        finally:
            worker.terminate()
            worker.wait(15)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_open(port: int) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while time.monotonic() < give_up_at:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the web worker did not open")
