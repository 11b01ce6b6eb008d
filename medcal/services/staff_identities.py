"""Which account somebody at the provider has here, and which role: found by issuer and subject, linked once, asked at every sign-in."""

from datetime import datetime

from sqlmodel import Session, select

from medcal.config import Oidc
from medcal.db import fetch
from medcal.errors import NotPossibleNow
from medcal.models import StaffIdentity, StaffUser
from medcal.security import SYSTEM, Actor, Role, digest
from medcal.services import accounts, events, provider_sessions, sessions
from medcal.services.oidc import Person, Refusal
from medcal.services.sessions import NOWHERE, Device

# Who has several roles at the provider has here the one that includes the others.
HIGHEST_FIRST = (Role.admin, Role.reception, Role.doctor)


def sign_in(
    db: Session, who: Person, client: Oidc, device: Device = NOWHERE, *, language: str = "en", now: datetime
) -> str | Refusal:
    """Open a session for somebody the provider has vouched for; returns the value for the browser's cookie.

    Or why not, which is returned and not raised: a role that was taken away ends the sessions here, and that must be kept.
    The second step is the provider's to ask for.
    """
    provider_sessions.one_at_a_time(db, who.issuer)
    if provider_sessions.is_overtaken(db, who):
        return Refusal.stale
    identity = _find(db, who)
    user = db.get_one(StaffUser, identity.staff_user_id) if identity else _whom_to_link(db, who, client, language)
    if isinstance(user, Refusal):
        return user
    assert user.id is not None
    if not user.is_active:
        return Refusal.disabled
    if refusal := _take_role(db, user, who, now):
        sessions.sign_out_everywhere(db, user.id)
        return refusal
    identity = identity or _link(db, user, who, now)
    identity.signed_in_at = now
    sessions.note_sign_in(db, user, device, way="provider", now=now)
    value = sessions.open_session(db, user, device, has_second_step=True, now=now)
    provider_sessions.note(db, identity, who, digest(value))
    return value


def _find(db: Session, who: Person) -> StaffIdentity | None:
    wanted = select(StaffIdentity).where(StaffIdentity.issuer == who.issuer, StaffIdentity.subject == who.subject)
    return db.exec(wanted).one_or_none()


# --- The first time ---------------------------------------------------------------------------------------------------


def _whom_to_link(db: Session, who: Person, client: Oidc, language: str) -> StaffUser | Refusal:
    """The account of somebody who comes for the first time.

    By an address that the provider has verified, and only if she is expected: an admin has invited that address; or, where the
    settings say so, it is any account's, or the provider gives her a role. An account that is somebody else's at this provider
    is never hers.
    """
    if not who.email:
        return Refusal.unverified
    has_role = client.admits == "roles" and bool(who.roles)
    user = db.exec(select(StaffUser).where(StaffUser.email == who.email)).one_or_none()
    if user is None:
        return _new_account(db, who, language) if has_role else Refusal.stranger
    taken = select(StaffIdentity.id).where(StaffIdentity.staff_user_id == user.id, StaffIdentity.issuer == who.issuer)
    is_expected = has_role or client.admits == "accounts" or _is_invited(user)
    return user if is_expected and not db.exec(taken).first() else Refusal.stranger


def _is_invited(user: StaffUser) -> bool:
    """Whether an admin has asked this person in, and she has not come yet, by whatever way."""
    return not user.password_hash and user.last_sign_in_at is None


def _new_account(db: Session, who: Person, language: str) -> StaffUser | Refusal:
    """Without a password. A doctor's needs her calendar, which no provider knows: an admin adds that account first."""
    role = _highest(who)
    if role is None or role is Role.doctor:
        return Refusal.calendar
    user = StaffUser(email=who.email, name=who.name or who.email[:120], role=role, password_hash="", language=language)
    db.add(user)
    db.flush()
    return user


def _link(db: Session, user: StaffUser, who: Person, now: datetime) -> StaffIdentity:
    """From now on this subject is this account. Links that would give it a password are closed.

    Where the provider gives the role, a password from before is closed too: with it somebody would keep here what was taken
    away there.
    """
    assert user.id is not None
    if who.roles is not None:
        user.password_hash = ""
    fetch(db, "DELETE FROM staff_link WHERE staff_user_id = %(user_id)s AND used_at IS NULL", user_id=user.id)
    identity = StaffIdentity(
        staff_user_id=user.id, issuer=who.issuer, subject=who.subject, linked_at=now, signed_in_at=now
    )
    db.add(identity)
    db.flush()
    events.record(db, "account.linked", by=SYSTEM, now=now, account=user.ref, issuer=who.issuer)
    return identity


def unlink(db: Session, user: StaffUser, *, by: Actor, now: datetime) -> None:
    """Forget who somebody is at the provider, and sign her out: she was given a new account there, and comes as if for the first time."""
    assert user.id is not None
    sessions.sign_out_everywhere(db, user.id)
    fetch(db, "DELETE FROM staff_identity WHERE staff_user_id = %(user_id)s", user_id=user.id)
    user.last_sign_in_at = None
    events.record(db, "account.unlinked", by=by, now=now, account=user.ref)


# --- Roles ------------------------------------------------------------------------------------------------------------


def _highest(who: Person) -> Role | None:
    return next((role for role in HIGHEST_FIRST if role in (who.roles or ())), None)


def _take_role(db: Session, user: StaffUser, who: Person, now: datetime) -> Refusal | None:
    """Give the account the role that the provider says, if it says any; or why that cannot be."""
    if who.roles is None:
        return None
    role = _highest(who)
    if role is None:
        return Refusal.role
    if role is user.role:
        return None
    if role is Role.doctor and user.doctor_id is None:
        return Refusal.calendar
    before = user.role
    try:
        accounts.set_role(db, user, role, user.doctor_id if role is Role.doctor else None)
    except NotPossibleNow:
        return Refusal.last_admin
    events.record(db, "account.role_changed", by=SYSTEM, now=now, account=user.ref, before=before, after=role)
    return None
