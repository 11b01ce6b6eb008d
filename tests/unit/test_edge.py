"""The outermost layer, in front of an application that tells what it was given."""

import asyncio
import json
import re
import uuid
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from medcal.edge import cookies
from medcal.edge.asgi import edge
from medcal.edge.limits import Limits
from medcal.edge.pages import Pages
from medcal.edge.sockets import Listener, Speaker
from medcal.security import digest
from tests.support.asgi import Browser, Closed, Socket

STAFF, VISIT = "staff-cookie-0000000000", "visit-cookie-0000000000"
SCRIPT = "document.title"
HELLO = "40/_event,{}"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers HTML for every address, like Reflex, and repeats what it hears on a websocket."""
    if scope["type"] == "websocket":
        await _repeat(scope, receive, send)
        return
    request = Request(scope, receive)
    answer: Response = HTMLResponse(f"<h1>{scope['path']}</h1>")
    if scope["path"].startswith("/api"):
        answer = JSONResponse({"body": len(await request.body())})
    elif scope["path"].startswith(("/assets", "/sw.js")):
        answer = PlainTextResponse("script", media_type="text/javascript")
    elif scope["path"].startswith("/unchanged"):
        answer = Response(status_code=304)
    await answer(scope, receive, send)


async def _repeat(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    scene = {"headers": headers, "query": scope["query_string"].decode(), "client": scope["client"][0]}
    await send({"type": "websocket.send", "text": json.dumps(scene)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built front end with two pages and the one that finds out in the browser."""
    for page in ("", "sign-in", "de"):
        (tmp_path / page).mkdir(exist_ok=True)
        (tmp_path / page / "index.html").write_text(
            f'<script src="/x.js"></script><script type="module">{SCRIPT}</script>'
        )
    (tmp_path / "404.html").write_text("<script>other</script>")
    (tmp_path / "offline.html").write_text("<h1>offline</h1>")
    return tmp_path


Configure = Callable[..., None]


@pytest.fixture
def client(folder: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch) -> Browser:
    return _client(folder, configured, monkeypatch, "http://clinic.test")


@pytest.fixture
def https_client(folder: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch) -> Browser:
    return _client(folder, configured, monkeypatch, "https://clinic.test")


def _client(folder: Path, configured: Configure, monkeypatch: pytest.MonkeyPatch, url: str) -> Browser:
    configured(MEDCAL_URL=url)
    monkeypatch.setattr("medcal.edge.sockets.own_origins", lambda: [url])
    limits = Limits(messages_at_once=10, messages_per_second=1, frame_characters=1_000, body_bytes=1_000)
    known = {"/cardiology", "/doctors/ada-okafor"}.__contains__
    return Browser(edge(application, known=known, limits=limits, folder=folder), url)


def socket(client: Browser, token: str | None = None, **headers: str) -> Socket:
    address = f"/_event/?token={token or uuid.uuid4()}&EIO=4&transport=websocket"
    return client.socket(address, **{"origin": client.url} | headers)


def scene(client: Browser, token: str | None = None, **headers: str) -> dict[str, Any]:
    """What Reflex gets to see of a handshake."""
    with socket(client, token, **headers) as opened:
        return dict(json.loads(opened.receive()))


# Pages


@pytest.mark.parametrize("path", ["/staff", "/staff/", "/de/staff/messages", "/staff/settings/people"])
def test_search_engines_keep_no_page_of_the_staff(client, path):
    assert client.get(path).headers["x-robots-tag"] == "noindex"
    assert "x-robots-tag" not in client.get("/cardiology").headers


