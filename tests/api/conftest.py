"""A browser without pages: it follows no redirect by itself, keeps cookies, and sends forms like one."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from medcal.api.app import build_api
from medcal.config import settings
from medcal.services import oidc_calls
from tests.support.provider import CLIENT_ID, CLIENT_SECRET, Provider

AS_A_BROWSER = {"accept": "text/html,application/xhtml+xml", "accept-language": "en-GB,en;q=0.8"}


class Browser:
    """get and post with the headers of a page of ours; `headers` replace them, None leaves one out."""

    def __init__(self, app: Any, address: str = "203.0.113.7"):
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=app, client=(address, 50_000), raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=settings().url, headers=AS_A_BROWSER)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._runner.run(self._client.get(path, headers=headers))

    def post(self, path: str, headers: dict[str, str | None] | None = None, **form: str) -> httpx.Response:
        sent = {"origin": settings().url, "sec-fetch-site": "same-origin"} | (headers or {})
        kept = {name: value for name, value in sent.items() if value is not None}
        return self._runner.run(self._client.post(path, data=form, headers=kept))

    @property
    def cookies(self) -> dict[str, str]:
        return dict(self._client.cookies)

    def take_cookie(self, name: str, value: str) -> None:
        self._client.cookies.delete(name) if name in self._client.cookies else None
        self._client.cookies.set(name, value, domain="clinic.test", path="/")

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


@pytest.fixture
def new_browser(db: Session) -> Iterator[Any]:
    """new_browser(address="…"): each has cookies of its own."""
    open_ones: list[Browser] = []

    def make(address: str = "203.0.113.7") -> Browser:
        open_ones.append(Browser(build_api(), address))
        return open_ones[-1]

    yield make
    for browser in open_ones:
        browser.close()


@pytest.fixture
def browser(new_browser: Any) -> Browser:
    return new_browser()


@pytest.fixture
def provider(configured: Callable[..., None]) -> Iterator[Provider]:
    """A provider of identity that the clinic is set up with, in the way of Auth0; roles are given here."""
    oidc_calls.forget()
    with Provider() as running:
        configured(OIDC_ISSUER=running.issuer, OIDC_CLIENT_ID=CLIENT_ID, OIDC_CLIENT_SECRET=CLIENT_SECRET)
        yield running
    oidc_calls.forget()
