"""Connections that nobody can keep waiting: however slowly the far end speaks, reading ends at one instant."""

import socket
import ssl
import time
from collections.abc import Sequence
from typing import Any

# What getaddrinfo answers: family, type, protocol, canonical name, address.
Place = tuple[Any, Any, int, str, Any]


class _Punctual:
    """A timeout counts anew with each piece that comes; an end does not."""

    give_up_at = float("inf")

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        left = self.give_up_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("too slow")
        if left != float("inf"):
            self.settimeout(left)  # type: ignore[attr-defined]
        return int(super().recv_into(*args, **kwargs))  # type: ignore[misc]


class Plain(_Punctual, socket.socket):
    pass


class Encrypted(_Punctual, ssl.SSLSocket):
    pass


def trusting_context() -> ssl.SSLContext:
    """Certificates are checked against those the system trusts (or SSL_CERT_FILE), names as well."""
    context = ssl.create_default_context()
    context.sslsocket_class = Encrypted
    return context


def resolve(host: str, port: int) -> Sequence[Place]:
    """Where a name leads; raises OSError."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        # Two dots in a row, or a part of more than 63 letters: no name server is asked.
        raise socket.gaierror(socket.EAI_NONAME, "it is no name") from None


def connect(places: Sequence[Place], give_up_at: float) -> Plain:
    """A connection to the first of the places that answers; each has its share of the time. Raises OSError."""
    failure: OSError = TimeoutError("no time to connect")
    for number, (family, kind, protocol, _, address) in enumerate(places):
        left = give_up_at - time.monotonic()
        if left <= 0:
            break
        line = Plain(family, kind, protocol)
        try:
            line.settimeout(left / (len(places) - number))
            line.connect(address)
        except OSError as error:
            line.close()
            failure = error
            continue
        line.settimeout(max(give_up_at - time.monotonic(), 0.001))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.give_up_at = give_up_at
        return line
    raise failure
