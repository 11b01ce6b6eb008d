"""What a provider of identity says, and whether it is to be believed (OpenID Connect Core 1.0, RFC 9207). Pure: no network, no database."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.claims import ClaimsOption
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from medcal.config import Oidc
from medcal.security import Role
from medcal.services.oidc_metadata import ALGORITHMS, Claims, Distrusted, Key, Provider, read_object, texts_of

SKEW = timedelta(seconds=60)
LONGEST_TOKEN = 16 * 1024
# OpenID Connect Core, 2: at most 255 ASCII characters.
LONGEST_SUBJECT = 255


class UnknownKey(Distrusted):
    """Signed with a key that is not among those we know. The provider may have new ones."""


class Refusal(StrEnum):
    """Why somebody does not get in; the sign-in page has a sentence for each."""

    provider = "provider"
    stale = "stale"
    denied = "denied"
    unverified = "unverified"
    stranger = "stranger"
    role = "role"
    calendar = "calendar"
    last_admin = "last-admin"
    disabled = "disabled"


@dataclass(frozen=True)
class Person:
    """Who has signed in at the provider. `email` only if the provider has verified it; `roles` None: they are given here."""

    issuer: str
    subject: str
    email: str
    name: str
    roles: frozenset[Role] | None
    provider_session: str
    id_token: str
    issued_at: int


# --- The way there and back -------------------------------------------------------------------------------------------


def authorization_url(provider: Provider, client: Oidc, *, back_to: str, state: str, nonce: str, verifier: str) -> str:
    """Where the browser goes to sign in (authorization code, PKCE with S256)."""
    return str(
        prepare_grant_uri(
            provider.authorization_endpoint,
            client.client_id,
            "code",
            redirect_uri=back_to,
            scope=client.scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
    )


def end_session_url(provider: Provider, client: Oidc, *, id_token: str, back_to: str, state: str) -> str | None:
    """Where the browser goes to sign out there as well; None where the provider has no such page."""
    if not provider.end_session_endpoint:
        return None
    hint = {"id_token_hint": id_token} if id_token else {}
    query = {"client_id": client.client_id, "post_logout_redirect_uri": back_to, "state": state}
    return str(add_params_to_uri(provider.end_session_endpoint, [*(hint | query).items()]))


def check_answerer(provider: Provider, named: str | None) -> None:
    """Another provider's answer must not be taken to this one (mix-up, RFC 9207)."""
    if named != provider.issuer and (named is not None or provider.names_itself):
        raise Distrusted("answer: another issuer")


# --- Tokens -----------------------------------------------------------------------------------------------------------


def read_signed(token: object, keys: Collection[Key], algorithms: Collection[str]) -> tuple[Mapping[str, Any], Claims]:
    """Header and claims of a signed token. Raises UnknownKey, or Distrusted for anything that was not signed as agreed."""
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN or token.count(".") != 2:
        raise Distrusted("token: not signed")
    try:
        header = jws.extract_compact(token.encode()).headers()
        name = header.get("alg")
        # Our list, not the token's and not the provider's alone: who chooses the algorithm chooses the key as well.
        if name not in ALGORITHMS or name not in algorithms:
            raise Distrusted("token: algorithm")
        key = _key_of(header, keys)
        signed = jws.deserialize_compact(token, key, algorithms=[name])
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise Distrusted(f"token: {type(error).__name__}") from error
    return header, read_object(signed.payload, "token")


def _key_of(header: Claims, keys: Collection[Key]) -> Key:
    """One that fits in kind and in name. A token that names none is read only if there is no choice."""
    kind = ECKey if str(header["alg"]).startswith("ES") else RSAKey
    fitting = [key for key in keys if isinstance(key, kind) and key.get("alg") in (None, header["alg"])]
    if "kid" in header:
        fitting = [key for key in fitting if key.get("kid") == header["kid"]]
    if not fitting:
        raise UnknownKey("token: unknown key")
    if len(fitting) > 1:
        raise Distrusted("token: which key?")
    return fitting[0]


def check_id_token(
    header: Claims, claims: Claims, client: Oidc, *, nonce: str, access_token: str, since: datetime, now: datetime
) -> None:
    """What OpenID Connect Core 3.1.3.7 asks for, strictly; `since` is when this sign-in began. Raises Distrusted."""
    # Without the values that they must have, Authlib takes an ID token of somebody else which names us as `azp`.
    wanted: dict[str, ClaimsOption] = {
        "iss": {"essential": True, "value": client.issuer},
        "aud": {"essential": True, "value": client.client_id},
    }
    known = {"nonce": nonce, "client_id": client.client_id, "access_token": access_token}
    try:
        token = CodeIDToken(claims, header, wanted, known)
        token.validate(now=int(now.timestamp()), leeway=int(SKEW.total_seconds()))
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise Distrusted(f"ID token: {_name_of(error)}") from error
    if str(header.get("typ", "JWT")).lower() != "jwt" or "events" in claims:
        raise Distrusted("ID token: of another kind")
    _check_issued(claims, since, now)
    _instant(claims, "exp")


