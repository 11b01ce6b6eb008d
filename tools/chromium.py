"""A Chromium for the browser tests: Playwright's own, else Debian's or the system's; best one without windows, which renders at half the cost."""

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
SHELL = "chromium-headless-shell"
NAMES = [SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
ON_MACOS = [
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
]


def find_chromium(family: Family) -> Path:
    """A browser that starts, installed if need be; remembered for the next time."""
    if FOUND.exists() and _starts(Path(FOUND.read_text())):
        return Path(FOUND.read_text())
    browser = _download(family) or _shell(family) or _installed() or _from_debian(family, "chromium")
    if not browser:
        raise Stop(
            "The browser tests need Chromium: install it (Debian and Ubuntu: sudo apt install chromium) and start again."
        )
    print(f"Browser: {browser}")
    FOUND.write_text(str(browser))
    return browser


def _download(family: Family) -> Path | None:
    """Playwright's own build, the one that its version was tested with."""
    command: Command = [PYTHON, "-m", "playwright", "install", "--only-shell", "chromium"]
    try:
        family.run(
            "Downloading Chromium", command, log=LOGS / "chromium.log", advice="Trying others.", limit=DOWNLOAD_SECONDS
        )
    except Stop:
        return None
    return next((path for path in _downloaded() if _starts(path)), None)


def _downloaded() -> list[Path]:
    """Where Playwright says that it put the shell: its library names only the one with windows."""
    command: Command = [PYTHON, "-m", "playwright", "install", "--only-shell", "--dry-run", "chromium"]
    said = subprocess.run(command, capture_output=True, text=True).stdout
    folders = [Path(line.split(":", 1)[1].strip()) for line in said.splitlines() if "location" in line.lower()]
    return [path for folder in folders for path in folder.glob("*/*headless*shell*") if path.is_file()]


def _shell(family: Family) -> Path | None:
    found = shutil.which(SHELL)
    return Path(found) if found and _starts(Path(found)) else _from_debian(family, SHELL)


def _installed() -> Path | None:
    found = [Path(path) for name in NAMES if (path := shutil.which(name))]
    return next((path for path in [*found, *ON_MACOS] if _starts(path)), None)


def _from_debian(family: Family, package: str) -> Path | None:
    if not shutil.which("apt-get") or os.name != "posix" or os.geteuid() != 0:
        return None
    try:
        apt_install(family, package)
    except Stop:
        return None
    found = shutil.which(package)
    return Path(found) if found and _starts(Path(found)) else None


def _starts(browser: Path) -> bool:
    """Present with all its libraries."""
    try:
        return subprocess.run([browser, "--version"], capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
