"""What the routes have in common.

Who asks, from which page, the way back to it, and refusals that programs can read.
"""

import logging
import secrets
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response

from medcal import routes
from medcal.edge.cookies import KNOWN, request_secret
from medcal.edge.limits import household
from medcal.edge.logs import Sparing
from medcal.edge.origin import is_ours
from medcal.edge.sockets import own_origins, peer
from medcal.errors import Invalid, MedcalError, NotAllowed, ProofRefused, SignInRefused, TooManyTries
from medcal.i18n import DEFAULT, LANGUAGES, speak, t
from medcal.services.sessions import Device, browser_name

log = logging.getLogger(__name__)
sparing = Sparing(log)

# An address says at most why something failed, in one of these words; the page has the sentence.
FAILURES: dict[type[MedcalError], str] = {
    SignInRefused: "refused",
    ProofRefused: "proof",
    TooManyTries: "wait",
    Invalid: "form",
}


class Posted:
    """A dependency for forms of our own pages.

    Refuses those of others, remembers page and language for the way back.
    """

    def __init__(self, page: str):
        self.page = page

    # Async, so that the language is that of the request's own task, and of the thread that the route runs in.
    async def __call__(self, request: Request, language: Annotated[str, Form()] = DEFAULT) -> None:
        speak(language)
        if not is_ours(request.headers.get("origin"), request.headers.get("sec-fetch-site"), own_origins()):
            sparing.warning("refused a form of a foreign page")
            raise NotAllowed
        request.state.page = self.page


def to_page(path: str, language: str | None = None, **query: str) -> RedirectResponse:
    """Send the browser to one of our pages, in the language of its form unless another is given."""
    address = routes.to(path, language) + (f"?{urlencode(query)}" if query else "")
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})


def client(request: Request) -> str | None:
    """What stands for the client's address in limits; None where a proxy hides everybody behind one."""
    return household(peer(request.scope))


def device(request: Request) -> Device:
    """Where a session is opened, as its owner will recognize it."""
    browser = browser_name(request.headers.get("user-agent", "")[:400])
    return Device(client(request) or "", browser, request_secret(request, KNOWN) or "")


def preferred_language(request: Request) -> str:
    """The first of the browser's languages that Medcal speaks."""
    accepted = request.headers.get("accept-language", "").lower().split(",")
    wishes = (wish.split(";")[0].split("-")[0].strip() for wish in accepted)
    return next((wish for wish in wishes if wish in LANGUAGES), DEFAULT)


async def refused(request: Request, error: MedcalError) -> Response:
    """A refusal on a good day: back to the form's page with one word, or RFC 9457 for programs."""
    page = getattr(request.state, "page", None)
    word = next((word for kind, word in FAILURES.items() if isinstance(error, kind)), None)
    if page and word and _is_browser(request):
        return to_page(page, failed=word)
    return problem(error.status, str(error))


async def misfit(request: Request, _: RequestValidationError) -> Response:
    """A form or an address that does not even have the right shape."""
    return await refused(request, Invalid(t("Something in this form is missing or too long.")))


async def broken(request: Request, error: Exception) -> Response:
    """A mistake of ours: the log has what happened under a number, the answer has the number."""
    number = secrets.token_hex(4)
    route = getattr(request.scope.get("route"), "path", "?")
    log.error("%s %s failed (%s)", request.method, route, number, exc_info=error)
    sentence = t("Something went wrong on our side. Please try again, or call us and name {number}.", number=number)
    return problem(500, sentence)


def problem(status: int, sentence: str) -> JSONResponse:
    """RFC 9457: what went wrong, for programs."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": sentence}
    return JSONResponse(body, status, media_type="application/problem+json", headers={"Cache-Control": "no-store"})


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
