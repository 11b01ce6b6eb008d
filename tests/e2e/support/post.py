"""What has been mailed: the letters that arrived at the webhook, with the links in them."""

import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.sink import Sink
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Letter:
    """A message as its reader gets it."""

    kind: str
    to: str
    language: str
    subject: str
    text: str
    calendar_file: bytes

    def link(self, label: str) -> str:
        """The address behind a link's words."""
        found = re.search(rf"^{re.escape(label)}:\n(https?://\S+)$", self.text, re.MULTILINE)
        assert found, f"no link {label!r} in:\n{self.text}"
        return found[1]

    @property
    def code(self) -> str:
        """The six digits of a one-time code."""
        found = re.search(r"\b(\d{3}) ?(\d{3})\b", self.text)
        assert found, f"no code in:\n{self.text}"
        return found[1] + found[2]


@dataclass(frozen=True)
class Post:
    """The letters since the clinic was opened."""

    sink: Sink
    since: datetime

    def letters(self, kind: str, to: str) -> list[Letter]:
        return [_letter(content) for content in list(self.sink.accepted.values()) if self._fits(content, kind, to)]

    def letter(self, kind: str, to: str) -> Letter:
        """The first letter of a kind to somebody, as soon as it has come."""
        return eventually(lambda: self.letters(kind, to), f"{kind} to {to}")[0]

    def last(self, kind: str, to: str, count: int) -> Letter:
        """The newest of so many letters of a kind."""
        return eventually(lambda: self.letters(kind, to)[count - 1 :], f"{count} x {kind} to {to}")[-1]

    def _fits(self, content: dict[str, Any], kind: str, to: str) -> bool:
        is_new = datetime.fromisoformat(content["timestamp"]) >= self.since
        return is_new and content["type"] == kind and content["to"] == to


def _letter(content: dict[str, Any]) -> Letter:
    return Letter(
        content["type"],
        content["to"],
        content["language"],
        content["subject"],
        content["text"],
        b64decode(content.get("calendar", "")),
    )