@pytest.mark.parametrize("path", ["/", "/sign-in", "/de", "/cardiology", "/doctors/ada-okafor"])
def test_pages_answer_without_a_detour(client, path):
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("path", ["/nonsense", "/doctors/nobody", "/de/nonsense", "/" + "x" * 300])
def test_unknown_addresses_are_not_found_but_show_the_page(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert "<h1>" in answer.text


def test_the_page_for_being_offline_is_a_file(client):
    answer = client.get("/offline.html")

    assert answer.status_code == 200
    assert "script-src 'self' 'unsafe-eval';" in answer.headers["content-security-policy"]
    assert client.get("/invented.html").status_code == 404


def test_the_service_worker_may_fetch(client):
    assert "connect-src 'self'" in client.get("/sw.js").headers["content-security-policy"]


def test_whether_an_address_exists_is_asked_once(folder):
    asked = []
    client = Browser(
        edge(application, known=lambda path: bool(asked.append(path)), folder=folder), "http://clinic.test"
    )

    for _ in range(3):
        client.get("/nonsense")

    assert asked == ["/nonsense"]


def test_invented_addresses_do_not_keep_the_database_busy(folder):
    asked: list[str] = []

    async def known(path: str) -> bool:
        asked.append(path)
        return False

    async def invent() -> None:
        pages = Pages(folder, known)
        for number in range(1_000):
            await pages.exists(f"/nonsense-{number}")

    asyncio.run(invent())

    assert 100 <= len(asked) < 300


def test_without_a_database_a_page_is_not_called_missing(folder):
    def known(path: str) -> bool:
        raise OSError("no database")

    client = Browser(edge(application, known=known, folder=folder), "http://clinic.test")

    assert client.get("/cardiology").status_code == 200


def test_the_question_may_be_asynchronous(folder):
    async def known(path: str) -> bool:
        return path == "/cardiology"

    client = Browser(edge(application, known=known, folder=folder), "http://clinic.test")

    assert (client.get("/cardiology").status_code, client.get("/other").status_code) == (200, 404)


@pytest.mark.parametrize("path", ["/_upload", "/_upload/file", "/_event", "/_event/?transport=polling", "/_all_routes"])
def test_reflex_own_addresses_are_closed(client, path):
    assert client.get(path).status_code == client.post(path, content=b"x").status_code == 404


# Headers


def test_pages_may_run_only_their_own_scripts(client):
    policy = client.get("/sign-in").headers["content-security-policy"]
    of_others = client.get("/cardiology").headers["content-security-policy"]

    expected = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'self' 'unsafe-eval' 'sha256-{expected}';" in policy
    assert "script-src 'self' 'unsafe-eval' 'sha256-" in of_others
    assert expected not in of_others
    assert "connect-src 'self' ws://clinic.test;" in policy
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert rule in policy


@pytest.mark.parametrize("path", ["/", "/nonsense", "/api/health", "/assets/x-12345678.js", "/_upload", "/unchanged"])
def test_every_answer_carries_the_security_headers(client, path):
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


def test_https_stays_https(https_client):
    headers = https_client.get("/").headers

    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert "connect-src 'self' wss://clinic.test;" in headers["content-security-policy"]
    assert "upgrade-insecure-requests" in headers["content-security-policy"]


def test_a_clinic_with_plain_http_below_its_name_keeps_that(configured, https_client):
    configured(HSTS_THIS_HOST_ALONE="1")

    assert https_client.get("/").headers["strict-transport-security"] == "max-age=63072000"


@pytest.mark.parametrize("path", ["/unchanged", "/unchanged.html"])
def test_an_unchanged_page_keeps_its_policy(client, path):
    assert "script-src" in client.get(path).headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/assets/root-DBTGSq2z.js", "public, max-age=31536000, immutable"),
        ("/assets/_404_._index-DrRUkQl_.js", "public, max-age=31536000, immutable"),
        ("/assets/reflex-env-1rsDk_3t.js", "public, no-cache"),
        ("/assets/logo.svg", "public, no-cache"),
        ("/api/health", "no-store"),
        ("/nonsense", "private, no-cache"),
    ],
)
def test_how_long_browsers_keep_things(client, path, kept):
    assert client.get(path).headers["cache-control"] == kept


# Bodies


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_have_a_size_that_people_need(client, chunked):
    def body(size: int) -> Any:
        return _in_parts(size) if chunked else b"x" * size

    assert client.post("/api/echo", content=body(1_000)).json() == {"body": 1_000}
    assert client.post("/api/echo", content=body(1_002)).status_code == 413


