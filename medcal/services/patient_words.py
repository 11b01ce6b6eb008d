"""What the history says about a patient in words: sealed with a key of her own, which goes when she is erased.

The history stays as it was, also for those who check it, and nobody can read who it was about any more.
"""

import logging
import secrets
from collections.abc import Mapping
from datetime import date

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.models.sealed import BLOCK, seal_note, try_to_open
from medcal.security import seal, unseal

log = logging.getLogger(__name__)

ABOUT = "event.detail"
_KEY = "patient_key.secret"
# How a sealed word is told from a plain one in the history.
SEALED = "sealed:"


def seal_words(db: Session, patient_id: int | None, **words: str | date | None) -> dict[str, str]:
    """The words as the history keeps them; what is empty is left out. Her key is made where she has none.

    Where it cannot be opened the words stay out of the history: the day must go on, and unsealed they may not be there.
    """
    if patient_id is None or not any(words.values()):
        return {}
    key = _key(db, patient_id) or _make_key(db, patient_id)
    if key is None:
        log.error("%s holds what none of the keys opens", _KEY)
        return {}
    return seal_words_with(key, **words)


def seal_words_with(key: bytes, **words: str | date | None) -> dict[str, str]:
    """The same with a key at hand."""
    return {name: SEALED + seal(key, _padded(str(word)), ABOUT) for name, word in words.items() if word}


def new_key() -> tuple[bytes, str]:
    """A key for somebody who has none, and as `patient_key.secret` keeps it."""
    made = secrets.token_urlsafe(32)
    return made.encode(), seal_note(made, _KEY)


def open_words(keys: Mapping[int, bytes], patient_id: int | None, kept: str) -> str | None:
    """A word again; None once its key is gone. `keys` come from `keys_of`."""
    key = keys.get(patient_id or 0)
    word = unseal(key, kept.removeprefix(SEALED), ABOUT) if key else None
    return word.rstrip("\0") if word is not None else None


def keys_of(db: Session, patients: list[int]) -> dict[int, bytes]:
    """The keys of these patients; of those who were erased there is none."""
    rows = fetch(db, "SELECT patient_id, secret FROM patient_key WHERE patient_id = ANY(%(ids)s)", ids=patients)
    opened = {row.patient_id: try_to_open(row.secret, _KEY) for row in rows}
    return {patient_id: secret.encode() for patient_id, secret in opened.items() if secret}


def forget_key(db: Session, patient_id: int) -> None:
    """From here on nobody reads what the history says about her."""
    fetch(db, "DELETE FROM patient_key WHERE patient_id = %(id)s", id=patient_id)


def _key(db: Session, patient_id: int) -> bytes | None:
    return keys_of(db, [patient_id]).get(patient_id)


def _make_key(db: Session, patient_id: int) -> bytes | None:
    made, secret = new_key()
    # Of two who make one at once, the second takes the first one's.
    row = fetch_one(
        db,
        """INSERT INTO patient_key (patient_id, secret) VALUES (%(id)s, %(secret)s)
           ON CONFLICT (patient_id) DO NOTHING RETURNING id""",
        id=patient_id,
        secret=secret,
    )
    return made if row else _key(db, patient_id)


def _padded(word: str) -> str:
    return word + "\0" * (-len(word.encode()) % (BLOCK // 4))
