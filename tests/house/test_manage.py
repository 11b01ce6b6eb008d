"""The parts of manage.py that decide something."""

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

import rxconfig
from tools import check, chromium, commands, database, frontend, n8n, places, processes, stamps, tls
from tools.processes import Family
from tools.say import Stop
from tools.services import Service, host_and_port


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name in ("medcal/pages/home.py", "assets/medcal.css"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a family that has its register and logs for itself."""
    monkeypatch.setattr(processes, "HOME", tmp_path)
    monkeypatch.setattr(processes, "LOGS", tmp_path)
    return "test"


def test_only_the_standard_library_is_needed_to_begin():
    imports = "import sys; sys.path.insert(0, '.'); import manage"

    # -S leaves out all that is installed, -I all that the environment adds.
    subprocess.run([sys.executable, "-I", "-S", "-c", imports], cwd=places.ROOT, check=True)


def test_manage_explains_itself():
    answer = subprocess.run([sys.executable, "manage.py"], cwd=places.ROOT, capture_output=True, text=True, check=True)

    names = (
        "run",
        "test",
        "dev",
        "seed",
        "migrate",
        "worker",
        "scheduler",
        "shell",
        "user",
        "reset",
        "bench",
        "simulate",
        "statistics",
    )
    for command in names:
        assert re.search(rf"^ +{command} +\w", answer.stdout, re.MULTILINE)


def test_the_figures_alone_go_to_standard_output(
    family: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    started: list[list[str]] = []
    monkeypatch.setattr(commands, "_ready_database", lambda family: print("Preparing …") or "postgresql://x")
    monkeypatch.setattr(Family, "attend", lambda self, command, env: started.append(list(command)) or 0)

    assert commands.statistics(["--days", "30"]) == 0

    assert started[0][1:] == ["-m", "medcal.statistics", "--days", "30"]
    assert capsys.readouterr() == ("", "Preparing …\n")


def test_a_new_beginning_leaves_no_mail_behind(family: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    emptied = list[str]()
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(database, "forget", lambda: emptied.append("database"))
    monkeypatch.setattr(n8n, "FOLDER", tmp_path / "n8n")
    (tmp_path / "n8n" / "mails").mkdir(parents=True)

    commands.reset(["--yes"])

    assert emptied == ["database"]
    assert not (tmp_path / "n8n").exists()


@pytest.mark.parametrize("change", ["write", "add", "remove", "rename"])
def test_a_fingerprint_changes_with_any_source(sources: Path, change: str):
    before = stamps.fingerprint([sources], sources)
    file = sources / "medcal/pages/home.py"

    match change:
        case "write":
            file.write_text("other")
        case "add":
            file.with_name("offer.py").write_text("")
        case "remove":
            file.unlink()
        case "rename":
            file.rename(file.with_name("start.py"))

    assert stamps.fingerprint([sources], sources) != before


def test_a_fingerprint_does_not_change_with_what_is_generated(sources: Path):
    folders = [sources / "medcal", sources / "assets", sources / "missing"]
    before = stamps.fingerprint(folders, sources)

    for generated in ("medcal/__pycache__/home.cpython-311.pyc", "assets/external/calendar.jsx"):
        (sources / generated).parent.mkdir()
        (sources / generated).write_text("made")

    assert stamps.fingerprint(folders, sources) == before


def test_the_pages_call_the_server_that_they_came_from():
    baked = "var e={PING:`http://localhost:8000/ping`,EVENT:'wss://clinic.example/_event',TRANSPORT:`websocket`};export{e as t};"

    script = rxconfig.without_address(baked)

    assert script == (
        'var e={PING:location.origin+"/ping",EVENT:location.origin.replace("http","ws")+"/_event",'
        "TRANSPORT:`websocket`};export{e as t};"
    )
    assert rxconfig.without_address(script) == script


def test_a_build_that_was_killed_is_never_served(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    workshop, outcome = tmp_path / "workshop", ["killed", "finished"]
    monkeypatch.setattr(frontend, "WORKSHOP", workshop)
    monkeypatch.setattr(frontend, "SITES", tmp_path / "sites")
    monkeypatch.setattr(frontend, "UNFINISHED", tmp_path / "sites" / "unfinished")
    monkeypatch.setattr(frontend, "bun_environment", dict)

    def export(*_: object, **__: object) -> None:
        client = workshop / "build" / "client"
        client.mkdir(parents=True)
        known = workshop / "backend" / "stateful_pages.json"
        known.parent.mkdir(exist_ok=True)
        known.write_text("[]")
        (client / outcome[0]).touch()
        if outcome.pop(0) == "killed":
            raise KeyboardInterrupt

    monkeypatch.setattr(Family, "run", export)
    with pytest.raises(KeyboardInterrupt):
        frontend.build(Family())
    assert not frontend.site().exists()

    built = frontend.build(Family())

    assert [file.name for file in (built / "build" / "client").iterdir()] == ["finished"]
    # A worker that does not find this puts all pages together before it opens.
    assert (built / "backend" / "stateful_pages.json").read_text() == "[]"
    assert frontend.build(Family()) == built


def test_what_a_build_changes_in_its_own_sources_makes_no_other_pages(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    workshop, manifest = tmp_path / "workshop", tmp_path / "package.json"
    monkeypatch.setattr(frontend, "ROOT", tmp_path)
    monkeypatch.setattr(frontend, "SOURCES", ["package.json"])
    monkeypatch.setattr(frontend, "MANIFEST", manifest)
    monkeypatch.setattr(frontend, "WORKSHOP", workshop)
    monkeypatch.setattr(frontend, "SITES", tmp_path / "sites")
    monkeypatch.setattr(frontend, "UNFINISHED", tmp_path / "sites" / "unfinished")
    monkeypatch.setattr(frontend, "bun_environment", dict)

    def export(*_: object, **__: object) -> None:
        for made in ("build/client", "backend"):
            (workshop / made).mkdir(parents=True, exist_ok=True)
        manifest.write_text('{"name": "reflex"}')

    monkeypatch.setattr(Family, "run", export)
    manifest.write_text('{\n  "name": "reflex"\n}')
    built = frontend.build(Family())
    assert frontend.site() == built

    manifest.write_text('{"name":"an older one"}')
    assert frontend.build(Family()) == built


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("http://localhost:8000", 8000)),
        ({"MEDCAL_PORT": "8123"}, ("http://localhost:8123", 8123)),
        ({"MEDCAL_URL": "http://localhost:8123/"}, ("http://localhost:8123", 8123)),
        ({"MEDCAL_URL": "https://clinic.example"}, ("https://clinic.example", 8000)),
        ({"MEDCAL_URL": "https://clinic.example:8443", "MEDCAL_PORT": "9000"}, ("https://clinic.example:8443", 9000)),
    ],
)
def test_address_and_port_follow_each_other(variables, expected, monkeypatch: pytest.MonkeyPatch):
    for name in ("MEDCAL_URL", "MEDCAL_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert places.address() == expected


@pytest.mark.parametrize(
    ("words", "outside", "inside", "options"),
    [
        ("", ["tests", "--ignore=tests/e2e"], ["tests/e2e"], []),
        ("-k held", ["tests", "--ignore=tests/e2e"], ["tests/e2e"], ["-k", "held"]),
        ("e2e -x", [], ["tests/e2e"], ["-x"]),
        ("services -k held house", ["tests/services", "tests/house"], [], ["-k", "held"]),
        ("tests/services/test_booking.py::test_x", ["tests/services/test_booking.py::test_x"], [], []),
        ("checks", [], [], []),
    ],
)
def test_a_part_of_the_tests_can_be_asked_for(words, outside, inside, options):
    part = check._part(words.split())

    assert (part.outside_browser, part.in_browser, part.options) == (outside, inside, options)
    assert part.is_all == (words == "")


def test_the_sum_counts_each_test_once_and_errors_as_failures(tmp_path: Path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="a" name="passes"/>'
        '<testcase classname="a" name="fails"><failure/></testcase><testcase classname="a" name="fails"><error/></testcase>'
        '<testcase classname="a" name="passes but does not clean up"/>'
        '<testcase classname="a" name="passes but does not clean up"><error/></testcase>'
        '<testcase classname="a" name="waits"><skipped/></testcase></testsuite></testsuites>'
    )

    assert check._sum(check._count(report)) == "1 passed, 2 failed, 1 skipped"
    assert check._sum(Counter(passed=3)) == "3 passed, 0 failed"


def test_children_end_with_their_family(family: str):
    with Family(family) as ours:
        child = ours.start([sys.executable, "-c", "import time; time.sleep(60)"])

    assert child.returncode


def test_what_a_child_leaves_behind_ends_with_it(family: str, tmp_path: Path):
    log = tmp_path / "grandchild"
    parent = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    with Family(family) as ours:
        child = ours.start([sys.executable, "-u", "-c", parent], log=log)
        child.wait(10)
        ours.stop(child)

    assert _ends(int(log.read_text()))


def test_a_killed_command_leaves_nothing_running(family: str, tmp_path: Path):
    log, forever = tmp_path / "child", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    killed = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _start_and_wait(tmp_path, family, [sys.executable, "-c", forever, str(places.ROOT)], log),
        ],
        cwd=places.ROOT,
    )
    number = int(_wait_for_text(log))
    killed.kill()
    killed.wait()

    with Family(family):
        assert _ends(number)


def test_one_command_of_a_kind_runs_at_a_time(family: str):
    with Family(family), pytest.raises(Stop, match="already runs"), Family(family):
        pass


def test_a_service_that_falls_is_started_again_after_a_growing_pause(family: str, capsys, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with Family(family) as ours:
        service = Service("The web worker", lambda: ours.start([sys.executable, "-c", "raise SystemExit(3)"]))
        service.start()
        for pause in (1, 2, 4):
            fallen = service.child
            fallen.wait()
            service.look_after(ours)
            now += pause - 0.5
            service.look_after(ours)
            assert service.child is fallen
            now += 1
            service.look_after(ours)
            assert service.child is not fallen

    assert "The web worker has stopped (code 3); it starts again in 4 s." in capsys.readouterr().out


def _start_and_wait(home: Path, name: str, command: list[str], log: Path) -> str:
    return (
        "import pathlib, time\nfrom tools import processes\n"
        f"processes.HOME = processes.LOGS = pathlib.Path({str(home)!r})\n"
        f"with processes.Family({name!r}) as family:\n"
        f"    family.start({command!r}, log=pathlib.Path({str(log)!r}))\n    time.sleep(60)\n"
    )


def _wait_for_text(file: Path) -> str:
    for _ in range(200):
        if file.exists() and file.read_text().endswith("\n"):
            return file.read_text()
        time.sleep(0.05)
    raise AssertionError(f"nothing in {file}")


def _ends(process: int) -> bool:
    """Whether the process is gone within seconds; a zombie, which nobody waits for, is gone."""
    for _ in range(100):
        if not psutil.pid_exists(process) or psutil.Process(process).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


# --- The browser of the tests ---------------------------------------------------------------------------------------------


@pytest.fixture
def browsers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[str]:
    """What is installed, on a machine on which Playwright cannot download; Debian's packages can be added."""
    installed: set[str] = set()
    monkeypatch.setattr(chromium, "FOUND", tmp_path / "found")
    monkeypatch.setattr(chromium, "_download", lambda _: None)
    monkeypatch.setattr(chromium, "_starts", lambda path: path.name in installed)
    monkeypatch.setattr(chromium.shutil, "which", lambda name: f"/usr/bin/{name}" if name in installed else None)
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    monkeypatch.setattr(chromium, "apt_install", lambda _, package: installed.add(package))
    return installed


@pytest.mark.parametrize(
    ("before", "chosen"),
    [
        ({"chromium", "chromium-headless-shell"}, "chromium-headless-shell"),
        ({"chromium", "apt-get"}, "chromium-headless-shell"),
        ({"google-chrome"}, "google-chrome"),
        ({"apt-get"}, "chromium-headless-shell"),
    ],
)
def test_a_browser_without_windows_comes_first(family: str, browsers: set[str], before: set[str], chosen: str):
    browsers |= before
    assert chromium.find_chromium(Family()) == Path("/usr/bin") / chosen
    assert chromium.FOUND.read_text() == f"/usr/bin/{chosen}"


def test_a_debian_that_cannot_install_keeps_the_browser_that_it_has(
    family: str, browsers: set[str], monkeypatch: pytest.MonkeyPatch
):
    def offline(*_: object) -> None:
        raise Stop("no network")

    monkeypatch.setattr(chromium, "apt_install", offline)
    browsers |= {"apt-get", "chromium"}
    assert chromium.find_chromium(Family()) == Path("/usr/bin/chromium")


# --- https ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pem(tmp_path: Path) -> list[str]:
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----")
    key.write_text("-----BEGIN PRIVATE KEY-----")
    return [str(certificate), str(key)]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("https://localhost:8443", 8443)),
        ({"MEDCAL_PORT": "9443"}, ("https://localhost:9443", 9443)),
        ({"MEDCAL_URL": "https://clinic.example/"}, ("https://clinic.example", 443)),
        ({"MEDCAL_URL": "https://clinic.example:8443"}, ("https://clinic.example:8443", 8443)),
        ({"MEDCAL_URL": "https://clinic.example", "MEDCAL_PORT": "9000"}, ("https://clinic.example", 9000)),
    ],
)
def test_https_is_served_where_the_address_says(variables, expected, pem: list[str], monkeypatch: pytest.MonkeyPatch):
    for name in ("MEDCAL_URL", "MEDCAL_PORT", f"{tls.TLS}CERTIFICATE", f"{tls.TLS}KEYFILE"):
        # Set first, so that what `use` writes is taken back afterwards.
        monkeypatch.setenv(name, "")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    tls.use(pem)

    assert places.address() == expected
    assert [places.environment()[f"{tls.TLS}{what}"] for what in ("CERTIFICATE", "KEYFILE")] == pem


