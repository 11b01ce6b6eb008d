"""What people have been told, in the order in which it was written."""

import re
from dataclasses import dataclass

from sqlmodel import Session, col, select

from medcal.models import Message
from medcal.services.message_words import words_of


@dataclass(frozen=True)
class Mail:
    """A message as its reader sees it."""

    to: str
    kind: str
    subject: str
    text: str
    html: str
    row: Message

    @property
    def links(self) -> list[str]:
        """The addresses of its links, from the first (the one that matters most) to the last."""
        return re.findall(r"https?://\S+/l/[\w-]+", self.text)


def inbox(db: Session, *, to: str = "", kind: str = "") -> list[Mail]:
    """Messages in the order in which they were written; of one recipient, or of one kind."""
    wanted = select(Message).order_by(col(Message.id)).execution_options(populate_existing=True)
    if to:
        wanted = wanted.where(Message.recipient == to)
    if kind:
        wanted = wanted.where(Message.kind == kind)
    return [_as_mail(message) for message in db.exec(wanted)]


def _as_mail(message: Message) -> Mail:
    words = words_of(message)
    return Mail(message.recipient, message.kind, words.subject, words.text, words.html, message)