def _name_of(error: Exception) -> str:
    """What did not hold: the claim, where it is one. Never its value."""
    claim = getattr(error, "claim", "")
    return f"{type(error).__name__} {claim}".strip()


def check_logout_token(header: Claims, claims: Claims, client: Oidc, *, not_before: datetime, now: datetime) -> None:
    """What Back-Channel Logout 1.0, 2.6 asks for; which one it was, and whether for the first time, is the caller's to see."""
    if str(header.get("typ", "JWT")).lower() not in ("jwt", "logout+jwt"):
        raise Distrusted("logout token: of another kind")
    _check_issuer_and_audience(claims, client)
    _check_issued(claims, not_before, now)
    if "exp" in claims and _instant(claims, "exp") + SKEW.total_seconds() <= now.timestamp():
        raise Distrusted("logout token: expired")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise Distrusted("logout token: no logout")
    if "nonce" in claims:
        raise Distrusted("logout token: nonce")
    if not _short_text(claims.get("jti")):
        raise Distrusted("logout token: jti")
    if "sub" in claims:
        _subject(claims)
    if "sid" in claims and not _short_text(claims["sid"]):
        raise Distrusted("logout token: sid")
    if not {"sub", "sid"} & set(claims):
        raise Distrusted("logout token: of nobody")


LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def _check_issuer_and_audience(claims: Claims, client: Oidc) -> None:
    if claims.get("iss") != client.issuer:
        raise Distrusted("token: issuer")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else texts_of(audience)
    if client.client_id not in named:
        raise Distrusted("token: audience")
    # Issued to somebody else and meant for us too, or for several and nobody says to whom: not ours.
    if claims.get("azp", client.client_id if len(named) == 1 else None) != client.client_id:
        raise Distrusted("token: authorized party")


def _check_issued(claims: Claims, since: datetime, now: datetime) -> None:
    at, skew = _instant(claims, "iat"), SKEW.total_seconds()
    if not since.timestamp() - skew <= at <= now.timestamp() + skew:
        raise Distrusted("token: issued too early or too late")
    if "nbf" in claims and _instant(claims, "nbf") > now.timestamp() + skew:
        raise Distrusted("token: not yet valid")


def _instant(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        raise Distrusted(f"token: {name}")
    return float(value)


def _subject(claims: Claims) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise Distrusted("token: subject")
    return subject


# --- Who it is --------------------------------------------------------------------------------------------------------


def lacks(claims: Claims, client: Oidc) -> bool:
    """Whether the ID token leaves something open that the provider may say in its userinfo."""
    return "email" not in claims or (bool(client.roles_claim) and client.roles_claim not in claims)


def complete(claims: Claims, body: bytes) -> Claims:
    """The claims, with what userinfo adds. Raises Distrusted where it is about somebody else (Core, 5.3.2)."""
    told = read_object(body, "userinfo")
    if told.get("sub") != claims["sub"]:
        raise Distrusted("userinfo: of somebody else")
    # Never the address of one and the verification of the other; a doubt counts wherever it stands.
    speaks, other = (claims, told) if "email" in claims else (told, claims)
    mail = {name: speaks[name] for name in MAIL if name in speaks}
    if "email_verified" not in mail and other.get("email_verified", True) is not True:
        mail["email_verified"] = False
    return {name: value for name, value in {**told, **claims}.items() if name not in MAIL} | mail


MAIL = ("email", "email_verified")


def person(claims: Claims, client: Oidc, id_token: str) -> Person:
    """Who the checked claims speak of, in the words of the clinic."""
    email, name = claims.get("email"), claims.get("name")
    # Who says "false" is never trusted more than that.
    is_trusted = client.trusts_email and "email_verified" not in claims
    is_verified = _is_address(email) and (claims.get("email_verified") is True or is_trusted)
    sid = claims.get("sid")
    return Person(
        issuer=client.issuer,
        subject=_subject(claims),
        email=str(email).strip().lower() if is_verified else "",
        name=" ".join(name.split())[:120] if isinstance(name, str) and name.isprintable() else "",
        roles=_roles(claims.get(client.roles_claim), client) if client.roles_claim else None,
        provider_session=sid if isinstance(sid, str) and _short_text(sid) else "",
        id_token=id_token,
        issued_at=int(claims["iat"]),
    )


def _roles(value: object, client: Oidc) -> frozenset[Role]:
    """Those of a list of texts that the settings know; anything else gives no role."""
    return frozenset(Role(client.roles[text]) for text in texts_of(value) if text in client.roles)


# --- Reading ----------------------------------------------------------------------------------------------------------


def _short_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()


def _is_address(value: object) -> bool:
    """ASCII alone: there are other letters that become ours when they are written small."""
    return (
        isinstance(value, str) and value.isascii() and value.isprintable() and 3 <= len(value) <= 200 and "@" in value
    )
