"""A patient's way to her appointments: a mailed link, or a one-time code.

Each time more is opened to a browser, its visit gets a new cookie.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from medcal import clock, routes
from medcal.api.answers import Posted, client, preferred_language, to_page
from medcal.config import settings
from medcal.db import in_transaction
from medcal.edge.cookies import (
    CONTACT,
    clear_short_cookie,
    clear_visit_cookie,
    request_secret,
    request_visit_ref,
    set_short_cookie,
    set_visit_cookie,
)
from medcal.errors import LinkExpired
from medcal.security import digest, new_secret, seal, unseal
from medcal.services import access, one_time_codes, proof_of_work

router = APIRouter()


@router.get("/l/{token}")
def follow_link(request: Request, token: str) -> RedirectResponse:
    """Exchange a mailed link for access, and its address for a clean one. Opening it changes nothing else."""
    value = new_secret()
    try:
        opened = in_transaction(_exchange, token, request_visit_ref(request), digest(value))
    except LinkExpired:
        answer = to_page(routes.OLD_LINK, preferred_language(request))
    else:
        answer = _page_of(opened)
        set_visit_cookie(answer, value)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _exchange(db: Session, token: str, old_visit: str | None, new_visit: str) -> access.Opened:
    now = clock.now()
    if old_visit:
        access.carry_over(db, old_visit, new_visit, now)
    return access.exchange(db, token, new_visit, now)


def _page_of(opened: access.Opened) -> RedirectResponse:
    """Where a link leads.

    What the patient came for is named, so that the page opens the right dialog; a button does it.
    """
    if opened.is_offer:
        return to_page(routes.OFFER, opened.language)
    if opened.is_wish:
        return to_page(routes.WISH, opened.language)
    wish = {"wish": opened.purpose} if opened.purpose in ("confirm", "cancel") else {}
    return to_page(routes.APPOINTMENT, opened.language, **wish)


@router.post("/api/appointment/code", dependencies=[Depends(Posted(routes.FIND_APPOINTMENT))])
def send_code(
    request: Request,
    contact: Annotated[str, Form(max_length=200)],
    proof: Annotated[str, Form(max_length=400)] = "",
) -> RedirectResponse:
    """Send a code if we know the contact; the answer is the same if we do not."""
    answer = to_page(routes.FIND_APPOINTMENT, step="code")
    visit = request_visit_ref(request) or set_visit_cookie(answer)
    # Not of this very browser: a visit may get another cookie between the page and its form.
    in_transaction(proof_of_work.spend, proof, "code", lasts=one_time_codes.CHALLENGE_LASTS, now=clock.now())
    in_transaction(one_time_codes.count_code_wish, contact, client(request), now=clock.now())
    in_transaction(one_time_codes.send_code, contact, visit, clock.now())
    _keep_contact(answer, contact)
    return answer


@router.post("/api/appointment/open", dependencies=[Depends(Posted(routes.FIND_APPOINTMENT))])
def open_with_code(
    request: Request,
    code: Annotated[str, Form(max_length=20)],
) -> RedirectResponse:
    """Show the appointments that belong to the contact which the code was sent to."""
    value, contact = new_secret(), _kept_contact(request)
    if not contact or not in_transaction(_open, contact, code, request_visit_ref(request), digest(value)):
        return to_page(routes.FIND_APPOINTMENT, step="code", failed="code")
    answer = to_page(routes.APPOINTMENT)
    set_visit_cookie(answer, value)
    clear_short_cookie(answer, CONTACT)
    return answer


def _open(db: Session, contact: str, code: str, old_visit: str | None, new_visit: str) -> bool:
    now = clock.now()
    if not old_visit or not one_time_codes.open_with_code(db, contact, code, old_visit, becomes=new_visit, now=now):
        return False
    access.carry_over(db, old_visit, new_visit, now)
    return True


@router.post("/api/appointment/leave", dependencies=[Depends(Posted(routes.FIND_APPOINTMENT))])
def leave(request: Request) -> RedirectResponse:
    """Forget the patient on this device."""
    if visit := request_visit_ref(request):
        in_transaction(access.leave, visit)
    answer = to_page(routes.HOME)
    clear_visit_cookie(answer)
    clear_short_cookie(answer, CONTACT)
    return answer


def _keep_contact(answer: Response, contact: str) -> None:
    """For the second step of the form: an address has no place for it, and the server keeps its digest alone."""
    sealed = seal(settings().secret_key, contact, CONTACT).rstrip("=")
    set_short_cookie(answer, CONTACT, sealed, int(one_time_codes.CODE_LASTS.total_seconds()))


def _kept_contact(request: Request) -> str | None:
    sealed = request_secret(request, CONTACT) or ""
    return unseal(settings().secret_key, sealed + "=" * (-len(sealed) % 4), CONTACT)
