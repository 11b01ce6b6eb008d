"""Where things lie, and what every process of Medcal is told through its environment."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tools.say import Stop

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
TOOLS = ROOT / ".tools"
HOME = Path(os.environ.get("MEDCAL_HOME") or ROOT / ".medcal").expanduser().resolve()
LOGS = HOME / "logs"


def address() -> tuple[str, int]:
    """MEDCAL_URL and MEDCAL_PORT; where only one of them is set, the other follows."""
    url = (os.environ.get("MEDCAL_URL") or "").rstrip("/")
    parts = urlsplit(url)
    # Behind a proxy the public address says nothing about our port.
    port = (parts.port if parts.scheme == "http" else None) or 8000
    given = os.environ.get("MEDCAL_PORT") or str(port)
    if not given.isdecimal():
        raise Stop(f"MEDCAL_PORT must be a number, and is {given!r}.")
    return url or f"http://localhost:{given}", int(given)


def http_port(port: int) -> int:
    """Where plain http is answered, with the way to https, when https is served on `port`: MEDCAL_HTTP_PORT, else what people try."""
    given = os.environ.get("MEDCAL_HTTP_PORT") or ("80" if port == 443 else "8000")
    if not given.isdecimal():
        raise Stop(f"MEDCAL_HTTP_PORT must be a number, and is {given!r}.")
    return int(given)


def is_on_this_machine(url: str) -> bool:
    """True for an address that nobody but this machine's users can open."""
    return urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1")


def environment(**more: str) -> dict[str, str]:
    """The environment of a child process: ours, completed, without what a test runner left in it."""
    url, port = address()
    # Who owns the tables is for migrations alone, which are told so.
    ours = {name: value for name, value in os.environ.items() if name != "OWNER_DATABASE_URL"}
    inherited = {name: value for name, value in ours.items() if not name.startswith("PYTEST")}
    return inherited | {
        "MEDCAL_HOME": str(HOME),
        "MEDCAL_URL": url,
        "MEDCAL_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        # Reflex asks the network for its version and reports what it does unless told not to.
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_DIR": str(TOOLS / "reflex"),
        **more,
    }
