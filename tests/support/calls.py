"""What browsers send: for any handler, arguments that fit its signature and are about a given reference, or fit nothing."""

import inspect
import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from reflex_base.registry import RegistrationContext

from tests.support.everybody import Everybody
from tests.support.factories import PASSWORD

# Texts that are more than words: a day, a number of days, a language…
TEXTS = {
    "day": "2026-03-20",
    "days": "30",
    "language": "en",
    "kind": "reminder",
    "case": "plain",
    "value": "2",
    "words": "a",
}
REFERENCES = ("ref", "patient", "doctor", "visit_type")
FREE, UNTIL = "2026-03-26T11:00:00", "2026-03-26T11:30:00"
FREE_INSTANT = f"{FREE}+01:00"
# Nothing that a signature of ours takes.
ABSURD: list[Any] = [[1]]


def our_handlers() -> dict[str, tuple[str, Callable[..., Any]]]:
    """Every handler of the application under its own name, like CalendarState.move: the event that calls it, and the function."""
    import medcal.medcal  # noqa: F401  (registers all states)

    found = {name: each.handler.fn for name, each in RegistrationContext.get().event_handlers.items()}
    return {fn.__qualname__: (name, fn) for name, fn in found.items() if fn.__module__.startswith("medcal.")}


def parameters(fn: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(fn)
    return {name: hints[name] for name in list(inspect.signature(fn).parameters)[1:]}


def takes_reference(fn: Callable[..., Any]) -> bool:
    return any(hint is uuid.UUID or name in REFERENCES for name, hint in parameters(fn).items())


def about(fn: Callable[..., Any], ref: uuid.UUID, here: Everybody) -> dict[str, Any]:
    """What fits, as a browser sends it: every reference in it is `ref`, but for the doctor and visit that go with it."""
    wanted = parameters(fn)
    return {name: _value(name, hint, ref, here, alone="ref" not in wanted) for name, hint in wanted.items()}


def malformed(fn: Callable[..., Any]) -> list[dict[str, Any]]:
    """Of the wrong types, of too little, and of too much."""
    wanted = parameters(fn)
    wrong = [dict.fromkeys(wanted, ABSURD), {}] if wanted else []
    return [*wrong, {"self": "x"}, {"medcal": {"$ne": None}}]


def _value(name: str, hint: Any, ref: uuid.UUID, here: Everybody, *, alone: bool) -> Any:
    if get_origin(hint) is Union or isinstance(hint, type(int | str)):
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    if hint is uuid.UUID:
        return str(ref if alone or name != "doctor" else here.clinic.okafor.ref)
    if hint is str:
        return _text(name, ref, here)
    simple = {bool: True, int: 1, float: 1.0, date: "2026-03-26"}
    if hint in simple:
        return simple[hint]
    if hint is datetime:
        return {"starts_at": FREE_INSTANT, "end": UNTIL}.get(name, FREE)
    return form_about(ref, here)


def _text(name: str, ref: uuid.UUID, here: Everybody) -> str:
    if name == "visit_type":
        return str(here.clinic.visit_type.ref)
    # Patients' pages name a doctor by the slug of her address.
    return here.clinic.okafor.slug if name == "doctor" else str(ref) if name in REFERENCES else TEXTS.get(name, "x")


def form_about(ref: uuid.UUID, here: Everybody) -> dict[str, Any]:
    """One form that has the fields of all of them."""
    person = {"name": "Nadia Neu", "born_on": "1990-05-17", "email": "nadia@example.com", "phone": "+436769999999"}
    place = {"doctor": str(ref), "doctor_id": str(ref), "visit_type": str(here.clinic.visit_type.ref), "ref": str(ref)}
    when = {"day": "2026-03-26", "time": "11:00", "until": "11:30", "last_day": "2026-03-26", "first_day": "2026-03-26"}
    limits = {"which_doctor": "any", "notice_hours": "24", **{f"weekday_{day}": "on" for day in range(7)}}
    why = {"reason": "", "request": "no request", "overbook": "on", "overbook_reason": "a test", "role": "reception"}
    return person | place | when | limits | why | {"code": "123456", "password_again": PASSWORD}
