"""A real n8n in .tools/n8n, from npm: the very versions that the workflows were tried with."""

import os
import shutil
from pathlib import Path

from tools.bun import find_npm
from tools.packages import apt_install
from tools.places import LOGS, ROOT, TOOLS
from tools.processes import Family, alone
from tools.say import Stop
from tools.stamps import fingerprint, is_stamped

FOLDER = TOOLS / "n8n"
# What is installed: n8n with its pins, and beside it the Node that it needs.
PINS = ROOT / "n8n" / "install"
NODE_VERSION = "24.21.0"
INSTALLED = FOLDER / "medcal-installed"
LOG = LOGS / "n8n-setup.log"
QUIETLY = ["--no-audit", "--no-fund", "--loglevel=error"]


def is_installed() -> bool:
    return is_stamped(INSTALLED, versions())


def install(family: Family) -> None:
    """Have n8n and its Node in .tools/n8n; nothing to do if they are there."""
    if is_installed():
        return
    print(
        "n8n is fetched and built once: 5 to 15 minutes, 2.5 GB in .tools/n8n, 800 MB of network.\n"
        "It is n8n's own package under n8n's own licence (Sustainable Use License). Medcal runs without it."
    )
    with alone(TOOLS / "n8n.lock"):
        _require_compiler(family)
        # What a killed installation has left may be half a package that npm takes for a whole one.
        for part in ("node_modules", "node"):
            shutil.rmtree(FOLDER / part, ignore_errors=True)
        npm, path = find_npm(family)
        _install_node(family, npm, path)
        _install_n8n(family, npm, path)
        shutil.rmtree(FOLDER / "npm-cache", ignore_errors=True)
        INSTALLED.write_text(versions())


def versions() -> str:
    return f"node {NODE_VERSION}, {fingerprint([PINS], ROOT)}"


def _require_compiler(family: Family) -> None:
    """n8n's database driver is built here: its finished form lies on servers that not everybody can reach."""
    if shutil.which("make") and shutil.which("g++"):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Stop("n8n needs make and g++. On Debian and Ubuntu: sudo apt install build-essential")
    apt_install(family, "build-essential")


def _install_node(family: Family, npm: list[str], path: str) -> None:
    (FOLDER / "node").mkdir(parents=True)
    family.run(
        f"Fetching Node {NODE_VERSION} (some seconds)",
        [
            *npm,
            "install",
            "--prefix",
            FOLDER / "node",
            "--cache",
            FOLDER / "npm-cache",
            *QUIETLY,
            f"node@{NODE_VERSION}",
        ],
        log=LOG,
        env=_npm_environment(path),
        advice="Check the network (npm must reach its registry) and start again.",
    )


def _install_n8n(family: Family, npm: list[str], path: str) -> None:
    """Without the install scripts of its 2,000 packages, some of which download and build things that nobody here
    uses; then the one that is needed is built.
    """
    for file in PINS.iterdir():
        shutil.copy(file, FOLDER)
    env = _npm_environment(f"{node_home() / 'bin'}{os.pathsep}{path}") | {
        # Node's headers are in its package, so that nothing is asked of any other server.
        "npm_config_nodedir": str(node_home()),
        "npm_config_build_from_source": "true",
    }
    where = ["--prefix", str(FOLDER), "--cache", str(FOLDER / "npm-cache")]
    family.run(
        "Fetching n8n (2 to 10 minutes)",
        [*npm, "install", *where, "--legacy-peer-deps", "--ignore-scripts", "--omit=dev", *QUIETLY],
        log=LOG,
        env=env,
        advice="Check the network (npm must reach its registry) and the disk (2.5 GB), and start again.",
    )
    family.run(
        "Building its database driver (1 to 4 minutes)",
        [*npm, "rebuild", "sqlite3", *where, *QUIETLY],
        log=LOG,
        env=env,
        advice="It needs python3, make and g++.",
    )


def _npm_environment(path: str) -> dict[str, str]:
    return {**os.environ, "PATH": path, "npm_config_update_notifier": "false"}


def node_home() -> Path:
    """The folder with bin/node and include/node; npm puts it deeper or less deep as it likes."""
    headers = next((FOLDER / "node" / "node_modules").glob("**/include/node/node.h"), None)
    if headers is None:
        raise Stop(f"Node {NODE_VERSION} from npm is not complete for this machine. Delete .tools/n8n and start again.")
    return headers.parent.parent.parent
