"""Which browsers an account was used from: they say so themselves, by marks that nobody but this server can make.

A browser keeps a mark of each account that has signed in with it, in one cookie; nothing is stored here. A mark opens nothing: who steals it is
let in as little as before, and is not announced.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from medcal.config import settings

MARK = 20
# Of so many colleagues who share a computer; the oldest mark makes room.
MOST_MARKS = 10


def is_known(user_id: int, marks: str) -> bool:
    """Whether the account was used from this browser before."""
    return any(hmac.compare_digest(_mark(user_id).encode(), mark.encode()) for mark in _split(marks))


def remember(user_id: int, marks: str) -> str:
    """The marks with this account's in front."""
    own = _mark(user_id)
    return "".join([own, *(mark for mark in _split(marks) if mark != own)][:MOST_MARKS])


def _split(marks: str) -> list[str]:
    return [marks[start : start + MARK] for start in range(0, len(marks) - len(marks) % MARK, MARK)]


def _mark(user_id: int) -> str:
    mac = hmac.new(settings().secret_key, f"browser known to {user_id}".encode(), hashlib.sha256)
    return urlsafe_b64encode(mac.digest()).decode()[:MARK]
