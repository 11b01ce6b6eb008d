"""Sign-ins on their way to the provider and back: bound to one browser, good once, for ten minutes.

What is secret about a way (nonce, PKCE verifier) is derived from the browser's cookie and kept nowhere.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.models import ProviderSignIn
from medcal.security import digest, new_secret
from medcal.services import throttle

WAY_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Way:
    """A sign-in that was begun here: since when, and where it leads."""

    begun_at: datetime
    next_page: str
    language: str


def count_start(db: Session, address: str | None, *, now: datetime) -> None:
    """Count a way that is begun, in a transaction of its own. Raises TooManyTries."""
    if address:
        throttle.count(db, f"way to the provider from {address}", limit=60, window=timedelta(minutes=5), now=now)


def begin(db: Session, browser: str, *, next_page: str, language: str, now: datetime) -> str:
    """Note that a browser (the value of its cookie) sets out; returns the state that it must come back with."""
    state = new_secret()
    db.add(
        ProviderSignIn(
            state_digest=digest(state),
            browser_digest=digest(browser),
            next_page=next_page,
            language=language,
            created_at=now,
            expires_at=now + WAY_LASTS,
        )
    )
    return state


def arrive(db: Session, browser: str, state: str, now: datetime) -> Way | None:
    """The way that ends here, once; None for one that nobody began, that another browser began, or that took too long."""
    row = fetch_one(
        db,
        """DELETE FROM provider_sign_in WHERE state_digest = %(state)s AND browser_digest = %(browser)s
           RETURNING created_at, next_page, language, expires_at""",
        state=digest(state),
        browser=digest(browser),
    )
    return Way(row.created_at, row.next_page, row.language) if row and row.expires_at > now else None


def nonce(browser: str, state: str) -> str:
    return _derived(browser, "nonce", state)


def verifier(browser: str, state: str) -> str:
    """For PKCE: 43 characters, as RFC 7636 has it."""
    return _derived(browser, "verifier", state)


def _derived(browser: str, use: str, state: str) -> str:
    mac = hmac.new(browser.encode(), f"{use}:{state}".encode(), hashlib.sha256)
    return urlsafe_b64encode(mac.digest()).decode().rstrip("=")


def forget_old(db: Session, now: datetime) -> int:
    """Remove ways that nobody came back from; returns how many."""
    return len(fetch(db, "DELETE FROM provider_sign_in WHERE expires_at <= %(now)s RETURNING id", now=now))
