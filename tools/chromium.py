"""A Chromium for the browser tests: Playwright's own, else the system's, else Debian's package."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.packages import apt_install
from tools.places import LOGS, PYTHON, TOOLS
from tools.processes import Command, Family
from tools.say import Stop

FOUND = TOOLS / "chromium"
DOWNLOAD_SECONDS = 240
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
ON_MACOS = [
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
]


def find_chromium(family: Family) -> Path:
    """A browser that starts, installed if need be; remembered for the next time."""
    if FOUND.exists() and _starts(Path(FOUND.read_text())):
        return Path(FOUND.read_text())
    browser = _download(family) or _installed() or _from_debian(family)
    if not browser:
        raise Stop(
            "The browser tests need Chromium: install it (Debian and Ubuntu: sudo apt install chromium) and start again."
        )
    print(f"Browser: {browser}")
    FOUND.write_text(str(browser))
    return browser


def _download(family: Family) -> Path | None:
    """Playwright's own build, the one that its version was tested with."""
    command: Command = [PYTHON, "-m", "playwright", "install", "chromium", "--no-shell"]
    try:
        family.run(
            "Downloading Chromium", command, log=LOGS / "chromium.log", advice="Trying others.", limit=DOWNLOAD_SECONDS
        )
    except Stop:
        return None
    script = "from playwright.sync_api import sync_playwright as p\nwith p() as it: print(it.chromium.executable_path)"
    answer = subprocess.run([PYTHON, "-c", script], capture_output=True, text=True)
    path = Path(answer.stdout.strip())
    return path if answer.returncode == 0 and _starts(path) else None


def _installed() -> Path | None:
    found = [Path(path) for name in NAMES if (path := shutil.which(name))]
    return next((path for path in [*found, *ON_MACOS] if _starts(path)), None)


def _from_debian(family: Family) -> Path | None:
    if not shutil.which("apt-get") or os.name != "posix" or os.geteuid() != 0:
        return None
    apt_install(family, "chromium")
    return _installed()


def _starts(browser: Path) -> bool:
    """Present with all its libraries."""
    try:
        return subprocess.run([browser, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
