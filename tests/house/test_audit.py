"""The audit of what Medcal depends on, against a service of our own that knows of holes, of none, or does not answer."""

import json
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import audit, check
from tools.audit import Package, Unreachable, holes
from tools.places import ROOT

TODAY = date(2026, 3, 2)
HOLE = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "aliases": ["CVE-2026-0001"],
    "summary": "Anybody gets in",
    "affected": [{"package": {"name": "fastapi"}, "ranges": [{"events": [{"introduced": "0"}, {"fixed": "99.0"}]}]}],
}


class Service:
    """Answers as OSV does; `knows` are the holes by name of package."""

    def __init__(self) -> None:
        self.knows: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[dict[str, Any]] = []
        self.says: Callable[[str], bytes] | None = None
        self.status = 200
        outer = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
                results = [
                    {"vulns": [{"id": hole["id"]} for hole in outer.knows.get(query["package"]["name"], [])]}
                    for query in outer.asked
                ]
                self._say({"results": results})

            def do_GET(self) -> None:
                known = {hole["id"]: hole for holes in outer.knows.values() for hole in holes}
                self._say(known[self.path.rpartition("/")[2]])

            def _say(self, content: object) -> None:
                body = outer.says(self.path) if outer.says else json.dumps(content).encode()
                self.send_response(outer.status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Not on the terminal of the tests."""

        self._server = HTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.stop()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What is pinned here, and nothing that is lived with."""
    for name in ("requirements.txt", *audit.LOCKS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "pyproject.toml").write_text("[tool.medcal]\n")
    return tmp_path


def give_leave(project: Path, name: str, until: str, reason: str = "we do not use that part") -> None:
    text = f'[tool.medcal.known-holes]\n"{name}" = {{ until = {until}, reason = "{reason}" }}\n'
    (project / "pyproject.toml").write_text(text)


def test_everything_that_is_pinned_is_asked_about(service: Service) -> None:
    assert holes(service.url) == []

    asked = Counter(query["package"]["ecosystem"] for query in service.asked)
    pinned = {line.split(";")[0].split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()}
    locked = [json.loads(lines) for lines in _locked(ROOT / "reflex.lock" / "bun.lock")]
    assert asked["PyPI"] == len({line for line in pinned if re.match(r"\S+==\S+$", line)})
    assert asked["npm"] >= len(locked) > 100
    assert {"package": {"name": "@react-router/node", "ecosystem": "npm"}, "version": "8.4.0"} in service.asked


def _locked(lock: Path) -> Iterator[str]:
    """The packages of bun's file, whose lines are JSON but for the comma behind the last one."""
    for line in lock.read_text().partition('"packages": {')[2].splitlines():
        if line.strip().startswith('"') and "[" in line:
            yield "{" + line.strip().removesuffix(",") + "}"


def test_a_known_hole_is_told_with_what_mends_it(service: Service, project: Path) -> None:
    service.knows["fastapi"] = [HOLE]

    [hole] = holes(service.url, project, TODAY)

    assert str(hole).startswith("fastapi ") and "GHSA-aaaa-bbbb-cccc, CVE-2026-0001: Anybody gets in" in str(hole)
    assert str(hole).endswith("mended in 99.0")


@pytest.mark.parametrize("name", ["GHSA-aaaa-bbbb-cccc", "CVE-2026-0001"])
def test_a_hole_that_is_lived_with_counts_again_from_its_day_on(service: Service, project: Path, name: str) -> None:
    service.knows["fastapi"] = [HOLE]
    give_leave(project, name, "2026-03-02")

    assert holes(service.url, project, date(2026, 3, 1)) == []
    assert len(holes(service.url, project, TODAY)) == 1


def test_leave_for_one_hole_is_none_for_another(service: Service, project: Path) -> None:
    service.knows["fastapi"] = [HOLE, {**HOLE, "id": "GHSA-dddd", "aliases": []}]
    give_leave(project, "CVE-2026-0001", "2027-01-01")

    assert [hole.names for hole in holes(service.url, project, TODAY)] == [("GHSA-dddd",)]


def test_nothing_is_lived_with_without_a_reason(project: Path) -> None:
    give_leave(project, "CVE-2026-0001", "2027-01-01", reason="")

    with pytest.raises(ValueError, match="CVE-2026-0001"):
        audit.leaves(project)


def test_what_is_lived_with_here_has_its_reasons() -> None:
    assert all(leave.reason for leave in audit.leaves().values())


def test_a_hole_stays_one_where_nothing_can_be_read_of_it(service: Service, project: Path) -> None:
    service.knows["fastapi"] = [{"id": "GHSA-eeee"}]

    [hole] = holes(service.url, project, TODAY)

    assert (hole.package.name, hole.names, hole.fixed_in) == ("fastapi", ("GHSA-eeee",), ())


@pytest.mark.parametrize(
    "says", [b"", b"<html>sign in to this network</html>", b"[]", b'{"results": []}', b'{"results": [5]}', b"null"]
)
def test_an_answer_of_somebody_else_is_none(service: Service, project: Path, says: bytes) -> None:
    service.says = lambda _: says

    with pytest.raises(Unreachable):
        holes(service.url, project, TODAY)


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_a_refusal_is_no_answer(service: Service, project: Path, status: int) -> None:
    service.status = status

    with pytest.raises(Unreachable):
        holes(service.url, project, TODAY)


def test_nobody_there_is_no_answer(project: Path) -> None:
    with pytest.raises(Unreachable):
        holes("http://127.0.0.1:9", project, TODAY)


# --- In the test command ----------------------------------------------------------------------------------------------


def run_audit(monkeypatch: pytest.MonkeyPatch, outcome: list[audit.Hole] | Exception) -> Counter[str]:
    def ask() -> list[audit.Hole]:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(audit, "holes", ask)
    return check._audit()


def test_no_hole_is_a_passed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_audit(monkeypatch, []) == Counter(checks=1)


def test_a_hole_fails_the_run_and_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    hole = audit.Hole(Package("PyPI", "fastapi", "0.1"), ("CVE-2026-0001",), "Anybody gets in", ("99.0",))

    assert run_audit(monkeypatch, [hole]) == Counter(failed=1)
    assert "fastapi 0.1: CVE-2026-0001" in capsys.readouterr().out


def test_without_a_network_the_run_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_audit(monkeypatch, Unreachable("no network")) == Counter(skipped=1)
    assert "not asked about" in capsys.readouterr().out
