"""What patients and attackers meet behind the shipped nginx.conf and Caddyfile."""

import os
import re
import ssl
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Engine
from sqlmodel import Session, select

from medcal.models import StaffSession
from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic
from tests.proxies.support.proxy import HOST, Proxy, own_address
from tests.support.factories import PASSWORD
from tests.support.waiting import eventually

ORIGIN = f"https://{HOST}"
ONCE = (
    "strict-transport-security",
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "cache-control",
    "content-type",
)
FORGED = "203.0.113.9"
FORM = {"Content_Type": "application/x-www-form-urlencoded", "Origin": ORIGIN, "Accept": "text/html"}


def sign_in(proxy: Proxy, email: str, password: str = PASSWORD, *, at: str = "127.0.0.1", **headers: str) -> str:
    """Where the answer leads."""
    form = urlencode({"email": email, "password": password})
    answer = proxy.ask("/api/sign-in", "POST", form, at=at, **FORM | headers)
    assert answer.status == 303, answer
    return answer.all("location")[0]


# --- What is served ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/appointment/find", "/sign-in", "/no-such-page", "/api/health", "/medcal.css"])
def test_each_answer_has_each_header_once(proxy: Proxy, clinic: OpenClinic, path: str) -> None:
    answer = proxy.ask(path)

    assert answer.status in (200, 404)
    assert {name: len(answer.all(name)) for name in ONCE} == dict.fromkeys(ONCE, 1)
    assert answer.all("strict-transport-security") == ["max-age=63072000; includeSubDomains"]
    [kind] = answer.all("content-type")
    assert kind == "application/json" or kind.lower().endswith("charset=utf-8")


@pytest.mark.parametrize(
    "path", ["/.git/config", "/.env", "/assets/", "/fonts/", "/../requirements.txt", "/%2e%2e/rxconfig.py"]
)
def test_nothing_but_pages_is_served(proxy: Proxy, clinic: OpenClinic, path: str) -> None:
    answer = proxy.ask(path)

    assert answer.status in (400, 404)
    assert not {"[core]", "medcal", "woff2"} & set(answer.body.split())


