"""The history on the screen and as a file: what happened in words, and old and new values side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from medcal.i18n import t, tn
from medcal.security import ActorKind
from medcal.services.audit_trail import LOST, Change, Entry, Page
from medcal.viewmodels.audit_words import CHANGE_WORDS, FIELD_WORDS, LOOK_WORDS, VALUE_WORDS
from medcal.viewmodels.dates import short_day, stamp
from medcal.viewmodels.patient import Choice

# More is to be read in the file.
LONGEST_VALUE = 160


def what_words(what: str, *, is_look: bool) -> str:
    """What happened, or what was looked at."""
    return t((LOOK_WORDS if is_look else CHANGE_WORDS).get(what, what))


def field_word(name: str) -> str:
    """A column or a detail as people call it."""
    return t(FIELD_WORDS[name]) if name in FIELD_WORDS else name.replace("_", " ")


# --- The page ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChangeLine:
    """One value: what it is, and from what to what. `old` is empty where there was nothing before."""

    name: str = ""
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class HistoryLine:
    """A line of the history."""

    at: str = ""
    who: str = ""
    address: str = ""
    what: str = ""
    is_look: bool = False
    about: str = ""
    changes: list[ChangeLine] = field(default_factory=list)

    @classmethod
    def of(cls, entry: Entry, zone: ZoneInfo) -> "HistoryLine":
        return cls(
            at=stamp(entry.at, zone),
            who=who_words(entry),
            address=entry.address,
            what=what_words(entry.what, is_look=entry.is_look),
            is_look=entry.is_look,
            about=" · ".join(_about(entry)),
            changes=[_change_line(change, zone) for change in entry.changes],
        )


def who_words(entry: Entry) -> str:
    """Who it was: somebody of the staff by name."""
    if entry.who:
        return entry.who
    return t("Patient") if entry.actor == ActorKind.patient else "Medcal"


def _about(entry: Entry) -> Iterable[str]:
    """Whom and what it is about, as far as that is still known."""
    if entry.whose:
        yield entry.whose
    yield from entry.patients[:MOST_NAMED]
    if (others := len(entry.patients) - MOST_NAMED) > 0:
        yield tn("and {count} more", "and {count} more", others)
    if entry.erased:
        yield tn("{count} erased patient", "{count} erased patients", entry.erased)
    if entry.doctor:
        yield entry.doctor
    if entry.thing:
        yield entry.thing
    if entry.code:
        yield entry.code
    if days := _days(entry.first_day, entry.last_day):
        yield days


MOST_NAMED = 5


def _days(first: date | None, last: date | None) -> str:
    if first is None or last is None or first == last:
        return short_day(first or last) if first or last else ""  # type: ignore[arg-type]
    return t("{start} to {end}", start=short_day(first), end=short_day(last))


def _change_line(change: Change, zone: ZoneInfo) -> ChangeLine:
    return ChangeLine(field_word(change.name), _shown(change.old, zone), _shown(change.new, zone) or "–")


def _shown(value: object, zone: ZoneInfo) -> str:
    text = value_words(value, zone)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"


def value_words(value: object, zone: ZoneInfo) -> str:
    """A value for people: instants on the clinic's clock, lists in one line; what was sealed for somebody erased is said to be so."""
    if value is None or value == "":
        return ""
    if value is LOST:
        return t("erased")
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, list):
        return ", ".join(value_words(each, zone) for each in value)
    if isinstance(value, str) and value in VALUE_WORDS:
        return t(VALUE_WORDS[value])
    at = _instant(value)
    return stamp(at, zone) if at else str(value)


def _instant(value: object) -> datetime | None:
    """What was kept as an instant, with its offset; a plain day or number is none."""
    if not isinstance(value, str) or len(value) < 19:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None


@dataclass(frozen=True)
class HistoryPage:
    """A page of the history with what may be asked for."""

    lines: list[HistoryLine] = field(default_factory=list)
    has_more: bool = False
    patient: str = ""
    people: list[Choice] = field(default_factory=list)

    @classmethod
    def of(cls, page: Page) -> "HistoryPage":
        return cls(
            lines=[HistoryLine.of(entry, page.zone) for entry in page.entries],
            has_more=page.has_more,
            patient=page.patient,
            people=[Choice(str(ref), name) for ref, name in page.people],
        )


def choices_of(words: dict[str, str]) -> list[tuple[str, str]]:
    """What can be asked for, in the order of the words in the reader's language."""
    return sorted(((value, t(word)) for value, word in words.items()), key=lambda choice: choice[1].lower())


# --- The file ---------------------------------------------------------------------------------------------------------

# For programs: names and instants in UTC, in no language.
CSV_COLUMNS = (
    *("at", "kind", "what", "actor", "who", "account", "address", "patients", "erased", "doctor", "code", "thing"),
    *("first_day", "last_day", "changes"),
)


def csv_row(entry: Entry) -> Sequence[str]:
    """A line of the file. What begins like a formula gets a mark before it, since spreadsheets would calculate it."""
    changes = "; ".join(
        f"{change.name}: {_plain(change.old)} -> {_plain(change.new)}"
        if change.old is not None
        else f"{change.name}: {_plain(change.new)}"
        for change in entry.changes
    )
    cells = (
        *(entry.at.isoformat(), "look" if entry.is_look else "change", entry.what, entry.actor, entry.who, entry.whose),
        *(entry.address, ", ".join(entry.patients), str(entry.erased or ""), entry.doctor, entry.code, entry.thing),
        *(str(entry.first_day or ""), str(entry.last_day or ""), changes),
    )
    return [f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells]


def _plain(value: object) -> str:
    return "(erased)" if value is LOST else str(value)
