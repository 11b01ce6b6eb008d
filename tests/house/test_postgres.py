"""The embedded server survives whatever is killed: real servers, in folders of their own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from medcal import postgres_home
from medcal.postgres import Server

FORGETFUL = {"fsync": "off", "shared_buffers": "16MB", "max_connections": "10"}
is_root = os.name == "posix" and os.geteuid() == 0


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that root's server can get to, which pytest's own is not, with a space in its path."""
    with tempfile.TemporaryDirectory(prefix="medcal test ") as name:
        place = Path(name).resolve()
        place.chmod(0o711)
        yield place


@pytest.fixture
def server(place: Path) -> Iterator[Server]:
    """The same data for all tests, so that it is made only once."""
    with Server(place / "postgres", FORGETFUL) as running:
        yield running


def test_the_clinics_role_owns_its_database_and_is_no_superuser(server: Server):
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        connection.execute("CREATE DATABASE scratch")
        connection.execute("DROP DATABASE scratch")
        found = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()

    assert found == (False,)


def test_the_running_clinic_works_under_a_role_that_owns_nothing(server: Server):
    with psycopg.connect(server.url(), autocommit=True) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS of_the_owner (id int)")
    with psycopg.connect(server.app_url(), autocommit=True) as connection:
        found = connection.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        for forbidden in ("DELETE FROM of_the_owner", "DROP TABLE of_the_owner", "CREATE TABLE mine (id int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())

    assert found == ("medcal_app", False, False, False)


def test_a_folder_of_an_earlier_version_gets_that_role_at_its_next_start(place: Path):
    with Server(place / "postgres", FORGETFUL) as server:
        before = server.app_url()
        (server.data.parent / "app-password").unlink()

    with Server(place / "postgres", FORGETFUL) as server:
        assert server.app_url() != before
        with psycopg.connect(server.app_url()) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("medcal_app",)


def test_nobody_gets_in_without_the_password(server: Server):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url(), password="a guess")


def test_a_killed_server_runs_again_with_all_that_was_committed(server: Server):
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE promise AS SELECT 'kept' AS word")
    killed = _postmaster(server)
    killed.kill()
    psutil.wait_procs([killed], timeout=5)

    assert server.watch()
    assert _ask(server, "SELECT word FROM promise") == "kept"
    assert not server.watch()


@pytest.mark.parametrize("pid_file", ["", "12", "{ours}\n", "999999999\n/somewhere\n"], ids=repr)
def test_what_a_dead_server_left_does_not_pass_for_a_live_one(place: Path, pid_file: str):
    pid_file = pid_file.format(ours=os.getpid())
    with Server(place / "postgres", FORGETFUL) as earlier:
        remains = {earlier.data / "postmaster.pid": pid_file, earlier.data.parent / "run/.s.PGSQL.5432.lock": pid_file}
    for path, text in remains.items():
        path.write_text(text)

    with Server(place / "postgres", FORGETFUL) as server:
        assert _ask(server, "SELECT 1") == 1


def test_who_comes_second_uses_the_server_and_takes_over(place: Path):
    with Server(place / "postgres", FORGETFUL) as first, Server(place / "postgres", FORGETFUL) as second:
        assert second.url() == first.url()
        assert not second.watch()

        first.close()

        assert second.watch()
        assert _ask(second, "SELECT 1") == 1


def test_a_killed_owner_leaves_a_folder_that_starts(place: Path):
    command = [sys.executable, "-m", "medcal.postgres", str(place / "postgres"), "fsync=off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        assert owner.stdout.readline().startswith("postgresql://medcal:")
        owner.send_signal(signal.SIGKILL)

    with Server(place / "postgres", FORGETFUL) as server:
        assert _ask(server, "SELECT 1") == 1


def test_an_end_by_signal_stops_the_server(place: Path):
    command = [sys.executable, "-m", "medcal.postgres", str(place / "postgres"), "fsync=off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        owner.stdout.readline()
        owner.terminate()

    assert owner.returncode == 0
    assert not (Server(place / "postgres").data / "postmaster.pid").exists()


def test_half_a_data_folder_is_made_anew(place: Path):
    folder = place / "killed while it was made"
    with subprocess.Popen([sys.executable, "-m", "medcal.postgres", str(folder)], stdout=subprocess.DEVNULL) as killed:
        _wait_for(folder, "pgdata-*/PG_VERSION")
        killed.kill()

    with Server(folder, FORGETFUL) as server:
        assert _ask(server, "SELECT 1") == 1


def test_a_path_too_long_for_a_socket_is_no_obstacle(place: Path):
    folder = place / ("a very long name of a folder " * 4) / "postgres"

    with Server(folder, FORGETFUL) as server:
        url = server.url()
        assert "@127.0.0.1:" in url
        assert _ask(server, "SELECT 1") == 1
        _postmaster(server).kill()
        while not server.watch():
            time.sleep(0.01)
        assert server.url() == url


@pytest.mark.skipif(not is_root, reason="only root's server runs under another account")
def test_closed_folders_stay_closed_and_the_data_goes_elsewhere(place: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(postgres_home, "ELSEWHERE", place / "elsewhere")
    closed = place / "root"
    closed.mkdir(mode=0o700)

    with Server(closed / "postgres", FORGETFUL) as server:
        assert server.data.is_relative_to(place / "elsewhere")
        assert str(server.data.parent) in capsys.readouterr().err
        assert _ask(server, "SELECT 1") == 1

    assert closed.stat().st_mode & 0o777 == 0o700


def _ask(server: Server, question: str) -> object:
    with psycopg.connect(server.url()) as connection:
        answer = connection.execute(question.encode()).fetchone()
    assert answer
    return answer[0]


def _postmaster(server: Server) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))


def _wait_for(folder: Path, pattern: str) -> None:
    give_up_at = time.monotonic() + 20
    while not list(folder.glob(pattern)) and time.monotonic() < give_up_at:
        time.sleep(0.005)
    assert list(folder.glob(pattern))
