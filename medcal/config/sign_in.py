"""How the staff sign in: at a provider of identity, with accounts kept here, and for how long."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from medcal.config.reading import BadSetting, is_allowed, is_loopback

ROLES = ("admin", "reception", "doctor")
# Minutes without use. Reception has the calendar on the screen all morning; who can change accounts should not leave that open.
IDLE_MINUTES: Mapping[str, int] = {"admin": 30, "reception": 240, "doctor": 120}


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


def read_oidc() -> Oidc:
    """The provider; OIDC_ISSUER is set. Raises BadSetting."""
    issuer = os.environ["OIDC_ISSUER"]
    host = _host_of_issuer(issuer)
    is_here = is_loopback(host)
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
        allow_private=is_here or is_allowed("OIDC_ALLOW_PRIVATE"),
        trusts_email=is_allowed("OIDC_TRUST_EMAIL"),
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


def keeps_local_accounts() -> bool:
    """Whether passwords still let in beside a provider. Raises BadSetting."""
    text = os.environ.get("OIDC_LOCAL_ACCOUNTS") or "keep"
    if text not in ("keep", "off"):
        raise BadSetting("OIDC_LOCAL_ACCOUNTS must be keep or off.")
    if text == "off" and not os.environ.get("OIDC_ISSUER"):
        raise BadSetting("OIDC_LOCAL_ACCOUNTS=off needs OIDC_ISSUER, or nobody could sign in.")
    return text == "keep"


def second_step() -> str:
    """Who must have a second step: nobody, admins or everybody. Raises BadSetting."""
    who = os.environ.get("SECOND_STEP") or "nobody"
    if who not in ("nobody", "admins", "everybody"):
        raise BadSetting("SECOND_STEP must be nobody, admins or everybody.")
    return who


def idle_minutes() -> Mapping[str, int]:
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
