"""Forms as the browser sends them, turned into what the services take. Raises Invalid with the field that does not fit."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from medcal.errors import Invalid
from medcal.i18n import t
from medcal.services import patients
from medcal.services.booking import Details
from medcal.services.patients import BookerDetails
from medcal.services.waitlist import EVERY_DAY, Wish

Form = Mapping[str, Any]


def text(form: Form, name: str) -> str:
    """A field's text; empty when the field is missing or not a text."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def is_ticked(form: Form, name: str) -> bool:
    return form.get(name) in (True, "on", "true", "1")


def details_of(form: Form, today: date) -> Details:
    """The booking form: who the visit is for, who books, why, and whether something earlier is wished."""
    for_other = is_ticked(form, "for_other")
    person = patients.check_person(
        name=text(form, "name"),
        born_on=text(form, "born_on"),
        email=text(form, "email"),
        phone=text(form, "phone"),
        today=today,
    )
    return Details(
        person=person,
        booker=_booker(form, person) if for_other else None,
        reason=text(form, "reason"),
        request=patients.check_free_text(text(form, "request"), "request", 1000),
        earlier=wish_of(form) if is_ticked(form, "earlier") else None,
    )


def _booker(form: Form, person: patients.Person) -> BookerDetails:
    """Who books for somebody else gives one set of contact details: they are the booker's, and messages go there."""
    try:
        name = patients.check_name(text(form, "booker_name"))
    except Invalid as refusal:
        raise Invalid(str(refusal), "booker_name") from None
    return BookerDetails(name, person.email, person.phone)


def wish_of(form: Form) -> Wish:
    """The limits of a wish for something earlier."""
    opens, closes = _wall_time(form, "opens", time(0)), _wall_time(form, "closes", time(23, 59))
    if opens >= closes:
        raise Invalid(t("The earliest time must be before the latest."), "closes")
    return Wish(
        any_doctor=text(form, "which_doctor") != "this",
        weekdays=_weekdays(form),
        opens=opens,
        closes=closes,
        notice_hours=_notice(form),
    )


def _wall_time(form: Form, name: str, default: time) -> time:
    given = text(form, name)
    try:
        return time.fromisoformat(given).replace(tzinfo=None) if given else default
    except ValueError:
        raise Invalid(t("Please give a time of day, for example 09:30."), name) from None


def _weekdays(form: Form) -> tuple[int, ...]:
    days = [day for day in EVERY_DAY if is_ticked(form, f"weekday_{day}")]
    if not days:
        raise Invalid(t("Please choose at least one day of the week."), "weekday_0")
    return tuple(days)


def _notice(form: Form) -> int:
    given = text(form, "notice_hours") or "24"
    if not given.isascii() or not given.isdigit() or int(given) > 336:
        raise Invalid(t("Please choose how much notice you need."), "notice_hours")
    return int(given)
