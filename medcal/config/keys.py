"""The keys of the clinic: from the environment, or made once and kept beside the data."""

import os
import secrets
from pathlib import Path

from medcal.config.reading import BadSetting


def read_secret_key(home: Path) -> bytes:
    """The key that links and codes hang on; made at the first start, for its owner alone to read. Raises BadSetting."""
    if text := os.environ.get("MEDCAL_SECRET_KEY"):
        if len(text) < 32:
            raise BadSetting("MEDCAL_SECRET_KEY must have 32 characters or more.")
        return text.encode()
    path = home / "secret-key"
    home.mkdir(parents=True, exist_ok=True)
    try:
        # Exclusive: of several processes that start at once, one writes the key and the others read it.
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return _wait_for_key(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_bytes()


def _wait_for_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < 32:
        raise BadSetting(f"{path} is not complete. Delete it and start again; links sent before stop working.")
    return key


def read_data_keys(secret_key: bytes) -> tuple[bytes, ...]:
    """MEDCAL_DATA_KEY, then those of before. The secret key comes last: it seals where no other is set, and may have done so once."""
    own = os.environ.get("MEDCAL_DATA_KEY", "").split()
    before = os.environ.get("MEDCAL_DATA_KEYS_BEFORE", "").split()
    if len(own) > 1 or any(len(key) < 32 for key in own + before):
        raise BadSetting(
            "MEDCAL_DATA_KEY and MEDCAL_DATA_KEYS_BEFORE must have 32 characters or more each, without spaces; several keys of before are separated by them."
        )
    return (*(key.encode() for key in own + before), secret_key)
