"""`manage.py run`: everything a clinic needs, on one port, until Ctrl-C."""

import argparse
import os
import socket
import time
from functools import partial

from tools import database, services, tls
from tools.bun import install_bun
from tools.frontend import build
from tools.packages import install_packages
from tools.places import LOGS, address, http_port, is_on_this_machine
from tools.processes import Family
from tools.say import Stop, shown
from tools.services import Service


def run(arguments: list[str]) -> None:
    """Set up what is missing, start everything, and keep it running."""
    with Family("run") as family:
        open_clinic(family, arguments)


def open_clinic(family: Family, arguments: list[str], *beside: Service) -> None:
    """Open the clinic and watch over it until Ctrl-C, and over what already runs beside it."""
    options = _options(arguments)
    if options.tls is not None:
        install_packages(family)
        tls.use(options.tls)
    url, port = address()
    require_free(port)
    install_packages(family)
    install_bun(family)
    postgres = _own_postgres(family)
    urls = database.urls_of(postgres.child) if postgres else database.given_urls()
    assert urls
    database.migrate(family, urls)
    accounts = _demo(family, urls, url) if not options.empty else []
    database_url = urls.app
    site = build(family)
    web = Service("The web worker", lambda: services.start_web(family, site, database_url), LOGS / "web.log")
    scheduler = Service("The scheduler", lambda: services.start_scheduler(family, database_url), LOGS / "scheduler.log")
    redirect = _redirect(family, url, port) if options.tls is not None else []
    try:
        web.start()
        services.wait_until_open(web.child, port)
        # Only now, so that people do not wait for it: what it does keeps for some seconds.
        scheduler.start()
        _welcome(url, accounts)
        for service in redirect:
            service.start()
        _watch(family, *([postgres] if postgres else []), web, scheduler, *redirect, *beside)
    except KeyboardInterrupt:
        print("\nClosing …", flush=True)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py run", description=run.__doc__)
    parser.add_argument("--empty", action="store_true", help="do not load the demo clinic into an empty database")
    parser.add_argument(
        "--tls",
        nargs="*",
        metavar="FILE",
        help="serve https: a certificate with its chain, and its key; without files one of this machine's own making",
    )
    return parser.parse_args(arguments)


def require_free(port: int) -> None:
    if _is_taken(port):
        raise Stop(
            f"Port {port} is taken by another program. Stop it, or choose another port: "
            f"MEDCAL_PORT={port + 1} python3 manage.py run"
        )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _redirect(family: Family, url: str, port: int) -> list[Service]:
    """Beside https, plain http leads there, unless something else answers on its port."""
    plain = http_port(port)
    if _is_taken(plain):
        print(f"Port {plain} is taken: plain http does not lead to https. MEDCAL_HTTP_PORT chooses another.")
        return []
    begin = partial(services.start_redirect, family, url, plain)
    return [Service("What leads from http to https", begin, LOGS / "redirect.log")]


def _own_postgres(family: Family) -> Service | None:
    if os.environ.get("DATABASE_URL"):
        return None
    postgres = Service("PostgreSQL's keeper", lambda: database.start_postgres(family))
    postgres.start()
    return postgres


def _demo(family: Family, urls: database.Urls, url: str) -> list[dict[str, str]]:
    """The demo's passwords are public, so it does not load itself where others could sign in."""
    if is_on_this_machine(url):
        return database.load_demo(family, urls)
    print(f"No demo clinic, since {url} is open to others. `python3 manage.py seed` loads it all the same.")
    return []


def _welcome(url: str, accounts: list[dict[str, str]]) -> None:
    print(f"\nMedcal is open.\n  Patients  {url}\n  Staff     {url}/staff\n")
    if accounts:
        print("Demo accounts")
        for account in accounts:
            print(f"  {account['role']:10} {account['email']:22} {account['password']}")
    print(f"\nCtrl-C closes the clinic. Logs are in {shown(LOGS)}.", flush=True)


def _watch(family: Family, *running: Service) -> None:
    while True:
        time.sleep(0.3)
        for service in running:
            service.look_after(family)
