"""Accounts on the screen: one's own, and those of the staff as admins see them."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import segno

from medcal.i18n import n_, t, tn
from medcal.security import Role
from medcal.services.own_account import OwnAccount
from medcal.services.people import Member
from medcal.services.sessions import OwnSession
from medcal.viewmodels.dates import stamp

ROLE_WORDS = {Role.admin: n_("Admin"), Role.reception: n_("Reception"), Role.doctor: n_("Doctor")}


# --- One's own --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SessionRow:
    """A browser in which somebody is signed in."""

    ref: str
    browser: str
    where: str
    is_here: bool

    @classmethod
    def of(cls, session: OwnSession, zone: ZoneInfo) -> "SessionRow":
        since, seen = stamp(session.created_at, zone), stamp(session.seen_at, zone)
        parts = [
            session.address,
            t("since {moment}", moment=since),
            "" if session.is_here else t("last used {moment}", moment=seen),
        ]
        return cls(
            ref=str(session.ref),
            browser=session.browser or t("Unknown browser"),
            where=" · ".join(part for part in parts if part),
            is_here=session.is_here,
        )


@dataclass(frozen=True)
class AccountSheet:
    """One's own account. `is_local`: signs in here, not at a provider alone; `is_owed`: the clinic waits for a second step."""

    name: str = ""
    email: str = ""
    is_local: bool = True
    has_second_step: bool = False
    must_have_second_step: bool = False
    is_owed: bool = False
    codes_left: str = ""
    are_codes_few: bool = False
    warning: str = ""
    sessions: list[SessionRow] = field(default_factory=list)
    has_others: bool = False

    @classmethod
    def of(cls, account: OwnAccount, zone: ZoneInfo) -> "AccountSheet":
        left = account.recovery_codes_left
        return cls(
            name=account.name,
            email=account.email,
            is_local=account.has_password,
            has_second_step=account.has_second_step,
            must_have_second_step=account.needs_second_step,
            is_owed=account.needs_second_step and account.has_password and not account.has_second_step,
            codes_left=tn("{count} recovery code is left.", "{count} recovery codes are left.", left),
            are_codes_few=left < 4,
            warning=_warning(account.tried_at, zone),
            sessions=[SessionRow.of(session, zone) for session in account.sessions],
            has_others=len(account.sessions) > 1,
        )


def _warning(tried_at: datetime | None, zone: ZoneInfo) -> str:
    if tried_at is None:
        return ""
    return t(
        "On {moment} somebody tried too often to sign in as you. If that was not you, choose another password.",
        moment=stamp(tried_at, zone),
    )


@dataclass(frozen=True)
class Picture:
    """A QR code as the path of an SVG of `size` units each way, the quiet zone included."""

    size: int = 0
    path: str = ""


def qr_picture(text: str) -> Picture:
    """The picture that a phone reads the text from."""
    rows = list(segno.make(text, error="m").matrix_iter(border=4))
    dark = ((x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return Picture(len(rows), "".join(f"M{x} {y}h1v1h-1z" for x, y in dark))


def in_fours(key: str) -> str:
    """A key to type, in groups that the eye finds again."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


# --- The staff --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MemberRow:
    """Somebody of the staff. `doctor` and `doctor_ref` are the calendar that the account is for."""

    ref: str
    name: str
    email: str
    role: str
    role_word: str
    doctor: str
    doctor_ref: str
    is_active: bool
    is_you: bool
    has_second_step: bool
    is_signed_in: bool
    last: str
    invited: str
    warning: str
    link_word: str

    @classmethod
    def of(cls, member: Member, zone: ZoneInfo) -> "MemberRow":
        return cls(
            ref=str(member.ref),
            name=member.name,
            email=member.email,
            role=str(member.role),
            role_word=t(ROLE_WORDS[member.role]),
            doctor=member.doctor or "",
            doctor_ref=str(member.doctor_ref or ""),
            is_active=member.is_active,
            is_you=member.is_you,
            has_second_step=member.has_second_step,
            is_signed_in=member.is_active and member.sessions > 0,
            last=stamp(member.last_sign_in_at, zone) if member.last_sign_in_at else t("never"),
            invited=_invited(member, zone),
            warning=_tried(member.tried_at, zone),
            link_word=t("New password by link") if member.can_sign_in else t("Invite again"),
        )


def _invited(member: Member, zone: ZoneInfo) -> str:
    if member.invited_until:
        until = stamp(member.invited_until, zone)
        return t("Link works until {moment}", moment=until)
    return "" if member.can_sign_in else t("Link has expired")


def _tried(at: datetime | None, zone: ZoneInfo) -> str:
    return t("Too many tries on {moment}", moment=stamp(at, zone)) if at else ""
