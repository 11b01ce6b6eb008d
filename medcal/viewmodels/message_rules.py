"""The rules of messages on the screen: as fields of a form, and as sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from medcal.i18n import t
from medcal.services import ways
from medcal.services.message_rules import Foreseen, RemindedPlace
from medcal.services.ways import Configured, Way
from medcal.viewmodels.offer_rules import length_words
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.ruled_places import visit_choices, with_own_rules
from medcal.viewmodels.staff_messages import KIND_WORDS


@dataclass(frozen=True)
class ReminderRow:
    """A row of the form, known by its key while it is on the screen; a text, since anything may be typed."""

    key: str
    hours: str


@dataclass(frozen=True)
class PlaceHabits:
    """What holds at a location for all messages, its kinds of visit, and which of them have reminders of their own."""

    value: str
    label: str
    habits: dict[str, str]
    visits: list[Choice]
    own: frozenset[str]


def place_habits(place: RemindedPlace) -> PlaceHabits:
    habits = {
        "grace_seconds": str(place.grace_seconds),
        "quiet_from": f"{place.quiet_from:%H:%M}",
        "quiet_until": f"{place.quiet_until:%H:%M}",
    }
    return PlaceHabits(str(place.ref), place.name, habits, visit_choices(place.visits), with_own_rules(place.visits))


def reminder_rows(hours: Sequence[int]) -> list[ReminderRow]:
    return [ReminderRow(str(number), str(each)) for number, each in enumerate(hours, 1)]


def foreseen_sentences(foreseen: Sequence[Foreseen]) -> list[str]:
    """What the reminders come to, one sentence each."""
    if not foreseen:
        return [t("Nobody is reminded.")]
    return [
        t(
            "{before} before the visit. Should it be late, it is still sent until {least} before.",
            before=length_words(each.before),
            least=length_words(each.least),
        )
        for each in foreseen
    ]


@dataclass(frozen=True)
class OpenWays:
    """Where messages go, in sentences, and what is wrong with the settings. No path, no password, no secret."""

    open: list[str]
    closed: list[str]
    wrong: list[str]


def open_ways() -> OpenWays:
    """What the environment has opened."""
    found = ways.configured()
    wrong = [
        t("{name} fits no kind of message. It is probably misspelt, and nothing follows from it.", name=name)
        for name in ways.unknown_kinds()
    ]
    return OpenWays([_way_sentence(each) for each in found], _closed(found), wrong)


def _way_sentence(way: Configured) -> str:
    if way.way is Way.n8n and way.kind:
        return t("n8n at {host} takes one kind alone: {kind}.", host=way.where, kind=t(KIND_WORDS[way.kind]))
    if way.way is Way.n8n:
        return t("n8n at {host} takes e-mails and text messages.", host=way.where)
    if way.way is Way.smtp:
        return t("The mail server {host} takes e-mails.", host=way.where)
    return t("Nothing is set up. Messages stay on the page of messages, where you can read them, and reach nobody.")


def _closed(found: Sequence[Configured]) -> list[str]:
    takes_all = any(each.way in (Way.n8n, Way.outbox) and not each.kind for each in found)
    if takes_all:
        return []
    return [t("What none of these can carry goes to the call list: somebody must call.")]
