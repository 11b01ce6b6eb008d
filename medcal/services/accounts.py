"""Staff accounts and their sessions: sign in, sign out, and who is behind a cookie."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from medcal.db import fetch, fetch_one
from medcal.errors import Invalid, NotFound, NotPossibleNow, SignInRefused
from medcal.i18n import t
from medcal.models import StaffSession, StaffUser
from medcal.security import LONGEST_PASSWORD, Actor, ActorKind, Role, digest, hash_password, new_secret, password_fits
from medcal.services import throttle
from medcal.services.patients import check_email, check_name

LONGEST_SESSION = timedelta(hours=12)
LONGEST_PAUSE = timedelta(hours=2)
SHORTEST_PASSWORD = 10


def count_sign_in(db: Session, email: str, address: str | None, *, now: datetime) -> None:
    """Count a try to sign in, in a transaction of its own before `sign_in`. Raises TooManyTries.

    By account against guessing from many addresses, by address (None: unknown, behind a proxy) against trying one
    password on many accounts.
    """
    window = timedelta(minutes=5)
    throttle.count(db, f"sign-in as {_as_kept(email)}", limit=10, window=window, now=now)
    if address:
        throttle.count(db, f"sign-in from {address}", limit=40, window=window, now=now)


def sign_in(db: Session, email: str, password: str, *, now: datetime) -> tuple[StaffUser, str]:
    """Open a new session; returns the user and the value for the browser's cookie, of which only the digest is kept.

    Raises SignInRefused: in the same words, and after the same work, for a wrong password, an unknown and a disabled
    account.
    """
    user = db.exec(select(StaffUser).where(StaffUser.email == _as_kept(email))).first()
    fits = password_fits(password, user.password_hash if user else None)
    if user is None or not fits or not user.is_active:
        raise SignInRefused
    assert user.id is not None
    value = new_secret()
    db.add(
        StaffSession(
            cookie_digest=digest(value),
            staff_user_id=user.id,
            created_at=now,
            seen_at=now,
            expires_at=now + LONGEST_SESSION,
        )
    )
    db.flush()
    return user, value


def sign_out(db: Session, cookie_digest: str) -> None:
    """End a session; its cookie is worth nothing from now on, also in pages that are open."""
    fetch(db, "DELETE FROM session WHERE cookie_digest = %(cookie)s", cookie=cookie_digest)


def sign_out_everywhere(db: Session, user_id: int) -> None:
    """End all sessions of a user: a lost device, a new password."""
    fetch(db, "DELETE FROM session WHERE staff_user_id = %(user_id)s", user_id=user_id)


# A session counts while it is young enough, was used lately, and its account is active.
_VALID = "s.expires_at > %(now)s AND s.seen_at > %(now)s - %(pause)s::interval AND u.is_active"
_FIND = f"""
SELECT s.cookie_digest, u.id, u.role, u.doctor_id, u.name
  FROM session s JOIN staff_user u ON u.id = s.staff_user_id WHERE {_VALID} AND s.cookie_digest
"""
# One round trip, and a write at most once a minute: this runs before every protected event.
_FIND_AND_SEE = f"""
WITH found AS ({_FIND} = %(cookie)s),
     seen AS (UPDATE session SET seen_at = %(now)s
               WHERE cookie_digest = (SELECT cookie_digest FROM found) AND seen_at < %(now)s - interval '1 minute')
SELECT * FROM found
"""


def find_actor(db: Session, cookie_digest: str, now: datetime) -> Actor | None:
    """Who is signed in behind a cookie, or None. Keeps the session from lapsing, since this browser is being used."""
    row = fetch_one(db, _FIND_AND_SEE, cookie=cookie_digest, now=now, pause=LONGEST_PAUSE)
    return _actor(row) if row else None


def find_actors(db: Session, cookie_digests: Collection[str], now: datetime) -> dict[str, Actor]:
    """Who is signed in behind many cookies, by digest; the others are missing. Looking does not count as use."""
    rows = fetch(db, f"{_FIND} = ANY(%(cookies)s)", cookies=list(cookie_digests), now=now, pause=LONGEST_PAUSE)
    return {row.cookie_digest: _actor(row) for row in rows}


def _actor(row: Any) -> Actor:
    return Actor(ActorKind.staff, id=row.id, role=Role(row.role), doctor_id=row.doctor_id, name=row.name)


def create_user(
    db: Session,
    *,
    email: str,
    name: str,
    password: str,
    role: Role,
    doctor_id: int | None = None,
    language: str = "en",
) -> StaffUser:
    """Add an account. Raises Invalid where something does not fit; a doctor's account needs its doctor."""
    kept = check_email(email)
    _check_password(password)
    if (role is Role.doctor) != (doctor_id is not None):
        raise Invalid(t("A doctor's account needs its doctor; other accounts have none."), "doctor_id")
    if db.exec(select(StaffUser.id).where(StaffUser.email == kept)).first():
        raise Invalid(t("There is already an account with this e-mail address."), "email")
    user = StaffUser(
        email=kept,
        name=check_name(name),
        role=role,
        doctor_id=doctor_id,
        password_hash=hash_password(password),
        language=language,
    )
    db.add(user)
    db.flush()
    return user


def _check_password(password: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid(
            t("A password has {least} to {most} characters.", least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD),
            "password",
        )


def find_user(db: Session, email: str) -> StaffUser:
    """The account of an e-mail address, disabled ones too. Raises NotFound."""
    user = db.exec(select(StaffUser).where(StaffUser.email == _as_kept(email))).one_or_none()
    if user is None:
        raise NotFound(t("There is no account with this e-mail address."))
    return user


def set_password(db: Session, user: StaffUser, password: str) -> None:
    """Give a new password and end all sessions that the old one opened. Raises Invalid."""
    _check_password(password)
    assert user.id is not None
    user.password_hash = hash_password(password)
    sign_out_everywhere(db, user.id)


def disable(db: Session, user: StaffUser) -> None:
    """End an account's sessions and let it open no more. The last admin stays (NotPossibleNow): somebody must be able to let others in."""
    assert user.id is not None
    # All of them in one order: two admins who disable each other at the same instant pass here one by one.
    admins = (
        select(StaffUser.id).where(StaffUser.role == Role.admin, col(StaffUser.is_active)).order_by(col(StaffUser.id))
    )
    if db.exec(admins.with_for_update()).all() == [user.id]:
        raise NotPossibleNow(t("This is the last admin who can sign in. Add another one first."))
    user.is_active = False
    sign_out_everywhere(db, user.id)


def forget_old_sessions(db: Session, now: datetime) -> int:
    """Remove sessions that have ended by themselves; returns how many."""
    ended = "expires_at <= %(now)s OR seen_at <= %(now)s - %(pause)s::interval"
    return len(fetch(db, f"DELETE FROM session WHERE {ended} RETURNING id", now=now, pause=LONGEST_PAUSE))


def _as_kept(email: str) -> str:
    # PostgreSQL takes no NUL; a name that had one belongs to nobody.
    return email.strip().lower().replace("\0", "\ufffd")