def test_cookies_never_leave_https_nor_this_host(proxy: Proxy) -> None:
    [cookie] = proxy.ask("/").all("set-cookie")

    assert cookie.startswith("__Host-medcal_visit=")
    assert {"secure", "httponly", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert "domain" not in cookie.lower()


def test_a_patient_books_and_the_desk_signs_in(proxy: Proxy, clinic: OpenClinic, chromium: Browser) -> None:
    """The websocket is open for all of it, at an address of the public name."""
    browser = chromium.browser_type.launch(
        executable_path=_executable(chromium),
        args=["--no-sandbox", f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{proxy.port}"],
    )
    page = browser.new_context(base_url=ORIGIN, ignore_https_errors=True, locale="en-GB").new_page()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))

    patient.book(page, clinic, clinic.at(4, "10:30"))
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(clinic.sam.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(reception.calendar(page)).to_be_visible()

    assert sockets and all(url.startswith(f"wss://{HOST}/_event/") for url in sockets)
    browser.close()


def _executable(chromium: Browser) -> str | None:
    return os.environ.get("TEST_CHROMIUM") or chromium.browser_type.executable_path


def test_our_pages_open_sockets_and_those_of_others_do_not(proxy: Proxy) -> None:
    assert proxy.handshake(Origin=ORIGIN) == 101
    assert proxy.handshake(Origin="https://evil.example") in (403, 502)


def test_there_is_no_long_polling(proxy: Proxy) -> None:
    assert proxy.ask("/_event/?EIO=4&transport=polling", Origin=ORIGIN).status == 404


# --- Plain http and TLS -----------------------------------------------------------------------------------------------


def test_plain_http_leads_to_the_same_page_of_this_clinic_whatever_a_client_says(proxy: Proxy) -> None:
    for host in (HOST, "evil.example"):
        answer = proxy.ask_plainly("/find?language=de", host=host)

        assert "evil" not in str(answer)
        if answer.status != 200:
            assert (answer.status, answer.all("location")) == (301, [f"{ORIGIN}/find?language=de"])
        else:
            # Caddy has nothing to say under a name that is not its.
            assert (host, answer.body) == ("evil.example", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/sign-in"), ("POST", "/sign-in"), ("GET", "/api/health"), ("GET", "/feed/secret.ics")],
)
def test_what_programs_ask_and_anybody_sends_in_the_clear_is_refused(proxy: Proxy, method: str, path: str) -> None:
    answer = proxy.ask_plainly(path, method, "password=x" if method == "POST" else None)

    assert (answer.status, answer.all("location")) == (403, [])


def test_old_tls_is_not_spoken(proxy: Proxy) -> None:
    with proxy.line() as line:
        assert line.version() == "TLSv1.3"
    with proxy.line(least=ssl.TLSVersion.TLSv1_2) as line:
        assert "ECDHE" in (line.cipher() or ("",))[0]
    with pytest.raises((ssl.SSLError, ConnectionError)), pytest.warns(DeprecationWarning, match="TLSv1_1"):
        proxy.line(least=ssl.TLSVersion.TLSv1_1)


# --- Who somebody is --------------------------------------------------------------------------------------------------


def test_the_real_address_is_known_and_an_invented_one_counts_for_nothing(
    proxy: Proxy, clinic: OpenClinic, engine: Engine
) -> None:
    own = own_address()
    invented = {"X_Forwarded_For": FORGED, "X_Real_IP": FORGED, "Forwarded": f"for={FORGED}"}

    assert sign_in(proxy, clinic.sam.email, at=own or "127.0.0.1", **invented) == "/staff"

    with Session(engine) as db:
        address = db.exec(select(StaffSession.address)).one()
    # Loopback stands for nobody: on a machine without a network only the invented one can be told.
    assert address == (own or "")


def test_inventing_addresses_buys_no_more_tries(proxy: Proxy, clinic: OpenClinic) -> None:
    own = own_address()
    if own is None:
        pytest.skip("this machine has no address but loopback, which is not counted")

    def guess(number: int) -> str:
        invented = {"X_Forwarded_For": f"203.0.113.{number}", "X_Real_IP": f"203.0.113.{number}"}
        return sign_in(proxy, f"nobody-{number}@clinic.example", "wrong", at=own or "", **invented)

    assert [guess(number) for number in range(41)] == ["/sign-in?failed=refused"] * 40 + ["/sign-in?failed=wait"]


def test_the_name_of_the_clinic_is_not_the_clients_to_say(proxy: Proxy, clinic: OpenClinic) -> None:
    for claimed in ({"host": "evil.example"}, {"X_Forwarded_Host": "evil.example"}, {"X_Original_URL": "/staff"}):
        for path in ("/", "/sign-in/", "/staff", "/l/nothing"):
            assert "evil.example" not in str(proxy.ask(path, **claimed))


def test_forms_of_other_pages_are_refused(proxy: Proxy, clinic: OpenClinic) -> None:
    answer = proxy.ask(
        "/api/sign-in", "POST", "email=a@b.example&password=x", **FORM | {"Origin": "https://evil.example"}
    )

    assert answer.status == 403


# --- Too much, unclear, and nothing -----------------------------------------------------------------------------------


def test_a_body_has_an_end(proxy: Proxy) -> None:
    answer = proxy.ask("/api/sign-in", "POST", "x" * 200_000, **FORM)

    assert answer.status == 413
    assert len(answer.all("strict-transport-security")) == 1


def test_a_request_has_one_length(proxy: Proxy) -> None:
    """What begins behind the shorter one must not be taken for a request of its own."""
    with proxy.line() as line:
        line.sendall(
            f"POST /api/sign-in HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {ORIGIN}\r\nContent-Length: 60\r\n"
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            f"0\r\n\r\nGET /api/health HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        )
        said = b""
        while piece := line.recv(65536):
            said += piece

    assert said.count(b"HTTP/1.1 ") == 1
    assert b"heartbeat_seconds" not in said


def test_trace_is_not_answered(proxy: Proxy) -> None:
    answer = proxy.ask("/", "TRACE", X_Secret="told-to-nobody")

    assert answer.status == 405
    assert "told-to-nobody" not in answer.body


def test_where_no_worker_is_a_page_says_so(lonely_proxy: Proxy) -> None:
    answer = lonely_proxy.ask("/find")

    assert answer.status == 502
    assert "Back in a moment" in answer.body and 'lang="de"' in answer.body
    assert answer.all("cache-control") == ["no-store"]
    assert len(answer.all("strict-transport-security")) == 1
    assert "default-src 'none'" in answer.all("content-security-policy")[0]
    assert lonely_proxy.ask("/unavailable.html").status in (404, 502)


def test_no_log_holds_a_token(proxy: Proxy) -> None:
    before = len(proxy.log.read_text())
    proxy.ask("/l/tokenOfALetter", Cookie="__Host-medcal_session=tokenOfASession")
    proxy.ask("/l/staff/tokenOfAnInvitation")
    proxy.ask("/feed/tokenOfACalendar.ics")
    proxy.ask("/auth/oidc/callback?code=tokenOfAProvider&state=x")
    proxy.ask("/_event/?EIO=4&transport=polling&token=tokenOfAPage")
    proxy.ask_plainly("/l/tokenOfALetter")
    proxy.ask("/api/health")
    eventually(lambda: "/api/health" in proxy.log.read_text()[before:], "the log has caught up")

    assert len(re.findall(r'["\s]/l/\.\.\."', proxy.log.read_text()[before:])) == 3
    for log in proxy.log.parent.glob("*.log"):
        assert "tokenOf" not in log.read_text(), log


def test_no_log_holds_a_token_where_no_worker_is_either(lonely_proxy: Proxy) -> None:
    lonely_proxy.ask("/l/staff/tokenOfAnInvitation")
    lonely_proxy.ask("/feed/tokenOfACalendar.ics?token=tokenOfAPage")
    lonely_proxy.ask("/api/health")
    eventually(lambda: "/api/health" in lonely_proxy.log.read_text(), "the log has caught up")

    for log in lonely_proxy.log.parent.glob("*.log"):
        assert "tokenOf" not in log.read_text(), log
