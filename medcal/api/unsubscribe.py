"""Leaving the list for something earlier with one click in the mail program (RFC 8058)."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from medcal import clock
from medcal.db import in_transaction
from medcal.services import waitlist

router = APIRouter()


@router.post("/l/{token}/unsubscribe")
def unsubscribe(token: str) -> Response:
    """Take the wish that the letter was about off the list. A mail program calls this for its reader, so nobody is asked anything;
    an unknown or old link gets the same answer.
    """
    in_transaction(waitlist.leave_by_link, token, clock.now())
    return Response("You are off the list.\n", media_type="text/plain", headers={"Cache-Control": "no-store"})


@router.get("/l/{token}/unsubscribe")
def look(token: str) -> RedirectResponse:
    """Opened as a page it leads to the offer, where a button leaves the list. Opening changes nothing."""
    return RedirectResponse(f"/l/{token}", 303, headers={"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})
