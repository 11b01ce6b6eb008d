"""Signing out at the provider of identity as well, and being signed out by it."""

import html
import logging
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from medcal import clock, routes
from medcal.api.answers import preferred_language, to_page
from medcal.config import Oidc, settings
from medcal.db import in_transaction
from medcal.edge.logs import Sparing
from medcal.errors import NotFound
from medcal.i18n import LANGUAGES, current_language, t
from medcal.services import oidc, oidc_calls, provider_sessions
from medcal.services.oidc_metadata import Distrusted

router = APIRouter()
log = Sparing(logging.getLogger(__name__))

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def leave(farewell: provider_sessions.Farewell) -> Response | None:
    """Sign out at the provider as well; None where it has no such page, or cannot be asked.

    A page in between, because the policy of our pages lets a form lead nowhere else, and a redirect is part of its form.
    """
    client = settings().oidc
    if client is None or client.issuer != farewell.issuer:
        return None
    try:
        provider = oidc_calls.discover(client, clock.now())
    except Distrusted as doubt:
        log.warning("signed out here, but not at the provider: %s", doubt)
        return None
    back_to = own("/auth/oidc/logout")
    there = oidc.end_session_url(
        provider, client, id_token=farewell.id_token, back_to=back_to, state=current_language()
    )
    return _on_the_way(there) if there else None


def _on_the_way(there: str) -> Response:
    address, sentence = html.escape(there), html.escape(t("You are signed out here. One moment …"))
    go_on = html.escape(t("Go on"))
    page = (
        f'<!doctype html><html lang="{current_language()}"><head><meta charset="utf-8"><title>Medcal</title>'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="0; url={address}">'
        "<style>body{font:1.125rem/1.5 system-ui,sans-serif;margin:4rem auto;max-width:32rem;padding:0 1rem}"
        ":root{color-scheme:light dark}</style></head>"
        f'<body><p>{sentence}</p><p><a href="{address}">{go_on}</a></p></body></html>'
    )
    return HTMLResponse(page, headers=NO_STORE)


@router.get("/auth/oidc/logout")
def signed_out(request: Request, state: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Where the provider sends the browser after signing out; `state` is the language that it left in."""
    return to_page(routes.SIGN_IN, state if state in LANGUAGES else preferred_language(request))


@router.post("/auth/oidc/backchannel")
def backchannel(logout_token: Annotated[str, Form(max_length=oidc.LONGEST_TOKEN)] = "") -> Response:
    """The provider says that somebody has signed out there (Back-Channel Logout 1.0): her sessions here end at once.

    Strangers are not counted: telling that a token is not genuine costs less than counting, and behind a proxy whoever made us
    stop listening would keep everybody signed in.
    """
    client, now = configured(), clock.now()
    try:
        header, claims = oidc_calls.read_signed(client, logout_token, now)
        oidc.check_logout_token(header, claims, client, not_before=now - provider_sessions.LOGOUT_LASTS, now=now)
        if not in_transaction(provider_sessions.end, claims, now=now):
            raise Distrusted("logout token: told before")
    except Distrusted as doubt:
        log.warning("a logout by the provider was not believed: %s", doubt)
        return JSONResponse({"error": "invalid_request"}, 400, headers=NO_STORE)
    return Response(status_code=200, headers=NO_STORE)


def configured() -> Oidc:
    """The provider of the settings; without one its addresses do not exist."""
    client = settings().oidc
    if client is None:
        raise NotFound
    return client


def own(path: str) -> str:
    """An address of ours by the settings, never by what a request says of itself."""
    return settings().url + path
