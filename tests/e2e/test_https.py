"""https without a proxy: what a browser then does, and what it is told to do from then on."""

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from medcal.certificate import ensure
from medcal.clock import now
from tests.e2e.support import patient, reception
from tests.e2e.support.clinic import OpenClinic, open_clinic
from tests.e2e.support.processes import free_port, redirect, web_worker
from tests.support.factories import PASSWORD


@pytest.fixture(scope="module")
def https(site: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of a clinic on https, and of plain http beside it."""
    folder, port, plain = tmp_path_factory.mktemp("https"), free_port(), free_port()
    certificate, key = ensure(folder, now=now())
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False).replace("+psycopg", ""),
        "MEDCAL_HOME": str(folder),
        "MEDCAL_PORT": str(port),
        "MEDCAL_URL": f"https://localhost:{port}",
        "GRANIAN_SSL_CERTIFICATE": str(certificate),
        "GRANIAN_SSL_KEYFILE": str(key),
    }
    with web_worker(site, port, environment, folder), redirect(plain, environment["MEDCAL_URL"], folder):
        yield environment["MEDCAL_URL"], f"http://localhost:{plain}"


@pytest.fixture
def page(https: tuple[str, str], chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(base_url=https[0], ignore_https_errors=True, locale="en-GB")
    yield context.new_page()
    context.close()


def test_a_browser_books_and_signs_in_with_cookies_that_never_leave_https(
    https: tuple[str, str], page: Page, engine: Engine
) -> None:
    clinic: OpenClinic = open_clinic(engine)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)

    answer = page.goto("/")
    assert answer is not None
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "upgrade-insecure-requests" in answer.headers["content-security-policy"]
    patient.book(page, clinic, clinic.at(4, "10:30"))
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(clinic.sam.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(reception.calendar(page)).to_be_visible()

    cookies = page.context.cookies()
    assert {cookie["name"] for cookie in cookies} == {f"__Host-medcal_{name}" for name in ("visit", "session", "known")}
    assert all(cookie["secure"] and cookie["httpOnly"] for cookie in cookies)
    # Nobody vouches for the certificate, so there is no help for those who are offline.
    assert set(said) <= {"An SSL certificate error occurred when fetching the script."}


def test_old_tls_is_not_spoken(https: tuple[str, str]) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode, context.maximum_version = False, ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2
    address = urlsplit(https[0])

    with socket.create_connection((address.hostname, address.port), 5) as line, pytest.raises((ssl.SSLError, OSError)):
        context.wrap_socket(line)


def test_plain_http_leads_to_the_same_page_on_https(https: tuple[str, str], page: Page) -> None:
    page.goto(f"{https[1]}/find")

    assert page.url == f"{https[0]}/find"
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_what_is_sent_in_the_clear_is_refused(https: tuple[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{https[1]}/api/sign-in", data=b"password=x", timeout=5)
