"""What a running worker lets pages of others read, and methods that no browser of ours uses."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.support import databases
from tests.support.raw_socket import Worker, running_worker

ALLOW = "access-control-allow-origin"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    name = databases.new_name()
    with running_worker(databases.copy_template(name), tmp_path_factory.mktemp("worker")) as running:
        yield running
    databases.drop(name)


def ask(worker: Worker, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(worker.url).netloc, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with connection.getresponse() as answer:
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    connection.close()
    return found


def test_pages_of_others_read_nothing_and_trace_is_not_answered(worker: Worker) -> None:
    for path in ("/api/health", "/ping", "/api/appointment.ics"):
        for origin in ("https://evil.example", "null", f"{worker.url}.evil.example"):
            _, headers, _ = ask(worker, "GET", path, Origin=origin)
            assert headers.get(ALLOW) in (None, worker.url)

            _, headers, _ = ask(worker, "OPTIONS", path, Origin=origin, Access_Control_Request_Method="POST")
            assert headers.get(ALLOW) in (None, worker.url)

    status, _, said = ask(worker, "TRACE", "/api/health", X_Secret="told-to-nobody")
    assert status in (404, 405)
    assert "told-to-nobody" not in said


def test_a_line_of_the_log_says_when(worker: Worker) -> None:
    ask(worker, "POST", "/api/sign-out", Origin="https://evil.example", Content_Length="0")

    [line] = [line for line in worker.log.splitlines() if "foreign page" in line]
    assert line[4] == "-" and "Z WARNING medcal.api.answers: refused a form of a foreign page" in line
