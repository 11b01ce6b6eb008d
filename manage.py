#!/usr/bin/env python3
"""Medcal's one command.

    python3 manage.py run      opens a clinic on this machine: installs, builds, migrates and starts what it needs
    python3 manage.py test     proves that it works: checks, then all tests

Everything it makes lies in .venv, .tools, .web and .medcal; the environment variables are listed in README.md.
"""

import sys
from collections.abc import Callable

if sys.version_info < (3, 11):  # noqa: UP036 (this very file must say it on an older one)
    sys.exit("Medcal needs Python 3.11 or newer; this is {}.{}.".format(*sys.version_info))

from tools import check, commands, tls
from tools.n8n import n8n
from tools.run import run
from tools.say import Stop
from tools.texts import texts

COMMANDS: dict[str, tuple[Callable[[list[str]], int | None], str]] = {
    "run": (run, "open the clinic (--empty: without the demo; --tls: on https)"),
    "test": (check.test, "run all checks and tests; a part: `test e2e`, `test -k words`, `test tests/api/test_x.py`"),
    "dev": (commands.dev, "open it for work on the code: a change is built and shown at the next reload of the page"),
    "n8n": (n8n, "open it with a real n8n beside it, and see mails leave (10 minutes and 2.5 GB the first time)"),
    "seed": (commands.seed, "load the demo clinic into an empty database"),
    "user": (commands.user, "staff accounts: add, list, password, disable, enable (`user add -h`)"),
    "keys": (
        commands.keys,
        "`keys rotate`: seal all notes and reasons with the new MEDCAL_DATA_KEY, while the clinic works",
    ),
    "audit": (
        commands.audit,
        "`audit verify`: is the history whole; `audit export`: what changed and who looked, as CSV",
    ),
    "migrate": (commands.migrate, "bring the tables up to date"),
    "build": (commands.build, "build the pages if their sources have changed"),
    "certificate": (
        tls.certificate,
        "make a certificate for https on this machine: `certificate clinic.lan`, then `run --tls`",
    ),
    "worker": (commands.worker, "run one web worker (for servers: a process manager starts and watches it)"),
    "scheduler": (commands.scheduler, "run one scheduler (any number may run)"),
    "shell": (commands.shell, "a Python prompt on the clinic"),
    "psql": (commands.psql, "a SQL prompt on the clinic's database"),
    "statistics": (commands.statistics, "print the figures of earlier offers as CSV (--days 90)"),
    "bench": (commands.bench, "measure: bookings beside pgbench, availability, earlier offers, clicks"),
    "simulate": (commands.simulate, "play weeks of the clinic: `simulate offers` compares policies of earlier offers"),
    "texts": (texts, "gather the texts of the pages for translators, and show what is not translated"),
    "tidy": (commands.tidy, "format the code and mend what the style check can mend by itself"),
    "reset": (commands.reset, "delete the clinic's data and begin anew (asks first)"),
}


def main(arguments: list[str]) -> int:
    name, *rest = arguments or ["help"]
    if name not in COMMANDS:
        print(__doc__)
        for command, (_, what) in COMMANDS.items():
            print(f"    {command:10} {what}")
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        return COMMANDS[name][0](rest) or 0
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename} belongs to somebody else: start as its owner, or delete it.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
