"""Every kind of letter: which fields its words may have, which they must, and the facts and buttons that no words can change."""

from collections.abc import Callable
from dataclasses import dataclass

from medcal import clock
from medcal.i18n import t
from medcal.services.dates_in_words import day_in_words, time_in_words, zone_in_words
from medcal.services.letter_fields import moment_in_words
from medcal.services.occasions import Occasion, Place, Visit

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Action:
    """A link in a letter; `purpose` is what its token will be good for."""

    label: str
    purpose: str


Actions = tuple[Action, ...]

# A subject stands in lists and on locked screens: nothing there but when and where.
IN_SUBJECTS = ("day", "time", "clinic")
_ANYWHERE = ("name", "clinic", "site")
_WHEN = ("day", "time")
_OF_A_VISIT = (*_WHEN, "doctor", *_ANYWHERE)


# --- Facts and buttons ------------------------------------------------------------------------------------------------


def _own_visit(occasion: Occasion) -> Visit | None:
    return occasion.visit


def _offered_visit(occasion: Occasion) -> Visit | None:
    return occasion.offered


def _nothing(_: Occasion) -> tuple[()]:
    return ()


def _facts(occasion: Occasion) -> Facts:
    assert occasion.visit
    return (
        _whom(occasion),
        (t("When"), _when(occasion.visit, occasion.place)),
        (t("Doctor"), occasion.visit.doctor),
        *_where(occasion),
        (t("Booking code"), occasion.booking_code),
    )


def _facts_or_where(occasion: Occasion) -> Facts:
    return _facts(occasion) if occasion.visit else (_whom(occasion), *_where(occasion))


def _whom(occasion: Occasion) -> tuple[str, str]:
    """Who books for several must know for whom; there is nothing to say to a patient herself."""
    return (t("For"), occasion.patient)


def _facts_of_offer(occasion: Occasion) -> Facts:
    assert occasion.offered
    present = _when(occasion.visit, occasion.place) if occasion.visit else ""
    return (
        _whom(occasion),
        (t("Offered"), _when(occasion.offered, occasion.place)),
        (t("Doctor"), occasion.offered.doctor),
        (t("Your present time"), present),
        (t("Held until"), moment_in_words(occasion.answer_until, occasion.place)),
        *_where(occasion),
    )


def _where(occasion: Occasion) -> Facts:
    return ((t("Where"), ", ".join(line for line in (occasion.place.name, occasion.place.address) if line)),)


def _when(visit: Visit, place: Place) -> str:
    return t(
        "{day}, {start} to {end} ({zone})",
        day=day_in_words(clock.local_day(visit.starts_at, place.zone)),
        start=time_in_words(visit.starts_at, place.zone),
        end=time_in_words(visit.ends_at, place.zone),
        zone=zone_in_words(place.zone),
    )


def _see_or_cancel(occasion: Occasion) -> Actions:
    return (*_see(occasion), Action(t("Cancel it"), "cancel"))


def _see(occasion: Occasion) -> Actions:
    return (Action(t("See or change the appointment"), "appointment"),) if occasion.visit else ()


def _confirm_or_cancel(occasion: Occasion) -> Actions:
    yes, no = Action(t("Yes, I will come"), "confirm"), Action(t("No, cancel the appointment"), "cancel")
    return (yes, no, *_see(occasion))


def _answer(_: Occasion) -> Actions:
    return (Action(t("See the offer and answer"), "offer"),)


def _stay(_: Occasion) -> Actions:
    return (Action(t("Keep me on the list"), "earlier"),)


# --- The kinds --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """`visit` is the one that {day}, {time} and {doctor} mean.

    `needed` must be in the body, `needed_in_sms` in what a text message consists of: the subject and the words beside it.
    """

    visit: Callable[[Occasion], Visit | None]
    fields: tuple[str, ...]
    facts: Callable[[Occasion], Facts]
    actions: Callable[[Occasion], Actions]
    needed: tuple[str, ...] = ()
    needed_in_sms: tuple[str, ...] = ()

    @property
    def fields_in_subject(self) -> tuple[str, ...]:
        return tuple(field for field in self.fields if field in IN_SUBJECTS)


LETTERS: dict[str, Kind] = {
    "appointment.booked": Kind(_own_visit, _OF_A_VISIT, _facts, _see_or_cancel, needed_in_sms=_WHEN),
    "appointment.moved": Kind(_own_visit, _OF_A_VISIT, _facts, _see_or_cancel, needed_in_sms=_WHEN),
    "appointment.cancelled": Kind(_own_visit, _OF_A_VISIT, _facts, _nothing, needed_in_sms=_WHEN),
    "reminder": Kind(_own_visit, _OF_A_VISIT, _facts, _confirm_or_cancel, needed_in_sms=_WHEN),
    "offer.made": Kind(
        _offered_visit,
        (*_OF_A_VISIT, "held", "choice"),
        _facts_of_offer,
        _answer,
        needed=("held", "choice"),
        needed_in_sms=(*_WHEN, "held"),
    ),
    "offer.taken": Kind(_offered_visit, (*_OF_A_VISIT, "kept"), _facts_or_where, _see, needed=("kept",)),
    "offer.withdrawn": Kind(_offered_visit, (*_OF_A_VISIT, "kept"), _facts_or_where, _see, needed=("kept",)),
    "waitlist.paused": Kind(_own_visit, (*_ANYWHERE, "kept"), _facts_or_where, _stay, needed=("kept",)),
    # It names nobody: others may share the address.
    "code": Kind(
        _own_visit, ("code", "until", "clinic", "site"), _nothing, _nothing, needed=("code",), needed_in_sms=("code",)
    ),
}
