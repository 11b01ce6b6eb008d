"""What an event may carry: a strict check made from the handler's signature. Reflex itself enforces no type hint."""

import inspect
import types
from collections.abc import Callable
from datetime import date, datetime, time
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, Strict, TypeAdapter
from reflex_base.utils.form import FORM_DATA_ENTRIES_KEY
from typing_extensions import TypedDict

TEXT = 2_000
KEYS = 50
ITEMS = 200
# What an INTEGER column and a JavaScript number both hold.
INTEGER = 2**31 - 1


def check(fn: Callable[..., Any], payload: object, text_limit: int = TEXT) -> dict[str, Any]:
    """The payload with the types of fn's signature; raises pydantic.ValidationError for anything that does not fit."""
    return adapter(fn, text_limit).validate_python(payload)


@cache
def adapter(fn: Callable[..., Any], text_limit: int = TEXT) -> TypeAdapter[dict[str, Any]]:
    """The check for fn's arguments (all but self).

    Raises TypeError where the signature leaves open what may come: missing hints, Any, *args, types not listed here.
    """
    hints = get_type_hints(fn, include_extras=True)
    fields = {}
    for parameter in list(inspect.signature(fn).parameters.values())[1:]:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{fn.__qualname__}: *{parameter.name} accepts anything")
        if parameter.name not in hints:
            raise TypeError(f"{fn.__qualname__}: {parameter.name} has no type")
        wanted = _strict(hints[parameter.name], text_limit, fn.__qualname__)
        fields[parameter.name] = Required[wanted] if parameter.default is parameter.empty else NotRequired[wanted]
    # No pydantic model: arguments may then not be called copy, json, schema…
    payload = TypedDict("Payload", fields)  # type: ignore[misc]
    setattr(payload, "__pydantic_config__", ConfigDict(extra="forbid"))  # noqa: B010
    check_all: TypeAdapter[dict[str, Any]] = TypeAdapter(payload)  # type: ignore[arg-type]
    return check_all


def _strict(hint: Any, limit: int, where: str) -> Any:
    """The same type, but bounded, and without the conversions that surprise (True is no 1, 5 is no date)."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return Annotated[_strict(parts[0], limit, where), *parts[1:]]
    if origin in (Union, types.UnionType):
        return Union[tuple(part if part is types.NoneType else _strict(part, limit, where) for part in parts)]  # noqa: UP007
    if hint is str:
        return _text(limit)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if origin is Literal or (isinstance(hint, type) and issubclass(hint, Enum)):
        return hint
    if (origin or hint) is list and parts:
        return Annotated[list[_strict(parts[0], limit, where)], Field(max_length=ITEMS)]  # type: ignore[misc]
    if (origin or hint) is dict:
        return _form(limit) if not parts or parts[1] is Any else _mapping(_strict(parts[1], limit, where))
    raise TypeError(f"{where}: an argument of type {hint!r} cannot be checked")


def _text(limit: int) -> Any:
    return Annotated[str, Strict(), Field(max_length=limit), AfterValidator(_storable)]


def _storable(text: str) -> str:
    """PostgreSQL stores no NUL, and nobody types one. (Halves of surrogate pairs are refused by pydantic itself.)"""
    if "\0" in text:
        raise ValueError("not a text")
    return text


def _only(*allowed: type) -> BeforeValidator:
    def accept(value: object) -> object:
        # bool is a subclass of int, datetime of date: the exact type counts.
        if type(value) not in allowed:
            raise ValueError("not of an accepted type")
        return value

    return BeforeValidator(accept)


def _sensible(day: date) -> date:
    """Far from the ends of the calendar, where adding an hour or changing the zone overflows."""
    if not 1800 <= day.year <= 2200:
        raise ValueError("not a date of our times")
    return day


# int and float also take digits in a text: that is what input fields send. Dates come as ISO texts.
_SIMPLE: dict[Any, Any] = {
    bool: Annotated[bool, Strict()],
    int: Annotated[int, Field(ge=-INTEGER, le=INTEGER), _only(int, float, str)],
    float: Annotated[float, Field(allow_inf_nan=False), _only(int, float, str)],
    date: Annotated[date, _only(str, date), AfterValidator(_sensible)],
    datetime: Annotated[datetime, _only(str, datetime), AfterValidator(_sensible)],
    time: Annotated[time, _only(str, time)],
    UUID: Annotated[UUID, _only(str, UUID)],
}


def _mapping(value: Any) -> Any:
    return Annotated[dict[_text(100), value], Field(max_length=KEYS), BeforeValidator(_fields)]  # type: ignore[misc]


def _form(limit: int) -> Any:
    """What a form sends: texts, ticks and lists of texts by field name."""
    text = _text(limit)
    return _mapping(text | Annotated[bool, Strict()] | Annotated[list[text], Field(max_length=ITEMS)] | None)  # type: ignore[valid-type]


def _fields(value: object) -> object:
    """A submitted form as a dict. Like in Reflex the last of equal names counts; names ending in [] keep all."""
    if not isinstance(value, dict) or FORM_DATA_ENTRIES_KEY not in value:
        return value
    entries = value[FORM_DATA_ENTRIES_KEY]
    if len(value) != 1 or not isinstance(entries, list) or len(entries) > ITEMS:
        raise ValueError("not a form")
    fields: dict[str, Any] = {}
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):
            raise ValueError("not a form")
        name, content = entry
        fields[name] = [*fields.get(name, []), content] if name.endswith("[]") else content
    return fields
