"""What single settings may look like. All raise BadSetting with a sentence for the operator."""

import os
from ipaddress import ip_address
from urllib.parse import urlsplit


class BadSetting(Exception):
    """An environment variable that Medcal cannot work with; the text says which and why."""


def whole_number(name: str, default: int, least: int, most: int) -> int:
    """The number that a variable says, or the default; from `least` to `most`."""
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise BadSetting(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def is_allowed(name: str) -> bool:
    """Whether a variable says 1; 0 and nothing are no."""
    text = os.environ.get(name) or "0"
    if text not in ("0", "1"):
        raise BadSetting(f"{name} must be 1 or 0.")
    return text == "1"


def address(name: str, default: str) -> str:
    """The address of a server, without a path and a slash at the end."""
    text = (os.environ.get(name) or default).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise BadSetting(f"{name} must be an address like https://clinic.example, without a path.")
    return text


def postgres(name: str) -> str:
    """The address of a PostgreSQL database, as psycopg writes it. The variable is set."""
    url = os.environ[name]
    if not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise BadSetting(f"{name} must name a PostgreSQL database: postgresql://user:password@host/name.")
    return "postgresql://" + url.split("://", 1)[1]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or in figures."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
