"""A copy of a patient's data, handed to the browser that a one-time code has opened them to. By POST, so no address names her."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlmodel import Session

from medcal import clock, routes
from medcal.api.answers import Posted, client
from medcal.db import in_transaction
from medcal.edge.cookies import request_visit_ref
from medcal.errors import Invalid, NotFound
from medcal.i18n import t
from medcal.services import own_requests
from medcal.viewmodels.own_data import as_page

router = APIRouter()


@router.post("/api/appointment/data", dependencies=[Depends(Posted(routes.YOUR_DATA))])
def give_own_data(
    request: Request, person: Annotated[uuid.UUID, Form()], form: Annotated[Literal["html", "json"], Form()]
) -> Response:
    """As a page to read or print, or as a file for machines. Without a code that still holds: back to the page, which asks for one."""
    visit, now = request_visit_ref(request), clock.now()
    try:
        if visit is None:
            raise NotFound
        in_transaction(own_requests.count_copy, visit, client(request), now=now)
        return _answer(in_transaction(_data, visit, person, form, now), form)
    except NotFound:
        raise Invalid(t("Your code has run out. Please ask for a new one.")) from None


def _data(db: Session, visit: str, person: uuid.UUID, form: str, now: datetime) -> str:
    found = own_requests.give_own(db, visit, person, now=now)
    return as_page(found) if form == "html" else found.as_json()


def _answer(text: str, form: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    if form == "html":
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)
    # No name in the file's name: it stands in lists of downloads.
    headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return Response(text, media_type="application/json", headers=headers)
