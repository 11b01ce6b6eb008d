"""Child processes that end with the command that started them, however it ends."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tools.places import HOME, LOGS, ROOT, environment
from tools.say import Step, Stop, last_lines

Command = Sequence[str | Path]
Child = subprocess.Popen[bytes]
KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
HANGUP = [] if sys.platform == "win32" else [signal.SIGHUP]


class Family:
    """The children of one command. A name allows one command of that name at a time.

    Each child leads a process group of its own, so that Ctrl-C reaches only us and a child's children can be ended with
    it. A named family writes its groups down: what a kill -9 of manage.py leaves is ended by the next one.
    """

    def __init__(self, name: str | None = None) -> None:
        self._name = name
        self._children: list[Child] = []
        self._needed_by_others: list[Child] = []

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, *HANGUP)}
        if not HOME.exists():
            # Not for other accounts to look into, but root's PostgreSQL must get through.
            HOME.mkdir(parents=True)
            HOME.chmod(0o711)
        if self._name:
            self._register = self._open_register(self._name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The stop below is quick and must not be cut short by a second Ctrl-C.
        self._handlers[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.stop(*(child for child in self._children if child not in self._needed_by_others))
        self.stop(*self._children)
        if self._name:
            self._register.truncate(0)
            self._register.close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(
        self,
        command: Command,
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        stdout: int | None = None,
        stops_last: bool = False,
    ) -> Child:
        """Start a program in the project's folder; its output goes to `log`, or to ours."""
        output = _open_log(log) if log else None
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=env or environment(),
            stdin=subprocess.DEVNULL,
            stdout=stdout or output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent() if sys.platform == "linux" else None,
        )
        if output:
            output.close()
        self._children.append(child)
        if stops_last:
            self._needed_by_others.append(child)
        if self._name:
            print(child.pid, file=self._register, flush=True)
        return child

    def run(
        self,
        label: str,
        command: Command,
        *,
        log: Path,
        advice: str,
        env: Mapping[str, str] | None = None,
        limit: float = float("inf"),
    ) -> None:
        """One step with its line; stops with the end of the log and the advice if the program fails.

        `limit` is in seconds; a program that takes longer has failed.
        """
        log.unlink(missing_ok=True)
        with Step(label) as step:
            child = self.start(command, env=env, log=log)
            while child.poll() is None and step.seconds() < limit:
                time.sleep(0.05)
                step.tick()
            self.stop(child)
            if child.returncode:
                raise Stop(f"{last_lines(log)}\n{advice}")

    def attend(self, command: Command, env: Mapping[str, str]) -> int:
        """Run a program on our terminal until it ends and return its code; Ctrl-C is for it to answer."""
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=env,
            preexec_fn=_end_with_parent() if sys.platform == "linux" else None,
        )
        self._children.append(child)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return child.wait()
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop(self, *children: Child, patience: float = 15) -> None:
        """Ask the children to end, insist after `patience` seconds, and take what is left of their groups."""
        for child in children:
            child.terminate()
        give_up_at = time.monotonic() + patience
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0, give_up_at - time.monotonic()))
            signal_group(child.pid, KILL)
            child.kill()
            child.wait()
            if child in self._children:
                self._children.remove(child)

    def _open_register(self, name: str) -> IO[str]:
        folder = HOME / "processes"
        folder.mkdir(parents=True, exist_ok=True)
        register = (folder / name).open("a+")
        if not lock(register, wait=False):
            register.close()
            raise Stop(
                f"`manage.py {name}` already runs on {HOME}. Stop it first, or give this one its own MEDCAL_HOME."
            )
        register.seek(0)
        _end_leftovers({int(line) for line in register if line.strip().isdigit()})
        register.truncate(0)
        return register


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one process at a time passes here; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not lock(file, wait=False):
            print("Another manage.py is setting up here; waiting for it …", flush=True)
            lock(file, wait=True)
        yield


def lock(file: IO[str], *, wait: bool) -> bool:
    """Lock an open file; the system unlocks it with the end of the process, even after kill -9."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def signal_group(leader: int, number: int) -> None:
    """Send a signal to a group, whose leader may be gone already."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(leader)], capture_output=True)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _end_leftovers(groups: set[int]) -> None:
    """End groups of an earlier run. Numbers are reused, so a group must also mention our folder in a command line."""
    ours = {group for group, line in _processes() if group in groups and str(ROOT) in line}
    for number in (signal.SIGTERM, KILL):
        for group in ours:
            signal_group(group, number)
        give_up_at = time.monotonic() + 3
        # A port or a lock is free only when its holder is really gone.
        while ours & {group for group, _ in _processes()} and time.monotonic() < give_up_at:
            time.sleep(0.05)


def _processes() -> Iterator[tuple[int, str]]:
    """Group and command line of the processes of this machine, as far as the system tells."""
    if Path("/proc/self/stat").exists():
        yield from _processes_of_linux()
        return
    with contextlib.suppress(OSError):
        answer = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pgid=,args="], capture_output=True, text=True, errors="replace"
        )
        for line in answer.stdout.splitlines():
            group, _, command = line.strip().partition(" ")
            yield int(group), command


def _processes_of_linux() -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            # The name in brackets may hold anything, so count from its end: state, parent, group.
            state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if state != "Z":
                yield int(group), command


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _open_log(path: Path) -> IO[bytes]:
    LOGS.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > 5_000_000:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")


def _end_with_parent() -> Callable[[], None]:
    """What a child runs first: when manage.py is killed, the kernel ends the child too (Linux)."""
    libc, parent = ctypes.CDLL(None), os.getpid()

    def before_exec() -> None:
        libc.prctl(1, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec
