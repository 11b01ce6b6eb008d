"""Staff accounts: who gets in with a password, and how accounts are made, changed and closed."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from medcal.config import settings
from medcal.db import fetch, fetch_one
from medcal.errors import Invalid, NotFound, NotPossibleNow, SignInRefused
from medcal.i18n import t
from medcal.models import StaffUser
from medcal.security import SYSTEM, Actor, ActorKind, Role, hash_password, password_fits
from medcal.services import events, known_browsers, second_step, sessions, throttle
from medcal.services.passwords import check_password
from medcal.services.patients import check_email, check_name
from medcal.services.sessions import NOWHERE, Device

# Of one account: in all, and from one address, so that a stranger does not lock out whom the clinic's own address lets in.
TRIES_OF_ACCOUNT, TRIES_OF_PAIR, TRIES_OF_ADDRESS = 10, 6, 40
TRIES_WINDOW = timedelta(minutes=5)


# --- Signing in -------------------------------------------------------------------------------------------------------


def count_sign_in(db: Session, email: str, address: str | None, *, marks: str = "", now: datetime) -> None:
    """Count a try to sign in, in a transaction of its own before `sign_in`. Raises TooManyTries.

    By account against guessing from many addresses, by address (None: unknown, behind a proxy) against trying one
    password on many accounts. Of an account that is tried as often as it may be, the history says so. A browser that the
    account was used from (`marks`, known_browsers.py) is counted apart: whoever guesses elsewhere does not lock its owner out.
    """
    kept = _as_kept(email)
    if address:
        throttle.count(db, f"sign-in from {address}", limit=TRIES_OF_ADDRESS, window=TRIES_WINDOW, now=now)
        throttle.count(db, f"sign-in as {kept} from {address}", limit=TRIES_OF_PAIR, window=TRIES_WINDOW, now=now)
    if _is_known_here(db, kept, marks):
        throttle.count(
            db, f"sign-in as {kept} in its own browser", limit=TRIES_OF_ACCOUNT, window=TRIES_WINDOW, now=now
        )
        return
    tries = throttle.count(db, f"sign-in as {kept}", limit=TRIES_OF_ACCOUNT, window=TRIES_WINDOW, now=now)
    if tries == TRIES_OF_ACCOUNT:
        noted = fetch_one(
            db,
            "UPDATE staff_user SET tried_often_at = %(now)s WHERE email = %(email)s RETURNING ref",
            now=now,
            email=kept,
        )
        if noted:
            events.record(db, "account.closed_for_a_while", by=SYSTEM, now=now, account=noted.ref)


def _is_known_here(db: Session, kept: str, marks: str) -> bool:
    row = fetch_one(db, "SELECT id FROM staff_user WHERE email = %(email)s", email=kept) if marks else None
    return row is not None and known_browsers.is_known(row.id, marks)


def note_refusal(db: Session, email: str, address: str | None, *, now: datetime) -> None:
    """Write into the history that somebody was refused, in a transaction of its own after `sign_in`; of an unknown account, that too."""
    row = fetch_one(db, "SELECT ref FROM staff_user WHERE email = %(email)s", email=_as_kept(email))
    stranger = Actor(ActorKind.system, name="Medcal", address=(address or "")[:60])
    events.record(db, "account.refused", by=stranger, now=now, account=row.ref if row else None)


def sign_in(
    db: Session, email: str, password: str, *, device: Device = NOWHERE, now: datetime
) -> tuple[StaffUser, str]:
    """Let somebody in who knows her password; returns the user and the value for the browser's cookie.

    For an account with a second step it is the value of a ticket for `second_step.finish`, which opens nothing. Raises
    SignInRefused: in the same words, and after the same work, for a wrong password, an unknown and a disabled account.
    """
    user = db.exec(select(StaffUser).where(StaffUser.email == _as_kept(email))).first()
    fits = password_fits(password, (user.password_hash or None) if user else None)
    if user is None or not fits or not user.is_active or not settings().keeps_local_accounts:
        raise SignInRefused
    if second_step.is_on(user):
        return user, second_step.open_ticket(db, user, now)
    sessions.note_sign_in(db, user, device, way="password", now=now)
    return user, sessions.open_session(db, user, device, has_second_step=False, now=now)


# --- Accounts ---------------------------------------------------------------------------------------------------------


def create_user(
    db: Session,
    *,
    email: str,
    name: str,
    password: str | None,
    role: Role,
    doctor_id: int | None = None,
    language: str = "en",
) -> StaffUser:
    """Add an account; without a password somebody can only be invited to it, or come from a provider.

    Raises Invalid where something does not fit; a doctor's account needs its doctor.
    """
    kept, known_as = check_email(email), check_name(name)
    if password is not None:
        check_password(password, email=kept, name=known_as)
    _check_doctor(role, doctor_id)
    if db.exec(select(StaffUser.id).where(StaffUser.email == kept)).first():
        raise Invalid(t("There is already an account with this e-mail address."), "email")
    user = StaffUser(
        email=kept,
        name=known_as,
        role=role,
        doctor_id=doctor_id,
        password_hash=hash_password(password) if password is not None else "",
        language=language,
    )
    db.add(user)
    db.flush()
    return user


def _check_doctor(role: Role, doctor_id: int | None) -> None:
    if (role is Role.doctor) != (doctor_id is not None):
        raise Invalid(t("A doctor's account needs its doctor; other accounts have none."), "doctor_id")


def find_user(db: Session, email: str) -> StaffUser:
    """The account of an e-mail address, disabled ones too. Raises NotFound."""
    user = db.exec(select(StaffUser).where(StaffUser.email == _as_kept(email))).one_or_none()
    if user is None:
        raise NotFound(t("There is no account with this e-mail address."))
    return user


def set_password(db: Session, user: StaffUser, password: str) -> None:
    """Give a new password; all sessions end that the old one opened, and links that are out. Raises WeakPassword."""
    check_password(password, email=user.email, name=user.name)
    assert user.id is not None
    user.password_hash = hash_password(password)
    fetch(db, "DELETE FROM staff_link WHERE staff_user_id = %(user_id)s AND used_at IS NULL", user_id=user.id)
    sessions.sign_out_everywhere(db, user.id)


def set_role(db: Session, user: StaffUser, role: Role, doctor_id: int | None = None) -> None:
    """Give another role; who is signed in signs in anew. Raises Invalid, and NotPossibleNow for the last admin."""
    _check_doctor(role, doctor_id)
    if (user.role, user.doctor_id) == (role, doctor_id):
        return
    if role is not Role.admin:
        _keep_an_admin(db, user)
    assert user.id is not None
    user.role, user.doctor_id = role, doctor_id
    sessions.sign_out_everywhere(db, user.id)


def disable(db: Session, user: StaffUser) -> None:
    """End an account's sessions and links, and let it open no more. Raises NotPossibleNow for the last admin."""
    _keep_an_admin(db, user)
    assert user.id is not None
    user.is_active = False
    fetch(db, "DELETE FROM staff_link WHERE staff_user_id = %(user_id)s AND used_at IS NULL", user_id=user.id)
    sessions.sign_out_everywhere(db, user.id)


def _keep_an_admin(db: Session, besides: StaffUser) -> None:
    """Somebody must be able to let others in: an admin who has a password, or has come from a provider before."""
    can_come = or_(StaffUser.password_hash != "", col(StaffUser.last_sign_in_at).is_not(None))
    # All of them in one order: two admins who disable each other at the same instant pass here one by one.
    admins = (
        select(StaffUser.id)
        .where(StaffUser.role == Role.admin, col(StaffUser.is_active), can_come)
        .order_by(col(StaffUser.id))
        .with_for_update()
    )
    if db.exec(admins).all() == [besides.id]:
        raise NotPossibleNow(t("This is the last admin who can sign in. Add another one first."))


def _as_kept(email: str) -> str:
    # PostgreSQL takes no NUL; a name that had one belongs to nobody.
    return email.strip().lower().replace("\0", "\ufffd")
