"""The small commands of manage.py: each prepares what it needs, does one thing and ends."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

from tools import database, n8n, services
from tools.bun import bun_environment, install_bun
from tools.chromium import find_chromium
from tools.frontend import build as build_pages
from tools.packages import install_packages
from tools.places import HOME, PYTHON, ROOT, environment
from tools.processes import Command, Family
from tools.say import Stop

BENCH = HOME / "bench-postgres"
# A checkpoint in the middle of one of two things that are compared would stop it for seconds.
SERVER_TO_MEASURE = ["shared_buffers=1GB", "checkpoint_timeout=1h", "max_wal_size=16GB"]
SIMULATION = HOME / "simulation-postgres"


def dev(arguments: list[str]) -> int:
    """Reflex in its preview mode: one port like the real thing, with sign-in and API, and built again at each change."""
    with Family("run") as family:
        install_packages(family)
        install_bun(family)
        url = _ready_database(family)
        env = environment(DATABASE_URL=url, **bun_environment())
        family.start([PYTHON, "-m", "medcal.scheduler"], env=env)
        host, _ = services.host_and_port()
        return family.attend(
            [PYTHON, "-m", "reflex", "run", "--env", "preview", "--backend-host", host, *arguments], env
        )


def seed(arguments: list[str]) -> None:
    with Family() as family:
        url = _ready_databases(family).owner
        subprocess.run(
            [PYTHON, "-m", "medcal.demo", *arguments], cwd=ROOT, env=environment(DATABASE_URL=url), check=True
        )


def user(arguments: list[str]) -> int:
    """Staff accounts: the first admin of a clinic that began without the demo."""
    with Family() as family:
        url = _ready_database(family)
        return family.attend([PYTHON, "-m", "medcal.users", *arguments], environment(DATABASE_URL=url))


def keys(arguments: list[str]) -> int:
    """What lies sealed in the database, and the keys to it."""
    with Family() as family:
        url = _ready_database(family)
        return family.attend([PYTHON, "-m", "medcal.keys", *arguments], environment(DATABASE_URL=url))


def audit(arguments: list[str]) -> int:
    """Whether the history is whole, and who looked at what. The figures alone go to standard output, to be sent into a file."""
    with Family() as family:
        with redirect_stdout(sys.stderr):
            url = _ready_database(family)
        return family.attend([PYTHON, "-m", "medcal.audit", *arguments], environment(DATABASE_URL=url))


def migrate(_: list[str]) -> None:
    with Family() as family:
        _ready_database(family)


def build(_: list[str]) -> None:
    with Family() as family:
        install_packages(family)
        install_bun(family)
        print(build_pages(family))


def worker(_: list[str]) -> int:
    with Family() as family:
        url = _ready_database(family)
        install_bun(family)
        site = build_pages(family)
        host, port = services.host_and_port()
        return _serve(family, services.web_command(host, port), services.web_environment(site, url))


def scheduler(_: list[str]) -> int:
    with Family() as family:
        return _serve(family, [PYTHON, "-m", "medcal.scheduler"], environment(DATABASE_URL=_ready_database(family)))


def _serve(family: Family, command: Command, env: Mapping[str, str]) -> int:
    """Run a server until it ends or is told to, which is success for whoever told it."""
    try:
        return family.attend(command, env)
    except KeyboardInterrupt:
        return 0


def shell(_: list[str]) -> int:
    """Python with a transaction at hand: `with transaction() as db: …`."""
    start = (
        "from sqlmodel import select; from medcal import clock, models, services; from medcal.db import transaction; "
        "print('with transaction() as db: db.exec(select(models.Doctor)).all()')"
    )
    with Family() as family:
        return family.attend([PYTHON, "-i", "-c", start], environment(DATABASE_URL=_ready_database(family)))


def psql(arguments: list[str]) -> int:
    with Family() as family:
        url = _ready_databases(family).owner
        where: Command = [PYTHON, "-c", "from medcal.postgres_home import find_binaries; print(find_binaries())"]
        binaries = subprocess.run(where, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
        return family.attend([Path(binaries) / "psql", url, *arguments], environment())


def bench(arguments: list[str]) -> int:
    """Measure on a server of its own, set up like the clinic's, so that the clinic's data stays out of it."""
    with Family("bench") as family:
        install_packages(family)
        install_bun(family)
        site = build_pages(family)
        url = database.url_of(database.start_postgres(family, BENCH, *SERVER_TO_MEASURE))
        browser = find_chromium(family)
        env = environment(
            DATABASE_URL=url, TEST_DATABASE_ADMIN_URL=url, TEST_SITE=str(site), TEST_CHROMIUM=str(browser)
        )
        return family.attend([PYTHON, "-m", "bench", *arguments], env)


def statistics(arguments: list[str]) -> int:
    """The figures alone go to standard output, so that they can be sent into a file; what is prepared is told beside it."""
    with Family() as family:
        with redirect_stdout(sys.stderr):
            url = _ready_database(family)
        return family.attend([PYTHON, "-m", "medcal.statistics", *arguments], environment(DATABASE_URL=url))


def simulate(arguments: list[str]) -> int:
    """Play weeks of a clinic on a server of its own, which keeps nothing."""
    with Family("simulate") as family:
        install_packages(family)
        server = database.start_postgres(family, SIMULATION, *database.FORGETFUL)
        env = environment(DATABASE_URL=database.url_of(server))
        return family.attend([PYTHON, "-m", "simulate", *arguments], env)


def tidy(_: list[str]) -> None:
    """Mend what the style checks can mend by themselves."""
    with Family() as family:
        install_packages(family)
    for command in (["check", "--fix"], ["format"]):
        subprocess.run([PYTHON, "-m", "ruff", *command], cwd=ROOT)


def reset(arguments: list[str]) -> None:
    """Delete the embedded database, and the n8n of `manage.py n8n` with its mails; what is installed and built stays."""
    if os.environ.get("DATABASE_URL"):
        raise Stop("DATABASE_URL names a server that is not ours to empty. Drop the database there.")
    with Family("run"):
        if "--yes" not in arguments and not _agrees("This deletes all appointments and patients of this clinic."):
            raise Stop("Nothing was deleted. `reset --yes` does not ask.")
        database.forget()
        shutil.rmtree(n8n.FOLDER, ignore_errors=True)
        print("Deleted. The next `manage.py run` begins with a new clinic.")


def _agrees(what: str) -> bool:
    try:
        return input(f"{what} Type yes to go on: ").strip().lower() == "yes"
    except EOFError:
        return False


def _ready_database(family: Family) -> str:
    """Where the running clinic's own role connects, the tables up to date."""
    return _ready_databases(family).app


def _ready_databases(family: Family) -> database.Urls:
    install_packages(family)
    urls = database.open_database(family)
    database.migrate(family, urls)
    return urls
