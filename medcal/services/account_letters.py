"""Mails to the owner of an account when the way into it has changed: in time to say that it was not her.

They hold no link: whoever imitates such a mail shall gain nothing by ours. Their words are not the clinic's to change.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from medcal.config import settings
from medcal.db import changed
from medcal.i18n import language as speaking
from medcal.i18n import n_, t
from medcal.models import Location, Message, StaffUser
from medcal.services.letter_fields import moment_in_words
from medcal.services.letters import Letter
from medcal.services.occasions import Place
from medcal.services.ways import ACCOUNT, Way, way_for

# What happened, by the event that says so.
WORDS = {
    "account.password_set": n_("The password of your account was changed."),
    "account.second_step_on": n_("The second step of your account was switched on."),
    "account.second_step_off": n_(
        "The second step of your account was switched off: the password alone opens it from now on."
    ),
    "account.recovery_codes_renewed": n_("New recovery codes were made for your account; the old ones open nothing."),
    "account.recovery_code_used": n_("Somebody signed in to your account with a recovery code in place of the app."),
    "account.linked": n_("Your account was linked with a sign-in at your clinic's provider of identity."),
    "account.unlinked": n_("The link of your account with a sign-in at your clinic's provider of identity was cut."),
    "account.new_browser": n_(
        "Somebody signed in to your account from a browser that had not been used for it before."
    ),
}
# Later than this it warns of nothing any more.
OF_USE_FOR = timedelta(days=3)


def write(db: Session, kind: str, account: uuid.UUID, detail: Mapping[str, Any], now: datetime) -> None:
    """Tell the owner of `account` what happened, in the transaction in which it did, where mail is set up.

    Without n8n and SMTP nothing is written: these mails are for her own eyes, and the built-in outbox is for all of reception's. Who gives
    herself her first password is told nothing.
    """
    if detail.get("purpose") == "invitation" or way_for(ACCOUNT, "email") not in (Way.n8n, Way.smtp):
        return
    user = db.exec(select(StaffUser).where(StaffUser.ref == account)).one()
    location = db.exec(select(Location).order_by(col(Location.id)).limit(1)).first()
    if location is None:
        return
    with speaking(user.language):
        letter = _letter(kind, user, location, detail, now)
    message = Message(
        reason=f"{kind}:{account}:{uuid.uuid4()}"[:120],
        kind=ACCOUNT,
        staff_user_id=user.id,
        recipient=user.email,
        recipient_name=user.name,
        language=user.language,
        subject=letter.subject[:200],
        text=letter.as_text(),
        html=letter.as_html(),
        due_at=now,
        next_try_at=now,
        useless_at=now + OF_USE_FOR,
        created_at=now,
    )
    db.add(message)
    db.flush()
    changed(db)


def _letter(kind: str, user: StaffUser, location: Location, detail: Mapping[str, Any], now: datetime) -> Letter:
    address = ", ".join(line for line in (location.street, location.city) if line)
    place = Place(location.name, location.zone_info, address, location.phone)
    facts = (
        (t("When"), moment_in_words(now, place)),
        (t("Browser"), str(detail.get("browser", ""))),
        (t("Address"), str(detail.get("address", ""))),
    )
    return Letter(
        # Subjects stand in lists and on locked screens.
        subject=t("Your account at {clinic}", clinic=location.name),
        greeting=t("Hello {name},", name=user.name),
        paragraphs=(
            t(WORDS[kind]),
            t(
                "If that was you, you need not do anything. If not, change your password at once and tell an admin of your clinic."
            ),
        ),
        facts=tuple((label, fact) for label, fact in facts if fact),
        sender=location.name,
        footer=tuple(line for line in (place.name, place.address, place.phone, settings().url) if line),
    )
