"""Which way a message goes: n8n, SMTP, the built-in outbox, or reception's telephone."""

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from medcal.config import settings
from medcal.services.letter_kinds import LETTERS

# Mails to the owner of an account; the only kind that is no letter to a patient.
ACCOUNT = "account"


class Way(StrEnum):
    """`outbox` is for a clinic that has configured nothing, `call` for what nothing that is configured can carry."""

    n8n = "n8n"
    smtp = "smtp"
    outbox = "outbox"
    call = "call"


def way_for(kind: str, channel: str) -> Way:
    """The way of a message: n8n for mail and text messages, else SMTP for mail; what is left somebody must say on the phone."""
    now = settings()
    if channel == "call":
        return Way.call
    if now.keeps_messages:
        return Way.outbox
    if now.webhook_url(kind):
        return Way.n8n
    return Way.smtp if now.smtp and channel == "email" else Way.call


class Configured(NamedTuple):
    """A way that is open, and where it leads: never a path, a password or a secret."""

    way: Way
    where: str
    kind: str = ""


def configured() -> list[Configured]:
    """What the environment opens, for the page of settings. `kind` is that of an address of its own."""
    now, found = settings(), list[Configured]()
    if now.n8n_webhook_url:
        found.append(Configured(Way.n8n, urlsplit(now.n8n_webhook_url).hostname or ""))
    for kind in (*LETTERS, ACCOUNT):
        url = now.webhook_url(kind)
        if url and url != now.n8n_webhook_url:
            found.append(Configured(Way.n8n, urlsplit(url).hostname or "", kind))
    if now.smtp:
        found.append(Configured(Way.smtp, f"{now.smtp.host}:{now.smtp.port}"))
    return found or [Configured(Way.outbox, "")]


def unknown_kinds() -> list[str]:
    """The names of variables N8N_WEBHOOK_URL_… that fit no kind of message: slips of the pen."""
    known = {kind.replace(".", "_").upper() for kind in (*LETTERS, ACCOUNT)}
    return [f"N8N_WEBHOOK_URL_{name}" for name in settings().n8n_webhook_urls if name not in known]
