"""A real provider of identity for the browser tests, from npm: certified, run by the bun that also builds the pages."""

import os
import shutil
from pathlib import Path

from tools.bun import BUN, bun_environment
from tools.places import LOGS, ROOT, TOOLS, environment
from tools.processes import Command, Family, alone
from tools.say import Stop
from tools.stamps import fingerprint, is_stamped

SOURCES = ROOT / "tests" / "oidc"
FOLDER = TOOLS / "oidc"
INSTALLED = FOLDER / "medcal-installed"


def install(family: Family) -> Command:
    """How to start the provider, which is fetched now if need be. Stops where there is no bun or no registry to fetch it from."""
    bun = Path(os.environ.get("REFLEX_BUN_PATH") or BUN)
    if not bun.exists():
        raise Stop("The provider of identity for tests needs the bun in .tools, which npm could not bring.")
    wanted = fingerprint([SOURCES], ROOT)
    if not is_stamped(INSTALLED, wanted):
        with alone(TOOLS / "setup.lock"):
            if not is_stamped(INSTALLED, wanted):
                _fetch(family, bun)
                INSTALLED.write_text(wanted)
    return [bun, FOLDER / "provider.mjs"]


def _fetch(family: Family, bun: Path) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(SOURCES, FOLDER)
    family.run(
        "Fetching a provider of identity for tests",
        [bun, "install", "--cwd", FOLDER, "--frozen-lockfile", "--ignore-scripts", "--no-progress"],
        log=LOGS / "oidc.log",
        env=environment(**bun_environment()),
        advice="Check the network (bun must reach npm's registry). The tests with a real provider are left out.",
    )
