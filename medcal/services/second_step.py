"""The second step of signing in: codes of an app (TOTP, RFC 6238), and recovery codes for when the phone is lost."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from sqlmodel import Session

from medcal.config import settings
from medcal.db import fetch, fetch_one, repeat
from medcal.errors import CodeRefused, LinkExpired, NotPossibleNow
from medcal.i18n import t
from medcal.models import SignInTicket, StaffUser
from medcal.security import Actor, ActorKind, code_digest, digest, new_recovery_code, new_secret, seal, unseal
from medcal.services import events, sessions, throttle
from medcal.services.sessions import Device

STEP_SECONDS = 30
# Phones go a little fast or slow, and people take a moment to type.
STEPS_ASIDE = 1
RECOVERY_CODES = 10
TICKET_LASTS = timedelta(minutes=5)
TICKET_TRIES = 5


def is_on(user: StaffUser) -> bool:
    """Whether this account is asked for a code."""
    return user.totp_on_at is not None


# --- Signing in -------------------------------------------------------------------------------------------------------


def open_ticket(db: Session, user: StaffUser, now: datetime) -> str:
    """What a browser gets for the right password when a code is due: the value of a cookie that opens nothing."""
    assert user.id is not None
    value = new_secret()
    ticket = SignInTicket(
        cookie_digest=digest(value), staff_user_id=user.id, created_at=now, expires_at=now + TICKET_LASTS
    )
    db.add(ticket)
    db.flush()
    return value


def count_code(db: Session, ticket_digest: str, *, now: datetime) -> None:
    """Count a code, in a transaction of its own before `finish`. Raises TooManyTries.

    By account, since whoever knows the password can have as many tickets as he likes.
    """
    ticket = fetch_one(db, "SELECT staff_user_id FROM sign_in_ticket WHERE cookie_digest = %(it)s", it=ticket_digest)
    if ticket:
        count_code_of(db, ticket.staff_user_id, now=now)


def count_code_of(db: Session, user_id: int, *, now: datetime) -> None:
    """Count a code that somebody tries for an account. Raises TooManyTries: six digits withstand no more than that."""
    throttle.count(db, f"code of {user_id}", limit=10, window=timedelta(minutes=15), now=now)
    throttle.count(db, f"code of {user_id}", limit=50, window=timedelta(days=1), now=now)


def finish(
    db: Session, ticket_digest: str, code: str, device: Device, *, now: datetime
) -> tuple[StaffUser, str] | None:
    """Exchange a ticket and a code for a session; the user and the value for the cookie, None where the code is wrong.

    A wrong code is no exception, so that the try is committed. Raises LinkExpired for a ticket that is old, used up or unknown.
    """
    ticket = fetch_one(
        db,
        """UPDATE sign_in_ticket SET tries = tries + 1
            WHERE cookie_digest = %(it)s AND expires_at > %(now)s AND tries < %(most)s RETURNING id, staff_user_id""",
        it=ticket_digest,
        now=now,
        most=TICKET_TRIES,
    )
    user = db.get_one(StaffUser, ticket.staff_user_id) if ticket else None
    if ticket is None or user is None or not user.is_active:
        raise LinkExpired(t("This took too long. Please sign in again."))
    if not fits(db, user, code, now):
        stranger = Actor(ActorKind.system, name="Medcal", address=device.address[:60])
        events.record(db, "account.refused", by=stranger, now=now, account=user.ref)
        return None
    fetch(db, "DELETE FROM sign_in_ticket WHERE id = %(id)s", id=ticket.id)
    sessions.note_sign_in(db, user, device, way="second step", now=now)
    return user, sessions.open_session(db, user, device, has_second_step=True, now=now)


def fits(db: Session, user: StaffUser, code: str, now: datetime) -> bool:
    """Whether a code of the app or a recovery code belongs to the account. Each fits once, also when it comes twice at the same instant."""
    if not is_on(user):
        return False
    typed = "".join(code.split()).replace("-", "").upper()
    if len(typed) == 6 and typed.isascii() and typed.isdigit():
        return _takes_step(db, user, _find_step(user, typed, now))
    return _takes_recovery_code(db, user, typed, now)


def _find_step(user: StaffUser, typed: str, now: datetime) -> int | None:
    """The step of time to which a code belongs."""
    key = unseal(settings().secret_key, user.totp_key, _place(user))
    if key is None:
        return None
    present = int(now.timestamp()) // STEP_SECONDS
    steps = range(present - STEPS_ASIDE, present + STEPS_ASIDE + 1)
    totp = pyotp.TOTP(key)
    # All are compared: which one it was is not to be read from the time it took.
    found = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), typed)]
    return max(found, default=None)


def _takes_step(db: Session, user: StaffUser, step: int | None) -> bool:
    """Compare and set: a code that was read over somebody's shoulder is worth nothing, nor is an older one."""
    if step is None:
        return False
    taken = fetch(
        db,
        """UPDATE staff_user SET totp_step = %(step)s
            WHERE id = %(user_id)s AND (totp_step IS NULL OR totp_step < %(step)s) RETURNING id""",
        step=step,
        user_id=user.id,
    )
    db.refresh(user)
    return bool(taken)


