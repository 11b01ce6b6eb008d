"""A provider of identity on this machine that lies as it is told: about itself, its keys, its tokens and its people."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "clinic-web", "placeholder: a secret that the tests alone know"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
ROLES_CLAIM = "https://clinic.example/roles"
ALGORITHMS = ["RS256", "ES256", "PS256"]

Claims = dict[str, Any]


@cache
def rsa_key(kid: str = "first", bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"})


@cache
def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


def signed(header: Claims, claims: Any, key: Any) -> str:
    """A token as its header says: `none` is not signed at all, and a shared key is whatever bytes it is."""
    if header["alg"] == "none":
        return f"{_unsigned(header, claims)}."
    if isinstance(key, bytes):
        unsigned = _unsigned(header, claims)
        return f"{unsigned}.{_part(hmac.digest(key, unsigned.encode(), 'sha256'))}"
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=ALGORITHMS, registry=registry)


def _unsigned(header: Claims, claims: Any) -> str:
    return ".".join(_part(json.dumps(each).encode()) for each in (header, claims))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Provider:
    """The provider. What it is told to say instead of the truth is in `metadata`, `header`, `claims`, `tokens` and `userinfo`,
    where None leaves something out; `answers` replaces whole answers by path.
    """

    def __init__(self) -> None:
        self.keys: list[Any] = [rsa_key().as_dict(private=False)]
        self.key: Any = rsa_key()
        self.metadata: Claims = {}
        self.header: Claims = {}
        self.claims: Claims = {}
        self.tokens: Claims = {}
        self.userinfo: Claims = {}
        self.answers: dict[str, Callable[[_Handler], None]] = {}
        self.asked: list[str] = []
        self.exchanges: list[int] = []
        self.let_go = threading.Event()
        self._codes: dict[str, Claims] = {}
        self._of_access: dict[str, Claims] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.provider = self  # type: ignore[attr-defined]

    @property
    def issuer(self) -> str:
        """With a slash at the end, as Auth0 writes it."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    # --- As a browser sees it -----------------------------------------------------------------------------------------

    def sign_in(self, address: str, sub: str = "auth0|sam", **claims: Any) -> str:
        """Somebody signs in at the address that she was sent to; the address on our side that she is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked | {"sub": sub, "claims": claims}
        back = urlsplit(asked["redirect_uri"])
        return f"{back.path}?{urlencode({'code': code, 'state': asked['state']})}"

    # --- As we see it -------------------------------------------------------------------------------------------------

    def describe(self) -> Claims:
        return _told(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}authorize",
                "token_endpoint": f"{self.issuer}oauth/token",
                "jwks_uri": f"{self.issuer}jwks",
                "userinfo_endpoint": f"{self.issuer}userinfo",
                "end_session_endpoint": f"{self.issuer}oidc/logout",
                "id_token_signing_alg_values_supported": ["HS256", "RS256", "ES256", "none"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "code_challenge_methods_supported": ["S256", "plain"],
            },
            self.metadata,
        )

    def exchange(self, form: Claims) -> tuple[int, Claims]:
        """Tokens for a code, once, for whoever began: as strict as a provider has to be."""
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = _part(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        fits = asked and (
            (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
            and (form.get("grant_type"), form.get("redirect_uri")) == ("authorization_code", asked["redirect_uri"])
            and (asked["code_challenge_method"], asked["code_challenge"]) == ("S256", challenge)
        )
        if not asked or not fits:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        claims = {"nonce": asked["nonce"], "sub": asked["sub"]} | asked["claims"]
        self._of_access[access] = claims
        tokens = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 600,
            "id_token": self.id_token(claims, access),
        }
        return 200, _told(tokens, self.tokens)

    def id_token(self, claims: Claims, access: str) -> str:
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 600,
            "email": "sam@clinic.example",
            "email_verified": True,
            "name": "Sam Stern",
            "sid": "a session there",
            "at_hash": _part(hashlib.sha256(access.encode()).digest()[:16]),
        }
        return signed(_told({"alg": "RS256", "kid": "first"}, self.header), _told(told | claims, self.claims), self.key)

    def logout_token(self, *, header: Claims | None = None, key: Any = None, **claims: Any) -> str:
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(8),
            "events": {LOGOUT_EVENT: {}},
            "sub": "auth0|sam",
            "sid": "a session there",
        }
        whole = _told({"alg": "RS256", "kid": "first", "typ": "logout+jwt"}, header or {})
        return signed(whole, _told(told, claims), key or self.key)

    def tell_of(self, access: str) -> tuple[int, Claims]:
        claims = self._of_access.get(access)
        return (200, _told({"sub": claims["sub"]}, self.userinfo)) if claims else (401, {"error": "invalid_token"})

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()


def _told(truth: Claims, lies: Claims) -> Claims:
    return {name: value for name, value in (truth | lies).items() if value is not None}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        provider = self.provider
        path = urlsplit(self.path).path
        provider.asked.append(path)
        if path in provider.answers:
            self._spoil(provider.answers[path])
        elif path == "/.well-known/openid-configuration":
            self.tell(200, provider.describe())
        elif path == "/jwks":
            self.tell(200, {"keys": provider.keys})
        elif path == "/userinfo":
            self.tell(*provider.tell_of(self.headers.get("authorization", "").removeprefix("Bearer ")))
        else:
            self.tell(404, {"error": "nothing here"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        self.provider.asked.append(self.path)
        if self.path in self.provider.answers:
            self._spoil(self.provider.answers[self.path])
        else:
            status, tokens = self.provider.exchange({name: values[0] for name, values in parse_qs(body).items()})
            self.provider.exchanges.append(status)
            self.tell(status, tokens)

    def tell(self, status: int, content: object, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        sent = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
        for name, value in {**sent, **headers}.items():
            self.send_header(name, value)
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)

    def _spoil(self, answer: "Callable[[_Handler], None]") -> None:
        with suppress(OSError):
            answer(self)
        self.close_connection = True

    @property
    def provider(self) -> Provider:
        found: Provider = self.server.provider  # type: ignore[attr-defined]
        return found

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name it has in the base class)
        pass


# --- What can be answered instead -------------------------------------------------------------------------------------


def saying(content: object, status: int = 200) -> Callable[[_Handler], None]:
    return lambda handler: handler.tell(status, content)


def redirecting(handler: _Handler) -> None:
    """To the truth itself: who follows would never notice."""
    handler.tell(302, {}, location=f"/moved{handler.path}")


def huge(handler: _Handler) -> None:
    """Valid, and without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    handler.wfile.write(b"1\r\n{\r\n")
    for _ in range(10_000):
        handler.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def dripping(handler: _Handler) -> None:
    """A letter now and then, so that no single read ever times out."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while not handler.provider.let_go.wait(0.02):
        handler.wfile.write(b" ")


def silent(handler: _Handler) -> None:
    handler.provider.let_go.wait(30)


def named(case: object) -> str:
    """The name of a test's case, the same in every process: without the moment at which it was put together."""
    return re.sub(r"\d{6,}", "…", str(case))
