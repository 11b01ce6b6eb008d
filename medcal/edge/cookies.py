"""Two cookies (staff session, patient's browser) and the only way their meaning gets to Reflex: as SHA-256 references.

The values themselves stay between browser and edge. Reflex, its state manager and the logs see references alone, which
the database knows too and which open nothing.
"""

import re
from collections.abc import Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from medcal.config import settings
from medcal.security import digest, new_secret

Headers = Iterable[tuple[bytes, bytes]]

STAFF, VISIT = "medcal_session", "medcal_visit"
# Between password and code, and between a one-time link and the password that is given under it.
TICKET, LINK = "medcal_ticket", "medcal_link"
# Where a patient's code went, sealed: for the second step of the form.
CONTACT = "medcal_contact"
# By this one we know who comes back from the provider of identity.
WAY = "medcal_way"
# Whose accounts were used from this browser (services/known_browsers.py).
KNOWN = "medcal_known"
KNOWN_SECONDS = 400 * 24 * 3600
STAFF_SECONDS = 7 * 24 * 3600
VISIT_SECONDS = 90 * 24 * 3600

_VALUE = re.compile(r"[A-Za-z0-9_-]{20,200}")
# An address of two hundred letters.
_SEALED = re.compile(r"[A-Za-z0-9_-]{20,1200}")
_REFERENCES = re.compile(r"(staff|visit)=([0-9a-f]{64})")


def cookie_name(cookie: str) -> str:
    """On https the __Host- prefix: no other host, subdomain or plain-http page can then set or shadow the cookie."""
    return f"__Host-{cookie}" if settings().is_https else cookie


def set_staff_cookie(response: Response, value: str, max_age: int = STAFF_SECONDS) -> None:
    _set(response, STAFF, value, max_age)


def clear_staff_cookie(response: Response) -> None:
    _clear(response, STAFF)


def set_short_cookie(response: Response, cookie: str, value: str, max_age: int) -> None:
    """TICKET, LINK, CONTACT or WAY, for the minutes that it takes; KNOWN, for as long as browsers keep one."""
    _set(response, cookie, value, max_age)


def clear_short_cookie(response: Response, cookie: str) -> None:
    _clear(response, cookie)


def request_secret(request: Request, cookie: str) -> str | None:
    """The value of TICKET, LINK, CONTACT, WAY or KNOWN behind an HTTP request, None without one."""
    return cookie_value(request.scope["headers"], cookie)


def set_visit_cookie(response: Response, value: str | None = None) -> str:
    """Give the browser a visit of its own (a new one unless `value` is given) and return the visit's reference."""
    value = value or new_secret()
    _set(response, VISIT, value, VISIT_SECONDS)
    return digest(value)


def clear_visit_cookie(response: Response) -> None:
    _clear(response, VISIT)


def request_staff_ref(request: Request) -> str | None:
    """The reference of the staff session behind an HTTP request, None without one."""
    return _ref(request.scope["headers"], STAFF)


def request_visit_ref(request: Request) -> str | None:
    """The reference of the patient's browser behind an HTTP request, None without one."""
    return _ref(request.scope["headers"], VISIT)


def staff_ref(headers: Mapping[str, str]) -> str | None:
    """The reference of the staff session behind a websocket, from `self.router.headers.raw_headers`."""
    return _references(headers).get("staff")


def visit_ref(headers: Mapping[str, str]) -> str | None:
    """The reference of the patient's browser behind a websocket, from `self.router.headers.raw_headers`."""
    return _references(headers).get("visit")


def authorization(headers: Headers) -> bytes:
    """What takes the cookies' place in a websocket's handshake: `Medcal staff=<sha256>;visit=<sha256>`.

    Either may be missing. Reflex keeps this header, unlike others, from the browser.
    """
    refs = {"staff": _ref(headers, STAFF), "visit": _ref(headers, VISIT)}
    return b"Medcal " + ";".join(f"{who}={ref}" for who, ref in refs.items() if ref).encode()


def new_visit(headers: Headers) -> list[tuple[bytes, bytes]]:
    """The Set-Cookie header for a browser that has no visit cookie yet, else none."""
    if cookie_value(headers, VISIT):
        return []
    response = Response()
    set_visit_cookie(response)
    return [pair for pair in response.raw_headers if pair[0] == b"set-cookie"]


def cookie_value(headers: Headers, cookie: str) -> str | None:
    """The cookie's value if it looks like one of ours. Two different ones are none: one of them is somebody else's."""
    pairs = (pair.strip().partition(b"=") for name, line in headers if name == b"cookie" for pair in line.split(b";"))
    found = {value.decode("latin-1") for name, _, value in pairs if name == cookie_name(cookie).encode()}
    value = found.pop() if len(found) == 1 else ""
    return value if (_SEALED if cookie == CONTACT else _VALUE).fullmatch(value) else None


def _ref(headers: Headers, cookie: str) -> str | None:
    value = cookie_value(headers, cookie)
    return digest(value) if value else None


def _references(headers: Mapping[str, str]) -> dict[str, str]:
    text = headers.get("authorization", "")
    return dict(_REFERENCES.findall(text)) if text.startswith("Medcal ") else {}


def _set(response: Response, cookie: str, value: str, max_age: int) -> None:
    response.set_cookie(
        cookie_name(cookie), value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=settings().is_https
    )


def _clear(response: Response, cookie: str) -> None:
    # With the same attributes: browsers refuse to delete a __Host- cookie without Secure and Path=/.
    _set(response, cookie, "", 0)