def _takes_recovery_code(db: Session, user: StaffUser, typed: str, now: datetime) -> bool:
    taken = fetch(
        db,
        """UPDATE recovery_code SET used_at = %(now)s
            WHERE staff_user_id = %(user_id)s AND code_digest = %(code)s AND used_at IS NULL RETURNING id""",
        now=now,
        user_id=user.id,
        code=_recovery_digest(user, typed),
    )
    if taken:
        herself = Actor(ActorKind.staff, id=user.id, role=user.role, doctor_id=user.doctor_id, name=user.name)
        events.record(db, "account.recovery_code_used", by=herself, now=now, account=user.ref)
    return bool(taken)


def _recovery_digest(user: StaffUser, typed: str) -> str:
    # As it is read out: there is no letter O and no I, L in these codes.
    return code_digest(settings().secret_key, f"recovery of {user.ref}", typed.translate(str.maketrans("OIL", "011")))


def _place(user: StaffUser) -> str:
    return f"totp of {user.ref}"


# --- Setting it up ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SetUp:
    """What the app needs: the key to type, and the address that the picture to scan holds."""

    key: str
    address: str


def begin(db: Session, user: StaffUser) -> SetUp:
    """A new key for the app. Nothing is asked for until a code has shown that the app has it. Raises NotPossibleNow."""
    if is_on(user):
        raise NotPossibleNow(t("The second step is on already."))
    key = pyotp.random_base32()
    user.totp_key, user.totp_step = seal(settings().secret_key, key, _place(user)), None
    db.flush()
    return SetUp(key, pyotp.TOTP(key, name=user.email, issuer="Medcal").provisioning_uri())


def confirm(db: Session, user: StaffUser, code: str, *, here: str, now: datetime) -> list[str]:
    """The app has the key: from now on a code is asked for. Returns the recovery codes, which are never shown again.

    Sessions elsewhere end; the one `here` (digest of its cookie) owes nothing any more. Raises CodeRefused, NotPossibleNow.
    """
    if is_on(user):
        raise NotPossibleNow(t("The second step is on already."))
    assert user.id is not None
    typed = "".join(code.split())
    if not user.totp_key or not _takes_step(db, user, _find_step(user, typed, now)):
        raise CodeRefused
    user.totp_on_at = now
    sessions.sign_out_everywhere(db, user.id, but=here)
    fetch(db, "UPDATE session SET needs_second_step = false WHERE cookie_digest = %(here)s", here=here)
    return renew_recovery_codes(db, user)


def renew_recovery_codes(db: Session, user: StaffUser) -> list[str]:
    """Ten new codes; the old ones are worth nothing any more."""
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    fetch(db, "DELETE FROM recovery_code WHERE staff_user_id = %(user_id)s", user_id=user.id)
    repeat(
        db,
        "INSERT INTO recovery_code (staff_user_id, code_digest) VALUES (%(user_id)s, %(code)s)",
        [{"user_id": user.id, "code": _recovery_digest(user, code.replace("-", ""))} for code in codes],
    )
    return codes


def recovery_codes_left(db: Session, user: StaffUser) -> int:
    """How many have not been used."""
    row = fetch_one(
        db,
        "SELECT count(*) AS codes FROM recovery_code WHERE staff_user_id = %(user_id)s AND used_at IS NULL",
        user_id=user.id,
    )
    assert row is not None
    return int(row.codes)


def turn_off(db: Session, user: StaffUser) -> None:
    """No code is asked for any more; the key and the recovery codes are forgotten."""
    user.totp_key, user.totp_on_at, user.totp_step = "", None, None
    fetch(db, "DELETE FROM recovery_code WHERE staff_user_id = %(user_id)s", user_id=user.id)
    db.flush()
