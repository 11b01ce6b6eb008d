"""The words of a message as somebody reads them: its links, made anew each time since only their digests are kept."""

import re
import uuid
from dataclasses import dataclass

from medcal.config import settings
from medcal.i18n import t
from medcal.models import Message
from medcal.security import link_token
from medcal.services.letters import framed

# Links that lead to an offer or to the wish it was made for.
OF_OFFERS = ("offer", "earlier")
_LINK = re.compile(r"\{link:\w+\}")


@dataclass(frozen=True)
class Words:
    """A message as its reader sees it."""

    subject: str
    text: str
    html: str


def words_of(message: Message) -> Words:
    """The words of a message with its links in them, made anew each time: only their digests are kept."""
    text, html = message.text, message.html
    for purpose in ("appointment", "confirm", "cancel", *OF_OFFERS):
        placeholder = f"{{link:{purpose}}}"
        if placeholder in text or placeholder in html:
            link = f"{settings().url}/l/{link_token_of(message.ref, purpose)}"
            text, html = text.replace(placeholder, link), html.replace(placeholder, link)
    return _words(message, text, html)


def words_without_links(message: Message) -> Words:
    """The words of a message for somebody who is not its reader: its links lead nowhere."""
    return _words(message, without_links(message.text), _LINK.sub("#", message.html))


def without_links(text: str) -> str:
    return _LINK.sub(t("(link)"), text)


def _words(message: Message, text: str, html: str) -> Words:
    whole = framed(html, subject=message.subject, language=message.language) if html else ""
    return Words(message.subject, text, whole)


def unsubscribe_link(message: Message) -> str | None:
    """Where a mail program lets the reader leave the list with one click (RFC 8058); only letters about earlier times have it."""
    purpose = next((purpose for purpose in OF_OFFERS if f"{{link:{purpose}}}" in message.text), None)
    return f"{settings().url}/l/{link_token_of(message.ref, purpose)}/unsubscribe" if purpose else None


def link_token_of(ref: uuid.UUID, purpose: str) -> str:
    return link_token(settings().secret_key, str(ref), purpose)
