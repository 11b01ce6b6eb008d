"""A doctor's calendar for her own calendar program, at an address that nobody else knows."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response

from medcal import clock
from medcal.api.answers import client, problem
from medcal.db import in_transaction
from medcal.edge.limits import Bucket
from medcal.i18n import t
from medcal.services import feeds

router = APIRouter()

# A program reads every few minutes, but a whole clinic may sit behind one address.
READS_PER_SECOND, READS_AT_ONCE = 1.0, 60.0
MOST_ADDRESSES = 10_000
# May be kept by who has the address, and asked about each time.
KEPT = {"Cache-Control": "private, no-cache", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


@router.api_route("/feed/{token}.ics", methods=["GET", "HEAD"])
def read(request: Request, token: str, if_none_match: Annotated[str, Header(max_length=1000)] = "") -> Response:
    """The calendar, or 304 where the program has it already; 404 for an address that is unknown or was taken back."""
    if not _may_ask(client(request) or ""):
        answer = problem(429, t("Too many tries. Please wait a few minutes and try again."))
        answer.headers["Retry-After"] = "60"
        return answer
    reading = in_transaction(feeds.read_feed, token, if_none_match, clock.now())
    headers = {**KEPT, "ETag": reading.etag}
    if reading.text is None:
        return Response(status_code=304, headers=headers)
    return Response(reading.text, media_type="text/calendar; charset=utf-8", headers=headers)


_callers: dict[str, Bucket] = {}


def _may_ask(address: str) -> bool:
    """Counted before anything is looked up: who guesses tokens learns nothing, and no faster."""
    if len(_callers) > MOST_ADDRESSES:
        _callers.clear()
    bucket = _callers.setdefault(address, Bucket(READS_PER_SECOND, READS_AT_ONCE))
    return bucket.take(clock.now().timestamp())
