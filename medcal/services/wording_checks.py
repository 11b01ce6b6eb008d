"""Whether words that somebody wrote for a kind of letter can be sent: fields that exist, what must be said, nothing odd."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from medcal.errors import Invalid, InvalidForm
from medcal.i18n import t
from medcal.services.letter_kinds import LETTERS, Kind
from medcal.services.wording import FIELD, Wording, paragraphs

LONGEST_SUBJECT, LONGEST_BRIEF, LONGEST_BODY = 100, 200, 2000
# Control characters and half ones, and what is invisible or turns the direction of writing around.
_ODD = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Loose: what a mail program would make a link of. {site} puts in the only one that words may have.
_LINK = re.compile(r"://|\bwww\.|@\w|\b[\w-]+\.[a-z]{2,}\b", re.IGNORECASE)


def check_wording(kind: str, wording: Wording) -> Wording:
    """The words as they are kept: trimmed, subject and SMS on one line each, line ends as here.

    Raises InvalidForm with all that does not fit, by `subject`, `brief` and `body`.
    """
    form, problems = LETTERS[kind], dict[str, str]()
    subject, brief = (_one_line(text) for text in (wording.subject, wording.brief))
    tidy = Wording(subject, brief, _lines(wording.body))
    for name, check in (("subject", _check_subject), ("brief", _check_brief), ("body", _check_body)):
        try:
            check(form, tidy)
        except Invalid as refusal:
            problems[name] = str(refusal)
    if problems:
        raise InvalidForm(problems)
    return tidy


@lru_cache(maxsize=256)
def can_be_sent(kind: str, wording: Wording) -> bool:
    """Whether words that were kept can still be sent: a later version may know other fields."""
    try:
        check_wording(kind, wording)
    except InvalidForm:
        return False
    return True


def _check_subject(form: Kind, wording: Wording) -> None:
    if not wording.subject:
        raise Invalid(t("Please write a subject."))
    _check_text(wording.subject, LONGEST_SUBJECT, form.fields_in_subject)


def _check_brief(form: Kind, wording: Wording) -> None:
    _check_text(wording.brief, LONGEST_BRIEF, form.fields)
    if missing := _missing(form.needed_in_sms, wording.subject + wording.brief):
        raise Invalid(
            t(
                "A text message has the subject and these words alone. Please write {fields} in one of them.",
                fields=missing,
            )
        )


def _check_body(form: Kind, wording: Wording) -> None:
    if not paragraphs(wording.body):
        raise Invalid(t("Please write at least one paragraph."))
    _check_text(wording.body, LONGEST_BODY, form.fields)
    if missing := _missing(form.needed, wording.body):
        raise Invalid(t("Please leave {fields} in it: the reader must know that.", fields=missing))


def _check_text(text: str, longest: int, fields: Sequence[str]) -> None:
    if len(text) > longest:
        raise Invalid(t("Please keep this under {longest} characters.", longest=longest))
    if any(unicodedata.category(letter) in _ODD for letter in text if letter != "\n"):
        raise Invalid(t("There are characters in it that cannot be sent. Please type it anew instead of pasting it."))
    if _LINK.search(FIELD.sub(" ", text)):
        raise Invalid(
            t(
                "Please leave addresses out, and put a space after each full stop. {site} becomes the address of your booking pages.",
                site="{site}",
            )
        )
    if unknown := [field for field in FIELD.findall(text) if field not in fields]:
        raise Invalid(
            t("{field} cannot stand here. What can: {fields}.", field=f"{{{unknown[0]}}}", fields=_in_words(fields))
        )
    if set("{}") & set(FIELD.sub("", text)):
        raise Invalid(t("Curly brackets are for fields alone, for example {field}.", field="{clinic}"))


def _missing(needed: Sequence[str], text: str) -> str:
    return _in_words([field for field in needed if f"{{{field}}}" not in text])


def _in_words(fields: Sequence[str]) -> str:
    return ", ".join(f"{{{field}}}" for field in fields)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip()


def _one_line(text: str) -> str:
    return re.sub(r"[ \t\r\n]+", " ", text).strip(" ")
