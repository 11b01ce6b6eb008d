"""Passwords that somebody gives herself: under a one-time link, or in the place of the one she has."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from medcal import clock, routes
from medcal.api.answers import FAILURES, Posted, client, device, preferred_language, to_page
from medcal.db import in_transaction
from medcal.edge.cookies import (
    LINK,
    clear_short_cookie,
    request_secret,
    request_staff_ref,
    set_short_cookie,
    set_staff_cookie,
)
from medcal.errors import LinkExpired, SignedOut, SignInRefused, TooManyTries
from medcal.security import Actor
from medcal.services import own_account, sessions, staff_links, throttle
from medcal.services.passwords import WeakPassword

router = APIRouter()

LINK_SECONDS = 15 * 60


@router.get("/l/staff/{token}")
def follow_link(request: Request, token: str) -> RedirectResponse:
    """Exchange a one-time link for a cookie, and its address for a clean one. Opening it uses nothing up: programs that look at mail do so too."""
    spoken = preferred_language(request)
    if in_transaction(staff_links.is_open, token, clock.now()):
        answer = to_page(routes.NEW_PASSWORD, spoken)
        set_short_cookie(answer, LINK, token, LINK_SECONDS)
    else:
        answer = to_page(routes.SIGN_IN, spoken, failed="link")
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@router.post("/api/staff-password", dependencies=[Depends(Posted(routes.NEW_PASSWORD))])
def give_password(request: Request, password: Annotated[str, Form(max_length=1000)]) -> RedirectResponse:
    """The password under the link that this browser has opened; then she signs in with it."""
    now = clock.now()
    try:
        in_transaction(_count, client(request))
        in_transaction(staff_links.use_link, request_secret(request, LINK) or "", password, now=now)
    except WeakPassword as refusal:
        return to_page(routes.NEW_PASSWORD, failed=refusal.why)
    except TooManyTries:
        return to_page(routes.NEW_PASSWORD, failed="wait")
    except LinkExpired:
        answer = to_page(routes.SIGN_IN, failed="link")
    else:
        answer = to_page(routes.SIGN_IN, done="password")
    clear_short_cookie(answer, LINK)
    return answer


def _count(db: Session, address: str | None) -> None:
    """A hash costs something, and a link is guessed by nobody: few people give themselves so many passwords."""
    if address:
        throttle.count(db, f"password from {address}", limit=30, window=sessions.longest_session(), now=clock.now())


@router.post("/api/account/password", dependencies=[Depends(Posted(routes.STAFF_ACCOUNT))])
def change_password(
    request: Request,
    current: Annotated[str, Form(max_length=1000)],
    password: Annotated[str, Form(max_length=1000)],
) -> RedirectResponse:
    """A new password for who is signed in. All her sessions end; this browser gets a new one."""
    now = clock.now()
    try:
        actor = in_transaction(_who, request_staff_ref(request))
        in_transaction(own_account.count_try, actor, now=now)
        value = in_transaction(own_account.change_password, actor, current, password, device(request), now=now)
    except SignedOut:
        return to_page(routes.SIGN_IN, next=routes.STAFF_ACCOUNT)
    except WeakPassword as refusal:
        return to_page(routes.STAFF_ACCOUNT, failed=refusal.why)
    except (SignInRefused, TooManyTries) as refusal:
        return to_page(routes.STAFF_ACCOUNT, failed=FAILURES[type(refusal)])
    answer = to_page(routes.STAFF_ACCOUNT, done="password")
    set_staff_cookie(answer, value, max_age=int(sessions.longest_session().total_seconds()))
    return answer


def _who(db: Session, ref: str | None) -> Actor:
    actor = sessions.find_actor(db, ref, clock.now(), unfinished=True) if ref else None
    if actor is None:
        raise SignedOut
    return actor
