"""Settings, read once from the environment and checked at the start; nothing else reads os.environ."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent


class BadSetting(Exception):
    """An environment variable that Medcal cannot work with; the text says which and why."""


@dataclass(frozen=True)
class Smtp:
    """The mail server that messages go to straight. `security` is starttls, tls or none; `sender` may name the clinic."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    sender: str
    security: str


@dataclass(frozen=True)
class Oidc:
    """The provider that the staff may sign in with; `issuer` exactly as the provider itself writes it.

    `roles` says which values of `roles_claim` give which role here; without a claim, roles are given here alone.
    `admits` is invited, accounts or roles: who may sign in for the first time. `trusts_email`: an address of which the provider
    does not say whether it is verified counts as verified.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scopes: str
    roles_claim: str
    roles: Mapping[str, str]
    admits: str
    allow_private: bool
    trusts_email: bool = False


# Minutes without use. Reception has the calendar on the screen all morning; who can change accounts should not leave that open.
IDLE_MINUTES: Mapping[str, int] = {"admin": 30, "reception": 240, "doctor": 120}


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
    port = _whole_number("MEDCAL_PORT", 8000, 1, 65535)
    secret_key = _secret_key(home)
    return Settings(
        url=public_url(f"http://localhost:{port}"),
        port=port,
        home=home,
        database_url=_database_url(),
        secret_key=secret_key,
        data_keys=_data_keys(secret_key),
        n8n_webhook_url=_webhook_url("N8N_WEBHOOK_URL") if os.environ.get("N8N_WEBHOOK_URL") else None,
        n8n_webhook_urls=_webhook_urls(),
        n8n_webhook_secret=os.environ.get("N8N_WEBHOOK_SECRET", "").encode(),
        n8n_callback_secret=_callback_secret(),
        expects_callbacks=bool(os.environ.get("N8N_CALLBACK_SECRET")),
        webhook_allow_private=_is_allowed("WEBHOOK_ALLOW_PRIVATE"),
        smtp=_smtp() if os.environ.get("SMTP_HOST") else None,
        redis_url=os.environ.get("REDIS_URL") or None,
        trusted_proxy_hops=_whole_number("TRUSTED_PROXY_HOPS", 0, 0, 10),
        hsts_subdomains=not _is_allowed("HSTS_THIS_HOST_ALONE"),
        oidc=_oidc() if os.environ.get("OIDC_ISSUER") else None,
        keeps_local_accounts=_keeps_local_accounts(),
        second_step=_second_step(),
        idle_minutes=_idle_minutes(),
        session_hours=_whole_number("SESSION_HOURS", 12, 1, 168),
        keeps=_keeps(),
        audit_days={
            "event": _whole_number("AUDIT_HISTORY_DAYS", AUDIT_DAYS["event"], 0, 32000),
            "access_record": _whole_number("AUDIT_ACCESS_DAYS", AUDIT_DAYS["access_record"], 0, 32000),
        },
        owner_database_url=_postgres("OWNER_DATABASE_URL") if os.environ.get("OWNER_DATABASE_URL") else None,
    )


def public_url(default: str = "http://localhost:8000") -> str:
    """Where people open the clinic, without a trailing slash. Raises BadSetting."""
    return _address("MEDCAL_URL", default)


def _idle_minutes() -> Mapping[str, int]:
    """`admin=15,doctor=60` changes these two; what is not named stays as it is. Use is noted once a minute, so few minutes are the least."""
    found = dict(IDLE_MINUTES)
    for pair in (os.environ.get("SESSION_IDLE_MINUTES") or "").split(","):
        role, _, minutes = pair.strip().partition("=")
        if not role and not minutes:
            continue
        if role not in found or not minutes.isascii() or not minutes.isdigit() or not 5 <= int(minutes[:9]) <= 10080:
            raise BadSetting(
                "SESSION_IDLE_MINUTES must be like admin=30,reception=240,doctor=120, in minutes from 5 to 10080."
            )
        found[role] = int(minutes)
    return found


def _keeps() -> Keeps:
    """KEEP_PATIENTS_MONTHS, KEEP_MESSAGES_DAYS and so on: each up to a hundred years."""
    of_a_hundred_years = {"months": 1_200, "days": 36_500}
    found = {
        each.name: _whole_number(
            f"KEEP_{each.name.upper()}", getattr(Keeps, each.name), 0, of_a_hundred_years[each.name.partition("_")[2]]
        )
        for each in fields(Keeps)
    }
    return Keeps(**found)


def _second_step() -> str:
    who = os.environ.get("SECOND_STEP") or "nobody"
    if who not in ("nobody", "admins", "everybody"):
        raise BadSetting("SECOND_STEP must be nobody, admins or everybody.")
    return who


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
    if not os.environ.get("DATABASE_URL"):
        raise BadSetting("DATABASE_URL is not set. `python3 manage.py run` starts a server and sets it.")
    return _postgres("DATABASE_URL")


def _postgres(name: str) -> str:
    url = os.environ[name]
    if not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        raise BadSetting(f"{name} must name a PostgreSQL database: postgresql://user:password@host/name.")
    return "postgresql://" + url.split("://", 1)[1]


def _is_allowed(name: str) -> bool:
    text = os.environ.get(name) or "0"
    if text not in ("0", "1"):
        raise BadSetting(f"{name} must be 1 or 0.")
    return text == "1"


def _webhook_urls() -> Mapping[str, str]:
    prefix = "N8N_WEBHOOK_URL_"
    names = [name for name, value in os.environ.items() if name.startswith(prefix) and value]
    return {name.removeprefix(prefix): _webhook_url(name) for name in names}


def _webhook_url(name: str) -> str:
    url = os.environ[name]
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadSetting(f"{name} must begin with https:// or http:// and name a host.")
    if (parts.scheme == "http" or _is_private(parts.hostname)) and not _is_allowed("WEBHOOK_ALLOW_PRIVATE"):
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


def _callback_secret() -> bytes:
    secret = os.environ.get("N8N_CALLBACK_SECRET", "")
    if secret and len(secret) < 24:
        raise BadSetting("N8N_CALLBACK_SECRET must have 24 characters or more.")
    return (secret or os.environ.get("N8N_WEBHOOK_SECRET", "")).encode()


SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _smtp() -> Smtp:
    host, security = os.environ["SMTP_HOST"], os.environ.get("SMTP_SECURITY") or "starttls"
    if security not in SMTP_PORTS:
        raise BadSetting("SMTP_SECURITY must be starttls, tls or none.")
    if security == "none" and not _is_loopback(host) and not _is_allowed("SMTP_ALLOW_PLAIN"):
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
        port=_whole_number("SMTP_PORT", SMTP_PORTS[security], 1, 65535),
        user=os.environ.get("SMTP_USER", ""),
        password=os.environ.get("SMTP_PASSWORD", ""),
        sender=sender,
        security=security,
    )


ROLES = ("admin", "reception", "doctor")


def _oidc() -> Oidc:
    issuer = os.environ["OIDC_ISSUER"]
    host = _host_of_issuer(issuer)
    is_here = _is_loopback(host)
    if not issuer.startswith("https://") and not is_here:
        raise BadSetting("OIDC_ISSUER must begin with https://; http:// is for a provider on this machine.")
    return Oidc(
        issuer=issuer,
        client_id=_needed("OIDC_CLIENT_ID"),
        client_secret=_needed("OIDC_CLIENT_SECRET"),
        name=os.environ.get("OIDC_NAME") or host,
        scopes=_scopes(),
        roles_claim=os.environ.get("OIDC_ROLES_CLAIM", ""),
        roles=_roles(),
        admits=_admits(),
        allow_private=is_here or _is_allowed("OIDC_ALLOW_PRIVATE"),
        trusts_email=_is_allowed("OIDC_TRUST_EMAIL"),
    )


def _host_of_issuer(issuer: str) -> str:
    try:
        parts = urlsplit(issuer)
        if (
            parts.scheme in ("http", "https")
            and parts.hostname
            and not (parts.query or parts.fragment or parts.username)
        ):
            return parts.hostname
    except ValueError:
        pass
    raise BadSetting("OIDC_ISSUER must be an address like https://clinic.eu.auth0.com/, as the provider writes it.")


def _needed(name: str) -> str:
    if not (text := os.environ.get(name, "")):
        raise BadSetting(f"{name} must be set with OIDC_ISSUER.")
    return text


def _scopes() -> str:
    scopes = (os.environ.get("OIDC_SCOPES") or "openid profile email").split()
    if "openid" not in scopes:
        raise BadSetting("OIDC_SCOPES must name openid, and separate scopes by spaces.")
    return " ".join(scopes)


def _roles() -> Mapping[str, str]:
    """`front desk=reception,chief=admin`; without it the provider's values are called as the roles are here."""
    text = os.environ.get("OIDC_ROLES", "")
    pairs = [pair.rpartition("=") for pair in text.split(",") if pair.strip()]
    roles = {value.strip(): role.strip() for value, _, role in pairs}
    if not all(value and role in ROLES for value, role in roles.items()):
        raise BadSetting("OIDC_ROLES must say which value gives which role: front-desk=reception,chief=admin.")
    return roles or {role: role for role in ROLES}


