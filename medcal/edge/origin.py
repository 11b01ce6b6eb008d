"""Whether a request comes from our own pages. Pure: asked by the websocket's door and by every POST under /api."""

from collections.abc import Collection
from urllib.parse import urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def allowed_origins(url: str) -> list[str]:
    """The origins a browser may name for the public address `url`; on loopback all of its spellings.

    >>> allowed_origins("https://clinic.example:443")
    ['https://clinic.example']
    """
    parts = urlsplit(url.lower())
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    # Browsers leave the scheme's own port out.
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    hosts = _LOOPBACK if host in _LOOPBACK else (host,)
    return [f"{parts.scheme}://{name}{port}" for name in hosts]


def is_ours(origin: str | None, fetch_site: str | None, ours: Collection[str]) -> bool:
    """Whether a request that changes something may be served, by its Origin and Sec-Fetch-Site headers.

    Every browser of today sends at least one of them with a POST, so a request with neither cannot be somebody's
    browser tricked by a foreign page.
    """
    if origin is not None and origin.lower() not in ours:
        return False
    return fetch_site in (None, "same-origin", "none")
