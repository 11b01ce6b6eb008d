"""How much one browser may ask for: messages, sockets, sizes. Pure bookkeeping on a clock that is handed in."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network


@dataclass(frozen=True)
class Limits:
    """The defaults fit people: who types fast sends a dozen messages a second, a reception has a dozen sockets."""

    frame_characters: int = 64 * 1024
    messages_per_second: float = 30
    messages_at_once: int = 120
    sockets_per_address: int = 100
    new_sockets_per_second: float = 2
    new_sockets_at_once: int = 60
    seconds_to_connect: float = 20
    seconds_to_take_in: float = 20
    body_bytes: int = 64 * 1024


@dataclass
class Bucket:
    """Tokens that refill with time: `rate` per second, never more than `size`."""

    rate: float
    size: float
    tokens: float = -1
    at: float = 0

    def take(self, now: float, amount: float = 1) -> bool:
        """Take the tokens, or leave the bucket as it is and say no."""
        self.tokens = self.size if self.tokens < 0 else min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < amount:
            return False
        self.tokens -= amount
        return True

    def is_full(self, now: float) -> bool:
        return self.tokens + (now - self.at) * self.rate >= self.size


@dataclass
class Crowd:
    """The sockets of this worker by address: how many are open, how fast new ones come.

    Loopback is not counted: there it is a proxy that stands for everybody (without TRUSTED_PROXY_HOPS), or ourselves.
    """

    limits: Limits
    _open: Counter[str] = field(default_factory=Counter)
    _new: dict[str, Bucket] = field(default_factory=dict)

    def enter(self, address: str, now: float) -> bool:
        """Count a new socket, or refuse it. Every accepted one must `leave`."""
        who = household(address)
        if who is None:
            return True
        if len(self._new) > 10_000:
            self._new = {who: bucket for who, bucket in self._new.items() if not bucket.is_full(now)}
        bucket = self._new.setdefault(who, Bucket(self.limits.new_sockets_per_second, self.limits.new_sockets_at_once))
        if self._open[who] >= self.limits.sockets_per_address or not bucket.take(now):
            return False
        self._open[who] += 1
        return True

    def leave(self, address: str) -> None:
        who = household(address)
        if who is None:
            return
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]


def household(address: str) -> str | None:
    """What counts as one address: an IPv4 address, an IPv6 network of 64 bits; None for loopback."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 6 and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return None
    return str(ip) if ip.version == 4 else str(ip_network((ip, 64), strict=False))


def client_address(peer: str, forwarded_for: Iterable[str], hops: int) -> str:
    """The browser's address: the peer's own, or what the outermost of `hops` proxies wrote into X-Forwarded-For.

    Anything further left in that header is the browser's own invention.
    """
    seen = [address.strip() for line in forwarded_for for address in line.split(",") if address.strip()]
    return seen[-hops] if hops and len(seen) >= hops else peer