def _admits() -> str:
    admits = os.environ.get("OIDC_ADMITS") or "invited"
    if admits not in ("invited", "accounts", "roles"):
        raise BadSetting("OIDC_ADMITS must be invited, accounts or roles.")
    if admits == "roles" and not os.environ.get("OIDC_ROLES_CLAIM"):
        raise BadSetting(
            "OIDC_ADMITS=roles lets in whoever has a role at the provider, so OIDC_ROLES_CLAIM must be set."
        )
    return admits


def _keeps_local_accounts() -> bool:
    text = os.environ.get("OIDC_LOCAL_ACCOUNTS") or "keep"
    if text not in ("keep", "off"):
        raise BadSetting("OIDC_LOCAL_ACCOUNTS must be keep or off.")
    if text == "off" and not os.environ.get("OIDC_ISSUER"):
        raise BadSetting("OIDC_LOCAL_ACCOUNTS=off needs OIDC_ISSUER, or nobody could sign in.")
    return text == "keep"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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


def _data_keys(secret_key: bytes) -> tuple[bytes, ...]:
    """MEDCAL_DATA_KEY, then those of before. The secret key comes last: it seals where no other is set, and may have done so once."""
    own = os.environ.get("MEDCAL_DATA_KEY", "").split()
    before = os.environ.get("MEDCAL_DATA_KEYS_BEFORE", "").split()
    if len(own) > 1 or any(len(key) < 32 for key in own + before):
        raise BadSetting(
            "MEDCAL_DATA_KEY and MEDCAL_DATA_KEYS_BEFORE must have 32 characters or more each, without spaces; several keys of before are separated by them."
        )
    return (*(key.encode() for key in own + before), secret_key)


def _wait_for_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < 32:
        raise BadSetting(f"{path} is not complete. Delete it and start again; links sent before stop working.")
    return key
