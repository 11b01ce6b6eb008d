"""https without a proxy: `manage.py run --tls` and `manage.py certificate`."""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from tools.packages import install_packages
from tools.places import HOME, PYTHON, ROOT, environment
from tools.processes import Command, Family
from tools.say import Stop, shown
from tools.services import TLS

PORT = 8443


def certificate(names: list[str]) -> None:
    """Make a certificate for this machine and the names given, to try https with or for a clinic's own network."""
    with Family() as family:
        install_packages(family)
    made, key = make_certificate(names)
    print(f"Certificate: {shown(made)}\nKey:         {shown(key)}")
    print("Browsers warn of it until you tell them, or the machine, to trust it.")


def make_certificate(names: list[str]) -> tuple[Path, Path]:
    """The clinic's own certificate, made when there is none that is good for a month and for these names."""
    command: Command = [PYTHON, "-m", "medcal.certificate", HOME / "tls", *names]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise Stop(f"The certificate could not be made.\n{done.stderr.strip()[-600:]}")
    made, key = (Path(line) for line in done.stdout.split("\n")[:2])
    return made, key


def use(files: list[str]) -> None:
    """Serve https from now on: with a certificate and its key, or, without any, with one of this machine's own making.

    MEDCAL_URL must then begin with https://; without it the clinic opens on https://localhost:8443.
    """
    port = os.environ.get("MEDCAL_PORT")
    url = (os.environ.get("MEDCAL_URL") or f"https://localhost:{port or PORT}").rstrip("/")
    if urlsplit(url).scheme != "https":
        raise Stop(f"With --tls MEDCAL_URL must begin with https://, and is {url}.")
    os.environ["MEDCAL_URL"] = url
    os.environ["MEDCAL_PORT"] = port or str(urlsplit(url).port or 443)
    made, key = _checked(files) if files else make_certificate([urlsplit(url).hostname or "localhost"])
    os.environ[f"{TLS}CERTIFICATE"], os.environ[f"{TLS}KEYFILE"] = str(made), str(key)


def _checked(files: list[str]) -> tuple[Path, Path]:
    if len(files) != 2:
        raise Stop("--tls takes a certificate (with its chain) and its key: --tls fullchain.pem key.pem")
    made, key = (Path(name).expanduser().resolve() for name in files)
    for path, what in ((made, "BEGIN CERTIFICATE"), (key, "PRIVATE KEY")):
        try:
            content = path.read_text(errors="replace")
        except OSError as error:
            raise Stop(f"{path} cannot be read: {error.strerror}.") from None
        if what not in content:
            raise Stop(f"{path} is no PEM file with a {what.removeprefix('BEGIN ').lower()}.")
    if "BEGIN PRIVATE KEY" not in key.read_text():
        raise Stop(f"{key} must be in PKCS #8: openssl pkcs8 -topk8 -nocrypt -in {key.name} -out key8.pem")
    return made, key
