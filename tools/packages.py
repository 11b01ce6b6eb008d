"""The Python packages of requirements.txt, in .venv."""

import importlib.util
import os
import shutil
import sys

from tools.places import LOGS, PYTHON, ROOT, TOOLS, VENV
from tools.processes import Family, alone
from tools.say import Stop, shown
from tools.stamps import fingerprint, is_stamped

INSTALLED = VENV / "medcal-installed"
UNFINISHED = VENV / "medcal-unfinished"


def install_packages(family: Family) -> None:
    """Make .venv hold what requirements.txt says; nothing to do if it does."""
    wanted = fingerprint([ROOT / "requirements.txt"], ROOT)
    if PYTHON.exists() and not UNFINISHED.exists() and is_stamped(INSTALLED, wanted):
        return
    with alone(TOOLS / "setup.lock"):
        if UNFINISHED.exists() or not PYTHON.exists():
            # An installation that was killed may have left half a package that pip takes for a whole one.
            shutil.rmtree(VENV, ignore_errors=True)
            _make_venv(family)
        UNFINISHED.touch()
        family.run(
            "Installing Python packages (a minute the first time)",
            [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", "requirements.txt"],
            log=LOGS / "packages.log",
            advice="Check the network (pip must reach its package index) and start again.",
        )
        INSTALLED.write_text(wanted)
        UNFINISHED.unlink()


def _make_venv(family: Family) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        _install_ensurepip(family)
    VENV.mkdir(parents=True)
    UNFINISHED.touch()
    family.run(
        f"Making {shown(VENV)} with Python {sys.version_info.major}.{sys.version_info.minor}",
        [sys.executable, "-m", "venv", VENV],
        log=LOGS / "packages.log",
        advice="Is the disk full, or does the folder belong to somebody else?",
    )


def _install_ensurepip(family: Family) -> None:
    """Debian ships Python without the part that makes virtual environments."""
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Stop(f"This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install {package}")
    apt_install(family, package)


def apt_install(family: Family, package: str) -> None:
    """Install a Debian package; only root can."""
    log, advice = LOGS / "apt.log", f"Install the package {package} by hand and start again."
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    family.run("Reading Debian's package list", ["apt-get", "update"], log=log, advice=advice, env=quiet)
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    family.run(f"Installing {package} from Debian", command, log=log, advice=advice, env=quiet)
