"""`manage.py n8n`: the clinic with a real n8n beside it, and a mailbox in which its mails can be seen."""

import json
import os
import secrets
from pathlib import Path

from n8n import flows
from tools import n8n_instance
from tools.n8n_install import install
from tools.n8n_instance import Instance, MailServer, Secrets
from tools.packages import install_packages
from tools.places import HOME, LOGS, PYTHON, address
from tools.processes import Family
from tools.run import open_clinic, require_free
from tools.say import Stop, shown
from tools.services import Service

FOLDER = HOME / "n8n"
MAILS = FOLDER / "mails"
SECRETS = FOLDER / "secrets.json"
PORT = 5678
SHORTEST_SECRET = 24


def n8n(arguments: list[str]) -> None:
    """Set up n8n if it is missing, then do as `run` does, with every message going through n8n."""
    with Family("run") as family:
        instance = Instance(FOLDER, _port(), _secrets())
        for port in (address()[1], instance.port, instance.port + 1):
            require_free(port)
        mail = _mail_server(instance)
        install_packages(family)
        install(family)
        n8n_instance.import_workflows(family, instance, clinic=_clinic(), mail=mail, sms_header=_sms_header())
        beside = [_start(Service("n8n", lambda: n8n_instance.start(family, instance), LOGS / "n8n.log"))]
        n8n_instance.wait_until_ready(instance, beside[0].child)
        if not os.environ.get("SMTP_HOST"):
            beside.append(_start(_mailbox(family, mail.port)))
            print(
                f"Mails are kept in {shown(MAILS)}, one file each, and go nowhere. SMTP_HOST would name a real server."
            )
        os.environ.update(settings_for_clinic(instance))
        open_clinic(family, arguments, *beside)


def settings_for_clinic(instance: Instance) -> dict[str, str]:
    """What the clinic must know of its n8n: an address for each kind of message, and one for those without."""
    addresses = {
        f"N8N_WEBHOOK_URL_{kind.replace('.', '_').upper()}": instance.url_of(flow)
        for flow in flows.FLOWS
        for kind in flow.kinds
    }
    return {
        **addresses,
        "N8N_WEBHOOK_URL": instance.url_of(flows.ALL),
        "N8N_WEBHOOK_SECRET": instance.secrets.webhook,
        "N8N_CALLBACK_SECRET": instance.secrets.callback,
        # This n8n is on this machine, where webhooks are otherwise not sent.
        "WEBHOOK_ALLOW_PRIVATE": "1",
    }


def _start(service: Service) -> Service:
    service.start()
    return service


def _mailbox(family: Family, port: int) -> Service:
    """On our terminal: that a mail has left is what a newcomer wants to see."""
    return Service("The mailbox", lambda: family.start([PYTHON, "-m", "tools.mailbox", str(port), MAILS]))


def _port() -> int:
    given = os.environ.get("N8N_PORT") or str(PORT)
    if not given.isdecimal() or not 1 <= int(given) <= 65533:
        raise Stop(f"N8N_PORT must be a number, and is {given!r}.")
    return int(given)


def _clinic() -> flows.Settings:
    """n8n reaches the clinic on this machine, whatever its public address is."""
    _, port = address()
    sender = os.environ.get("SMTP_FROM", "")
    if os.environ.get("SMTP_HOST") and not sender:
        raise Stop("SMTP_FROM must say who the e-mails are from: appointments@clinic.example")
    gateway = os.environ.get("SMS_GATEWAY_URL", "")
    return flows.Settings(f"http://127.0.0.1:{port}", sender or flows.Settings().sender, gateway)


def _mail_server(instance: Instance) -> MailServer:
    host = os.environ.get("SMTP_HOST", "")
    if not host:
        return MailServer("127.0.0.1", instance.port + 2)
    security = os.environ.get("SMTP_SECURITY") or "starttls"
    usual = {"starttls": "587", "tls": "465", "none": "25"}
    if security not in usual:
        raise Stop("SMTP_SECURITY must be starttls, tls or none.")
    port = os.environ.get("SMTP_PORT") or usual[security]
    if not port.isdecimal():
        raise Stop(f"SMTP_PORT must be a number, and is {port!r}.")
    return MailServer(host, int(port), os.environ.get("SMTP_USER", ""), os.environ.get("SMTP_PASSWORD", ""), security)


def _sms_header() -> tuple[str, str]:
    """What the SMS provider knows us by. n8n wants a value also where there is no provider."""
    return "Authorization", os.environ.get("SMS_GATEWAY_AUTHORIZATION") or "none"


def _secrets() -> Secrets:
    """Made once and kept for this user alone; those of the environment go before."""
    kept = kept_secrets(SECRETS)
    webhook = os.environ.get("N8N_WEBHOOK_SECRET") or kept.webhook
    callback = os.environ.get("N8N_CALLBACK_SECRET") or kept.callback
    for name, value in {"N8N_WEBHOOK_SECRET": webhook, "N8N_CALLBACK_SECRET": callback}.items():
        if len(value) < SHORTEST_SECRET or value.startswith("whsec_"):
            raise Stop(
                f"{name} must have {SHORTEST_SECRET} characters or more, and not begin with whsec_ (for n8n it is text)."
            )
    return Secrets(webhook, callback, kept.encryption)


def kept_secrets(path: Path) -> Secrets:
    """What was made at the first start."""
    if not path.exists():
        made = {name: secrets.token_urlsafe(32) for name in Secrets.__dataclass_fields__}
        n8n_instance.write_private(path, json.dumps(made))
    try:
        return Secrets(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise Stop(f"{shown(path)} is not complete. Delete {shown(path.parent)} and start again.") from error
