"""How the staff's screens answer: what was done, what was refused, and forms of the desk in the services' words."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import reflex as rx
from reflex.event import EventSpec

from medcal.errors import Invalid, InvalidForm, MedcalError, NotFound, SlotTaken
from medcal.i18n import t
from medcal.services.desk import WallTime
from medcal.state.forms import text

# A calendar reaches no farther, and dates stay far from where arithmetic ends.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


def problems_of(refusal: Invalid | InvalidForm) -> dict[str, str]:
    """What does not fit, by the names of the fields."""
    return refusal.problems if isinstance(refusal, InvalidForm) else {refusal.field: str(refusal)}


def focus_first_problem() -> EventSpec:
    """Rows come and go, so their fields have no names that rx.set_focus knows; they must be marked before one is looked for."""
    return rx.call_script("setTimeout(() => document.querySelector('[aria-invalid=true]')?.focus(), 100)")


def sentence_of(refusal: MedcalError) -> str:
    """What a form of the desk says; of a taken time also what it can do that a patient cannot."""
    if isinstance(refusal, SlotTaken):
        return t("This time is not free. Choose another, or book it all the same with a reason.")
    return str(refusal)


def refused(refusal: MedcalError) -> EventSpec:
    """The refusal as a toast; the same one twice is one."""
    sentence = t("This time is not free.") if isinstance(refusal, SlotTaken) else str(refusal)
    return rx.toast.error(sentence, id="refused")


def done(sentence: str) -> EventSpec:
    return rx.toast.success(sentence, id="done")


def day_in(given: str) -> date | None:
    """The day that a date field says, None while it says none that a calendar has."""
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def wall_in(form: Mapping[str, Any], day_field: str, time_field: str) -> WallTime:
    """A date and a time of a form. Raises Invalid with the field that does not fit."""
    day = day_in(text(form, day_field))
    if day is None:
        raise Invalid(t("Please give a date."), day_field)
    try:
        at = time.fromisoformat(text(form, time_field))
    except ValueError:
        raise Invalid(t("Please give a time of day, for example 09:30."), time_field) from None
    return WallTime(day, at.replace(tzinfo=None))


def wall_of(at: datetime) -> WallTime:
    """A time as the calendar sends it: on the location's wall clock. Raises Invalid when it claims a zone of its own."""
    if at.tzinfo is not None or not FIRST_DAY <= at.date() <= LAST_DAY:
        raise Invalid(t("Please give a date."), "day")
    return WallTime(at.date(), at.time())


def ref_in(given: str) -> uuid.UUID:
    """A reference from a list to choose from. Raises NotFound for anything else."""
    try:
        return uuid.UUID(given)
    except ValueError:
        raise NotFound from None


def ref_or_none(given: str) -> uuid.UUID | None:
    """The same, or None for the empty entry of the list."""
    return ref_in(given) if given else None
