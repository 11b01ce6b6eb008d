"""What a browser computes before it may book, or have a code sent."""

import hashlib
from datetime import datetime

from medcal import clock
from medcal.services import one_time_codes, proof_of_work


def solve(challenge: str) -> str:
    """A challenge with its solution, as proof.js sends it."""
    bits, _, _, signature = challenge.split(".")
    seed = bytes.fromhex(signature)
    numbers = [_find(seed + part.to_bytes(4), int(bits)) for part in range(proof_of_work.PARTS)]
    return f"{challenge}.{'-'.join(map(str, numbers))}"


def _find(seed: bytes, bits: int) -> int:
    before, number = hashlib.sha256(seed), 0
    while True:
        one = before.copy()
        one.update(number.to_bytes(4))
        if int.from_bytes(one.digest()[:4]) >> (32 - bits) == 0:
            return number
        number += 1


def for_a_code(now: datetime | None = None) -> str:
    """A fresh proof for the form that sends a code, of the least work."""
    until = (now or clock.now()) + one_time_codes.CHALLENGE_LASTS
    return solve(proof_of_work.new_challenge("code", "", bits=1, until=until))