async def _in_parts(size: int) -> AsyncIterator[bytes]:
    yield b"x" * (size // 2)
    yield b"x" * (size // 2)


def test_a_body_that_breaks_off_is_not_taken_for_whole(folder):
    async def post() -> list[Any]:
        said = iter([{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}])
        scope = {"type": "http", "method": "POST", "path": "/api/echo", "headers": []}
        heard: list[Any] = []

        async def receive() -> Any:
            return next(said)

        async def send(message: Any) -> None:
            heard.append(message)

        await edge(application, folder=folder)(scope, receive, send)
        return heard

    assert asyncio.run(post())[0]["status"] == 413


def test_a_length_that_lies_does_not_help(client):
    assert client.post("/api/echo", content=b"x" * 2_000, headers={"content-length": "10"}).status_code == 413


# Cookies


def test_every_browser_gets_a_visit_of_its_own_once(client):
    first = client.get("/")
    again = client.get("/sign-in")

    assert re.fullmatch(
        r"medcal_visit=[\w-]{43}; HttpOnly; Max-Age=7776000; Path=/; SameSite=lax", first.headers["set-cookie"]
    )
    assert "set-cookie" not in again.headers


def test_on_https_the_cookie_belongs_to_this_host_alone(https_client):
    cookie = https_client.get("/").headers["set-cookie"]

    assert cookie.startswith("__Host-medcal_visit=")
    assert "; Secure" in cookie
    assert "; Path=/" in cookie
    assert "HttpOnly" in cookie


@pytest.mark.parametrize("path", ["/api/health", "/assets/root-DBTGSq2z.js", "/_upload", "/favicon.ico"])
def test_only_pages_give_cookies(client, path):
    assert "set-cookie" not in client.get(path).headers


@pytest.mark.usefixtures("client")
def test_the_staff_cookie_comes_and_goes():
    response = Response()
    cookies.set_staff_cookie(response, STAFF)
    cookies.clear_staff_cookie(response)

    given, taken = response.headers.getlist("set-cookie")
    assert given.startswith(f"medcal_session={STAFF}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax")
    assert taken.startswith('medcal_session=""; HttpOnly; Max-Age=0; Path=/; SameSite=lax')


@pytest.mark.parametrize(
    "line",
    [
        "medcal_session=short",
        "medcal_session=" + "x" * 300,
        'medcal_session="quoted-quoted-quoted-quoted"',
        f"medcal_session={STAFF}; medcal_session=of-a-neighbouring-host",
        f"__Host-medcal_session={STAFF}",
        f"other={STAFF}",
        "",
    ],
)
@pytest.mark.usefixtures("client")
def test_what_is_not_clearly_our_cookie_is_none(line):
    request = Request({"type": "http", "headers": [(b"cookie", line.encode())]})

    assert cookies.request_staff_ref(request) is None


@pytest.mark.usefixtures("client")
def test_requests_are_known_by_reference():
    request = Request(
        {"type": "http", "headers": [(b"cookie", f"a=b; medcal_session={STAFF}; medcal_visit={VISIT}".encode())]}
    )

    assert cookies.request_staff_ref(request) == digest(STAFF)
    assert cookies.request_visit_ref(request) == digest(VISIT)


# Websockets


def test_reflex_sees_references_and_no_cookie(client):
    seen = scene(
        client, cookie=f"medcal_session={STAFF}; medcal_visit={VISIT}", authorization="Medcal staff=" + "a" * 64
    )

    assert cookies.staff_ref(seen["headers"]) == digest(STAFF)
    assert cookies.visit_ref(seen["headers"]) == digest(VISIT)
    assert STAFF not in str(seen)
    assert VISIT not in str(seen)
    assert "a" * 64 not in str(seen)


def test_reflex_sees_no_header_that_it_does_not_need(client):
    seen = scene(
        client, **{"x-api-key": "k", "x-forwarded-for": "6.6.6.6", "proxy-secret": "s", "user-agent": "u" * 900}
    )

    assert not {"x-api-key", "x-forwarded-for", "proxy-secret", "cookie"} & set(seen["headers"])
    assert seen["headers"]["user-agent"] == "u" * 500
    assert seen["client"] == "192.0.2.1"


def test_a_socket_without_an_origin_has_no_identity(client):
    token = str(uuid.uuid4())
    with client.socket(f"/_event/?token={token}", cookie=f"medcal_session={STAFF}") as opened:
        seen = json.loads(opened.receive())

    assert cookies.staff_ref(seen["headers"]) is None


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://clinic.test", "http://clinic.test.evil.example"]
)
def test_foreign_pages_open_no_socket(client, origin):
    with pytest.raises(Closed):
        scene(client, origin=origin)


@pytest.mark.parametrize(
    "address", ["/", "/_event/?token=1", "/_event/", "/_event/more?token={}", "/_event/?token={}&token={}"]
)
def test_sockets_live_at_one_address_and_bring_one_token(client, address):
    token = str(uuid.uuid4())

    with pytest.raises(Closed), client.socket(address.format(token, token), origin=client.url):
        pass


def test_a_token_alone_opens_nobodys_state(client):
    token = str(uuid.uuid4())

    keys = {
        scene(client, token)["query"],
        scene(client, token, cookie=f"medcal_visit={VISIT}")["query"],
        scene(client, token, cookie=f"medcal_visit={VISIT}; medcal_session={STAFF}")["query"],
        scene(client, token, cookie=f"medcal_visit={VISIT}x; medcal_session={STAFF}")["query"],
        scene(client, cookie=f"medcal_visit={VISIT}")["query"],
    }
    again = scene(client, token, cookie=f"medcal_visit={VISIT}")["query"]

    assert len(keys) == 5
    assert again in keys
    assert not any(token in key for key in keys)


def test_reflex_hears_what_our_pages_say(client):
    with socket(client) as opened:
        opened.receive()
        opened.send(HELLO)
        opened.send('42/_event,["ping"]')

        assert opened.receive() == "40/_event,{}"
        assert opened.receive() == '42/_event,["ping"]'


def test_frames_of_attackers_close_the_socket(client):
    for frame in ('42/_event,["ping"]', "451-/_event,[]", "hello"):
        with socket(client) as opened:
            opened.receive()
            opened.send(frame)
            with pytest.raises(Closed) as closed:
                opened.receive()
            assert closed.value.code == 1008


def test_bytes_close_the_socket(client):
    with socket(client) as opened:
        opened.receive()
        opened.send(b"40/_event,")
        with pytest.raises(Closed):
            opened.receive()


def test_a_flood_closes_the_socket(client):
    with socket(client) as opened:
        opened.receive()
        opened.send(HELLO)
        for _ in range(20):
            opened.send('42/_event,["ping"]')

        heard = [opened.receive() for _ in range(10)]
        with pytest.raises(Closed):
            opened.receive()

    assert len(heard) == 10


def test_a_message_that_is_too_long_is_answered_kindly_and_goes_no_further(client):
    with socket(client) as opened:
        opened.receive()
        opened.send(HELLO)
        opened.receive()
        opened.send('42/_event,["event",{"name":"' + "x" * 2_000 + '"}]')

        answer = opened.receive()

    assert "That did not work. Please reload the page and try again." in answer
    assert "xxx" not in answer


def test_an_event_that_nobody_answers_is_answered_kindly(client):
    with socket(client) as opened:
        opened.receive()
        opened.send(HELLO)
        opened.receive()
        opened.send('42/_event,["event",{"name":"state.gone"}]')

        assert "Please reload the page" in opened.receive()


def test_a_browser_that_takes_nothing_in_is_given_up():
    async def stuck(message: Any) -> None:
        await asyncio.sleep(10)

    async def talk() -> Any:
        speak = Speaker(stuck, seconds=0.01)
        with pytest.raises(TimeoutError):
            await speak({"type": "websocket.send", "text": "x"})
        return await Listener(_say(HELLO), speak, Limits(), known=())()

    assert asyncio.run(talk()) == {"type": "websocket.disconnect", "code": 1001}


def _say(frame: str) -> Any:
    async def receive() -> Any:
        return {"type": "websocket.receive", "text": frame}

    return receive


def test_a_socket_that_says_nothing_is_closed(folder, monkeypatch):
    monkeypatch.setattr("medcal.edge.sockets.own_origins", lambda: ["http://clinic.test"])
    client = Browser(edge(application, limits=Limits(seconds_to_connect=0), folder=folder), "http://clinic.test")

    with socket(client) as opened:
        opened.receive()
        with pytest.raises(Closed) as closed:
            opened.receive()

    assert closed.value.code == 1001
