"""Settings, read once from the environment and checked at the start; nothing else reads os.environ."""

import os
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent


class BadSetting(Exception):
    """An environment variable that Medcal cannot work with; the text says which and why."""


@dataclass(frozen=True)
class Settings:
    """What the environment says. `url` has no trailing slash; secrets never appear in `repr`."""

    url: str
    port: int
    home: Path
    database_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    n8n_webhook_url: str | None = field(repr=False)
    n8n_webhook_secret: bytes = field(repr=False)
    redis_url: str | None = field(repr=False)
    trusted_proxy_hops: int = 0

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises BadSetting with a sentence for the operator when one of them makes no sense.
    """
    home = Path(os.environ.get("MEDCAL_HOME") or PROJECT / ".medcal")
    port = _whole_number("MEDCAL_PORT", 8000, 1, 65535)
    return Settings(
        url=public_url(f"http://localhost:{port}"),
        port=port,
        home=home,
        database_url=_database_url(),
        secret_key=_secret_key(home),
        n8n_webhook_url=_webhook_url(),
        n8n_webhook_secret=os.environ.get("N8N_WEBHOOK_SECRET", "").encode(),
        redis_url=os.environ.get("REDIS_URL") or None,
        trusted_proxy_hops=_whole_number("TRUSTED_PROXY_HOPS", 0, 0, 10),
    )


def public_url(default: str = "http://localhost:8000") -> str:
    """Where people open the clinic, without a trailing slash. Raises BadSetting."""
    return _address("MEDCAL_URL", default)


def _whole_number(name: str, default: int, least: int, most: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise BadSetting(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def _address(name: str, default: str) -> str:
    text = (os.environ.get(name) or default).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise BadSetting(f"{name} must be an address like https://clinic.example, without a path.")
    return text


def _database_url() -> str:
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        raise BadSetting("DATABASE_URL is not set. `python3 manage.py run` starts a server and sets it.")
    if not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise BadSetting("DATABASE_URL must name a PostgreSQL database: postgresql://user:password@host/name.")
    return "postgresql://" + url.split("://", 1)[1]


def _webhook_url() -> str | None:
    url = os.environ.get("N8N_WEBHOOK_URL") or None
    if url is None:
        return None
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadSetting("N8N_WEBHOOK_URL must begin with https:// or http://.")
    if len(os.environ.get("N8N_WEBHOOK_SECRET", "")) < 24:
        raise BadSetting("N8N_WEBHOOK_SECRET must be set with N8N_WEBHOOK_URL and have 24 characters or more.")
    return url


def _secret_key(home: Path) -> bytes:
    if text := os.environ.get("MEDCAL_SECRET_KEY"):
        if len(text) < 32:
            raise BadSetting("MEDCAL_SECRET_KEY must have 32 characters or more.")
        return text.encode()
    path = home / "secret-key"
    home.mkdir(parents=True, exist_ok=True)
    try:
        # Exclusive: of several processes that start at once, one writes the key and the others read it.
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _wait_for_key(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_bytes()


def _wait_for_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < 32:
        raise BadSetting(f"{path} is not complete. Delete it and start again; links sent before stop working.")
    return key
