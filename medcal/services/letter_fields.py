"""The fields that the words of letters may have: {day}, {held} and the like, what they mean and what they become.

Sentences that must be true of the very case (several are asked, she has an appointment) are fields: no words can get them wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from medcal import clock
from medcal.i18n import n_, t
from medcal.services.dates_in_words import day_in_words, short_day_in_words, time_in_words, zone_in_words
from medcal.services.occasions import Occasion, Place, Visit


@dataclass(frozen=True)
class Field:
    """A field: what it means (English, for the catalogue), and its value. The visit is the one that the letter is about."""

    meaning: str
    value: Callable[[Occasion, Visit | None], str]


def _name(occasion: Occasion, _: Visit | None) -> str:
    return occasion.recipient


def _clinic(occasion: Occasion, _: Visit | None) -> str:
    return occasion.place.name


def _site(occasion: Occasion, _: Visit | None) -> str:
    return occasion.site


def _doctor(_: Occasion, visit: Visit | None) -> str:
    assert visit
    return visit.doctor


def _day(occasion: Occasion, visit: Visit | None) -> str:
    """Without the year; the full date stands in the facts."""
    assert visit
    return short_day_in_words(clock.local_day(visit.starts_at, occasion.place.zone))


def _time(occasion: Occasion, visit: Visit | None) -> str:
    """Without the zone, which stands beside the full date in the facts."""
    assert visit
    return time_in_words(visit.starts_at, occasion.place.zone)


def held(occasion: Occasion, _: Visit | None) -> str:
    """For whom an offered time is held, and until when."""
    until = moment_in_words(occasion.answer_until, occasion.place)
    if occasion.is_shared:
        return t("We are holding it until {moment} for you and a few others: the first answer counts.", moment=until)
    return t("We are holding it for you until {moment}.", moment=until)


def _choice(occasion: Occasion, _: Visit | None) -> str:
    if occasion.visit:
        if_yes = t("If you accept, this becomes your time, and your present one goes to somebody else.")
        if_no = t("If you decline or do not answer, you keep your present appointment and your place on the list.")
    else:
        if_yes = t("If you accept, this becomes your appointment.")
        if_no = t("If you decline or do not answer, you keep your place on the list.")
    return f"{if_yes} {if_no}"


def _kept(occasion: Occasion, _: Visit | None) -> str:
    if occasion.visit:
        return t("Your appointment stays as it is, and so does your place on the list.")
    return t("You keep your place on the list.")


def _code(occasion: Occasion, _: Visit | None) -> str:
    return occasion.one_time_code


def _until(occasion: Occasion, _: Visit | None) -> str:
    assert occasion.answer_until
    return time_in_words(occasion.answer_until, occasion.place.zone)


def moment_in_words(at: datetime | None, place: Place) -> str:
    """14:07 on Tuesday, 10 March 2026 (Central European Time)."""
    assert at
    day = day_in_words(clock.local_day(at, place.zone))
    return t("{time} on {day} ({zone})", time=time_in_words(at, place.zone), day=day, zone=zone_in_words(place.zone))


FIELDS: dict[str, Field] = {
    "day": Field(n_("the day, for example Thu 26 Mar"), _day),
    "time": Field(n_("the time of day"), _time),
    "doctor": Field(n_("the doctor"), _doctor),
    "name": Field(n_("who reads it"), _name),
    "clinic": Field(n_("your location"), _clinic),
    "site": Field(n_("the address of your booking pages"), _site),
    "held": Field(n_("for whom the time is held, and until when"), held),
    "choice": Field(n_("what follows from a yes and from a no"), _choice),
    "kept": Field(n_("what she keeps: her place on the list, and her appointment if she has one"), _kept),
    "code": Field(n_("the one-time code"), _code),
    "until": Field(n_("until when the code is good"), _until),
}
