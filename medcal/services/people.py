"""The staff as admins see them: who may come in, in which role, and who may not any more. All of it goes into the history."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from medcal.config import settings
from medcal.db import fetch, fetch_one
from medcal.errors import Invalid, NotFound, NotPossibleNow
from medcal.i18n import t
from medcal.models import StaffUser
from medcal.roles import Can, check
from medcal.security import Actor, Role
from medcal.services import accounts, events, second_step, sessions, staff_links
from medcal.services.staff_links import NewLink


@dataclass(frozen=True)
class Member:
    """Somebody of the staff. `invited_until` is set while a link is out; `tried_at` when somebody lately tried too often to sign in as her."""

    ref: uuid.UUID
    name: str
    email: str
    role: Role
    doctor: str | None
    doctor_ref: uuid.UUID | None
    is_active: bool
    can_sign_in: bool
    has_second_step: bool
    sessions: int
    last_sign_in_at: datetime | None
    invited_until: datetime | None
    tried_at: datetime | None
    is_you: bool


def list_members(db: Session, actor: Actor, now: datetime) -> list[Member]:
    """Everybody who has an account: active ones first, by name. Raises NotAllowed."""
    check(actor, Can.manage_people)
    rows = fetch(
        db,
        """SELECT u.ref, u.name, u.email, u.role, d.name AS doctor, d.ref AS doctor_ref, u.is_active,
                  u.password_hash <> '' OR u.last_sign_in_at IS NOT NULL AS can_sign_in,
                  u.totp_on_at IS NOT NULL AS has_second_step,
                  (SELECT count(*) FROM session s
                    WHERE s.staff_user_id = u.id AND s.expires_at > %(now)s
                      AND s.seen_at > %(now)s - make_interval(secs => s.idle_seconds)) AS sessions,
                  u.last_sign_in_at,
                  (SELECT max(k.expires_at) FROM staff_link k
                    WHERE k.staff_user_id = u.id AND k.used_at IS NULL AND k.expires_at > %(now)s) AS invited_until,
                  CASE WHEN u.tried_often_at > %(now)s - interval '7 days' THEN u.tried_often_at END AS tried_at,
                  u.id = %(you)s AS is_you
             FROM staff_user u LEFT JOIN doctor d ON d.id = u.doctor_id
            ORDER BY u.is_active DESC, lower(u.name), u.id LIMIT 500""",
        now=now,
        you=actor.id,
    )
    return [Member(**row._asdict() | {"role": Role(row.role)}) for row in rows]


def doctors(db: Session, actor: Actor) -> list[tuple[uuid.UUID, str]]:
    """Whose calendar an account may be for. Raises NotAllowed."""
    check(actor, Can.manage_people)
    return [(row.ref, row.name) for row in fetch(db, "SELECT ref, name FROM doctor WHERE is_active ORDER BY name, id")]


# --- Who comes and goes -----------------------------------------------------------------------------------------------


def invite(
    db: Session,
    *,
    email: str,
    name: str,
    role: Role,
    doctor_ref: uuid.UUID | None = None,
    language: str = "en",
    by: Actor,
    now: datetime,
) -> NewLink | None:
    """A new account without a password, and the link under which its owner gives herself one.

    None where nobody signs in with a password here: then the provider knows her by her address. Raises NotAllowed, Invalid.
    """
    check(by, Can.manage_people)
    doctor_id = _doctor_id(db, role, doctor_ref)
    user = accounts.create_user(
        db, email=email, name=name, password=None, role=role, doctor_id=doctor_id, language=language
    )
    events.record(db, "account.invited", by=by, now=now, account=user.ref, role=role)
    return staff_links.make_link(db, user, by=by, now=now) if settings().keeps_local_accounts else None


def make_link(db: Session, ref: uuid.UUID, *, by: Actor, now: datetime) -> NewLink:
    """Another link for somebody: her invitation again, or because her password is forgotten. Raises NotAllowed, NotFound, NotPossibleNow."""
    user = _get(db, ref, by)
    if not settings().keeps_local_accounts:
        raise NotPossibleNow(t("Nobody signs in with a password here."))
    return staff_links.make_link(db, user, by=by, now=now)


def set_role(
    db: Session, ref: uuid.UUID, role: Role, doctor_ref: uuid.UUID | None = None, *, by: Actor, now: datetime
) -> None:
    """Give somebody another role. Raises NotAllowed, NotFound, Invalid, and NotPossibleNow for the last admin."""
    user = _get(db, ref, by)
    before = user.role
    accounts.set_role(db, user, role, _doctor_id(db, role, doctor_ref))
    events.record(db, "account.role_changed", by=by, now=now, account=user.ref, before=before, after=role)


def disable(db: Session, ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Let somebody in no more; she is signed out at once. Raises NotAllowed, NotFound, and NotPossibleNow for the last admin."""
    user = _get(db, ref, by)
    if user.is_active:
        accounts.disable(db, user)
        events.record(db, "account.disabled", by=by, now=now, account=user.ref)


def enable(db: Session, ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Let somebody in again, with the password that she had. Raises NotAllowed, NotFound."""
    user = _get(db, ref, by)
    if not user.is_active:
        user.is_active = True
        events.record(db, "account.enabled", by=by, now=now, account=user.ref)


def sign_out(db: Session, ref: uuid.UUID, *, by: Actor, now: datetime) -> int:
    """Sign somebody out wherever she is; returns how many sessions that were. Raises NotAllowed, NotFound."""
    user = _get(db, ref, by)
    assert user.id is not None
    ended = sessions.sign_out_everywhere(db, user.id)
    events.record(db, "account.signed_out", by=by, now=now, account=user.ref, sessions=ended)
    return ended


def remove_second_step(db: Session, ref: uuid.UUID, *, by: Actor, now: datetime) -> None:
    """Somebody has lost her phone and her recovery codes: her password alone lets her in again. She is signed out everywhere.

    Raises NotAllowed, NotFound.
    """
    user = _get(db, ref, by)
    assert user.id is not None
    if second_step.is_on(user):
        second_step.turn_off(db, user)
        sessions.sign_out_everywhere(db, user.id)
        events.record(db, "account.second_step_off", by=by, now=now, account=user.ref)


def _get(db: Session, ref: uuid.UUID, by: Actor) -> StaffUser:
    # Not locked: whoever locks admins does so in one order, in accounts.
    check(by, Can.manage_people)
    user = db.exec(select(StaffUser).where(StaffUser.ref == ref)).one_or_none()
    if user is None:
        raise NotFound
    return user


def _doctor_id(db: Session, role: Role, doctor_ref: uuid.UUID | None) -> int | None:
    """Of a doctor's account alone; a doctor that was chosen before the role was changed is nobody's mistake."""
    if role is not Role.doctor or doctor_ref is None:
        return None
    row = fetch_one(db, "SELECT id FROM doctor WHERE ref = %(ref)s", ref=doctor_ref)
    if row is None:
        raise Invalid(t("Please choose a doctor."), "doctor_id")
    return int(row.id)
