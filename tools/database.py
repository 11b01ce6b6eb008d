"""The clinic's database: DATABASE_URL where it is set, else the embedded server, started by medcal.postgres."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.places import HOME, LOGS, PYTHON, ROOT, environment
from tools.processes import Child, Command, Family
from tools.say import Step, Stop

EMBEDDED = HOME / "postgres"
# Tests throw their databases away: nothing in them survives a power cut or grows old. A vacuum, which runs with more
# rights than the clinic's role has, would also keep a database from being dropped.
FORGETFUL = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]


def start_postgres(family: Family, folder: Path = EMBEDDED, *settings: str) -> Child:
    """Start the embedded server, or share the one that runs; it lasts as long as the process that comes back."""
    command: Command = [PYTHON, "-m", "medcal.postgres", folder, *settings]
    return family.start(command, stdout=subprocess.PIPE, stops_last=True)


class Urls(NamedTuple):
    """Where the owner of the tables connects, and where the running clinic does; the same where only one is set."""

    owner: str
    app: str


def url_of(server: Child) -> str:
    """The URL of the embedded server's owner, for what makes databases of its own."""
    return urls_of(server).owner


def urls_of(server: Child) -> Urls:
    """Wait until the embedded server answers, as long as a recovery may take, and return its URLs."""
    assert server.stdout
    with Step("Starting PostgreSQL"):
        url = server.stdout.readline().decode().strip()
        if not url:
            raise Stop(
                "The embedded PostgreSQL does not start; the reason is above. DATABASE_URL can name another server."
            )
        app = server.stdout.readline().decode().strip()
    return Urls(url, app)


def given_urls() -> Urls | None:
    """What the environment names; nothing where the embedded server is to be used."""
    app = os.environ.get("DATABASE_URL")
    return Urls(os.environ.get("OWNER_DATABASE_URL") or app, app) if app else None


def open_database(family: Family) -> Urls:
    """The URLs of the clinic's database, its server running."""
    return given_urls() or urls_of(start_postgres(family))


def migrate(family: Family, urls: Urls) -> None:
    family.run(
        "Bringing the tables up to date",
        [PYTHON, "-m", "medcal.migrate"],
        env=environment(DATABASE_URL=urls.app, OWNER_DATABASE_URL=urls.owner),
        log=LOGS / "migrate.log",
        advice="Nothing was half changed. Is DATABASE_URL right, and may its role create tables?"
        if os.environ.get("DATABASE_URL")
        else "Nothing was half changed: all migrations are applied, or none.",
    )


def load_demo(family: Family, urls: Urls) -> list[dict[str, str]]:
    """Load the demo clinic into an empty database and return its accounts: email, role, password.

    Done once: a clinic that was emptied on purpose stays empty.
    """
    accounts = _accounts_of(urls.app)
    if not accounts.exists():
        env = environment(DATABASE_URL=urls.owner)
        advice = "`python3 manage.py run --empty` starts without it."
        family.run(
            "Loading the demo clinic", [PYTHON, "-m", "medcal.demo"], env=env, log=LOGS / "demo.log", advice=advice
        )
        answer = subprocess.run(
            [PYTHON, "-m", "medcal.demo", "--accounts"], env=env, cwd=ROOT, capture_output=True, check=True
        )
        accounts.write_bytes(answer.stdout)
    found: list[dict[str, str]] = json.loads(accounts.read_text() or "[]")
    return found


def forget(folder: Path = EMBEDDED) -> None:
    """Delete the embedded server's data, wherever it lies."""
    for path in (_home_of(folder), folder):
        shutil.rmtree(path, ignore_errors=True)


def forget_if_crowded(folder: Path, limit: int = 25) -> None:
    """Tests that were killed leave their databases; beginning anew is quicker than asking which."""
    databases = _home_of(folder) / "pgdata" / "base"
    if databases.is_dir() and len(list(databases.iterdir())) > limit:
        forget(folder)


def _home_of(folder: Path) -> Path:
    """Where medcal.postgres has settled: there, or where root's server can get."""
    note = folder / "moved-to"
    return Path(note.read_text()) if note.exists() else folder


def _accounts_of(url: str) -> Path:
    """Beside the data for the embedded server, so that both are deleted together."""
    if not os.environ.get("DATABASE_URL"):
        return EMBEDDED / "demo-accounts.json"
    return HOME / f"demo-accounts-{hashlib.sha256(url.encode()).hexdigest()[:12]}.json"
