"""Sessions of the staff: opened at sign-in, looked up at every event, ended from here or from elsewhere at once."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from medcal.config import settings
from medcal.db import changed, fetch, fetch_one
from medcal.errors import NotFound
from medcal.models import StaffSession, StaffUser
from medcal.security import Actor, ActorKind, Role, digest, new_secret
from medcal.services import events, known_browsers


@dataclass(frozen=True)
class Device:
    """Where a session is: the client's address, and its browser in two words. Empty where that is not known.

    `marks` are those of the accounts that were used from there (known_browsers.py).
    """

    address: str = ""
    browser: str = ""
    marks: str = ""


NOWHERE = Device()

# The first that is found: those which call themselves Chrome or Safari as well stand before these.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "SamsungBrowser/": "Samsung Internet",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_name(user_agent: str) -> str:
    """What a browser says of itself, as people call it: "Firefox, Windows"; of no other use than to be recognized."""
    found = (next((name for sign, name in names.items() if sign in user_agent), "") for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name)


# --- Opening and ending -----------------------------------------------------------------------------------------------


def open_session(
    db: Session, user: StaffUser, device: Device = NOWHERE, *, has_second_step: bool, now: datetime
) -> str:
    """A new session of somebody who has proved who she is; returns the value for the browser's cookie.

    Of the value the digest alone is kept. Where the clinic wants a second step and she has none (`has_second_step`: here, or
    at a provider that sees to it), the session opens nothing but the page where it is set up.
    """
    assert user.id is not None
    value = new_secret()
    user.last_sign_in_at = now
    db.add(
        StaffSession(
            cookie_digest=digest(value),
            staff_user_id=user.id,
            created_at=now,
            seen_at=now,
            expires_at=now + longest_session(),
            idle_seconds=settings().idle_minutes[user.role] * 60,
            address=device.address[:60],
            browser=device.browser[:60],
            needs_second_step=not has_second_step and must_have_second_step(user.role),
        )
    )
    db.flush()
    return value


def note_sign_in(db: Session, user: StaffUser, device: Device, *, way: str, now: datetime) -> None:
    """Somebody is about to be let in, which goes into the history.

    If not for the first time, but from a browser that the account does not know, its owner is told.
    """
    assert user.id is not None
    herself = Actor(ActorKind.staff, user.id, user.role, user.doctor_id, user.name, address=device.address[:60])
    events.record(db, "account.signed_in", by=herself, now=now, account=user.ref, way=way)
    if user.last_sign_in_at is None or known_browsers.is_known(user.id, device.marks):
        return
    events.record(
        db,
        "account.new_browser",
        by=herself,
        now=now,
        account=user.ref,
        browser=device.browser[:60],
        address=device.address[:60],
    )


def remember_browser(db: Session, value: str, marks: str) -> str:
    """The marks of a browser that has just been let in under `value`."""
    row = fetch_one(db, "SELECT staff_user_id FROM session WHERE cookie_digest = %(cookie)s", cookie=digest(value))
    return known_browsers.remember(row.staff_user_id, marks) if row else marks


def longest_session() -> timedelta:
    """After this nobody is signed in any more, however busy she was."""
    return timedelta(hours=settings().session_hours)


def must_have_second_step(role: Role) -> bool:
    """Whether the clinic wants a second step of this role."""
    wanted = settings().second_step
    return wanted == "everybody" or (wanted == "admins" and role is Role.admin)


def sign_out(db: Session, cookie_digest: str) -> None:
    """End a session; its cookie is worth nothing from now on, also in pages that are open."""
    _end(db, "cookie_digest = %(cookie)s", cookie=cookie_digest)


def sign_out_everywhere(db: Session, user_id: int, *, but: str = "") -> int:
    """End all sessions of a user (a lost device, a new password), except one; also what is just signing in. Returns how many."""
    fetch(db, "DELETE FROM sign_in_ticket WHERE staff_user_id = %(user_id)s", user_id=user_id)
    return _end(db, "staff_user_id = %(user_id)s AND cookie_digest <> %(but)s", user_id=user_id, but=but)


def _end(db: Session, which: str, **values: object) -> int:
    rows = fetch(db, f"DELETE FROM session WHERE {which} RETURNING id", **values)
    if rows:
        # Open pages look at once, instead of at their next round.
        changed(db)
    return len(rows)


def forget_old_sessions(db: Session, now: datetime) -> int:
    """Remove sessions that have ended by themselves, and sign-ins that were never finished; returns how many."""
    tickets = fetch(db, "DELETE FROM sign_in_ticket WHERE expires_at <= %(now)s RETURNING id", now=now)
    rested = "seen_at <= %(now)s - make_interval(secs => idle_seconds)"
    ended = fetch(db, f"DELETE FROM session WHERE expires_at <= %(now)s OR {rested} RETURNING id", now=now)
    return len(tickets) + len(ended)


# --- Who is behind a cookie -------------------------------------------------------------------------------------------

# A session counts while it is young enough, was used lately, and its account is active.
_VALID = "s.expires_at > %(now)s AND s.seen_at > %(now)s - make_interval(secs => s.idle_seconds) AND u.is_active"
_FIND = f"""
SELECT s.cookie_digest, s.id AS session_id, s.address, u.id, u.role, u.doctor_id, u.name, s.needs_second_step
  FROM session s JOIN staff_user u ON u.id = s.staff_user_id WHERE {_VALID} AND s.cookie_digest
