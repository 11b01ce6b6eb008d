"""The processes of a running clinic, and the watch over them."""

import http.client
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.places import LOGS, PYTHON, address, environment, is_on_this_machine
from tools.processes import Child, Command, Family
from tools.say import Step, Stop, last_lines

# Granian's own variables: the certificate's file and its key's.
TLS = "GRANIAN_SSL_"
LONGEST_PAUSE = 30
# A process that lasted this long has recovered; the next fall is a new story.
STEADY_AFTER = 60
PATIENCE = 90


@dataclass
class Service:
    """A process that is started again whenever it ends, after a growing pause."""

    name: str
    begin: Callable[[], Child]
    log: Path | None = None
    child: Child = field(init=False)
    _began_at: float = field(init=False)
    _falls: int = 0
    _again_at: float | None = None

    def start(self) -> None:
        self.child, self._began_at, self._again_at = self.begin(), time.monotonic(), None

    def look_after(self, family: Family) -> None:
        """Say when the process has ended, and start it again when its pause is over."""
        if self._again_at is None and self.child.poll() is not None:
            self._plan_restart()
            # What it started may have survived it and hold its port.
            family.stop(self.child)
        if self._again_at is not None and time.monotonic() >= self._again_at:
            self.start()

    def _plan_restart(self) -> None:
        now = time.monotonic()
        self._falls = 1 if now - self._began_at > STEADY_AFTER else self._falls + 1
        pause = min(2 ** (self._falls - 1), LONGEST_PAUSE)
        self._again_at = now + pause
        print(f"{self.name} has stopped (code {self.child.returncode}); it starts again in {pause} s.", flush=True)
        if self.log:
            print(last_lines(self.log, 5), flush=True)


def web_command(host: str, port: int) -> list[str]:
    """The web worker: as `reflex run --env prod` starts it, but from a finished build and without compiling again.

    GRANIAN_WORKERS sets the number of workers; more than one needs REDIS_URL. Access logs stay off: the websocket's
    address holds a token.
    """
    return [
        *(str(PYTHON), "-m", "granian", "--interface", "asgi", "--factory", "medcal.medcal:app"),
        *("--host", host, "--port", str(port), "--respawn-failed-workers", "--no-access-log", "--log-level", "warning"),
    ]


def redirect_command(host: str, port: int) -> list[str]:
    """What sends from plain http to https: a process that knows nothing but the address."""
    return [
        *(str(PYTHON), "-m", "granian", "--interface", "asgi", "medcal.edge.redirect:app", "--no-ws"),
        *("--host", host, "--port", str(port), "--no-access-log", "--log-level", "warning"),
    ]


def web_environment(site: Path, database_url: str) -> dict[str, str]:
    return environment(
        DATABASE_URL=database_url,
        REFLEX_WEB_WORKDIR=str(site),
        REFLEX_ENV_MODE="prod",
        __REFLEX_MOUNT_FRONTEND_COMPILED_APP="true",
        __REFLEX_SKIP_COMPILE="true",
    )


def host_and_port() -> tuple[str, int]:
    """Where the web worker listens: GRANIAN_HOST, else this machine alone unless MEDCAL_URL invites others straight to it.

    Who reaches it past its proxy speaks in the clear, and may say of himself whatever address he likes.
    """
    url, port = address()
    is_alone = is_on_this_machine(url) or _is_behind_a_proxy(url)
    default = "127.0.0.1" if is_alone else "0.0.0.0"  # noqa: S104 (on purpose, see above)
    return os.environ.get("GRANIAN_HOST") or default, port


def _is_behind_a_proxy(url: str) -> bool:
    """By the settings: they name a proxy, or somebody else must be serving https."""
    names_one = os.environ.get("TRUSTED_PROXY_HOPS") or "0"
    return names_one != "0" or (url.startswith("https://") and not os.environ.get(f"{TLS}CERTIFICATE"))


def start_web(family: Family, site: Path, database_url: str) -> Child:
    return family.start(web_command(*host_and_port()), env=web_environment(site, database_url), log=LOGS / "web.log")


def start_redirect(family: Family, url: str, port: int) -> Child:
    host, _ = host_and_port()
    # Not our whole environment: it needs neither certificate nor database.
    env = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ} | {"MEDCAL_URL": url}
    return family.start(redirect_command(host, port), env=env, log=LOGS / "redirect.log")


def start_scheduler(family: Family, database_url: str) -> Child:
    command: Command = [PYTHON, "-m", "medcal.scheduler"]
    return family.start(command, env=environment(DATABASE_URL=database_url), log=LOGS / "scheduler.log")


def wait_until_open(web: Child, port: int) -> None:
    """Return when the web worker answers."""
    give_up_at = time.monotonic() + PATIENCE
    with Step("Opening the clinic") as step:
        while not _answers(port):
            step.tick()
            if web.poll() is not None or time.monotonic() > give_up_at:
                raise Stop(f"{last_lines(LOGS / 'web.log')}\nThe web worker does not come up.")
            time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = _connection(port)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _connection(port: int) -> http.client.HTTPConnection:
    if not os.environ.get(f"{TLS}CERTIFICATE"):
        return http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    # On our own loopback, to see whether it answers; the certificate names the clinic.
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=2, context=unchecked)
