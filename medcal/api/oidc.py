"""Signing in at a provider of identity: the way there and the way back."""

import logging
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from medcal import clock, routes
from medcal.api.answers import client as address_of
from medcal.api.answers import device, preferred_language, to_page
from medcal.api.oidc_logout import NO_STORE, configured, own
from medcal.api.sign_in import enter
from medcal.config import Oidc
from medcal.db import in_transaction
from medcal.edge.cookies import WAY, clear_short_cookie, request_secret, set_short_cookie
from medcal.edge.logs import Sparing
from medcal.edge.origin import is_ours
from medcal.i18n import LANGUAGES, current_language, speak
from medcal.security import new_secret
from medcal.services import oidc, oidc_calls, oidc_ways, staff_identities
from medcal.services.oidc import Person, Refusal
from medcal.services.oidc_metadata import Distrusted
from medcal.services.oidc_ways import Way

router = APIRouter()
log = Sparing(logging.getLogger(__name__))

Short = Annotated[str, Query(max_length=200)]
Long = Annotated[str, Query(max_length=4000)]


# --- There ------------------------------------------------------------------------------------------------------------


@router.get("/auth/oidc/start")
def start(
    request: Request, language: Short = "", wanted: Annotated[str, Query(alias="next", max_length=200)] = ""
) -> Response:
    """Send the browser to the provider, with a cookie by which we know it again."""
    client, now = configured(), clock.now()
    speak(language if language in LANGUAGES else preferred_language(request))
    if not is_ours(None, request.headers.get("sec-fetch-site"), ()):
        # Where she is signed in at the provider already, a page of others could sign her in here without a word.
        return to_page(routes.SIGN_IN)
    request.state.page = routes.SIGN_IN
    in_transaction(oidc_ways.count_start, address_of(request), now=now)
    try:
        provider = oidc_calls.discover(client, now)
    except Distrusted as doubt:
        return _not_believed(doubt)
    browser = request_secret(request, WAY) or new_secret()
    next_page = wanted if routes.is_staff_page(wanted) else ""
    state = in_transaction(oidc_ways.begin, browser, next_page=next_page, language=current_language(), now=now)
    there = oidc.authorization_url(
        provider,
        client,
        back_to=own("/auth/oidc/callback"),
        state=state,
        nonce=oidc_ways.nonce(browser, state),
        verifier=oidc_ways.verifier(browser, state),
    )
    answer = RedirectResponse(there, 303, headers=NO_STORE)
    set_short_cookie(answer, WAY, browser, int(oidc_ways.WAY_LASTS.total_seconds()))
    return answer


# --- And back ---------------------------------------------------------------------------------------------------------


@router.get("/auth/oidc/callback")
def callback(
    request: Request, state: Short = "", code: Long = "", error: Long = "", iss: Annotated[str | None, Query()] = None
) -> Response:
    """Open a session for whoever the provider says has signed in, or say on the sign-in page why not."""
    client, now = configured(), clock.now()
    speak(preferred_language(request))
    browser = request_secret(request, WAY)
    way = in_transaction(oidc_ways.arrive, browser, state, now) if browser and state else None
    if browser is None or way is None:
        return _refuse(Refusal.stale)
    speak(way.language)
    try:
        oidc.check_answerer(oidc_calls.discover(client, now), iss)
        if error:
            return _turned_back(error)
        who = _ask(client, way, code, browser=browser, state=state)
    except Distrusted as doubt:
        return _not_believed(doubt)
    return _let_in(request, client, who, way)


def _ask(client: Oidc, way: Way, code: str, *, browser: str, state: str) -> Person:
    """Exchange the code, and believe nothing that does not hold."""
    now = clock.now()
    provider = oidc_calls.discover(client, now)
    verifier = oidc_ways.verifier(browser, state)
    tokens = oidc_calls.exchange(client, provider, code=code, verifier=verifier, back_to=own("/auth/oidc/callback"))
    header, claims = oidc_calls.read_signed(client, tokens.id_token, now)
    oidc.check_id_token(
        header,
        claims,
        client,
        nonce=oidc_ways.nonce(browser, state),
        access_token=tokens.access_token,
        since=way.begun_at,
        now=clock.now(),
    )
    if provider.userinfo_endpoint and tokens.access_token and oidc.lacks(claims, client):
        claims = oidc.complete(claims, oidc_calls.fetch_userinfo(client, provider, tokens.access_token))
    return oidc.person(claims, client, tokens.id_token)


def _let_in(request: Request, client: Oidc, who: Person, way: Way) -> Response:
    now = clock.now()
    found = in_transaction(staff_identities.sign_in, who, client, device(request), language=way.language, now=now)
    if isinstance(found, Refusal):
        return _refuse(found)
    answer = enter(request, found, way.next_page)
    answer.headers.update(NO_STORE)
    clear_short_cookie(answer, WAY)
    return answer


def _turned_back(error: str) -> Response:
    """The provider's own refusal; of its words only those are repeated in the log that the standard has."""
    if error == "access_denied":
        return _refuse(Refusal.denied)
    return _not_believed(Distrusted(f"answer: {error if error in KNOWN_ERRORS else 'an error'}"))


KNOWN_ERRORS = frozenset({
    "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "server_error",
    "temporarily_unavailable", "interaction_required", "login_required", "account_selection_required", "consent_required",
})  # fmt: skip


def _not_believed(doubt: Distrusted) -> Response:
    log.warning("a sign-in at the provider came to nothing: %s", doubt)
    return _refuse(Refusal.provider)


def _refuse(why: Refusal) -> Response:
    return to_page(routes.SIGN_IN, failed=why)
