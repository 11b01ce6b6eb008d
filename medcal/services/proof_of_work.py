"""Proof of work instead of puzzles: a stranger's browser computes a moment for what it asks, while the form is filled in.

A challenge is signed, so nothing of it is stored. Its parts are small searches: many together take every time about as long, where a single
one of the same cost would make one patient in twenty wait for three times the mean.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.config import settings
from medcal.errors import ProofRefused, TooManyTries
from medcal.services import throttle

PARTS = 16
# 65,536 hashes in the mean: a phone of five years does 150,000 in a second or more, in JavaScript.
FLOOR_BITS = 12

_SOLVED = re.compile(
    rf"([0-9]{{1,2}})\.([0-9]{{1,11}})\.([0-9a-f]{{16}})\.([0-9a-f]{{64}})\.([0-9]{{1,10}}(?:-[0-9]{{1,10}}){{{PARTS - 1}}})"
)


def new_challenge(purpose: str, about: str, *, bits: int, until: datetime) -> str:
    """What a browser has to solve, for one purpose and one thing: `bits.until.salt.signature`.

    For each part it looks for a number whose SHA-256, behind signature and number of the part, begins with `bits` zeros.
    """
    expires, salt = int(until.timestamp()), secrets.token_hex(8)
    return f"{bits}.{expires}.{salt}.{_sign(purpose, about, f'{bits}.{expires}.{salt}')}"


def check(solved: str, purpose: str, about: str, *, now: datetime) -> None:
    """Raises ProofRefused unless this is a challenge of ours for this very thing, in time and solved. Some twenty hashes, whatever comes."""
    found = _SOLVED.fullmatch(solved)
    if found is None:
        raise ProofRefused
    bits, expires, salt, signature, numbers = found.groups()
    if not hmac.compare_digest(signature, _sign(purpose, about, f"{bits}.{expires}.{salt}")):
        raise ProofRefused
    if int(expires) <= now.timestamp() or not _is_solved(signature, numbers.split("-"), int(bits)):
        raise ProofRefused


def spend(db: Session, solved: str, purpose: str, *, lasts: timedelta, now: datetime) -> None:
    """Like `check`, for what leaves no trace of its own: a proof counts once. In a transaction of its own, before what it is for.

    `lasts` is at least as long as the challenge does. Raises ProofRefused.
    """
    check(solved, purpose, "", now=now)
    # Less the numbers: of one challenge there are many solutions.
    try:
        throttle.use_once(db, f"proof {solved.rpartition('.')[0]}", window=lasts, now=now)
    except TooManyTries:
        raise ProofRefused from None


def _is_solved(signature: str, numbers: list[str], bits: int) -> bool:
    seed = bytes.fromhex(signature)
    return all(_fits(seed, part, int(number), bits) for part, number in enumerate(numbers))


def _fits(seed: bytes, part: int, number: int, bits: int) -> bool:
    if number >= 2**32:
        return False
    found = hashlib.sha256(seed + part.to_bytes(4) + number.to_bytes(4)).digest()
    return int.from_bytes(found[:4]) >> (32 - bits) == 0


def _sign(purpose: str, about: str, terms: str) -> str:
    return hmac.new(settings().secret_key, f"proof:{purpose}:{about}:{terms}".encode(), hashlib.sha256).hexdigest()
