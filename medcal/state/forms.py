"""Forms as the browser sends them, turned into what the services take. Raises Invalid with the field that does not fit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time
from typing import Any

from medcal.errors import Invalid
from medcal.i18n import current_language, t
from medcal.services import patients
from medcal.services.booking import Details
from medcal.services.checks import Check
from medcal.services.consents import Shown
from medcal.services.patients import BookerDetails
from medcal.services.waitlist import EVERY_DAY, Wish

Form = Mapping[str, Any]


def text(form: Form, name: str) -> str:
    """A field's text; empty when the field is missing or not a text."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def number_in(form: Form, field: str, bounds: tuple[int, int]) -> int:
    """A whole number from the first to the second of `bounds`. Raises Invalid with the field."""
    least, most = bounds
    given = text(form, field).strip()
    if not given.isascii() or not given.isdigit() or not least <= int(given[:9]) <= most:
        raise Invalid(t("Please give a number from {least} to {most}.", least=least, most=most), field)
    return int(given)


def is_ticked(form: Form, name: str) -> bool:
    return form.get(name) in (True, "on", "true", "1")


def details_of(form: Form, today: date) -> Details:
    """The booking form: who the visit is for, who books, why, and whether something earlier is wished.

    Raises InvalidForm with all that does not fit, so that nobody has to send a form four times to learn four things.
    """
    check = Check()
    name = check(patients.check_name, text(form, "name"))
    born_on = check(patients.check_birth_date, text(form, "born_on"), today)
    contact = check(patients.check_contact, email=text(form, "email"), phone=text(form, "phone"))
    booker_name = check(_booker_name, form) if is_ticked(form, "for_other") else None
    request = check(patients.check_free_text, text(form, "request"), "request", 1000)
    wish = check(wish_of, form) if is_ticked(form, "earlier") else None
    check.done()
    assert name is not None and contact is not None
    person = patients.Person(name, born_on, *contact, current_language())
    # Who books for somebody else gives one set of contact details: they are the booker's, and messages go there.
    booker = BookerDetails(booker_name, *contact) if booker_name else None
    return Details(person, booker, text(form, "reason"), request or "", wish)


def with_consents(details: Details, booking: Shown | None, waitlist: Shown | None) -> Details:
    """The same, with the texts that stood beside the form."""
    earlier = replace(details.earlier, consent=waitlist) if details.earlier else None
    return replace(details, consent=booking, earlier=earlier)


def _booker_name(form: Form) -> str:
    try:
        return patients.check_name(text(form, "booker_name"))
    except Invalid as refusal:
        raise Invalid(str(refusal), "booker_name") from None


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
