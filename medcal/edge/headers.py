"""The headers that tell a browser what our pages may do, and for how long it may keep them."""

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

Pairs = list[tuple[bytes, bytes]]

_INLINE_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_HASHED_NAME = re.compile(r"/assets/(?!reflex-env-).*-[\w-]{8}\.\w+")

_OFF = ("camera", "microphone", "geolocation", "payment", "usb", "serial", "midi", "display-capture")


def security_headers(is_https: bool, with_subdomains: bool = True) -> Pairs:
    """The same for every answer. `with_subdomains`: what lies below our name must be on https as well."""
    pairs = [
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"same-origin"),
        (b"permissions-policy", ", ".join(f"{feature}=()" for feature in _OFF).encode()),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
    if is_https:
        subdomains = b"; includeSubDomains" if with_subdomains else b""
        pairs.append((b"strict-transport-security", b"max-age=63072000" + subdomains))
    return pairs


def page_policy(scripts: Iterable[str], socket_url: str, is_https: bool) -> bytes:
    """The Content-Security-Policy of a page of ours; `scripts` are the hashes of its inline scripts.

    'unsafe-eval' is Reflex': toasts and call_script sent by the server are evaluated; without it they silently do
    nothing. Styles are written into the page by the component libraries. Inline scripts run only if they were there
    when the page was built.
    """
    rules = [
        "default-src 'none'",
        " ".join(["script-src 'self' 'unsafe-eval'", *(f"'{script}'" for script in scripts)]),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        # Safari's 'self' does not cover websockets everywhere.
        f"connect-src 'self' {socket_url}",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
    return "; ".join([*rules, "upgrade-insecure-requests"] if is_https else rules).encode()


# Answers of the API, downloads, images: if a browser shows one as a page, nothing in it runs or loads.
OTHER_POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

# The service worker fetches under the policy that its own script came with: our own files, and nothing else.
WORKER_POLICY = b"default-src 'none'; connect-src 'self'; script-src 'self'"


def policy_of_file(path: str) -> bytes:
    """The Content-Security-Policy of anything that is no page."""
    return WORKER_POLICY if path == "/sw.js" else OTHER_POLICY


def script_hashes(html: str) -> list[str]:
    """The CSP hashes of a page's inline scripts."""
    bodies = dict.fromkeys(_INLINE_SCRIPT.findall(html))
    return [f"sha256-{b64encode(sha256(body.encode()).digest()).decode()}" for body in bodies]


def cache_control(path: str, is_page: bool, is_found: bool) -> bytes:
    """How long a browser may keep an answer that does not say so itself."""
    if is_page:
        # One file for everybody, without personal data; but the answer may carry a cookie, so not for shared caches.
        return b"private, no-cache"
    if path.startswith(("/api", "/l/")) or not is_found:
        return b"no-store"
    if _HASHED_NAME.fullmatch(path):
        return b"public, max-age=31536000, immutable"
    # reflex-env-….js among them: it holds the server's address, which changes without the name.
    return b"public, no-cache"
