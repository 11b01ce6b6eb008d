"""Staff sign in and out with native forms: the answer sets the cookie, and the new page's websocket carries it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from medcal import clock, routes
from medcal.api.answers import FAILURES, Posted, client, device, to_page
from medcal.api.oidc_logout import leave
from medcal.db import in_transaction
from medcal.edge.cookies import (
    KNOWN,
    KNOWN_SECONDS,
    TICKET,
    clear_short_cookie,
    clear_staff_cookie,
    request_secret,
    request_staff_ref,
    set_short_cookie,
    set_staff_cookie,
)
from medcal.errors import LinkExpired, SignInRefused, TooManyTries
from medcal.security import digest
from medcal.services import accounts, provider_sessions, second_step, sessions

router = APIRouter()


@router.post("/api/sign-in", dependencies=[Depends(Posted(routes.SIGN_IN))])
def sign_in(
    request: Request,
    email: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    wanted: Annotated[str, Form(alias="next", max_length=200)] = "",
) -> RedirectResponse:
    """Open a session and go on to the wanted page, or ask for the code, or back to the form without a word about which of both was wrong."""
    now = clock.now()
    try:
        marks = request_secret(request, KNOWN) or ""
        in_transaction(accounts.count_sign_in, email, client(request), marks=marks, now=now)
        user, value = in_transaction(accounts.sign_in, email, password, device=device(request), now=now)
    except (SignInRefused, TooManyTries) as refusal:
        if isinstance(refusal, SignInRefused):
            in_transaction(accounts.note_refusal, email, client(request), now=now)
        return to_page(routes.SIGN_IN, failed=FAILURES[type(refusal)], **_wish(wanted))
    if not second_step.is_on(user):
        return enter(request, value, wanted)
    answer = to_page(routes.SIGN_IN_CODE, **_wish(wanted))
    set_short_cookie(answer, TICKET, value, max_age=int(second_step.TICKET_LASTS.total_seconds()))
    return answer


@router.post("/api/sign-in/code", dependencies=[Depends(Posted(routes.SIGN_IN_CODE))])
def give_code(
    request: Request,
    code: Annotated[str, Form(max_length=40)],
    wanted: Annotated[str, Form(alias="next", max_length=200)] = "",
) -> RedirectResponse:
    """The second step, for a browser that has given the right password. A new session, under a cookie that was never sent before."""
    now, ticket = clock.now(), digest(request_secret(request, TICKET) or "")
    try:
        in_transaction(second_step.count_code, ticket, now=now)
        finished = in_transaction(second_step.finish, ticket, code, device(request), now=now)
    except (LinkExpired, TooManyTries) as refusal:
        answer = to_page(routes.SIGN_IN, failed="late" if isinstance(refusal, LinkExpired) else "wait", **_wish(wanted))
        clear_short_cookie(answer, TICKET)
        return answer
    if finished is None:
        return to_page(routes.SIGN_IN_CODE, failed="code", **_wish(wanted))
    _, value = finished
    answer = enter(request, value, wanted)
    clear_short_cookie(answer, TICKET)
    return answer


def enter(request: Request, value: str, wanted: str = "") -> RedirectResponse:
    """Let a browser in with its new session: the one that it had before ends, and the wanted page comes, or the calendar."""
    if before := request_staff_ref(request):
        in_transaction(sessions.sign_out, before)
    answer = RedirectResponse(wanted, 303) if routes.is_staff_page(wanted) else to_page(routes.STAFF_CALENDAR)
    set_staff_cookie(answer, value, max_age=int(sessions.longest_session().total_seconds()))
    marks = in_transaction(sessions.remember_browser, value, request_secret(request, KNOWN) or "")
    set_short_cookie(answer, KNOWN, marks, KNOWN_SECONDS)
    return answer


@router.post("/api/sign-out", dependencies=[Depends(Posted(routes.SIGN_IN))])
def sign_out(request: Request) -> Response:
    """End the session, on every page that is open under it; one that a provider has vouched for ends there, too."""
    farewell = None
    if ref := request_staff_ref(request):
        farewell = in_transaction(provider_sessions.farewell, ref)
        in_transaction(sessions.sign_out, ref)
    answer = (leave(farewell) if farewell else None) or to_page(routes.SIGN_IN)
    clear_staff_cookie(answer)
    return answer


def _wish(wanted: str) -> dict[str, str]:
    return {"next": wanted} if routes.is_staff_page(wanted) else {}
