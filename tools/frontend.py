"""The pages as the browser gets them: built when their sources have changed, complete or not at all."""

import json
import shutil
from pathlib import Path

from tools.bun import bun_environment
from tools.places import HOME, LOGS, PYTHON, ROOT, environment
from tools.processes import Family, alone
from tools.stamps import fingerprint

SOURCES = ["medcal", "assets", "reflex.lock", "rxconfig.py", "requirements.txt"]
# Reflex works in WORKSHOP; a finished build is copied to SITES/<fingerprint of its sources>.
WORKSHOP = ROOT / ".web"
MANIFEST = ROOT / "reflex.lock" / "package.json"
SITES = HOME / "sites"
UNFINISHED = SITES / "unfinished"
KEPT_SITES = 3


def site() -> Path:
    """Where the build of today's sources is, or will be: a folder for REFLEX_WEB_WORKDIR with build/client in it."""
    return SITES / fingerprint([ROOT / name for name in SOURCES], ROOT)


def build(family: Family) -> Path:
    """The finished build of today's sources, made now if need be."""
    if not site().exists():
        with alone(SITES / "lock"):
            if not site().exists():
                _build(family)
    return site()


def _build(family: Family) -> None:
    if UNFINISHED.exists():
        # A build that was killed may have left half an installed package.
        shutil.rmtree(WORKSHOP, ignore_errors=True)
    UNFINISHED.touch()
    # The build imports the application, which wants to be told of a database but does not call it.
    family.run(
        "Building the pages",
        [PYTHON, "-m", "reflex", "export", "--frontend-only", "--no-zip"],
        env=environment(**{"DATABASE_URL": "postgresql://", "REFLEX_WEB_WORKDIR": ".web", **bun_environment()}),
        log=LOGS / "build.log",
        advice="If a package could not be fetched, check the network (bun must reach npm's registry) and start again.",
    )
    part = SITES / "part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(WORKSHOP / "build" / "client", part / "build" / "client")
    # What Reflex has found out about the pages: without it the first worker builds them all once more to know.
    shutil.copytree(WORKSHOP / "backend", part / "backend")
    _write_manifest_as_bun_does()
    # The name is asked for only now: a build that installs something writes reflex.lock, a source of the next.
    if not site().exists():
        part.rename(site())
    UNFINISHED.unlink()
    _forget_old_sites()


def _write_manifest_as_bun_does() -> None:
    """Reflex leaves it on one line where nothing had to be installed: the same sources would then have two names."""
    if MANIFEST.exists():
        MANIFEST.write_text(json.dumps(json.loads(MANIFEST.read_text()), indent=2))


def _forget_old_sites() -> None:
    """Keep a few: a server that runs goes on serving its own."""
    sites = sorted((path for path in SITES.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for path in sites[:-KEPT_SITES]:
        shutil.rmtree(path, ignore_errors=True)
