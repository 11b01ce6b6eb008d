"""Password hashes, tokens, roles and who acts. Pure: no database, no Reflex."""

import hashlib
import hmac
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

LONGEST_PASSWORD = 200


class Role(StrEnum):
    """What a member of the staff may do; the table of rights is in docs/architecture.md."""

    admin = "admin"
    reception = "reception"
    doctor = "doctor"


class ActorKind(StrEnum):
    staff = "staff"
    patient = "patient"
    system = "system"


@dataclass(frozen=True)
class Actor:
    """Who does something. `id` is the staff user's, or the patient's where it is known; the system has none.

    One who `is_unfinished` owes a second step, and may do nothing but set it up. `session_id` and `address` say from where somebody of
    the staff acts, for the history; of patients nobody writes that down.
    """

    kind: ActorKind
    id: int | None = None
    role: Role | None = None
    doctor_id: int | None = None
    name: str = ""
    is_unfinished: bool = False
    session_id: int | None = None
    address: str = ""

    @property
    def is_staff(self) -> bool:
        return self.kind is ActorKind.staff

    def sees_doctor(self, doctor_id: int) -> bool:
        """Doctors see their own calendar and patients; reception and admins see everybody's."""
        return self.is_staff and (self.role is not Role.doctor or self.doctor_id == doctor_id)


SYSTEM = Actor(ActorKind.system, name="Medcal")
PATIENT = Actor(ActorKind.patient)


@cache
def _hasher() -> PasswordHash:
    # OWASP's floor for argon2id (m=19 MiB, t=2, p=1): 37 ms here against 172 ms for 64 MiB, and many can sign in at once.
    return PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))


def hash_password(password: str) -> str:
    return _hasher().hash(_as_typed(password))


def _as_typed(password: str) -> str:
    """In one form, however a keyboard puts its umlauts together."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe(16))


def password_fits(password: str, stored: str | None) -> bool:
    """Whether the password belongs to the hash; takes as long when there is no such account (stored=None)."""
    if len(password) > LONGEST_PASSWORD:
        password, stored = "", None
    # Made for everybody, since it takes its time once per process.
    nobodys = _nobodys_hash()
    fits = _hasher().verify(_as_typed(password), stored or nobodys)
    return fits and stored is not None


def new_secret() -> str:
    """A random value for a cookie: 256 bits, safe in headers and addresses."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What the database keeps of a random secret. SHA-256 suffices for 256 random bits; passwords use argon2."""
    return hashlib.sha256(secret.encode()).hexdigest()


def link_token(key: bytes, message_ref: str, purpose: str) -> str:
    """The token in a message's link, made anew each time from the server's key.

    The database keeps its digest alone, a repeated delivery carries the same link, and a copy of the database opens nothing.
    """
    mac = hmac.digest(key, f"link:{purpose}:{message_ref}".encode(), "sha256")
    return urlsafe_b64encode(mac).decode().rstrip("=")


def new_code() -> str:
    """A one-time code of six digits."""
    return f"{secrets.randbelow(10**6):06d}"


def code_digest(key: bytes, contact: str, code: str) -> str:
    """Keyed, because six digits could be guessed from a plain hash."""
    return hmac.new(key, f"code:{contact}:{code}".encode(), hashlib.sha256).hexdigest()


def contact_digest(key: bytes, contact: str) -> str:
    """An e-mail address or phone number to look up but not to read. Keyed, because addresses can be guessed."""
    return hmac.new(key, f"contact:{contact}".encode(), hashlib.sha256).hexdigest()


# Crockford's base 32: no I, L, O, U, so it can be read out on the phone.
_CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_booking_code() -> str:
    """A short code a patient can read out at the desk, like K7QM-2B9T. It opens nothing."""
    return _groups_of_four(8)


def new_recovery_code() -> str:
    """Sixty random bits to keep on paper, like K7QM-2B9T-0XCD."""
    return _groups_of_four(12)


def _groups_of_four(count: int) -> str:
    # 32 letters: five bits of each byte choose one, each as likely as the next.
    letters = "".join(_CODE_LETTERS[byte % 32] for byte in secrets.token_bytes(count))
    return "-".join(letters[start : start + 4] for start in range(0, count, 4))


def seal(key: bytes, text: str, about: str) -> str:
    """A text that nobody reads or changes without the server's key (AES-256-GCM), and that fits in the place it is `about` alone."""
    nonce = secrets.token_bytes(12)
    return urlsafe_b64encode(nonce + _box(key).encrypt(nonce, text.encode(), about.encode())).decode()


def unseal(key: bytes, sealed: str, about: str) -> str | None:
    """The text again; None for anything that was not sealed with this key for this place."""
    try:
        data = urlsafe_b64decode(sealed)
        return _box(key).decrypt(data[:12], data[12:], about.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def _box(key: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, b"seal", "sha256"))
