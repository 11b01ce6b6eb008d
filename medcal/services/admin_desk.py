"""What all settings of the clinic share: who may change them, whether somebody else did so meanwhile, and names in addresses."""

import hashlib
import unicodedata
from collections.abc import Collection
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, SQLModel

from medcal.errors import ChangedMeanwhile
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import events

# Letters that are more than their base with a mark, as German-speaking clinics write them in addresses.
_SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "ł": "l", "đ": "d"}
)
# What stands before a name and is none.
_TITLES = frozenset(
    ("dr", "prof", "univ", "med", "dent", "mag", "priv", "doz", "pd", "mr", "mrs", "ms", "herr", "frau")
)


def check_admin(actor: Actor) -> None:
    """Settings are the admins'. Raises NotAllowed."""
    check(actor, Can.set_rules)


def seen_as(*values: object) -> str:
    """A mark of what a page was read from: another one when any of it has changed."""
    return hashlib.sha256(repr(values).encode()).hexdigest()[:24]


def check_unchanged(seen: str, *values: object) -> None:
    """Raises ChangedMeanwhile unless the page was read from these very values. The caller has locked the row."""
    if seen != seen_as(*values):
        raise ChangedMeanwhile


def one_by_one(db: Session, table: type[SQLModel]) -> None:
    """Who adds to a small table waits for others who do: names in addresses stay different. Nobody who reads or books is kept waiting."""
    # Foreign keys pointing here lock rows of it only FOR KEY SHARE, which goes well with this.
    db.execute(text(f'LOCK TABLE "{table.__tablename__}" IN SHARE ROW EXCLUSIVE MODE'))


def change(
    db: Session, row: SQLModel, kind: str, values: dict[str, Any], *, by: Actor, now: datetime, **of: Any
) -> bool:
    """Write what differs, with old and new values in the history; says whether anything did. `of` says whose it is."""
    differing = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not differing:
        return False
    old = {name: getattr(row, name) for name in differing}
    for name, value in differing.items():
        setattr(row, name, value)
    db.flush()
    events.record(db, kind, by=by, now=now, old=old, new=differing, **of)
    return True


def slug_for(name: str, taken: Collection[str], *, longest: int, otherwise: str) -> str:
    """A name for an address, like tomas-novak, that nobody has yet; `otherwise` where no letter of it can stand in one."""
    slug = _plain(name, longest - 4) or otherwise
    if slug not in taken:
        return slug
    return next(numbered for number in count(2) if (numbered := f"{slug}-{number}") not in taken)


def _plain(name: str, longest: int) -> str:
    spelled = unicodedata.normalize("NFKD", name.lower().translate(_SPELLED))
    letters = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in letters).split()
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    return "-".join(words)[:longest].strip("-")
