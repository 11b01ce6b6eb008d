"""Staff sign in and out with native forms: the answer sets the cookie, and the new page's websocket carries it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse

from medcal import clock, routes
from medcal.api.answers import FAILURES, Posted, client, to_page
from medcal.db import in_transaction
from medcal.edge.cookies import clear_staff_cookie, request_staff_ref, set_staff_cookie
from medcal.errors import SignInRefused, TooManyTries
from medcal.services import accounts

router = APIRouter()


@router.post("/api/sign-in", dependencies=[Depends(Posted(routes.SIGN_IN))])
def sign_in(
    request: Request,
    email: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    wanted: Annotated[str, Form(alias="next", max_length=200)] = "",
) -> RedirectResponse:
    """Open a session and go on to the wanted page, or back to the form without a word about which of both was wrong."""
    now = clock.now()
    try:
        in_transaction(accounts.count_sign_in, email, client(request), now=now)
        _, value = in_transaction(accounts.sign_in, email, password, now=now)
    except (SignInRefused, TooManyTries) as refusal:
        wish = {"next": wanted} if routes.is_staff_page(wanted) else {}
        return to_page(routes.SIGN_IN, failed=FAILURES[type(refusal)], **wish)
    if before := request_staff_ref(request):
        in_transaction(accounts.sign_out, before)
    answer = RedirectResponse(wanted, 303) if routes.is_staff_page(wanted) else to_page(routes.STAFF_CALENDAR)
    set_staff_cookie(answer, value, max_age=int(accounts.LONGEST_SESSION.total_seconds()))
    return answer


@router.post("/api/sign-out", dependencies=[Depends(Posted(routes.SIGN_IN))])
def sign_out(request: Request) -> RedirectResponse:
    """End the session, on every page that is open under it."""
    if ref := request_staff_ref(request):
        in_transaction(accounts.sign_out, ref)
    answer = to_page(routes.SIGN_IN)
    clear_staff_cookie(answer)
    return answer
