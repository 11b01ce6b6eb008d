"""Sessions here that hang on sessions at the provider: whoever signs out in one place is signed out in both."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from medcal.config import settings
from medcal.db import changed, fetch, fetch_one
from medcal.models import ProviderSession, StaffIdentity, StaffSession
from medcal.security import digest, seal, unseal
from medcal.services.oidc import Person
from medcal.services.oidc_metadata import Claims

# No logout token is taken that is older; none is forgotten before that.
LOGOUT_LASTS = timedelta(minutes=10)
LOGOUTS_KEPT_FOR = timedelta(days=1)
SEALED_FOR = "provider_session.id_token"


def one_at_a_time(db: Session, issuer: str) -> None:
    """Sign-ins and logouts of a provider pass here one by one, so that neither overlooks the other."""
    fetch(db, "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", name=f"sessions of {issuer}")


def note(db: Session, identity: StaffIdentity, who: Person, cookie_digest: str) -> None:
    """Remember which session at the provider is behind a new one here."""
    session_id = db.exec(select(StaffSession.id).where(StaffSession.cookie_digest == cookie_digest)).one()
    assert session_id is not None and identity.id is not None
    hint = seal(settings().secret_key, who.id_token, SEALED_FOR)
    db.add(ProviderSession(session_id=session_id, identity_id=identity.id, sid=who.provider_session, id_token=hint))
    db.flush()


@dataclass(frozen=True)
class Farewell:
    """What the provider wants to know of whoever signs out: the ID token, or nothing where it can no longer be read."""

    issuer: str
    id_token: str


def farewell(db: Session, cookie_digest: str) -> Farewell | None:
    """What to tell the provider when this session ends; None for one that was opened with a password."""
    row = fetch_one(
        db,
        """SELECT i.issuer, p.id_token FROM provider_session p JOIN session s ON s.id = p.session_id
             JOIN staff_identity i ON i.id = p.identity_id WHERE s.cookie_digest = %(cookie)s""",
        cookie=cookie_digest,
    )
    return Farewell(row.issuer, unseal(settings().secret_key, row.id_token, SEALED_FOR) or "") if row else None


# --- Ended by the provider --------------------------------------------------------------------------------------------


def end(db: Session, claims: Claims, *, now: datetime) -> bool:
    """End what a checked logout token is about: one session there, or all of a person's. False if it has been told before."""
    issuer, sid, subject = claims["iss"], claims.get("sid", ""), claims.get("sub", "")
    one_at_a_time(db, issuer)
    if not _note_logout(db, claims, now):
        return False
    which = "p.sid = %(sid)s AND %(subject)s IN ('', i.subject)" if sid else "i.subject = %(subject)s"
    rows = fetch(
        db,
        f"""DELETE FROM session WHERE id IN (
                SELECT p.session_id FROM provider_session p JOIN staff_identity i ON i.id = p.identity_id
                 WHERE i.issuer = %(issuer)s AND {which}) RETURNING id""",
        issuer=issuer,
        sid=sid,
        subject=subject,
    )
    if rows:
        # Open pages look at once, and are emptied.
        changed(db)
    return True


def _note_logout(db: Session, claims: Claims, now: datetime) -> bool:
    rows = fetch(
        db,
        """INSERT INTO provider_logout (jti_digest, issuer, sid, subject, issued_at, forget_at)
           VALUES (%(jti)s, %(issuer)s, %(sid)s, %(subject)s, %(issued_at)s, %(forget_at)s)
           ON CONFLICT (jti_digest) DO NOTHING RETURNING id""",
        jti=digest(f"{claims['iss']} {claims['jti']}"),
        issuer=claims["iss"],
        sid=claims.get("sid", ""),
        subject=claims.get("sub", ""),
        issued_at=datetime.fromtimestamp(int(claims["iat"]), UTC),
        forget_at=now + LOGOUTS_KEPT_FOR,
    )
    return bool(rows)


def is_overtaken(db: Session, who: Person) -> bool:
    """Whether the provider has ended this very session, or all of this person's, while she was still on her way here."""
    row = fetch_one(
        db,
        """SELECT 1 AS found FROM provider_logout WHERE issuer = %(issuer)s
              AND (sid <> '' AND sid = %(sid)s OR sid = '' AND subject = %(subject)s AND issued_at >= %(issued_at)s) LIMIT 1""",
        issuer=who.issuer,
        sid=who.provider_session,
        subject=who.subject,
        issued_at=datetime.fromtimestamp(who.issued_at, UTC),
    )
    return row is not None


def forget_old(db: Session, now: datetime) -> int:
    """Remove logouts that nobody can tell us again; returns how many."""
    return len(fetch(db, "DELETE FROM provider_logout WHERE forget_at <= %(now)s RETURNING id", now=now))
