"""Which passwords are taken: long ones that nobody guesses first. No rules about capitals and digits (NIST SP 800-63B)."""

import gzip
import re
import string
import unicodedata
from enum import StrEnum
from functools import cache
from pathlib import Path

from medcal.errors import Invalid
from medcal.i18n import t
from medcal.security import LONGEST_PASSWORD

SHORTEST_PASSWORD = 12
COMMON = Path(__file__).parent.parent / "wordlists" / "common-passwords.txt.gz"
# What a password needs besides the name, the address and the name of this program.
LEAST_OF_ITS_OWN = 8
LEAST_DIFFERENT = 5
_ENDS = string.digits + string.punctuation + string.whitespace
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "1234567890" * 3)


class Weakness(StrEnum):
    """Why a password is not taken; the words stand in addresses, the sentences in `sentence_of`."""

    length = "length"
    common = "common"
    person = "person"


class WeakPassword(Invalid):
    """A password that is too short, too long, or among the first that anybody would try."""

    def __init__(self, why: Weakness):
        super().__init__(sentence_of(why), "password")
        self.why = why


def sentence_of(why: Weakness) -> str:
    """What is said of a weak password, and how to find a better one."""
    if why is Weakness.length:
        return t("A password has {least} to {most} characters.", least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD)
    if why is Weakness.common:
        return t(
            "This password is among the first that are tried. Four or five words that do not belong together are better."
        )
    return t("This password is made of your name or your address. Please choose one that has nothing to do with you.")


def check_password(password: str, *, email: str, name: str) -> None:
    """Raises WeakPassword."""
    kept = unicodedata.normalize("NFKC", password)
    if not SHORTEST_PASSWORD <= len(kept) <= LONGEST_PASSWORD:
        raise WeakPassword(Weakness.length)
    if is_common(kept):
        raise WeakPassword(Weakness.common)
    if _is_about(kept, f"{email} {name} medcal"):
        raise WeakPassword(Weakness.person)


def is_common(password: str) -> bool:
    """On the list, or an entry of it with digits and signs at its ends, one piece over and over, or a walk over the keyboard."""
    lower = password.lower()
    core = lower.strip(_ENDS)
    return (
        not core
        or len(set(lower)) < LEAST_DIFFERENT
        or not _common().isdisjoint({lower, core})
        or lower in (lower + lower)[1:-1]
        or any(lower in row or lower in row[::-1] for row in _ROWS)
    )


@cache
def _common() -> frozenset[str]:
    with gzip.open(COMMON, "rt", encoding="ascii") as file:
        return frozenset(file.read().split())


def _is_about(password: str, person: str) -> bool:
    """Whether little is left of a password without the words that belong to its owner."""
    rest = password.casefold()
    words = {word for word in re.split(r"[\W\d_]+", person.casefold()) if len(word) > 2}
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest.strip(_ENDS)) < LEAST_OF_ITS_OWN and rest != password.casefold()
