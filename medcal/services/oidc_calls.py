"""The calls to the provider: discovery, keys, code for token, userinfo. Never inside a transaction.

Discovery and keys are kept for an hour in each process. Where the provider does not answer it is left alone for some seconds,
so that whoever waits does not hold up every thread.
"""

import base64
import http.client
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from urllib.parse import quote_plus, urlencode

from medcal.config import Oidc
from medcal.services import oidc, oidc_metadata, posting
from medcal.services.oidc_metadata import Claims, Distrusted, Key, Provider, read_object

log = logging.getLogger(__name__)

T = TypeVar("T")

KEPT_FOR = timedelta(hours=1)
LEFT_ALONE_FOR = timedelta(seconds=10)
# A token of anybody's making can name a key that we do not know.
FRESH_KEYS_AT_MOST = timedelta(minutes=1)
SECONDS = 8.0


@dataclass(frozen=True)
class Tokens:
    """What a code was exchanged for. The access token is for userinfo, and forgotten after it."""

    id_token: str
    access_token: str


class _Kept(Generic[T]):
    """One answer of the provider, for as long as it is fresh; whoever comes while it is being fetched waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: tuple[str, datetime, T] | None = None
        self._failed: tuple[str, datetime] | None = None

    def get(self, name: str, fetch: Callable[[], T], now: datetime, *, at_most: timedelta = KEPT_FOR) -> T:
        if (found := self._fresh(name, now, at_most)) is not None:
            return found
        if not self._lock.acquire(timeout=SECONDS):
            raise Distrusted("provider: no answer in time")
        try:
            if (found := self._fresh(name, now, at_most)) is not None:
                return found
            if self._failed and self._failed[0] == name and now - self._failed[1] < LEFT_ALONE_FOR:
                raise Distrusted("provider: did not answer a moment ago")
            self._failed = (name, now)
            value = fetch()
            self._value, self._failed = (name, now, value), None
            return value
        finally:
            self._lock.release()

    def _fresh(self, name: str, now: datetime, at_most: timedelta) -> T | None:
        kept = self._value
        return kept[2] if kept and kept[0] == name and now - kept[1] < at_most else None


_provider, _keys = _Kept[Provider](), _Kept[list[Key]]()


def forget() -> None:
    """Ask for everything anew; for tests, which have a provider each."""
    global _provider, _keys
    _provider, _keys = _Kept[Provider](), _Kept[list[Key]]()


def discover(client: Oidc, now: datetime) -> Provider:
    """The provider as it describes itself. Raises Distrusted."""
    url = oidc_metadata.discovery_url(client.issuer)
    return _provider.get(
        client.issuer, lambda: oidc_metadata.read_metadata(_get(client, url, "discovery"), client.issuer), now
    )


def read_signed(client: Oidc, token: object, now: datetime) -> tuple[Mapping[str, object], Claims]:
    """Header and claims of a token that the provider has signed. Raises Distrusted.

    For an unknown key the keys are fetched once more: providers replace them without notice.
    """
    provider = discover(client, now)
    try:
        return oidc.read_signed(token, _keys_of(client, provider, now), provider.algorithms)
    except oidc.UnknownKey:
        keys = _keys_of(client, provider, now, at_most=FRESH_KEYS_AT_MOST)
        return oidc.read_signed(token, keys, provider.algorithms)


def _keys_of(client: Oidc, provider: Provider, now: datetime, *, at_most: timedelta = KEPT_FOR) -> list[Key]:
    url = provider.jwks_uri
    return _keys.get(url, lambda: oidc_metadata.read_keys(_get(client, url, "keys")), now, at_most=at_most)


def exchange(client: Oidc, provider: Provider, *, code: str, verifier: str, back_to: str) -> Tokens:
    """The tokens for a code, which is good once. Raises Distrusted."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back_to,
        "code_verifier": verifier,
        "client_id": client.client_id,
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if provider.wants_basic:
        headers["authorization"] = _basic(client)
    else:
        form["client_secret"] = client.client_secret
    told = read_object(_call(client, provider.token_endpoint, headers, urlencode(form).encode(), "token"), "token")
    id_token, access_token = told.get("id_token"), told.get("access_token", "")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise Distrusted("token: no ID token")
    if access_token and str(told.get("token_type")).lower() != "bearer":
        raise Distrusted("token: of another type")
    return Tokens(id_token, access_token)


def _basic(client: Oidc) -> str:
    """Each part is form-encoded first (RFC 6749, 2.3.1)."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def fetch_userinfo(client: Oidc, provider: Provider, access_token: str) -> bytes:
    """What the provider says of whoever the access token is about. Raises Distrusted."""
    # A line break in a token would be a header of its own.
    if not access_token.isascii() or not access_token.isprintable():
        raise Distrusted("token: no access token")
    return _call(client, provider.userinfo_endpoint, {"authorization": f"Bearer {access_token}"}, None, "userinfo")


def _get(client: Oidc, url: str, what: str) -> bytes:
    return _call(client, url, {}, None, what)


def _call(client: Oidc, url: str, headers: Mapping[str, str], form: bytes | None, what: str) -> bytes:
    """The body of a 200; anything else, redirects among them, is no answer."""
    headers = {"accept": "application/json", "user-agent": "Medcal", **headers}
    try:
        if form is None:
            answer = posting.get(url, headers, seconds=SECONDS, allow_private=client.allow_private)
        else:
            answer = posting.post(url, headers, form, seconds=SECONDS, allow_private=client.allow_private)
    except posting.Forbidden as refusal:
        raise Distrusted(f"{what}: {refusal}") from refusal
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Distrusted(f"{what}: {type(error).__name__}") from error
    finally:
        # Signing in is rare: a connection that is kept would have been closed by the other side.
        posting.hang_up()
    if answer.status != 200:
        raise Distrusted(f"{what}: HTTP {answer.status}")
    return answer.body
