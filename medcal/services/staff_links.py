"""One-time links under which somebody gives herself a password: to come in for the first time, or because it is forgotten.

An admin gets the link, once, and hands it over; the database keeps its digest. Opening it changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import LinkExpired, NotPossibleNow
from medcal.i18n import t
from medcal.models import LinkPurpose, StaffLink, StaffUser
from medcal.security import Actor, ActorKind, digest, new_secret
from medcal.services import accounts, events

LASTS = {LinkPurpose.invitation: timedelta(hours=48), LinkPurpose.reset: timedelta(hours=1)}


@dataclass(frozen=True)
class NewLink:
    """A link to hand over: what its address ends with, and until when it works."""

    token: str
    purpose: LinkPurpose
    expires_at: datetime


def make_link(db: Session, user: StaffUser, *, by: Actor, now: datetime) -> NewLink:
    """A link for somebody: an invitation while she has no password, else to replace the one she has. Earlier ones end.

    Raises NotPossibleNow for a disabled account.
    """
    if not user.is_active:
        raise NotPossibleNow(t("This account is disabled. Enable it first."))
    assert user.id is not None
    purpose = LinkPurpose.reset if user.password_hash else LinkPurpose.invitation
    link = NewLink(new_secret(), purpose, now + LASTS[purpose])
    fetch(db, "DELETE FROM staff_link WHERE staff_user_id = %(user_id)s AND used_at IS NULL", user_id=user.id)
    db.add(
        StaffLink(
            token_digest=digest(link.token),
            staff_user_id=user.id,
            purpose=purpose,
            created_at=now,
            created_by_id=by.id if by.is_staff else None,
            expires_at=link.expires_at,
        )
    )
    db.flush()
    events.record(db, "account.link_made", by=by, now=now, account=user.ref, purpose=purpose)
    return link


_OPEN = "token_digest = %(token)s AND used_at IS NULL AND expires_at > %(now)s"


def is_open(db: Session, token: str, now: datetime) -> bool:
    """Whether a link still works."""
    row = fetch_one(
        db,
        f"SELECT k.id FROM staff_link k JOIN staff_user u ON u.id = k.staff_user_id AND u.is_active WHERE {_OPEN}",
        token=digest(token),
        now=now,
    )
    return row is not None


def use_link(db: Session, token: str, password: str, *, now: datetime) -> StaffUser:
    """Give the password that a link is for; the link is used up, and all sessions of the account end.

    Raises LinkExpired for a link that is old, used or unknown, or whose account is disabled; WeakPassword, after which the
    link still works.
    """
    link = fetch_one(
        db,
        f"UPDATE staff_link SET used_at = %(now)s WHERE {_OPEN} RETURNING staff_user_id, purpose",
        token=digest(token),
        now=now,
    )
    user = db.get_one(StaffUser, link.staff_user_id) if link else None
    if link is None or user is None or not user.is_active:
        raise LinkExpired(t("This link no longer works. Please ask an admin of your clinic for a new one."))
    accounts.set_password(db, user, password)
    herself = Actor(ActorKind.staff, id=user.id, role=user.role, doctor_id=user.doctor_id, name=user.name)
    events.record(db, "account.password_set", by=herself, now=now, account=user.ref, purpose=link.purpose)
    return user


def forget_old(db: Session, now: datetime) -> int:
    """Remove links that have expired or were used; the history keeps that there were some. Returns how many."""
    old = "expires_at <= %(now)s OR used_at IS NOT NULL"
    return len(fetch(db, f"DELETE FROM staff_link WHERE {old} RETURNING id", now=now))
