"""A running clinic and a real browser: one server, one scheduler and one Chromium for all journeys, one clinic for each.

`manage.py test e2e` says by TEST_SITE where the built pages are and by TEST_CHROMIUM which browser to take; without
them the pages are built when their sources have changed, and Playwright's own browser or the system's is taken.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from sqlalchemy import Engine, create_engine

from medcal.models import StaffUser
from tests.e2e.support.clinic import OpenClinic, open_clinic
from tests.e2e.support.post import Post
from tests.e2e.support.processes import PROJECT, free_port, scheduler, web_worker
from tests.e2e.support.watch import Watch
from tests.support import databases
from tests.support.sink import Sink

# Far from the clinic's Vienna, with other dates and a clock of twelve hours: who mixes up zones shows it here.
ELSEWHERE = {"locale": "en-US", "timezone_id": "America/New_York", "reduced_motion": "reduce"}
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
TRACES = Path(os.environ.get("MEDCAL_HOME") or PROJECT / ".medcal") / "traces"
# Long enough for a machine that does something else as well.
PATIENCE_MS = 10_000
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys come last: Playwright's event loop, once started, leaves no room for those of other tests."""
    items.sort(key=lambda item: "tests/e2e/" in item.path.as_posix())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


FAILED = pytest.StashKey[bool]()


# --- The clinic -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def site() -> Path:
    """The built pages of today's sources."""
    if given := os.environ.get("TEST_SITE"):
        return Path(given)
    from tools.frontend import build
    from tools.processes import Family

    with Family() as family:
        return build(family)


@pytest.fixture(scope="session")
def webhook_of_all() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    name = databases.new_name()
    engine = create_engine(databases.copy_template(name).replace("postgresql://", "postgresql+psycopg://", 1))
    yield engine
    engine.dispose()
    databases.drop(name)


@pytest.fixture(scope="session")
def url(site: Path, webhook_of_all: Sink, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the clinic, open and with a scheduler at work."""
    folder, port = tmp_path_factory.mktemp("clinic"), free_port()
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False).replace("+psycopg", ""),
        "MEDCAL_HOME": str(folder),
        "MEDCAL_PORT": str(port),
        "MEDCAL_URL": f"http://localhost:{port}",
        "N8N_WEBHOOK_URL": webhook_of_all.url,
        "N8N_WEBHOOK_SECRET": webhook_of_all.secret.decode(),
        "WEBHOOK_ALLOW_PRIVATE": "1",
    }
    with web_worker(site, port, environment, folder), scheduler(environment, folder):
        yield environment["MEDCAL_URL"]


@pytest.fixture
def clinic(url: str, engine: Engine) -> OpenClinic:
    """A clinic of the journey's own, open for business."""
    return open_clinic(engine)


@pytest.fixture
def post(clinic: OpenClinic, webhook_of_all: Sink) -> Iterator[Post]:
    """What is mailed; every call must be signed as agreed."""
    yield Post(webhook_of_all, clinic.opened_at)
    forged = [call.id for call in webhook_of_all.calls if not call.is_genuine]
    assert not forged


# --- The browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium_of(playwright), args=FLAGS)
        yield browser
        browser.close()


def _chromium_of(playwright: Playwright) -> str:
    candidates = [
        os.environ.get("TEST_CHROMIUM"),
        playwright.chromium.executable_path,
        *(shutil.which(name) for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")),
    ]
    return next(path for path in candidates if path and Path(path).exists())


@pytest.fixture
def watches() -> dict[BrowserContext, Watch]:
    """Who looks over the shoulder of each browser."""
    return {}


@pytest.fixture
def allow(watches: dict[BrowserContext, Watch]) -> Callable[..., None]:
    """allow(page, "pattern"): a fault that the journey brings about on purpose."""
    return lambda page, *patterns: watches[page.context].allow(*patterns)


@pytest.fixture
def open_browser(
    url: str,
    clinic: OpenClinic,
    chromium: Browser,
    watches: dict[BrowserContext, Watch],
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Page]]:
    """open_browser(): an empty tab of a browser of its own, with cookies of its own.

    `staff` is who has signed in there, `visit` the visit cookie of a patient; the rest are options of Playwright.
    """

    def open_one(staff: StaffUser | None = None, visit: str = "", width: int = 1280, **options: Any) -> Page:
        view = {"viewport": {"width": width, "height": 900}, "service_workers": "block"}
        context = chromium.new_context(base_url=url, **ELSEWHERE | view | options)
        context.set_default_timeout(PATIENCE_MS)
        watches[context] = Watch(urlsplit(url).netloc)
        watches[context].over(context)
        cookies = {"medcal_session": clinic.session_of(staff) if staff else "", "medcal_visit": visit}
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items() if value])
        context.tracing.start(snapshots=True, sources=False, title=request.node.name)
        return context.new_page()

    yield open_one
    is_failed = request.node.stash.get(FAILED, False)
    for number, context in enumerate(watches):
        _close(context, request.node.name if is_failed else "", number)
    if complaints := {complaint: None for watch in watches.values() for complaint in watch.complaints}:
        pytest.fail("\n".join(complaints), pytrace=False)


def _close(context: BrowserContext, failed: str, number: int) -> None:
    """With the name of a test that failed: what was seen, as a trace and as a picture."""
    if failed:
        name = re.sub(r"\W+", "-", f"{failed}-{number}")
        context.tracing.stop(path=TRACES / f"{name}.zip")
        for page in context.pages:
            page.screenshot(path=TRACES / f"{name}.png", full_page=True)
    else:
        context.tracing.stop()
    context.close()


@pytest.fixture
def page(open_browser: Callable[..., Page]) -> Page:
    """A patient's browser that nobody knows yet."""
    return open_browser()


@pytest.fixture
def desk(open_browser: Callable[..., Page], clinic: OpenClinic) -> Page:
    """Sam's browser, signed in."""
    return open_browser(staff=clinic.sam)
