"""The rules of earlier offers on the screen: as fields of a form, and as sentences."""

from dataclasses import dataclass
from datetime import timedelta

from medcal.i18n import t, tn
from medcal.services.offer_rules import Foreseen, RuledPlace
from medcal.services.policy import Policy
from medcal.viewmodels.patient import Choice
from medcal.viewmodels.ruled_places import visit_choices, with_own_rules


@dataclass(frozen=True)
class StepRow:
    """A row of the form, known by its key while it is on the screen; texts, since anything may be typed."""

    key: str
    from_lead_hours: str
    answer_minutes: str
    group_size: str


@dataclass(frozen=True)
class PlaceRules:
    """What holds at a location for all offers, its kinds of visit, and which of them have rules of their own."""

    value: str
    label: str
    standing: str
    visits: list[Choice]
    own: frozenset[str]


def place_rules(place: RuledPlace) -> PlaceRules:
    return PlaceRules(
        str(place.ref), place.name, _standing(place), visit_choices(place.visits), with_own_rules(place.visits)
    )


def _standing(place: RuledPlace) -> str:
    usual = t(
        "The usual time to answer here is {length}.", length=length_words(timedelta(minutes=place.answer_minutes))
    )
    return f"{usual} {_quiet(place)}"


def _quiet(place: RuledPlace) -> str:
    if place.quiet_from == place.quiet_until:
        return t("There are no quiet hours.")
    return t(
        "From {from_time} to {to_time} nobody is written to, and no answer time runs.",
        from_time=f"{place.quiet_from:%H:%M}",
        to_time=f"{place.quiet_until:%H:%M}",
    )


def step_rows(rules: Policy) -> list[StepRow]:
    """The steps from far to near."""
    steps = sorted(rules.steps, key=lambda step: step.from_lead, reverse=True)
    return [
        StepRow(str(number), str(_minutes(step.from_lead) // 60), str(_minutes(step.answer)), str(step.group_size))
        for number, step in enumerate(steps, 1)
    ]


def limit_texts(rules: Policy) -> dict[str, str]:
    """The three numbers beside the steps, by the names of their fields."""
    return {
        "least_lead_minutes": str(_minutes(rules.least_lead)),
        "offers_per_week": str(rules.offers_per_week),
        "unanswered_before_pause": str(rules.unanswered_before_pause),
    }


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds()) // 60


def foreseen_sentence(foreseen: Foreseen) -> str:
    """ "With 3 days left: 1 person, 2 hours to answer." """
    left = length_words(foreseen.lead)
    if not foreseen.group_size:
        return t("With {left} left: nobody is asked, the time is simply free.", left=left)
    people = tn("{count} person", "{count} people at once", foreseen.group_size)
    answer = length_words(foreseen.answer)
    return t("With {left} left: {people}, {answer} to answer.", left=left, people=people, answer=answer)


def length_words(length: timedelta) -> str:
    """A length in the largest unit that it is whole in: 3 days, 36 hours, 90 minutes."""
    minutes = _minutes(length)
    if minutes and minutes % 1440 == 0:
        return tn("{count} day", "{count} days", minutes // 1440)
    if minutes and minutes % 60 == 0:
        return tn("{count} hour", "{count} hours", minutes // 60)
    return tn("{count} minute", "{count} minutes", minutes)
