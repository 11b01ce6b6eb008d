"""One's own account: the password, the second step, and where one is signed in. Nobody reaches another's through here."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from medcal.errors import CodeRefused, NotPossibleNow, SignInRefused
from medcal.i18n import t
from medcal.models import StaffUser
from medcal.roles import Can, check
from medcal.security import Actor, password_fits
from medcal.services import accounts, events, second_step, sessions, throttle
from medcal.services.second_step import SetUp
from medcal.services.sessions import Device, OwnSession


@dataclass(frozen=True)
class OwnAccount:
    """What somebody sees of her own account. `needs_second_step`: the clinic wants one of her role."""

    name: str
    email: str
    has_password: bool
    has_second_step: bool
    needs_second_step: bool
    recovery_codes_left: int
    sessions: tuple[OwnSession, ...]
    tried_at: datetime | None


def read(db: Session, actor: Actor, cookie_digest: str, now: datetime) -> OwnAccount:
    """The account, and where it is signed in."""
    user = _own(db, actor)
    return OwnAccount(
        name=user.name,
        email=user.email,
        has_password=bool(user.password_hash),
        has_second_step=second_step.is_on(user),
        needs_second_step=sessions.must_have_second_step(user.role),
        recovery_codes_left=second_step.recovery_codes_left(db, user),
        sessions=tuple(sessions.list_own(db, actor, cookie_digest, now)),
        tried_at=_last_tried(user, now),
    )


def _last_tried(user: StaffUser, now: datetime) -> datetime | None:
    """When the account was closed for a while in the last week, after too many tries to sign in."""
    return user.tried_often_at if user.tried_often_at and user.tried_often_at > now - timedelta(days=7) else None


def count_try(db: Session, actor: Actor, *, now: datetime) -> None:
    """Count a password or a code that is asked for again, in a transaction of its own before what asks. Raises TooManyTries.

    Whoever sits down at a screen that was left open shall not guess his way to more.
    """
    assert actor.id is not None
    throttle.count(db, f"password again of {actor.id}", limit=10, window=timedelta(minutes=15), now=now)


# --- The password -----------------------------------------------------------------------------------------------------


def change_password(db: Session, actor: Actor, current: str, new: str, device: Device, *, now: datetime) -> str:
    """A new password. All sessions end; returns the value for the cookie of the new one, of the browser that asked.

    Raises SignInRefused for a wrong current password, WeakPassword.
    """
    user = _check_again(db, actor, current)
    accounts.set_password(db, user, new)
    events.record(db, "account.password_set", by=actor, now=now, account=user.ref, purpose="change")
    return sessions.open_session(db, user, device, has_second_step=second_step.is_on(user), now=now)


def _check_again(db: Session, actor: Actor, password: str) -> StaffUser:
    user = _own(db, actor)
    if not password_fits(password, user.password_hash or None):
        raise SignInRefused(t("This is not your password."))
    return user


# --- The second step --------------------------------------------------------------------------------------------------


def begin_second_step(db: Session, actor: Actor, password: str) -> SetUp:
    """A key for the app of somebody who gives her password again. Raises SignInRefused, NotPossibleNow."""
    return second_step.begin(db, _check_again(db, actor, password))


def confirm_second_step(db: Session, actor: Actor, code: str, cookie_digest: str, *, now: datetime) -> list[str]:
    """Turn it on with a code of the app; returns the recovery codes. Sessions elsewhere end. Raises CodeRefused, NotPossibleNow."""
    user = _own(db, actor)
    codes = second_step.confirm(db, user, code, here=cookie_digest, now=now)
    events.record(db, "account.second_step_on", by=actor, now=now, account=user.ref)
    return codes


def renew_recovery_codes(db: Session, actor: Actor, code: str, *, now: datetime) -> list[str]:
    """Ten new ones for a code of the app, or one of the old ones. Raises CodeRefused."""
    user = _check_code(db, actor, code, now)
    events.record(db, "account.recovery_codes_renewed", by=actor, now=now, account=user.ref)
    return second_step.renew_recovery_codes(db, user)


def turn_off_second_step(db: Session, actor: Actor, code: str, *, now: datetime) -> None:
    """Sign in with the password alone from now on. Raises CodeRefused, NotPossibleNow where the clinic wants a second step."""
    if actor.role and sessions.must_have_second_step(actor.role):
        raise NotPossibleNow(t("Your clinic asks for a second step. To change phones, ask an admin to reset it."))
    user = _check_code(db, actor, code, now)
    second_step.turn_off(db, user)
    events.record(db, "account.second_step_off", by=actor, now=now, account=user.ref)


def _check_code(db: Session, actor: Actor, code: str, now: datetime) -> StaffUser:
    user = _own(db, actor)
    if not second_step.fits(db, user, code, now):
        raise CodeRefused
    return user


# --- Where one is signed in -------------------------------------------------------------------------------------------


def sign_out_there(db: Session, actor: Actor, ref: uuid.UUID, *, now: datetime) -> None:
    """End one of the own sessions. Raises NotFound, for other people's too."""
    user = _own(db, actor)
    sessions.sign_out_there(db, actor, ref)
    events.record(db, "account.signed_out", by=actor, now=now, account=user.ref, sessions=1)


def sign_out_elsewhere(db: Session, actor: Actor, cookie_digest: str, *, now: datetime) -> int:
    """End all own sessions but the one that asks; returns how many."""
    user = _own(db, actor)
    assert user.id is not None
    ended = sessions.sign_out_everywhere(db, user.id, but=cookie_digest)
    if ended:
        events.record(db, "account.signed_out", by=actor, now=now, account=user.ref, sessions=ended)
    return ended


def _own(db: Session, actor: Actor) -> StaffUser:
    """The actor's account, which stays as it is to the end of the transaction."""
    check(actor, Can.keep_own_account)
    return db.exec(select(StaffUser).where(StaffUser.id == actor.id).with_for_update()).one()
