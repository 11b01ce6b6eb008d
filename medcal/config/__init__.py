"""Settings, read once from the environment and checked at the start; nothing outside of this folder reads os.environ."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

from medcal.config.keys import read_data_keys, read_secret_key
from medcal.config.messages import Smtp, callback_secret, read_smtp, webhook_url, webhook_urls
from medcal.config.reading import BadSetting, address, is_allowed, postgres, whole_number
from medcal.config.sign_in import IDLE_MINUTES, Oidc, idle_minutes, keeps_local_accounts, read_oidc, second_step

__all__ = ["PROJECT", "BadSetting", "Keeps", "Oidc", "Settings", "Smtp", "public_url", "settings"]

PROJECT = Path(__file__).resolve().parents[2]
# By table: what changed, and who looked at what.
AUDIT_DAYS: Mapping[str, int] = {"event": 3650, "access_record": 365}


@dataclass(frozen=True)
class Keeps:
    """How long what is kept about patients stays, in whole days or months of the clinic's calendar; 0 is for ever.

    Counted from the last visit, from the visit, from the message, from the end of the wish, and from when the time was held.
    """

    patients_months: int = 36
    notes_months: int = 12
    messages_days: int = 180
    wishes_days: int = 180
    holds_days: int = 30


@dataclass(frozen=True)
class Settings:
    """What the environment says. `url` has no trailing slash; secrets never appear in `repr`."""

    url: str
    port: int
    home: Path
    database_url: str = field(repr=False)
    secret_key: bytes = field(repr=False)
    # What people write in their own words is sealed with the first, and opened with any.
    data_keys: tuple[bytes, ...] = field(repr=False)
    n8n_webhook_url: str | None = field(repr=False)
    # Those of single kinds, by what follows N8N_WEBHOOK_URL_ in their names.
    n8n_webhook_urls: Mapping[str, str] = field(repr=False)
    n8n_webhook_secret: bytes = field(repr=False)
    n8n_callback_secret: bytes = field(repr=False)
    expects_callbacks: bool
    webhook_allow_private: bool
    smtp: Smtp | None
    redis_url: str | None = field(repr=False)
    trusted_proxy_hops: int = 0
    hsts_subdomains: bool = True
    oidc: Oidc | None = None
    keeps_local_accounts: bool = True
    # Who must have a second step to sign in with a password here: nobody, admins or everybody.
    second_step: str = "nobody"
    # How long the staff stay signed in without use, by role, and at most.
    idle_minutes: Mapping[str, int] = field(default_factory=lambda: dict(IDLE_MINUTES))
    session_hours: int = 12
    keeps: Keeps = field(default_factory=Keeps)
    # For how many days the history, and who looked at what, are kept at least; 0 is for ever.
    audit_days: Mapping[str, int] = field(default_factory=lambda: dict(AUDIT_DAYS))
    # Whose the tables are, where the application works under a role of its own; only migrations know it.
    owner_database_url: str | None = field(default=None, repr=False)

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def keeps_messages(self) -> bool:
        """Whether nothing is configured, so that the built-in outbox is where messages arrive."""
        return not (self.n8n_webhook_url or self.n8n_webhook_urls or self.smtp)

    def webhook_url(self, kind: str) -> str | None:
        """Where messages of a kind are posted: to their own address where they have one, else to that of all."""
        return self.n8n_webhook_urls.get(kind.replace(".", "_").upper(), self.n8n_webhook_url)


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises BadSetting with a sentence for the operator when one of them makes no sense.
    """
    home = Path(os.environ.get("MEDCAL_HOME") or PROJECT / ".medcal")
    port = whole_number("MEDCAL_PORT", 8000, 1, 65535)
    secret_key = read_secret_key(home)
    return Settings(
        url=public_url(f"http://localhost:{port}"),
        port=port,
        home=home,
        database_url=_database_url(),
        secret_key=secret_key,
        data_keys=read_data_keys(secret_key),
        n8n_webhook_url=webhook_url("N8N_WEBHOOK_URL") if os.environ.get("N8N_WEBHOOK_URL") else None,
        n8n_webhook_urls=webhook_urls(),
        n8n_webhook_secret=os.environ.get("N8N_WEBHOOK_SECRET", "").encode(),
        n8n_callback_secret=callback_secret(),
        expects_callbacks=bool(os.environ.get("N8N_CALLBACK_SECRET")),
        webhook_allow_private=is_allowed("WEBHOOK_ALLOW_PRIVATE"),
        smtp=read_smtp() if os.environ.get("SMTP_HOST") else None,
        redis_url=os.environ.get("REDIS_URL") or None,
        trusted_proxy_hops=whole_number("TRUSTED_PROXY_HOPS", 0, 0, 10),
        hsts_subdomains=not is_allowed("HSTS_THIS_HOST_ALONE"),
        oidc=read_oidc() if os.environ.get("OIDC_ISSUER") else None,
        keeps_local_accounts=keeps_local_accounts(),
        second_step=second_step(),
        idle_minutes=idle_minutes(),
        session_hours=whole_number("SESSION_HOURS", 12, 1, 168),
        keeps=_keeps(),
        audit_days={
            "event": whole_number("AUDIT_HISTORY_DAYS", AUDIT_DAYS["event"], 0, 32000),
            "access_record": whole_number("AUDIT_ACCESS_DAYS", AUDIT_DAYS["access_record"], 0, 32000),
        },
        owner_database_url=postgres("OWNER_DATABASE_URL") if os.environ.get("OWNER_DATABASE_URL") else None,
    )


def public_url(default: str = "http://localhost:8000") -> str:
    """Where people open the clinic, without a trailing slash. Raises BadSetting."""
    return address("MEDCAL_URL", default)


def _keeps() -> Keeps:
    """KEEP_PATIENTS_MONTHS, KEEP_MESSAGES_DAYS and so on: each up to a hundred years."""
    of_a_hundred_years = {"months": 1_200, "days": 36_500}
    found = {
        each.name: whole_number(
            f"KEEP_{each.name.upper()}", getattr(Keeps, each.name), 0, of_a_hundred_years[each.name.partition("_")[2]]
        )
        for each in fields(Keeps)
    }
    return Keeps(**found)


def _database_url() -> str:
    if not os.environ.get("DATABASE_URL"):
        raise BadSetting("DATABASE_URL is not set. `python3 manage.py run` starts a server and sets it.")
    return postgres("DATABASE_URL")
