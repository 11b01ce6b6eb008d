"""Every address of Medcal. English lives at the address itself, other languages under /de and so on; none holds an id."""

import re

from medcal.i18n import DEFAULT, LANGUAGES, current_language

HOME = "/"
SPECIALTY = "/[specialty]"
DOCTOR = "/doctors/[doctor]"
BOOK = "/book"
BOOKED = "/booked"
APPOINTMENT = "/appointment"
FIND_APPOINTMENT = "/appointment/find"
YOUR_DATA = "/appointment/data"
OFFER = "/offer"
WISH = "/earlier"
PRIVACY = "/privacy"
OLD_LINK = "/link-expired"
SIGN_IN = "/sign-in"
SIGN_IN_CODE = "/sign-in/code"
NEW_PASSWORD = "/sign-in/password"  # noqa: S105
STAFF_CALENDAR = "/staff"
STAFF_APPOINTMENTS = "/staff/appointments"
STAFF_WAITLIST = "/staff/waitlist"
STAFF_MESSAGES = "/staff/messages"
STAFF_OFFERS = "/staff/offers"
STAFF_OFFER_RULES = "/staff/settings/offers"
STAFF_MESSAGE_RULES = "/staff/settings/messages"
STAFF_WORDS = "/staff/settings/words"
STAFF_CONSENT = "/staff/settings/consent"
STAFF_FEEDS = "/staff/feeds"
STAFF_STATISTICS = "/staff/statistics"
STAFF_PEOPLE = "/staff/settings/people"
STAFF_ACCOUNT = "/staff/account"
STAFF_SETUP = "/staff/setup"
STAFF_SETTINGS = "/staff/settings"
STAFF_CLINIC = "/staff/settings/clinic"
STAFF_SPECIALTIES = "/staff/settings/specialties"
STAFF_AUDIT = "/staff/settings/audit"
STAFF_DOCTORS = "/staff/settings/doctors"

# What stands first in addresses of ours, of the framework's and of proxies: no specialty may be called so.
RESERVED = frozenset(
    {str(path).split("/")[1] for name, path in list(vars().items()) if name.isupper() and str(path).startswith("/")}
    | set(LANGUAGES)
    | {
        "admin",
        "api",
        "assets",
        "auth",
        "calendar",
        "doctors",
        "favicon",
        "fonts",
        "health",
        "index",
        "l",
        "login",
        "ping",
    }
    | {"settings", "static", "404"}
)


def to(path: str, code: str | None = None) -> str:
    """The address of a page in a language, by default the current one."""
    code = code or current_language()
    if code == DEFAULT or code not in LANGUAGES:
        return path
    return f"/{code}" if path == HOME else f"/{code}{path}"


def to_specialty(slug: str) -> str:
    return to(f"/{slug}")


def to_doctor(slug: str) -> str:
    return to(f"/doctors/{slug}")


def staff_link(token: str) -> str:
    """Where somebody of the staff gives herself a password; see api/passwords.py."""
    return f"/l/staff/{token}"


def plain(path: str) -> str:
    """The address without its language and without a slash at the end."""
    parts = path.strip("/").split("/")
    if parts and parts[0] in LANGUAGES:
        parts = parts[1:]
    return "/" + "/".join(parts)


def portrait(slug: str) -> str:
    return f"/doctors/{slug}.svg"


# A list of what is ours, not of what is foreign: nothing that could name another host fits.
_STAFF_PAGE = re.compile(r"(?:/[a-z]{2})?/staff(?:/[a-z]+){0,2}")


def is_staff_page(address: str) -> bool:
    """Whether somebody who signs in may be sent on to this address."""
    return _STAFF_PAGE.fullmatch(address) is not None