@pytest.mark.parametrize(
    ("variables", "host"),
    [
        ({}, "127.0.0.1"),
        ({"MEDCAL_URL": "http://clinic.lan:8000"}, "0.0.0.0"),
        ({"MEDCAL_URL": "http://clinic.lan", "TRUSTED_PROXY_HOPS": "1"}, "127.0.0.1"),
        ({"MEDCAL_URL": "https://clinic.example"}, "127.0.0.1"),
        ({"MEDCAL_URL": "https://clinic.example", f"{tls.TLS}CERTIFICATE": "cert.pem"}, "0.0.0.0"),
        ({"MEDCAL_URL": "https://clinic.example", "GRANIAN_HOST": "10.0.0.5"}, "10.0.0.5"),
    ],
)
def test_nobody_reaches_a_worker_past_its_proxy(variables, host, monkeypatch: pytest.MonkeyPatch):
    for name in ("MEDCAL_URL", "MEDCAL_PORT", "TRUSTED_PROXY_HOPS", "GRANIAN_HOST", f"{tls.TLS}CERTIFICATE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert host_and_port()[0] == host


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pem: pem.pop(), "takes a certificate"),
        (lambda pem: Path(pem[0]).unlink(), "cannot be read"),
        (lambda pem: pem.reverse(), "no PEM file"),
        (lambda pem: Path(pem[1]).write_text("-----BEGIN EC PRIVATE KEY-----"), "PKCS #8"),
    ],
)
def test_a_certificate_that_cannot_be_served_is_refused_before_anything_starts(
    spoil, said, pem: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MEDCAL_URL", "https://clinic.example")
    monkeypatch.setenv("MEDCAL_PORT", "8443")
    spoil(pem)
    with pytest.raises(Stop, match=said):
        tls.use(pem)


def test_https_is_not_served_under_an_address_of_plain_http(pem: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MEDCAL_URL", "http://clinic.example")
    with pytest.raises(Stop, match="must begin with https"):
        tls.use(pem)
