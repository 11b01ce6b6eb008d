"""What a provider of identity says of itself (OpenID Connect Discovery 1.0), checked before anything is believed or called. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

# Signatures that only the provider can make. Not among them: `none`, and HS256, whose key would be the public one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
SHORTEST_RSA = 2048

Claims = Mapping[str, Any]
Key = RSAKey | ECKey


class Distrusted(Exception):
    """Something the provider said that must not be believed; the text names the check and holds nobody's data."""


@dataclass(frozen=True)
class Provider:
    """What discovery has told us, checked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    wants_basic: bool = True
    names_itself: bool = False


def discovery_url(issuer: str) -> str:
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def read_metadata(body: bytes, issuer: str) -> Provider:
    """The provider's own description. Raises Distrusted where it is of another issuer or leads where nothing must go."""
    told = read_object(body, "discovery")
    if told.get("issuer") != issuer:
        raise Distrusted("discovery: another issuer")
    declared = texts_of(told.get("id_token_signing_alg_values_supported")) or ["RS256"]
    algorithms = tuple(name for name in ALGORITHMS if name in declared)
    if not algorithms:
        raise Distrusted("discovery: no algorithm that we accept")
    challenges = texts_of(told.get("code_challenge_methods_supported"))
    if challenges and "S256" not in challenges:
        raise Distrusted("discovery: no PKCE with S256")
    # What is not said stands for client_secret_basic (Discovery 1.0, 3).
    ways = texts_of(told.get("token_endpoint_auth_methods_supported")) or ["client_secret_basic"]
    if not {"client_secret_basic", "client_secret_post"} & set(ways):
        raise Distrusted("discovery: no way to show the client's secret")
    return Provider(
        issuer=issuer,
        authorization_endpoint=_endpoint(told, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(told, "token_endpoint", issuer),
        jwks_uri=_endpoint(told, "jwks_uri", issuer),
        userinfo_endpoint=_endpoint(told, "userinfo_endpoint", issuer, is_needed=False),
        end_session_endpoint=_endpoint(told, "end_session_endpoint", issuer, is_needed=False),
        algorithms=algorithms,
        wants_basic="client_secret_basic" in ways,
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(told: Claims, name: str, issuer: str, *, is_needed: bool = True) -> str:
    url = told.get(name)
    if url is None and not is_needed:
        return ""
    try:
        parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
        is_address = bool(parts.hostname) and parts.username is None and not parts.fragment and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise Distrusted(f"discovery: {name} is no address")
    # Over http only where the provider itself is on this machine, which the settings see to.
    home = urlsplit(issuer)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != (
        "http",
        home.hostname if home.scheme == "http" else "",
    ):
        raise Distrusted(f"discovery: {name} is not https")
    return str(url)


def read_keys(body: bytes) -> list[Key]:
    """The keys that tokens may be signed with; others in the set (for encryption, of unknown kinds) are left out."""
    listed = read_object(body, "keys").get("keys")
    if not isinstance(listed, list):
        raise Distrusted("keys: no list")
    return [key for each in listed[:50] if (key := _signing_key(each))]


def _signing_key(told: object) -> Key | None:
    if not isinstance(told, dict) or told.get("use", "sig") != "sig" or not isinstance(told.get("kid", ""), str):
        return None
    # A private or a shared key has no business there; what follows from one is not to be believed.
    if "d" in told or told.get("kty") not in ("RSA", "EC"):
        return None
    try:
        key = RSAKey.import_key(told) if told["kty"] == "RSA" else ECKey.import_key(told)
        is_strong = not isinstance(key, RSAKey) or key.raw_value.key_size >= SHORTEST_RSA
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if is_strong else None


# --- Reading ----------------------------------------------------------------------------------------------------------


def read_object(body: bytes, what: str) -> dict[str, Any]:
    """A JSON object. Raises Distrusted for anything else."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Distrusted(f"{what}: no JSON") from error
    if not isinstance(content, dict):
        raise Distrusted(f"{what}: no object")
    return content


def texts_of(value: object) -> list[str]:
    """The texts of a list; none of anything else."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
