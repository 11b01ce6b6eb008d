"""Whose rules are set, on the screen: kinds of visit to choose from, and which of them have rules of their own."""

from collections.abc import Iterable

from medcal.i18n import t
from medcal.services.ruled_places import RuledVisit
from medcal.viewmodels.patient import Choice


def visit_choices(visits: Iterable[RuledVisit]) -> list[Choice]:
    return [
        Choice(
            str(visit.ref),
            t("{specialty}: {visit} (own rules)", specialty=t(visit.specialty), visit=t(visit.name))
            if visit.has_own_rules
            else t("{specialty}: {visit}", specialty=t(visit.specialty), visit=t(visit.name)),
        )
        for visit in visits
    ]


def with_own_rules(visits: Iterable[RuledVisit]) -> frozenset[str]:
    return frozenset(str(visit.ref) for visit in visits if visit.has_own_rules)