"""
# One round trip, and a write at most once a minute: this runs before every protected event.
_FIND_AND_SEE = f"""
WITH found AS ({_FIND} = %(cookie)s),
     seen AS (UPDATE session SET seen_at = %(now)s
               WHERE cookie_digest = (SELECT cookie_digest FROM found) AND seen_at < %(now)s - interval '1 minute')
SELECT * FROM found
"""


def find_actor(db: Session, cookie_digest: str, now: datetime, *, unfinished: bool = False) -> Actor | None:
    """Who is signed in behind a cookie, or None. Keeps the session from lapsing, since this browser is being used.

    Somebody who still owes a second step is nobody, except for those who ask for `unfinished` ones too.
    """
    row = fetch_one(db, _FIND_AND_SEE, cookie=cookie_digest, now=now)
    return _actor(row) if row and (unfinished or not row.needs_second_step) else None


def find_actors(db: Session, cookie_digests: Collection[str], now: datetime) -> dict[str, Actor]:
    """Who is signed in behind many cookies, by digest, unfinished ones too; the others are missing. Looking does not count as use."""
    rows = fetch(db, f"{_FIND} = ANY(%(cookies)s)", cookies=list(cookie_digests), now=now)
    return {row.cookie_digest: _actor(row) for row in rows}


def _actor(row: Any) -> Actor:
    return Actor(
        ActorKind.staff,
        id=row.id,
        role=Role(row.role),
        doctor_id=row.doctor_id,
        name=row.name,
        is_unfinished=row.needs_second_step,
        session_id=row.session_id,
        address=row.address,
    )


# --- One's own --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnSession:
    """Where somebody is signed in, and since when; `is_here` is the browser that asks."""

    ref: uuid.UUID
    browser: str
    address: str
    created_at: datetime
    seen_at: datetime
    is_here: bool


def list_own(db: Session, actor: Actor, cookie_digest: str, now: datetime) -> list[OwnSession]:
    """Where an actor is signed in: this browser first, then what was used last."""
    rows = fetch(
        db,
        f"""SELECT s.ref, s.browser, s.address, s.created_at, s.seen_at, s.cookie_digest = %(cookie)s AS is_here
              FROM session s JOIN staff_user u ON u.id = s.staff_user_id
             WHERE {_VALID} AND s.staff_user_id = %(user_id)s
             ORDER BY is_here DESC, s.seen_at DESC, s.id DESC LIMIT 50""",
        cookie=cookie_digest,
        user_id=actor.id,
        now=now,
    )
    return [OwnSession(*row) for row in rows]


def sign_out_there(db: Session, actor: Actor, ref: uuid.UUID) -> None:
    """End one of the actor's own sessions. Raises NotFound, for other people's too."""
    if not _end(db, "ref = %(ref)s AND staff_user_id = %(user_id)s", ref=ref, user_id=actor.id):
        raise NotFound
