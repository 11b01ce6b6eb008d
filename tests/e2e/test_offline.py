"""Without a connection, and at addresses where nothing is."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.support.clinic import OpenClinic

GONE = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "WebSocket")


def test_a_page_of_our_own_stands_in_while_there_is_no_connection(
    open_browser: Callable[..., Page], clinic: OpenClinic, allow: Callable[..., None]
) -> None:
    page = open_browser(service_workers="allow")
    allow(page, *GONE)
    page.goto("/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    page.context.set_offline(True)
    page.goto("/cardiology")
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    expect(page.get_by_text("Sie sind offline.")).to_be_visible()

    page.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Cardiology")).to_be_visible()


def test_an_open_page_says_that_it_is_offline_and_goes_on_by_itself(
    page: Page, clinic: OpenClinic, url: str, allow: Callable[..., None]
) -> None:
    allow(page, *GONE, "127.0.0.1")
    # By name, "localhost" is never offline to the library that keeps the line open.
    page.goto(url.replace("localhost", "127.0.0.1") + "/cardiology")
    expect(page.get_by_role("article").first).to_be_visible()
    notice = page.get_by_role("status").filter(has_text="You are offline.")
    expect(notice).to_be_hidden()

    page.context.set_offline(True)
    expect(notice).to_be_visible()

    page.context.set_offline(False)
    expect(notice).to_be_hidden()


@pytest.mark.parametrize("path", ["/no-such-specialty", "/doctors/nobody", "/staff/nothing", "/a/b/c"])
def test_an_address_without_a_page_says_so_with_a_real_404(
    page: Page, clinic: OpenClinic, allow: Callable[..., None], path: str
) -> None:
    allow(page, "404")

    answer = page.goto(path)

    assert answer and answer.status == 404
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.get_by_role("link", name="To the first page").click()
    expect(page.get_by_role("heading", name="Find the doctor you need")).to_be_visible()
