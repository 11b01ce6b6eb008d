"""How a letter would arrive: on a phone's list, as a mail, as a text message; with people who do not exist."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from medcal import clock
from medcal.config import settings
from medcal.i18n import language as speaking
from medcal.i18n import t
from medcal.models import Location
from medcal.services.letter_kinds import LETTERS
from medcal.services.letters import framed, write_letter
from medcal.services.occasions import Occasion, Place, Visit
from medcal.services.wording import Wording

_LINK = re.compile(r"{link:\w+}")
# As many characters as a real one has: who pays for a text message by its length wants to know.
TOKEN_LENGTH = 43


class Case(StrEnum):
    """To whom: a patient with an appointment; who booked for her; somebody who waits without one; several who are asked at once."""

    usual = "usual"
    booker = "booker"
    waiting = "waiting"
    group = "group"


@dataclass(frozen=True)
class TextMessage:
    """A text message: its words, with its link cut short, and how long it is really, in characters and in parts that are paid for."""

    words: str
    characters: int
    parts: int


@dataclass(frozen=True)
class Preview:
    """A letter as it would arrive. `opening` is what a phone's list shows below the subject. Its links lead nowhere."""

    sender: str
    subject: str
    opening: str
    html: str
    sms: TextMessage


def cases_of(kind: str) -> list[Case]:
    """The cases in which a letter of this kind says something else."""
    form = LETTERS[kind]
    cases = {
        Case.usual: True,
        Case.booker: "name" in form.fields,
        Case.waiting: "kept" in form.fields or "choice" in form.fields,
        Case.group: "held" in form.fields,
    }
    return [case for case, exists in cases.items() if exists]


def preview_of(db: Session, kind: str, language: str, wording: Wording, case: Case, now: datetime) -> Preview:
    """The letter in a language with words that have been checked."""
    with speaking(language):
        letter = write_letter(kind, _occasion(db, kind, case, now), wording)
        html = framed(_LINK.sub("#", letter.as_html()), subject=letter.subject, language=language)
    return Preview(letter.sender, letter.subject, letter.paragraphs[0], html, text_message(letter.as_sms()))


def text_message(words: str) -> TextMessage:
    """A text message as it is shown and counted; `words` has its link still in curly brackets."""
    address = f"{settings().url}/l/"
    characters, parts = size_of_sms(_LINK.sub(address + "x" * TOKEN_LENGTH, words))
    return TextMessage(_LINK.sub(f"{address}…", words), characters, parts)


# GSM 03.38: what a text message takes as one character each, and as two.
_SINGLE = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DOUBLE = frozenset("^{}\\[~]|€\f")


def size_of_sms(words: str) -> tuple[int, int]:
    """How many characters a text message has, and how many parts that makes.

    160 in one and 153 in each of several; 70 and 67 where a single character lies outside of GSM 03.38.
    """
    if all(letter in _SINGLE or letter in _DOUBLE for letter in words):
        characters, alone, together = len(words) + sum(letter in _DOUBLE for letter in words), 160, 153
    else:
        # UTF-16, in which an emoji is two.
        characters, alone, together = len(words.encode("utf-16-le")) // 2, 70, 67
    return characters, 1 if characters <= alone else -(-characters // together)


# --- People who do not exist ------------------------------------------------------------------------------------------


def _occasion(db: Session, kind: str, case: Case, now: datetime) -> Occasion:
    """At the clinic's first location, in the coming days."""
    location = db.exec(select(Location).order_by(col(Location.id)).limit(1)).one()
    place = Place(
        location.name,
        location.zone_info,
        ", ".join(line for line in (location.street, location.city) if line),
        location.phone,
    )
    usual = Occasion(
        place=place,
        site=settings().url,
        recipient=t("Alex Example") if "name" in LETTERS[kind].fields else "",
        visit=_visit(place, now + timedelta(days=9), time(9, 30), t("Dr. Robin Sample")),
        booking_code="K7QM-2B9T",
        offered=_visit(place, now + timedelta(days=3), time(14), t("Dr. Kim Specimen")),
        answer_until=now + (timedelta(hours=2) if kind == "offer.made" else timedelta(minutes=10)),
        one_time_code="042137",
    )
    if case is Case.booker:
        return replace(usual, patient=t("Charlie Example"))
    if case is Case.waiting:
        return replace(usual, visit=None)
    return replace(usual, is_shared=case is Case.group)


def _visit(place: Place, near: datetime, starts: time, doctor: str) -> Visit:
    starts_at = clock.instant_or_later(clock.local_day(near, place.zone), starts, place.zone)
    return Visit(starts_at, starts_at + timedelta(minutes=30), doctor)
