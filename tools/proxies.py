"""nginx and Caddy for `manage.py test proxies`: the system's, else Debian's, unpacked into .tools and nowhere installed."""

import os
import shutil
import subprocess
from pathlib import Path

from tools.places import LOGS, TOOLS
from tools.processes import Family, alone
from tools.say import Stop

NAMES = ("nginx", "caddy")
FOLDER = TOOLS / "proxies"
# Where Debian puts servers, which is not in everybody's path.
WHERE = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
UNPACKED = {"nginx": "usr/sbin/nginx", "caddy": "usr/bin/caddy"}


def find(name: str) -> Path | None:
    """The program, or None where there is none that starts."""
    candidates = (FOLDER / name / UNPACKED[name], shutil.which(name, path=WHERE))
    return next((Path(path) for path in candidates if path and version(Path(path))), None)


def version(program: Path) -> str:
    """What the program says it is; nothing where it does not start."""
    try:
        said = subprocess.run(
            [program, "-v" if program.name == "nginx" else "version"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if said.returncode else (said.stdout + said.stderr).split("\n", 1)[0].rpartition("/")[2].strip()


def install(family: Family) -> None:
    """Have both, as far as they can be had here; tests of one that is missing are skipped, and say so."""
    with alone(TOOLS / "setup.lock"):
        if missing := [name for name in NAMES if find(name) is None]:
            try:
                _fetch(family, missing)
            except Stop as reason:
                print(reason)
    for name in NAMES:
        program = find(name)
        print(f"{name}: {version(program) if program else 'none'}", flush=True)


def _fetch(family: Family, names: list[str]) -> None:
    log, advice = (
        LOGS / "proxies.log",
        f"Install {' and '.join(names)} by hand and start again; until then their tests are left out.",
    )
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise Stop(advice)
    if os.geteuid() == 0:
        family.run("Reading Debian's package list", ["apt-get", "update"], log=log, advice=advice)
    for name in names:
        folder = FOLDER / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # apt downloads to where it is started, and nowhere else.
        command = f'cd "$0" && apt-get download {name} && dpkg -x *.deb . && rm *.deb'
        family.run(f"Fetching {name} from Debian", ["sh", "-c", command, folder], log=log, advice=advice)
