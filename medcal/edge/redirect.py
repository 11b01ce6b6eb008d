"""What answers on plain http where Medcal serves https itself: the way to the real address, and nothing else."""

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from medcal.config import public_url

_FOR_PROGRAMS = ("/api/", "/feed/", "/_event")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Send a reader to the same page on https. What is sent here in the clear, or asked for by a program, is refused, so that nobody goes on doing so.

    The address comes from the settings: what a client says about the host does not count.
    """
    if scope["type"] == "http":
        await _answer(scope)(scope, receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})


def _answer(scope: Scope) -> Response:
    if scope["method"] not in ("GET", "HEAD") or scope["path"].startswith(_FOR_PROGRAMS):
        return PlainTextResponse(f"Please use {public_url()}\n", 403)
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    path = scope.get("raw_path") or scope["path"].encode()
    return RedirectResponse(f"{public_url()}/{path.decode('latin-1').lstrip('/')}{query}", 308)
