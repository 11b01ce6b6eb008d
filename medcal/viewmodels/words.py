"""The words of letters on the screen: which there are, what may stand in them, and how they would arrive."""

from collections.abc import Collection
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from medcal.i18n import n_, t, tn
from medcal.services.letter_fields import FIELDS
from medcal.services.letter_kinds import LETTERS
from medcal.services.letter_preview import Case, Preview, TextMessage, cases_of
from medcal.services.letter_text import KeptWording
from medcal.viewmodels.dates import stamp
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.staff_messages import KIND_WORDS

CASE_WORDS = {
    Case.usual: n_("a patient with an appointment"),
    Case.booker: n_("somebody who has booked for another"),
    Case.waiting: n_("somebody who waits without an appointment"),
    Case.group: n_("several who are asked at once"),
}


@dataclass(frozen=True)
class FieldRow:
    """A field that words may have: as it is typed, and what it becomes."""

    code: str
    meaning: str


@dataclass(frozen=True)
class KindSheet:
    """A kind of letter in a language: what stands beside the form."""

    fields: list[FieldRow] = field(default_factory=list)
    in_subject: str = ""
    cases: list[Choice] = field(default_factory=list)
    standing: str = ""
    is_own: bool = False


@dataclass(frozen=True)
class LetterPreview:
    """How a letter would arrive; empty before there is anything to show."""

    sender: str = ""
    subject: str = ""
    opening: str = ""
    html: str = ""
    sms: str = ""
    sms_size: str = ""

    @classmethod
    def of(cls, preview: Preview) -> "LetterPreview":
        return cls(
            preview.sender,
            preview.subject,
            preview.opening,
            preview.html,
            preview.sms.words,
            _size(preview.sms),
        )


def _size(sms: TextMessage) -> str:
    characters = tn("{count} character", "{count} characters", sms.characters)
    parts = tn("{count} text message", "{count} text messages", sms.parts)
    return f"{characters} · {parts}"


def kind_choices(changed: Collection[tuple[str, str]], language: str) -> list[Choice]:
    """Every kind, and which of them have words of the clinic's own in this language."""
    return [
        Choice(kind, t("{kind} (own words)", kind=_kind(kind)) if (kind, language) in changed else _kind(kind))
        for kind in LETTERS
    ]


def _kind(kind: str) -> str:
    return t(KIND_WORDS.get(kind, kind))


def kind_sheet(kind: str, kept: KeptWording, zone: ZoneInfo) -> KindSheet:
    form = LETTERS[kind]
    return KindSheet(
        fields=[FieldRow(f"{{{name}}}", t(FIELDS[name].meaning)) for name in form.fields],
        in_subject=", ".join(f"{{{name}}}" for name in form.fields_in_subject),
        cases=[Choice(str(case), t(CASE_WORDS[case])) for case in cases_of(kind)],
        standing=_standing(kept, zone),
        is_own=kept.is_own,
    )


def _standing(kept: KeptWording, zone: ZoneInfo) -> str:
    if kept.changed_at is None:
        return t("These are the words that Medcal comes with.")
    at = stamp(kept.changed_at, zone)
    if kept.changed_by:
        return t("Your own words, changed by {name}: {at}.", name=kept.changed_by, at=at)
    return t("Your own words, changed: {at}.", at=at)
