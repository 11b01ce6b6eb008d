"""Where n8n says what became of a message: POST /api/n8n/callback, signed like our own calls to it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from medcal import clock
from medcal.api.answers import client, problem, sparing
from medcal.config import settings
from medcal.db import in_transaction
from medcal.edge.limits import Bucket
from medcal.errors import Invalid, NotFound
from medcal.i18n import t
from medcal.services import callbacks
from medcal.services.webhooks import BadSignature, verify

router = APIRouter()

LARGEST_BODY = 16 * 1024
# Of calls that are not genuine; the genuine ones of an n8n that catches up are many.
STRANGERS_PER_SECOND, STRANGERS_AT_ONCE = 1.0, 30.0


async def short_body(request: Request) -> bytes | None:
    """The whole body, or None for one that is longer than any callback."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


@router.post("/api/n8n/callback")
def callback(request: Request, body: Annotated[bytes | None, Depends(short_body)]) -> Response:
    """Take news about a message. The answer is the same whether or not the id is known, and whether or not it is news."""
    secret, now = settings().n8n_callback_secret, clock.now()
    if not secret:
        raise NotFound
    if body is None:
        return problem(413, t("That is more than we can take."))
    try:
        signed_id = verify(secret, request.headers, body, now)
    except BadSignature:
        return _turn_away(client(request) or "")
    try:
        news = callbacks.read(body, signed_id)
    except Invalid as refusal:
        return problem(refusal.status, str(refusal))
    in_transaction(callbacks.take_news, news, now=now)
    return JSONResponse({"accepted": signed_id}, 202, headers={"Cache-Control": "no-store"})


_strangers: dict[str, Bucket] = {}


def _turn_away(address: str) -> Response:
    """Nothing is looked up for somebody who does not know the secret; who keeps trying is told to wait."""
    sparing.warning("refused a callback that is not genuine")
    seconds = clock.now().timestamp()
    if len(_strangers) > 1_000:
        _strangers.clear()
    bucket = _strangers.setdefault(address, Bucket(STRANGERS_PER_SECOND, STRANGERS_AT_ONCE))
    if not bucket.take(seconds):
        answer = problem(429, t("Too many tries. Please wait a few minutes and try again."))
        answer.headers["Retry-After"] = "60"
        return answer
    return problem(401, t("The signature does not fit."))
