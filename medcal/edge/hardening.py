"""Mends Reflex before anything uses it: medcal/medcal.py imports this first.

1. A string with an unknown <reflex.Var> tag made LiteralStringVar.create loop for ever and eat memory: one message with
   it in a text that comes back (rx.toast, rx.redirect, State.handler(text)) stopped a whole worker.
2. The queue of events had no end: see `waiting.py`.
3. Errors were logged with what the browser had sent: see `logs.py`.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import reflex.app
from reflex_base.vars import base, sequence

from medcal.edge import logs
from medcal.edge.waiting import BoundedProcessor

_OPENING = "<reflex.Var>"
# The dots are wildcards in Reflex' own pattern too, so this one is as loose as that.
_TAG = re.compile(r"<(reflex.Var>)(?:(-?\d+)</reflex.Var>)?")


def _is_known(tag: re.Match[str]) -> bool:
    """Whether the tag stands for a variable of the program (Reflex puts such tags into f-strings)."""
    return tag[2] is not None and int(tag[2]) in base._global_vars


def _defuse(tag: re.Match[str]) -> str:
    # A zero-width space after the bracket: looks the same, is a tag no more.
    return tag[0] if _is_known(tag) else "<\u200b" + tag[0][1:]


_create: Callable[..., sequence.StringVar[Any]] = sequence.LiteralStringVar.create.__func__  # type: ignore[attr-defined]


def _create_string(
    cls: type[sequence.LiteralStringVar], value: str, _var_type: Any = None, _var_data: Any = None
) -> sequence.StringVar[Any]:
    if _OPENING not in value:
        return _create(cls, value, _var_type, _var_data)
    if any(_is_known(tag) for tag in _TAG.finditer(value)):
        return _create(cls, _TAG.sub(_defuse, value), _var_type, _var_data)
    # Text from outside stays exactly as it is: the script spells the bracket as an escape, so no tag is found in it.
    script = json.dumps(value).replace("<", "\\u003c")
    return cls(_js_expr=script, _var_type=_var_type or type(value), _var_data=_var_data, _var_value=value)


sequence.LiteralStringVar.create = classmethod(_create_string)  # type: ignore[assignment]
reflex.app.BaseStateEventProcessor = BoundedProcessor  # type: ignore[attr-defined]
logs.keep_secrets_out()
