"""One call to an address that somebody has configured: where it may lead, how long it may take, how much is read.

By the standard library's client, on connections of our own: the address that was checked is the one that is called, whatever
the name stands for a moment later. It knows no redirects and no proxies.
"""

import http.client
import select
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from medcal.services.sockets import Encrypted, Place, Plain, connect, resolve, trusting_context

LARGEST_ANSWER = 64 * 1024
NAT64 = IPv6Network("64:ff9b::/96")
# All of IPv6 that belongs to the internet. What lies outside has meanings of its own, some of them IPv4 addresses in disguise.
UNICAST = IPv6Network("2000::/3")
# Public by their figures; but IETF's own (192.0.0.192 is Oracle's cloud), old 6to4 relays, and Azure's host.
SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv4Network("168.63.129.16/32"))
PORTS = {"http": 80, "https": 443}


class Forbidden(Exception):
    """A target that is not to be called; the text says why and holds no secret."""


@dataclass(frozen=True)
class Answer:
    """What came back; of the body at most LARGEST_ANSWER bytes."""

    status: int
    body: bytes
    retry_after: str = ""


def check_target(url: str, *, allow_private: bool) -> list[Place]:
    """Where an address leads. Raises Forbidden for anything but https to public addresses, OSError where the name leads nowhere.

    With `allow_private` also http, and addresses of this machine and of networks of one's own.
    """
    parts = _parts(url)
    if parts.scheme != "https" and not allow_private:
        raise Forbidden("only https is allowed")
    places = list(resolve(parts.hostname or "", _port(parts)))
    # One bad place among several is enough: the answer of a name server may change between two questions.
    if not allow_private and not all(is_public(place[4][0]) for place in places):
        raise Forbidden("the address is private")
    return places


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet: not to this machine, a network of one's own, a cloud's own services."""
    ip = ip_address(address.split("%")[0])
    if isinstance(ip, IPv6Address):
        inner = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.ipv4_mapped or ip.sixtofour
        return is_public(str(inner)) if inner is not None else ip.is_global and ip in UNICAST
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in SPECIAL)


def post(url: str, headers: Mapping[str, str], body: bytes, *, seconds: float, allow_private: bool) -> Answer:
    """Post, and read the answer, in so many seconds (looking the name up comes on top).

    Raises Forbidden, OSError (TimeoutError among them) and http.client.HTTPException.
    """
    return _call("POST", url, headers, body, seconds=seconds, allow_private=allow_private)


def get(url: str, headers: Mapping[str, str], *, seconds: float, allow_private: bool) -> Answer:
    """Ask, in the same way and with the same limits as `post`."""
    return _call("GET", url, headers, None, seconds=seconds, allow_private=allow_private)


def _call(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float, allow_private: bool
) -> Answer:
    parts, give_up_at = _parts(url), time.monotonic() + seconds
    line = _line(parts, allow_private)
    line.give_up_at = give_up_at
    was_open = line.is_fresh()
    try:
        return _exchange(line, method, parts, headers, body)
    except (ConnectionError, http.client.RemoteDisconnected):
        line.close()
        # The far end may close what rested at the very moment it is used again. The same call once more is no second message: it has the same id.
        if not was_open:
            raise
    except BaseException:
        line.close()
        raise
    try:
        return _exchange(line, method, parts, headers, body)
    except BaseException:
        line.close()
        raise


def _exchange(line: "_Line", method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes | None) -> Answer:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    line.request(method, path, body, dict(headers))
    with line.getresponse() as response:
        read = response.read(LARGEST_ANSWER)
        is_whole = response.isclosed()
        if response.length and len(read) < LARGEST_ANSWER:
            raise http.client.IncompleteRead(read, response.length)
    if not is_whole:
        line.close()
    return Answer(response.status, read, response.getheader("retry-after") or "")


class _Line(http.client.HTTPConnection):
    """A connection to one receiver, kept open from one call to the next."""

    sock: Plain | Encrypted | None
    give_up_at = float("inf")

    def __init__(self, parts: SplitResult, allow_private: bool) -> None:
        super().__init__(parts.hostname or "", _port(parts))
        self.default_port = PORTS[parts.scheme]
        self._target, self._is_encrypted = f"{parts.scheme}://{parts.netloc}", parts.scheme == "https"
        self._allow_private = allow_private

    def connect(self) -> None:
        plain = connect(check_target(self._target, allow_private=self._allow_private), self.give_up_at)
        if not self._is_encrypted:
            self.sock = plain
            return
        try:
            encrypted = _context().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        assert isinstance(encrypted, Encrypted)
        self.sock = encrypted

    def __del__(self) -> None:
        # Of a thread that ends without `hang_up`, and of the process.
        self.close()

    def is_fresh(self) -> bool:
        """Whether it is open; one that has something to say unasked has been closed by the far end."""
        if self.sock is None:
            return False
        if select.select([self.sock], [], [], 0)[0]:
            self.close()
            return False
        self.sock.settimeout(max(self.give_up_at - time.monotonic(), 0.001))
        self.sock.give_up_at = self.give_up_at
        return True

    def request(self, *args: object, **kwargs: object) -> None:
        super().request(*args, **kwargs)  # type: ignore[arg-type]
        if self.sock is not None:
            self.sock.give_up_at = self.give_up_at


_lines = threading.local()


def _line(parts: SplitResult, allow_private: bool) -> _Line:
    """Each thread has its own to each receiver; there are few of both."""
    kept: dict[tuple[str, str, bool], _Line] = _lines.__dict__.setdefault("kept", {})
    key = (parts.scheme, parts.netloc, allow_private)
    if key not in kept:
        kept[key] = _Line(parts, allow_private)
    return kept[key]


def hang_up() -> None:
    """Close what this thread has kept open; for one that ends."""
    for line in _lines.__dict__.pop("kept", {}).values():
        line.close()


@cache
def _context() -> ssl.SSLContext:
    return trusting_context()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in PORTS and parts.hostname and _port(parts):
            return parts
    except ValueError:
        pass
    raise Forbidden("it is no address of a webhook")


def _port(parts: SplitResult) -> int:
    return parts.port or PORTS[parts.scheme]
