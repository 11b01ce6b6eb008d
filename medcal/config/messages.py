"""Where messages leave: the webhooks of n8n, and a mail server."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import urlsplit

from medcal.config.reading import BadSetting, is_allowed, is_loopback, whole_number

SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@dataclass(frozen=True)
class Smtp:
    """The mail server that messages go to straight. `security` is starttls, tls or none; `sender` may name the clinic."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    sender: str
    security: str


def read_smtp() -> Smtp:
    """The mail server; SMTP_HOST is set. Raises BadSetting."""
    host, security = os.environ["SMTP_HOST"], os.environ.get("SMTP_SECURITY") or "starttls"
    if security not in SMTP_PORTS:
        raise BadSetting("SMTP_SECURITY must be starttls, tls or none.")
    if security == "none" and not is_loopback(host) and not is_allowed("SMTP_ALLOW_PLAIN"):
        raise BadSetting(
            "SMTP_SECURITY=none would send letters readable for everybody on the way; SMTP_ALLOW_PLAIN=1 allows it."
        )
    sender = os.environ.get("SMTP_FROM", "")
    address = parseaddr(sender)[1]
    if not address.isascii() or address.count("@") != 1 or address.startswith("@") or address.endswith("@"):
        raise BadSetting(
            'SMTP_FROM must be set with SMTP_HOST: desk@clinic.example, or "The clinic" <desk@clinic.example>.'
        )
    return Smtp(
        host=host,
        port=whole_number("SMTP_PORT", SMTP_PORTS[security], 1, 65535),
        user=os.environ.get("SMTP_USER", ""),
        password=os.environ.get("SMTP_PASSWORD", ""),
        sender=sender,
        security=security,
    )


def webhook_urls() -> Mapping[str, str]:
    """Addresses of single kinds of messages, by what follows N8N_WEBHOOK_URL_. Raises BadSetting."""
    prefix = "N8N_WEBHOOK_URL_"
    names = [name for name, value in os.environ.items() if name.startswith(prefix) and value]
    return {name.removeprefix(prefix): webhook_url(name) for name in names}


def webhook_url(name: str) -> str:
    """An address that messages may be posted to; the variable is set. Raises BadSetting for plain http and private networks, unless allowed."""
    url = os.environ[name]
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSetting(f"{name} must begin with https:// or http:// and name a host.")
    if (parts.scheme == "http" or _is_private(parts.hostname)) and not is_allowed("WEBHOOK_ALLOW_PRIVATE"):
        raise BadSetting(
            f"{name} must be https:// and public. For a receiver on this machine or in your own network set WEBHOOK_ALLOW_PRIVATE=1."
        )
    if len(os.environ.get("N8N_WEBHOOK_SECRET", "")) < 24:
        raise BadSetting("N8N_WEBHOOK_SECRET must be set with N8N_WEBHOOK_URL and have 24 characters or more.")
    return url


def _is_private(host: str) -> bool:
    """Of addresses in figures alone; what a name stands for is looked at before each call."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def callback_secret() -> bytes:
    """What n8n signs its answers with; without one of their own, as messages are signed. Raises BadSetting."""
    secret = os.environ.get("N8N_CALLBACK_SECRET", "")
    if secret and len(secret) < 24:
        raise BadSetting("N8N_CALLBACK_SECRET must have 24 characters or more.")
    return (secret or os.environ.get("N8N_WEBHOOK_SECRET", "")).encode()
