"""What a page says when a handler fails: the refusal's own sentence, or for our mistakes a number that the log has."""

import logging
import secrets
from typing import Any

import reflex as rx
from reflex_base import constants
from reflex_base.event import EventSpec
from reflex_base.event.context import EventContext

from medcal.errors import MedcalError
from medcal.failures import outline
from medcal.i18n import language, language_of, t

log = logging.getLogger(__name__)


def apologize(exception: Exception) -> EventSpec:
    """For rx.App(backend_exception_handler=…): a refusal nobody caught is read by the patient, anything else is a bug.

    Reflex' own handler logs the error's text, which can hold names and addresses, and speaks English to everybody.
    """
    if isinstance(exception, MedcalError):
        return _toast(str(exception), id="refused")
    number = secrets.token_hex(4)
    log.error("an event failed (%s): %s", number, outline(exception))
    with language(_language()):
        sentence = t("Something went wrong on our side. Please try again, or call us and name {number}.", number=number)
    return _toast(sentence, id="failed", duration=30_000)


def note_script_error(exception: Exception) -> None:
    """For rx.App(frontend_exception_handler=…): one line, however long the browser's report is."""
    log.warning("a script failed in a browser: %s", " ".join(str(exception).split())[:500])


def _toast(sentence: str, **options: Any) -> EventSpec:
    toast: EventSpec = rx.toast.error(sentence, **options)
    return toast


def _language() -> str:
    """The language of the page whose event failed: its own task is over, and what it spoke with it."""
    try:
        place = EventContext.get().router_data.get(constants.RouteVar.ORIGIN, "")
    except LookupError:
        place = ""
    return language_of(str(place))
